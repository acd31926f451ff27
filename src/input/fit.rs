//! A picture brought to a model's square.

use crate::recipe::{Colour, Fit};
use image::imageops::{FilterType, overlay, resize};
use image::{GrayImage, Luma, Rgb, RgbImage, RgbaImage};

/// A mask's pixel from here on is white.
const WHITE: u8 = 128;

/// The picture as a square of `side` pixels: transparent pixels lie on the background, then the middle is cut out, or the
/// whole is laid on the background.
pub fn square(picture: &RgbaImage, fit: Fit, background: Colour, side: u32) -> RgbImage {
    let opaque = on(picture, background.0);
    let (width, height) = opaque.dimensions();
    match fit {
        Fit::Crop => {
            let square = width.min(height);
            let middle = image::imageops::crop_imm(&opaque, (width - square) / 2, (height - square) / 2, square, square);
            scale(&middle.to_image(), (side, side))
        }
        Fit::Letterbox => {
            let longer = u64::from(width.max(height));
            let scaled = |length: u32| ((u64::from(length) * u64::from(side) + longer / 2) / longer).max(1) as u32;
            let (width, height) = (scaled(width), scaled(height));
            let mut sheet = RgbImage::from_pixel(side, side, Rgb(background.0));
            overlay(&mut sheet, &scale(&opaque, (width, height)), ((side - width) / 2).into(), ((side - height) / 2).into());
            sheet
        }
    }
}

/// A mask brought to size as the photo that it is for: 255 where it is white, 0 elsewhere and where it is transparent.
pub fn mask(picture: &RgbaImage, fit: Fit, side: u32) -> GrayImage {
    let grey = image::DynamicImage::from(square(picture, fit, Colour([0; 3]), side)).into_luma8();
    GrayImage::from_fn(side, side, |x, y| Luma([if grey.get_pixel(x, y)[0] >= WHITE { 255 } else { 0 }]))
}

/// The picture on a colour.
fn on(picture: &RgbaImage, background: [u8; 3]) -> RgbImage {
    let mut sheet = RgbImage::new(picture.width(), picture.height());
    for (pixel, under) in picture.pixels().zip(sheet.pixels_mut()) {
        let alpha = u32::from(pixel[3]);
        let mix = |over: u8, under: u8| ((u32::from(over) * alpha + u32::from(under) * (255 - alpha) + 127) / 255) as u8;
        *under = Rgb([0, 1, 2].map(|c| mix(pixel[c], background[c])));
    }
    sheet
}

/// Resampled as photo programs do: Lanczos on the way down, Catmull-Rom on the way up, which rings less.
fn scale(picture: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    match picture.dimensions() {
        same if same == (width, height) => picture.clone(),
        (w, h) if w < width && h < height => resize(picture, width, height, FilterType::CatmullRom),
        _ => resize(picture, width, height, FilterType::Lanczos3),
    }
}
