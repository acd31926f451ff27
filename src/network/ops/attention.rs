//! Attention (Vaswani et al. 2017) of pixels to the text and to one another, over keys of two origins that are never put
//! together in memory.

use super::floats::floats;
use super::gelu::exp;
use super::product::{Matrix, product};
use super::rounded::operated;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Queries that a thread works on at a time: their scores stay in the cache.
const ROWS: usize = 64;
/// Numbers that are added up side by side, whatever the vectors of the CPU: the same sums everywhere.
const LANES: usize = 16;

/// `pixels` (b, n, 3 c) holds the queries, keys and values of n pixels, `text` (b, m, 2 c) the keys and values of m words; what
/// each pixel finds among both, in heads of `head` channels: (b, n, c).
///
/// # Errors
/// When the sizes do not fit.
pub fn attend(pixels: &Tensor, text: &Tensor, head: usize) -> Result<Tensor> {
    let (b, _, channels) = pixels.dims3()?;
    let fits = channels.is_multiple_of(3) && head > 0 && (channels / 3).is_multiple_of(head) && channels > 0;
    if !fits || text.dims3().ok().is_none_or(|(of, _, two)| (of, two) != (b, channels / 3 * 2)) {
        bail!("heads of {head} channels do not fit pixels of {:?} and text of {:?}", pixels.dims(), text.dims());
    }
    operated(pixels, |pixels| pixels.apply_op2_no_bwd(&text.to_dtype(pixels.dtype())?.contiguous()?, &Attend(head)))
}

fn scale(head: usize) -> f64 {
    (head as f64).powf(-0.5)
}

struct Attend(usize);

impl CustomOp2 for Attend {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(&self, pixels: &CpuStorage, pixels_at: &Layout, text: &CpuStorage, text_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, n, three) = pixels_at.shape().dims3()?;
        let channels = three / 3;
        let (pixels, text) = (floats(pixels, pixels_at)?, floats(text, text_at)?);
        let words = text.len() / b.max(1);
        let mut found = vec![0.0; b * n * channels];
        let blocks = found.par_chunks_mut((n * channels).max(1)).zip(pixels.par_chunks((n * three).max(1))).enumerate().flat_map(
            |(i, (found, pixels))| {
                let text = &text[i * words..(i + 1) * words];
                found
                    .par_chunks_mut(ROWS * channels)
                    .enumerate()
                    .map(move |(at, found)| (Keys { pixels, text, channels }, at * ROWS, found))
            },
        );
        blocks.for_each_init(Vec::new, |scores, (keys, first, found)| {
            (0..channels).step_by(self.0).for_each(|from| keys.find((from, self.0), first, scores, found));
        });
        Ok((CpuStorage::F32(found), (b, n, channels).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        pixels: &candle_core::CudaStorage,
        pixels_at: &Layout,
        text: &candle_core::CudaStorage,
        text_at: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let found = super::gpu::attend((pixels, pixels_at), (text, text_at), (self.0, scale(self.0)))?;
        let (b, n, three) = pixels_at.shape().dims3()?;
        Ok((found, (b, n, three / 3).into()))
    }
}

/// One picture's pixels (n, 3 channels) and words (m, 2 channels).
#[derive(Clone, Copy)]
struct Keys<'a> {
    pixels: &'a [f32],
    text: &'a [f32],
    channels: usize,
}

impl Keys<'_> {
    /// What the pixels from `first` on find in the head of channels `from`, written to those channels of `found`.
    fn find(&self, (from, head): (usize, usize), first: usize, scores: &mut Vec<f32>, found: &mut [f32]) {
        let c = self.channels;
        let (rows, pixels, words) = (found.len() / c, self.pixels.len() / (3 * c), self.text.len() / (2 * c));
        fn part(values: &[f32], stride: usize, column: usize, (rows, head): (usize, usize)) -> Matrix<'_> {
            Matrix::within(&values[column..], (rows, head), stride)
        }
        let queries = part(&self.pixels[first * 3 * c..], 3 * c, from, (rows, head));
        let all = words + pixels;
        scores.resize(rows * all, 0.0);
        let origins = [(self.text, 2 * c, 0, words, 0), (self.pixels, 3 * c, c, pixels, words)];
        for (values, stride, column, count, at) in origins.into_iter().filter(|(.., count, _)| *count > 0) {
            product(queries, part(values, stride, column + from, (count, head)).turned(), (&mut scores[at..], all), false);
        }
        let mut sums = [0.0; ROWS];
        for (scores, sum) in scores.chunks_exact_mut(all).zip(&mut sums) {
            *sum = Arch::new().dispatch(Weigh { scores, scale: scale(head) as f32 });
        }
        let mut add = false;
        for (values, stride, column, count, at) in origins.into_iter().filter(|(.., count, _)| *count > 0) {
            let weights = Matrix::within(&scores[at..], (rows, count), all);
            product(weights, part(values, stride, column + c + from, (count, head)), (&mut found[from..], c), add);
            add = true;
        }
        for (found, sum) in found.chunks_exact_mut(c).zip(sums) {
            found[from..from + head].iter_mut().for_each(|found| *found /= sum);
        }
    }
}

/// Scores become weights, e to the power of how far they lie below the largest; gives their sum.
struct Weigh<'a> {
    scores: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Weigh<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let mut largest = [f32::MIN; LANES];
        let (chunks, rest) = self.scores.as_chunks_mut::<LANES>();
        for chunk in chunks.iter() {
            for (largest, score) in largest.iter_mut().zip(chunk) {
                *largest = if *score > *largest { *score } else { *largest };
            }
        }
        let mut most = f32::MIN;
        for score in largest.iter().chain(rest.iter()) {
            most = most.max(*score);
        }
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            for (sum, score) in sums.iter_mut().zip(chunk) {
                *score = exp((*score - most) * self.scale);
                *sum += *score;
            }
        }
        for (sum, score) in sums.iter_mut().zip(rest) {
            *score = exp((*score - most) * self.scale);
            *sum += *score;
        }
        let mut all = 0.0;
        for sum in sums {
            all += sum;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use candle_nn::ops::softmax_last_dim;
    use proptest::prelude::*;

    /// The same of candle's operators.
    fn plain(pixels: &Tensor, text: &Tensor, head: usize) -> Result<Tensor> {
        let (b, n, three) = pixels.dims3()?;
        let c = three / 3;
        let heads = |x: Tensor| x.reshape((b, (), c / head, head))?.transpose(1, 2)?.contiguous();
        let both = |i: usize| heads(Tensor::cat(&[text.narrow(2, i * c, c)?, pixels.narrow(2, (i + 1) * c, c)?], 1)?);
        let (q, k, v) = ((heads(pixels.narrow(2, 0, c)?)? * scale(head))?, both(0)?, both(1)?);
        softmax_last_dim(&q.matmul(&k.transpose(2, 3)?)?)?.matmul(&v)?.transpose(1, 2)?.reshape((b, n, c))
    }

    fn random(mean: f32, shape: &[usize]) -> Tensor {
        Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn it_is_candles_operators_one_after_the_other(
            b in 1..4usize, (n, m) in (1..150usize, 1..90usize), (heads, head) in (1..5usize, 1..40usize), mean in -3f32..3.0,
        ) {
            let c = heads * head;
            let (pixels, text) = (random(mean, &[b, n, 3 * c]), random(0.0, &[b, m, 2 * c]));
            let (ours, theirs) = (attend(&pixels, &text, head).unwrap(), plain(&pixels, &text, head).unwrap());
            let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            let off = largest(&(&ours - &theirs).unwrap()) / largest(&theirs).max(1e-3);
            prop_assert!(off < 5e-5, "{off}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(attend(&random(0.0, &[1, 4, 24]), &random(0.0, &[1, 3, 16]), 3).is_err());
        assert!(attend(&random(0.0, &[1, 4, 24]), &random(0.0, &[2, 3, 16]), 4).is_err());
        assert!(attend(&random(0.0, &[1, 4, 24]), &random(0.0, &[1, 3, 8]), 4).is_err());
        assert!(attend(&random(0.0, &[1, 4, 25]), &random(0.0, &[1, 3, 16]), 4).is_err());
    }
}
