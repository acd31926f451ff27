//! What predicts, and what reads the prompts.

use super::Image;
use super::image::last_part;
use serde::Serialize;

/// A model, and where its prompts are read.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Model {
    /// The model: tiny-if is built in; a folder in the diffusers layout, or a repository such as DeepFloyd/IF-I-XL-v1.0.
    #[arg(id = "model", long, default_value = "tiny-if", value_name = "DIR")]
    #[serde(rename = "model")]
    pub name: String,

    /// A dictionary of prompts that were read elsewhere, .pth or .safetensors, in place of the model's text encoder.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<Image>,
}

/// What people call a model: the last part of a folder, or the whole name of a repository, which is the same on every machine.
pub(super) fn name(model: &str) -> &str {
    let is_repository = model
        .split_once('/')
        .is_some_and(|(owner, name)| !owner.is_empty() && !owner.starts_with(['.', '~']) && !name.is_empty() && !name.contains('/'));
    if is_repository { model } else { last_part(model) }
}
