//! Convolutions and transposed convolutions of channels-last pictures (b, height, width, channels), with their gradients.

use super::window::Window;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// A window's kernel, stride and padding, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slide {
    /// Rows and columns of the window.
    pub kernel: usize,
    /// How far it moves.
    pub stride: usize,
    /// How far it begins outside.
    pub padding: usize,
}

impl Slide {
    /// The places that a window has along a side of so many pixels.
    fn places(&self, side: usize) -> Option<usize> {
        Some((side + 2 * self.padding).checked_sub(self.kernel)? / self.stride + 1)
    }

    /// The pixels along a side that has so many places, as PyTorch's `ConvTranspose2d` has them.
    fn side(&self, places: usize) -> Option<usize> {
        ((places.checked_sub(1)? * self.stride) + self.kernel).checked_sub(2 * self.padding)
    }
}

/// x (b, h, w, in) under a weight (out, in, kernel, kernel): (b, rows, columns, out), as PyTorch's `conv2d` channels-last.
///
/// # Errors
/// When the sizes do not fit one another.
pub fn conv2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    x.contiguous()?.apply_op2(&weight.contiguous()?, Convolve(slide))
}

/// x (b, rows, columns, in) under a weight (in, out, kernel, kernel): (b, h, w, out), as PyTorch's `conv_transpose2d`
/// channels-last.
///
/// # Errors
/// When the sizes do not fit one another.
pub fn conv_transpose2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    x.contiguous()?.apply_op2(&weight.contiguous()?, Transpose(slide, None))
}

struct Convolve(Slide);
/// With the picture's height and width where another than the smallest is meant.
struct Transpose(Slide, Option<(usize, usize)>);
/// The gradient of a weight, from the picture and the grid.
struct Weigh(Slide);

impl CustomOp2 for Convolve {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, weight: &CpuStorage, weight_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, h, w, channels) = x_at.shape().dims4()?;
        let window = window(self.0, weight_at, Some((h, w)), None)?;
        if window.channels != channels {
            bail!("a convolution of {} channels does not fit {channels}", window.channels);
        }
        let grid = window.gather(floats(x, x_at)?, &window.pack(floats(weight, weight_at)?));
        Ok((CpuStorage::F32(grid), (b, window.grid.0, window.grid.1, window.features).into()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (_, h, w, _) = x.dims4()?;
        let back = if x.track_op() { Some(grad.apply_op2_no_bwd(weight, &Transpose(self.0, Some((h, w))))?) } else { None };
        Ok((back, Some(x.contiguous()?.apply_op2_no_bwd(&grad, &Weigh(self.0))?)))
    }
}

impl CustomOp2 for Transpose {
    fn name(&self) -> &'static str {
        "conv-transpose2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, weight: &CpuStorage, weight_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, rows, columns, features) = x_at.shape().dims4()?;
        let window = window(self.0, weight_at, self.1, Some((rows, columns)))?;
        if window.features != features {
            bail!("a transposed convolution of {} channels does not fit {features}", window.features);
        }
        let picture = window.spread(floats(x, x_at)?, &window.pack(floats(weight, weight_at)?));
        Ok((CpuStorage::F32(picture), (b, window.picture.0, window.picture.1, window.channels).into()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let back = if x.track_op() { Some(grad.apply_op2_no_bwd(weight, &Convolve(self.0))?) } else { None };
        Ok((back, Some(grad.apply_op2_no_bwd(&x.contiguous()?, &Weigh(self.0))?)))
    }
}

impl CustomOp2 for Weigh {
    fn name(&self) -> &'static str {
        "conv2d-weight"
    }

    fn cpu_fwd(&self, picture: &CpuStorage, picture_at: &Layout, grid: &CpuStorage, grid_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, h, w, channels) = picture_at.shape().dims4()?;
        let (_, rows, columns, features) = grid_at.shape().dims4()?;
        let Slide { kernel, stride, padding } = self.0;
        let window = Window { kernel, stride, padding, picture: (h, w), grid: (rows, columns), channels, features };
        let packed = window.weigh(floats(picture, picture_at)?, floats(grid, grid_at)?);
        Ok((CpuStorage::F32(window.unpack(&packed)), (features, channels, kernel, kernel).into()))
    }
}

fn window(slide: Slide, weight: &Layout, picture: Option<(usize, usize)>, grid: Option<(usize, usize)>) -> Result<Window> {
    let (features, channels, kernel, width) = weight.shape().dims4()?;
    let Slide { stride, padding, .. } = slide;
    let both = |(a, b): (usize, usize), far: &dyn Fn(usize) -> Option<usize>| Some((far(a)?, far(b)?)).filter(|(a, b)| a * b > 0);
    let picture = picture.or_else(|| both(grid?, &|places| slide.side(places)));
    let grid = grid.or_else(|| both(picture?, &|side| slide.places(side)));
    let fits = (kernel, width) == (slide.kernel, slide.kernel) && stride > 0 && channels > 0 && features > 0;
    let Some((picture, grid)) = picture.zip(grid).filter(|_| fits) else {
        bail!("a window of {kernel}x{width} does not fit {picture:?} {grid:?}")
    };
    Ok(Window { kernel, stride, padding, picture, grid, channels, features })
}

pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the operators need contiguous numbers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};
    use proptest::prelude::*;

    fn random(shape: &[usize]) -> Var {
        Var::from_tensor(&Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// How far two tensors are from one another, as a share of the largest number.
    fn far(ours: &Tensor, theirs: &Tensor) -> f32 {
        let largest = |x: Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(ours.dims(), theirs.dims());
        largest((ours - theirs).unwrap()) / largest(theirs.clone()).max(1e-6)
    }

    fn dot(a: &Tensor, b: &Tensor) -> f64 {
        (a.to_dtype(DType::F64).unwrap() * b.to_dtype(DType::F64).unwrap()).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
    }

    /// How far the gradients are from what they must be: a convolution is linear in each of its two arguments.
    fn gradients_are_off_by(f: impl Fn(&Tensor, &Tensor) -> Tensor, x: &Var, weight: &Var) -> f64 {
        let y = f(x, weight);
        let g = random(y.dims());
        let grads = (&y * g.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
        let (other_x, other_weight) = (random(x.dims()), random(weight.dims()));
        let pairs =
            [(f(&other_x, weight), grads.get(x).unwrap(), other_x), (f(x, &other_weight), grads.get(weight).unwrap(), other_weight)];
        let off = |(y, grad, other): &(Tensor, &Tensor, Var)| {
            (dot(y, &g) - dot(other, grad)).abs() / dot(y, y).sqrt().max(1.0) / dot(&g, &g).sqrt()
        };
        pairs.iter().map(off).fold(0.0, f64::max)
    }

    fn last(x: &Tensor) -> Tensor {
        x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
    }

    fn first(x: &Tensor) -> Tensor {
        x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn both_are_candles_and_their_gradients_are_the_way_back(
            b in 1..11usize, (h, w) in (1..14usize, 1..14usize), (from, to) in (1..6usize, 1..6usize), (kernel, stride) in (1..5usize, 1..4usize), padding in 0..3usize,
        ) {
            prop_assume!(padding < kernel && h + 2 * padding >= kernel && w + 2 * padding >= kernel);
            let (slide, x) = (Slide { kernel, stride, padding }, random(&[b, h, w, from]));
            let weight = random(&[to, from, kernel, kernel]);
            let theirs = last(&first(&x).conv2d(&weight, padding, stride, 1, 1).unwrap());
            prop_assert!(far(&conv2d(&x, &weight, slide).unwrap(), &theirs) < 1e-5);
            prop_assert!(gradients_are_off_by(|x, weight| conv2d(x, weight, slide).unwrap(), &x, &weight) < 1e-6);

            let weight = random(&[from, to, kernel, kernel]);
            prop_assume!(slide.side(h).is_some_and(|side| side > 0) && slide.side(w).is_some_and(|side| side > 0));
            let theirs = last(&first(&x).conv_transpose2d(&weight, padding, 0, stride, 1).unwrap());
            prop_assert!(far(&conv_transpose2d(&x, &weight, slide).unwrap(), &theirs) < 1e-5);
            prop_assert!(gradients_are_off_by(|x, weight| conv_transpose2d(x, weight, slide).unwrap(), &x, &weight) < 1e-6);
        }
    }
}
