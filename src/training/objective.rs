//! What a network is shown, and what it should say.

use crate::diffusion::{Noise, Schedule, Use, flow};
use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};

/// What a network learns. Images range from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Objective {
    /// The image x under noise, x + σ·ε.
    Denoise {
        /// σ.
        sigma: f64,
    },
    /// The image where there is nothing but noise: no network can do better than the mean of all images.
    PureNoise,
    /// The noise in the image at a timestep of a linear schedule (Ho et al. 2020, algorithm 1).
    Ddpm {
        /// How many timesteps there are.
        timesteps: usize,
        /// The first β.
        beta_start: f64,
        /// The last β.
        beta_end: f64,
    },
    /// The way from noise to the image (Lipman et al. 2023).
    Flow {
        /// In how many steps it is gone.
        timesteps: usize,
    },
}

/// A batch as a network sees it.
pub struct Example {
    /// What it is shown, (b, 28, 28, 1).
    pub x: Tensor,
    /// What it should say of it, (b, 28, 28, 1).
    pub target: Tensor,
    /// How far along each is, (b) in [0, 1], for networks that are told.
    pub time: Option<Tensor>,
}

impl Objective {
    /// How many steps lie between noise and image; 1 where all is done at once.
    pub fn timesteps(&self) -> usize {
        match self {
            Objective::Denoise { .. } | Objective::PureNoise => 1,
            Objective::Ddpm { timesteps, .. } | Objective::Flow { timesteps } => *timesteps,
        }
    }

    /// The schedule, where there is one.
    pub fn schedule(&self) -> Option<Schedule> {
        match *self {
            Objective::Ddpm { timesteps, beta_start, beta_end } => Some(Schedule::linear(timesteps, beta_start, beta_end)),
            _ => None,
        }
    }

    /// Images (b, 28, 28, 1) drowned in the noise of a step of the training.
    ///
    /// # Errors
    /// When the device fails.
    pub fn example(&self, images: &Tensor, noise: Noise, step: u32) -> Result<Example> {
        let b = images.dim(0)?;
        let eps = noise.normal(Use::Drown, 0, step, images.shape().clone())?;
        let each = |values: Vec<f32>| Tensor::from_vec(values, b, &Device::Cpu);
        let spread = |values: Vec<f32>| each(values)?.reshape((b, 1, 1, 1));
        let far = || noise.uniform(Use::Time, step, b);
        match self {
            Objective::Denoise { sigma } => Ok(Example { x: (images + (eps * *sigma)?)?, target: images.clone(), time: None }),
            Objective::PureNoise => Ok(Example { x: eps, target: images.clone(), time: None }),
            Objective::Ddpm { timesteps, beta_start, beta_end } => {
                let schedule = Schedule::linear(*timesteps, *beta_start, *beta_end);
                let t: Vec<usize> = far().into_iter().map(|far| (far * *timesteps as f64) as usize).collect();
                let root = |of: fn(f64) -> f64| t.iter().map(|t| of(schedule.alpha_bar(Some(*t))).sqrt() as f32).collect();
                let x = (images.broadcast_mul(&spread(root(|abar| abar))?)? + eps.broadcast_mul(&spread(root(|abar| 1.0 - abar))?)?)?;
                let time = each(t.iter().map(|t| *t as f32 / *timesteps as f32).collect())?;
                Ok(Example { x, target: eps, time: Some(time) })
            }
            Objective::Flow { .. } => {
                let t: Vec<f32> = far().into_iter().map(|far| far as f32).collect();
                let x = flow::between(&eps, images, &spread(t.clone())?)?;
                Ok(Example { x, target: (images - eps)?, time: Some(each(t)?) })
            }
        }
    }

    /// The image that an answer stands for, (b, 28, 28, 1).
    ///
    /// # Errors
    /// When the device fails.
    pub fn image(&self, example: &Example, answer: &Tensor) -> Result<Tensor> {
        let Some(time) = &example.time else { return Ok(answer.clone()) };
        let time = time.reshape(((), 1, 1, 1))?;
        match self.schedule() {
            Some(schedule) => {
                let t = time.flatten_all()?.to_vec1::<f32>()?;
                let abar = t.iter().map(|t| schedule.alpha_bar(Some((t * schedule.len() as f32).round() as usize)) as f32);
                let abar = Tensor::from_vec(abar.collect::<Vec<_>>(), time.shape(), &Device::Cpu)?;
                (&example.x - answer.broadcast_mul(&abar.affine(-1.0, 1.0)?.sqrt()?)?)?.broadcast_div(&abar.sqrt()?)
            }
            None => &example.x + answer.broadcast_mul(&time.affine(-1.0, 1.0)?)?,
        }
    }
}
