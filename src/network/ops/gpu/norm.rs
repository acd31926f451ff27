//! Group normalisation with what follows it: a pass for the sums, and one for all else.

use super::launch::{THREADS, count, launch, suffix};
use super::{Numbers, room, shown};
use candle_core::{CudaStorage, DType, Layout, Result, Tensor, bail};

/// Numbers of a group that a block adds up.
const NUMBERS: usize = 1 << 12;
/// The most parts that a picture's sums are in: whoever normalises adds them up.
const PARTS: usize = 32;
/// Of a large picture, how many pixels of a channel a thread normalises.
const PIXELS: usize = 64;

/// What a picture is normalised with.
pub struct Norm<'a> {
    pub groups: usize,
    pub eps: f64,
    /// (channels) each, in f32.
    pub weight: &'a Tensor,
    pub bias: &'a Tensor,
    /// (b, 2 channels), in f32.
    pub modulation: Option<&'a Tensor>,
    pub gelu: bool,
}

/// x (b, …, channels), normalised.
///
/// # Errors
/// When the device has no room.
pub fn group_norm(x: &CudaStorage, x_at: &Layout, norm: &Norm) -> Result<CudaStorage> {
    let (device, dims) = (&x.device, x_at.dims());
    let x = Numbers::of(x, x_at)?;
    let (b, channels) = (dims[0], norm.weight.elem_count());
    let pixels = x.len / b / channels;
    let size = channels / norm.groups;
    let part = NUMBERS.div_ceil(size).max(pixels.div_ceil(PARTS)).min(pixels);
    let parts = pixels.div_ceil(part);
    let (_kept, sums) = room(device, DType::F32, 2 * b * norm.groups * parts)?;
    let blocks = (grid(norm.groups)?, grid(parts)?, grid(b)?);
    let sizes = [count(pixels)?, count(channels)?];
    let arguments = [sums.into(), x.into(), sizes[0], sizes[1], count(part)?];
    launch(device, &format!("deviations_{}", suffix(x.dtype)), blocks, &arguments)?;
    let (storage, out) = room(device, x.dtype, x.len)?;
    let each = (pixels / PIXELS).clamp(4, PIXELS);
    let run = |weight: Numbers, bias: Numbers, modulation: Option<Numbers>| {
        let blocks = (grid(channels.div_ceil(THREADS as usize))?, grid(pixels.div_ceil(each))?, grid(b)?);
        let mut arguments = vec![out.into(), x.into(), sums.into(), weight.into(), bias.into(), modulation.into()];
        arguments.extend(sizes);
        arguments.extend([count(norm.groups)?, count(parts)?, count(each)?, (norm.eps as f32).into(), norm.gelu.into()]);
        launch(device, &format!("normalise_{}", suffix(x.dtype)), blocks, &arguments)
    };
    shown(norm.weight, |weight| {
        shown(norm.bias, |bias| match norm.modulation {
            None => run(weight, bias, None),
            Some(modulation) => shown(modulation, |modulation| run(weight, bias, Some(modulation))),
        })
    })?;
    Ok(storage)
}

/// Blocks along one side.
fn grid(blocks: usize) -> Result<u32> {
    match u32::try_from(blocks) {
        Ok(blocks) if blocks < 1 << 16 => Ok(blocks),
        _ => bail!("{blocks} blocks are too many at once"),
    }
}
