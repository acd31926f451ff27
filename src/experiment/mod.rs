//! From a recipe to calls into the diffusion: one file per experiment, mirroring `recipe`.

mod anagram;
mod blur;
mod compose;
mod edit;
mod exhibit;
mod forward;
mod hybrid;
mod inpaint;
mod iterative;
mod models;
mod noise_levels;
mod one_step;
mod photo;
mod pixels;
mod sample;
mod sample_digits;
mod stage;
mod step;
pub mod trace;
mod train;
mod upscale;
mod walk;

pub use models::{Broken, Models};
pub use step::{Checkpoint, Inside, Step};
pub use train::{End, Kept, LEARNS_ON, Lesson, Next, OnLesson, Step as TrainingStep, train};

use crate::input::Inputs;
use crate::recipe::{Image, Made, Recipe};
use anyhow::{Result, bail, ensure};
use candle_core::Tensor;
use image::RgbImage;
use std::{ops::ControlFlow, path::Path};

/// How a run ended.
#[allow(clippy::large_enum_variant)] // There is one at a time.
pub enum Outcome {
    /// Its pictures in the order of [`Recipe::labels`], and what decided them.
    Done(Vec<RgbImage>, Made),
    /// The hook broke it off, or whoever waited for its model.
    Stopped,
}

/// The hook that sees every step; it may break the run off.
pub type OnStep<'a> = &'a mut dyn FnMut(&Step) -> Result<ControlFlow<()>>;

/// A file of what [`Step::checkpoint`] gave in an earlier life of the run.
pub(crate) type Job<'a> = Option<&'a Path>;

/// Runs a recipe. `checkpoint` is a file of what [`Step::checkpoint`] gave in an earlier life of the same run: the run
/// goes on after that step and ends with the same picture, byte for byte.
///
/// # Errors
/// When the model cannot be loaded or fails, or when the hook does.
pub fn run(recipe: &Recipe, models: &mut Models, checkpoint: Option<&Path>, on_step: OnStep) -> Result<Outcome> {
    match develop(recipe, models, checkpoint, on_step) {
        Err(_) if models.has_broken_off() => Ok(Outcome::Stopped),
        outcome => outcome.map_err(|error| models.explain(error)),
    }
}

fn develop(recipe: &Recipe, models: &mut Models, checkpoint: Option<&Path>, on_step: OnStep) -> Result<Outcome> {
    match recipe {
        Recipe::Sample(recipe) => sample::run(recipe, models, checkpoint, on_step),
        Recipe::Forward(recipe) => forward::run(recipe, models, on_step),
        Recipe::Blur(recipe) => blur::run(recipe, models, on_step),
        Recipe::OneStep(recipe) => one_step::run(recipe, models, on_step),
        Recipe::Iterative(recipe) => iterative::run(recipe, models, checkpoint, on_step),
        Recipe::Edit(recipe) => edit::run(recipe, models, checkpoint, on_step),
        Recipe::Inpaint(recipe) => inpaint::run(recipe, models, checkpoint, on_step),
        Recipe::Anagram(recipe) => anagram::run(recipe, models, checkpoint, on_step),
        Recipe::Hybrid(recipe) => hybrid::run(recipe, models, checkpoint, on_step),
        Recipe::Upscale(recipe) => upscale::run(recipe, models, checkpoint, on_step),
        Recipe::NoiseLevels(recipe) => noise_levels::run(recipe, models, on_step),
        Recipe::SampleDigits(recipe) => sample_digits::run(recipe, models, checkpoint, on_step),
        Recipe::TrainDenoiser(_) | Recipe::TrainTime(_) | Recipe::TrainClass(_) => {
            bail!("{} is a training, which makes no steps from noise to a picture", recipe.experiment())
        }
    }
}

/// Where a run begins: after its own last kept step, or after the step of another run that its recipe names.
fn begin(inputs: &Inputs, from: Option<&Image>, checkpoint: Job) -> Result<Option<Checkpoint>> {
    match (checkpoint, from) {
        (Some(own), _) => step::read_checkpoint(own).map(Some),
        (None, Some(other)) => step::read_checkpoint(&inputs.path(other)?).map(Some),
        (None, None) => Ok(None),
    }
}

impl Checkpoint {
    /// Refuses a kept step whose picture has another shape than the recipe's, (b, 3, h, w).
    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        ensure!(self.x.dims() == shape, "the kept step holds a picture of {:?}, the recipe makes {shape:?}", self.x.dims());
        Ok(())
    }

    /// Refuses a kept step that left its picture where the recipe's next step, one of `of`, does not begin.
    fn check_place(&self, of: usize, begins: Option<usize>) -> Result<()> {
        let next = self.next;
        ensure!(next <= of, "the kept step is number {next}, but this recipe has {of} steps; name an earlier one");
        let words = |t: Option<usize>| t.map_or_else(|| "a clean picture".to_owned(), |t| format!("a picture at timestep {t}"));
        ensure!(
            self.at == begins,
            "the kept step left {}, but after {next} steps this recipe has {}; use the timesteps and starts of the run that it is from",
            words(self.at),
            words(begins)
        );
        Ok(())
    }

    /// The pictures that were finished, (1, 3, h, w) each, of which there must be so many.
    fn finished(&self, count: usize) -> Result<Vec<Tensor>> {
        let all = match &self.finished {
            Some(finished) => finished.chunk(finished.dim(0)?, 0)?,
            None => Vec::new(),
        };
        let fit = all.len() == count && all.iter().all(|picture| picture.dims() == self.x.dims());
        ensure!(fit, "the kept step holds {} finished pictures, but this recipe has {count} by then; name a step of such a run", all.len());
        Ok(all)
    }
}
