//! The DDIM step (Song et al. 2021, eq. 12).

use super::{Estimate, Jump, Prediction, Process};
use candle_core::{Result, Tensor};

/// One step from `jump.from` to `jump.to`, (b, c, h, w); `eta` from 0 (no fresh noise) to 1 (as much as DDPM).
pub fn step(process: &Process, jump: Jump, x: &Tensor, prediction: &Prediction, eta: f64, z: &Tensor) -> Result<Estimate> {
    let (abar, abar_prev) = process.alpha_bars(jump);
    let x0 = process.x0(abar, x, &prediction.noise)?;
    let sigma = eta * ((1.0 - abar_prev) / (1.0 - abar) * (1.0 - abar / abar_prev)).sqrt();
    let direction = (&prediction.noise * (1.0 - abar_prev - sigma * sigma).max(0.0).sqrt())?;
    let prev = ((&x0 * abar_prev.sqrt())? + direction)?;
    let prev = if sigma > 0.0 { (prev + (z * sigma)?)? } else { prev };
    Ok(Estimate { x0, prev })
}
