//! What the experiments on a photo share: the photo as a tensor, and the same under noise.

use super::{Models, pixels};
use crate::diffusion::{Noise, Schedule, Use, forward};
use crate::model::Pipeline;
use crate::recipe::{self, Photo};
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// A photo at the model's size, (1, 3, h, w) in [-1, 1], and the model.
pub(super) fn load<'a>(photo: &Photo, (model, prompt): (&recipe::Model, &str), models: &'a mut Models) -> Result<(Tensor, &'a Pipeline)> {
    let inputs = models.inputs.clone();
    let model = models.get(model, &[prompt])?;
    Ok((pixels::tensor(&inputs.photo(photo, model.size() as u32)?)?, model))
}

/// A clean picture under a seed's noise, each picture and pass its own.
pub(super) struct Drown<'a> {
    /// How much noise a timestep has.
    pub schedule: &'a Schedule,
    /// Where it comes from.
    pub noise: Noise,
}

impl Drown<'_> {
    /// x_t of a clean picture (1, 3, h, w); `picture` and `pass` address the noise.
    pub fn at(&self, clean: &Tensor, t: usize, picture: usize, pass: usize) -> Result<Tensor> {
        let noise = self.noise.normal(Use::Known, picture as u32, pass as u32, clean.shape())?;
        Ok(forward(self.schedule, clean, Some(t), &noise)?)
    }
}

/// Refuses timesteps that the model was not trained on.
pub(super) fn check_timesteps(timesteps: &[usize], schedule: &Schedule) -> Result<()> {
    let beyond = timesteps.iter().find(|t| **t >= schedule.len());
    ensure!(beyond.is_none(), "timestep {} is beyond the model's last, {}", beyond.unwrap_or(&0), schedule.len().saturating_sub(1));
    Ok(())
}
