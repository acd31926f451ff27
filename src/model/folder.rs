//! Where a model's files come from: a folder on disk, or the program itself.

use super::EMBEDDED;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

/// A model folder in the diffusers layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Folder {
    /// The model that is compiled in.
    Embedded,
    /// A folder on disk.
    Dir(PathBuf),
}

macro_rules! embed {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("tiny-if/", $path)))),*]
    };
}

const EMBEDDED_FILES: &[(&str, &[u8])] = embed![
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
];

/// A part of a folder: its name, its config, and what its weights are called where it has some.
type Part = (&'static str, &'static str, Option<&'static str>);

const TEXT_ENCODER: Part = ("text_encoder", "config.json", Some("model"));
const TOKENIZER: Part = ("tokenizer", "tokenizer.json", None);
/// The parts that decide a picture, in the order in which they are hashed.
const PARTS: &[Part] = &[
    TEXT_ENCODER,
    ("unet", "config.json", Some("diffusion_pytorch_model")),
    TOKENIZER,
    ("scheduler", "scheduler_config.json", None),
    ("image_noising_scheduler", "scheduler_config.json", None),
];

/// Where models live that are called by a name instead of a path.
pub fn models_dir() -> Option<PathBuf> {
    Some(directories::BaseDirs::new()?.data_dir().join("darkroom").join("models"))
}

impl Folder {
    /// The folder that a user means by `name`: the embedded model, a path, or a folder in [`models_dir`].
    ///
    /// # Errors
    /// When there is none.
    pub fn find(name: &str) -> Result<Folder> {
        if name == EMBEDDED {
            return Ok(Folder::Embedded);
        }
        let places = [Some(PathBuf::from(name)), models_dir().map(|dir| dir.join(name))];
        if let Some(dir) = places.into_iter().flatten().find(|dir| dir.is_dir()) {
            return Ok(Folder::Dir(dir));
        }
        bail!("there is no model '{}'; give a folder in the diffusers layout, or {EMBEDDED}", name.escape_debug());
    }

    /// What the model is called: the last part of its path.
    pub fn name(&self) -> String {
        match self {
            Folder::Embedded => EMBEDDED.to_owned(),
            Folder::Dir(dir) => {
                let dir = dir.canonicalize().unwrap_or_else(|_| dir.clone());
                dir.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// A file's place for people: `tiny-if/unet/config.json`.
    pub fn title(&self, path: &str) -> String {
        format!("{}/{path}", self.name())
    }

    /// Whether the folder has a file or a folder at `path`.
    pub fn has(&self, path: &str) -> bool {
        match self {
            Folder::Embedded => EMBEDDED_FILES.iter().any(|(name, _)| *name == path || name.starts_with(&format!("{path}/"))),
            Folder::Dir(dir) => dir.join(path).exists(),
        }
    }

    /// The file of the tokenizer: as it is published, or as transformers writes it, which counts where both are there.
    pub fn tokenizer(&self) -> &'static str {
        const PUBLISHED: &str = "tokenizer/spiece.model";
        let written = "tokenizer/tokenizer.json";
        if self.has(PUBLISHED) && !self.has(written) { PUBLISHED } else { written }
    }

    /// The whole of a small file.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn read(&self, path: &str) -> Result<Cow<'static, [u8]>> {
        let missing = || format!("{} is missing or unreadable; the model folder is not whole", self.title(path));
        match self {
            Folder::Embedded => embedded(path).map(Cow::Borrowed).with_context(missing),
            Folder::Dir(dir) => fs::read(dir.join(path)).map(Cow::Owned).with_context(missing),
        }
    }

    /// [`read`](Folder::read) as UTF-8.
    ///
    /// # Errors
    /// When it is missing, unreadable or no text.
    pub fn text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read(path)?.into_owned()).with_context(|| format!("{} is no text", self.title(path)))
    }

    /// SHA-256 over the configs, the tokenizer and the weights, in hexadecimal: what decides a picture beside the recipe.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = Sha256::new();
        self.feed(&mut hasher, PARTS)?;
        Ok(hexadecimal(hasher))
    }

    /// [`hash`](Folder::hash) over this folder and what reads the prompts in another.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash_with(&self, text: &Folder) -> Result<String> {
        let mut hasher = Sha256::new();
        self.feed(&mut hasher, PARTS)?;
        text.feed(&mut hasher, &[TEXT_ENCODER, TOKENIZER])?;
        Ok(hexadecimal(hasher))
    }

    fn feed(&self, hasher: &mut Sha256, parts: &[Part]) -> Result<()> {
        for path in self.deciding_files(parts)? {
            hasher.update(path.as_bytes());
            match self {
                Folder::Embedded => hasher.update(embedded(&path).unwrap_or_default()),
                Folder::Dir(dir) => {
                    let mut file = fs::File::open(dir.join(&path)).with_context(|| format!("{} cannot be read", self.title(&path)))?;
                    std::io::copy(&mut file, hasher).with_context(|| format!("{} cannot be read", self.title(&path)))?;
                }
            }
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

    /// The files that hold a part's weights, relative to the folder: one, or the shards that an index names.
    ///
    /// # Errors
    /// When there are none, or only pickles, or an index that is broken.
    pub fn weight_files(&self, part: &str, stem: &str) -> Result<Vec<String>> {
        let prefix = if part.is_empty() { String::new() } else { format!("{part}/") };
        for variant in ["", ".fp16"] {
            let whole = format!("{prefix}{stem}{variant}.safetensors");
            if self.has(&whole) {
                return Ok(vec![whole]);
            }
        }
        for index in [format!("{prefix}{stem}.safetensors.index.json"), format!("{prefix}{stem}.safetensors.index.fp16.json")] {
            if self.has(&index) {
                return self.shards(&prefix, &index);
            }
        }
        if self.has(&format!("{prefix}{stem}.bin")) || self.has(&format!("{prefix}pytorch_model.bin")) {
            bail!("{} has only .bin weights, which can run code when they are read; convert them to safetensors", self.title(part));
        }
        bail!("{} is missing; the model folder is not whole", self.title(&format!("{prefix}{stem}.safetensors")));
    }

    fn shards(&self, prefix: &str, index: &str) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: std::collections::BTreeMap<String, String>,
        }
        let parsed: Index =
            serde_json::from_str(&self.text(index)?).with_context(|| format!("{} is no index of shards", self.title(index)))?;
        let files: std::collections::BTreeSet<String> = parsed.weight_map.into_values().collect();
        if let Some(outside) = files.iter().find(|file| Path::new(file).file_name().is_none_or(|name| name.to_string_lossy() != **file)) {
            bail!("{} names a shard outside of its folder: '{}'", self.title(index), outside.escape_debug());
        }
        Ok(files.into_iter().map(|file| format!("{prefix}{file}")).collect())
    }
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn embedded(path: &str) -> Option<&'static [u8]> {
    EMBEDDED_FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}
