//! What the model returned, and classifier-free guidance.

use candle_core::{Result, Tensor};

/// A model's answer at one step: the noise that it sees, and where between its bounds the variance lies.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The noise ε, (b, c, h, w).
    pub noise: Tensor,
    /// v in [-1, 1] of the learned range, (b, c, h, w), where the model learned it.
    pub variance: Option<Tensor>,
}

impl Prediction {
    /// Splits the output of a network whose channels are noise, or noise and variance.
    pub fn split(output: &Tensor, channels: usize) -> Result<Prediction> {
        let noise = output.narrow(1, 0, channels)?;
        let learned = output.dim(1)? == 2 * channels;
        let variance = learned.then(|| output.narrow(1, channels, channels)).transpose()?;
        Ok(Prediction { noise, variance })
    }

    /// The output that [`split`](Prediction::split) took apart.
    pub fn join(&self) -> Result<Tensor> {
        match &self.variance {
            Some(variance) => Tensor::cat(&[&self.noise, variance], 1),
            None => Ok(self.noise.clone()),
        }
    }
}

/// Classifier-free guidance (Ho and Salimans 2022): ε = ε_u + γ (ε_c - ε_u), with the variance of the conditional half.
pub fn guide(unconditional: &Prediction, conditional: &Prediction, gamma: f64) -> Result<Prediction> {
    let pull = ((&conditional.noise - &unconditional.noise)? * gamma)?;
    Ok(Prediction { noise: (&unconditional.noise + pull)?, variance: conditional.variance.clone() })
}
