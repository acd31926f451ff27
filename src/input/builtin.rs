//! The photo that is compiled in, and the masks that are drawn by rule.

use crate::recipe::CAMPANILE;
use image::{GrayImage, Luma};

/// The size of a built-in mask where none is asked for.
pub const MASK_SIDE: u32 = 64;

/// The file of a built-in photo. Its source and licence stand beside it in `campanile.md`.
pub fn photo(name: &str) -> Option<&'static [u8]> {
    (name == CAMPANILE).then_some(include_bytes!("campanile.jpg").as_slice())
}

/// A built-in mask: 255 where the picture is made new.
pub fn mask(name: &str, side: u32) -> Option<GrayImage> {
    let (quarter, half) = (side / 4, side / 2);
    let is_new: fn(u32, u32, u32, u32) -> bool = match name {
        "centre" => |x, y, quarter, half| (quarter..quarter + half).contains(&x) && (quarter..quarter + half).contains(&y),
        "left" => |x, _, _, half| x < half,
        "right" => |x, _, _, half| x >= half,
        "top" => |_, y, _, half| y < half,
        "bottom" => |_, y, _, half| y >= half,
        _ => return None,
    };
    Some(GrayImage::from_fn(side, side, |x, y| Luma([if is_new(x, y, quarter, half) { 255 } else { 0 }])))
}
