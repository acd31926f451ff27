//! Batch normalisation (Ioffe and Szegedy 2015) and GELU in one, of channels-last numbers (…, channels).

use super::conv::floats;
use super::gelu::{gelu, slope};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use pulp::Arch;
use rayon::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Sums run over so many parts of a batch, whatever the number of threads: the same sums in the same order.
const PARTS: usize = 16;
/// Rows that are added up in float32 before float64 takes over.
const RUN: usize = 64;

/// What a batch was like, a number a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: Vec<f32>,
    /// The variance, divided by the number of rows.
    pub variance: Vec<f32>,
    /// How many numbers each channel has.
    pub count: usize,
}

/// gelu(γ · (x - mean) / √(variance + ε) + β) with the batch's own mean and variance, and those. `affine` (2, channels) is γ
/// and β.
///
/// # Errors
/// When the channels do not agree.
pub fn norm_gelu(x: &Tensor, affine: &Tensor, eps: f64) -> Result<(Tensor, Moments)> {
    let moments = Arc::new(Mutex::new(Moments::default()));
    let y = x.contiguous()?.apply_op2(&affine.contiguous()?, NormGelu { eps, moments: moments.clone() })?;
    let moments = moments.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((y, moments))
}

/// The same with a mean and a variance from elsewhere, for evaluation; without gradients.
///
/// # Errors
/// When the channels do not agree.
pub fn norm_gelu_with(x: &Tensor, affine: &Tensor, eps: f64, moments: Moments) -> Result<Tensor> {
    x.contiguous()?.apply_op2_no_bwd(&affine.contiguous()?, &Fixed { eps, moments })
}

struct NormGelu {
    eps: f64,
    /// Written on the way there, read on the way back.
    moments: Arc<Mutex<Moments>>,
}

struct Fixed {
    eps: f64,
    moments: Moments,
}

/// The gradient of x, and below it those of the affine: (rows + 2, channels).
struct Back<'a>(&'a NormGelu, &'a Tensor);

/// a · x + d, a channel each: what normalisation comes to once the moments are known.
struct Line {
    a: Vec<f32>,
    d: Vec<f32>,
}

impl Line {
    fn new(moments: &Moments, affine: &[f32], eps: f64) -> Line {
        let (gamma, beta) = affine.split_at(affine.len() / 2);
        let scale = |(variance, gamma): (&f32, &f32)| (f64::from(*gamma) / (f64::from(*variance) + eps).sqrt()) as f32;
        let a: Vec<f32> = moments.variance.iter().zip(gamma).map(scale).collect();
        let d = moments.mean.iter().zip(&a).zip(beta).map(|((mean, a), beta)| beta - mean * a).collect();
        Line { a, d }
    }

    fn gelu(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        let run = part(x.len(), self.a.len());
        y.par_chunks_mut(run).zip(x.par_chunks(run)).for_each(|(y, x)| {
            Arch::new().dispatch(|| {
                for (y, x) in y.chunks_exact_mut(self.a.len()).zip(x.chunks_exact(self.a.len())) {
                    for (((y, x), a), d) in y.iter_mut().zip(x).zip(&self.a).zip(&self.d) {
                        *y = gelu(a * x + d);
                    }
                }
            });
        });
        y
    }
}

impl CustomOp2 for NormGelu {
    fn name(&self) -> &'static str {
        "norm-gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, affine: &CpuStorage, affine_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let channels = channels(x_at, affine_at)?;
        let (x, affine) = (floats(x, x_at)?, floats(affine, affine_at)?);
        let moments = moments(x, channels);
        let y = Line::new(&moments, affine, self.eps).gelu(x);
        *self.moments.lock().unwrap_or_else(PoisonError::into_inner) = moments;
        Ok((CpuStorage::F32(y), x_at.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, affine: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let all = x.apply_op2_no_bwd(&grad.contiguous()?, &Back(self, affine))?;
        let rows = all.dim(0)? - 2;
        Ok((Some(all.narrow(0, 0, rows)?.reshape(x.shape())?), Some(all.narrow(0, rows, 2)?)))
    }
}

impl CustomOp2 for Fixed {
    fn name(&self) -> &'static str {
        "norm-gelu-with"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, affine: &CpuStorage, affine_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let channels = channels(x_at, affine_at)?;
        if (self.moments.mean.len(), self.moments.variance.len()) != (channels, channels) {
            bail!("moments of {} channels do not fit {channels}", self.moments.mean.len());
        }
        let line = Line::new(&self.moments, floats(affine, affine_at)?, self.eps);
        Ok((CpuStorage::F32(line.gelu(floats(x, x_at)?)), x_at.shape().clone()))
    }
}

impl CustomOp2 for Back<'_> {
    fn name(&self) -> &'static str {
        "norm-gelu-gradient"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, grad: &CpuStorage, grad_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (floats(x, x_at)?, floats(grad, grad_at)?);
        let moments = self.0.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let affine = self.1.flatten_all()?.to_vec1::<f32>()?;
        let line = Line::new(&moments, &affine, self.0.eps);
        let channels = line.a.len();
        let scale: Vec<f32> = moments.variance.iter().map(|variance| (1.0 / (f64::from(*variance) + self.0.eps).sqrt()) as f32).collect();
        let mut out = vec![0.0; x.len() + 2 * channels];
        let (back, below) = out.split_at_mut(x.len());

        // What comes through GELU, and its sums alone and with the normalised x.
        let run = part(x.len(), channels);
        let runs = back.par_chunks_mut(run).zip(x.par_chunks(run)).zip(grad.par_chunks(run));
        let sums = runs.map(|((back, x), grad)| through(&line, &moments.mean, &scale, back, (x, grad)));
        let sums: Vec<_> = sums.collect();
        let (mut beta, mut gamma) = (vec![0f64; channels], vec![0f64; channels]);
        for (one, other) in &sums {
            beta.iter_mut().zip(one).for_each(|(sum, value)| *sum += value);
            gamma.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
        }
        // The mean and the variance are of x too: dx = a (g - mean(g) - x̂ mean(g x̂)) = a g + p x + q.
        let count = moments.count as f64;
        let p: Vec<f32> = (0..channels).map(|c| (-f64::from(line.a[c] * scale[c]) * gamma[c] / count) as f32).collect();
        let q: Vec<f32> = (0..channels).map(|c| (-f64::from(line.a[c]) * beta[c] / count) as f32 - p[c] * moments.mean[c]).collect();
        back.par_chunks_mut(run).zip(x.par_chunks(run)).for_each(|(back, x)| {
            Arch::new().dispatch(|| {
                for (back, x) in back.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                    for ((((back, x), a), p), q) in back.iter_mut().zip(x).zip(&line.a).zip(&p).zip(&q) {
                        *back = a * *back + p * x + q;
                    }
                }
            });
        });
        let narrow = gamma.iter().chain(&beta).map(|sum| *sum as f32);
        below.iter_mut().zip(narrow).for_each(|(below, sum)| *below = sum);
        Ok((CpuStorage::F32(out), (x.len() / channels + 2, channels).into()))
    }
}

/// Writes the gradient before GELU, and gives its sums over the rows: alone, and times the normalised x.
fn through(line: &Line, mean: &[f32], scale: &[f32], back: &mut [f32], (x, grad): (&[f32], &[f32])) -> (Vec<f64>, Vec<f64>) {
    let channels = line.a.len();
    let (mut beta, mut gamma) = (vec![0f64; channels], vec![0f64; channels]);
    let run = RUN * channels;
    for ((back, x), grad) in back.chunks_mut(run).zip(x.chunks(run)).zip(grad.chunks(run)) {
        let (mut one, mut other) = (vec![0f32; channels], vec![0f32; channels]);
        Arch::new().dispatch(|| {
            for ((back, x), grad) in back.chunks_exact_mut(channels).zip(x.chunks_exact(channels)).zip(grad.chunks_exact(channels)) {
                let affine = line.a.iter().zip(&line.d).zip(mean.iter().zip(scale));
                for ((((back, x), grad), ((a, d), (mean, scale))), (one, other)) in
                    back.iter_mut().zip(x).zip(grad).zip(affine).zip(one.iter_mut().zip(other.iter_mut()))
                {
                    let g = grad * slope(a * x + d);
                    *back = g;
                    *one += g;
                    *other += g * (x - mean) * scale;
                }
            }
        });
        beta.iter_mut().zip(one).for_each(|(sum, value)| *sum += f64::from(value));
        gamma.iter_mut().zip(other).for_each(|(sum, value)| *sum += f64::from(value));
    }
    (beta, gamma)
}

/// The moments of each channel, around the first row: where the numbers lie far from 0, little is lost.
fn moments(x: &[f32], channels: usize) -> Moments {
    let count = x.len() / channels;
    let around = &x[..channels.min(x.len())];
    let sums: Vec<_> = x.par_chunks(part(x.len(), channels)).map(|x| deviations(x, around)).collect();
    let (mut one, mut two) = (vec![0f64; channels], vec![0f64; channels]);
    for (first, second) in &sums {
        one.iter_mut().zip(first).for_each(|(sum, value)| *sum += value);
        two.iter_mut().zip(second).for_each(|(sum, value)| *sum += value);
    }
    let n = count.max(1) as f64;
    let mean = one.iter().zip(around).map(|(sum, around)| (f64::from(*around) + sum / n) as f32).collect();
    let variance = one.iter().zip(&two).map(|(one, two)| ((two / n - (one / n).powi(2)).max(0.0)) as f32).collect();
    Moments { mean, variance, count }
}

/// The sums of what each channel deviates from a number, and of its square.
fn deviations(x: &[f32], around: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let channels = around.len();
    let (mut one, mut two) = (vec![0f64; channels], vec![0f64; channels]);
    for x in x.chunks(RUN * channels) {
        let (mut first, mut second) = (vec![0f32; channels], vec![0f32; channels]);
        Arch::new().dispatch(|| {
            for x in x.chunks_exact(channels) {
                for (((x, around), first), second) in x.iter().zip(around).zip(&mut first).zip(&mut second) {
                    let off = x - around;
                    *first += off;
                    *second += off * off;
                }
            }
        });
        one.iter_mut().zip(first).for_each(|(sum, value)| *sum += f64::from(value));
        two.iter_mut().zip(second).for_each(|(sum, value)| *sum += f64::from(value));
    }
    (one, two)
}

/// Floats of a part of the rows.
fn part(floats: usize, channels: usize) -> usize {
    (floats / channels).div_ceil(PARTS).max(1) * channels
}

fn channels(x: &Layout, affine: &Layout) -> Result<usize> {
    match (x.dims(), affine.dims()) {
        ([.., channels], [2, of]) if channels == of && *channels > 0 && x.shape().elem_count() > 0 => Ok(*channels),
        (x, affine) => bail!("a normalisation of {affine:?} does not fit {x:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{D, Device, Var};
    use proptest::prelude::*;

    fn far(ours: &Tensor, theirs: &Tensor) -> f32 {
        let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        largest(&(ours - theirs).unwrap()) / largest(theirs).max(1e-6)
    }

    /// The same of candle's operators.
    fn plain(x: &Tensor, affine: &Tensor) -> Tensor {
        let rows = x.flatten_to(D::Minus2).unwrap();
        let mean = rows.mean_keepdim(0).unwrap();
        let off = rows.broadcast_sub(&mean).unwrap();
        let variance = off.sqr().unwrap().mean_keepdim(0).unwrap();
        let normal = off.broadcast_div(&(variance + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        let y = normal.broadcast_mul(&affine.get(0).unwrap()).unwrap().broadcast_add(&affine.get(1).unwrap()).unwrap();
        y.gelu_erf().unwrap().reshape(x.shape()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_candles_operators_one_after_the_other(b in 2..9usize, h in 1..9usize, channels in 1..40usize, mean in -20f32..20.0) {
            let random = |mean: f32, shape: &[usize]| Var::from_tensor(&Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap()).unwrap();
            let (x, affine) = (random(mean, &[b, h, 3, channels]), random(0.5, &[2, channels]));
            let weight = random(0.0, &[b, h, 3, channels]);
            let (ours, moments) = norm_gelu(&x, &affine, 1e-5).unwrap();
            let theirs = plain(&x, &affine);
            prop_assert!(far(&ours, &theirs) < 2e-5, "{}", far(&ours, &theirs));
            prop_assert!(far(&norm_gelu_with(&x, &affine, 1e-5, moments).unwrap(), &theirs) < 2e-5);
            let grads = |y: &Tensor| (y * weight.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
            let (ours, theirs) = (grads(&ours), grads(&theirs));
            for var in [&x, &affine] {
                let off = far(ours.get(var).unwrap(), theirs.get(var).unwrap());
                prop_assert!(off < 1e-4, "{off}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(norm_gelu(&zeros(&[2, 3, 3, 4]), &zeros(&[2, 5]), 1e-5).is_err());
        assert!(norm_gelu(&zeros(&[0, 3, 3, 4]), &zeros(&[2, 4]), 1e-5).is_err());
    }
}
