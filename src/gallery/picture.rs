//! PNG files with their recipe inside.

use super::parameters::{VERSION, parameters};
use crate::atomic;
use crate::recipe::{Made, Recipe};
use anyhow::{Result, anyhow, bail, ensure};
use image::{DynamicImage, ImageDecoder, RgbImage};
use png::text_metadata::ITXtChunk;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The version of [`Metadata`].
const SCHEMA: u64 = 1;

/// The most that the text in a file may take, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// How the chunk begins that holds a recipe.
const OURS: &[u8; 9] = b"darkroom\0";

/// The longest side of a picture that is read and the most pixels of it, and the most memory for its decoding, in bytes.
const MAX_SIDE: u32 = 1 << 15;
const MAX_PIXELS: u64 = 1 << 26;
const MAX_PICTURE: u64 = 1 << 30;

/// The JSON of the `darkroom` chunk. It holds nothing that changes between two runs of one recipe.
#[derive(Serialize, Deserialize)]
struct Metadata {
    schema: u64,
    /// With the model's name in place of a path.
    recipe: Recipe,
    made: Made,
    /// Which of the run's pictures, from 0.
    picture: usize,
    version: String,
}

/// A picture as a PNG file's bytes, with its recipe inside. The same input gives the same bytes.
///
/// # Errors
/// When the picture has no pixels, or the recipe is larger than a reader would take.
pub fn encode_png(picture: &RgbImage, recipe: &Recipe, made: &Made, index: usize) -> Result<Vec<u8>> {
    let named = recipe.clone().with_model(&made.model).nameless();
    let metadata =
        Metadata { schema: SCHEMA, recipe: named, made: made.clone(), picture: index, version: env!("CARGO_PKG_VERSION").to_owned() };
    let (parameters, metadata) = (parameters(recipe, made), serde_json::to_string(&metadata)?);
    // The `parameters` text takes up to twice the prompt: Latin-1 grows in UTF-8.
    ensure!(parameters.len() + metadata.len() < MAX_TEXT / 2, "the recipe is too large for a picture's metadata; shorten the prompt");
    encode(picture, &[("parameters", &parameters), ("darkroom", &metadata)])
}

/// A picture as a PNG file's bytes, with texts inside.
///
/// # Errors
/// When the picture has no pixels.
pub fn encode(picture: &RgbImage, texts: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    for (key, text) in texts.iter().chain(&[("Software", VERSION)]) {
        // tEXt holds Latin-1; our own JSON is always UTF-8, so that it has one reader.
        match *key != "darkroom" && text.chars().all(|c| u8::try_from(c).is_ok()) {
            true => encoder.add_text_chunk((*key).to_owned(), (*text).to_owned())?,
            false => encoder.add_itxt_chunk((*key).to_owned(), (*text).to_owned())?,
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture)?;
    writer.finish()?;
    Ok(bytes)
}

/// The recipe inside a PNG file, what it resolved to, and which of the run's pictures it is, from 0.
///
/// # Errors
/// When the file is no whole PNG, or holds no recipe that this darkroom knows.
pub fn read_png_recipe(path: &Path) -> Result<(Recipe, Made, usize)> {
    let metadata = || {
        let text = darkroom_text(path)?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|_| anyhow!("its darkroom text is no JSON"))?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(SCHEMA) => {}
            Some(newer) if newer > SCHEMA => bail!("a newer darkroom wrote it (schema {newer}, this one knows {SCHEMA})"),
            _ => bail!("its darkroom text does not say which schema it has"),
        }
        Ok(serde_json::from_value::<Metadata>(value)?)
    };
    let metadata = metadata().map_err(|why| anyhow!("cannot read a recipe from {}: {why}", path.display()))?;
    Ok((metadata.recipe, metadata.made, metadata.picture))
}

/// The text of the `darkroom` chunk; reads no pixels.
fn darkroom_text(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|error| anyhow!(atomic::reason(&error)))?;
    ensure!(ends_as_png(&mut file).unwrap_or(false), "it is no whole PNG file");
    let decoder = png::Decoder::new_with_limits(BufReader::new(file), png::Limits { bytes: MAX_TEXT });
    let reader = decoder.read_info().map_err(|error| match error {
        png::DecodingError::LimitsExceeded => anyhow!("it holds more than {} MB of text, or rows of pixels as long", MAX_TEXT >> 20),
        error => anyhow!("{error}"),
    })?;
    let is_ours = |chunk: &&ITXtChunk| chunk.keyword == "darkroom";
    let Some(chunk) = reader.info().utf8_text.iter().find(is_ours) else { bail!("it holds none; darkroom did not make it") };
    let mut chunk = chunk.clone();
    chunk.decompress_text_with_limit(MAX_TEXT)?;
    Ok(chunk.get_text()?)
}

/// Whether the file ends with the chunk that ends a PNG: the cheap way to see one that was cut short.
fn ends_as_png(file: &mut File) -> io::Result<bool> {
    let mut end = [0; 12];
    file.seek(SeekFrom::End(-12))?;
    file.read_exact(&mut end)?;
    file.rewind()?;
    Ok(&end == b"\0\0\0\0IEND\xAE\x42\x60\x82")
}

/// Whether a file is a whole PNG that must not be written again: without a recipe of ours, or signed (C2PA's `caBX`).
pub(super) fn is_anothers(path: &Path) -> bool {
    let look = || -> io::Result<bool> {
        let mut file = BufReader::new(File::open(path)?);
        let (mut head, mut ours, mut signed) = ([0; 8], false, false);
        file.read_exact(&mut head)?;
        if &head != b"\x89PNG\r\n\x1a\n" {
            return Ok(false);
        }
        loop {
            file.read_exact(&mut head)?;
            let [a, b, c, d, kind @ ..] = head;
            // What is in the chunk, and its sum.
            let mut rest = i64::from(u32::from_be_bytes([a, b, c, d])) + 4;
            match &kind {
                b"IEND" => return Ok(signed || !ours),
                b"caBX" => signed = true,
                b"iTXt" if rest > OURS.len() as i64 => {
                    let mut key = [0; OURS.len()];
                    file.read_exact(&mut key)?;
                    ours |= key == *OURS;
                    rest -= OURS.len() as i64;
                }
                _ => {}
            }
            file.seek_relative(rest)?;
        }
    };
    look().unwrap_or(false)
}

/// A picture file, made smaller where its longer side is above `max_side` pixels, never larger.
///
/// # Errors
/// When the file is no PNG, is cut short, or is larger than fits a sensible memory.
pub fn load(path: &Path, max_side: u32) -> Result<RgbImage> {
    let file = File::open(path).map_err(|error| anyhow!(atomic::reason(&error)));
    let picture = file.and_then(|file| decode(&file)).map_err(|why| anyhow!("cannot read the picture {}: {why}", path.display()))?;
    Ok(shrink(picture, max_side))
}

/// The pixels of an open PNG file, from its beginning.
pub(super) fn decode(file: &File) -> Result<RgbImage> {
    let decoder = reader(file)?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    // A grey one of a byte each would become three times as large.
    ensure!(u64::from(width) * u64::from(height) <= MAX_PIXELS, "{width}x{height} pixels are too many");
    Ok(DynamicImage::from_decoder(decoder)?.into_rgb8())
}

/// Width and height of an open PNG file; reads no pixels.
pub(super) fn size(file: &File) -> Result<(u32, u32)> {
    Ok(reader(file)?.into_dimensions()?)
}

fn reader(mut file: &File) -> Result<image::ImageReader<BufReader<&File>>> {
    file.rewind()?;
    let mut reader = image::ImageReader::with_format(BufReader::new(file), image::ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE);
    reader.limits(limits);
    Ok(reader)
}

/// The picture with its longer side at most `max_side` pixels, each pixel the average of those it stands for.
pub fn shrink(picture: RgbImage, max_side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (longer, side) = (width.max(height), max_side.max(1));
    if longer <= side {
        return picture;
    }
    let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longer)).max(1) as u32;
    image::imageops::thumbnail(&picture, scaled(width), scaled(height))
}
