//! The DDPM step (Ho et al. 2020, eqs. 7 and 15) with the learned variance of Nichol and Dhariwal 2021, eq. 15.

use super::{Estimate, Jump, Prediction, Process};
use candle_core::{Result, Tensor};

/// One step from `jump.from` to `jump.to`, (b, c, h, w). The noise `z` is used only above timestep 0.
pub fn step(process: &Process, jump: Jump, x: &Tensor, prediction: &Prediction, z: &Tensor) -> Result<Estimate> {
    let (abar, abar_prev) = process.alpha_bars(jump);
    let alpha = abar / abar_prev;
    let beta = 1.0 - alpha;

    let x0 = process.x0(abar, x, &prediction.noise)?;
    let mean = ((&x0 * (abar_prev.sqrt() * beta / (1.0 - abar)))? + (x * (alpha.sqrt() * (1.0 - abar_prev) / (1.0 - abar)))?)?;
    match deviation(process, jump, prediction)? {
        Some(sigma) => Ok(Estimate { x0, prev: (mean + sigma.broadcast_mul(z)?)? }),
        None => Ok(Estimate { x0, prev: mean }),
    }
}

/// The standard deviation σ of the fresh noise of a step, as the model predicts it (b, c, h, w), or as the schedule has it
/// (1, 1, 1, 1) where the model does not; none from timestep 0 on.
pub fn deviation(process: &Process, jump: Jump, prediction: &Prediction) -> Result<Option<Tensor>> {
    if jump.from == 0 {
        return Ok(None);
    }
    let (abar, abar_prev) = process.alpha_bars(jump);
    let beta = 1.0 - abar / abar_prev;
    let beta_tilde = ((1.0 - abar_prev) / (1.0 - abar) * beta).max(1e-20);
    Ok(Some(match &prediction.variance {
        None => Tensor::full(beta_tilde.sqrt() as f32, (1, 1, 1, 1), prediction.noise.device())?,
        Some(v) => {
            let (low, high) = (beta_tilde.ln(), beta.ln());
            // log σ² = f·ln β + (1-f)·ln β̃ with f = (v+1)/2; σ is the exponential of its half.
            v.affine((high - low) / 4.0, (high + low) / 4.0)?.exp()?
        }
    }))
}
