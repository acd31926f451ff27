//! `noise-levels`: an image under more and more noise (part B 1.2 of the course).

use super::{Experiment, Given, MNIST, RecipeError, number};
use serde::Serialize;

/// Show images of a data set under more and more noise.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct NoiseLevels {
    /// How much noise there is in each picture; images range from 0 to 1.
    #[arg(long, default_value = "0,0.2,0.4,0.5,0.6,0.8,1", value_name = "0..10 list", value_parser = number::reals(0.0, 10.0))]
    pub sigmas: number::Reals,

    /// Which images, counted from 1 in the part of the data that is for tests: a row each.
    #[arg(long, default_value = "1", value_name = "1..10000000 list", value_parser = number::list(1, 10_000_000))]
    pub image: number::List,

    /// What the image is from: mnist is built in; a folder of IDX files, or one of images with a subfolder for each class.
    #[arg(long, default_value = MNIST, value_name = "DIR")]
    pub data: String,

    /// Picks the noise; the same seed and recipe give the same pictures.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,
}

impl Experiment for NoiseLevels {
    fn inputs(&mut self) -> Given<'_> {
        Given::default()
    }

    fn data_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.data)
    }

    fn pictures(&self) -> Vec<String> {
        let row = || self.sigmas.0.iter().map(|sigma| format!("sigma {sigma}"));
        self.image.0.iter().flat_map(|_| row()).collect()
    }

    fn columns(&self) -> usize {
        self.sigmas.0.len()
    }

    fn check(&self) -> Result<(), RecipeError> {
        match self.data.trim() {
            "" => Err(RecipeError::at("data", "data is empty; name a folder, or mnist")),
            _ => Ok(()),
        }
    }
}
