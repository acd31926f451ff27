//! A training as a file: its weights under the names of PyTorch, the optimizer's moments, and how far it is. And a network
//! alone, for those who only sample from it.

use super::{Adam, Data, Fit, Objective, Parameters, Settings, Watch};
use crate::network::course::{CourseConfig, CourseUnet};
use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor, safetensors::load_buffer};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The one note in a file's head: a table of several would be in another order each time.
const NOTE: &str = "darkroom";
/// The widest network, the most classes and the most timesteps that a recipe asks for.
const WIDEST: usize = 512;
const MOST_CLASSES: usize = 256;
const MOST_STEPS: usize = 1000;

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
    /// When these are not the bytes of a whole checkpoint, or it is one of another training or of other data.
    pub fn resume(settings: Settings, data: Arc<Data>, bytes: &[u8]) -> Result<Fit> {
        let (mut tensors, going) = read::<Going>(bytes)?;
        ensure!(going.data == data.hash, Mismatch("the data has changed since the training began; put the old data back, or begin anew"));
        ensure!(going.settings == settings, Mismatch("what is kept is of another training; begin anew"));
        for (name, tensor) in &tensors {
            ensure!(is_finite(tensor)?, "not all numbers of {name} are finite");
        }
        let adam = Adam { steps: going.step as u64, moments: moments(&mut tensors)?, ..Adam::new(settings.rate) };
        let mut fit = Fit::with(settings, data, Parameters::from_tensors(tensors)?, adam)?;
        ensure!(fit.has_its_moments(), "its optimizer does not fit its network");
        ensure!(going.step <= fit.steps().saturating_mul(fit.settings.epochs), "it says that more steps were made than there are");
        (fit.step, fit.watch) = (going.step, going.watch);
        Ok(fit)
    }

    /// Whether the optimizer has moments of every number that it changes, and of no other. A bias ahead of a normalisation
    /// decides nothing, has no gradient, and so none either.
    fn has_its_moments(&self) -> bool {
        let (moments, trained) = (&self.adam.moments, self.parameters.trained());
        let fit = trained.iter().all(|(name, var)| match moments.get(name) {
            Some((m, v)) => [m, v].iter().all(|moment| moment.shape() == var.shape()),
            None => name.ends_with(".conv.bias"),
        });
        fit && moments.keys().all(|name| trained.contains_key(name))
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

impl Trained {
    /// Whether a recipe could ask for it: nothing of the size that a file claims is made before that is known.
    fn is_sensible(&self) -> bool {
        let CourseConfig { d, classes, .. } = self.network;
        let objective = match self.objective {
            Objective::Ddpm { timesteps, beta_start, beta_end } => {
                (1..=MOST_STEPS).contains(&timesteps) && 0.0 < beta_start && beta_start <= beta_end && beta_end < 1.0
            }
            Objective::Flow { timesteps } => (1..=MOST_STEPS).contains(&timesteps),
            Objective::Denoise { .. } | Objective::PureNoise => true,
        };
        (1..=WIDEST).contains(&d) && classes <= MOST_CLASSES && classes == self.classes.len() && objective
    }
}

/// The optimizer's moments, taken out from among the tensors of a checkpoint; what stays are those of the network.
fn moments(tensors: &mut HashMap<String, Tensor>) -> Result<BTreeMap<String, (Tensor, Tensor)>> {
    let names: Vec<String> = tensors.keys().filter_map(|name| name.strip_prefix("adam.m.")).map(str::to_owned).collect();
    let mut take = |kind: &str, name: &str| tensors.remove(&format!("adam.{kind}.{name}"));
    let both = |name: String| {
        let moments = take("m", &name).zip(take("v", &name)).with_context(|| format!("a moment of {name} is missing"))?;
        Ok((name, moments))
    };
    names.into_iter().map(both).collect()
}

fn is_finite(tensor: &Tensor) -> Result<bool> {
    ensure!(tensor.dtype() == DType::F32, "its numbers are of another type");
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite()))
}

/// The network of a file of weights, or of a checkpoint.
///
/// # Errors
/// When these are the bytes of neither.
pub fn network(bytes: &[u8]) -> Result<(CourseUnet, Trained)> {
    let (tensors, trained) = read::<Trained>(bytes)?;
    ensure!(trained.is_sensible(), "what it says of its network is beyond reason");
    let tensors = tensors.into_iter().filter(|(name, _)| !name.starts_with("adam."));
    let tensors = tensors.map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?))).collect::<Result<Vec<_>>>()?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::network::course::Modulation;
    use crate::training::Decay;

    /// A training of classes after one step.
    fn fit() -> Fit {
        let data = Arc::new(Data::load("mnist").unwrap().first(4));
        let settings = Settings {
            network: CourseConfig { d: 1, time: Some(Modulation::Add), classes: 10 },
            objective: Objective::Ddpm { timesteps: 3, beta_start: 1e-4, beta_end: 0.02 },
            epochs: 2,
            batch: 2,
            rate: 1e-3,
            decay: Decay::Constant,
            p_uncond: 0.1,
            seed: 0,
        };
        let mut fit = Fit::new(settings, data).unwrap();
        fit.teach().unwrap();
        fit
    }

    /// The file with other tensors and another note.
    fn changed(bytes: &[u8], tensors: impl FnOnce(&mut BTreeMap<String, Tensor>), note: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let (all, mut said) = read::<serde_json::Value>(bytes).unwrap();
        let mut all = all.into_iter().collect();
        tensors(&mut all);
        note(&mut said);
        file(&all, &said).unwrap()
    }

    #[test]
    fn a_checkpoint_goes_on_and_one_that_lacks_something_or_has_no_numbers_is_refused() {
        let mut straight = fit();
        let bytes = straight.checkpoint().unwrap();
        let resume = |bytes: &[u8]| Fit::resume(straight.settings.clone(), straight.data.clone(), bytes);
        let mut broken = resume(&bytes).unwrap();
        let said =
            |tensors: &dyn Fn(&mut BTreeMap<String, Tensor>)| format!("{:#}", resume(&changed(&bytes, tensors, |_| {})).err().unwrap());
        for name in ["time1.fc1.weight", "in_block.conv1.norm.running_mean", "in_block.conv1.conv.bias"] {
            assert!(said(&|all| _ = all.remove(name)).contains(&format!("{name} is missing")), "{name}");
        }
        assert_eq!(said(&|all| _ = all.remove("adam.v.out_conv.bias")), "a moment of out_conv.bias is missing");
        assert_eq!(said(&|all| _ = all.remove("adam.m.out_conv.bias")), "its optimizer does not fit its network");
        let both =
            |all: &mut BTreeMap<String, Tensor>| all.retain(|name, _| !name.starts_with("adam.") || !name.ends_with("out_conv.bias"));
        assert_eq!(said(&both), "its optimizer does not fit its network");
        let zeros = |shape: usize| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert_eq!(said(&|all| _ = all.insert("adam.m.out_conv.bias".into(), zeros(2))), "its optimizer does not fit its network");
        assert_eq!(said(&|all| _ = all.insert("more".into(), zeros(1))), "its optimizer does not fit its network");
        let infinite = (zeros(1) + f64::INFINITY).unwrap();
        assert_eq!(said(&|all| _ = all.insert("out_conv.bias".into(), infinite.clone())), "not all numbers of out_conv.bias are finite");
        let later = changed(&bytes, |_| {}, |note| note["step"] = 5.into());
        assert_eq!(resume(&later).err().unwrap().to_string(), "it says that more steps were made than there are");
        straight.teach().unwrap();
        broken.teach().unwrap();
        assert!(straight.checkpoint().unwrap() == broken.checkpoint().unwrap());
    }

    #[test]
    fn a_note_that_is_beyond_reason_is_refused_before_anything_of_that_size_is_made() {
        let bytes = fit().weights().unwrap();
        assert_eq!(network(&bytes).unwrap().1, fit().trained());
        let said = |note: &dyn Fn(&mut serde_json::Value)| format!("{:#}", network(&changed(&bytes, |_| {}, note)).err().unwrap());
        let hostile: [&dyn Fn(&mut serde_json::Value); 6] = [
            &|note| note["network"]["d"] = u64::MAX.into(),
            &|note| note["network"]["d"] = 0.into(),
            &|note| note["network"]["classes"] = 1_000_000_000_000u64.into(),
            &|note| note["classes"] = vec!["a"].into(),
            &|note| note["objective"]["timesteps"] = 1_000_000_000_000u64.into(),
            &|note| note["objective"]["beta_end"] = 7.into(),
        ];
        for note in hostile {
            assert_eq!(said(note), "what it says of its network is beyond reason");
        }
        assert!(said(&|note| note["network"]["d"] = 2.into()).contains("has shape"));
    }
}
