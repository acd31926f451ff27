//! Two drawings that ship with darkroom, for pages whose author has not drawn yet.

use image::{Rgb, RgbImage};

const SIDE: u32 = 64;

/// A sketch by its name.
pub fn sketch(name: &str) -> Option<RgbImage> {
    let colour: fn(f64, f64) -> [u8; 3] = match name {
        "house" => house,
        "face" => face,
        _ => return None,
    };
    let place = |at: u32| (f64::from(at) + 0.5) / f64::from(SIDE);
    Some(RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb(colour(place(x), place(y)))))
}

fn house(x: f64, y: f64) -> [u8; 3] {
    match (x, y) {
        _ if (0.44..0.58).contains(&x) && (0.66..0.86).contains(&y) => [90, 60, 30],
        _ if (0.25..0.75).contains(&x) && (0.48..0.86).contains(&y) => [230, 200, 150],
        _ if (0.2..0.48).contains(&y) && (x - 0.5).abs() < (y - 0.2) * 1.15 => [190, 50, 40],
        _ if (x - 0.84).hypot(y - 0.16) < 0.09 => [255, 220, 60],
        _ if y > 0.86 => [80, 160, 70],
        _ => [150, 205, 245],
    }
}

fn face(x: f64, y: f64) -> [u8; 3] {
    let from = |cx: f64, cy: f64| (x - cx).hypot(y - cy);
    match () {
        () if from(0.38, 0.42) < 0.05 || from(0.62, 0.42) < 0.05 => [30, 30, 40],
        () if (from(0.5, 0.54) - 0.2).abs() < 0.025 && y > 0.6 => [170, 40, 50],
        () if from(0.5, 0.5) < 0.36 => [250, 205, 80],
        () => [245, 245, 245],
    }
}
