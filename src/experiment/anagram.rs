//! `anagram`: one picture that shows something else in each view (Geng et al. 2024).

use super::compose::{Blend, Composed, shown, texts, views};
use super::walk::{Way, check_finite, made, walk};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::View;
use crate::recipe::Anagram;
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Anagram, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let model = models.get(&recipe.model)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let shape = (recipe.count, 3, model.size(), model.size());
    let start = way.start(kept, sampler.noise, shape)?;
    let texts = texts(model, &recipe.prompt)?;
    let ask = |x: &Tensor, t: usize, prompt: usize, view: Option<&View>| {
        model.predict_guided(&shown(view, x)?, t, &texts[prompt], recipe.guidance)
    };
    let blend = Blend::Views { views: views(&recipe.view, model.size())?, reduce: recipe.reduce };
    let composed = Composed { ask: &ask, blend, fixed: None };
    let Some(clean) = walk(&way, &sampler, start, &composed, on_step)? else { return Ok(Outcome::Stopped) };
    check_finite(&clean)?;
    let (mut pictures, shown) = (Vec::new(), views(&recipe.shown(), model.size())?);
    for i in 0..recipe.count {
        let one = clean.narrow(0, i, 1)?;
        pictures.extend(shown.iter().map(|view| view.apply(&one)).collect::<candle_core::Result<Vec<_>>>()?);
    }
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&pictures, 0)?)?, made(model, way.timesteps)))
}
