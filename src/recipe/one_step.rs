//! `one-step`: all noise predicted and removed at once.

use super::{Experiment, Given, Model, Photo, RecipeError, number, walk::halves};
use serde::Serialize;

/// Add noise to a picture, predict all of it once, and take it away.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct OneStep {
    /// What the picture shows; empty for an unconditional estimate.
    #[arg(long, default_value = "a high quality photo", value_name = "TEXT")]
    pub prompt: String,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// The timesteps: at 0 the picture is clean, at 999 there is nothing but noise.
    #[arg(long, default_value = "250,500,750", value_name = "0..999 list", value_parser = number::list(0, 999))]
    pub t: number::List,

    /// How strongly the prompt pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "1", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub model: Model,
}

impl Experiment for OneStep {
    fn prompts(&self) -> Vec<&str> {
        vec![&self.prompt]
    }

    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given { pictures: vec![&mut self.photo.image], embeddings: self.model.embeddings.as_mut(), ..Given::default() }
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    /// A row a timestep: the picture, the noisy one, the estimate.
    fn pictures(&self) -> Vec<String> {
        self.t.0.iter().flat_map(|t| ["original".to_owned(), format!("noisy, t {t}"), format!("estimate, t {t}")]).collect()
    }

    fn columns(&self) -> usize {
        3
    }

    fn model_calls(&self) -> usize {
        self.t.0.len() * halves(self.guidance)
    }

    fn check(&self) -> Result<(), RecipeError> {
        Ok(())
    }
}
