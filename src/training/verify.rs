//! A training step beside PyTorch's: a file with weights, one batch, and what came of three steps.

use super::Adam;
use crate::model::verify::Line;
use crate::network::course::{CourseConfig, CourseUnet, Given, Modulation};
use ::safetensors::SafeTensors;
use anyhow::{Context, Result, ensure};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var, safetensors::load_buffer};
use candle_nn::VarBuilder;
use std::collections::{BTreeMap, HashMap};
use std::{fs, path::Path};

/// One evaluation in float32.
const STEP: f64 = 1e-4;
/// Three steps of the optimizer from the same gradients.
const OPTIMIZER: f64 = 1e-5;

/// Compares a network of part B, its gradients and Adam with a recorded training step; one line a tensor.
///
/// # Errors
/// When the file holds no such step, or cannot be read.
pub fn verify(path: &Path) -> Result<Vec<Line>> {
    let case = Case::read(path)?;
    let mut lines = case.forward_and_back()?;
    lines.extend(case.optimizer()?);
    let (network, _) = case.network("final.")?;
    let out = network.forward(&case.last("x")?, &case.given()?, false)?;
    lines.push(Line::compare("eval.out", (&out, &case.last("eval.out")?), STEP)?);
    Ok(lines)
}

/// A recorded training step.
struct Case {
    tensors: HashMap<String, Tensor>,
    rate: f64,
    config: CourseConfig,
}

impl Case {
    fn read(path: &Path) -> Result<Case> {
        let broken = || format!("{} holds no recorded training step", path.display());
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).with_context(broken)?;
        let rate = header.metadata().as_ref().and_then(|notes| notes.get("lr")?.parse().ok());
        let tensors = load_buffer(&bytes, &Device::Cpu).with_context(broken)?;
        let dim = |name: &str| tensors.get(name).and_then(|tensor| tensor.dims().get(1).copied());
        let classes = dim("init.class1.fc1.weight").unwrap_or(0);
        let d = dim("init.out_conv.weight").with_context(broken)?;
        // The editions' networks have the same parameters; how the time comes in stands in the file's name alone.
        let flow = path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("flow"));
        let modulation = if flow { Modulation::Multiply } else { Modulation::Add };
        let time = tensors.contains_key("init.time1.fc1.weight").then_some(modulation);
        Ok(Case { rate: rate.with_context(broken)?, config: CourseConfig { d, time, classes }, tensors })
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).with_context(|| format!("the recorded step has no '{name}'"))
    }

    /// Pictures, channels last.
    fn last(&self, name: &str) -> Result<Tensor> {
        Ok(self.get(name)?.permute((0, 2, 3, 1))?.contiguous()?)
    }

    fn given(&self) -> Result<Given> {
        let time = self.config.time.map(|_| self.get("t").cloned()).transpose()?;
        if self.config.classes == 0 {
            return Ok(Given { time, class: None });
        }
        let ids = self.get("c")?.to_dtype(DType::F32)?.unsqueeze(1)?;
        let all = Tensor::arange(0f32, self.config.classes as f32, &Device::Cpu)?.unsqueeze(0)?;
        let hot = ids.broadcast_eq(&all)?.to_dtype(DType::F32)?;
        Ok(Given { time, class: Some(hot.broadcast_mul(&self.get("keep")?.unsqueeze(1)?)?) })
    }

    /// The network with the weights of this prefix, and those of them that are trained.
    fn network(&self, prefix: &str) -> Result<(CourseUnet, BTreeMap<String, Var>)> {
        let named = self.tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor)));
        let vars: HashMap<String, Var> = named.map(|(name, tensor)| Ok((name, Var::from_tensor(tensor)?))).collect::<Result<_>>()?;
        let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        let network = CourseUnet::new(self.config, VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))?;
        let trained = |name: &String| self.tensors.contains_key(&format!("grad0.{name}"));
        Ok((network, vars.into_iter().filter(|(name, _)| trained(name)).collect()))
    }

    /// A forward and a backward pass in training mode.
    fn forward_and_back(&self) -> Result<Vec<Line>> {
        let (network, parameters) = self.network("init.")?;
        let out = network.forward(&self.last("x")?, &self.given()?, true)?;
        let loss = (&out - self.last("target")?)?.sqr()?.mean_all()?;
        let mut lines = vec![
            Line::compare("train.out", (&out, &self.last("train.out")?), STEP)?,
            Line::compare("train.loss", (&loss.reshape(1)?, self.get("train.loss")?), STEP)?,
        ];
        for (layer, running) in network.running() {
            for (kind, ours) in [("mean", running.mean), ("var", running.variance)] {
                let name = format!("stats.{layer}.running_{kind}");
                lines.push(Line::compare(&name, (&Tensor::new(ours, &Device::Cpu)?, self.get(&name)?), STEP)?);
            }
        }
        let gradients = loss.backward()?;
        for (name, parameter) in &parameters {
            lines.push(self.gradient(name, parameter, &gradients)?);
        }
        ensure!(!parameters.is_empty(), "the recorded step has no gradients");
        Ok(lines)
    }

    fn gradient(&self, name: &str, parameter: &Var, gradients: &GradStore) -> Result<Line> {
        let full = format!("grad0.{name}");
        let theirs = self.get(&full)?;
        if let Some(ours) = gradients.get(parameter) {
            return Line::compare(&full, (ours, theirs), STEP);
        }
        // Ahead of a normalisation a bias decides nothing: ours has no gradient, and theirs is rounding noise, small beside
        // that of the convolution's weight.
        let largest = |x: &Tensor| -> Result<f64> { Ok(f64::from(x.abs()?.max_all()?.to_scalar::<f32>()?)) };
        let weight = self.get(&format!("grad0.{}", name.replace(".bias", ".weight")))?;
        Ok(Line { name: full, error: largest(theirs)? / largest(weight)?, tolerance: STEP })
    }

    /// Three steps of Adam, fed with the recorded gradients.
    fn optimizer(&self) -> Result<Vec<Line>> {
        let (_, parameters) = self.network("init.")?;
        let mut adam = Adam::new(self.rate);
        for step in 0..3 {
            adam.step(&parameters, |name, _| self.tensors.get(&format!("grad{step}.{name}")).cloned())?;
        }
        let line = |(name, ours): (&String, &Var)| {
            let full = format!("final.{name}");
            Line::compare(&full, (ours.as_tensor(), self.get(&full)?), OPTIMIZER)
        };
        parameters.iter().map(line).collect()
    }
}
