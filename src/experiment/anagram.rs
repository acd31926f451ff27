//! `anagram`: one picture that shows something else in each view (Geng et al. 2024).

use super::compose::{Blend, views};
use super::stage::{FromNoise, Subject};
use super::{Job, Models, OnStep, Outcome};
use crate::recipe::Anagram;
use anyhow::Result;
use candle_core::Tensor;

pub(super) fn run(recipe: &Anagram, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let Anagram { stages, steps, guidance, seed, count, prompt, .. } = recipe;
    let in_every_view = |picture: &Tensor| {
        let views = views(&recipe.shown(), picture.dim(2)?)?;
        Ok(views.iter().map(|view| view.apply(picture)).collect::<candle_core::Result<Vec<_>>>()?)
    };
    let subject = Subject {
        prompts: prompt,
        blend: &|side| Ok(Blend::Views { views: views(&recipe.view, side)?, reduce: recipe.reduce }),
        reference: None,
        kept_as: &in_every_view,
    };
    let (steps, guidance, seed, count) = (*steps, *guidance, *seed, *count);
    FromNoise { stages, steps, guidance, seed, count }.run(&subject, models, job, on_step)
}
