//! From a recipe's walk to the sampler's.

use super::{Checkpoint, Inside, OnStep, Step};
use crate::diffusion::{self, Denoiser, Jump, Noise, Process, RNG, Rule, Sampler, Use, jumps, timesteps};
use crate::model::{Design, Pipeline, Place};
use crate::recipe::{self, Layer, Made, Timesteps};
use anyhow::{Context, Result, bail, ensure};
use candle_core::Tensor;
use std::ops::ControlFlow;

/// A recipe's timesteps, resolved for a model.
pub(super) struct Way {
    /// The list, largest first.
    pub timesteps: Vec<usize>,
    /// A jump for each of them that calls the model.
    pub jumps: Vec<Jump>,
    /// Whether the last timestep is the clean picture itself, and calls no model.
    pub ends_clean: bool,
}

impl Way {
    pub fn new(recipe: &recipe::Walk, steps: Option<u64>, model: &Design) -> Result<Way> {
        let asked = recipe.timesteps(steps);
        let timesteps = resolve(&asked, steps, model.process.schedule.len())?;
        let mut jumps = jumps(&timesteps);
        let ends_clean = asked == Timesteps::Strided;
        if ends_clean {
            jumps.pop();
        }
        Ok(Way { timesteps, jumps, ends_clean })
    }

    /// How many steps a walk from the first jump has.
    pub fn entries(&self) -> usize {
        self.jumps.len() + usize::from(self.ends_clean)
    }

    /// The timestep that the picture stands at after so many steps; `None` is the clean picture.
    pub fn at(&self, steps: usize) -> Option<usize> {
        let last = self.timesteps.last().filter(|_| self.ends_clean && steps == self.jumps.len());
        self.jumps.get(steps).map(|jump| jump.from).or(last.copied())
    }

    /// Where a walk of pictures (b, c, h, w) begins: after a kept step, or at noise.
    pub fn start(&self, kept: Option<Checkpoint>, noise: Noise, shape: (usize, usize, usize, usize)) -> Result<(usize, Tensor)> {
        let Some(kept) = kept else { return Ok((0, noise.batch(Use::Init, 0, shape)?)) };
        kept.check_shape(&<[usize; 4]>::from(shape))?;
        kept.check_place(self.entries(), self.at(kept.next))?;
        Ok((kept.next, kept.x))
    }

    /// The sampler that walks these jumps.
    pub fn sampler(&self, recipe: &recipe::Walk, seed: u64, model: &Design) -> Sampler {
        Sampler { process: model.process.clone(), rule: rule(recipe), jumps: self.jumps.clone(), noise: Noise { seed }, offset: 0 }
    }
}

/// Walks `way` to its end and tells the hook of every entry of the list of timesteps; `start` is a jump and the picture
/// (b, 3, h, w) before it.
pub(super) fn walk(
    way: &Way,
    sampler: &Sampler,
    start: (usize, Tensor),
    denoiser: &dyn Denoiser,
    on_step: OnStep,
) -> Result<Option<Tensor>> {
    let of = way.entries();
    let hook = |step: diffusion::Step| tell((step.index, of), &step, (&sampler.process, None), on_step);
    let Some(clean) = sampler.sample(start, denoiser, hook)? else { return Ok(None) };
    let ended = way.ends_clean && tell_clean((of - 1, of), &clean, None, on_step)?.is_break();
    Ok((!ended).then_some(clean))
}

/// Tells the hook of a sampler's step as the run's step `index` of `of`, and of the pictures that are finished by then.
pub(super) fn tell(
    (index, of): (usize, usize),
    step: &diffusion::Step,
    (process, finished): (&Process, Option<&Tensor>),
    on_step: OnStep,
) -> Result<ControlFlow<()>> {
    let inside = Some(Inside { step, process: Some(process) });
    on_step(&Step { index, of, t: step.jump.from, x0: step.x0, shown: Layer::Clean, unit: false, x: step.x, inside, finished })
}

/// Tells the hook of the clean picture at the end of the strided list, which calls no model.
pub(super) fn tell_clean(
    (index, of): (usize, usize),
    clean: &Tensor,
    finished: Option<&Tensor>,
    on_step: OnStep,
) -> Result<ControlFlow<()>> {
    on_step(&Step { index, of, t: 0, x0: clean, shown: Layer::Clean, unit: false, x: clean, inside: None, finished })
}

/// Tells the hook of the pictures so far of an experiment that calls no model.
pub(super) fn tell_pictures((index, of): (usize, usize), t: usize, pictures: &[Tensor], on_step: OnStep) -> Result<ControlFlow<()>> {
    let x = Tensor::cat(pictures, 0)?;
    on_step(&Step { index, of, t, x0: &x, shown: Layer::Picture, unit: false, x: &x, inside: None, finished: None })
}

/// The same of grey pictures (b, 1, h, w) from 0 to 1, which have no timestep.
pub(super) fn tell_grey((index, of): (usize, usize), x: &Tensor, on_step: OnStep) -> Result<ControlFlow<()>> {
    on_step(&Step { index, of, t: 0, x0: x, shown: Layer::Picture, unit: true, x, inside: None, finished: None })
}

/// What decided a run's pictures beside its recipe.
pub(super) fn made(model: &Pipeline, timesteps: Vec<usize>) -> Made {
    on(&model.place, facts((&model.design, &model.hash), timesteps))
}

/// The same of what was computed at a place.
pub(super) fn on(place: &Place, made: Made) -> Made {
    Made { device: place.name().to_owned(), dtype: place.dtype.as_str().to_owned(), ..made }
}

/// The same of a run that asks no network.
pub(super) fn facts((design, hash): (&Design, &str), timesteps: Vec<usize>) -> Made {
    let size = design.size() as u32;
    Made {
        model: design.name.clone(),
        model_hash: hash.to_owned(),
        data_hash: None,
        size: (size, size),
        timesteps,
        rng: RNG.to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        stage_two: None,
    }
}

/// Refuses a picture of NaN: a broken model must not look like a black result.
pub(super) fn check_finite(x: &Tensor) -> Result<()> {
    let finite = x.sum_all()?.to_scalar::<f32>()?.is_finite();
    ensure!(finite, "the model's numbers are not finite; its weights or its schedule are broken");
    Ok(())
}

fn rule(recipe: &recipe::Walk) -> Rule {
    match recipe.sampler {
        recipe::Sampler::Ddpm => Rule::Ddpm,
        recipe::Sampler::Ddim => Rule::Ddim { eta: recipe.eta },
    }
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
