//! What the worker needs of an experiment, and no more: so the engine's tests need no network.

use crate::experiment::{self, End, Kept, Models, OnLesson, Outcome};
use crate::model::OnLoading;
use crate::recipe::Recipe;
use anyhow::Result;
use image::RgbImage;
use std::{ops::ControlFlow, path::Path};

/// What makes the lab of one worker, and another one after a panic.
pub struct Maker<M> {
    /// Where its networks compute, in a word or two: `cuda f16`.
    pub place: String,
    /// Makes it, on the worker's own thread.
    pub make: M,
}

/// Carries recipes out; keeps what is worth keeping between runs.
pub trait Lab {
    /// Runs a recipe, from a checkpoint where there is one, with a look at every step.
    ///
    /// # Errors
    /// Why the run failed, in one sentence.
    fn run(&mut self, recipe: &Recipe, checkpoint: Option<&Path>, on_step: &mut Hook) -> Result<Outcome>;

    /// Has it told from now on how far a model is that has to be loaded, and whether to go on with that.
    fn on_loading(&mut self, hears: OnLoading);

    /// Trains what a recipe asks for, from what is kept of it.
    ///
    /// # Errors
    /// Why the training failed, in one sentence.
    fn train(&mut self, recipe: &Recipe, kept: Kept, on_lesson: OnLesson) -> Result<End> {
        experiment::train(recipe, kept, on_lesson)
    }
}

/// What is called after every step.
pub type Hook<'a> = dyn FnMut(&dyn Moment) -> Result<ControlFlow<()>> + 'a;

/// A run just after one of its steps.
pub trait Moment {
    /// The step's place in the list of timesteps, the list's length, and the timestep.
    fn place(&self) -> (usize, usize, usize);
    /// The picture so far.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn frame(&self) -> Result<RgbImage>;
    /// What a later engine needs to go on from here.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn checkpoint(&self) -> Result<Vec<u8>>;
    /// What was inside the step.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn trace(&self) -> Result<Vec<u8>>;
}

impl Lab for Models {
    fn run(&mut self, recipe: &Recipe, checkpoint: Option<&Path>, on_step: &mut Hook) -> Result<Outcome> {
        experiment::run(recipe, self, checkpoint, &mut |step| on_step(step))
    }

    fn on_loading(&mut self, hears: OnLoading) {
        Models::on_loading(self, hears);
    }
}

impl Moment for experiment::Step<'_> {
    fn place(&self) -> (usize, usize, usize) {
        (self.index, self.of, self.t)
    }

    fn frame(&self) -> Result<RgbImage> {
        experiment::Step::frame(self)
    }

    fn checkpoint(&self) -> Result<Vec<u8>> {
        experiment::Step::checkpoint(self)
    }

    fn trace(&self) -> Result<Vec<u8>> {
        experiment::Step::trace(self)
    }
}
