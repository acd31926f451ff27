//! Moving pictures: the steps of a run, and an anagram that turns from view to view.

use crate::recipe::View;
use anyhow::{Context, Result};
use image::codecs::gif::{GifEncoder, Repeat};
use image::imageops::{FilterType, resize};
use image::{Delay, DynamicImage, Frame, Rgb, RgbImage};
use std::time::Duration;

/// Pictures are enlarged to at least so many pixels: 32 are a stamp.
const SIDE: u32 = 256;
/// How long the last picture stands.
const HOLD: Duration = Duration::from_secs(2);
/// How long a turn takes, and its pictures.
const TURN: Duration = Duration::from_millis(1200);
const TURN_FRAMES: u32 = 24;
/// What lies behind a turning picture.
const ROOM: Rgb<u8> = Rgb([22, 21, 24]);

/// A picture and how long it stands.
pub type Shot = (RgbImage, Duration);

/// Pictures one after the other, each standing as long; the last one longer.
pub fn film(pictures: &[RgbImage], each: Duration) -> Vec<Shot> {
    let last = pictures.len().saturating_sub(1);
    let shot = |(index, picture): (usize, &RgbImage)| (enlarge(picture), if index == last { HOLD } else { each });
    pictures.iter().enumerate().map(shot).collect()
}

/// An anagram that turns from each of its views to the next, and from the last back to the first. A rotation turns, a flip
/// turns over; what exchanges pixels fades over.
pub fn turning(views: &[(View, RgbImage)]) -> Vec<Shot> {
    let mut shots = Vec::new();
    for (index, (view, picture)) in views.iter().enumerate() {
        let (next_view, next) = &views[(index + 1) % views.len()];
        shots.push((framed(&enlarge(picture)), HOLD));
        if views.len() > 1 {
            shots.extend((1..TURN_FRAMES).map(|frame| {
                let progress = ease(f64::from(frame) / f64::from(TURN_FRAMES));
                (between((view, &enlarge(picture)), (next_view, &enlarge(next)), progress), TURN / TURN_FRAMES)
            }));
        }
    }
    shots
}

/// A film as a GIF's bytes, repeated for ever. Delays are rounded to hundredths of a second.
///
/// # Errors
/// When there is no picture in it.
pub fn gif(shots: &[Shot]) -> Result<Vec<u8>> {
    shots.first().context("a film without pictures cannot be made")?;
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
    encoder.set_repeat(Repeat::Infinite)?;
    for (picture, stands) in shots {
        let rgba = DynamicImage::from(picture.clone()).into_rgba8();
        encoder.encode_frame(Frame::from_parts(rgba, 0, 0, Delay::from_saturating_duration(*stands)))?;
    }
    drop(encoder);
    Ok(bytes)
}

/// A film as an animated PNG's bytes, repeated for ever; a program that knows no animation shows the first picture.
///
/// # Errors
/// When there is no picture in it, or they differ in size.
pub fn apng(shots: &[Shot]) -> Result<Vec<u8>> {
    let (first, _) = shots.first().context("a film without pictures cannot be made")?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, first.width(), first.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_animated(shots.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for (picture, stands) in shots {
        writer.set_frame_delay(u16::try_from(stands.as_millis()).unwrap_or(u16::MAX), 1000)?;
        writer.write_image_data(picture)?;
    }
    writer.finish()?;
    Ok(bytes)
}

/// Each pixel as a square, so that the whole has at least [`SIDE`] pixels.
fn enlarge(picture: &RgbImage) -> RgbImage {
    let scale = SIDE.div_ceil(picture.width().max(picture.height()).max(1)).max(1);
    resize(picture, picture.width() * scale, picture.height() * scale, FilterType::Nearest)
}

/// Slow at both ends.
fn ease(progress: f64) -> f64 {
    progress * progress * (3.0 - 2.0 * progress)
}

/// The picture with room around it in which it can turn.
fn framed(picture: &RgbImage) -> RgbImage {
    placed(picture, picture.width().max(picture.height()), |x, y| (x, y))
}

/// A place on the way from one view to the next.
fn between((from, picture): (&View, &RgbImage), (to, next): (&View, &RgbImage), progress: f64) -> RgbImage {
    let side = picture.width().max(picture.height());
    let quarters = |view: &View| match view {
        View::Identity => Some(0i32),
        View::Rotate90 => Some(1),
        View::Rotate180 => Some(2),
        View::Rotate270 => Some(3),
        _ => None,
    };
    if let (Some(a), Some(b)) = (quarters(from), quarters(to)) {
        let (sin, cos) = (f64::from(b - a) * std::f64::consts::FRAC_PI_2 * progress).sin_cos();
        // Where a pixel of the turned picture lay before.
        return placed(picture, side, |x, y| (x * cos + y * sin, y * cos - x * sin));
    }
    let turned_over = matches!((from, to), (View::Identity, View::Flip) | (View::Flip, View::Identity));
    if turned_over {
        let height = (std::f64::consts::PI * progress).cos();
        let shown = if height > 0.0 { picture } else { next };
        return placed(shown, side, |x, y| (x, y / height.abs().max(1e-3)));
    }
    let mut mixed = picture.clone();
    for (pixel, other) in mixed.pixels_mut().zip(next.pixels()) {
        *pixel = Rgb([0, 1, 2].map(|c| (f64::from(pixel[c]) * (1.0 - progress) + f64::from(other[c]) * progress).round() as u8));
    }
    framed(&mixed)
}

/// A picture in a square room, each place of which shows the place of the picture that `before` tells, from the middle.
fn placed(picture: &RgbImage, side: u32, before: impl Fn(f64, f64) -> (f64, f64)) -> RgbImage {
    let room = side + side / 2;
    let centre = f64::from(room) / 2.0;
    let (half_width, half_height) = (f64::from(picture.width()) / 2.0, f64::from(picture.height()) / 2.0);
    RgbImage::from_fn(room, room, |x, y| {
        let (x, y) = before(f64::from(x) + 0.5 - centre, f64::from(y) + 0.5 - centre);
        let (x, y) = ((x + half_width).floor(), (y + half_height).floor());
        let inside = x >= 0.0 && y >= 0.0;
        inside.then(|| picture.get_pixel_checked(x as u32, y as u32)).flatten().copied().unwrap_or(ROOM)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use image::AnimationDecoder;
    use image::codecs::{gif::GifDecoder, png::PngDecoder};
    use std::io::Cursor;

    fn picture(level: u8) -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| if y < 4 { Rgb([level, 0, 0]) } else { Rgb([0, 0, x as u8 * 8]) })
    }

    #[test]
    fn a_film_shows_every_picture_and_holds_the_last() {
        let shots = film(&[picture(10), picture(120), picture(250)], Duration::from_millis(100));
        let frames = GifDecoder::new(Cursor::new(gif(&shots).unwrap())).unwrap().into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[0].delay().numer_denom_ms(), (100, 1));
        assert_eq!(frames[2].delay().numer_denom_ms(), (2000, 1));
        assert_eq!(frames[0].buffer().dimensions(), (256, 256));
        assert!(frames[2].buffer().get_pixel(3, 3)[0].abs_diff(250) < 8);
        let animated = PngDecoder::new(Cursor::new(apng(&shots).unwrap())).unwrap();
        assert!(animated.is_apng().unwrap());
        let frames = animated.apng().unwrap().into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1].buffer().get_pixel(3, 3).0, [120, 0, 0, 255]);
        assert_eq!(gif(&shots).unwrap(), gif(&shots).unwrap());
    }

    #[test]
    fn an_anagram_turns_and_ends_where_the_next_view_begins() {
        let upright = picture(200);
        let turned = image::imageops::rotate180(&upright);
        let shots = turning(&[(View::Identity, upright), (View::Rotate180, turned)]);
        assert_eq!(shots.len(), 2 * TURN_FRAMES as usize);
        let (before, after) = (&shots[TURN_FRAMES as usize - 1].0, &shots[TURN_FRAMES as usize].0);
        let off = before.pixels().zip(after.pixels()).filter(|(a, b)| a != b).count();
        assert!(off * 20 < before.pixels().count(), "the last picture of the turn is nearly the next view: {off}");
        assert!(shots.iter().all(|(picture, _)| picture.dimensions() == (384, 384)));
    }

    #[test]
    fn a_film_of_nothing_is_an_error() {
        assert!(gif(&[]).is_err() && apng(&[]).is_err());
    }
}
