//! `sample`: pictures from pure noise.

use super::{OnStep, Outcome, Step, pixels, step::read_checkpoint};
use crate::diffusion::{Jump, Noise, RNG, Rule, Sampler, Use, jumps, timesteps};
use crate::model::Pipeline;
use crate::recipe::{self, Made, Sample, Timesteps};
use anyhow::{Context, Result, bail, ensure};
use candle_core::Tensor;
use std::{ops::ControlFlow, path::Path};

pub(super) fn run(recipe: &Sample, model: &Pipeline, checkpoint: Option<&Path>, on_step: OnStep) -> Result<Outcome> {
    let timesteps = resolve(&recipe.timesteps(), recipe.steps, model.process.schedule.len())?;
    let sampler =
        Sampler { process: model.process.clone(), rule: rule(recipe), jumps: walk(recipe, &timesteps), noise: Noise { seed: recipe.seed } };
    let size = model.size();
    let shape = (recipe.count, 3, size, size);
    let (first, x) = match checkpoint {
        Some(path) => read_checkpoint(path)?,
        None => (0, sampler.noise.batch(Use::Init, 0, shape)?),
    };
    ensure!(x.dims4()? == shape, "the checkpoint holds a picture of {:?}, the recipe makes {shape:?}", x.dims());

    let text = model.encode(&["", &recipe.prompt])?;
    let of = timesteps.len();
    let mut show = |index, t, x0: &Tensor, x: &Tensor| on_step(&Step { index, of, t, x0, x });
    let end = sampler.sample(
        (first, x),
        |x, t| model.predict_guided(x, t, &text, recipe.guidance),
        |step| show(step.index, step.t, step.x0, step.x),
    )?;
    let Some(clean) = end else { return Ok(Outcome::Stopped) };
    if sampler.jumps.len() < of {
        // The last timestep of the strided list is the clean picture itself.
        let t = timesteps.last().copied().unwrap_or(0);
        if show(of - 1, t, &clean, &clean)? == ControlFlow::Break(()) {
            return Ok(Outcome::Stopped);
        }
    }
    let made = Made {
        model: model.name.clone(),
        model_hash: model.hash.clone(),
        size: (size as u32, size as u32),
        timesteps,
        rng: RNG.to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
    };
    let finite = clean.sum_all()?.to_scalar::<f32>()?.is_finite();
    ensure!(finite, "the model's numbers are not finite; its weights or its schedule are broken");
    Ok(Outcome::Done(pixels::pictures(&clean)?, made))
}

fn rule(recipe: &Sample) -> Rule {
    match recipe.sampler {
        recipe::Sampler::Ddpm => Rule::Ddpm,
        recipe::Sampler::Ddim => Rule::Ddim { eta: recipe.eta },
    }
}

fn walk(recipe: &Sample, timesteps: &[usize]) -> Vec<Jump> {
    let mut jumps = jumps(timesteps);
    if recipe.timesteps() == Timesteps::Strided {
        jumps.pop();
    }
    jumps
}

/// The timesteps that a recipe names, for a model of `train` training timesteps.
fn resolve(asked: &Timesteps, steps: Option<u64>, train: usize) -> Result<Vec<usize>> {
    let list = match asked {
        Timesteps::Strided => timesteps::strided(),
        Timesteps::Leading => {
            let steps = steps.context("timesteps 'leading' needs steps")? as usize;
            ensure!(steps <= train, "steps {steps} is more than the model's {train} timesteps");
            timesteps::leading(steps, train)
        }
        Timesteps::Named(name) => {
            let sections = timesteps::sections(name).context("an unknown respacing")?;
            let room = train / sections.len();
            ensure!(sections.iter().all(|count| *count <= room), "timesteps '{name}' needs a model of more than {train} timesteps");
            timesteps::respaced(sections, train)
        }
        Timesteps::List(list) => list.clone(),
    };
    if let Some(beyond) = list.first().filter(|t| **t >= train) {
        bail!("timestep {beyond} is beyond the model's last, {}", train - 1);
    }
    Ok(list)
}
