//! Group normalisation (Wu and He 2018) of channels-last numbers, in one with what follows it: each picture's own scale and
//! shift, and GELU.

use super::conv::floats;
use super::gelu::gelu;
use candle_core::{CpuStorage, CustomOp1, D, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows that are added up in float32 before float64 takes over; also what a thread works on at a time.
const RUN: usize = 64;

/// The normalisation of a layer.
#[derive(Debug)]
pub struct GroupNorm {
    groups: usize,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
}

/// What follows a normalisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct After<'a> {
    /// A scale and a shift for each picture and channel, (b, 2 c): x · (1 + scale) + shift.
    pub modulation: Option<&'a Tensor>,
    /// GELU, at the end.
    pub gelu: bool,
}

impl GroupNorm {
    /// Of `channels` in so many groups.
    ///
    /// # Errors
    /// When a parameter is missing, or the channels cannot be cut into the groups.
    pub fn new(groups: usize, channels: usize, eps: f64, vb: VarBuilder) -> Result<GroupNorm> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            bail!("{channels} channels cannot be cut into {groups} groups");
        }
        Ok(GroupNorm { groups, eps, weight: vb.get(channels, "weight")?, bias: vb.get(channels, "bias")? })
    }

    /// x (b, …, c).
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn forward(&self, x: &Tensor, after: After) -> Result<Tensor> {
        if x.device().is_cpu() && x.dtype() == DType::F32 {
            return x.contiguous()?.apply_op1_no_bwd(&Normalise(self, after));
        }
        self.plain(x, after)
    }

    /// The same of candle's operators.
    fn plain(&self, x: &Tensor, after: After) -> Result<Tensor> {
        let (b, c) = (x.dim(0)?, self.weight.elem_count());
        let grouped = x.to_dtype(DType::F32)?.reshape((b, (), self.groups, c / self.groups))?;
        let off = grouped.broadcast_sub(&grouped.mean_keepdim((1, 3))?)?;
        let normal = off.broadcast_div(&(off.sqr()?.mean_keepdim((1, 3))? + self.eps)?.sqrt()?)?.to_dtype(x.dtype())?;
        let mut y = normal.reshape((b, (), c))?.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)?;
        if let Some(modulation) = after.modulation {
            let half = |i| modulation.narrow(D::Minus1, i * c, c)?.unsqueeze(1);
            y = y.broadcast_mul(&(half(0)? + 1.0)?)?.broadcast_add(&half(1)?)?;
        }
        let y = y.reshape(x.shape())?;
        if after.gelu { y.gelu_erf() } else { Ok(y) }
    }

    /// a and d of a · x + d, which a picture's normalisation and modulation come to, a number each for every channel.
    fn line(&self, x: &[f32], (weight, bias): (&[f32], &[f32]), modulation: Option<&[f32]>) -> (Vec<f32>, Vec<f32>) {
        let channels = weight.len();
        let moments = moments(x, channels);
        let (mut a, mut d) = (vec![0.0; channels], vec![0.0; channels]);
        let size = channels / self.groups;
        for first in (0..channels).step_by(size) {
            let group = &moments[first..first + size];
            let mean = group.iter().map(|(mean, _)| mean).sum::<f64>() / size as f64;
            let variance = group.iter().map(|(own, variance)| variance + (own - mean).powi(2)).sum::<f64>() / size as f64;
            let deviation = (variance + self.eps).sqrt();
            for c in first..first + size {
                let (scale, shift) = modulation.map_or((1.0, 0.0), |own| (1.0 + f64::from(own[c]), f64::from(own[channels + c])));
                let slope = f64::from(weight[c]) / deviation;
                a[c] = (slope * scale) as f32;
                d[c] = ((f64::from(bias[c]) - mean * slope) * scale + shift) as f32;
            }
        }
        (a, d)
    }
}

/// The mean and the variance of each channel. The sums are taken around the first row: where the numbers lie far from 0,
/// little is lost.
fn moments(x: &[f32], channels: usize) -> Vec<(f64, f64)> {
    let around = &x[..channels];
    let mut sums = vec![0f32; x.len().div_ceil(RUN * channels) * 2 * channels];
    sums.par_chunks_mut(2 * channels).zip(x.par_chunks(RUN * channels)).for_each(|(sums, x)| {
        Arch::new().dispatch(Deviate { x, around, sums });
    });
    let n = (x.len() / channels) as f64;
    let whole = |at: usize| sums.iter().skip(at).step_by(2 * channels).map(|sum| f64::from(*sum)).sum::<f64>() / n;
    (0..channels)
        .map(|c| {
            let (one, two) = (whole(c), whole(channels + c));
            (f64::from(around[c]) + one, (two - one * one).max(0.0))
        })
        .collect()
}

/// Adds up how far numbers deviate from the first row, and the squares of it.
struct Deviate<'a> {
    x: &'a [f32],
    around: &'a [f32],
    sums: &'a mut [f32],
}

// Written out as loops: a closure would be compiled apart, without the vectors.
impl WithSimd for Deviate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let channels = self.around.len();
        let (one, two) = self.sums.split_at_mut(channels);
        for x in self.x.chunks_exact(channels) {
            for (((x, around), one), two) in x.iter().zip(self.around).zip(one.iter_mut()).zip(two.iter_mut()) {
                let off = x - around;
                *one += off;
                *two += off * off;
            }
        }
    }
}

struct Normalise<'a>(&'a GroupNorm, After<'a>);

impl CustomOp1 for Normalise<'_> {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let Normalise(norm, after) = self;
        let (weight, bias) = (norm.weight.to_vec1::<f32>()?, norm.bias.to_vec1::<f32>()?);
        let channels = weight.len();
        let modulation = after.modulation.map(|modulation| modulation.to_vec2::<f32>()).transpose()?;
        let (b, fits) = match x_at.dims() {
            [b, .., last] => (*b, *last == channels && x_at.shape().elem_count() > 0),
            _ => (0, false),
        };
        if !fits || modulation.as_ref().is_some_and(|own| own.len() != b || own.iter().any(|own| own.len() != 2 * channels)) {
            bail!("a normalisation of {channels} channels does not fit {:?}", x_at.dims());
        }
        let x = floats(x, x_at)?;
        let mut y = vec![0.0; x.len()];
        let pictures = y.par_chunks_mut(x.len() / b).zip(x.par_chunks(x.len() / b)).enumerate();
        pictures.for_each(|(i, (y, x))| {
            let own = modulation.as_ref().map(|own| own[i].as_slice());
            let (a, d) = norm.line(x, (&weight, &bias), own);
            y.par_chunks_mut(RUN * channels)
                .zip(x.par_chunks(RUN * channels))
                .for_each(|(y, x)| Arch::new().dispatch(Line { a: &a, d: &d, x, y, gelu: after.gelu }));
        });
        Ok((CpuStorage::F32(y), x_at.shape().clone()))
    }
}

/// y = a · x + d, or GELU of it.
struct Line<'a> {
    a: &'a [f32],
    d: &'a [f32],
    x: &'a [f32],
    y: &'a mut [f32],
    gelu: bool,
}

impl WithSimd for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Line { a, d, x, y, gelu: through } = self;
        for (y, x) in y.chunks_exact_mut(a.len()).zip(x.chunks_exact(a.len())) {
            for (((y, x), a), d) in y.iter_mut().zip(x).zip(a).zip(d) {
                *y = a * x + d;
            }
        }
        if through {
            for y in y {
                *y = gelu(*y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn it_is_candles_operators_one_after_the_other(
            b in 1..4usize, (h, w) in (1..14usize, 1..14usize), (groups, size) in (1..9usize, 1..9usize), mean in -20f32..20.0, gelu: bool, modulated: bool,
        ) {
            let (channels, random) = (groups * size, |mean: f32, shape: &[usize]| Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap());
            let norm = GroupNorm { groups, eps: 1e-5, weight: random(1.0, &[channels]), bias: random(0.0, &[channels]) };
            let (x, own) = (random(mean, &[b, h, w, channels]), random(0.0, &[b, 2 * channels]));
            let after = After { modulation: modulated.then_some(&own), gelu };
            let (ours, theirs) = (norm.forward(&x, after).unwrap(), norm.plain(&x, after).unwrap());
            // One number in a group has no deviation, and its own rounding is all that there is.
            prop_assume!(h * w * size > 1);
            let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            let off = largest(&(&ours - &theirs).unwrap()) / largest(&theirs).max(1.0);
            prop_assert!(off < 5e-5, "{off}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let ones = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap();
        let norm = GroupNorm { groups: 2, eps: 1e-5, weight: ones(&[4]), bias: ones(&[4]) };
        assert!(norm.forward(&ones(&[1, 2, 2, 5]), After::default()).is_err());
        assert!(norm.forward(&ones(&[0, 2, 2, 4]), After::default()).is_err());
        assert!(norm.forward(&ones(&[1, 2, 2, 4]), After { modulation: Some(&ones(&[1, 4])), gelu: false }).is_err());
    }
}
