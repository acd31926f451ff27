//! `edit`: SDEdit (Meng et al. 2022).

use super::photo::{Drown, load};
use super::walk::{Way, check_finite, made, tell, tell_clean};
use super::{Checkpoint, Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{self, Denoiser, Place, Sampler};
use crate::recipe::Edit;
use anyhow::Result;
use candle_core::Tensor;

/// One walk of the run: from noise at one of its starts back to a picture.
#[derive(Clone, Copy)]
struct Pass {
    /// Which of the pictures.
    picture: usize,
    /// Which of its repeats.
    repeat: usize,
    /// Whether its picture is the run's, and not one for the next repeat.
    is_last: bool,
    /// The jump that it begins with.
    start: usize,
    /// Steps of the run before it.
    before: usize,
    /// What sets its noise apart from that of the others.
    offset: usize,
}

/// What all passes of a run are walked with.
struct Course<'a> {
    way: &'a Way,
    sampler: Sampler,
    denoiser: &'a dyn Denoiser,
    /// Steps of the run.
    of: usize,
}

pub(super) fn run(recipe: &Edit, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let (photo, model) = load(&recipe.photo, (&recipe.model, &recipe.prompt), models)?;
    let way = Way::new(&recipe.walk, recipe.steps, &model.design)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, &model.design);
    let text = model.encode(&["", &recipe.prompt])?;
    let predict = |at: Place, x: &Tensor| model.predict_guided(x, at.t, &text, recipe.guidance);
    let drown = Drown { schedule: &model.design.process.schedule, noise: sampler.noise };

    let (passes, of) = passes(recipe, &way);
    let mut finished = match &kept {
        Some(kept) => resume(kept, &passes, &way, photo.dims())?,
        None => Finished(Vec::new()),
    };
    let course = Course { way: &way, sampler, denoiser: &predict, of };
    let next = kept.as_ref().map_or(0, |kept| kept.next);
    // The picture that the last pass made, for the next of its repeats.
    let mut last = kept.map(|kept| kept.x);
    for pass in passes.into_iter().filter(|pass| pass.before + way.entries() - pass.start > next) {
        let start = match last.take() {
            Some(x) if next > pass.before => (pass.start + next - pass.before, x),
            last => {
                let base = last.filter(|_| pass.repeat > 0);
                let t = way.timesteps[pass.start];
                (pass.start, drown.at(base.as_ref().unwrap_or(&photo), t, pass.picture, pass.repeat)?)
            }
        };
        let Some(clean) = course.walk(pass, start, &finished, on_step)? else { return Ok(Outcome::Stopped) };
        if pass.is_last {
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
fn passes(recipe: &Edit, way: &Way) -> (Vec<Pass>, usize) {
    let (mut passes, mut before) = (Vec::new(), 0);
    for (picture, start) in recipe.start.0.iter().copied().enumerate() {
        for repeat in 0..recipe.repeats {
            let offset = passes.len() * way.jumps.len();
            passes.push(Pass { picture, repeat, is_last: repeat + 1 == recipe.repeats, start, before, offset });
            before += way.entries() - start;
        }
    }
    (passes, before)
}

impl Course<'_> {
    /// One pass from `start`, a jump and the picture before it, to its clean picture; `None` when the hook breaks it off.
    fn walk(&self, pass: Pass, start: (usize, Tensor), finished: &Finished, on_step: OnStep) -> Result<Option<Tensor>> {
        let Course { way, of, .. } = *self;
        let sampler = Sampler { offset: pass.offset, ..self.sampler.clone() };
        let hook = |step: diffusion::Step| {
            let ends = pass.is_last && !way.ends_clean && step.index + 1 == way.jumps.len();
            let done = finished.with(ends.then_some(step.x))?;
            tell((pass.before + step.index - pass.start, of), &step, (&sampler.process, done.as_ref()), on_step)
        };
        let Some(clean) = sampler.sample(start, self.denoiser, hook)? else { return Ok(None) };
        if way.ends_clean {
            let index = pass.before + way.entries() - 1 - pass.start;
            let done = finished.with(pass.is_last.then_some(&clean))?;
            if tell_clean((index, of), &clean, done.as_ref(), on_step)?.is_break() {
                return Ok(None);
            }
        }
        Ok(Some(clean))
    }
}

/// What was finished by a kept step, which must be one of these passes.
fn resume(kept: &Checkpoint, passes: &[Pass], way: &Way, shape: &[usize]) -> Result<Finished> {
    kept.check_shape(shape)?;
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
