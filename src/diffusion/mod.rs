//! The mathematics of diffusion: schedules, noise, guidance and samplers, one idea a file.
//!
//! Pictures are tensors (b, c, h, w) in [-1, 1]. Timesteps fall; `None` stands for the clean picture behind timestep 0.

mod blur;
mod clip;
mod ddim;
pub mod ddpm;
mod enlarge;
pub mod flow;
mod forward;
mod guidance;
mod noise;
mod sample;
mod schedule;
mod split;
pub mod timesteps;
mod view;

pub use blur::gaussian_blur;
pub use clip::Clip;
pub use enlarge::bilinear;
pub use forward::{estimate, forward, forward_from};
pub use guidance::{Prediction, guide, mean, sum};
pub use noise::{Noise, RNG, Use};
pub use sample::{Denoiser, Estimate, Jump, Place, Process, Rule, Sampler, Step, jumps};
pub use schedule::Schedule;
pub use split::{Parts, Split};
pub use view::View;
