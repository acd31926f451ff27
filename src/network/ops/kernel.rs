//! Convolutions and linear layers whose weights stay, on channels-last tensors: made ready once, when they are loaded.

use super::conv::Slide;
use super::floats::{floats, ours, with_floats};
use super::frame::Source;
use super::panels::{Panels, Runs};
use super::plan::Packed;
#[cfg(feature = "cuda")]
use super::rounded::there;
use super::rounded::{rounded, wide};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use rayon::prelude::*;

/// Rows that a thread works on at a time, so that all threads find some in a small picture.
const ROWS: usize = 64;
/// Beyond so many pairs of channels, the weight at Winograd's points, four times as large, is no longer worth its memory.
const FEW_PAIRS: usize = 256 * 256;
/// With fewer channels than this, the way to the points and back costs more than they save.
const MANY_CHANNELS: usize = 16;
/// In a smaller picture, fetching that weight from memory costs more than it saves.
const MANY_PIXELS: usize = 256;
const SAME: Slide = Slide { kernel: 3, stride: 1, padding: 1 };

/// A weight with its bias: of a linear layer, or of a convolution with stride 1 that keeps the picture's size.
#[derive(Debug)]
pub struct Kernel {
    weight: Weight,
    bias: Tensor,
    channels: usize,
    /// Pixels of the kernel's side, an odd number.
    side: usize,
}

#[derive(Debug)]
enum Weight {
    Panels(Panels),
    /// At Winograd's points.
    Points(Packed),
    /// As it was loaded, in half precision on a CPU.
    Plain(Tensor),
    /// On a GPU: a row for each feature.
    #[cfg(feature = "cuda")]
    Rows(Tensor),
}

impl Kernel {
    /// From PyTorch's weight (features, channels) or (features, channels, side, side), and bias (features), for pictures that
    /// will mostly have so many pixels.
    ///
    /// # Errors
    /// When they do not fit one another, or the side is even.
    pub fn new(weight: &Tensor, bias: &Tensor, pixels: usize) -> Result<Kernel> {
        let weight = if weight.rank() == 2 { weight.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)? } else { weight.clone() };
        let (features, channels, side, width) = weight.dims4()?;
        if features * channels == 0 || bias.dims() != [features] || side != width || side.is_multiple_of(2) {
            bail!("a bias of {:?} does not fit a kernel of {:?}", bias.dims(), weight.dims());
        }
        let points = side == 3 && channels.min(features) >= MANY_CHANNELS && channels * features <= FEW_PAIRS && pixels >= MANY_PIXELS;
        let ready = match ours(&weight) {
            true if points => {
                let plan = SAME.plan(false, weight.shape(), (side, side, channels))?;
                with_floats(&[&weight.contiguous()?], |weight| Ok(Weight::Points(plan.pack(weight[0], false))))?
            }
            true => with_floats(&[&weight.contiguous()?], |weight| Weight::panels(weight[0], (features, channels, side)))?,
            #[cfg(feature = "cuda")]
            false if there(&weight) => Weight::Rows(super::gpu::ready(&weight)?),
            false => Weight::Plain(weight.contiguous()?),
        };
        Ok(Kernel { weight: ready, bias: bias.contiguous()?, channels, side })
    }

    /// A linear layer, or a convolution with kernels of one pixel, from `channels.0` to `channels.1` channels.
    ///
    /// # Errors
    /// When a parameter is missing or has another shape.
    pub fn linear((from, to): (usize, usize), vb: VarBuilder) -> Result<Kernel> {
        Kernel::new(&vb.get((to, from), "weight")?, &vb.get(to, "bias")?, 1)
    }

    /// A convolution with kernels of `side` pixels, for pictures that will mostly have so many pixels.
    ///
    /// # Errors
    /// As for [`linear`](Kernel::linear).
    pub fn convolution((from, to): (usize, usize), side: usize, pixels: usize, vb: VarBuilder) -> Result<Kernel> {
        Kernel::new(&vb.get((to, from, side, side), "weight")?, &vb.get(to, "bias")?, pixels)
    }

    /// x (…, channels) under a linear layer, or (b, h, w, channels) under a convolution: the same with its features, to which
    /// `add` is added.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn forward(&self, x: &Tensor, add: Option<&Tensor>) -> Result<Tensor> {
        match (&self.weight, add) {
            (Weight::Plain(weight), _) => self.in_f32(weight, x, add),
            (_, None) => x.contiguous()?.apply_op1_no_bwd(&Apply(self)),
            (_, Some(add)) => x.contiguous()?.apply_op2_no_bwd(&add.contiguous()?, &Apply(self)),
        }
    }

    /// In half precision on a CPU: the weight is made ready for this once, so that what stays is half as large.
    fn in_f32(&self, weight: &Tensor, x: &Tensor, add: Option<&Tensor>) -> Result<Tensor> {
        let ready = Kernel::new(&wide(weight)?, &wide(&self.bias)?, 1)?;
        let add = add.map(wide).transpose()?;
        rounded(x, |x| ready.forward(x, add.as_ref()))
    }

    fn features(&self) -> usize {
        self.bias.elem_count()
    }

    /// `out`, which holds the bias and what else is added, += the layer of `x`, whose shape is `dims`.
    fn run(&self, x: &[f32], dims: &[usize], out: &mut [f32]) -> Result<()> {
        let features = self.features();
        let (b, h, w) = match dims {
            [b, h, w, _] if self.side > 1 => (*b, *h, *w),
            _ => (1, x.len() / self.channels, 1),
        };
        let pictures = x.par_chunks(h * w * self.channels).zip(out.par_chunks_mut(h * w * features));
        match &self.weight {
            Weight::Points(packed) => {
                let plan = SAME.plan(false, &Shape::from((features, self.channels, 3, 3)), (h, w, self.channels))?;
                plan.add(packed, Source { values: x, channels: self.channels, line: None }, b, out);
            }
            Weight::Panels(panels) if self.side == 1 => {
                pictures.for_each(|(x, out)| rows(panels, x, Runs::one(self.channels), (w, w), out));
            }
            Weight::Panels(panels) => pictures.for_each(|(x, out)| {
                let (padded, line) = pad(x, (h, w), self.channels, self.side / 2);
                let runs = Runs { count: self.side, len: self.side * self.channels, step: line * self.channels };
                rows(panels, &padded, runs, (w, line), out);
            }),
            Weight::Plain(_) => bail!("a kernel in half precision"),
            #[cfg(feature = "cuda")]
            Weight::Rows(_) => bail!("a kernel on a GPU"),
        }
        Ok(())
    }
}

#[cfg(feature = "cuda")]
impl Kernel {
    fn run_on_gpu(&self, x: (&CudaStorage, &Layout), add: Option<(&CudaStorage, &Layout)>) -> Result<CudaStorage> {
        let Weight::Rows(weight) = &self.weight else { bail!("a kernel on a CPU") };
        super::gpu::convolve(x, (weight, &self.bias), add, self.side)
    }
}

impl Weight {
    fn panels(weight: &[f32], (features, channels, side): (usize, usize, usize)) -> Result<Weight> {
        // A row for each pixel of the kernel and each of its channels.
        let area = side * side;
        let at = |row: usize, feature: usize| weight[(feature * channels + row % channels) * area + row / channels];
        Ok(Weight::Panels(Panels::new((area * channels, features), at)?))
    }
}

/// Multiplies the neighbourhoods of pixels, `w` in a line, whose lines are `line` pixels apart in x.
fn rows(panels: &Panels, x: &[f32], runs: Runs, (w, line): (usize, usize), out: &mut [f32]) {
    let channels = runs.len / runs.count;
    out.par_chunks_mut(ROWS * panels.features()).enumerate().for_each(|(at, out)| {
        let pixels = at * ROWS..at * ROWS + out.len() / panels.features();
        let starts: Vec<usize> = pixels.map(|pixel| (pixel / w * line + pixel % w) * channels).collect();
        panels.product(x, &starts, runs, out, true);
    });
}

/// A picture with a border of zeros, and how many pixels its lines have.
fn pad(x: &[f32], (h, w): (usize, usize), channels: usize, border: usize) -> (Vec<f32>, usize) {
    let line = w + 2 * border;
    let mut padded = vec![0.0; (h + 2 * border) * line * channels];
    for (y, row) in x.chunks_exact(w * channels).enumerate() {
        padded[((y + border) * line + border) * channels..][..row.len()].copy_from_slice(row);
    }
    (padded, line)
}

struct Apply<'a>(&'a Kernel);

impl Apply<'_> {
    fn shape(&self, x: &Layout) -> Result<Shape> {
        match x.dims() {
            [before @ .., channels]
                if *channels == self.0.channels && (self.0.side == 1 || before.len() == 3) && x.shape().elem_count() > 0 =>
            {
                Ok(Shape::from([before, &[self.0.features()]].concat()))
            }
            dims => bail!("a kernel of {} channels does not fit {dims:?}", self.0.channels),
        }
    }

    fn shape_with(&self, x: &Layout, add: &Layout) -> Result<Shape> {
        let shape = self.shape(x)?;
        match *add.shape() == shape {
            true => Ok(shape),
            false => bail!("{:?} cannot be added to {shape:?}", add.shape()),
        }
    }
}

impl CustomOp1 for Apply<'_> {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.shape(x_at)?;
        let (bias, bias_at) = self.0.bias.storage_and_layout();
        let candle_core::Storage::Cpu(bias) = &*bias else { bail!("a kernel's bias is on another device") };
        let mut out = floats(bias, bias_at)?.repeat(shape.elem_count() / self.0.features());
        self.0.run(floats(x, x_at)?, x_at.dims(), &mut out)?;
        Ok((CpuStorage::F32(out), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, x_at: &Layout) -> Result<(CudaStorage, Shape)> {
        Ok((self.0.run_on_gpu((x, x_at), None)?, self.shape(x_at)?))
    }
}

impl CustomOp2 for Apply<'_> {
    fn name(&self) -> &'static str {
        "kernel-and-add"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, add: &CpuStorage, add_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.shape_with(x_at, add_at)?;
        let bias = self.0.bias.to_vec1::<f32>()?;
        let mut out = floats(add, add_at)?.to_vec();
        out.chunks_exact_mut(bias.len()).for_each(|out| out.iter_mut().zip(&bias).for_each(|(out, bias)| *out += bias));
        self.0.run(floats(x, x_at)?, x_at.dims(), &mut out)?;
        Ok((CpuStorage::F32(out), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &CudaStorage, x_at: &Layout, add: &CudaStorage, add_at: &Layout) -> Result<(CudaStorage, Shape)> {
        let shape = self.shape_with(x_at, add_at)?;
        Ok((self.0.run_on_gpu((x, x_at), Some((add, add_at)))?, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use proptest::prelude::*;

    fn far(ours: &Tensor, theirs: &Tensor) -> f32 {
        let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(ours.dims(), theirs.dims());
        largest(&(ours - theirs).unwrap()) / largest(theirs).max(1e-3)
    }

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    /// x (…, channels) under a weight, of candle's operators.
    fn plain(x: &Tensor, weight: &Tensor) -> Tensor {
        let (features, channels, side, _) = weight.dims4().unwrap();
        if side == 1 {
            let rows = x.reshape(((), channels)).unwrap().matmul(&weight.flatten_from(1).unwrap().t().unwrap()).unwrap();
            return rows.reshape([&x.dims()[..x.rank() - 1], &[features]].concat()).unwrap();
        }
        let first = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        first.conv2d(weight, side / 2, 1, 1, 1).unwrap().permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
    }

    /// How far a kernel is from candle's operators with the same numbers, without and with something to add.
    fn is_off_by(x: &Tensor, weight: &Tensor) -> f32 {
        let bias = random(&weight.dims()[..1]);
        let [ours, filtered] = [1, MANY_PIXELS].map(|pixels| Kernel::new(weight, &bias, pixels).unwrap());
        let theirs = plain(x, weight).broadcast_add(&bias).unwrap();
        let add = random(theirs.dims());
        let off = |ours: Kernel| {
            let with = far(&ours.forward(x, Some(&add)).unwrap(), &(&theirs + &add).unwrap());
            far(&ours.forward(x, None).unwrap(), &theirs).max(with)
        };
        off(ours).max(off(filtered))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_convolution_is_candles_however_it_is_done(
            b in 1..3usize, (h, w) in (1..20usize, 1..20usize), (from, to) in (1..40usize, 1..40usize), reach in 0..3usize,
        ) {
            let side = 2 * reach + 1;
            let off = is_off_by(&random(&[b, h, w, from]), &random(&[to, from, side, side]));
            prop_assert!(off < 2e-5, "{off}");
        }

        #[test]
        fn a_linear_layer_is_candles(n in 1..90usize, (from, to) in (1..80usize, 1..80usize)) {
            let off = is_off_by(&random(&[2, n, from]), &random(&[to, from, 1, 1]));
            prop_assert!(off < 1e-5, "{off}");
        }
    }

    #[test]
    fn half_precision_is_f32_rounded_once() {
        for dtype in [DType::F16, DType::BF16] {
            let half = |x: Tensor| x.to_dtype(dtype).unwrap();
            let (x, weight, bias, add) =
                (half(random(&[1, 4, 4, 3])), half(random(&[5, 3, 3, 3])), half(random(&[5])), half(random(&[1, 4, 4, 5])));
            let ours = Kernel::new(&weight, &bias, 16).unwrap().forward(&x, Some(&add)).unwrap();
            let exact = Kernel::new(&wide(&weight).unwrap(), &wide(&bias).unwrap(), 16).unwrap();
            let exact = exact.forward(&wide(&x).unwrap(), Some(&wide(&add).unwrap())).unwrap();
            assert_eq!(far(&wide(&ours).unwrap(), &wide(&half(exact)).unwrap()), 0.0);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Kernel::new(&random(&[5, 3, 2, 2]), &random(&[5]), 16).is_err());
        assert!(Kernel::new(&random(&[5, 3, 3, 3]), &random(&[4]), 16).is_err());
        let kernel = Kernel::new(&random(&[5, 3, 3, 3]), &random(&[5]), 16).unwrap();
        assert!(kernel.forward(&random(&[1, 4, 4, 2]), None).is_err());
        assert!(kernel.forward(&random(&[4, 4, 3]), None).is_err());
        assert!(kernel.forward(&random(&[1, 4, 4, 3]), Some(&random(&[1, 4, 4, 4]))).is_err());
    }
}
