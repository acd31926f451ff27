//! Sampling: from noise to a picture, a step at a time.

use super::{Clip, Noise, Prediction, Schedule, Use, ddim, ddpm, estimate, forward_from};
use candle_core::{Result, Tensor};
use std::ops::ControlFlow;

/// What a model was trained to undo: its schedule, and how x̂₀ is kept in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// How much picture is left at each timestep.
    pub schedule: Schedule,
    /// What is done to x̂₀.
    pub clip: Clip,
}

impl Process {
    pub(super) fn alpha_bars(&self, jump: Jump) -> (f64, f64) {
        (self.schedule.alpha_bar(Some(jump.from)), self.schedule.alpha_bar(jump.to))
    }

    /// What x̂₀ was cut at in a step from timestep `t`, a picture each; empty where nothing is cut.
    pub fn thresholds(&self, x: &Tensor, t: usize, noise: &Tensor) -> Result<Vec<f64>> {
        self.clip.thresholds(&estimate(&self.schedule, x, Some(t), noise)?)
    }

    /// x̂₀ = (x - √(1-ᾱ)·ε) / √ᾱ, clipped.
    pub(super) fn x0(&self, abar: f64, x: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let x0 = ((x - (noise * (1.0 - abar).sqrt())?)? / abar.sqrt())?;
        self.clip.apply(&x0)
    }
}

/// One step's way: from a timestep to a cleaner one, or to the clean picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The timestep of x.
    pub from: usize,
    /// The timestep that the step leads to.
    pub to: Option<usize>,
    /// The noisier timestep that fresh noise takes the picture back to afterwards (RePaint).
    pub back: Option<usize>,
}

/// The jumps along falling timesteps, the last one to the clean picture.
pub fn jumps(timesteps: &[usize]) -> Vec<Jump> {
    let next = timesteps.iter().skip(1).map(|t| Some(*t)).chain([None]);
    timesteps.iter().zip(next).map(|(from, to)| Jump { from: *from, to, back: None }).collect()
}

/// Where a walk stands: at which of its steps, and at which timestep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The jump's place in the list, from 0.
    pub index: usize,
    /// The timestep of x.
    pub t: usize,
}

/// What a [`Sampler`] asks: a model, or several put together.
pub trait Denoiser {
    /// The noise in x (b, c, h, w).
    fn predict(&self, at: Place, x: &Tensor) -> Result<Prediction>;

    /// What must hold of x before its noise is predicted: part of it may be known.
    fn constrain(&self, _at: Place, x: Tensor) -> Result<Tensor> {
        Ok(x)
    }
}

impl<F: Fn(Place, &Tensor) -> Result<Prediction>> Denoiser for F {
    fn predict(&self, at: Place, x: &Tensor) -> Result<Prediction> {
        self(at, x)
    }
}

/// What a step leads to.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The clean picture as the model believes it to be.
    pub x0: Tensor,
    /// The picture at the next timestep.
    pub prev: Tensor,
}

/// The rule that leads from one timestep to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Ancestral sampling with the learned variance.
    Ddpm,
    /// Deterministic at eta 0.
    Ddim {
        /// How much fresh noise, from 0 to 1.
        eta: f64,
    },
}

impl Rule {
    /// One step; `z` is fresh standard normal noise of x's shape.
    pub fn step(self, process: &Process, jump: Jump, x: &Tensor, prediction: &Prediction, z: &Tensor) -> Result<Estimate> {
        match self {
            Rule::Ddpm => ddpm::step(process, jump, x, prediction, z),
            Rule::Ddim { eta } => ddim::step(process, jump, x, prediction, eta, z),
        }
    }
}

/// What the hook sees after a step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The jump's place in the list, from 0.
    pub index: usize,
    /// The way that it went.
    pub jump: Jump,
    /// The picture that the model was shown.
    pub before: &'a Tensor,
    /// What the model said.
    pub prediction: &'a Prediction,
    /// x̂₀.
    pub x0: &'a Tensor,
    /// The picture that the next step starts from.
    pub x: &'a Tensor,
}

/// A whole way from noise to a picture.
#[derive(Clone, Debug)]
pub struct Sampler {
    /// What the model undoes.
    pub process: Process,
    /// How one step leads to the next.
    pub rule: Rule,
    /// The steps.
    pub jumps: Vec<Jump>,
    /// Where fresh noise comes from.
    pub noise: Noise,
    /// Added to a jump's place where it addresses noise: a run of several walks must not meet the same noise twice.
    pub offset: usize,
}

impl Sampler {
    /// Walks the jumps from `first` on, starting at `x` (b, c, h, w); `None` when the hook breaks it off.
    ///
    /// The same `first` and `x` lead to the same picture whether or not the walk was broken off in between.
    pub fn sample(
        &self,
        (first, mut x): (usize, Tensor),
        denoiser: &dyn Denoiser,
        mut on_step: impl FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<Option<Tensor>> {
        for (index, jump) in self.jumps.iter().copied().enumerate().skip(first) {
            let at = Place { index, t: jump.from };
            let before = denoiser.constrain(at, x)?;
            let prediction = denoiser.predict(at, &before)?;
            let z = self.fresh(Use::Step, index, &before)?;
            let estimate = self.rule.step(&self.process, jump, &before, &prediction, &z)?;
            x = match jump.back {
                Some(back) => {
                    forward_from(&self.process.schedule, &estimate.prev, (jump.to, back), &self.fresh(Use::Back, index, &before)?)?
                }
                None => estimate.prev,
            };
            x = x.detach();
            if on_step(Step { index, jump, before: &before, prediction: &prediction, x0: &estimate.x0, x: &x })?.is_break() {
                return Ok(None);
            }
        }
        Ok(Some(x))
    }

    fn fresh(&self, purpose: Use, index: usize, like: &Tensor) -> Result<Tensor> {
        self.noise.batch(purpose, (self.offset + index) as u32, like.dims4()?)?.to_device(like.device())
    }
}
