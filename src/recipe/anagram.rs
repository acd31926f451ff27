//! `anagram`: one picture that shows something else in each view.

use super::{Experiment, Given, RecipeError, Stages, View, Walk, number};
use serde::Serialize;

/// Develop a picture that shows each prompt under a view of its own (visual anagrams).
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Anagram {
    /// What each view should show, a line each.
    #[arg(long, default_values = ["a white six", "a white nine"], value_name = "TEXT", num_args = 1)]
    pub prompt: Vec<String>,

    /// The views in the order of the prompts: identity, flip, rotate-90, rotate-180, rotate-270, negate, skew:1.5, patch-permute:8, pixel-permute:64, jigsaw, inner-circle, square-hinge.
    #[arg(long, default_values = ["identity", "rotate-180"], value_name = "VIEWS", num_args = 1, value_delimiter = ',')]
    pub view: Vec<View>,

    /// How the views' predictions become one: mean of all, or in turn, a view a step.
    #[arg(long, value_enum, default_value = "mean")]
    pub reduce: Reduce,

    /// How many timesteps, spaced evenly; alone it means `leading` timesteps.
    #[arg(long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompts pull: 0 ignores them, 1 follows them, above exaggerates.
    #[arg(long, default_value = "7", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// How many anagrams in one run, each from noise of its own.
    #[arg(long, default_value = "1", value_name = "1..64 anagrams", value_parser = number::count(1, 64))]
    pub count: usize,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub stages: Stages,
}

/// How several predictions become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Reduce {
    /// The mean of all.
    Mean,
    /// One of them a step, in turn.
    Alternate,
}

/// Each view has a prompt, and the other way round.
pub(super) fn check_views(prompts: usize, views: usize) -> Result<(), RecipeError> {
    match (prompts, views) {
        (prompts, views) if prompts == views && (1..=8).contains(&views) => Ok(()),
        (_, 9..) => Err(RecipeError::at("view", format!("there are {views} views; up to 8 can be"))),
        _ => Err(RecipeError::at("view", format!("there are {prompts} prompts and {views} views; each prompt needs a view"))),
    }
}

impl Anagram {
    /// The views that the pictures are kept in. Where none is the identity the picture itself comes first: it is what the
    /// anagram was made as, and what a stage II model enlarges.
    pub fn shown(&self) -> Vec<View> {
        let base = (!self.view.contains(&View::Identity)).then_some(View::Identity);
        base.into_iter().chain(self.view.iter().copied()).collect()
    }
}

impl Experiment for Anagram {
    fn prompts(&self) -> Vec<&str> {
        self.prompt.iter().map(String::as_str).collect()
    }

    fn inputs(&mut self) -> Given<'_> {
        Given { step: self.stages.walk.from.as_mut(), embeddings: self.stages.model.embeddings.as_mut(), ..Given::default() }
    }

    fn views(&self) -> Vec<View> {
        self.shown()
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

    /// A row an anagram: the picture in each of its views.
    fn pictures(&self) -> Vec<String> {
        let base = (self.shown().len() > self.view.len()).then(|| "base".to_owned());
        let views = self.view.iter().zip(&self.prompt).map(|(view, prompt)| format!("{view}: {prompt}"));
        let row: Vec<String> = base.into_iter().chain(views).collect();
        self.stages.then.pictures(vec![row; self.count].concat())
    }

    fn columns(&self) -> usize {
        self.shown().len()
    }

    fn model_calls(&self) -> usize {
        let views = if self.reduce == Reduce::Mean { self.view.len() } else { 1 };
        self.stages.calls(self.steps, self.guidance) * self.count * views
    }

    fn check(&self) -> Result<(), RecipeError> {
        check_views(self.prompt.len(), self.view.len())?;
        self.stages.check(self.steps)
    }
}
