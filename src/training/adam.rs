//! Adam (Kingma and Ba 2015) as PyTorch computes it.

use candle_core::{CpuStorage, CustomOp2, DType, InplaceOp3, Layout, Result, Shape, Tensor, Var, bail};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Floats a thread takes at a time.
const RUN: usize = 1 << 15;

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
        let descend = Descend { rate: self.rate / (1.0 - beta1.powi(steps)), whole: 1.0 / (1.0 - beta2.powi(steps)), eps: self.eps };
        for (name, parameter) in parameters {
            let Some(g) = gradient(name, parameter) else { continue };
            let before = |moment: Option<&Tensor>| moment.cloned().map_or_else(|| parameter.zeros_like(), Ok);
            let known = self.moments.get(name);
            let m = Fade { beta: beta1, square: false }.of(&before(known.map(|(m, _)| m))?, &g)?;
            let v = Fade { beta: beta2, square: true }.of(&before(known.map(|(_, v)| v))?, &g)?;
            descend.from(parameter, &m, &v)?;
            self.moments.insert(name.clone(), (m, v));
        }
        Ok(())
    }
}

/// A mean that forgets: β · mean + (1 - β) · g, or g².
struct Fade {
    beta: f64,
    square: bool,
}

impl Fade {
    fn of(&self, mean: &Tensor, g: &Tensor) -> Result<Tensor> {
        if plain(mean) && plain(g) {
            return mean.apply_op2_no_bwd(g, self);
        }
        let g = if self.square { g.sqr()? } else { g.clone() };
        (mean * self.beta)? + (g * (1.0 - self.beta))?
    }
}

impl CustomOp2 for Fade {
    fn name(&self) -> &'static str {
        "fade"
    }

    fn cpu_fwd(&self, mean: &CpuStorage, mean_at: &Layout, g: &CpuStorage, g_at: &Layout) -> Result<(CpuStorage, Shape)> {
        let (mean, g) = (floats(mean, mean_at)?, floats(g, g_at)?);
        if mean.len() != g.len() {
            bail!("a gradient of {:?} does not fit {:?}", g_at.shape(), mean_at.shape());
        }
        let (keep, take) = (self.beta as f32, (1.0 - self.beta) as f32);
        let mut out = vec![0.0; mean.len()];
        out.par_chunks_mut(RUN).zip(mean.par_chunks(RUN)).zip(g.par_chunks(RUN)).for_each(|((out, mean), g)| {
            for ((out, mean), g) in out.iter_mut().zip(mean).zip(g) {
                *out = mean * keep + if self.square { g * g } else { *g } * take;
            }
        });
        Ok((CpuStorage::F32(out), mean_at.shape().clone()))
    }
}

/// The step itself; `rate` and `whole` make up for the means having begun at 0.
struct Descend {
    rate: f64,
    whole: f64,
    eps: f64,
}

impl Descend {
    fn from(&self, parameter: &Var, m: &Tensor, v: &Tensor) -> Result<()> {
        if [parameter.as_tensor(), m, v].into_iter().all(plain) {
            return parameter.inplace_op3(m, v, self);
        }
        let below = ((v * self.whole)?.sqrt()? + self.eps)?;
        parameter.set(&(parameter.as_tensor() - ((m * self.rate)? / below)?)?)
    }
}

impl InplaceOp3 for Descend {
    fn name(&self) -> &'static str {
        "descend"
    }

    fn cpu_fwd(&self, to: &mut CpuStorage, to_at: &Layout, m: &CpuStorage, m_at: &Layout, v: &CpuStorage, v_at: &Layout) -> Result<()> {
        let (m, v) = (floats(m, m_at)?, floats(v, v_at)?);
        let (CpuStorage::F32(to), Some((start, end))) = (to, to_at.contiguous_offsets()) else { bail!("parameters are contiguous floats") };
        let (rate, whole, eps) = (self.rate as f32, self.whole as f32, self.eps as f32);
        to[start..end].par_chunks_mut(RUN).zip(m.par_chunks(RUN)).zip(v.par_chunks(RUN)).for_each(|((to, m), v)| {
            for ((to, m), v) in to.iter_mut().zip(m).zip(v) {
                *to -= m * rate / ((v * whole).sqrt() + eps);
            }
        });
        Ok(())
    }
}

/// Whether the loops here can take it; other devices and layouts go by candle's operators.
fn plain(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32 && x.is_contiguous()
}

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the optimizer needs contiguous numbers"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn the_loops_make_the_steps_that_candles_operators_make(rows in 1..300usize, columns in 1..300usize) {
            let random = |shape: (usize, usize)| Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
            let begin = random((columns, rows));
            // Neither a copy nor contiguous, the same numbers go by candle's operators.
            let vars = [Var::from_tensor(&begin).unwrap(), Var::from_tensor(&begin).unwrap()];
            let mut optimizers = [Adam::new(0.1), Adam::new(0.1)];
            for _ in 0..3 {
                let g = random((rows, columns));
                let straight = g.t().unwrap().contiguous().unwrap();
                let gradients = [straight, g.t().unwrap()];
                for ((adam, var), g) in optimizers.iter_mut().zip(&vars).zip(&gradients) {
                    adam.step(&BTreeMap::from([("w".to_owned(), var.clone())]), |_, _| Some(g.clone())).unwrap();
                }
            }
            let far = (vars[0].as_tensor() - vars[1].as_tensor()).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            prop_assert!(far < 1e-5, "{far}");
        }
    }
}
