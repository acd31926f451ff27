//! The operators on an NVIDIA GPU: kernels of our own between cuBLAS's products, in one stream. Sums are in f32; what a product is
//! added to has been rounded to the type of its result.
//!
//! A convolution is the product of its weight and of gathered neighbourhoods, so that pictures stay channels-last and nothing is
//! turned round; attention keeps the scores of so many pixels that they stay in the cache.

mod attention;
mod kernel;
mod launch;
mod norm;
mod product;
mod resize;
#[cfg(test)]
mod tests;

pub use attention::attend;
pub use kernel::{convolve, ready};
pub use norm::{Norm, group_norm};
pub use resize::{enlarge, halve};

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::CudaStorageSlice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DevicePtr, sys::CUdeviceptr};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result, Storage, Tensor, bail};
use half::{bf16, f16};

/// What a kernel writes, beside what it reads, is to stay in the cache until the next has read it.
const CACHED: usize = 32 << 20;

/// Contiguous numbers on a GPU. Whoever holds them keeps the tensor that they are of.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    at: CUdeviceptr,
    dtype: DType,
    len: usize,
}

impl Numbers {
    fn of(storage: &CudaStorage, layout: &Layout) -> Result<Numbers> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("the operators need contiguous numbers") };
        fn at<T>(slice: &CudaSlice<T>, device: &CudaDevice) -> CUdeviceptr {
            slice.device_ptr(&device.cuda_stream()).0
        }
        let (device, dtype) = (&storage.device, storage.dtype());
        let at = match &storage.slice {
            CudaStorageSlice::F32(slice) => at(slice, device),
            CudaStorageSlice::F16(slice) => at(slice, device),
            CudaStorageSlice::BF16(slice) => at(slice, device),
            _ => bail!("the operators need f32, f16 or bf16, not {dtype:?}"),
        };
        Ok(Numbers { at, dtype, len: end }.from(start))
    }

    /// Those from one on.
    fn from(self, first: usize) -> Numbers {
        Numbers { at: self.at + (first * self.dtype.size_in_bytes()) as CUdeviceptr, len: self.len - first, ..self }
    }
}

/// Shows a function the numbers of a tensor that is on the GPU.
fn shown<T>(x: &Tensor, show: impl FnOnce(Numbers) -> Result<T>) -> Result<T> {
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) => show(Numbers::of(storage, layout)?),
        _ => bail!("the operators need numbers on the GPU"),
    }
}

/// Room for numbers that a kernel will write, all of them.
fn room(device: &CudaDevice, dtype: DType, len: usize) -> Result<(CudaStorage, Numbers)> {
    // SAFETY: whoever asks for room has a kernel, or a product, write every number of it that anything reads.
    #[allow(unsafe_code)]
    let slice = unsafe {
        match dtype {
            DType::F32 => CudaStorageSlice::F32(device.alloc::<f32>(len)?),
            DType::F16 => CudaStorageSlice::F16(device.alloc::<f16>(len)?),
            DType::BF16 => CudaStorageSlice::BF16(device.alloc::<bf16>(len)?),
            other => bail!("the operators compute f32, f16 or bf16, not {other:?}"),
        }
    };
    let storage = CudaStorage { slice, device: device.clone() };
    let numbers = Numbers::of(&storage, &Layout::contiguous(len))?;
    Ok((storage, numbers))
}
