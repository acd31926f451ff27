//! Adam (Kingma and Ba 2015) as PyTorch computes it.

use candle_core::{Result, Tensor, Var};
use std::collections::BTreeMap;

/// The optimizer's state; all of it decides the steps to come.
#[derive(Clone, Debug)]
pub struct Adam {
    /// The learning rate.
    pub rate: f64,
    /// How slowly the mean of the gradients and that of their squares forget.
    pub betas: (f64, f64),
    /// What keeps the quotient finite.
    pub eps: f64,
    /// Steps so far.
    pub steps: u64,
    /// Mean and uncentred variance of the gradients, by the parameter's name.
    pub moments: BTreeMap<String, (Tensor, Tensor)>,
}

impl Adam {
    /// An optimizer that has made no step, with PyTorch's defaults but for the rate.
    pub fn new(rate: f64) -> Adam {
        Adam { rate, betas: (0.9, 0.999), eps: 1e-8, steps: 0, moments: BTreeMap::new() }
    }

    /// One step: θ ← θ - rate · m̂ / (√v̂ + ε). A parameter without a gradient stays where it is.
    ///
    /// # Errors
    /// When a gradient has another shape than its parameter.
    pub fn step(&mut self, parameters: &BTreeMap<String, Var>, gradient: impl Fn(&str, &Var) -> Option<Tensor>) -> Result<()> {
        self.steps += 1;
        let steps = self.steps.min(i32::MAX as u64) as i32;
        let (beta1, beta2) = self.betas;
        let (whole1, whole2) = (1.0 - beta1.powi(steps), 1.0 - beta2.powi(steps));
        for (name, parameter) in parameters {
            let Some(g) = gradient(name, parameter) else { continue };
            let before = |moment: Option<&Tensor>| moment.cloned().map_or_else(|| parameter.zeros_like(), Ok);
            let known = self.moments.get(name);
            let m = ((before(known.map(|(m, _)| m))? * beta1)? + (&g * (1.0 - beta1))?)?;
            let v = ((before(known.map(|(_, v)| v))? * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
            let below = ((&v * (1.0 / whole2))?.sqrt()? + self.eps)?;
            parameter.set(&(parameter.as_tensor() - ((&m * (self.rate / whole1))? / below)?)?)?;
            self.moments.insert(name.clone(), (m, v));
        }
        Ok(())
    }
}
