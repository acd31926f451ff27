//! `hybrid`: the parts of one picture from different prompts (factorized diffusion).

use super::{Colour, Experiment, Fit, Given, Image, RecipeError, Stages, Walk, number};
use serde::Serialize;

/// Develop a picture whose parts, such as its low and high frequencies, follow different prompts (factorized diffusion).
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Hybrid {
    /// What each part should show, a line each, in the order of the split's parts; with a reference, the parts it leaves free.
    #[arg(long, default_values = ["a white three", "a white shirt"], value_name = "TEXT", num_args = 1)]
    pub prompt: Vec<String>,

    /// Into which parts a picture falls: frequency low and high; three-bands low, middle and high; colour grey and colour; motion blurred and rest; scale what survives a smaller size and the rest.
    #[arg(long, value_enum, default_value = "frequency")]
    pub split: Split,

    /// The width of the window of a blur, at a size of 64 pixels.
    #[arg(long, default_value = "33", value_name = "1..99 pixels, odd", value_parser = number::odd(1, 99))]
    pub kernel: usize,

    /// The blur's standard deviation, at a size of 64 pixels.
    #[arg(long, default_value = "2", value_name = "0.01..50 pixels", value_parser = number::real(0.01, 50.0))]
    pub sigma: f64,

    /// A photo that one part is taken from, so that only the others are made: a file, an address, run:142, campanile.
    #[arg(long, value_name = "IMAGE", value_parser = clap::value_parser!(Image))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Image>,

    /// How the reference becomes square: crop cuts the longer side, letterbox fills the shorter.
    #[arg(long, value_enum, default_value = "crop")]
    pub fit: Fit,

    /// What lies behind the reference's transparent pixels and beside it when letterboxed: black, white, or #rrggbb.
    #[arg(long, default_value = "white", value_name = "COLOUR", value_parser = clap::value_parser!(Colour))]
    pub background: Colour,

    /// Which part the reference gives, from 1.
    #[arg(long, default_value = "1", value_name = "1..3", value_parser = number::count(1, 3))]
    pub fixed: usize,

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

    /// How many hybrids in one run, each from noise of its own.
    #[arg(long, default_value = "1", value_name = "1..64 hybrids", value_parser = number::count(1, 64))]
    pub count: usize,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub stages: Stages,
}

/// Into which parts a picture falls. The parts add up to the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// A Gaussian blur, and the rest.
    Frequency,
    /// A wide blur, what a narrow one keeps beyond it, and the rest.
    ThreeBands,
    /// The grey picture, and its colours.
    Colour,
    /// A blur along the diagonal, and the rest.
    Motion,
    /// What survives half the size, and the rest.
    Scale,
}

impl Split {
    /// What its parts are called, in the order of the prompts.
    pub fn parts(self) -> &'static [&'static str] {
        match self {
            Split::Frequency => &["low", "high"],
            Split::ThreeBands => &["low", "middle", "high"],
            Split::Colour => &["grey", "colour"],
            Split::Motion => &["blurred", "rest"],
            Split::Scale => &["small", "rest"],
        }
    }
}

impl Experiment for Hybrid {
    fn prompts(&self) -> Vec<&str> {
        self.prompt.iter().map(String::as_str).collect()
    }

    fn inputs(&mut self) -> Given<'_> {
        Given {
            pictures: self.reference.iter_mut().collect(),
            step: self.stages.walk.from.as_mut(),
            embeddings: self.stages.model.embeddings.as_mut(),
            ..Given::default()
        }
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

    /// A row a hybrid: the whole, then its parts.
    fn pictures(&self) -> Vec<String> {
        let row = || std::iter::once("hybrid").chain(self.split.parts().iter().copied()).map(str::to_owned);
        self.stages.then.pictures((0..self.count).flat_map(|_| row()).collect())
    }

    fn columns(&self) -> usize {
        1 + self.split.parts().len()
    }

    fn model_calls(&self) -> usize {
        self.stages.calls(self.steps, self.guidance) * self.count * self.prompt.len()
    }

    fn check(&self) -> Result<(), RecipeError> {
        let parts = self.split.parts().len();
        let free = parts - usize::from(self.reference.is_some());
        if self.fixed > parts {
            return Err(RecipeError::at("fixed", format!("this split has {parts} parts; fixed is {}", self.fixed)));
        }
        if self.prompt.len() != free {
            return Err(RecipeError::at(
                "prompt",
                format!("this split leaves {free} parts to prompts, and there are {}", self.prompt.len()),
            ));
        }
        self.stages.check(self.steps)
    }
}
