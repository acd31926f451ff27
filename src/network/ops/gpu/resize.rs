//! Pictures at half and at twice their size.

use super::launch::{count, launch, over, suffix};
use super::{Numbers, room};
use candle_core::{CudaStorage, Layout, Result, Shape, bail};

/// The mean of each 2×2 pixels of x (b, h, w, channels).
///
/// # Errors
/// When it is no picture, or the device has no room.
pub fn halve(x: &CudaStorage, x_at: &Layout) -> Result<(CudaStorage, Shape)> {
    let (b, h, w, channels) = x_at.shape().dims4()?;
    if h < 2 || w < 2 {
        bail!("{:?} cannot be halved", x_at.dims());
    }
    resize("halve", x, x_at, (b, h / 2, w / 2, channels).into())
}

/// Each pixel of x (b, h, w, channels) 2×2 times.
///
/// # Errors
/// As for [`halve`].
pub fn enlarge(x: &CudaStorage, x_at: &Layout) -> Result<(CudaStorage, Shape)> {
    let (b, h, w, channels) = x_at.shape().dims4()?;
    resize("double", x, x_at, (b, 2 * h, 2 * w, channels).into())
}

fn resize(kernel: &str, x: &CudaStorage, x_at: &Layout, shape: Shape) -> Result<(CudaStorage, Shape)> {
    let (_, h, w, channels) = x_at.shape().dims4()?;
    let (device, x) = (&x.device, Numbers::of(x, x_at)?);
    let (storage, out) = room(device, x.dtype, shape.elem_count())?;
    let arguments = [out.into(), x.into(), count(out.len)?, count(h)?, count(w)?, count(channels)?];
    launch(device, &format!("{kernel}_{}", suffix(x.dtype)), over(out.len), &arguments)?;
    Ok((storage, shape))
}
