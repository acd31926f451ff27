//! Where a model's files come from: a folder on disk, or the program itself.

use super::{EMBEDDED, hub, shards};
use anyhow::{Context, Result, bail};
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

/// Where models live that are called by a name instead of a path.
pub fn models_dir() -> Option<PathBuf> {
    Some(directories::BaseDirs::new()?.data_dir().join("darkroom").join("models"))
}

impl Folder {
    /// The folder that a user means by `name`: the embedded model, a path, a folder in [`models_dir`], or a repository in the
    /// [cache](hub::user_cache) of what was pulled.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(name: &str) -> Result<Folder> {
        Folder::find_in(name, models_dir().as_deref(), hub::user_cache().as_deref())
    }

    /// [`find`](Folder::find) with other places than the user's own.
    ///
    /// # Errors
    /// When there is none.
    pub fn find_in(name: &str, models: Option<&Path>, cache: Option<&Path>) -> Result<Folder> {
        if name == EMBEDDED {
            return Ok(Folder::Embedded);
        }
        let id: Option<hub::Id> = name.parse().ok();
        let places = [Some(PathBuf::from(name)), models.map(|dir| dir.join(name))];
        let pulled = || hub::snapshot(cache?, id.as_ref()?);
        if let Some(dir) = places.into_iter().flatten().find(|dir| dir.is_dir()).or_else(pulled) {
            return Ok(Folder::Dir(dir));
        }
        if let Some(id) = &id {
            bail!("there is no model '{id}' on this machine; `darkroom model pull {id}` gets it, where it is published");
        }
        bail!("there is no model '{}'; give a folder in the diffusers layout, or {EMBEDDED}", name.escape_debug());
    }

    /// What the model is called: the last part of its path, or of its repository's name.
    pub fn name(&self) -> String {
        match self {
            Folder::Embedded => EMBEDDED.to_owned(),
            Folder::Dir(dir) => {
                let path = || dir.canonicalize().unwrap_or_else(|_| dir.clone());
                let last = || path().file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
                self.repository().map_or_else(last, |id| id.name().to_owned())
            }
        }
    }

    /// The repository that the folder was pulled from.
    pub fn repository(&self) -> Option<hub::Id> {
        match self {
            Folder::Embedded => None,
            Folder::Dir(dir) => hub::repository(dir),
        }
    }

    /// The parts of a model that the folder lacks, in full or in part.
    pub fn missing(&self) -> Vec<&'static str> {
        let whole = |part: &str, stem: &str| {
            let weights = || self.weight_files(part, stem).is_ok_and(|files| files.iter().all(|file| self.has(file)));
            self.has(&format!("{part}/config.json")) && weights()
        };
        let parts = [
            ("model_index.json", self.has("model_index.json")),
            ("unet", whole("unet", "diffusion_pytorch_model")),
            ("text encoder", whole("text_encoder", "model")),
            ("tokenizer", self.has(self.tokenizer())),
            ("scheduler", self.has("scheduler/scheduler_config.json")),
        ];
        parts.into_iter().filter(|(_, there)| !there).map(|(part, _)| part).collect()
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

    /// The files that hold a part's weights, relative to the folder: one, or the shards that an index or their own names tell of.
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
        // An index may have come without its shards, or shards without an index.
        let indices = ["", ".fp16"].map(|variant| format!("{prefix}{stem}.safetensors.index{variant}.json"));
        let indexed = indices.iter().filter(|index| self.has(index)).map(|index| self.shards(&prefix, index));
        let indexed = indexed.collect::<Result<Vec<_>>>()?;
        let named = ["", ".fp16"]
            .iter()
            .find_map(|variant| shards::complete(self.names(part).iter().map(String::as_str), &format!("{stem}{variant}")));
        let named = named.map(|files| files.into_iter().map(|file| format!("{prefix}{file}")).collect());
        let whole = indexed.iter().find(|files| files.iter().all(|file| self.has(file))).cloned();
        if let Some(files) = whole.or(named).or(indexed.into_iter().next()) {
            return Ok(files);
        }
        if self.has(&format!("{prefix}{stem}.bin")) || self.has(&format!("{prefix}pytorch_model.bin")) {
            bail!("{} has only .bin weights, which can run code when they are read; convert them to safetensors", self.title(part));
        }
        bail!("{} is missing; the model folder is not whole", self.title(&format!("{prefix}{stem}.safetensors")));
    }

    /// What the files of a part are called.
    fn names(&self, part: &str) -> Vec<String> {
        match self {
            Folder::Embedded => Vec::new(),
            Folder::Dir(dir) => {
                let entries = fs::read_dir(dir.join(part)).into_iter().flatten().flatten();
                // A link of the cache may lead nowhere.
                let there = entries.filter(|entry| entry.path().exists());
                there.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            }
        }
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

pub(super) fn embedded(path: &str) -> Option<&'static [u8]> {
    EMBEDDED_FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}
