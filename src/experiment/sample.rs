//! `sample`: pictures from pure noise.

use super::walk::{Way, check_finite, made, walk};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::Place;
use crate::recipe::Sample;
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Sample, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let model = models.get(&recipe.model)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let shape = (recipe.count, 3, model.size(), model.size());
    let start = way.start(kept, sampler.noise, shape)?;
    let text = model.encode(&["", &recipe.prompt])?;
    let predict = |at: Place, x: &Tensor| model.predict_guided(x, at.t, &text, recipe.guidance);
    let Some(clean) = walk(&way, &sampler, start, &predict, on_step)? else { return Ok(Outcome::Stopped) };
    check_finite(&clean)?;
    let made = made(model, way.timesteps);
    Ok(Outcome::Done(pixels::pictures(&clean)?, made))
}
