//! `hybrid`: the parts of one picture from different prompts (factorized diffusion, Geng et al. 2024).

use super::compose::{Blend, Composed, Fixed, split, texts};
use super::walk::{Way, check_finite, made, walk};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::View;
use crate::recipe::{Hybrid, Photo};
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Hybrid, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let inputs = models.inputs.clone();
    let model = models.get(&recipe.model)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let shape = (recipe.count, 3, model.size(), model.size());
    let start = way.start(kept, sampler.noise, shape)?;
    let split = split(recipe.split, recipe.kernel, recipe.sigma);
    let photo = |image| Photo { image, fit: recipe.fit, background: recipe.background };
    let photo = recipe.reference.clone().map(|image| inputs.photo(&photo(image), model.size() as u32)).transpose()?;
    let fixed = match photo {
        Some(photo) => Some(Fixed {
            split,
            part: recipe.fixed - 1,
            photo: pixels::tensor(&photo)?.broadcast_as(shape)?.contiguous()?,
            schedule: &model.process.schedule,
            noise: sampler.noise,
        }),
        None => None,
    };
    let texts = texts(model, &recipe.prompt)?;
    let ask = |x: &Tensor, t: usize, prompt: usize, _: Option<&View>| model.predict_guided(x, t, &texts[prompt], recipe.guidance);
    let blend = Blend::Parts { split, prompts: prompts(recipe) };
    let composed = Composed { ask: &ask, blend, fixed };
    let Some(clean) = walk(&way, &sampler, start, &composed, on_step)? else { return Ok(Outcome::Stopped) };
    let clean = composed.finish(clean)?;
    check_finite(&clean)?;
    let mut pictures = Vec::new();
    for i in 0..recipe.count {
        let one = clean.narrow(0, i, 1)?;
        let parts = split.parts(&one)?;
        pictures.push(one);
        pictures.extend(parts);
    }
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, made(model, way.timesteps)))
}

/// The prompt of each part. The part that a photo gives is overwritten at every step: any prompt's noise does for it.
fn prompts(recipe: &Hybrid) -> Vec<usize> {
    let parts = 0..recipe.split.parts().len();
    match recipe.reference.is_some().then_some(recipe.fixed - 1) {
        Some(fixed) => parts.map(|part| if part > fixed { part - 1 } else { part % recipe.prompt.len() }).collect(),
        None => parts.collect(),
    }
}
