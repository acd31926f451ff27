//! From pure noise to a picture, in one stage or in two.

use super::{Model, RecipeError, StageTwo, Walk, walk::halves};
use serde::Serialize;

/// A walk with one model, and with a second behind it where there is one.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Stages {
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub walk: Walk,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub model: Model,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub then: StageTwo,
}

impl Stages {
    /// How often they ask their networks for one picture under one prompt.
    pub(super) fn calls(&self, steps: Option<u64>, guidance: f64) -> usize {
        self.walk.calls(steps) * halves(guidance) + self.then.calls()
    }

    pub(super) fn check(&self, steps: Option<u64>) -> Result<(), RecipeError> {
        self.then.check()?;
        self.walk.check(steps)
    }
}
