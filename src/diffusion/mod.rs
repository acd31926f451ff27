//! The mathematics of diffusion: schedules, noise, guidance and samplers, one idea a file.
//!
//! Pictures are tensors (b, c, h, w) in [-1, 1]. Timesteps fall; `None` stands for the clean picture behind timestep 0.

mod clip;
mod ddim;
mod ddpm;
mod forward;
mod guidance;
mod noise;
mod sample;
mod schedule;
pub mod timesteps;

pub use clip::Clip;
pub use forward::forward;
pub use guidance::{Prediction, guide};
pub use noise::{Noise, RNG, Use};
pub use sample::{Estimate, Jump, Process, Rule, Sampler, Step, jumps};
pub use schedule::Schedule;
