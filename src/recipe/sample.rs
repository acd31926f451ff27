//! `sample`: pictures from pure noise.

use super::{RecipeError, Timesteps, number};
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

    /// Which timesteps: strided (990 to 0 by 30), leading, fast27, smart50 and kin, or a falling list such as 900,500,100.
    #[arg(long, value_name = "LIST")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timesteps: Option<Timesteps>,

    /// How one step leads to the next: ddpm adds fresh noise, ddim only as much as eta says.
    #[arg(long, value_enum, default_value = "ddpm")]
    pub sampler: Sampler,

    /// Fresh noise in a ddim step: 0 none, 1 as much as ddpm.
    #[arg(long, default_value = "0", value_name = "0..1", value_parser = number::real(0.0, 1.0))]
    pub eta: f64,

    /// The model: tiny-if is built in; a folder in the diffusers layout is another.
    #[arg(long, default_value = "tiny-if", value_name = "DIR")]
    pub model: String,
}

/// The family of update rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Ho et al. 2020, with the variance that the model learned.
    Ddpm,
    /// Song et al. 2021.
    Ddim,
}

impl Sample {
    /// The timesteps asked for, with the defaults filled in.
    pub fn timesteps(&self) -> Timesteps {
        match (&self.timesteps, self.steps) {
            (Some(timesteps), _) => timesteps.clone(),
            (None, Some(_)) => Timesteps::Leading,
            (None, None) => Timesteps::Strided,
        }
    }

    pub(super) fn model_calls(&self) -> usize {
        let per_picture = self.timesteps().model_calls(self.steps);
        // Unconditional and plainly conditional pictures need no second half.
        per_picture * self.count * if self.guidance == 0.0 || self.guidance == 1.0 { 1 } else { 2 }
    }

    pub(super) fn check(&self) -> Result<(), RecipeError> {
        match (&self.timesteps, self.steps) {
            (Some(Timesteps::Leading), None) => {
                Err(RecipeError::at("steps", "timesteps 'leading' needs to know how many: set steps, for example 50"))
            }
            (Some(timesteps), Some(_)) if *timesteps != Timesteps::Leading => {
                Err(RecipeError::at("steps", format!("steps goes with timesteps 'leading'; '{timesteps}' has its own number")))
            }
            _ if self.model.is_empty() => Err(RecipeError::at("model", "model is empty; name a folder, or tiny-if")),
            _ => Ok(()),
        }
    }
}
