//! Linear layers and convolutions: a product with the numbers of pixels, or of their gathered neighbourhoods.

use super::launch::{count, launch, over, suffix};
use super::product::{Matrices, Product};
use super::{CACHED, Numbers, room, shown};
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Tensor, bail};

/// A weight (features, channels, side, side) as the product takes it: (features, side · side · channels).
///
/// # Errors
/// When the device has no room.
pub fn ready(weight: &Tensor) -> Result<Tensor> {
    weight.permute((0, 2, 3, 1))?.contiguous()?.flatten_from(1)
}

/// x (b, h, w, channels), or (…, channels) where `side` is 1, under a weight that is [`ready`], with its bias and what else is
/// added: (…, features).
///
/// # Errors
/// When the device has no room.
pub fn convolve(
    (x, x_at): (&CudaStorage, &Layout),
    (weight, bias): (&Tensor, &Tensor),
    add: Option<(&CudaStorage, &Layout)>,
    side: usize,
) -> Result<CudaStorage> {
    let (device, features) = (&x.device, bias.elem_count());
    let x = Numbers::of(x, x_at)?;
    let (rows, inner) = (x.len * side * side / weight.dim(1)?, weight.dim(1)?);
    let add = add.map(|(add, at)| Numbers::of(add, at)).transpose()?;
    let dtypes = [weight.dtype(), bias.dtype(), add.map_or(x.dtype, |add| add.dtype)];
    if dtypes != [x.dtype; 3] {
        bail!("a kernel, its bias and what is added are {dtypes:?}, not {:?}", x.dtype);
    }
    let (storage, out) = room(device, x.dtype, rows * features)?;
    shown(bias, |bias| {
        let arguments = [out.into(), bias.into(), add.into(), count(out.len)?, count(features)?];
        launch(device, &format!("begin_{}", suffix(x.dtype)), over(out.len), &arguments)
    })?;
    shown(weight, |weight| {
        let multiply = |rows: usize, x: Numbers, out: Numbers| {
            let (left, right) = (Matrices::one(x, inner), Matrices::one(weight, inner));
            let product = Product { left, right, turned: true, size: (rows, features, inner), matrices: 1, add: true };
            product.into(device, Matrices::one(out, features))
        };
        if side == 1 {
            return multiply(rows, x, out);
        }
        let at_once = (CACHED / (inner * x.dtype.size_in_bytes())).clamp(1, rows);
        let (_kept, gathered) = room(device, x.dtype, at_once * inner)?;
        for first in (0..rows).step_by(at_once) {
            let rows = at_once.min(rows - first);
            gather(device, (x, x_at.dims(), side), (first, rows), gathered)?;
            multiply(rows, gathered, out.from(first * features))?;
        }
        Ok(())
    })?;
    Ok(storage)
}

/// The neighbourhoods of some pixels, `side` pixels wide.
fn gather(device: &CudaDevice, (x, dims, side): (Numbers, &[usize], usize), (first, rows): (usize, usize), out: Numbers) -> Result<()> {
    let &[_, h, w, channels] = dims else { bail!("pictures, not {dims:?}") };
    let bytes = channels * x.dtype.size_in_bytes();
    let word = [16, 4].into_iter().find(|word| bytes.is_multiple_of(*word) && x.at.is_multiple_of(*word as u64)).unwrap_or(2);
    let words = bytes / word;
    let arguments = [out.into(), x.into(), count(first)?, count(rows)?, count(h)?, count(w)?, count(words)?, count(side)?];
    launch(device, &format!("gather_{word}"), over(rows * side * side * words), &arguments)
}
