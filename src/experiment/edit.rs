//! `edit`: SDEdit (Meng et al. 2022).

use super::photo::{Drown, load};
use super::walk::{Way, check_finite, made, tell, tell_clean};
use super::{Checkpoint, Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{Noise, Place};
use crate::recipe::Edit;
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// One walk of the run: from noise at one of its starts back to a picture.
#[derive(Clone, Copy)]
struct Pass {
    /// Which of the pictures.
    picture: usize,
    /// Which of its repeats.
    repeat: usize,
    /// The jump that it begins with.
    start: usize,
    /// Steps of the run before it.
    before: usize,
}

pub(super) fn run(recipe: &Edit, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let (photo, model) = load(&recipe.photo, &recipe.model, models)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let mut sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let text = model.encode(&["", &recipe.prompt])?;
    let predict = |at: Place, x: &Tensor| model.predict_guided(x, at.t, &text, recipe.guidance);
    let drown = Drown { schedule: &model.process.schedule, noise: Noise { seed: recipe.seed } };

    let (passes, of) = passes(recipe, way.entries());
    let mut finished = match &kept {
        Some(kept) => resume(kept, &passes, &way, photo.dims())?,
        None => Finished(Vec::new()),
    };
    let next = kept.as_ref().map_or(0, |kept| kept.next);
    // The picture that the last pass made, for the next of its repeats.
    let mut last = kept.map(|kept| kept.x);
    for pass in passes.into_iter().filter(|pass| pass.before + way.entries() - pass.start > next) {
        let begun = next > pass.before;
        let start = match (last.take(), begun) {
            (Some(x), true) => (pass.start + next - pass.before, x),
            (Some(base), false) if pass.repeat > 0 => (pass.start, drown.at(&base, way.timesteps[pass.start], pass.picture, pass.repeat)?),
            _ => (pass.start, drown.at(&photo, way.timesteps[pass.start], pass.picture, pass.repeat)?),
        };
        sampler.offset = (pass.picture * recipe.repeats + pass.repeat) * way.jumps.len();
        let is_last = pass.repeat + 1 == recipe.repeats;
        let hook = |step: crate::diffusion::Step| {
            let ends = is_last && !way.ends_clean && step.index + 1 == way.jumps.len();
            let done = finished.with(ends.then_some(step.x))?;
            tell((pass.before + step.index - pass.start, of), &step, (&sampler.process, done.as_ref()), on_step)
        };
        let clean = match start.0 < way.jumps.len() {
            true => sampler.sample(start, &predict, hook)?,
            // Only the clean picture at the end of the list was missing.
            false => Some(start.1),
        };
        let Some(clean) = clean else { return Ok(Outcome::Stopped) };
        if way.ends_clean {
            let index = pass.before + way.entries() - 1 - pass.start;
            if tell_clean((index, of), &clean, finished.with(is_last.then_some(&clean))?.as_ref(), on_step)?.is_break() {
                return Ok(Outcome::Stopped);
            }
        }
        if is_last {
            finished.0.push(clean.clone());
        }
        last = Some(clean);
    }
    finished.0.push(photo);
    let all = Tensor::cat(&finished.0, 0)?;
    check_finite(&all)?;
    Ok(Outcome::Done(pixels::pictures(&all)?, made(model, way.timesteps)))
}

/// Every pass in order, and how many steps they have in all.
fn passes(recipe: &Edit, entries: usize) -> (Vec<Pass>, usize) {
    let (mut passes, mut before) = (Vec::new(), 0);
    for (picture, start) in recipe.start.0.iter().copied().enumerate() {
        for repeat in 0..recipe.repeats {
            passes.push(Pass { picture, repeat, start, before });
            before += entries - start;
        }
    }
    (passes, before)
}

/// What was finished by a kept step, which must be one of these passes.
fn resume(kept: &Checkpoint, passes: &[Pass], way: &Way, shape: &[usize]) -> Result<Finished> {
    ensure!(kept.x.dims() == shape, "the kept step holds a picture of {:?}, the recipe makes {shape:?}", kept.x.dims());
    let end = |pass: &Pass| pass.before + way.entries() - pass.start;
    let pass = passes.iter().find(|pass| end(pass) > kept.next);
    // Between two passes the picture is clean.
    let begins = pass.filter(|pass| kept.next > pass.before).and_then(|pass| way.at(pass.start + kept.next - pass.before));
    kept.check_place(passes.last().map_or(0, end), begins)?;
    let pictures = passes.last().map_or(0, |last| last.picture + 1);
    Ok(Finished(kept.finished(pass.map_or(pictures, |pass| pass.picture))?))
}

/// The pictures that are done, (1, 3, h, w) each.
struct Finished(Vec<Tensor>);

impl Finished {
    /// All of them and one more, stacked.
    fn with(&self, more: Option<&Tensor>) -> Result<Option<Tensor>> {
        let all: Vec<&Tensor> = self.0.iter().chain(more).collect();
        Ok(if all.is_empty() { None } else { Some(Tensor::cat(&all, 0)?) })
    }
}
