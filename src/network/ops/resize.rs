//! Channels-last pictures (b, h, w, c) at half and at twice their size.

use super::floats::floats;
use super::rounded::operated;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// The mean of each 2×2 pixels; an odd last row or column is left out.
///
/// # Errors
/// When it is no picture.
pub fn halve(x: &Tensor) -> Result<Tensor> {
    operated(x, |x| x.apply_op1_no_bwd(&Halve))
}

/// Each pixel 2×2 times.
///
/// # Errors
/// When it is no picture.
pub fn double(x: &Tensor) -> Result<Tensor> {
    operated(x, |x| x.apply_op1_no_bwd(&Double))
}

struct Halve;
struct Double;

impl CustomOp1 for Halve {
    fn name(&self) -> &'static str {
        "halve"
    }

    fn cpu_fwd(&self, x: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, h, w, c) = at.shape().dims4()?;
        let (rows, columns) = (h / 2, w / 2);
        if b * rows * columns * c == 0 {
            bail!("{:?} cannot be halved", at.dims());
        }
        let x = floats(x, at)?;
        let mut y = vec![0.0; b * rows * columns * c];
        y.par_chunks_mut(columns * c).enumerate().for_each(|(row, y)| {
            let top = (row / rows * h + row % rows * 2) * w * c;
            let (above, below) = (&x[top..], &x[top + w * c..]);
            for (column, y) in y.chunks_exact_mut(c).enumerate() {
                let pixel = |line: &'_ [f32], i: usize| line[(2 * column) * c + i] + line[(2 * column + 1) * c + i];
                y.iter_mut().enumerate().for_each(|(i, y)| *y = 0.25 * (pixel(above, i) + pixel(below, i)));
            }
        });
        Ok((CpuStorage::F32(y), (b, rows, columns, c).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &candle_core::CudaStorage, at: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        super::gpu::halve(x, at)
    }
}

impl CustomOp1 for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn cpu_fwd(&self, x: &CpuStorage, at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (b, h, w, c) = at.shape().dims4()?;
        let x = floats(x, at)?;
        let mut y = vec![0.0; 4 * x.len()];
        y.par_chunks_mut((4 * w * c).max(1)).zip(x.par_chunks((w * c).max(1))).for_each(|(y, x)| {
            let (above, below) = y.split_at_mut(2 * w * c);
            for (y, x) in above.chunks_exact_mut(2 * c).zip(x.chunks_exact(c)) {
                y[..c].copy_from_slice(x);
                y[c..].copy_from_slice(x);
            }
            below.copy_from_slice(above);
        });
        Ok((CpuStorage::F32(y), (b, 2 * h, 2 * w, c).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, x: &candle_core::CudaStorage, at: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        super::gpu::enlarge(x, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_are_candles(b in 1..4usize, h in 2..12usize, w in 2..12usize, c in 1..20usize) {
            let x = Tensor::randn(0f32, 1.0, (b, h, w, c), &Device::Cpu).unwrap();
            let first = x.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
            let off = |ours: Tensor, theirs: Tensor| {
                let theirs = theirs.permute((0, 2, 3, 1)).unwrap();
                (ours - theirs).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap()
            };
            prop_assert!(off(halve(&x).unwrap(), first.avg_pool2d(2).unwrap()) < 1e-6);
            prop_assert!(off(double(&x).unwrap(), first.upsample_nearest2d(2 * h, 2 * w).unwrap()) == 0.0);
        }
    }
}
