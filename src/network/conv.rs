//! Convolutions that keep the picture's size, as matrix products on the CPU.
//!
//! candle's own convolution reaches a tenth of what the matrix product under it can do. Here the picture's neighbourhoods
//! are laid out for a few rows at a time, which stay in the cache, and multiplied with the kernels in place.

use candle_core::{CpuStorage, CustomOp3, DType, Layout, Module, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use rayon::prelude::*;

/// An odd kernel with stride 1 and as much padding as keeps the size: (b, in, h, w) → (b, out, h, w).
#[derive(Debug)]
pub struct Conv {
    weight: Tensor, // (out, in, k, k)
    bias: Tensor,   // (out)
    kernel: usize,
}

/// A `Conv` from `channels.0` to `channels.1` channels.
pub fn conv(channels: (usize, usize), kernel: usize, vb: VarBuilder) -> Result<Conv> {
    let (from, to) = channels;
    Ok(Conv { weight: vb.get((to, from, kernel, kernel), "weight")?, bias: vb.get(to, "bias")?, kernel })
}

impl Module for Conv {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() && x.dtype() == DType::F32 {
            return x.contiguous()?.apply_op3_no_bwd(&self.weight.contiguous()?, &self.bias, &SamePadding);
        }
        let y = x.conv2d(&self.weight, self.kernel / 2, 1, 1, 1)?;
        y.broadcast_add(&self.bias.reshape((1, (), 1, 1))?)
    }
}

/// Floats of laid-out neighbourhoods a thread works on at a time: half of a core's second cache.
const TILE: usize = 128 * 1024;

struct SamePadding;

/// The sizes of one convolution.
#[derive(Clone, Copy)]
struct Sizes {
    from: usize,
    to: usize,
    h: usize,
    w: usize,
    kernel: usize,
}

impl CustomOp3 for SamePadding {
    fn name(&self) -> &'static str {
        "conv-same-padding"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (b, from, h, w) = x_layout.shape().dims4()?;
        let (to, weight_from, kernel, width) = weight_layout.shape().dims4()?;
        if (weight_from, width, bias_layout.shape().elem_count()) != (from, kernel, to) {
            bail!("a convolution of {weight_from} channels, {kernel}x{width}, does not fit {from} channels");
        }
        let sizes = Sizes { from, to, h, w, kernel };
        let (x, weight, bias) = (floats(x, x_layout)?, floats(weight, weight_layout)?, floats(bias, bias_layout)?);

        let mut out: Vec<f32> = (0..b * to).flat_map(|plane| std::iter::repeat_n(bias[plane % to], h * w)).collect();
        // The tiles depend on the sizes alone: the same sums in the same order with any number of threads.
        let rows = (TILE / (from * kernel * kernel * w).max(1)).clamp(1, h.max(1));
        let tiles: Vec<(usize, usize)> = (0..b).flat_map(|image| (0..h).step_by(rows).map(move |row| (image, row))).collect();
        let planes = Planes(out.as_mut_ptr());
        tiles.into_par_iter().for_each_init(Vec::new, |columns, (image, row)| {
            let rows = row..(row + rows).min(h);
            lay_out(&x[image * from * h * w..][..from * h * w], sizes, rows.clone(), columns);
            // SAFETY: each tile has rows of its own, within the output.
            #[allow(unsafe_code)]
            unsafe {
                planes.add_product(weight, columns, sizes, image * to * h * w + rows.start * w);
            }
        });
        Ok((CpuStorage::F32(out), (b, to, h, w).into()))
    }
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("a convolution needs contiguous numbers"),
    }
}

/// The neighbourhoods of some rows of one picture as a matrix (from · k · k, rows · w), zeros beyond the edges.
fn lay_out(x: &[f32], sizes: Sizes, rows: std::ops::Range<usize>, columns: &mut Vec<f32>) {
    let Sizes { from, h, w, kernel, .. } = sizes;
    let reach = kernel / 2;
    columns.clear();
    for plane in x.chunks_exact((h * w).max(1)).take(from) {
        for (dy, dx) in (0..kernel).flat_map(|dy| (0..kernel).map(move |dx| (dy, dx))) {
            for y in rows.clone() {
                let Some(y) = (y + dy).checked_sub(reach).filter(|y| *y < h) else {
                    columns.resize(columns.len() + w, 0.0);
                    continue;
                };
                // Output column c reads input column c + dx - reach.
                let (left, right) = (reach.saturating_sub(dx).min(w), dx.saturating_sub(reach).min(w));
                columns.resize(columns.len() + left, 0.0);
                columns.extend_from_slice(&plane[y * w + right..y * w + w - left]);
                columns.resize(columns.len() + right, 0.0);
            }
        }
    }
}

/// The output's planes, shared between threads that write different rows.
struct Planes(*mut f32);

// SAFETY: whoever calls `add_product` promises that no two threads write the same rows.
#[allow(unsafe_code)]
unsafe impl Sync for Planes {}

impl Planes {
    /// Adds kernels (to, from · k · k) times columns (from · k · k, n) to the output at `offset`, a plane a row.
    ///
    /// # Safety
    /// `n` numbers from `offset` on, in each of the `to` planes of h · w behind it, are the output's, and nobody else's
    /// meanwhile.
    #[allow(unsafe_code)]
    unsafe fn add_product(&self, kernels: &[f32], columns: &[f32], sizes: Sizes, offset: usize) {
        let Sizes { from, to, h, w, kernel } = sizes;
        let inner = from * kernel * kernel;
        let n = columns.len() / inner.max(1);
        assert_eq!((kernels.len(), columns.len()), (to * inner, n * inner));
        // SAFETY: the strides stay within the slices asserted above; the output is the caller's promise.
        unsafe {
            let out = self.0.add(offset);
            let plane = (h * w) as isize;
            gemm::gemm(
                to,
                n,
                inner,
                out,
                1,
                plane,
                true,
                kernels.as_ptr(),
                1,
                inner as isize,
                columns.as_ptr(),
                1,
                n as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_candles_convolution(b in 1..3usize, from in 1..6usize, to in 1..6usize, h in 1..40usize, w in 1..40usize, reach in 0..3usize) {
            let kernel = 2 * reach + 1;
            let random = |shape: &[usize]| Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
            let conv = Conv { weight: random(&[to, from, kernel, kernel]), bias: random(&[to]), kernel };
            let x = random(&[b, from, h, w]);
            let theirs = x.conv2d(&conv.weight, reach, 1, 1, 1).unwrap().broadcast_add(&conv.bias.reshape((1, (), 1, 1)).unwrap()).unwrap();
            let far = (conv.forward(&x).unwrap() - theirs).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            prop_assert!(far.to_scalar::<f32>().unwrap() < 1e-4);
        }
    }
}
