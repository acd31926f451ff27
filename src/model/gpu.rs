//! An NVIDIA GPU: one stream for all that is computed on it, and memory that is kept from one step to the next.

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublas::sys::{cublasMath_t, cublasSetMathMode};
use candle_core::cuda_backend::cudarc::driver::CudaContext;
use candle_core::cuda_backend::cudarc::driver::result::{device::get_default_mem_pool, mem_get_info, mem_pool};
use candle_core::cuda_backend::cudarc::driver::sys::{CUmemPool_attribute, CUmemoryPool};
use candle_core::{CudaDevice, Device, Result};

/// What is left for the workspaces of cuBLAS.
const MARGIN: u64 = 100_000_000;

/// How many GPUs there are.
pub fn count() -> usize {
    CudaContext::device_count().map_or(0, |count| count.max(0) as usize)
}

/// Opens a GPU by its number.
///
/// # Errors
/// When there is none, or it cannot be used.
pub fn open(number: usize) -> Result<Device> {
    let device = CudaDevice::new_with_stream(number)?;
    // SAFETY: all tensors of the device are made, used and freed in its one stream, which needs no events to keep their order.
    #[allow(unsafe_code)]
    unsafe {
        device.disable_event_tracking();
    }
    // SAFETY: the handle is the device's. Products that are cut along their sums may not add up the parts in f16.
    #[allow(unsafe_code)]
    unsafe {
        let whole = cublasMath_t::CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
        cublasSetMathMode(*device.cublas_handle().handle(), whole).result().w()?;
    }
    if has_pool(&device) {
        keep(&device)?;
    }
    Ok(Device::Cuda(device))
}

/// Some GPUs take and give back every room at once.
fn has_pool(device: &CudaDevice) -> bool {
    device.cuda_stream().context().has_async_alloc()
}

/// Bytes that can be had: those that are free, and those that the driver keeps for this process without need.
pub fn free(device: &CudaDevice) -> Result<u64> {
    device.cuda_stream().context().bind_to_thread().w()?;
    let (free, _) = mem_get_info().w()?;
    let free = (free as u64).saturating_sub(MARGIN);
    if !has_pool(device) {
        return Ok(free);
    }
    let pool = pool(device)?;
    let reserved = attribute(pool, CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
    let used = attribute(pool, CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?;
    Ok(free + reserved.saturating_sub(used))
}

/// Gives back what is free to the others on the machine.
pub fn give_back(device: &CudaDevice) -> Result<()> {
    if !has_pool(device) {
        return Ok(());
    }
    device.cuda_stream().synchronize().w()?;
    let pool = pool(device)?;
    // SAFETY: the pool is the device's; what is in use stays.
    #[allow(unsafe_code)]
    unsafe {
        mem_pool::trim_to(pool, 0).w()
    }
}

/// The most bytes that were in use at a time.
pub fn peak(device: &CudaDevice) -> Result<u64> {
    device.cuda_stream().context().bind_to_thread().w()?;
    attribute(pool(device)?, CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH)
}

/// Has the driver keep what is freed: it would give all of it back at the end of each step, and fetch it again in the next.
fn keep(device: &CudaDevice) -> Result<()> {
    let mut all = u64::MAX;
    let pool = pool(device)?;
    // SAFETY: the pool is the device's, and this attribute of it is a number of 64 bits.
    #[allow(unsafe_code)]
    unsafe {
        mem_pool::set_attribute(pool, CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, (&raw mut all).cast()).w()
    }
}

fn pool(device: &CudaDevice) -> Result<CUmemoryPool> {
    // SAFETY: the device is open.
    #[allow(unsafe_code)]
    unsafe {
        get_default_mem_pool(device.cuda_stream().context().cu_device()).w()
    }
}

fn attribute(pool: CUmemoryPool, attribute: CUmemPool_attribute) -> Result<u64> {
    let mut number = 0u64;
    // SAFETY: the pool is a device's, and every attribute that is asked for is a number of 64 bits.
    #[allow(unsafe_code)]
    unsafe {
        mem_pool::get_attribute(pool, attribute, (&raw mut number).cast()).w()?;
    }
    Ok(number)
}
