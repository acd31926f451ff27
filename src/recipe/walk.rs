//! The way from noise to a picture, as far as a user chooses it.

use super::{Image, RecipeError, Timesteps, number};
use serde::Serialize;

/// Which timesteps are visited, and how one leads to the next.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Walk {
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

    /// A kept step to go on from instead of beginning: run:142@12 is what step 12 of run 142 left.
    #[arg(long, value_name = "RUN@STEP", value_parser = Image::parse_step)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Image>,
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

impl Walk {
    /// The timesteps asked for, with the defaults filled in.
    pub fn timesteps(&self, steps: Option<u64>) -> Timesteps {
        match (&self.timesteps, steps) {
            (Some(timesteps), _) => timesteps.clone(),
            (None, Some(_)) => Timesteps::Leading,
            (None, None) => Timesteps::Strided,
        }
    }

    /// How many of the timesteps call the model.
    pub fn calls(&self, steps: Option<u64>) -> usize {
        self.timesteps(steps).model_calls(steps)
    }

    /// Whether an index is one of the timesteps that call the model.
    pub(super) fn check_start(&self, steps: Option<u64>, start: usize) -> Result<(), RecipeError> {
        let calls = self.calls(steps);
        match start < calls {
            true => Ok(()),
            false => Err(RecipeError::at("start", format!("start {start} is beyond the last timestep; there are {calls}, counted from 0"))),
        }
    }

    pub(super) fn check(&self, steps: Option<u64>) -> Result<(), RecipeError> {
        match (&self.timesteps, steps) {
            (Some(Timesteps::Leading), None) => {
                Err(RecipeError::at("steps", "timesteps 'leading' needs to know how many: set steps, for example 50"))
            }
            (Some(timesteps), Some(_)) if *timesteps != Timesteps::Leading => {
                Err(RecipeError::at("steps", format!("steps goes with timesteps 'leading'; '{timesteps}' has its own number")))
            }
            _ => Ok(()),
        }
    }
}

/// How often one guided prediction calls the model: without a pull only one half is computed.
pub(super) fn halves(guidance: f64) -> usize {
    if guidance == 0.0 || guidance == 1.0 { 1 } else { 2 }
}
