//! `hybrid`: the parts of one picture from different prompts (factorized diffusion, Geng et al. 2024).

use super::compose::{Blend, split};
use super::stage::{FromNoise, Reference, Subject};
use super::{Job, Models, OnStep, Outcome};
use crate::recipe::{Hybrid, Photo};
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Hybrid, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let Hybrid { stages, steps, guidance, seed, count, prompt, .. } = recipe;
    let split = split(recipe.split, recipe.kernel, recipe.sigma);
    let photo = |image| Photo { image, fit: recipe.fit, background: recipe.background };
    let reference = recipe.reference.clone().map(|image| Reference { photo: photo(image), split, part: recipe.fixed - 1 });
    let whole_and_parts = |picture: &Tensor| Ok([vec![picture.clone()], split.parts(picture)?].concat());
    let subject =
        Subject { prompts: prompt, blend: &|_| Ok(Blend::Parts { split, prompts: prompts(recipe) }), reference, kept_as: &whole_and_parts };
    let (steps, guidance, seed, count) = (*steps, *guidance, *seed, *count);
    FromNoise { stages, steps, guidance, seed, count }.run(&subject, models, job, on_step)
}

/// The prompt of each part. The part that a photo gives is overwritten at every step: any prompt's noise does for it.
fn prompts(recipe: &Hybrid) -> Vec<usize> {
    let parts = 0..recipe.split.parts().len();
    match recipe.reference.is_some().then_some(recipe.fixed - 1) {
        Some(fixed) => parts.map(|part| if part > fixed { part - 1 } else { part % recipe.prompt.len() }).collect(),
        None => parts.collect(),
    }
}
