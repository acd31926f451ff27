//! `one-step`: all noise predicted and removed at once.

use super::photo::{Drown, check_timesteps, load};
use super::walk::{check_finite, made, tell};
use super::{Models, OnStep, Outcome, pixels};
use crate::diffusion::{self, Clip, Jump, Noise, Prediction, Process, estimate};
use crate::model::Pipeline;
use crate::recipe::OneStep;
use anyhow::Result;
use candle_core::Tensor;
use std::ops::ControlFlow;

pub(super) fn run(recipe: &OneStep, models: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let (clean, model) = load(&recipe.photo, (&recipe.model, &recipe.prompt), models)?;
    let timesteps = &recipe.t.0;
    check_timesteps(timesteps, &model.design.process.schedule)?;
    let text = model.encode(&["", &recipe.prompt])?;
    let drown = Drown { schedule: &model.design.process.schedule, noise: Noise { seed: recipe.seed } };
    let mut pictures = Vec::new();
    for (index, t) in timesteps.iter().enumerate() {
        let noisy = drown.at(&clean, *t, index, 0)?;
        let prediction = model.predict_guided(&noisy, *t, &text, recipe.guidance)?;
        let leap = Leap::new(model, *t, noisy, prediction)?;
        pictures.extend([clean.clone(), leap.noisy.clone(), leap.estimate.clone()]);
        if leap.tell((index, timesteps.len()), None, on_step)?.is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    let all = Tensor::cat(&pictures, 0)?;
    check_finite(&all)?;
    Ok(Outcome::Done(pixels::pictures(&all)?, made(model, timesteps.clone())))
}

/// A single step from a timestep to the clean picture, as in the course: nothing is clipped before the pixels are.
pub(super) struct Leap {
    /// What the model undoes, unclipped.
    process: Process,
    t: usize,
    prediction: Prediction,
    /// The picture before, (1, 3, h, w).
    pub noisy: Tensor,
    /// The picture behind, (1, 3, h, w).
    pub estimate: Tensor,
}

impl Leap {
    pub fn new(model: &Pipeline, t: usize, noisy: Tensor, prediction: Prediction) -> Result<Leap> {
        let estimate = estimate(&model.design.process.schedule, &noisy, Some(t), &prediction.noise)?;
        Ok(Leap { process: Process { clip: Clip::None, ..model.design.process.clone() }, t, prediction, noisy, estimate })
    }

    /// Tells the hook of it as the run's step `index` of `of`.
    pub fn tell(&self, (index, of): (usize, usize), finished: Option<&Tensor>, on_step: OnStep) -> Result<ControlFlow<()>> {
        let jump = Jump { from: self.t, to: None, back: None };
        let (before, x0, prediction) = (&self.noisy, &self.estimate, &self.prediction);
        let step = diffusion::Step { index, jump, before, prediction, x0, x: x0 };
        tell((index, of), &step, (&self.process, finished), on_step)
    }
}
