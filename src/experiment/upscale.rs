//! `upscale`: super-resolution with a stage II model, as in DeepFloyd IF.

use super::compose::{Blend, split, views};
use super::stage::{Stage, Subject, drown};
use super::walk::{Way, facts};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::bilinear;
use crate::recipe::{self, Upscale};
use anyhow::{Result, ensure};
use candle_core::Tensor;

pub(super) fn run(recipe: &Upscale, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let inputs = models.inputs.clone();
    let model = models.stage_two(recipe)?;
    let side = model.size();
    ensure!(
        side.is_multiple_of(recipe.factor),
        "factor {} does not divide the model's {side} pixels; 4 is what the published models were trained on",
        recipe.factor
    );
    let small = pixels::tensor(&inputs.photo(&recipe.photo, (side / recipe.factor) as u32)?)?;
    let way = Way::new(&recipe.walk, recipe.steps, &model.design)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, &model.design);
    let start = way.start(kept, sampler.noise, (1, 3, side, side))?;
    let drowned = drown(&small, side, (recipe.noise_level, model.design.augmentation.as_ref()), sampler.noise)?;
    let drowned = Some((drowned, recipe.noise_level));

    let subject = Subject {
        prompts: &recipe.prompt,
        blend: &|side| blend(recipe, side),
        reference: None,
        kept_as: &|picture| Ok(vec![picture.clone()]),
    };
    let stage = Stage { model, way: &way, sampler: &sampler, guidance: recipe.guidance, drowned };
    let Some(clean) = stage.walk(&subject, &inputs, start, on_step)? else { return Ok(Outcome::Stopped) };
    let others: Vec<_> = recipe.view.iter().copied().filter(|view| *view != recipe::View::Identity).collect();
    let others = views(&others, side)?.iter().map(|view| view.apply(&clean)).collect::<candle_core::Result<Vec<_>>>()?;
    let pictures = [vec![clean, bilinear(&small, side)?], others].concat();
    let facts = facts((&model.design, &model.hash), way.timesteps);
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, models.made(facts)))
}

/// How the predictions under the prompts become one, for pictures of `side` pixels.
fn blend(recipe: &Upscale, side: usize) -> Result<Blend> {
    Ok(match recipe.split {
        Some(asked) => Blend::Parts { split: split(asked, recipe.kernel, recipe.sigma), prompts: (0..recipe.prompt.len()).collect() },
        None if recipe.view.is_empty() => Blend::Single,
        None => Blend::Views { views: views(&recipe.view, side)?, reduce: recipe.reduce },
    })
}
