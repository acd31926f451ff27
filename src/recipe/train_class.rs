//! `train-class`: a network that is told what to make (part B 2.4 of the course).

use super::train::{Diffuse, Learn, Objective, Training, part_two};
use super::{Experiment, Given, RecipeError, number};
use serde::Serialize;

/// Train a network that makes images of the class that is asked for, of noise, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct TrainClass {
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub diffuse: Diffuse,

    /// How often the class is kept from the network, so that guidance has something to pull away from.
    #[arg(id = "p-uncond", long, default_value = "0.1", value_name = "0..1", value_parser = number::real(0.0, 1.0))]
    pub p_uncond: f64,

    /// How strongly the class pulls in the samples: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "5", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub learn: Learn,

    /// Picks the first weights, the order of the images and all noise; the same seed and recipe give the same network.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,
}

impl TrainClass {
    /// What is learned.
    pub fn objective(&self) -> Objective {
        self.diffuse.objective(self.learn.edition)
    }

    fn numbers(&self) -> Training<'_> {
        self.learn.with(part_two(self.learn.edition))
    }
}

impl Experiment for TrainClass {
    fn inputs(&mut self) -> Given<'_> {
        Given::default()
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    fn training(&self) -> Option<Training<'_>> {
        Some(self.numbers())
    }

    fn network(&self) -> &'static str {
        "class-unet"
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
