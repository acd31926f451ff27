//! Pictures that another program has made.

use super::Made;
use serde::{Deserialize, Serialize};

/// What is known of a picture that was brought in from another program, beside what became of its recipe here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Foreign {
    /// The program: `A1111`, `ComfyUI`, `InvokeAI`; `darkroom` for a picture of another workspace.
    pub program: String,
    /// The name of the picture's file.
    pub file: String,
    /// The model, as the program calls it.
    pub model: Option<String>,
    /// Width and height of the picture, in pixels.
    pub size: (u32, u32),
    /// What has no place in a recipe here, `name: value` each: the sampler, a refiner.
    pub unmapped: Vec<String>,
}

impl Foreign {
    /// What decided the picture, as far as it is known here.
    pub fn made(&self) -> Made {
        Made { model: self.model.clone().unwrap_or_default(), size: self.size, ..Made::default() }
    }
}
