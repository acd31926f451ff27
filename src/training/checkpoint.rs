//! A training as a file: its weights under the names of PyTorch, the optimizer's moments, and how far it is. And a network
//! alone, for those who only sample from it.

use super::{Adam, Data, Fit, Objective, Parameters, Settings, Watch};
use crate::network::course::{CourseConfig, CourseUnet};
use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor, safetensors::load_buffer};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The one note in a file's head: a table of several would be in another order each time.
const NOTE: &str = "darkroom";

/// What a file of weights says of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// The network.
    pub network: CourseConfig,
    /// What it has learned.
    pub objective: Objective,
    /// What its classes are called; empty where it knows none.
    pub classes: Vec<String>,
    /// For how many epochs.
    pub epochs: f64,
}

/// What a checkpoint says beside that.
#[derive(Serialize, Deserialize)]
struct Going {
    #[serde(flatten)]
    trained: Trained,
    settings: Settings,
    /// The data's hash.
    data: String,
    step: usize,
    watch: Watch,
}

/// A whole checkpoint that does not fit the training: an earlier one would not either.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(&'static str);

impl Fit {
    /// The network alone, as the bytes of a safetensors file.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn weights(&self) -> Result<Vec<u8>> {
        file(&self.tensors()?, &self.trained())
    }

    /// Everything that a later process needs to go on after the last step, as the bytes of a safetensors file.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn checkpoint(&self) -> Result<Vec<u8>> {
        let mut tensors = self.tensors()?;
        for (name, (m, v)) in &self.adam.moments {
            tensors.extend([(format!("adam.m.{name}"), m.clone()), (format!("adam.v.{name}"), v.clone())]);
        }
        let (settings, data) = (self.settings.clone(), self.data.hash.clone());
        file(&tensors, &Going { trained: self.trained(), settings, data, step: self.step, watch: self.watch })
    }

    /// A training that goes on where a checkpoint was made.
    ///
    /// # Errors
    /// When these are not the bytes of a checkpoint, or it is one of another training or of other data.
    pub fn resume(settings: Settings, data: Arc<Data>, bytes: &[u8]) -> Result<Fit> {
        let (mut tensors, going) = read::<Going>(bytes)?;
        ensure!(going.data == data.hash, Mismatch("the data has changed since the training began; put the old data back, or begin anew"));
        ensure!(going.settings == settings, Mismatch("what is kept is of another training; begin anew"));
        let mut adam = Adam::new(settings.rate);
        adam.steps = going.step as u64;
        for (kind, second) in [("adam.m.", false), ("adam.v.", true)] {
            let names: Vec<String> = tensors.keys().filter(|name| name.starts_with(kind)).cloned().collect();
            for name in names {
                let Some(tensor) = tensors.remove(&name) else { continue };
                let moments = adam.moments.entry(name[kind.len()..].to_owned()).or_insert_with(|| (tensor.clone(), tensor.clone()));
                if second { moments.1 = tensor } else { moments.0 = tensor }
            }
        }
        let mut fit = Fit::with(settings, data, Parameters::from_tensors(tensors)?, adam)?;
        (fit.step, fit.watch) = (going.step, going.watch);
        Ok(fit)
    }

    /// What its weights are, at this step.
    pub fn trained(&self) -> Trained {
        let classes = if self.settings.network.classes > 0 { self.data.classes.clone() } else { Vec::new() };
        let epochs = self.step as f64 / self.steps() as f64;
        Trained { network: self.settings.network, objective: self.settings.objective.clone(), classes, epochs }
    }

    /// Every number of the network by its name.
    fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let trained = self.parameters.trained().into_iter().map(|(name, var)| (name, var.as_tensor().clone()));
        let mut tensors: BTreeMap<String, Tensor> = trained.collect();
        for (name, running) in self.network.running() {
            tensors.insert(format!("{name}.running_mean"), Tensor::new(running.mean, &Device::Cpu)?);
            tensors.insert(format!("{name}.running_var"), Tensor::new(running.variance, &Device::Cpu)?);
        }
        Ok(tensors)
    }
}

/// The network of a file of weights, or of a checkpoint.
///
/// # Errors
/// When these are the bytes of neither.
pub fn network(bytes: &[u8]) -> Result<(CourseUnet, Trained)> {
    let (tensors, trained) = read::<Trained>(bytes)?;
    let tensors = tensors.into_iter().filter(|(name, _)| !name.starts_with("adam."));
    let tensors = tensors.map(|(name, tensor)| Ok((name, tensor.to_dtype(candle_core::DType::F32)?))).collect::<Result<Vec<_>>>()?;
    let parameters = Parameters::from_tensors(tensors)?;
    Ok((CourseUnet::new(trained.network, parameters.builder())?, trained))
}

fn file(tensors: &BTreeMap<String, Tensor>, note: &impl Serialize) -> Result<Vec<u8>> {
    let note = HashMap::from([(NOTE.to_owned(), serde_json::to_string(note)?)]);
    Ok(safetensors::serialize(tensors, Some(note))?)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(HashMap<String, Tensor>, T)> {
    let broken = "it holds no network of darkroom, or is cut short";
    let (_, header) = SafeTensors::read_metadata(bytes).context(broken)?;
    let note = header.metadata().as_ref().and_then(|notes| notes.get(NOTE)).context(broken)?;
    let note = serde_json::from_str(note).context(broken)?;
    Ok((load_buffer(bytes, &Device::Cpu).context(broken)?, note))
}
