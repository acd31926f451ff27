//! `sample`: pictures from pure noise.

use super::{Experiment, Given, RecipeError, Stages, Walk, number};
use serde::Serialize;

/// Develop pictures from pure noise under a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    /// What the picture should show; empty for an unconditional picture.
    #[arg(long, default_value = "a red three on a black background", value_name = "TEXT")]
    pub prompt: String,

    /// How many timesteps, spaced evenly; alone it means `leading` timesteps.
    #[arg(long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompt pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "7", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// How many pictures in one run, each from noise of its own.
    #[arg(long, default_value = "1", value_name = "1..64 pictures", value_parser = number::count(1, 64))]
    pub count: usize,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub stages: Stages,
}

impl Experiment for Sample {
    fn prompts(&self) -> Vec<&str> {
        vec![&self.prompt]
    }

    fn inputs(&mut self) -> Given<'_> {
        Given { step: self.stages.walk.from.as_mut(), embeddings: self.stages.model.embeddings.as_mut(), ..Given::default() }
    }

    fn other_model(&mut self) -> Option<&mut String> {
        self.stages.then.model.as_mut()
    }

    fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        Some((&self.stages.walk, self.steps))
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    fn pictures(&self) -> Vec<String> {
        self.stages.then.pictures((1..=self.count).map(|picture| picture.to_string()).collect())
    }

    /// An enlarged picture stands beneath its small one, as long as a row holds them all.
    fn columns(&self) -> usize {
        match (&self.stages.then.model, self.count) {
            (Some(_), 1) => 2,
            (Some(_), count @ ..=8) => count,
            _ => (1..).find(|n| n * n >= self.pictures().len()).unwrap_or(1),
        }
    }

    fn model_calls(&self) -> usize {
        self.stages.calls(self.steps, self.guidance) * self.count
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.stages.check(self.steps)
    }
}
