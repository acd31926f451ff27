//! Keeping x̂₀ within the range of pictures.

use candle_core::{DType, Result, Tensor};

/// What is done to x̂₀ before it is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Nothing.
    None,
    /// Values beyond ±range are cut.
    Range(f64),
    /// Imagen's dynamic thresholding (Saharia et al. 2022, §2.3): per picture, cut at the quantile `ratio` of |x̂₀|, held
    /// between 1 and `max`, and divide by it.
    Dynamic {
        /// The quantile, in [0, 1].
        ratio: f64,
        /// The largest threshold.
        max: f64,
    },
}

impl Clip {
    /// Clips x̂₀, (b, c, h, w). Thresholds are found in f32.
    pub fn apply(self, x0: &Tensor) -> Result<Tensor> {
        match self {
            Clip::None => Ok(x0.clone()),
            Clip::Range(range) => x0.clamp(-range, range),
            Clip::Dynamic { .. } => {
                let cut = |(i, s): (usize, f64)| x0.narrow(0, i, 1)?.clamp(-s, s)? / s;
                let pictures = self.thresholds(x0)?.into_iter().enumerate().map(cut);
                Tensor::cat(&pictures.collect::<Result<Vec<_>>>()?, 0)
            }
        }
    }

    /// What each picture of x̂₀ (b, c, h, w) is cut at; empty where nothing is cut.
    pub fn thresholds(self, x0: &Tensor) -> Result<Vec<f64>> {
        (0..x0.dim(0)?).filter_map(|i| self.threshold(x0, i).transpose()).collect()
    }

    fn threshold(self, x0: &Tensor, picture: usize) -> Result<Option<f64>> {
        Ok(match self {
            Clip::None => None,
            Clip::Range(range) => Some(range),
            Clip::Dynamic { ratio, max } => {
                let mut magnitudes = x0.get(picture)?.flatten_all()?.to_dtype(DType::F32)?.abs()?.to_vec1::<f32>()?;
                Some(f64::from(quantile(&mut magnitudes, ratio)).clamp(1.0, max.max(1.0)))
            }
        })
    }
}

/// The quantile `q` with linear interpolation between neighbours, as PyTorch's. Reorders the values.
fn quantile(values: &mut [f32], q: f64) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let position = q.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (below, fraction) = (position.floor() as usize, position.fract() as f32);
    let (_, low, above) = values.select_nth_unstable_by(below, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(*low);
    *low + (high - *low) * fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_quantile_interpolates_between_neighbours() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 1.0), 4.0);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }

    #[test]
    fn a_picture_within_range_is_left_alone_and_a_wilder_one_ends_within_it() {
        let clip = Clip::Dynamic { ratio: 0.95, max: 1.5 };
        let calm = Tensor::new(&[[[[-0.5f32, 0.9]]]], &Device::Cpu).unwrap();
        let wild = (&calm * 10.0).unwrap();
        let values = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(clip.apply(&calm).unwrap()), [-0.5, 0.9]);
        assert_eq!(values(clip.apply(&wild).unwrap()), [-1.0, 1.0]);
    }
}
