//! `upscale`: super-resolution with a stage II model, as in DeepFloyd IF.

use super::compose::{Blend, Composed, shown, split, texts, views};
use super::walk::{Way, check_finite, made, walk};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{Use, View, bilinear, forward};
use crate::recipe::{self, Upscale};
use anyhow::{Context, Result, ensure};
use candle_core::Tensor;

pub(super) fn run(recipe: &Upscale, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let inputs = models.inputs.clone();
    let model = models.stage_two(&recipe.model, &recipe.text_model)?;
    let side = model.size();
    ensure!(
        side.is_multiple_of(recipe.factor),
        "factor {} does not divide the model's {side} pixels; 4 is what the published models were trained on",
        recipe.factor
    );
    let small = pixels::tensor(&inputs.photo(&recipe.photo, (side / recipe.factor) as u32)?)?;
    let large = bilinear(&small, side)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let shape = (1, 3, side, side);
    let start = way.start(kept, sampler.noise, shape)?;
    let schedule = model.augmentation().context("the model does not enlarge")?;
    ensure!(recipe.noise_level < schedule.len(), "noise-level {} is beyond the model's last, {}", recipe.noise_level, schedule.len() - 1);
    let drowned = forward(schedule, &large, Some(recipe.noise_level), &sampler.noise.normal(Use::Known, 0, 0, shape)?)?;

    let (texts, views) = (texts(model, &recipe.prompt)?, views(&recipe.view, side)?);
    let at_level = model.at_noise_level(recipe.noise_level);
    let ask = |x: &Tensor, t: usize, prompt: usize, view: Option<&View>| {
        // The view is of everything that the model is shown.
        at_level.predict_guided(&shown(view, &Tensor::cat(&[x, &drowned], 1)?)?, t, &texts[prompt], recipe.guidance)
    };
    let composed = Composed { ask: &ask, blend: blend(recipe, &views), fixed: None };
    let Some(clean) = walk(&way, &sampler, start, &composed, on_step)? else { return Ok(Outcome::Stopped) };
    check_finite(&clean)?;
    let others = recipe.view.iter().zip(&views).filter(|(name, _)| **name != recipe::View::Identity);
    let others = others.map(|(_, view)| view.apply(&clean)).collect::<candle_core::Result<Vec<_>>>()?;
    let pictures = [vec![clean, large], others].concat();
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, made(model, way.timesteps)))
}

/// How the predictions under the prompts become one.
fn blend(recipe: &Upscale, views: &[View]) -> Blend {
    match recipe.split {
        Some(asked) => Blend::Parts { split: split(asked, recipe.kernel, recipe.sigma), prompts: (0..recipe.prompt.len()).collect() },
        None if views.is_empty() => Blend::Single,
        None => Blend::Views { views: views.to_vec(), reduce: recipe.reduce },
    }
}
