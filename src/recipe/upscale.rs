//! `upscale`: super-resolution with a stage II model.

use super::{Experiment, Given, Image, Photo, RecipeError, Reduce, Split, View, Walk, number, walk::halves};
use serde::Serialize;

/// Enlarge a picture with a stage II model.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Upscale {
    /// What the picture shows, a line a view or part; empty for an unconditional picture.
    #[arg(long, default_value = "a high quality photo", value_name = "TEXT", num_args = 1)]
    pub prompt: Vec<String>,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// How many times as wide and high the picture becomes; the result has the model's size.
    #[arg(long, default_value = "4", value_name = "1..16 times", value_parser = number::count(1, 16))]
    pub factor: usize,

    /// How much noise the small picture is given, as a timestep: more lets the model invent more.
    #[arg(id = "noise-level", long, default_value = "250", value_name = "0..999 timestep", value_parser = number::count(0, 999))]
    pub noise_level: usize,

    /// For an anagram: its views in the order of the prompts, applied at the new size too.
    #[arg(long, value_name = "VIEWS", num_args = 1, value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub view: Vec<View>,

    /// How the views' predictions become one: mean of all, or in turn, a view a step.
    #[arg(long, value_enum, default_value = "mean")]
    pub reduce: Reduce,

    /// For a hybrid: its parts in the order of the prompts, split at the new size too.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,

    /// The width of the window of the split's blur, at a size of 64 pixels.
    #[arg(long, default_value = "33", value_name = "1..99 pixels, odd", value_parser = number::odd(1, 99))]
    pub kernel: usize,

    /// The blur's standard deviation, at a size of 64 pixels.
    #[arg(long, default_value = "2", value_name = "0.01..50 pixels", value_parser = number::real(0.01, 50.0))]
    pub sigma: f64,

    /// How many timesteps, spaced evenly; alone it means `leading` timesteps.
    #[arg(long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompt pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "4", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub walk: Walk,

    /// The stage II model: a folder in the diffusers layout, or a repository: DeepFloyd/IF-II-L-v1.0. None is built in.
    #[arg(long, default_value = "", value_name = "DIR")]
    pub model: String,

    /// Whose text encoder reads the prompt, where the stage II folder has none of its own.
    #[arg(id = "text-model", long, default_value = "tiny-if", value_name = "DIR")]
    pub text_model: String,

    /// A dictionary of prompts that were read elsewhere, .pth or .safetensors, in place of a text encoder.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<Image>,
}

impl Experiment for Upscale {
    fn prompts(&self) -> Vec<&str> {
        self.prompt.iter().map(String::as_str).collect()
    }

    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given {
            pictures: vec![&mut self.photo.image],
            step: self.walk.from.as_mut(),
            embeddings: self.embeddings.as_mut(),
            ..Given::default()
        }
    }

    fn other_model(&mut self) -> Option<&mut String> {
        Some(&mut self.text_model)
    }

    fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        Some((&self.walk, self.steps))
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    /// The enlarged picture, then what it was made from; an anagram has all but its identity view behind them.
    fn pictures(&self) -> Vec<String> {
        let views = self
            .view
            .iter()
            .zip(&self.prompt)
            .filter(|(view, _)| **view != View::Identity)
            .map(|(view, prompt)| format!("{view}: {prompt}"));
        ["enlarged", "bilinear"].map(str::to_owned).into_iter().chain(views).collect()
    }

    fn columns(&self) -> usize {
        self.pictures().len()
    }

    fn model_calls(&self) -> usize {
        let alternate = !self.view.is_empty() && self.reduce == Reduce::Alternate;
        let prompts = if alternate { 1 } else { self.prompt.len() };
        self.walk.calls(self.steps) * prompts * halves(self.guidance)
    }

    fn check(&self) -> Result<(), RecipeError> {
        if self.model.is_empty() {
            return Err(RecipeError::at(
                "model",
                "upscale needs a stage II model, and none is built in; name one, such as DeepFloyd/IF-II-L-v1.0",
            ));
        }
        match (self.view.len(), self.split) {
            (0, None) if self.prompt.len() != 1 => {
                return Err(RecipeError::at("prompt", "several prompts go with views or a split; name them, or give one prompt"));
            }
            (0, None) => {}
            (0, Some(split)) if split.parts().len() != self.prompt.len() => {
                return Err(RecipeError::at(
                    "prompt",
                    format!("this split has {} parts, and there are {} prompts", split.parts().len(), self.prompt.len()),
                ));
            }
            (0, Some(_)) => {}
            (_, Some(_)) => return Err(RecipeError::at("split", "a picture is enlarged as an anagram or as a hybrid, not as both")),
            (views, None) => super::anagram::check_views(self.prompt.len(), views)?,
        }
        self.walk.check(self.steps)
    }
}
