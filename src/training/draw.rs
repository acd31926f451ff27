//! Images of a trained network: from noise, step by step.

use super::{Objective, SIDE, Trained};
use crate::diffusion::{Clip, Noise, Place, Prediction, Process, Rule, Sampler, Step, Use, flow, guide, jumps};
use crate::network::course::{CourseUnet, Given};
use anyhow::{Result, bail, ensure};
use candle_core::{Device, Tensor};
use std::ops::ControlFlow;

/// What to draw.
pub struct Drawing<'a> {
    /// The network, and what it has learned.
    pub network: (&'a CourseUnet, &'a Trained),
    /// The class of each image, (n, classes); none for a network that knows none.
    pub class: Option<Tensor>,
    /// How strongly the class pulls.
    pub guidance: f64,
    /// In how many steps.
    pub steps: usize,
    /// Where all noise comes from.
    pub noise: Noise,
}

impl Drawing<'_> {
    /// The process that is gone back; flow has none.
    pub fn process(&self) -> Option<Process> {
        Some(Process { schedule: self.network.1.objective.schedule()?, clip: Clip::None })
    }

    /// The noise that `count` images begin with, (n, 1, 28, 28).
    ///
    /// # Errors
    /// When the device fails.
    pub fn start(&self, count: usize) -> Result<Tensor> {
        Ok(self.noise.batch(Use::Init, 0, (count, 1, SIDE, SIDE))?)
    }

    /// The timesteps that it goes through, from noise to image.
    ///
    /// # Errors
    /// When the network cannot be sampled from, or not in so many steps.
    pub fn timesteps(&self) -> Result<Vec<usize>> {
        let steps = self.steps;
        match self.network.1.objective {
            Objective::Ddpm { timesteps, .. } => {
                ensure!((1..=timesteps).contains(&steps), "the network knows {timesteps} timesteps; {steps} steps are more");
                // Evenly from the last one down to the first.
                let list = (1..=steps).rev().map(|step| (step - 1) * (timesteps - 1) / (steps - 1).max(1)).collect();
                Ok(if steps == 1 { vec![timesteps - 1] } else { list })
            }
            Objective::Flow { .. } => Ok((0..steps).rev().collect()),
            _ => bail!("this network takes noise away at once; images are drawn by one of train-time or train-class"),
        }
    }

    /// Images (n, 1, 28, 28), from 0 to 1 and a little beyond, from step `first` on and what it left; none when the hook
    /// breaks it off (Ho et al. 2020, algorithm 2, or Euler's way).
    ///
    /// # Errors
    /// When the network cannot be sampled from, or the hook fails.
    pub fn draw(&self, start: (usize, Tensor), on_step: impl FnMut(Step) -> Result<ControlFlow<()>>) -> Result<Option<Tensor>> {
        let (steps, list) = (self.steps, self.timesteps()?);
        let Some(process) = self.process() else { return flow::sample(steps, start, |t, x| self.ask(t, x), on_step) };
        let timesteps = process.schedule.len() as f64;
        let sampler = Sampler { process, rule: Rule::Ddpm, jumps: jumps(&list), noise: self.noise, offset: 0 };
        let denoiser = |at: Place, x: &Tensor| {
            let prediction = self.ask(at.t as f64 / timesteps, x)?;
            // The upper bound of the variance, β; the last step adds no noise.
            let variance = (at.index + 1 < steps).then(|| prediction.noise.ones_like()).transpose()?;
            Ok(Prediction { variance, ..prediction })
        };
        sampler.sample(start, &denoiser, on_step)
    }

    /// The network's guided answer for images (n, 1, 28, 28) at a time in [0, 1].
    fn ask(&self, t: f64, x: &Tensor) -> candle_core::Result<Prediction> {
        let forward = |x: &Tensor, class: Option<Tensor>| {
            let n = x.dim(0)?;
            let time = Some(Tensor::full(t as f32, n, &Device::Cpu)?);
            // One channel: first or last is the same.
            let x = x.reshape((n, SIDE, SIDE, 1))?;
            self.network.0.forward(&x, &Given { time, class }, false)?.reshape((n, 1, SIDE, SIDE))
        };
        let plain = |noise| Prediction { noise, variance: None, halves: None };
        let Some(class) = &self.class else { return Ok(plain(forward(x, None)?)) };
        let nothing = class.zeros_like()?;
        if self.guidance == 0.0 || self.guidance == 1.0 {
            let class = if self.guidance == 0.0 { nothing } else { class.clone() };
            return Ok(plain(forward(x, Some(class))?));
        }
        let both = forward(&Tensor::cat(&[x, x], 0)?, Some(Tensor::cat(&[&nothing, class], 0)?))?;
        let n = x.dim(0)?;
        guide(&plain(both.narrow(0, 0, n)?), &plain(both.narrow(0, n, n)?), self.guidance)
    }
}
