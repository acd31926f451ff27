//! `blur`: the classical way to take noise away.

use super::{Experiment, Given, Photo, RecipeError, number};
use serde::Serialize;

/// Add noise to a picture and blur it: the classical baseline.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Blur {
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// The timesteps: at 0 the picture is clean, at 999 there is nothing but noise.
    #[arg(long, default_value = "250,500,750", value_name = "0..999 list", value_parser = number::list(0, 999))]
    pub t: number::List,

    /// The width of the Gaussian's window.
    #[arg(long, default_value = "5", value_name = "1..99 pixels, odd", value_parser = number::odd(1, 99))]
    pub kernel: usize,

    /// The Gaussian's standard deviation.
    #[arg(long, default_value = "2", value_name = "0.01..50 pixels", value_parser = number::real(0.01, 50.0))]
    pub sigma: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// The model whose noise schedule and size count: tiny-if is built in; a folder in the diffusers layout is another.
    #[arg(long, default_value = "tiny-if", value_name = "DIR")]
    pub model: String,
}

impl Experiment for Blur {
    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given { pictures: vec![&mut self.photo.image], ..Given::default() }
    }

    /// A row of noisy pictures over a row of what the blur makes of them.
    fn pictures(&self) -> Vec<String> {
        let row = |word: &str| self.t.0.iter().map(move |t| format!("{word}t {t}")).collect::<Vec<_>>();
        [row(""), row("blurred, ")].concat()
    }

    fn columns(&self) -> usize {
        self.t.0.len()
    }

    fn check(&self) -> Result<(), RecipeError> {
        Ok(())
    }
}
