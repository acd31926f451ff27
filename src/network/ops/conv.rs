//! The window of a convolution or a transposed one, and which way that is computed.

use super::plan::{Plan, Way};
use super::window::Window;
use candle_core::{Result, Shape, bail};

/// Below so many channels Winograd's maps cost more than they save.
const FEW: usize = 8;

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

    /// How the convolution with a weight of these sizes, or the transposed one, is computed from pictures (h, w, channels).
    pub(super) fn plan(self, transposed: bool, weight: &Shape, from: (usize, usize, usize)) -> Result<Plan> {
        let (outer, inner, kernel, width) = weight.dims4()?;
        let (channels, features) = if transposed { (outer, inner) } else { (inner, outer) };
        let side = |side| if transposed { self.side(side) } else { self.places(side) };
        let fits = (kernel, width, channels) == (self.kernel, self.kernel, from.2) && self.stride > 0 && channels > 0 && features > 0;
        let sides = if fits { side(from.0).zip(side(from.1)).filter(|(h, w)| h * w > 0) } else { None };
        let Some((h, w)) = sides else { bail!("a window of {weight:?} does not fit {from:?}") };
        let to = (h, w, features);
        let Slide { kernel, stride, padding } = self;
        let window = Window { kernel, stride, padding, picture: (from.0, from.1), grid: (h, w), channels };
        let turned = Window { picture: (h, w), grid: (from.0, from.1), channels: features, ..window };
        let way = match (transposed, kernel, stride, padding) {
            (false, 3, 1, 1) if channels >= FEW && features >= FEW => Way::Winograd { fold: 1 },
            (true, 4, 2, 1) if channels >= FEW && features >= FEW => Way::Winograd { fold: 2 },
            (false, _, 1, _) if features < FEW && features < channels && padding < kernel => {
                Way::Spread { window: Window { padding: kernel - 1 - padding, ..turned }, mirrored: true }
            }
            (false, ..) => Way::Gather(window),
            (true, ..) => Way::Spread { window: turned, mirrored: false },
        };
        Ok(Plan { way, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::super::by_candle::{conv_transpose2d, conv2d};
    use super::super::{Layer, Pass};
    use super::*;
    use candle_core::{DType, Device, Tensor, Var};
    use proptest::prelude::*;

    fn random(shape: &[usize]) -> Var {
        Var::from_tensor(&Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// A pass of one convolution.
    fn alone(x: &Tensor, weight: &Tensor, slide: Slide, transposed: bool) -> Tensor {
        let (mut pass, x) = Pass::new(x, true).unwrap();
        let (y, _) = pass.conv(&[&x], &Layer { slide, transposed, weight: weight.clone(), affine: None }, None).unwrap();
        pass.finish(&y).unwrap()
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

    /// Both convolutions of pictures (b, h, w, from) to so many features beside candle's, and their ways back.
    fn check(slide: Slide, (b, h, w): (usize, usize, usize), (from, to): (usize, usize)) {
        let x = random(&[b, h, w, from]);
        for transposed in [false, true] {
            let side = |side| if transposed { slide.side(side) } else { slide.places(side) };
            if side(h).zip(side(w)).is_none_or(|(h, w)| h * w == 0) {
                continue;
            }
            let theirs = if transposed { conv_transpose2d } else { conv2d };
            let (first, second) = if transposed { (from, to) } else { (to, from) };
            let weight = random(&[first, second, slide.kernel, slide.kernel]);
            // Sums of up to 16 · 40 products, in another order and, at Winograd's points, of numbers a few times as large.
            let off = far(&alone(&x, &weight, slide, transposed), &theirs(&x, &weight, slide).unwrap());
            assert!(off < 1e-5, "{off}");
            let off = gradients_are_off_by(|x, weight| alone(x, weight, slide, transposed), &x, &weight);
            assert!(off < 1e-6, "{off}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn both_are_candles_and_their_gradients_are_the_way_back(
            size in (1..11usize, 1..14usize, 1..14usize), channels in (1..20usize, 1..20usize), kernel in 1..5usize, stride in 1..4usize, padding in 0..3usize,
        ) {
            prop_assume!(padding < kernel);
            check(Slide { kernel, stride, padding }, size, channels);
        }

        #[test]
        fn so_are_those_that_the_networks_are_made_of(size in (1..20usize, 1..20usize, 1..20usize), channels in (8..40usize, 8..40usize)) {
            check(Slide { kernel: 3, stride: 1, padding: 1 }, size, channels);
            check(Slide { kernel: 4, stride: 2, padding: 1 }, size, channels);
        }
    }

    #[test]
    fn a_large_picture_is_cut_into_strips() {
        check(Slide { kernel: 3, stride: 1, padding: 1 }, (2, 61, 50), (9, 8));
        check(Slide { kernel: 4, stride: 2, padding: 1 }, (1, 49, 61), (8, 9));
    }
}
