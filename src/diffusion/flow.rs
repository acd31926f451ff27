//! Flow matching (Lipman et al. 2023): noise and picture on a straight line, x_t = (1 - t) · noise + t · picture, and a
//! network that says the way along it, v = picture - noise.

use super::{Jump, Prediction, Step};
use candle_core::{Result, Tensor};
use std::ops::ControlFlow;

/// x_t of noise and pictures (b, …) at times t (b, 1, …) in [0, 1].
pub fn between(noise: &Tensor, picture: &Tensor, t: &Tensor) -> Result<Tensor> {
    noise + (picture - noise)?.broadcast_mul(t)?
}

/// Euler's way from noise to picture in so many even steps, from step `first` on, starting at `x` (b, c, h, w); `None` when
/// the hook breaks it off. `velocity` is asked for v at a time and an x_t, as a prediction whose noise is v.
///
/// What the hook is told has the words of diffusion: the noise that v implies, and timesteps that fall to 0.
pub fn sample(
    steps: usize,
    (first, mut x): (usize, Tensor),
    velocity: impl Fn(f64, &Tensor) -> Result<Prediction>,
    mut on_step: impl FnMut(Step) -> anyhow::Result<ControlFlow<()>>,
) -> anyhow::Result<Option<Tensor>> {
    for index in first..steps {
        let t = index as f64 / steps as f64;
        let v = velocity(t, &x)?;
        let before = x;
        let noise = |v: &Tensor| &before - (v * t)?;
        let prediction = v.map(noise, |variance| Ok(variance.clone()))?;
        let x0 = (&before + (&v.noise * (1.0 - t))?)?;
        x = (&before + (&v.noise / steps as f64)?)?.detach();
        let from = steps - 1 - index;
        let jump = Jump { from, to: from.checked_sub(1), back: None };
        if on_step(Step { index, jump, before: &before, prediction: &prediction, x0: &x0, x: &x })?.is_break() {
            return Ok(None);
        }
    }
    Ok(Some(x))
}
