//! `report.toml`: what a page is made of, in the user's hands.

use crate::atomic::write_atomic;
use crate::recipe::toml_sentence;
use anyhow::{Context, Result, anyhow};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;
use std::{fs, io::ErrorKind};

/// Reads `report.toml` in a folder, or writes it with the defaults below `head` where there is none.
///
/// # Errors
/// When it cannot be read or written, or says something that is not understood.
pub(super) fn read<T: Default + Serialize + DeserializeOwned>(folder: &Path, head: &str) -> Result<T> {
    let path = folder.join("report.toml");
    match fs::read_to_string(&path) {
        Ok(text) => {
            let wrong = |error: toml::de::Error| anyhow!("{} is not understood: {}", path.display(), toml_sentence(&text, &error));
            toml::from_str(&text).map_err(wrong)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let config = T::default();
            write_atomic(&path, (head.to_owned() + &toml::to_string(&config)?).as_bytes())?;
            Ok(config)
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}
