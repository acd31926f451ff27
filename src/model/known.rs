//! The models on this machine that a recipe can name.

use super::hub::{cached, user_cache};
use super::{EMBEDDED, Folder, info, models_dir};
use crate::network::UnetConfig;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a model lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// In the program itself.
    BuiltIn,
    /// In the folder of models.
    Models,
    /// In the cache of what was pulled from the hub.
    Cache,
}

/// A model that a recipe can name.
#[derive(Clone, Debug)]
pub struct Known {
    /// What a recipe calls it.
    pub name: String,
    /// Where it lies.
    pub shelf: Shelf,
    /// Its files.
    pub folder: Folder,
    /// Their bytes.
    pub bytes: u64,
    /// Width and height of its pictures in pixels, where its config can be read.
    pub size: Option<usize>,
    /// Whether it enlarges pictures (stage II).
    pub enlarges: bool,
}

/// The one that is built in, those in the folder of models, then those that were pulled.
pub fn known() -> Vec<Known> {
    let bytes = info(&Folder::Embedded).map_or(0, |info| info.parts.iter().map(|part| part.bytes).sum());
    let embedded = Known::new(EMBEDDED.to_owned(), Shelf::BuiltIn, (Folder::Embedded, bytes));
    let own = own(models_dir().as_deref()).into_iter().map(|path| {
        let (folder, bytes) = (Folder::Dir(path.clone()), weigh(&path));
        // What a recipe can call it, which a link need not share with what it leads to.
        let name = path.file_name().map_or_else(|| folder.name(), |name| name.to_string_lossy().into_owned());
        Known::new(name, Shelf::Models, (folder, bytes))
    });
    let pulled = user_cache().map(|cache| cached(&cache)).unwrap_or_default();
    let pulled =
        pulled.into_iter().map(|pulled| Known::new(pulled.id.to_string(), Shelf::Cache, (Folder::Dir(pulled.snapshot), pulled.bytes)));
    // Others keep models in the same cache that are of another kind.
    std::iter::once(embedded).chain(own).chain(pulled.filter(|pulled| pulled.size.is_some())).collect()
}

impl Known {
    fn new(name: String, shelf: Shelf, (folder, bytes): (Folder, u64)) -> Known {
        let config = folder.text("unet/config.json").ok().and_then(|text| UnetConfig::from_json(&text).ok());
        let enlarges = config.as_ref().is_some_and(|config| config.class_embed_type.is_some());
        Known { name, shelf, folder, bytes, size: config.map(|config| config.sample_size), enlarges }
    }
}

/// The folders of models in the folder of models.
fn own(models: Option<&Path>) -> Vec<PathBuf> {
    let entries = models.and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.join("model_index.json").is_file()).collect();
    folders.sort();
    folders
}

/// The bytes of a model's files, those that links lead to as well.
fn weigh(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // A part is a folder of files: no deeper, so that a link that leads in a circle ends.
    let of = |path: PathBuf| {
        if path.is_dir() {
            fs::read_dir(path).map_or(0, |files| files.flatten().map(|file| length(&file.path())).sum())
        } else {
            length(&path)
        }
    };
    entries.map(|entry| of(entry.path())).sum()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map_or(0, |file| file.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_built_in_and_whole() {
        let first = known().into_iter().next().unwrap();
        assert_eq!((first.name.as_str(), first.shelf, first.enlarges), (EMBEDDED, Shelf::BuiltIn, false));
        assert!(first.bytes > 1_000_000 && first.size.is_some() && first.folder.missing().is_empty());
    }

    #[test]
    fn a_folder_without_an_index_is_no_model() {
        let models = tempfile::tempdir().unwrap();
        for name in ["b", "a", "no-model"] {
            fs::create_dir_all(models.path().join(name).join("unet")).unwrap();
            fs::write(models.path().join(name).join("unet/config.json"), "{}").unwrap();
        }
        for name in ["a", "b"] {
            fs::write(models.path().join(name).join("model_index.json"), "[]").unwrap();
        }
        let own = own(Some(models.path()));
        assert_eq!(own, ["a", "b"].map(|name| models.path().join(name)));
        assert_eq!(weigh(&own[0]), 4);
        let broken = Known::new("a".into(), Shelf::Models, (Folder::Dir(own[0].clone()), 4));
        assert_eq!((broken.size, broken.enlarges), (None, false));
    }
}
