//! Group normalisation (Wu and He 2018) of channels-last numbers, in one with what follows it: each picture's own scale and
//! shift, and GELU.

use super::floats::floats;
use super::norm::{Deviations, Line, Moments};
use super::rounded::{operated, wide};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use rayon::prelude::*;

/// Pixels that a thread works on at a time.
const PIXELS: usize = 256;

/// The normalisation of a layer, in f32 whatever is normalised.
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
        let vb = vb.to_dtype(DType::F32);
        Ok(GroupNorm { groups, eps, weight: vb.get(channels, "weight")?, bias: vb.get(channels, "bias")? })
    }

    /// x (b, …, c).
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn forward(&self, x: &Tensor, after: After) -> Result<Tensor> {
        let modulation = after.modulation.map(wide).transpose()?;
        let after = After { modulation: modulation.as_ref(), ..after };
        operated(x, |x| x.apply_op1_no_bwd(&Normalise(self, after)))
    }

    /// What a picture's normalisation and modulation come to.
    fn line(&self, x: &[f32], (weight, bias): (&[f32], &[f32]), modulation: Option<&[f32]>) -> Line {
        let channels = weight.len();
        let parts: Vec<Deviations> = x.par_chunks(PIXELS * channels).map(|x| Deviations::of(x, channels)).collect();
        let Moments { mean, variance, .. } = Moments::of(&parts);
        let (mut a, mut d) = (vec![0.0; channels], vec![0.0; channels]);
        let size = channels / self.groups;
        for first in (0..channels).step_by(size) {
            let group = || {
                mean[first..first + size]
                    .iter()
                    .zip(&variance[first..first + size])
                    .map(|(mean, variance)| (f64::from(*mean), f64::from(*variance)))
            };
            let mean = group().map(|(mean, _)| mean).sum::<f64>() / size as f64;
            let variance = group().map(|(own, variance)| variance + (own - mean).powi(2)).sum::<f64>() / size as f64;
            let deviation = (variance + self.eps).sqrt();
            for c in first..first + size {
                let (scale, shift) = modulation.map_or((1.0, 0.0), |own| (1.0 + f64::from(own[c]), f64::from(own[channels + c])));
                let slope = f64::from(weight[c]) / deviation;
                a[c] = (slope * scale) as f32;
                d[c] = ((f64::from(bias[c]) - mean * slope) * scale + shift) as f32;
            }
        }
        Line { a, d, ..Line::default() }
    }
}

struct Normalise<'a>(&'a GroupNorm, After<'a>);

impl Normalise<'_> {
    /// How many pictures there are, if they and their modulation fit.
    fn pictures(&self, x: &Layout) -> Result<usize> {
        let (channels, modulation) = (self.0.weight.elem_count(), self.1.modulation);
        match x.dims() {
            [b, .., last]
                if *last == channels
                    && x.shape().elem_count() > 0
                    && modulation.is_none_or(|own| own.is_contiguous() && own.dims() == [*b, 2 * channels]) =>
            {
                Ok(*b)
            }
            dims => bail!("a normalisation of {channels} channels does not fit {dims:?}"),
        }
    }
}

impl CustomOp1 for Normalise<'_> {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let Normalise(norm, after) = self;
        let (weight, bias) = (norm.weight.to_vec1::<f32>()?, norm.bias.to_vec1::<f32>()?);
        let (b, channels) = (self.pictures(x_at)?, weight.len());
        let modulation = after.modulation.map(|modulation| modulation.to_vec2::<f32>()).transpose()?;
        let x = floats(x, x_at)?;
        let mut y = vec![0.0; x.len()];
        let pictures = y.par_chunks_mut(x.len() / b).zip(x.par_chunks(x.len() / b)).enumerate();
        pictures.for_each(|(i, (y, x))| {
            let own = modulation.as_ref().map(|own| own[i].as_slice());
            let line = norm.line(x, (&weight, &bias), own);
            y.par_chunks_mut(PIXELS * channels).zip(x.par_chunks(PIXELS * channels)).for_each(|(y, x)| match after.gelu {
                true => line.activate(x, (y, channels), x.len() / channels),
                false => line.normalise(x, y),
            });
        });
        Ok((CpuStorage::F32(y), x_at.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &candle_core::CudaStorage, x_at: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        self.pictures(x_at)?;
        let Normalise(GroupNorm { groups, eps, weight, bias }, After { modulation, gelu }) = *self;
        let norm = super::gpu::Norm { groups: *groups, eps: *eps, weight, bias, modulation, gelu };
        Ok((super::gpu::group_norm(x, x_at, &norm)?, x_at.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{D, Device};
    use proptest::prelude::*;

    impl GroupNorm {
        /// The same of candle's operators.
        fn plain(&self, x: &Tensor, after: After) -> Result<Tensor> {
            let (b, c) = (x.dim(0)?, self.weight.elem_count());
            let groups = |of: &Tensor| of.reshape(((), 1, self.groups, c / self.groups));
            let pixels = x.reshape((b, (), self.groups, c / self.groups))?;
            let off = pixels.broadcast_sub(&pixels.mean_keepdim((1, 3))?)?;
            let deviation = (off.sqr()?.mean_keepdim((1, 3))? + self.eps)?.sqrt()?;
            let (mut factor, mut shift) = (groups(&self.weight)?.broadcast_div(&deviation)?, groups(&self.bias)?);
            if let Some(modulation) = after.modulation {
                let half = |i: usize| groups(&modulation.narrow(D::Minus1, i * c, c)?.contiguous()?);
                let scale = (half(0)? + 1.0)?;
                (factor, shift) = (factor.broadcast_mul(&scale)?, shift.broadcast_mul(&scale)?.broadcast_add(&half(1)?)?);
            }
            let y = off.broadcast_mul(&factor)?.broadcast_add(&shift)?.reshape(x.shape())?;
            if after.gelu { y.gelu_erf() } else { Ok(y) }
        }
    }

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
