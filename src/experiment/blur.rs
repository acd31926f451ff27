//! `blur`: the classical way to take noise away.

use super::photo::{Drown, check_timesteps, load};
use super::walk::{made, tell_pictures};
use super::{Models, OnStep, Outcome, pixels};
use crate::diffusion::{Noise, gaussian_blur};
use crate::recipe::Blur;
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Blur, models: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let (clean, model) = load(&recipe.photo, &recipe.model, models)?;
    let timesteps = &recipe.t.0;
    check_timesteps(timesteps, &model.process.schedule)?;
    let drown = Drown { schedule: &model.process.schedule, noise: Noise { seed: recipe.seed } };
    let (mut noisy, mut blurred) = (Vec::new(), Vec::new());
    for (index, t) in timesteps.iter().enumerate() {
        let x = drown.at(&clean, *t, index, 0)?;
        blurred.push(gaussian_blur(&x, recipe.kernel, recipe.sigma)?);
        noisy.push(x);
        if tell_pictures((index, timesteps.len()), *t, &blurred, on_step)?.is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    let all = Tensor::cat(&[noisy, blurred].concat(), 0)?;
    Ok(Outcome::Done(pixels::pictures(&all)?, made(model, timesteps.clone())))
}
