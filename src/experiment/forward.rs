//! `forward`: a picture drowned in noise.

use super::photo::{Drown, check_timesteps, load};
use super::walk::{made, tell_pictures};
use super::{Models, OnStep, Outcome, pixels};
use crate::diffusion::Noise;
use crate::recipe::Forward;
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Forward, models: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let (clean, model) = load(&recipe.photo, &recipe.model, models)?;
    let timesteps = &recipe.t.0;
    check_timesteps(timesteps, &model.process.schedule)?;
    let drown = Drown { schedule: &model.process.schedule, noise: Noise { seed: recipe.seed } };
    let mut pictures = vec![clean.clone()];
    for (index, t) in timesteps.iter().enumerate() {
        pictures.push(drown.at(&clean, *t, index, 0)?);
        if tell_pictures((index, timesteps.len()), *t, &pictures, on_step)?.is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, made(model, timesteps.clone())))
}
