//! What the model returned, and classifier-free guidance.

use candle_core::{Result, Tensor};

/// A model's answer at one step: the noise that it sees, and where between its bounds the variance lies.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The noise ε, (b, c, h, w).
    pub noise: Tensor,
    /// v in [-1, 1] of the learned range, (b, c, h, w), where the model learned it.
    pub variance: Option<Tensor>,
    /// The unconditional and the conditional noise that guidance made ε of, for those who look inside.
    pub halves: Option<(Tensor, Tensor)>,
}

impl Prediction {
    /// Splits the output of a network whose channels are noise, or noise and variance.
    pub fn split(output: &Tensor, channels: usize) -> Result<Prediction> {
        let noise = output.narrow(1, 0, channels)?;
        let learned = output.dim(1)? == 2 * channels;
        let variance = learned.then(|| output.narrow(1, channels, channels)).transpose()?;
        Ok(Prediction { noise, variance, halves: None })
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
    Ok(Prediction {
        noise: (&unconditional.noise + pull)?,
        variance: conditional.variance.clone(),
        halves: Some((unconditional.noise.clone(), conditional.noise.clone())),
    })
}

impl Prediction {
    /// The same linear map on the noise and its halves, and another on the variance.
    pub fn map(&self, noise: impl Fn(&Tensor) -> Result<Tensor>, variance: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Prediction> {
        let halves = self.halves.as_ref().map(|(one, other)| Ok::<_, candle_core::Error>((noise(one)?, noise(other)?)));
        Ok(Prediction {
            noise: noise(&self.noise)?,
            variance: self.variance.as_ref().map(variance).transpose()?,
            halves: halves.transpose()?,
        })
    }
}

/// The sum of the noise of several predictions, with the mean of their variances (factorized diffusion).
///
/// # Errors
/// When there is none.
pub fn sum(predictions: &[Prediction]) -> Result<Prediction> {
    let add = |tensors: Vec<&Tensor>| -> Result<Tensor> {
        let (first, rest) = tensors.split_first().ok_or_else(|| candle_core::Error::Msg("nothing is predicted".to_owned()))?;
        rest.iter().try_fold((*first).clone(), |sum, tensor| sum + *tensor)
    };
    let count = predictions.len();
    let variances: Option<Vec<&Tensor>> = predictions.iter().map(|prediction| prediction.variance.as_ref()).collect();
    let halves: Option<(Vec<&Tensor>, Vec<&Tensor>)> =
        predictions.iter().map(|prediction| prediction.halves.as_ref().map(|(one, other)| (one, other))).collect();
    Ok(Prediction {
        noise: add(predictions.iter().map(|prediction| &prediction.noise).collect())?,
        variance: variances.map(|variances| add(variances)? / count as f64).transpose()?,
        halves: halves.map(|(one, other)| Ok::<_, candle_core::Error>((add(one)?, add(other)?))).transpose()?,
    })
}

/// The mean of several predictions (visual anagrams).
///
/// # Errors
/// When there is none.
pub fn mean(predictions: &[Prediction]) -> Result<Prediction> {
    let count = predictions.len() as f64;
    sum(predictions)?.map(|noise| noise / count, |variance| Ok(variance.clone()))
}
