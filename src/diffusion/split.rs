//! The parts of a picture for factorized diffusion (Geng et al. 2024): linear, and together the picture itself.

use super::gaussian_blur;
use candle_core::{Device, Result, Tensor, bail};

/// The size in pixels at which kernels and standard deviations are meant; at others they grow along.
const SIZE: f64 = 64.0;

/// How a picture falls into parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Into which parts.
    pub kind: Parts,
    /// The width of a blur's window, in pixels of a picture of 64.
    pub kernel: usize,
    /// A blur's standard deviation, in pixels of a picture of 64.
    pub sigma: f64,
}

/// Which parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// A Gaussian blur, and the rest.
    Frequency,
    /// A Gaussian blur of σ, what one of σ/2 keeps beyond it, and the rest. The low band is one blur of σ, where
    /// visual_anagrams blurs what the narrow one left once more, which is a little wider: √(σ² + σ²/4).
    ThreeBands,
    /// The mean of the colours, and what is left of them.
    Colour,
    /// A blur along the falling diagonal as long as four standard deviations, and the rest.
    Motion,
    /// What is left of it at half the size, were it of 64 pixels, and the rest.
    Scale,
}

impl Split {
    /// The parts of x (b, c, h, w), whose sum is x.
    ///
    /// # Errors
    /// When the picture does not fall into the squares of a scale.
    pub fn parts(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let scale = x.dim(3)? as f64 / SIZE;
        let kernel = 2 * ((self.kernel / 2) as f64 * scale).round() as usize + 1;
        let blur = |sigma: f64| gaussian_blur(x, kernel, sigma * scale);
        let mut parts = match self.kind {
            Parts::Frequency => vec![blur(self.sigma)?],
            Parts::ThreeBands => {
                let (wide, narrow) = (blur(self.sigma)?, blur(self.sigma / 2.0)?);
                let middle = (narrow - &wide)?;
                vec![wide, middle]
            }
            Parts::Colour => vec![x.mean_keepdim(1)?.broadcast_as(x.shape())?.contiguous()?],
            Parts::Motion => vec![smear(x, (2.0 * self.sigma * scale).round() as usize)?],
            Parts::Scale => vec![coarsen(x, ((2.0 * scale).round() as usize).max(2))?],
        };
        let rest = parts.iter().try_fold(x.clone(), |rest, part| rest - part)?;
        parts.push(rest);
        Ok(parts)
    }

    /// One of the parts.
    ///
    /// # Errors
    /// As for [`parts`](Split::parts), and when there are not so many.
    pub fn part(&self, x: &Tensor, index: usize) -> Result<Tensor> {
        match self.parts(x)?.into_iter().nth(index) {
            Some(part) => Ok(part),
            None => bail!("the split has no part {}", index + 1),
        }
    }
}

/// The mean along the falling diagonal, `reach` pixels to both sides, mirrored at the borders.
fn smear(x: &Tensor, reach: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let reach = reach.min(h.saturating_sub(1)).min(w.saturating_sub(1)) as isize;
    let x = x.contiguous()?;
    let mut sum = x.zeros_like()?;
    for by in -reach..=reach {
        let (down, along) = (shift(h, by, x.device())?, shift(w, by, x.device())?);
        sum = (sum + down.broadcast_matmul(&x)?.broadcast_matmul(&along.t()?.contiguous()?)?)?;
    }
    sum / (2 * reach + 1) as f64
}

/// The matrix (n, n) that shows each pixel of a line the one that lies `by` further, mirrored at the ends.
fn shift(n: usize, by: isize, device: &Device) -> Result<Tensor> {
    let last = n as isize - 1;
    let mut matrix = vec![0f32; n * n];
    for to in 0..n {
        let from = (to as isize + by).abs();
        matrix[to * n + if from > last { 2 * last - from } else { from } as usize] = 1.0;
    }
    Tensor::from_vec(matrix, (n, n), device)
}

/// What is left at a smaller size, enlarged again: squares of `block` x `block` pixels become their mean.
fn coarsen(x: &Tensor, block: usize) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if !h.is_multiple_of(block) || !w.is_multiple_of(block) {
        bail!("a picture of {w}x{h} pixels does not fall into squares of {block}; use another split");
    }
    x.avg_pool2d(block)?.upsample_nearest2d(h, w)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Parts, usize); 5] =
        [(Parts::Frequency, 2), (Parts::ThreeBands, 3), (Parts::Colour, 2), (Parts::Motion, 2), (Parts::Scale, 2)];

    fn split(kind: Parts) -> Split {
        Split { kind, kernel: 33, sigma: 2.0 }
    }

    fn largest(x: &Tensor) -> f32 {
        x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
    }

    fn noise(side: usize) -> Tensor {
        Tensor::randn(0f32, 1.0, (2, 3, side, side), &Device::Cpu).unwrap()
    }

    #[test]
    fn the_parts_add_up_to_the_picture() {
        for side in [32, 64, 128] {
            let x = noise(side);
            for (kind, count) in ALL {
                let parts = split(kind).parts(&x).unwrap();
                let sum = parts.iter().skip(1).fold(parts[0].clone(), |sum, part| (sum + part).unwrap());
                assert_eq!(parts.len(), count);
                assert!(largest(&(sum - &x).unwrap()) < 1e-6, "{kind:?} at {side}");
                assert!(parts.iter().all(|part| largest(part) > 0.05), "{kind:?}: no part is empty");
            }
        }
    }

    #[test]
    fn a_part_of_a_sum_is_the_sum_of_the_parts() {
        let (x, y) = (noise(32), noise(32));
        for (kind, count) in ALL {
            for part in 0..count {
                let of = |x: &Tensor| split(kind).part(x, part).unwrap();
                let far = (of(&(&x + (&y * 3.0).unwrap()).unwrap()) - (of(&x) + (of(&y) * 3.0).unwrap()).unwrap()).unwrap();
                assert!(largest(&far) < 1e-5, "{kind:?} {part}");
            }
        }
    }

    #[test]
    fn the_parts_of_an_enlarged_picture_are_the_parts_enlarged() {
        let small = gaussian_blur(&noise(64), 9, 1.0).unwrap();
        let large = small.upsample_nearest2d(256, 256).unwrap();
        let spread = |x: &Tensor| x.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
        for (kind, count) in ALL {
            // The blur of squares is not quite the squares of a blur.
            let most = if [Parts::Colour, Parts::Scale].contains(&kind) { 1e-6 } else { 0.2 };
            for part in 0..count {
                let (near, far) = (split(kind).part(&small, part).unwrap(), split(kind).part(&large, part).unwrap());
                let apart = spread(&(far.avg_pool2d(4).unwrap() - &near).unwrap()) / spread(&near);
                assert!(apart < most, "{kind:?} {part}: {apart}");
            }
        }
        assert!(split(Parts::Scale).parts(&noise(100)).unwrap_err().to_string().contains("squares of 3"));
    }

    #[test]
    fn a_flat_grey_picture_is_all_in_the_first_part() {
        let grey = Tensor::full(0.4f32, (1, 3, 32, 32), &Device::Cpu).unwrap();
        for (kind, _) in ALL {
            let far = (split(kind).part(&grey, 0).unwrap() - &grey).unwrap();
            assert!(largest(&far) < 1e-6, "{kind:?}");
        }
        assert!(split(Parts::Scale).parts(&noise(33)).is_err());
    }
}
