//! `blur`: the classical way to take noise away.

use super::photo::{Drown, check_timesteps};
use super::walk::{facts, tell_pictures};
use super::{Models, OnStep, Outcome, pixels};
use crate::diffusion::{Noise, gaussian_blur};
use crate::recipe::{Blur, Model};
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Blur, models: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let (design, hash) = models.design(&Model { name: recipe.model.clone(), embeddings: None })?;
    let clean = pixels::tensor(&models.inputs.photo(&recipe.photo, design.size() as u32)?)?;
    let timesteps = &recipe.t.0;
    check_timesteps(timesteps, &design.process.schedule)?;
    let drown = Drown { schedule: &design.process.schedule, noise: Noise { seed: recipe.seed } };
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
    Ok(Outcome::Done(pixels::pictures(&all)?, facts((&design, &hash), timesteps.clone())))
}
