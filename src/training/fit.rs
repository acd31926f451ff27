//! The loop: batches in an order of their own each epoch, a step of the optimizer each.

use super::{Adam, Data, Decay, Example, Objective, Parameters, SIDE, Watch, data::one_hot};
use crate::diffusion::{Noise, Use};
use crate::network::course::{CourseConfig, CourseUnet, Given};
use anyhow::{Context, Result, ensure};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that decides a training beside its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The network.
    pub network: CourseConfig,
    /// What it learns.
    pub objective: Objective,
    /// How often every image is seen.
    pub epochs: usize,
    /// Images in a step; the last step of an epoch takes what is left.
    pub batch: usize,
    /// Adam's learning rate at the start.
    pub rate: f64,
    /// What becomes of it.
    pub decay: Decay,
    /// How often a class is kept from the network.
    pub p_uncond: f64,
    /// Picks weights, order and noise.
    pub seed: u64,
}

/// A training on its way. All that it draws is addressed by its step: what it needs to go on are its numbers alone.
pub struct Fit {
    /// What decides it.
    pub settings: Settings,
    /// What it learns from.
    pub data: Arc<Data>,
    /// The network.
    pub network: CourseUnet,
    pub(super) parameters: Parameters,
    pub(super) adam: Adam,
    /// Steps made.
    pub(super) step: usize,
    pub(super) watch: Watch,
    /// The order of the images in an epoch, and which epoch, from 0.
    order: (usize, Vec<usize>),
}

/// What came of a step.
pub struct Taught {
    /// The mean squared error.
    pub loss: f64,
    /// The learning rate.
    pub rate: f64,
    /// What the network was shown.
    pub example: Example,
    /// The images behind it, (b, 28, 28, 1).
    pub images: Tensor,
    /// What it said, (b, 28, 28, 1).
    pub answer: Tensor,
}

impl Fit {
    /// A training from its beginning.
    ///
    /// # Errors
    /// When the network cannot be built.
    pub fn new(settings: Settings, data: Arc<Data>) -> Result<Fit> {
        let parameters = Parameters::new(settings.seed);
        let adam = Adam::new(settings.rate);
        Fit::with(settings, data, parameters, adam)
    }

    pub(super) fn with(settings: Settings, data: Arc<Data>, parameters: Parameters, adam: Adam) -> Result<Fit> {
        ensure!(
            settings.network.classes == 0 || settings.network.classes == data.classes.len(),
            "the network has other classes than the data"
        );
        let network = CourseUnet::new(settings.network, parameters.builder())?;
        Ok(Fit { settings, data, network, parameters, adam, step: 0, watch: Watch::default(), order: (usize::MAX, Vec::new()) })
    }

    /// Steps made so far.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        self.data.train.len().div_ceil(self.settings.batch.max(1)).max(1)
    }

    /// Epochs that are whole.
    pub fn epochs(&self) -> usize {
        self.step / self.steps()
    }

    /// One step of the optimizer.
    ///
    /// # Errors
    /// When the loss is not finite any more, or has grown far beyond what it was: the weights then stay as they were
    /// before the step.
    pub fn teach(&mut self) -> Result<Taught> {
        let (noise, at) = (Noise { seed: self.settings.seed }, u32::try_from(self.step).context("the training has too many steps")?);
        let numbers = self.batch();
        let images = self.data.train.pick(&numbers)?;
        let example = self.settings.objective.example(&images, noise, at)?;
        let given = Given { time: example.time.clone(), class: self.class(&numbers, noise, at)? };
        let answer = self.network.forward(&example.x, &given, true)?;
        let error = (&answer - &example.target)?.sqr()?.mean_all()?;
        let loss = f64::from(error.to_scalar::<f32>()?);
        self.watch.see(loss, self.step)?;
        let gradients = error.backward()?;
        self.adam.rate = self.settings.rate * self.settings.decay.share(self.step, self.steps(), self.settings.epochs);
        self.adam.step(&self.parameters.trained(), |_, parameter| gradients.get(parameter).cloned())?;
        self.step += 1;
        Ok(Taught { loss, rate: self.adam.rate, example, images, answer: answer.detach() })
    }

    /// The numbers of the images of this step.
    fn batch(&mut self) -> Vec<usize> {
        let (epoch, within) = (self.step / self.steps(), self.step % self.steps());
        if self.order.0 != epoch {
            self.order = (epoch, Noise { seed: self.settings.seed }.order(Use::Order, epoch as u32, self.data.train.len()));
        }
        let begin = within * self.settings.batch;
        self.order.1.iter().skip(begin).take(self.settings.batch).copied().collect()
    }

    /// The classes of images, some of them kept from the network.
    fn class(&self, numbers: &[usize], noise: Noise, step: u32) -> Result<Option<Tensor>> {
        let classes = self.settings.network.classes;
        if classes == 0 {
            return Ok(None);
        }
        let kept =
            noise.uniform(Use::Drop, step, numbers.len()).into_iter().map(|far| if far < self.settings.p_uncond { 0f32 } else { 1.0 });
        let kept = Tensor::from_vec(kept.collect::<Vec<_>>(), (numbers.len(), 1), &candle_core::Device::Cpu)?;
        Ok(Some(one_hot(&self.data.train.classes(numbers), classes)?.broadcast_mul(&kept)?))
    }

    /// What the network makes of noisy images (b, 28, 28, 1) at once.
    ///
    /// # Errors
    /// When the device fails.
    pub fn denoise(&self, x: &Tensor) -> Result<Tensor> {
        ensure!(x.dims()[1..] == [SIDE, SIDE, 1], "images are {SIDE}x{SIDE}");
        Ok(self.network.forward(&x.detach(), &Given::default(), false)?.detach())
    }
}
