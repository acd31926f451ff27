//! The numbers of a network that is trained, by name, and what they begin with.

use candle_core::{DType, Device, Error, Result, Shape, Tensor, Var};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The stream of the first weights, beside those of [`Noise`](crate::diffusion::Noise): no sample begins with the same numbers.
const WEIGHTS: u64 = u64::MAX;

/// Every number of a network. A network that is built asks for them one after the other; those of a new network are made
/// as they are asked for.
#[derive(Clone)]
pub struct Parameters(Arc<Mutex<State>>);

struct State {
    vars: BTreeMap<String, Var>,
    rng: ChaCha12Rng,
    /// How far from 0 a weight begins, for the bias beside it.
    bound: f64,
    /// Whether all are there, and none is made.
    complete: bool,
}

impl Parameters {
    /// None yet; what is asked for is drawn from the seed, as PyTorch begins: weights and biases of convolutions and linear
    /// layers uniform within 1/√(what flows into a feature), normalisations as they do nothing.
    pub fn new(seed: u64) -> Parameters {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(WEIGHTS);
        Parameters::of(State { vars: BTreeMap::new(), rng, bound: 0.0, complete: false })
    }

    fn of(state: State) -> Parameters {
        Parameters(Arc::new(Mutex::new(state)))
    }

    /// Those of a trained network, which asks for no others.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn from_tensors(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Result<Parameters> {
        let vars = tensors.into_iter().map(|(name, tensor)| Ok((name, Var::from_tensor(&tensor)?))).collect::<Result<_>>()?;
        Ok(Parameters::of(State { vars, rng: ChaCha12Rng::seed_from_u64(0), bound: 0.0, complete: true }))
    }

    /// Where a network gets them.
    pub fn builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), DType::F32, Device::Cpu)
    }

    /// Those that training changes: all but the running statistics.
    pub fn trained(&self) -> BTreeMap<String, Var> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let vars = state.vars.iter().filter(|(name, _)| !name.contains(".running_"));
        vars.map(|(name, var)| (name.clone(), var.clone())).collect()
    }
}

impl SimpleBackend for Parameters {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(var) = state.vars.get(name) {
            if *var.shape() != shape {
                return Err(Error::Msg(format!("{name} has shape {:?}, where {shape:?} is asked for", var.shape())));
            }
            return Ok(var.as_tensor().clone());
        }
        if state.complete {
            return Err(Error::Msg(format!("{name} is missing")));
        }
        let var = Var::from_tensor(&state.begin(&shape, name)?.to_dtype(dtype)?.to_device(device)?)?;
        state.vars.insert(name.to_owned(), var.clone());
        Ok(var.as_tensor().clone())
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.vars.get(name).map(|var| var.as_tensor().clone()).ok_or_else(|| Error::Msg(format!("there is no {name}")))
    }

    fn contains_tensor(&self, _: &str) -> bool {
        // What is not there is made, or missed by name.
        true
    }
}

impl State {
    /// What a number begins with.
    fn begin(&mut self, shape: &Shape, name: &str) -> Result<Tensor> {
        let (layer, kind) = name.rsplit_once('.').unwrap_or(("", name));
        let constant = |value: f32| Tensor::full(value, shape, &Device::Cpu);
        match kind {
            "weight" if layer.ends_with("norm") => return constant(1.0),
            "bias" if layer.ends_with("norm") => return constant(0.0),
            "running_mean" => return constant(0.0),
            "running_var" => return constant(1.0),
            // PyTorch counts the second dimension and the window, for transposed convolutions too.
            "weight" => self.bound = 1.0 / (shape.dims().iter().skip(1).product::<usize>().max(1) as f64).sqrt(),
            _ => {}
        }
        let bound = self.bound as f32;
        let values: Vec<f32> = (0..shape.elem_count()).map(|_| self.rng.random_range(-bound..=bound)).collect();
        Tensor::from_vec(values, shape, &Device::Cpu)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::network::course::{CourseConfig, CourseUnet, Modulation};

    #[test]
    fn a_network_makes_what_it_asks_for_and_another_gets_the_same() {
        let config = CourseConfig { d: 8, time: Some(Modulation::Add), classes: 10 };
        let all = |seed| {
            let parameters = Parameters::new(seed);
            CourseUnet::new(config, parameters.builder()).unwrap();
            let vars = parameters.trained();
            vars.into_iter().map(|(name, var)| (name, var.flatten_all().unwrap().to_vec1::<f32>().unwrap())).collect::<BTreeMap<_, _>>()
        };
        let one = all(7);
        assert_eq!(one, all(7));
        assert_ne!(one, all(8));
        assert!(one["in_block.conv1.norm.weight"].iter().all(|value| *value == 1.0));
        // 16 features see 3 x 3 windows of 8 channels.
        let (weights, bound) = (&one["down2.resample.conv.weight"], 1.0 / 72f32.sqrt());
        let largest = weights.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        assert!(largest <= bound && largest > 0.95 * bound, "{largest} {bound}");
        assert!(!one.keys().any(|name| name.contains("running")));
    }

    #[test]
    fn nothing_is_made_up_for_a_network_that_is_loaded() {
        let config = CourseConfig { d: 2, time: None, classes: 0 };
        let made = Parameters::new(7);
        CourseUnet::new(config, made.builder()).unwrap();
        let all = made.0.lock().unwrap().vars.clone();
        let load = |left_out: &str| {
            let tensors = all.iter().filter(|(name, _)| *name != left_out).map(|(name, var)| (name.clone(), var.as_tensor().clone()));
            CourseUnet::new(config, Parameters::from_tensors(tensors).unwrap().builder()).map(|_| ())
        };
        load("").unwrap();
        for name in ["out_conv.bias", "down1.resample.conv.weight", "unflatten.norm.running_var"] {
            assert_eq!(load(name).unwrap_err().to_string(), format!("{name} is missing"));
        }
    }
}
