//! What decides a picture beside its recipe, as one number: SHA-256 over configs, tokenizer and weights.

use super::{Cache, Folder, folder::embedded};
use anyhow::{Context, Result};
use candle_core::DType;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::time::UNIX_EPOCH;

/// A part of a folder: its name, its config, and what its weights are called where it has some.
type Part = (&'static str, &'static str, Option<&'static str>);

const TEXT_ENCODER: Part = ("text_encoder", "config.json", Some("model"));
const UNET: Part = ("unet", "config.json", Some("diffusion_pytorch_model"));
const TOKENIZER: Part = ("tokenizer", "tokenizer.json", None);
const SCHEDULER: Part = ("scheduler", "scheduler_config.json", None);
const NOISING: Part = ("image_noising_scheduler", "scheduler_config.json", None);

/// The parts that decide a picture, in the order in which they are hashed.
const ALL: &[Part] = &[TEXT_ENCODER, UNET, TOKENIZER, SCHEDULER, NOISING];
const READING: &[Part] = &[TEXT_ENCODER, TOKENIZER];
const DRAWING: &[Part] = &[UNET, SCHEDULER, NOISING];

/// Where a model's prompts are read.
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    /// In the model's own folder.
    Own,
    /// In another model's.
    Of(&'a Folder),
    /// Elsewhere: the recipe says where.
    Elsewhere,
}

impl Folder {
    /// SHA-256, in hexadecimal, over all that decides a picture. Files that are as they were when a cache met them last are
    /// not read again.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash(&self, words: Words, cache: &Cache) -> Result<String> {
        let stamp = self.stamp(words)?;
        if let Some(known) = cache.hash(&stamp) {
            return Ok(known);
        }
        let mut hasher = Sha256::new();
        self.deciding(words).iter().try_for_each(|(folder, parts)| folder.feed(&mut hasher, parts))?;
        let hash = hexadecimal(hasher);
        cache.keep_hash(&stamp, &hash);
        Ok(hash)
    }

    /// Whether a cache knows that, so that no file has to be read.
    ///
    /// # Errors
    /// When a file is missing.
    pub fn is_hashed(&self, words: Words, cache: &Cache) -> Result<bool> {
        Ok(cache.hash(&self.stamp(words)?).is_some())
    }

    /// Another for files that were written meanwhile; reads none.
    ///
    /// # Errors
    /// When a file is missing.
    pub fn stamp(&self, words: Words) -> Result<String> {
        let mut hasher = Sha256::new();
        self.deciding(words).iter().try_for_each(|(folder, parts)| folder.feed_stamps(&mut hasher, parts))?;
        Ok(hexadecimal(hasher))
    }

    fn deciding<'a>(&'a self, words: Words<'a>) -> Vec<(&'a Folder, &'static [Part])> {
        match words {
            Words::Own => vec![(self, ALL)],
            Words::Of(other) => vec![(self, ALL), (other, READING)],
            Words::Elsewhere => vec![(self, DRAWING)],
        }
    }

    /// What tells apart the states that this folder's text encoder gives a prompt: whether its files are the same ones, and
    /// in which precision they compute.
    ///
    /// # Errors
    /// When a file is missing.
    pub(crate) fn states_key(&self, prompt: &str, dtype: DType) -> Result<String> {
        let mut hasher = Sha256::new();
        self.feed_stamps(&mut hasher, READING)?;
        hasher.update(format!("{:?}", (dtype, super::reader::clean(prompt))));
        Ok(hexadecimal(hasher))
    }

    fn feed(&self, hasher: &mut Sha256, parts: &[Part]) -> Result<()> {
        for path in self.deciding_files(parts)? {
            hasher.update(path.as_bytes());
            match self {
                Folder::Embedded => hasher.update(embedded(&path).unwrap_or_default()),
                Folder::Dir(dir) => {
                    let unreadable = || format!("{} cannot be read", self.title(&path));
                    let mut file = File::open(dir.join(&path)).with_context(unreadable)?;
                    std::io::copy(&mut file, hasher).with_context(unreadable)?;
                }
            }
        }
        Ok(())
    }

    /// Where the files lie, how large they are and when they were written last.
    fn feed_stamps(&self, hasher: &mut Sha256, parts: &[Part]) -> Result<()> {
        for path in self.deciding_files(parts)? {
            let stamp = match self {
                Folder::Embedded => (String::new(), 0, None),
                Folder::Dir(dir) => {
                    let file = dir.join(&path);
                    let about = fs::metadata(&file).with_context(|| format!("{} cannot be read", self.title(&path)))?;
                    let written = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                    let place = fs::canonicalize(&file).unwrap_or(file).to_string_lossy().into_owned();
                    (place, about.len(), written)
                }
            };
            hasher.update(format!("{:?}", (&path, stamp)));
        }
        Ok(())
    }

    /// The files of some parts that decide a picture. What must be there has been loaded before.
    fn deciding_files(&self, parts: &[Part]) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        for (part, config, stem) in parts {
            let config = if *part == TOKENIZER.0 { self.tokenizer().to_owned() } else { format!("{part}/{config}") };
            if self.has(&config) {
                paths.push(config);
                paths.extend(stem.map(|stem| self.weight_files(part, stem)).transpose()?.unwrap_or_default());
            }
        }
        Ok(paths)
    }
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
