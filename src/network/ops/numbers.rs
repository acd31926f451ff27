//! What a layer of a pass wrote.

use super::buffers::give;
use super::frame::Source;
use super::norm::Line;
use super::plan::Plan;
use candle_core::{Result, Tensor, bail};
use std::sync::Arc;

/// What a layer wrote, (b, h, w, channels).
#[derive(Clone)]
pub enum Value {
    /// In buffers of the operators here.
    Ours(Arc<Numbers>),
    /// As a tensor of another device or type, whose operators are candle's.
    Candle(Tensor),
}

/// The numbers of a layer, and the normalisation with which they are read.
pub struct Numbers {
    pub(super) values: Vec<f32>,
    /// Height, width and channels.
    pub(super) size: (usize, usize, usize),
    pub(super) line: Option<Line>,
    /// Its place in the pass; the pictures themselves have 0.
    pub(super) at: usize,
}

impl Drop for Numbers {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.values));
    }
}

impl Numbers {
    pub(super) fn source(&self) -> Source<'_> {
        Source { values: &self.values, channels: self.size.2, line: self.line.as_ref() }
    }

    /// Floats of a picture.
    pub(super) fn each(&self) -> usize {
        self.size.0 * self.size.1 * self.size.2
    }

    /// One picture as it is read.
    pub(super) fn lay_out(&self, image: usize, out: &mut [f32]) {
        Plan::dense(self.size).lay_out((self.size.0, self.size.1), &[self.source()], image, out);
    }
}

impl Value {
    /// All of them, where they are in buffers of the operators here.
    pub(super) fn all_ours(values: &[&Value]) -> Option<Vec<Arc<Numbers>>> {
        let ours = values.iter().map(|value| if let Value::Ours(numbers) = value { Some(numbers.clone()) } else { None });
        ours.collect()
    }

    /// All of them as tensors.
    pub(super) fn all_candle<'a>(values: &[&'a Value]) -> Result<Vec<&'a Tensor>> {
        let tensors = values.iter().map(|value| match value {
            Value::Candle(tensor) => Ok(tensor),
            Value::Ours(_) => bail!("values of two passes"),
        });
        tensors.collect()
    }
}
