//! `forward`: a picture drowned in noise.

use super::photo::{Drown, check_timesteps};
use super::walk::{facts, tell_pictures};
use super::{Models, OnStep, Outcome, pixels};
use crate::diffusion::Noise;
use crate::recipe::{Forward, Model};
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Forward, models: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let (design, hash) = models.design(&Model { name: recipe.model.clone(), embeddings: None })?;
    let clean = pixels::tensor(&models.inputs.photo(&recipe.photo, design.size() as u32)?)?;
    let timesteps = &recipe.t.0;
    check_timesteps(timesteps, &design.process.schedule)?;
    let drown = Drown { schedule: &design.process.schedule, noise: Noise { seed: recipe.seed } };
    let mut pictures = vec![clean.clone()];
    for (index, t) in timesteps.iter().enumerate() {
        pictures.push(drown.at(&clean, *t, index, 0)?);
        if tell_pictures((index, timesteps.len()), *t, &pictures, on_step)?.is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, facts((&design, &hash), timesteps.clone())))
}
