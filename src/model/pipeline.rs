//! A whole loaded model: from prompts to predictions.

use super::design::CHANNELS;
use super::{Design, Folder, Place, Site, networks::load_unet};
use crate::diffusion::{Prediction, guide};
use crate::network::{Conditioning, Prompts, Unet};
use anyhow::{Context, Result, ensure};
use candle_core::Tensor;
use std::collections::HashMap;

/// The states of prompts, (1, n, d) each.
pub type States = HashMap<String, Tensor>;

/// What a network makes of prompts, once for all steps.
#[derive(Clone, Debug)]
pub struct Text(Prompts);

impl Text {
    /// One of the prompts.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn one(&self, prompt: usize) -> candle_core::Result<Text> {
        Ok(Text(self.0.one(prompt)?))
    }
}

/// A text-to-image model, ready to predict: pictures go in and come out in main memory as f32, wherever it computes.
pub struct Pipeline {
    /// What its configs say.
    pub design: Design,
    /// SHA-256 of what decides its pictures.
    pub hash: String,
    /// Where it computes.
    pub place: Place,
    unet: Unet,
    states: States,
}

impl Pipeline {
    /// Loads the network of a design's folder, for pictures that `hash` speaks for.
    ///
    /// # Errors
    /// When it is missing or broken.
    pub fn load<'a>(folder: &Folder, design: Design, hash: String, site: impl Into<Site<'a>>) -> Result<Pipeline> {
        let site = site.into();
        let place = site.place.clone();
        Ok(Pipeline { unet: load_unet(folder, "unet", site)?, design, hash, place, states: States::new() })
    }

    /// Takes in the states of the prompts that it will be asked for, in place of those of before.
    ///
    /// # Errors
    /// When they are those of another kind of text encoder.
    pub fn hear(&mut self, states: States) -> Result<()> {
        let wanted = self.unet.config().encoder_hid_dim;
        for given in states.values().map(|states| states.dims().last().copied().unwrap_or(0)) {
            ensure!(
                wanted == given,
                "{}/unet: config.json asks for text states of encoder_hid_dim {wanted}, but what reads the prompts gives {given}; \
                 name one that fits",
                self.design.name
            );
        }
        self.states = states;
        Ok(())
    }

    /// Width and height of its pictures, in pixels.
    pub fn size(&self) -> usize {
        self.design.size()
    }

    /// What the network makes of some of the prompts that it has [heard](Pipeline::hear).
    ///
    /// # Errors
    /// When it has not heard one.
    pub fn encode(&self, prompts: &[&str]) -> Result<Text> {
        let heard =
            |prompt: &&str| self.states.get(*prompt).with_context(|| format!("the prompt '{}' was not read", prompt.escape_debug()));
        let states = prompts.iter().map(heard).collect::<Result<Vec<_>>>()?;
        Ok(Text(self.unet.read(&Tensor::cat(&states, 0)?)?))
    }

    /// The same, with the small picture's noise level for a model that enlarges.
    pub fn at_noise_level(&self, noise_level: usize) -> At<'_> {
        At { model: self, noise_level: Some(noise_level) }
    }

    /// The noise that the model sees in x (b, 3, h, w) at timestep t, under one prompt.
    pub fn predict(&self, x: &Tensor, t: usize, text: &Text) -> candle_core::Result<Prediction> {
        At { model: self, noise_level: None }.predict(x, t, text)
    }

    /// The guided prediction; `text` is the null prompt and the prompt. Without a pull only one half is computed.
    pub fn predict_guided(&self, x: &Tensor, t: usize, text: &Text, gamma: f64) -> candle_core::Result<Prediction> {
        At { model: self, noise_level: None }.predict_guided(x, t, text, gamma)
    }
}

/// A model at one noise level of the small picture, which a model that does not enlarge has none of.
#[derive(Clone, Copy)]
pub struct At<'a> {
    model: &'a Pipeline,
    noise_level: Option<usize>,
}

impl At<'_> {
    /// As [`Pipeline::predict`]; in a model that enlarges, x (b, 6, h, w) holds the enlarged picture behind the noisy one.
    pub fn predict(&self, x: &Tensor, t: usize, text: &Text) -> candle_core::Result<Prediction> {
        let (b, model) = (x.dim(0)?, self.model);
        let times = Tensor::full(t as f32, b, x.device())?;
        let noise_level = self.noise_level.map(|level| Tensor::full(level as f32, b, x.device())).transpose()?;
        let conditioning = Conditioning { t: &times, prompts: &text.0, noise_level: noise_level.as_ref() };
        let mut prediction = Prediction::split(&model.unet.forward(x, conditioning)?, CHANNELS)?;
        if !model.design.learned_variance {
            prediction.variance = None;
        }
        Ok(prediction)
    }

    /// As [`Pipeline::predict_guided`], of x as in [`predict`](At::predict).
    pub fn predict_guided(&self, x: &Tensor, t: usize, text: &Text, gamma: f64) -> candle_core::Result<Prediction> {
        if gamma == 0.0 || gamma == 1.0 {
            return self.predict(x, t, &text.one(gamma as usize)?);
        }
        let b = x.dim(0)?;
        let both = self.predict(&Tensor::cat(&[x, x], 0)?, t, text)?;
        let [unconditional, conditional] = [0, b].map(|from| -> candle_core::Result<Prediction> {
            let variance = both.variance.as_ref().map(|variance| variance.narrow(0, from, b)).transpose()?;
            Ok(Prediction { noise: both.noise.narrow(0, from, b)?, variance, halves: None })
        });
        guide(&unconditional?, &conditional?, gamma)
    }
}
