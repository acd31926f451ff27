//! `iterative`: noise taken away step by step, beside what one step and a blur make of it.

use super::one_step::Leap;
use super::photo::{Drown, load};
use super::walk::{Way, check_finite, made, tell, tell_clean};
use super::{Checkpoint, Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{Place, gaussian_blur};
use crate::recipe::Iterative;
use anyhow::{Context, Result};
use candle_core::Tensor;

pub(super) fn run(recipe: &Iterative, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let (clean, model) = load(&recipe.photo, (&recipe.model, &recipe.prompt), models)?;
    let way = Way::new(&recipe.walk, recipe.steps, &model.design)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, &model.design);
    let text = model.encode(&["", &recipe.prompt])?;
    let predict = |at: Place, x: &Tensor| model.predict_guided(x, at.t, &text, recipe.guidance);

    // The single step comes first, then the walk; what is finished is its estimate, then the noisy pictures on the way.
    let of = 1 + way.entries() - recipe.start;
    let (start, mut finished) = match kept {
        Some(kept) => resume(kept, recipe, &way, clean.dims())?,
        None => {
            let t = *way.timesteps.get(recipe.start).context("start is beyond the last timestep")?;
            let noisy = Drown { schedule: &model.design.process.schedule, noise: sampler.noise }.at(&clean, t, 0, 0)?;
            let prediction = predict(Place { index: recipe.start, t }, &noisy)?;
            let leap = Leap::new(model, t, noisy, prediction)?;
            // What comes next starts from the noisy picture, not from the estimate.
            if leap.tell((0, of), Some(&Tensor::cat(&[&leap.estimate, &leap.noisy], 0)?), on_step)?.is_break() {
                return Ok(Outcome::Stopped);
            }
            ((recipe.start, leap.noisy), vec![leap.estimate])
        }
    };
    let hook = |step: crate::diffusion::Step| {
        if recipe.kept().any(|kept| kept == step.index) {
            finished.push(step.before.clone());
        }
        tell((1 + step.index - recipe.start, of), &step, (&sampler.process, Some(&Tensor::cat(&finished, 0)?)), on_step)
    };
    let Some(result) = sampler.sample(start, &predict, hook)? else { return Ok(Outcome::Stopped) };
    if way.ends_clean && tell_clean((of - 1, of), &result, Some(&Tensor::cat(&finished, 0)?), on_step)?.is_break() {
        return Ok(Outcome::Stopped);
    }
    check_finite(&result)?;
    let all = beside(finished, [clean, result], recipe)?;
    Ok(Outcome::Done(pixels::pictures(&all)?, made(model, way.timesteps)))
}

/// The noisy pictures on the way, then the original and the result, then what one step and a blur make of the first.
fn beside(mut finished: Vec<Tensor>, pictures: [Tensor; 2], recipe: &Iterative) -> Result<Tensor> {
    // The noisy picture that the walk began with, which a kept step of another seed brings along.
    let blurred = gaussian_blur(finished.get(1).context("the walk has no step")?, recipe.kernel, recipe.sigma)?;
    let estimate = finished.remove(0);
    finished.extend(pictures.into_iter().chain([estimate, blurred]));
    Ok(Tensor::cat(&finished, 0)?)
}

/// Where the walk goes on, and what was finished.
fn resume(kept: Checkpoint, recipe: &Iterative, way: &Way, shape: &[usize]) -> Result<((usize, Tensor), Vec<Tensor>)> {
    kept.check_shape(shape)?;
    let of = 1 + way.entries() - recipe.start;
    let index = recipe.start + kept.next.max(1) - 1;
    // The single step leaves its estimate; beside that, the noisy picture from which the walk begins was kept.
    let is_leap = kept.next <= 1;
    kept.check_place(of, if is_leap { None } else { way.at(index) })?;
    let on_the_way = recipe.kept().filter(|kept| *kept < index).count();
    let mut finished = kept.finished(1 + on_the_way + usize::from(is_leap))?;
    let x = if is_leap { finished.pop().context("the kept step holds no picture")? } else { kept.x };
    Ok(((index, x), finished))
}
