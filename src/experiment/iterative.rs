//! `iterative`: noise taken away step by step, beside what one step and a blur make of it.

use super::one_step::Leap;
use super::photo::{Drown, load};
use super::walk::{Way, check_finite, made, tell, tell_clean};
use super::{Checkpoint, Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{Place, gaussian_blur};
use crate::recipe::Iterative;
use anyhow::{Context, Result, ensure};
use candle_core::Tensor;

pub(super) fn run(recipe: &Iterative, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let (clean, model) = load(&recipe.photo, &recipe.model, models)?;
    let way = Way::new(&recipe.walk, recipe.steps, model)?;
    let sampler = way.sampler(&recipe.walk, recipe.seed, model);
    let text = model.encode(&["", &recipe.prompt])?;
    let predict = |at: Place, x: &Tensor| model.predict_guided(x, at.t, &text, recipe.guidance);

    // The single step comes first, then the walk; what is finished is its estimate, then the noisy pictures on the way.
    let of = 1 + way.entries() - recipe.start;
    let (start, mut finished) = match kept {
        Some(kept) => resume(kept, recipe, &way, clean.dims())?,
        None => {
            let t = *way.timesteps.get(recipe.start).context("start is beyond the last timestep")?;
            let noisy = Drown { schedule: &model.process.schedule, noise: sampler.noise }.at(&clean, t, 0, 0)?;
            let prediction = predict(Place { index: recipe.start, t }, &noisy)?;
            let leap = Leap::new(model, t, noisy.clone(), prediction)?;
            // What comes next starts from the noisy picture, not from the estimate.
            let finished = leap.estimate.clone();
            if leap.tell((0, of), Some(&Tensor::cat(&[&finished, &noisy], 0)?), on_step)?.is_break() {
                return Ok(Outcome::Stopped);
            }
            ((recipe.start, noisy), vec![finished])
        }
    };
    let is_kept = |index: usize| recipe.kept().any(|kept| kept == index);
    let hook = |step: crate::diffusion::Step| {
        if is_kept(step.index) {
            finished.push(step.before.clone());
        }
        tell((1 + step.index - recipe.start, of), &step, (&sampler.process, Some(&Tensor::cat(&finished, 0)?)), on_step)
    };
    let Some(result) = sampler.sample(start, &predict, hook)? else { return Ok(Outcome::Stopped) };
    if way.ends_clean && tell_clean((of - 1, of), &result, Some(&Tensor::cat(&finished, 0)?), on_step)?.is_break() {
        return Ok(Outcome::Stopped);
    }
    check_finite(&result)?;
    // The noisy picture that the walk began with, which a kept step of another seed brings along.
    let blurred = gaussian_blur(finished.get(1).context("the walk has no step")?, recipe.kernel, recipe.sigma)?;
    let estimate = finished.remove(0);
    finished.extend([clean, result, estimate, blurred]);
    Ok(Outcome::Done(pixels::pictures(&Tensor::cat(&finished, 0)?)?, made(model, way.timesteps)))
}

/// Where the walk goes on, and what was finished.
fn resume(kept: Checkpoint, recipe: &Iterative, way: &Way, shape: &[usize]) -> Result<((usize, Tensor), Vec<Tensor>)> {
    ensure!(kept.x.dims() == shape, "the kept step holds a picture of {:?}, the recipe makes {shape:?}", kept.x.dims());
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
