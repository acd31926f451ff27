//! Several pictures become one: in rows, by turns in one place, or as what differs between two.

use crate::link::Picture;
use image::{Rgb, RgbImage, imageops};

/// The side of an image on a training's sheet, and what lies between two.
const IMAGE: (u32, u32) = (28, 2);

/// How the pictures of one place are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrangement {
    /// Side by side, so many before a new row begins.
    Rows(usize),
    /// A sheet of a training's small images, of which the first stand for all where there is little room.
    Sheet,
    /// One of those that take turns, by its place among them; each as large as the largest, so that nothing leaps.
    Turn(usize),
    /// How far the first two are from one another in every colour, so many times as bright.
    Difference(u8),
}

/// How far two pictures are from one another, of 255.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// On average of all colours of all pixels.
    pub mean: f64,
    /// At most.
    pub most: u8,
}

/// The pictures as one, for so many pixels; what differs between two is told in numbers, too. An image on a sheet needs
/// `least` pixels to be told from another.
pub(super) fn arrange(
    pictures: &[Picture],
    arrangement: Arrangement,
    (room, least): ((u32, u32), u32),
) -> Option<(RgbImage, Option<Difference>)> {
    let images = pictures.iter().map(|picture| RgbImage::from_raw(picture.head.width, picture.head.height, picture.rgb.to_vec()));
    let images = images.collect::<Option<Vec<_>>>()?;
    match arrangement {
        Arrangement::Rows(columns) => Some((tile(images, columns)?, None)),
        Arrangement::Sheet => Some((first_images(images.first()?, room, least), None)),
        Arrangement::Turn(at) => Some((level(images).into_iter().nth(at)?, None)),
        Arrangement::Difference(times) => {
            let (shown, difference) = differ(level(images), times)?;
            Some((shown, Some(difference)))
        }
    }
}

/// How many times a picture of one size is enlarged to be as large as one of another; none where that is no whole number.
pub fn enlargement((width, height): (u32, u32), (wide, high): (u32, u32)) -> Option<u32> {
    let times = wide.checked_div(width)?;
    (times > 0 && times.checked_mul(width) == Some(wide) && times.checked_mul(height) == Some(high)).then_some(times)
}

/// Several pictures as one sheet.
fn tile(mut images: Vec<RgbImage>, columns: usize) -> Option<RgbImage> {
    if images.len() < 2 {
        return images.pop();
    }
    let (width, height) = largest(&images);
    let columns = columns.clamp(1, images.len());
    let mut sheet = RgbImage::new(width * columns as u32, height * images.len().div_ceil(columns) as u32);
    for (at, image) in images.iter().enumerate() {
        let (column, row) = ((at % columns) as u32, (at / columns) as u32);
        imageops::replace(&mut sheet, image, i64::from(column * width), i64::from(row * height));
    }
    Some(sheet)
}

fn largest(images: &[RgbImage]) -> (u32, u32) {
    let longest = |side: fn(&RgbImage) -> u32| images.iter().map(side).max().unwrap_or(0);
    (longest(RgbImage::width), longest(RgbImage::height))
}

/// All of one size: the smaller ones are enlarged, and stand in the middle where they have another shape.
fn level(images: Vec<RgbImage>) -> Vec<RgbImage> {
    let size = largest(&images);
    let enlarge = |image: RgbImage| {
        if image.dimensions() == size {
            return image;
        }
        if enlargement(image.dimensions(), size).is_some() {
            return imageops::resize(&image, size.0, size.1, imageops::FilterType::Nearest);
        }
        let most = (f64::from(size.0) / f64::from(image.width())).min(f64::from(size.1) / f64::from(image.height()));
        let side = |pixels: u32, most_pixels: u32| ((f64::from(pixels) * most).round() as u32).clamp(1, most_pixels);
        let (width, height) = (side(image.width(), size.0), side(image.height(), size.1));
        let scaled = imageops::resize(&image, width, height, imageops::FilterType::Triangle);
        let mut canvas = RgbImage::new(size.0, size.1);
        imageops::replace(&mut canvas, &scaled, i64::from((size.0 - width) / 2), i64::from((size.1 - height) / 2));
        canvas
    };
    images.into_iter().map(enlarge).collect()
}

fn differ(images: Vec<RgbImage>, times: u8) -> Option<(RgbImage, Difference)> {
    let [one, other, ..] = images.as_slice() else { return None };
    let (mut sum, mut most) = (0u64, 0);
    let mut shown = RgbImage::new(one.width(), one.height());
    for ((one, other), shown) in one.pixels().zip(other.pixels()).zip(shown.pixels_mut()) {
        let apart: [u8; 3] = std::array::from_fn(|colour| one[colour].abs_diff(other[colour]));
        sum += apart.iter().map(|apart| u64::from(*apart)).sum::<u64>();
        most = apart.into_iter().fold(most, u8::max);
        *shown = Rgb(apart.map(|apart| apart.saturating_mul(times)));
    }
    let count = 3 * u64::from(one.width()) * u64::from(one.height());
    Some((shown, Difference { mean: sum as f64 / count.max(1) as f64, most }))
}

/// The first columns and rows of a sheet of small images, as many as have at least so many of the pixels that there are.
fn first_images(sheet: &RgbImage, (width, height): (u32, u32), least: u32) -> RgbImage {
    let shown = |side: u32, room: u32| {
        let all = ((side + IMAGE.1) / (IMAGE.0 + IMAGE.1)).max(1);
        let count = all.min((room / least.max(1)).max(1));
        if count == all { side } else { count * (IMAGE.0 + IMAGE.1) - IMAGE.1 }
    };
    imageops::crop_imm(sheet, 0, 0, shown(sheet.width(), width), shown(sheet.height(), height)).to_image()
}

#[cfg(test)]
#[path = "arrange_tests.rs"]
mod tests;
