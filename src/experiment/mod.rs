//! From a recipe to calls into the diffusion: one file per experiment, mirroring `recipe`.

mod pixels;
mod sample;
mod step;

pub use step::Step;

use crate::model::{Folder, Pipeline};
use crate::recipe::{Made, Recipe};
use anyhow::Result;
use image::RgbImage;
use std::{ops::ControlFlow, path::Path};

/// The model in use, kept loaded from one run to the next.
#[derive(Default)]
pub struct Models {
    loaded: Option<(String, Pipeline)>,
}

impl Models {
    /// The model that a recipe names. The one that was loaded before it is dropped first, so that two never share the memory.
    ///
    /// # Errors
    /// When there is no such model, or it cannot be loaded.
    pub fn get(&mut self, name: &str) -> Result<&Pipeline> {
        if self.loaded.as_ref().is_none_or(|(loaded, _)| loaded != name) {
            self.loaded = None;
        }
        let loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => (name.to_owned(), Pipeline::load(&Folder::find(name)?)?),
        };
        Ok(&self.loaded.insert(loaded).1)
    }
}

/// How a run ended.
pub enum Outcome {
    /// Its pictures, and what decided them.
    Done(Vec<RgbImage>, Made),
    /// The hook broke it off.
    Stopped,
}

/// The hook that sees every step; it may break the run off.
pub type OnStep<'a> = &'a mut dyn FnMut(&Step) -> Result<ControlFlow<()>>;

/// Runs a recipe. `checkpoint` is a file of what [`Step::checkpoint`] gave in an earlier life of the same run: the run
/// goes on after that step and ends with the same picture, byte for byte.
///
/// # Errors
/// When the model cannot be loaded or fails, or when the hook does.
pub fn run(recipe: &Recipe, models: &mut Models, checkpoint: Option<&Path>, on_step: OnStep) -> Result<Outcome> {
    match recipe {
        Recipe::Sample(sample) => sample::run(sample, models.get(&sample.model)?, checkpoint, on_step),
    }
}
