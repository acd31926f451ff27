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
        let mut layers = vec![(self.shown, self.seen(self.x0)?)];
        let mut thresholds = Vec::new();
        if let Some(inside) = &self.inside {
            let (step, process) = (inside.step, inside.process);
            if let Some(process) = process {
                thresholds = process.thresholds(step.before, step.jump.from, &step.prediction.noise)?;
            }
            layers.extend([(Layer::Noisy, self.seen(step.before)?), (Layer::Noise, step.prediction.noise.clone())]);
            if let Some((unconditional, conditional)) = step.prediction.halves.clone() {
                layers.extend([(Layer::Unconditional, unconditional), (Layer::Conditional, conditional)]);
            }
            let sigma = process.map(|process| deviation(process, step.jump, step.prediction)).transpose()?.flatten();
            if let Some(sigma) = sigma {
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

/// A layer of a kept step as a picture; several side by side. Where no model was asked for a clean picture, what there is.
///
/// # Errors
/// When the file cannot be read, or the step has no such layer.
pub fn picture(path: &Path, layer: Layer) -> Result<RgbImage> {
    find(path, layer)?.with_context(|| format!("this step has no {}", layer.title()))
}

/// [`picture`], or none where the step has no such layer: the last of the strided timesteps calls no model.
///
/// # Errors
/// When the file cannot be read.
pub fn find(path: &Path, layer: Layer) -> Result<Option<RgbImage>> {
    let (mut tensors, _) = read(path)?;
    let main = if layer == Layer::Clean { [Layer::Clean, Layer::Picture].as_slice() } else { &[layer] };
    let Some(tensor) = main.iter().find_map(|layer| tensors.remove(key(*layer))) else { return Ok(None) };
    let tensor = tensor.to_dtype(DType::F32)?;
    let picture = match layer {
        Layer::Clean | Layer::Noisy | Layer::Picture => tensor,
        // Three standard deviations of noise fill the range of colours.
        Layer::Noise | Layer::Unconditional | Layer::Conditional => (tensor / 3.0)?,
        Layer::Variance => stretch(&tensor)?,
    };
    pixels::sheet(&picture).map(Some)
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
        Layer::Picture => "picture",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::diffusion::{self, Clip, Jump, Prediction, Process, Schedule};
    use crate::experiment::step::{Inside, read_checkpoint};

    fn filled(value: f32) -> Tensor {
        Tensor::full(value, (1, 3, 2, 2), &Device::Cpu).unwrap()
    }

    fn keep(step: &Step) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), step.trace().unwrap()).unwrap();
        file
    }

    #[test]
    fn a_kept_step_tells_its_layers_and_lets_a_run_go_on() {
        let process = Process { schedule: Schedule::linear(1000, 1e-4, 0.02), clip: Clip::None };
        let (x0, x, before) = (filled(0.5), filled(0.25), filled(-1.0));
        let halves = Some((filled(1.0), filled(2.0)));
        let prediction = Prediction { noise: filled(3.0), variance: None, halves };
        let jump = Jump { from: 660, to: Some(630), back: None };
        let inner = diffusion::Step { index: 11, jump, before: &before, prediction: &prediction, x0: &x0, x: &x };
        let inside = Some(Inside { step: &inner, process: Some(&process) });
        let step = Step { index: 11, of: 34, t: 660, x0: &x0, shown: Layer::Clean, unit: false, x: &x, inside, finished: None };
        let file = keep(&step);

        let trace = numbers(file.path()).unwrap();
        let means: Vec<_> = trace.layers.iter().map(|layer| (layer.layer, layer.mean, layer.std)).collect();
        let told = [(Layer::Clean, 0.5), (Layer::Noisy, -1.0), (Layer::Noise, 3.0), (Layer::Unconditional, 1.0), (Layer::Conditional, 2.0)];
        assert_eq!((trace.t, &means[..5]), (660, &told.map(|(layer, mean)| (layer, mean, 0.0))[..]));
        let grey = |layer| picture(file.path(), layer).unwrap().get_pixel(1, 1)[0];
        assert_eq!([Layer::Noisy, Layer::Noise, Layer::Unconditional].map(grey), [0, 255, 170], "three deviations of noise are white");
        assert!(picture(file.path(), Layer::Picture).unwrap_err().to_string().contains("no pictures"));
        let kept = read_checkpoint(file.path()).unwrap();
        assert_eq!(
            (kept.next, kept.at, (&kept.x - &x).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap()),
            (12, Some(630), 0.0)
        );
    }

    #[test]
    fn where_no_model_is_called_the_pictures_are_all_there_is() {
        let x = filled(1.0);
        let step = Step { index: 0, of: 3, t: 250, x0: &x, shown: Layer::Picture, unit: false, x: &x, inside: None, finished: None };
        let file = keep(&step);
        let trace = numbers(file.path()).unwrap();
        assert_eq!((trace.t, trace.layers.len(), trace.layers[0].layer, trace.thresholds.len()), (250, 1, Layer::Picture, 0));
        assert_eq!(picture(file.path(), Layer::Clean).unwrap().get_pixel(0, 0).0, [255; 3], "a film needs not know");
        for broken in [&b"{}"[..], &[0xff; 64], &fs::read(file.path()).unwrap()[..80]] {
            fs::write(file.path(), broken).unwrap();
            assert!(numbers(file.path()).unwrap_err().to_string().contains("is no kept step"));
        }
    }
}
