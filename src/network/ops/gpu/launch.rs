//! Starting the kernels of `kernels.cu`. They are in the program as PTX, which the driver compiles for whatever chip there is.

use super::Numbers;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{LaunchConfig, PushKernelArg, sys::CUdeviceptr};
use candle_core::{CudaDevice, DType, Result, bail};

const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));
/// Threads of a block.
pub const THREADS: u32 = 256;
/// The most blocks of a kernel whose threads take one number after another: enough for every processor of a large chip.
const BLOCKS: u32 = 16 * 132;

/// What a kernel is given.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// Where numbers lie; 0 for none.
    At(CUdeviceptr),
    Count(u32),
    Factor(f32),
    Flag(i32),
}

impl From<Numbers> for Argument {
    fn from(numbers: Numbers) -> Argument {
        Argument::At(numbers.at)
    }
}

impl From<Option<Numbers>> for Argument {
    fn from(numbers: Option<Numbers>) -> Argument {
        Argument::At(numbers.map_or(0, |numbers| numbers.at))
    }
}

impl From<f32> for Argument {
    fn from(factor: f32) -> Argument {
        Argument::Factor(factor)
    }
}

impl From<bool> for Argument {
    fn from(flag: bool) -> Argument {
        Argument::Flag(flag.into())
    }
}

/// A count, which the kernels have in 32 bits, with room for a stride beyond it.
pub fn count(count: usize) -> Result<Argument> {
    match u32::try_from(count) {
        Ok(count) if count < u32::MAX - BLOCKS * THREADS => Ok(Argument::Count(count)),
        _ => bail!("{count} numbers are too many at once"),
    }
}

/// Blocks for a kernel whose threads take one number after another.
pub fn over(count: usize) -> (u32, u32, u32) {
    (count.div_ceil(THREADS as usize).clamp(1, BLOCKS as usize) as u32, 1, 1)
}

/// The name that kernels have for a type.
pub fn suffix(dtype: DType) -> &'static str {
    match dtype {
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        _ => "f32",
    }
}

/// Has a GPU run a kernel in so many blocks, whose threads share a float each.
pub fn launch(device: &CudaDevice, kernel: &str, blocks: (u32, u32, u32), arguments: &[Argument]) -> Result<()> {
    let function = device.get_or_load_custom_func(kernel, "darkroom", PTX)?;
    let mut call = function.builder();
    for argument in arguments {
        match argument {
            Argument::At(at) => call.arg(at),
            Argument::Count(count) => call.arg(count),
            Argument::Factor(factor) => call.arg(factor),
            Argument::Flag(flag) => call.arg(flag),
        };
    }
    let shape = LaunchConfig { grid_dim: blocks, block_dim: (THREADS, 1, 1), shared_mem_bytes: THREADS * size_of::<f32>() as u32 };
    // SAFETY: each operator beside this file gives its kernel what the kernel's head asks for, of tensors that are alive until the
    // launch is in their stream: what is freed later is freed behind it.
    #[allow(unsafe_code)]
    unsafe { call.launch(shape) }.w()?;
    Ok(())
}
