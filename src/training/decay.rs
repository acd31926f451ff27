//! What becomes of the learning rate.

use serde::{Deserialize, Serialize};

/// How the learning rate changes as a training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// It stays.
    Constant,
    /// Every epoch has 0.1^(1/epochs) of the rate before it, as PyTorch's `ExponentialLR` of the course.
    Exponential,
    /// It falls to nothing along half a cosine, a little each step (Loshchilov and Hutter 2017).
    Cosine,
}

impl Decay {
    /// The share of the first rate that step `step` (from 0) of `epochs` epochs has, each of `steps` steps.
    pub fn share(self, step: usize, steps: usize, epochs: usize) -> f64 {
        let (steps, epochs) = (steps.max(1), epochs.max(1));
        match self {
            Decay::Constant => 1.0,
            Decay::Exponential => 0.1f64.powf((step / steps) as f64 / epochs as f64),
            Decay::Cosine => 0.5 + 0.5 * (std::f64::consts::PI * step as f64 / (steps * epochs) as f64).cos(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_begin_whole_and_fall_as_they_should() {
        let at = |decay: Decay, step| (decay.share(step, 10, 20) * 1e6).round() / 1e6;
        for decay in [Decay::Constant, Decay::Exponential, Decay::Cosine] {
            assert_eq!(at(decay, 0), 1.0);
        }
        assert_eq!([at(Decay::Constant, 199), at(Decay::Exponential, 9), at(Decay::Cosine, 100)], [1.0, 1.0, 0.5]);
        assert_eq!([at(Decay::Exponential, 10), at(Decay::Exponential, 199)], [0.891251, 0.112202]);
        assert!(at(Decay::Cosine, 199) < 1e-4);
    }
}
