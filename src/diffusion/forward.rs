//! The forward process: a picture drowned in noise.

use super::Schedule;
use candle_core::{Result, Tensor};

/// x_t = √ᾱ_t · x₀ + √(1-ᾱ_t) · ε (Ho et al. 2020, eq. 4). `None` is the clean picture.
pub fn forward(schedule: &Schedule, x0: &Tensor, t: Option<usize>, noise: &Tensor) -> Result<Tensor> {
    let abar = schedule.alpha_bar(t);
    (x0 * abar.sqrt())? + (noise * (1.0 - abar).sqrt())?
}

/// The same from a picture that already stands at a timestep: x_to = √(ᾱ_to/ᾱ_from) · x_from + √(1-ᾱ_to/ᾱ_from) · ε.
pub fn forward_from(schedule: &Schedule, x: &Tensor, (from, to): (Option<usize>, usize), noise: &Tensor) -> Result<Tensor> {
    let ratio = schedule.alpha_bar(Some(to)) / schedule.alpha_bar(from);
    (x * ratio.sqrt())? + (noise * (1.0 - ratio).sqrt())?
}

/// The clean picture under x_t, if ε is the noise in it: x̂₀ = (x_t - √(1-ᾱ_t) · ε) / √ᾱ_t, whatever its range.
pub fn estimate(schedule: &Schedule, x: &Tensor, t: Option<usize>, noise: &Tensor) -> Result<Tensor> {
    let abar = schedule.alpha_bar(t);
    (x - (noise * (1.0 - abar).sqrt())?)? / abar.sqrt()
}
