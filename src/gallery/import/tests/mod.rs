//! Pictures as each program writes them, field by field, and files that mean harm.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bytes;
mod graphs;
mod hostile;
mod programs;

use super::*;
use crate::gallery::Gallery;
use ::png::{BitDepth, ColorType, Encoder};
use std::path::PathBuf;
use tempfile::TempDir;

/// How a text stands in a file.
#[derive(Clone, Copy)]
enum Chunk {
    /// `tEXt`: as Pillow writes what is Latin-1.
    Plain,
    /// `zTXt`.
    Packed,
    /// `iTXt`: as Pillow writes all else.
    Utf8,
}

/// A picture of this size with texts, as a program would write it.
fn png((width, height): (u32, u32), texts: &[(Chunk, &str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    for (chunk, key, text) in texts {
        let (key, text) = ((*key).to_owned(), (*text).to_owned());
        match chunk {
            Chunk::Plain => encoder.add_text_chunk(key, text).unwrap(),
            Chunk::Packed => encoder.add_ztxt_chunk(key, text).unwrap(),
            Chunk::Utf8 => encoder.add_itxt_chunk(key, text).unwrap(),
        }
    }
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..width * height * 3).map(|at| (at * 31) as u8).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// An empty gallery, and a folder for pictures beside it.
struct Desk {
    folder: TempDir,
    gallery: Gallery,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let gallery = Gallery::open(&folder.path().join("workspace")).unwrap().0;
        Desk { folder, gallery }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import(&self, name: &str, bytes: &[u8]) -> Imported {
        self.gallery.import(&self.file(name, bytes)).unwrap()
    }

    /// Why a file is refused.
    fn refusal(&self, bytes: &[u8]) -> String {
        let path = self.file("refused.png", bytes);
        let error = self.gallery.import(&path).unwrap_err();
        let text = crate::words::sentence(&error);
        text.strip_prefix(&format!("{} cannot be imported: ", path.display())).unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    /// A 64x48 picture with one text.
    fn told(&self, key: &str, text: &str) -> Imported {
        let chunk = if text.chars().all(|c| u8::try_from(c).is_ok()) { Chunk::Plain } else { Chunk::Utf8 };
        self.import("told.png", &png((64, 48), &[(chunk, key, text)]))
    }
}

/// The fields of a recipe that differ from what a form begins with.
fn fields(run: &Run) -> Vec<(String, String)> {
    let plain = Recipe::parse("sample", &[]).unwrap().pairs();
    run.recipe.pairs().into_iter().filter(|pair| !plain.contains(pair)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    pairs.sort();
    pairs
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

fn foreign(run: &Run) -> &Foreign {
    run.foreign.as_ref().unwrap()
}
