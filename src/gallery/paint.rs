//! Text and pictures painted onto a picture.

use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_7X13_BOLD, FONT_9X18_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};
use std::convert::Infallible;

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    font: &'static MonoFont<'static>,
    color: [u8; 3],
}

/// The colour behind everything, dark as the room.
pub(super) const PAPER: Rgb<u8> = Rgb([22, 21, 24]);
/// The line around a picture, so that a black one has an edge.
pub(super) const EDGE: Rgb<u8> = Rgb([58, 55, 60]);
/// What the sheet is of.
pub(super) const TITLE: Ink = Ink { font: &FONT_9X18_BOLD, color: [240, 236, 228] };
/// The facts below the title.
pub(super) const FACTS: Ink = Ink { font: &FONT_7X13, color: [150, 145, 140] };
/// A value on an axis.
pub(super) const VALUE: Ink = Ink { font: &FONT_7X13, color: [222, 217, 208] };
/// The name of an axis, in safelight amber.
pub(super) const FIELD: Ink = Ink { font: &FONT_7X13_BOLD, color: [235, 158, 72] };

impl Ink {
    /// The width of a text, in pixels.
    pub fn width(self, text: &str) -> u32 {
        text.chars().count() as u32 * self.font.character_size.width
    }

    /// The height of a line, in pixels.
    pub fn height(self) -> u32 {
        self.font.character_size.height
    }

    /// How many characters fit a width.
    pub fn columns(self, width: u32) -> usize {
        (width / self.font.character_size.width) as usize
    }
}

/// Writes a line with its upper left corner at `at`; what does not fit is cut.
pub(super) fn write(page: &mut RgbImage, at: (u32, u32), text: &str, ink: Ink) {
    let [r, g, b] = ink.color;
    let style = MonoTextStyle::new(ink.font, Rgb888::new(r, g, b));
    let at = Point::new(at.0 as i32, at.1 as i32);
    let text: String = text.chars().map(drawable).collect();
    let Ok(_) = Text::with_baseline(&text, at, style, Baseline::Top).draw(&mut Canvas(page));
}

/// The fonts hold Latin-1; what typography adds to it has its plain form there, and the rest shows as `?`.
fn drawable(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}'..='\u{201e}' => '"',
        c if c.is_control() => ' ',
        c => c,
    }
}

/// Puts a picture with its edge, the picture's upper left corner at `at`, each pixel as a square of `scale`.
pub(super) fn hang(page: &mut RgbImage, at: (u32, u32), picture: &RgbImage, scale: u32) {
    let (width, height) = (picture.width() * scale, picture.height() * scale);
    for y in 0..height + 2 {
        for x in 0..width + 2 {
            let inside = (1..=width).contains(&x) && (1..=height).contains(&y);
            let color = if inside { *picture.get_pixel((x - 1) / scale, (y - 1) / scale) } else { EDGE };
            if let Some(pixel) = page.get_pixel_mut_checked(at.0 + x - 1, at.1 + y - 1) {
                *pixel = color;
            }
        }
    }
}

struct Canvas<'a>(&'a mut RgbImage);

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}
