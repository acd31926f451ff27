//! `train-time`: a network that knows how much noise there is (part B 2 of the course).

use super::train::{Diffuse, Learn, Modulation, Objective, Training, part_two};
use super::{Experiment, Given, RecipeError, number};
use serde::Serialize;

/// Train a network that makes images of noise step by step, knowing the time and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct TrainTime {
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub diffuse: Diffuse,

    /// How the time comes in: added to the network's features, or multiplied with them.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulation: Option<Modulation>,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub learn: Learn,

    /// Picks the first weights, the order of the images and all noise; the same seed and recipe give the same network.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,
}

impl TrainTime {
    /// What is learned.
    pub fn objective(&self) -> Objective {
        self.diffuse.objective(self.learn.edition)
    }

    /// How the time comes in.
    pub fn modulation(&self) -> Modulation {
        self.modulation.unwrap_or(self.learn.edition.objective().1)
    }

    fn numbers(&self) -> Training<'_> {
        self.learn.with(part_two(self.learn.edition))
    }
}

impl Experiment for TrainTime {
    fn inputs(&mut self) -> Given<'_> {
        Given::default()
    }

    fn training(&self) -> Option<Training<'_>> {
        Some(self.numbers())
    }

    fn network(&self) -> &'static str {
        "time-unet"
    }

    fn learn_mut(&mut self) -> Option<&mut Learn> {
        Some(&mut self.learn)
    }

    fn pictures(&self) -> Vec<String> {
        self.numbers().labels()
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.numbers().check()?;
        self.diffuse.check()
    }
}
