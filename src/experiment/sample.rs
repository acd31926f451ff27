//! `sample`: pictures from pure noise.

use super::compose::Blend;
use super::stage::{FromNoise, Subject};
use super::{Job, Models, OnStep, Outcome};
use crate::recipe::Sample;
use anyhow::Result;

pub(super) fn run(recipe: &Sample, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let Sample { stages, steps, guidance, seed, count, prompt } = recipe;
    let subject = Subject {
        prompts: std::slice::from_ref(prompt),
        blend: &|_| Ok(Blend::Single),
        reference: None,
        kept_as: &|picture| Ok(vec![picture.clone()]),
    };
    let (steps, guidance, seed, count) = (*steps, *guidance, *seed, *count);
    FromNoise { stages, steps, guidance, seed, count }.run(&subject, models, job, on_step)
}
