//! `edit`: SDEdit.

use super::{Experiment, Given, Model, Photo, RecipeError, Walk, number, walk::halves};
use serde::Serialize;

/// Add noise to a picture and bring it back, closer to the prompt (SDEdit).
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Edit {
    /// What the picture should become; empty for an unconditional edit.
    #[arg(long, default_value = "a high quality photo", value_name = "TEXT")]
    pub prompt: String,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// Where in the list of timesteps each picture begins, counted from 0: low changes much, high little.
    #[arg(long, default_value = "1,3,5,7,10,20", value_name = "0..999 list", value_parser = number::list(0, 999))]
    pub start: number::List,

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

    /// How often noise is added and taken away, each pass from the last one's picture.
    #[arg(long, default_value = "1", value_name = "1..16 passes", value_parser = number::count(1, 16))]
    pub repeats: usize,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub walk: Walk,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub model: Model,
}

impl Experiment for Edit {
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

    /// A picture a start, then the original; with several, the original ends the row.
    fn pictures(&self) -> Vec<String> {
        let starts = self.start.0.iter().map(|start| format!("start {start}"));
        starts.chain(["original".to_owned()]).collect()
    }

    fn columns(&self) -> usize {
        1 + self.start.0.len()
    }

    fn model_calls(&self) -> usize {
        let calls = self.walk.calls(self.steps);
        let all: usize = self.start.0.iter().map(|start| calls.saturating_sub(*start)).sum();
        all * self.repeats * halves(self.guidance)
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.walk.check(self.steps)?;
        self.start.0.iter().try_for_each(|start| self.walk.check_start(self.steps, *start))
    }
}
