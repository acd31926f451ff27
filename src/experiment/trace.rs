//! What was inside a step, kept in a file, for those who look at it later.
//!
//! A file holds what [`Step::checkpoint`] gives, so that another run can go on from it, and the step's layers in half
//! precision beside it.

use super::{Step, pixels};
use crate::diffusion::ddpm::deviation;
use crate::recipe::{Layer, LayerNumbers};
use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor, safetensors::load_buffer};
use image::RgbImage;
use safetensors::SafeTensors;
use std::{collections::HashMap, fs, path::Path};

/// The numbers behind a kept step.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The timestep.
    pub t: u32,
    /// What x̂₀ was cut at, a picture each; empty where nothing was.
    pub thresholds: Vec<f64>,
    /// Each layer that the step has, in the order of [`Layer::ALL`].
    pub layers: Vec<LayerNumbers>,
}

impl Step<'_> {
    /// The step's layers as the bytes of a file.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn trace(&self) -> Result<Vec<u8>> {
        let mut layers = vec![(Layer::Clean, self.x0.clone())];
        let mut thresholds = Vec::new();
        if let Some(inside) = &self.inside {
            let (step, process) = (inside.step, inside.process);
            thresholds = process.thresholds(step.before, step.jump.from, &step.prediction.noise)?;
            layers.extend([(Layer::Noisy, step.before.clone()), (Layer::Noise, step.prediction.noise.clone())]);
            if let Some((unconditional, conditional)) = step.prediction.halves.clone() {
                layers.extend([(Layer::Unconditional, unconditional), (Layer::Conditional, conditional)]);
            }
            if let Some(sigma) = deviation(process, step.jump, step.prediction)? {
                layers.push((Layer::Variance, sigma.broadcast_as(step.before.shape())?.contiguous()?));
            }
        }
        let half = |(layer, tensor): (Layer, Tensor)| Ok((key(layer), tensor.to_dtype(DType::F16)?));
        let layers: Vec<(&str, Tensor)> = layers.into_iter().map(half).collect::<Result<_>>()?;
        let tensors = [("x", self.x)].into_iter().chain(self.finished.map(|finished| ("finished", finished)));
        let tensors = tensors.chain(layers.iter().map(|(key, tensor)| (*key, tensor)));
        let words: Vec<_> = thresholds.iter().map(f64::to_string).collect();
        let notes = [("t", self.t.to_string()), ("thresholds", words.join(" "))].map(|(key, value)| (key.to_owned(), value));
        Ok(safetensors::serialize(tensors, Some(notes.into_iter().chain(self.place()).collect()))?)
    }
}

/// A layer of a kept step as a picture; several side by side.
///
/// # Errors
/// When the file cannot be read, or the step has no such layer.
pub fn picture(path: &Path, layer: Layer) -> Result<RgbImage> {
    let (mut tensors, _) = read(path)?;
    let tensor = tensors.remove(key(layer)).with_context(|| format!("this step has no {}", layer.title()))?.to_dtype(DType::F32)?;
    pixels::sheet(&match layer {
        Layer::Clean | Layer::Noisy => tensor,
        // Three standard deviations of noise fill the range of colours.
        Layer::Noise | Layer::Unconditional | Layer::Conditional => (tensor / 3.0)?,
        Layer::Variance => stretch(&tensor)?,
    })
}

/// The numbers behind a kept step.
///
/// # Errors
/// When the file cannot be read.
pub fn numbers(path: &Path) -> Result<Trace> {
    let (tensors, notes) = read(path)?;
    let layers = Layer::ALL.iter().filter_map(|layer| Some((*layer, tensors.get(key(*layer))?)));
    Ok(Trace {
        t: notes.get("t").and_then(|t| t.parse().ok()).unwrap_or(0),
        thresholds: notes.get("thresholds").into_iter().flat_map(|words| words.split(' ')).filter_map(|word| word.parse().ok()).collect(),
        layers: layers.map(|(layer, tensor)| measure(layer, tensor)).collect::<Result<_>>()?,
    })
}

/// From the smallest value, black, to the largest, white: a deviation is small everywhere, and its differences tell.
fn stretch(x: &Tensor) -> Result<Tensor> {
    let flat = x.flatten_all()?;
    let (low, high) = (flat.min(0)?.to_scalar::<f32>()?, flat.max(0)?.to_scalar::<f32>()?);
    let range = f64::from(high - low).max(1e-12);
    Ok(x.affine(2.0 / range, -1.0 - 2.0 * f64::from(low) / range)?)
}

fn measure(layer: Layer, tensor: &Tensor) -> Result<LayerNumbers> {
    let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
    let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / n;
    let fold = |pick: fn(f32, f32) -> f32| f64::from(values.iter().copied().reduce(pick).unwrap_or(0.0));
    Ok(LayerNumbers { layer, min: fold(f32::min), max: fold(f32::max), mean, std: variance.sqrt() })
}

type Notes = HashMap<String, String>;

fn read(path: &Path) -> Result<(HashMap<String, Tensor>, Notes)> {
    let broken = || format!("{} is no kept step", path.display());
    let bytes = fs::read(path).with_context(broken)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).with_context(broken)?;
    let notes = header.metadata().clone().unwrap_or_default();
    Ok((load_buffer(&bytes, &Device::Cpu).with_context(broken)?, notes))
}

fn key(layer: Layer) -> &'static str {
    match layer {
        Layer::Clean => "clean",
        Layer::Noisy => "noisy",
        Layer::Noise => "noise",
        Layer::Unconditional => "unconditional",
        Layer::Conditional => "conditional",
        Layer::Variance => "variance",
    }
}
