//! A convolution with what stands behind it.

use super::conv::Slide;
use super::numbers::Numbers;
use super::plan::Plan;
use candle_core::{Result, Tensor, bail};
use std::sync::Arc;

/// What is added to a variance, as in PyTorch's `BatchNorm2d`.
pub(super) const EPS: f64 = 1e-5;

/// A convolution without its bias, and what stands behind it.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its window.
    pub slide: Slide,
    /// Whether it is a transposed one.
    pub transposed: bool,
    /// (out, in, kernel, kernel), or (in, out, kernel, kernel) where it is transposed.
    pub weight: Tensor,
    /// γ and β of the normalisation, (out) each. Without them there is neither normalisation nor GELU.
    pub affine: Option<(Tensor, Tensor)>,
}

impl Layer {
    /// How it is computed of sources whose channels stand behind one another.
    pub(super) fn plan(&self, sources: &[Arc<Numbers>]) -> Result<Plan> {
        let Some((h, w, _)) = sources.first().map(|source| source.size) else { bail!("at least one source") };
        if sources.iter().any(|source| (source.size.0, source.size.1) != (h, w)) {
            bail!("pictures of one size");
        }
        if sources.iter().enumerate().any(|(at, source)| sources[..at].iter().any(|before| Arc::ptr_eq(before, source))) {
            bail!("a layer reads a value once");
        }
        let channels = sources.iter().map(|source| source.size.2).sum();
        let plan = self.slide.plan(self.transposed, self.weight.shape(), (h, w, channels))?;
        let features = plan.to.2;
        if self.affine.iter().any(|(gamma, beta)| gamma.dims() != [features] || beta.dims() != [features]) {
            bail!("a normalisation does not fit {features} features");
        }
        Ok(plan)
    }
}
