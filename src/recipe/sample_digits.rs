//! `sample-digits`: pictures from a network that was trained here.

use super::{Experiment, Given, Image, RecipeError, number};
use serde::Serialize;

/// The network that is compiled in.
pub const BUILT_IN: &str = "built-in";

/// Develop digits from pure noise with a network of part B.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct SampleDigits {
    /// The training whose network it is, by its run's number; one is built in.
    #[arg(long, default_value = BUILT_IN, value_name = "RUN", value_parser = parse_run)]
    pub run: Image,

    /// The epoch after which the network is taken; its last where nothing is given.
    #[arg(long, value_name = "1..1000", value_parser = number::count(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,

    /// The class to make, from 0; one after the other where nothing is given.
    #[arg(long, value_name = "0..999", value_parser = number::count(0, 999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<usize>,

    /// How strongly the class pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "5", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// How many steps from noise to picture; a network of ddpm takes at most as many as it has learned.
    #[arg(long, value_name = "1..1000 steps", value_parser = number::count(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,

    /// Picks the noise; the same seed and recipe give the same pictures.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// How many pictures, each from noise of its own.
    #[arg(long, default_value = "20", value_name = "1..256 pictures", value_parser = number::count(1, 256))]
    pub count: usize,
}

/// A training: its run's number, `weights:12@5` (the fifth epoch of run 12), or weights that the workspace keeps.
fn parse_run(text: &str) -> Result<Image, String> {
    let text = text.trim();
    let number = ["weights:", "run:"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number > 0);
    let (run, epoch) = number.split_once('@').map_or((number, None), |(run, epoch)| (run, Some(epoch)));
    if is_number(run) && epoch.is_none_or(is_number) {
        return format!("weights:{number}").parse();
    }
    let image: Image = text.parse().unwrap_or_else(|_| Image::kept("", ""));
    match text == BUILT_IN || image.hash().is_some() {
        true => Ok(image),
        false => Err(format!("names no training; give the number of its run, or {BUILT_IN}")),
    }
}

impl Experiment for SampleDigits {
    fn inputs(&mut self) -> Given<'_> {
        Given { weights: Some(&mut self.run), ..Given::default() }
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    fn network(&self) -> &'static str {
        "digits"
    }

    /// The epoch is part of what names the weights.
    fn settle(&mut self) {
        if let Some(epoch) = self.epoch.take_if(|_| self.run.as_str().starts_with("weights:")) {
            let run = self.run.as_str().split('@').next().unwrap_or_default();
            self.run = format!("{run}@{epoch}").parse().unwrap_or_else(|_| self.run.clone());
        }
    }

    fn pictures(&self) -> Vec<String> {
        (1..=self.count).map(|number| number.to_string()).collect()
    }

    fn columns(&self) -> usize {
        self.count.min(10)
    }

    fn model_calls(&self) -> usize {
        self.steps.unwrap_or(300) * self.count * if self.guidance == 1.0 { 1 } else { 2 }
    }

    fn check(&self) -> Result<(), RecipeError> {
        match self.epoch {
            Some(epoch) => {
                Err(RecipeError::at("epoch", format!("epoch {epoch} goes with the number of a run; {} is one network", self.run.name())))
            }
            None => Ok(()),
        }
    }
}
