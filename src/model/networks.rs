//! Networks out of the folders that hold their configs and weights.

use super::{Folder, Site};
use crate::network::{T5Config, T5Encoder, Unet, UnetConfig};
use anyhow::{Context, Result};

/// The UNet in `part` of a folder; an empty part is the folder itself.
pub(super) fn load_unet<'a>(folder: &Folder, part: &str, site: impl Into<Site<'a>>) -> Result<Unet> {
    Unet::new(unet_config(folder, part)?, folder.weights(part, "diffusion_pytorch_model", site)?).with_context(|| folder.title(part))
}

/// The config of the UNet in `part` of a folder.
pub(super) fn unet_config(folder: &Folder, part: &str) -> Result<UnetConfig> {
    UnetConfig::from_json(&folder.text(&within(part, "config.json"))?).with_context(|| folder.title(part))
}

/// The T5 encoder in `part` of a folder; an empty part is the folder itself.
pub(super) fn load_text_encoder<'a>(folder: &Folder, part: &str, site: impl Into<Site<'a>>) -> Result<T5Encoder> {
    T5Encoder::new(text_config(folder, part)?, folder.weights(part, "model", site)?).with_context(|| folder.title(part))
}

/// The config of the T5 encoder in `part` of a folder.
pub(super) fn text_config(folder: &Folder, part: &str) -> Result<T5Config> {
    T5Config::from_json(&folder.text(&within(part, "config.json"))?).with_context(|| folder.title(part))
}

fn within(part: &str, file: &str) -> String {
    if part.is_empty() { file.to_owned() } else { format!("{part}/{file}") }
}
