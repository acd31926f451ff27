//! What a recipe resolved to: the facts a picture's metadata holds beside the recipe.

use serde::{Deserialize, Serialize};

/// Everything that decided a picture and is not in its recipe. Nothing here changes between two runs of one recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The model's name: the embedded one's, or the last part of its folder.
    pub model: String,
    /// SHA-256 over the model's configs and weights, in hexadecimal.
    pub model_hash: String,
    /// SHA-256 over the images and classes that it has learned from, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_hash: Option<String>,
    /// Width and height of a picture, in pixels.
    pub size: (u32, u32),
    /// The timesteps, resolved.
    pub timesteps: Vec<usize>,
    /// The generator of all noise.
    pub rng: String,
    /// What computed it: `cpu`, `cuda`.
    pub device: String,
    /// The type of the numbers: `f32`.
    pub dtype: String,
    /// The same of what a second model has enlarged in the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_two: Option<Box<Made>>,
}
