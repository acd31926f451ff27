//! From a file's bytes to pixels. The bytes are hostile until they are pixels.

use anyhow::{Context, Result, anyhow, ensure};
use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use std::io::Cursor;

/// The longest side of a picture, in pixels.
const MAX_SIDE: u32 = 1 << 14;
/// The most pixels of a picture: a bomb of a few kilobytes must not fill the memory.
const MAX_PIXELS: u64 = 64_000_000;
/// The most bytes that decoding may take.
const MAX_MEMORY: u64 = 1 << 30;

/// What pictures may be, whatever their files are called.
const FORMATS: &[(ImageFormat, &str)] =
    &[(ImageFormat::Png, "png"), (ImageFormat::Jpeg, "jpg"), (ImageFormat::WebP, "webp"), (ImageFormat::Gif, "gif")];
/// How their files end.
pub const EXTENSIONS: &[&str] = &["png", "jpg", "webp", "gif"];

/// How a picture's file ends, by its content.
pub fn extension(bytes: &[u8]) -> &'static str {
    format(bytes).map_or("png", |(_, extension)| extension)
}

/// A PNG, JPEG, WebP or GIF (its first frame), upright as its Exif says; `name` is for the sentence.
///
/// # Errors
/// When it is none of these, is cut short, has no pixels or too many.
pub fn decode(bytes: &[u8], name: &str) -> Result<RgbaImage> {
    let name = name.escape_debug();
    let (format, _) = format(bytes).with_context(|| format!("'{name}' is no picture; PNG, JPEG, WebP and GIF can be read"))?;
    ensure!(format != ImageFormat::Jpeg || ends_as_jpeg(bytes), "the picture '{name}' cannot be read: it is cut short");
    let decode = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(MAX_SIDE), Some(MAX_SIDE), Some(MAX_MEMORY));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(why)?;
        let (width, height) = decoder.dimensions();
        ensure!(width > 0 && height > 0, "it has no pixels");
        ensure!(u64::from(width) * u64::from(height) <= MAX_PIXELS, "{width}x{height} pixels are too many; shrink it first");
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut picture = DynamicImage::from_decoder(decoder).map_err(why)?;
        picture.apply_orientation(orientation);
        Ok(picture.into_rgba8())
    };
    decode().with_context(|| format!("the picture '{name}' cannot be read"))
}

/// Whether the mark that ends a JPEG comes behind its last scan: the decoder paints what is missing grey. What a segment
/// holds, such as Exif's own small JPEG, is stepped over, and what follows, such as a phone's film, is never looked at.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((marker, behind)) = next_marker(rest) {
        rest = match marker {
            0xd9 => return true,
            // These have no segment.
            0x01 | 0xd8 => behind,
            _ => {
                let length = behind.first_chunk().map_or(2, |length| u16::from_be_bytes(*length));
                behind.get(usize::from(length.max(2))..).unwrap_or_default()
            }
        };
    }
    false
}

/// The next marker and what is behind it. In a scan's data FF 00 is a number, and D0 to D7 let a decoder start afresh.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    let at = bytes.windows(2).position(is_marker)?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

fn format(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    let format = image::guess_format(bytes).ok()?;
    FORMATS.iter().copied().find(|(known, _)| *known == format)
}

/// The library's error in a person's words.
fn why(error: ImageError) -> anyhow::Error {
    match error {
        ImageError::Limits(limits) => match limits.kind() {
            LimitErrorKind::DimensionError => anyhow!("it is wider or higher than {MAX_SIDE} pixels; shrink it first"),
            _ => anyhow!("it needs more memory than a picture should; shrink it first"),
        },
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => anyhow!("it is cut short"),
        error => anyhow!("{error}"),
    }
}
