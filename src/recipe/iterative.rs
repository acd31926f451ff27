//! `iterative`: noise taken away step by step.

use super::{Experiment, Given, Model, Photo, RecipeError, Walk, number, walk::halves};
use serde::Serialize;

/// Every so many steps the noisy picture is kept.
pub const KEEP_EVERY: usize = 5;

/// Add noise to a picture and take it away step by step, beside what one step and a blur make of it.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Iterative {
    /// What the picture shows; empty for an unconditional estimate.
    #[arg(long, default_value = "a high quality photo", value_name = "TEXT")]
    pub prompt: String,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// Where in the list of timesteps it begins, counted from 0, the noisiest.
    #[arg(long, default_value = "10", value_name = "0..999 index", value_parser = number::count(0, 999))]
    pub start: usize,

    /// How many timesteps, spaced evenly; alone it means `leading` timesteps.
    #[arg(long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompt pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "1", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// The width of the Gaussian's window, for the blurred picture beside it.
    #[arg(long, default_value = "5", value_name = "1..99 pixels, odd", value_parser = number::odd(1, 99))]
    pub kernel: usize,

    /// The Gaussian's standard deviation.
    #[arg(long, default_value = "2", value_name = "0.01..50 pixels", value_parser = number::real(0.01, 50.0))]
    pub sigma: f64,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub walk: Walk,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub model: Model,
}

impl Iterative {
    /// The indexes of the timesteps whose noisy picture is kept.
    pub fn kept(&self) -> impl Iterator<Item = usize> {
        (self.start..self.walk.calls(self.steps)).step_by(KEEP_EVERY)
    }
}

impl Experiment for Iterative {
    fn prompts(&self) -> Vec<&str> {
        vec![&self.prompt]
    }

    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given {
            pictures: vec![&mut self.photo.image],
            step: self.walk.from.as_mut(),
            embeddings: self.model.embeddings.as_mut(),
            ..Given::default()
        }
    }

    fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        Some((&self.walk, self.steps))
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    /// The noisy pictures on the way, then the original, the result, and what one step and the blur make of the first.
    fn pictures(&self) -> Vec<String> {
        let noisy = self.kept().map(|index| format!("index {index}"));
        noisy.chain(["original", "iterative", "one step", "blurred"].map(str::to_owned)).collect()
    }

    fn columns(&self) -> usize {
        self.kept().count().clamp(4, 8)
    }

    /// The walk, and the single step beside it.
    fn model_calls(&self) -> usize {
        (self.walk.calls(self.steps).saturating_sub(self.start) + 1) * halves(self.guidance)
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.walk.check(self.steps)?;
        self.walk.check_start(self.steps, self.start)
    }
}
