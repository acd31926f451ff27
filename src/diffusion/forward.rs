//! The forward process: a picture drowned in noise.

use super::Schedule;
use candle_core::{Result, Tensor};

/// x_t = √ᾱ_t · x₀ + √(1-ᾱ_t) · ε (Ho et al. 2020, eq. 4). `None` is the clean picture.
pub fn forward(schedule: &Schedule, x0: &Tensor, t: Option<usize>, noise: &Tensor) -> Result<Tensor> {
    let abar = schedule.alpha_bar(t);
    (x0 * abar.sqrt())? + (noise * (1.0 - abar).sqrt())?
}
