//! Stage II behind stage I, in the same run.

use super::{RecipeError, Timesteps, number, walk::halves};
use serde::Serialize;

/// A second model that enlarges what the first has made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct StageTwo {
    /// A stage II model that enlarges the pictures in the same run, such as DeepFloyd/IF-II-L-v1.0.
    #[arg(id = "stage-two", long, value_name = "DIR")]
    #[serde(rename = "stage-two", skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,

    /// The timesteps of stage II, spaced evenly; 50 where nothing is given.
    #[arg(id = "stage-two-steps", long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(rename = "stage-two-steps", skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompt pulls in stage II; 4 where nothing is given.
    #[arg(id = "stage-two-guidance", long, value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    #[serde(rename = "stage-two-guidance", skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,

    /// How much noise stage II gives the small picture, as a timestep; 250 where nothing is given.
    #[arg(id = "noise-level", long, value_name = "0..999 timestep", value_parser = number::count(0, 999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_level: Option<usize>,
}

impl StageTwo {
    /// Its timesteps.
    pub fn steps(&self) -> u64 {
        self.steps.unwrap_or(50)
    }

    /// How strongly the prompt pulls there.
    pub fn guidance(&self) -> f64 {
        self.guidance.unwrap_or(4.0)
    }

    /// How much noise the small picture is given, as a timestep.
    pub fn noise_level(&self) -> usize {
        self.noise_level.unwrap_or(250)
    }

    /// How often it asks its network for one picture under one prompt.
    pub(super) fn calls(&self) -> usize {
        let calls = Timesteps::Leading.model_calls(Some(self.steps())) * halves(self.guidance());
        if self.model.is_some() { calls } else { 0 }
    }

    /// The small pictures' names, and those of the enlarged ones behind them.
    pub(super) fn pictures(&self, small: Vec<String>) -> Vec<String> {
        let large: Vec<_> = small.iter().filter(|_| self.model.is_some()).map(|name| format!("{name}, enlarged")).collect();
        [small, large].concat()
    }

    pub(super) fn check(&self) -> Result<(), RecipeError> {
        let told = [
            ("stage-two-steps", self.steps.is_some()),
            ("stage-two-guidance", self.guidance.is_some()),
            ("noise-level", self.noise_level.is_some()),
        ];
        match told.into_iter().find(|(_, told)| *told && self.model.is_none()) {
            Some((field, _)) => Err(RecipeError::at(field, format!("{field} goes with a stage II model; name one with stage-two"))),
            None => Ok(()),
        }
    }
}
