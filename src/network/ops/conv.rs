//! Convolutions and transposed convolutions of channels-last pictures (b, height, width, channels), with their gradients.

use super::frame::{Gradient, Source};
use super::plan::{Plan, Way};
use super::window::Window;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Storage, Tensor, bail};

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
        let window = Window { kernel, stride, padding, picture: (from.0, from.1), grid: (h, w), channels, features };
        let turned = Window { picture: (h, w), grid: (from.0, from.1), channels: features, features: channels, ..window };
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

/// x (b, h, w, in) under a weight (out, in, kernel, kernel): (b, rows, columns, out), as PyTorch's `conv2d` channels-last.
///
/// # Errors
/// When the sizes do not fit one another.
pub fn conv2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    if ours(x) {
        return x.contiguous()?.apply_op2(&weight.contiguous()?, Convolve { slide, transposed: false });
    }
    last(&first(x)?.conv2d(weight, slide.padding, slide.stride, 1, 1)?)
}

/// x (b, rows, columns, in) under a weight (in, out, kernel, kernel): (b, h, w, out), as PyTorch's `conv_transpose2d`
/// channels-last.
///
/// # Errors
/// When the sizes do not fit one another.
pub fn conv_transpose2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    if ours(x) {
        return x.contiguous()?.apply_op2(&weight.contiguous()?, Convolve { slide, transposed: true });
    }
    last(&first(x)?.conv_transpose2d(weight, slide.padding, 0, slide.stride, 1)?)
}

/// Whether the operators here compute it; candle's do for other devices and types.
pub(super) fn ours(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

fn first(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}

fn last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

struct Convolve {
    slide: Slide,
    transposed: bool,
}

impl CustomOp2 for Convolve {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, weight: &CpuStorage, weight_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, h, w, channels) = x_at.shape().dims4()?;
        let plan = self.slide.plan(self.transposed, weight_at.shape(), (h, w, channels))?;
        let source = Source { values: floats(x, x_at)?, channels, line: None };
        let (out, _) = plan.forward(&plan.pack(floats(weight, weight_at)?), &[source], b, false);
        Ok((CpuStorage::F32(out), (b, plan.to.0, plan.to.1, plan.to.2).into()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (b, h, w, channels) = x.dims4()?;
        let plan = self.slide.plan(self.transposed, weight.shape(), (h, w, channels))?;
        let back = with_floats(&[x, weight, &grad.contiguous()?], |numbers| {
            let [values, weight, grad] = numbers else { bail!("three tensors") };
            let source = Source { values, channels, line: None };
            let gradient = Gradient { values: grad, channels: plan.to.2, norm: None };
            Ok(plan.backward(&plan.pack(weight), &[source], &gradient, b, x.track_op()))
        })?;
        let mut of_weight = vec![0.0; weight.elem_count()];
        plan.unpack(&back.weight, &mut of_weight);
        let of_x = back.sources.into_iter().next().map(|back| Tensor::from_vec(back, x.shape(), x.device())).transpose()?;
        Ok((of_x, Some(Tensor::from_vec(of_weight, weight.shape(), x.device())?)))
    }
}

pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the operators need contiguous numbers"),
    }
}

/// Shows a function the numbers of some tensors.
pub(super) fn with_floats<T>(tensors: &[&Tensor], show: impl FnOnce(&[&[f32]]) -> Result<T>) -> Result<T> {
    let guards: Vec<_> = tensors.iter().map(|tensor| tensor.storage_and_layout()).collect();
    let numbers = guards.iter().map(|(storage, layout)| match &**storage {
        Storage::Cpu(storage) => floats(storage, layout),
        _ => bail!("the operators need numbers in main memory"),
    });
    show(&numbers.collect::<Result<Vec<_>>>()?)
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

    /// Both convolutions of pictures (b, h, w, from) to so many features beside candle's, and their ways back.
    fn check(slide: Slide, (b, h, w): (usize, usize, usize), (from, to): (usize, usize)) {
        let Slide { kernel, stride, padding } = slide;
        let x = random(&[b, h, w, from]);
        let close = |ours: Tensor, theirs: Tensor| {
            // Sums of up to 16 · 40 products, in another order and, at Winograd's points, of numbers a few times as large.
            let off = far(&ours, &last(&theirs).unwrap());
            assert!(off < 1e-5, "{off}");
        };
        if h + 2 * padding >= kernel && w + 2 * padding >= kernel {
            let weight = random(&[to, from, kernel, kernel]);
            close(conv2d(&x, &weight, slide).unwrap(), first(&x).unwrap().conv2d(&weight, padding, stride, 1, 1).unwrap());
            let off = gradients_are_off_by(|x, weight| conv2d(x, weight, slide).unwrap(), &x, &weight);
            assert!(off < 1e-6, "{off}");
        }
        if slide.side(h).is_some_and(|side| side > 0) && slide.side(w).is_some_and(|side| side > 0) {
            let weight = random(&[from, to, kernel, kernel]);
            close(
                conv_transpose2d(&x, &weight, slide).unwrap(),
                first(&x).unwrap().conv_transpose2d(&weight, padding, 0, stride, 1).unwrap(),
            );
            let off = gradients_are_off_by(|x, weight| conv_transpose2d(x, weight, slide).unwrap(), &x, &weight);
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

    #[test]
    fn other_devices_compute_the_same_with_candles_operators() {
        // Doubles go that way on this one too.
        let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap();
        let (x, weight, slide) = (random(&[2, 9, 7, 8]), random(&[8, 8, 4, 4]), Slide { kernel: 4, stride: 2, padding: 1 });
        for way in [conv2d, conv_transpose2d] {
            let theirs = way(&wide(&x), &wide(&weight), slide).unwrap().to_dtype(DType::F32).unwrap();
            assert!(far(&way(&x, &weight, slide).unwrap(), &theirs) < 1e-5);
        }
    }
}
