//! `forward`: a picture drowned in noise.

use super::{Experiment, Given, Photo, RecipeError, number};
use serde::Serialize;

/// Add noise to a picture, as much as each timestep has.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Forward {
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// The timesteps: at 0 the picture is clean, at 999 there is nothing but noise.
    #[arg(long, default_value = "250,500,750", value_name = "0..999 list", value_parser = number::list(0, 999))]
    pub t: number::List,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// The model whose noise schedule and size count: tiny-if is built in; a folder in the diffusers layout is another.
    #[arg(long, default_value = "tiny-if", value_name = "DIR")]
    pub model: String,
}

impl Experiment for Forward {
    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given { pictures: vec![&mut self.photo.image], ..Given::default() }
    }

    /// The picture itself, then a noisy one a timestep.
    fn pictures(&self) -> Vec<String> {
        std::iter::once("original".to_owned()).chain(self.t.0.iter().map(|t| format!("t {t}"))).collect()
    }

    fn columns(&self) -> usize {
        1 + self.t.0.len()
    }

    fn check(&self) -> Result<(), RecipeError> {
        Ok(())
    }
}
