//! What can be looked at in a step of a run, and what can be made of its steps.

use super::RunId;
use serde::{Deserialize, Serialize};

/// What of a step the inspector shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// x_t, the picture that the model was shown.
    Noisy,
    /// x̂₀, the clean picture as the model believes it to be.
    Clean,
    /// ε, the noise prediction, guided.
    Noise,
    /// The unconditional half of it.
    Unconditional,
    /// The conditional half of it.
    Conditional,
    /// The predicted standard deviation of the fresh noise.
    Variance,
    /// The pictures so far of an experiment that calls no model.
    Picture,
}

impl Layer {
    /// In the order in which `x` walks through them.
    pub const ALL: [Layer; 7] =
        [Layer::Clean, Layer::Noisy, Layer::Noise, Layer::Unconditional, Layer::Conditional, Layer::Variance, Layer::Picture];

    /// What it is called beside the picture.
    pub fn title(self) -> &'static str {
        match self {
            Layer::Noisy => "x_t",
            Layer::Clean => "x̂₀",
            Layer::Noise => "ε guided",
            Layer::Unconditional => "ε unconditional",
            Layer::Conditional => "ε conditional",
            Layer::Variance => "σ predicted",
            Layer::Picture => "pictures",
        }
    }
}

/// The numbers behind a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Whose.
    pub run: RunId,
    /// The step, from 0.
    pub index: u32,
    /// The timestep.
    pub t: u32,
    /// The steps of the run that can be looked into, from 0.
    pub steps: Vec<u32>,
    /// What x̂₀ was cut at and divided by, a picture each; empty where nothing was.
    pub thresholds: Vec<f64>,
    /// Each layer that the step has, in the order of [`Layer::ALL`].
    pub layers: Vec<LayerNumbers>,
}

/// The numbers of one layer, over all its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerNumbers {
    /// Which.
    pub layer: Layer,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
}

/// What can be made of a run's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// A labelled contact sheet of every picture or step, as PNG.
    Sheet,
    /// The steps as an animated GIF.
    Gif,
    /// The steps as an animated PNG.
    Apng,
    /// An anagram turning from view to view, as an animated GIF.
    Turning,
    /// The whole sweep that the run is a cell of, on one labelled sheet, as PNG.
    Table,
}
