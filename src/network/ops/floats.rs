//! The numbers of tensors.

use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};

/// Whether the operators here compute it; candle's do for other devices and types.
pub(super) fn ours(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
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
