//! `train-denoiser`: a network that takes noise away at once (part B 1 of the course).

use super::train::{Learn, SINGLE_STEP, Training};
use super::{Experiment, Given, RecipeError, number};
use serde::Serialize;

/// Train a network that takes noise away at once, and try it on more and less noise than it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct TrainDenoiser {
    /// How much noise the images are drowned in; they range from 0 to 1.
    #[arg(long, default_value = "0.5", value_name = "0..10", value_parser = number::real(0.0, 10.0))]
    pub sigma: f64,

    /// Give it nothing but noise: what it then says is the mean of all images.
    #[arg(id = "pure-noise", long, default_value = "false", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub pure_noise: bool,

    /// How much noise it is tried on at the end, the same images each time.
    #[arg(long, default_value = "0,0.2,0.4,0.5,0.6,0.8,1", value_name = "0..10 list", value_parser = number::reals(0.0, 10.0))]
    pub sigmas: number::Reals,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub learn: Learn,

    /// Picks the first weights, the order of the images and all noise; the same seed and recipe give the same network.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,
}

impl TrainDenoiser {
    /// The picture behind those of the epochs.
    pub fn last_label(&self) -> &'static str {
        if self.pure_noise { "mean image" } else { "other noise" }
    }
}

impl Experiment for TrainDenoiser {
    fn inputs(&mut self) -> Given<'_> {
        Given::default()
    }

    fn training(&self) -> Option<Training<'_>> {
        Some(self.learn.with(SINGLE_STEP))
    }

    fn network(&self) -> &'static str {
        "unet"
    }

    fn learn_mut(&mut self) -> Option<&mut Learn> {
        Some(&mut self.learn)
    }

    fn pictures(&self) -> Vec<String> {
        self.learn.with(SINGLE_STEP).labels().into_iter().chain([self.last_label().to_owned()]).collect()
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.learn.with(SINGLE_STEP).check()
    }
}
