//! A PNG file from elsewhere: whether it is whole, its size, and the texts in it.

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use png::text_metadata::{ITXtChunk, TEXtChunk, ZTXtChunk};
use png::{DecodingError, Limits};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// The most pixels, and the longest side that the gallery shows.
const MAX_PIXELS: u64 = 1 << 26;
const MAX_SIDE: u32 = 1 << 15;
/// The most that the texts in a file may take, in bytes, as they are and unpacked.
const MAX_TEXT: usize = 16 << 20;

/// What is seen in a file: its size in pixels, and its texts with their keys.
type Looked = ((u32, u32), Vec<(String, String)>);

/// A picture's file, known to be whole.
pub(super) struct Png {
    pub bytes: Vec<u8>,
    /// Width and height, in pixels.
    pub size: (u32, u32),
    texts: Vec<(String, String)>,
}

impl Png {
    /// Reads a file that may be anything.
    ///
    /// # Errors
    /// When it is no whole PNG, or larger than fits a sensible memory.
    pub fn read(path: &Path) -> Result<Png> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| anyhow!(crate::atomic::reason(&error)))?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).context("it cannot be read")?;
        ensure!(bytes.len() as u64 <= MAX_FILE, "it is larger than {} MB", MAX_FILE >> 20);
        Png::of(bytes)
    }

    /// As [`Png::read`], of a file's bytes.
    pub fn of(bytes: Vec<u8>) -> Result<Png> {
        ensure!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "it is no PNG file, and only those are read");
        let (size, texts) = decode(&bytes).map_err(|error| match error.downcast_ref::<DecodingError>() {
            Some(DecodingError::LimitsExceeded) => anyhow!("it holds more than {} MB of text", MAX_TEXT >> 20),
            Some(_) => error.context("it is no whole PNG file"),
            None => error,
        })?;
        Ok(Png { bytes, size, texts })
    }

    /// The text under a key. Of several the last, as the programs that write them read it.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.iter().rev().find(|(known, _)| known == key).map(|(_, text)| text.as_str())
    }
}

/// Looks at every pixel once, so that what the gallery keeps can be shown; keeps a row of them at a time.
fn decode(bytes: &[u8]) -> Result<Looked> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_TEXT });
    let (width, height) = decoder.read_header_info()?.size();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS {
        bail!("it has {width}x{height} pixels, and up to {} million are read", MAX_PIXELS / 1_000_000);
    }
    let mut reader = decoder.read_info()?;
    while reader.next_row()?.is_some() {}
    // Texts may follow the pixels.
    reader.finish()?;
    let mut texts = Texts { all: Vec::new(), left: MAX_TEXT };
    let info = reader.info();
    for TEXtChunk { keyword, text } in &info.uncompressed_latin1_text {
        texts.add(keyword, really_utf8(text))?;
    }
    for chunk in &info.compressed_latin1_text {
        let mut chunk: ZTXtChunk = chunk.clone();
        chunk.decompress_text_with_limit(texts.left).map_err(|error| swollen(&chunk.keyword, &error))?;
        texts.add(&chunk.keyword, really_utf8(&chunk.get_text()?))?;
    }
    for chunk in &info.utf8_text {
        let mut chunk: ITXtChunk = chunk.clone();
        chunk.decompress_text_with_limit(texts.left).map_err(|error| swollen(&chunk.keyword, &error))?;
        texts.add(&chunk.keyword, chunk.get_text()?)?;
    }
    Ok(((width, height), texts.all))
}

/// The texts of a file with their keys, while there is room left for them.
struct Texts {
    all: Vec<(String, String)>,
    left: usize,
}

impl Texts {
    fn add(&mut self, key: &str, text: String) -> Result<(), DecodingError> {
        self.left = self.left.checked_sub(text.len()).ok_or(DecodingError::LimitsExceeded)?;
        self.all.push((key.to_owned(), text));
        Ok(())
    }
}

/// It is not tried how large it would become.
fn swollen(key: &str, error: &DecodingError) -> Error {
    anyhow!("its text '{}' is larger than {} MB, or broken ({error})", key.escape_debug(), MAX_TEXT >> 20)
}

/// Some programs write UTF-8 where PNG wants Latin-1: a text whose bytes are UTF-8 is hardly anything else.
fn really_utf8(latin1: &str) -> String {
    let bytes = latin1.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| latin1.to_owned())
}
