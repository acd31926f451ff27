//! What the trainings of part B of the course have in common.

use super::{EXPERIMENTS, Recipe, RecipeError, fields, number};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The data set that is compiled in.
pub const MNIST: &str = "mnist";
/// What a full epoch of the built-in data is, for a guess at how long a training takes.
const MNIST_IMAGES: usize = 60_000;

/// How long is learned, from what, and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Learn {
    /// The edition of the course whose numbers stand where nothing is given: fa24 teaches DDPM, fa25 flow matching.
    #[arg(long, value_enum, default_value = "fa24")]
    pub edition: Edition,

    /// What is learned from: mnist is built in; a folder of IDX files, or one of images with a subfolder for each class.
    #[arg(long, default_value = MNIST, value_name = "DIR")]
    pub data: String,

    /// Only the first so many of its training images.
    #[arg(long, value_name = "1..10000000 images", value_parser = number::count(1, 10_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,

    /// How often every image is seen.
    #[arg(long, value_name = "1..1000 epochs", value_parser = number::count(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,

    /// How many images make a step of the optimizer.
    #[arg(long, value_name = "2..4096 images", value_parser = number::count(2, 4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,

    /// Adam's learning rate at the start.
    #[arg(long, value_name = "1e-8..1", value_parser = number::real(1e-8, 1.0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,

    /// What becomes of the rate: constant stays; exponential is a little less each epoch, a tenth at the end; cosine falls to nothing.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Decay>,

    /// The network's width, D: the features of its first block.
    #[arg(long, value_name = "1..512 features", value_parser = number::count(1, 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,

    /// End after this epoch, with the rates of all epochs: what a training was that was finished early.
    #[arg(long, value_name = "1..1000", value_parser = number::count(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<usize>,

    /// The epochs whose weights stay for later sampling, beside the last three and the best.
    #[arg(long, default_value = "1,5,10,20", value_name = "1..1000 list", value_parser = number::list(1, 1000))]
    pub keep: number::List,

    /// The longest time between two checkpoints within an epoch.
    #[arg(id = "checkpoint-minutes", long, default_value = "5", value_name = "1..1440 minutes", value_parser = number::whole(1, 1440))]
    pub checkpoint_minutes: u64,
}

/// An edition of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
    /// Fall 2024, with DDPM.
    Fa24,
    /// Fall 2025, with flow matching.
    Fa25,
}

/// What becomes of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Nothing.
    Constant,
    /// Each epoch has 0.1^(1/epochs) of the rate before it.
    Exponential,
    /// It falls to nothing along half a cosine, a little each step.
    Cosine,
}

/// What a network learns to say of a noisy picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The noise in it (Ho et al. 2020).
    Ddpm,
    /// The way from noise to picture (Lipman et al. 2023).
    Flow,
}

/// How the time comes into the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Modulation {
    /// Added to its features.
    Add,
    /// Multiplied with them.
    Multiply,
}

/// How pictures are drowned in noise, and won back.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Diffuse {
    /// What is learned: ddpm predicts the noise, flow the way from noise to picture.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,

    /// How many steps there are between noise and picture, in training (ddpm) and in its samples.
    #[arg(long, default_value = "300", value_name = "2..1000 timesteps", value_parser = number::count(2, 1000))]
    pub timesteps: usize,

    /// For ddpm, how much of the picture the first of them turns to noise.
    #[arg(id = "beta-start", long, default_value = "0.0001", value_name = "1e-6..0.5", value_parser = number::real(1e-6, 0.5))]
    pub beta_start: f64,

    /// For ddpm, how much the last of them does.
    #[arg(id = "beta-end", long, default_value = "0.02", value_name = "1e-6..0.999", value_parser = number::real(1e-6, 0.999))]
    pub beta_end: f64,

    /// How many samples are drawn after each epoch, always from the same noise; with classes, one class after the other.
    #[arg(long, default_value = "40", value_name = "1..256 pictures", value_parser = number::count(1, 256))]
    pub count: usize,
}

/// The numbers of a training once the edition has filled the gaps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training<'a> {
    /// As asked for.
    pub learn: &'a Learn,
    /// How often every image is seen.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// Adam's learning rate at the start.
    pub rate: f64,
    /// What becomes of it.
    pub schedule: Decay,
    /// The network's width.
    pub width: usize,
}

/// What an edition fills in.
#[derive(Clone, Copy)]
pub(super) struct Preset {
    pub epochs: usize,
    pub batch: usize,
    pub rate: f64,
    pub schedule: Decay,
    pub width: usize,
}

/// Part 1, the same in both editions.
pub(super) const SINGLE_STEP: Preset = Preset { epochs: 5, batch: 256, rate: 1e-4, schedule: Decay::Constant, width: 128 };

/// Part 2.
pub(super) fn part_two(edition: Edition) -> Preset {
    match edition {
        Edition::Fa24 => Preset { epochs: 20, batch: 128, rate: 1e-3, schedule: Decay::Exponential, width: 64 },
        Edition::Fa25 => Preset { epochs: 10, batch: 64, rate: 1e-2, schedule: Decay::Exponential, width: 64 },
    }
}

impl Edition {
    /// What the edition's part 2 learns, and how the time comes in.
    pub(super) fn objective(self) -> (Objective, Modulation) {
        match self {
            Edition::Fa24 => (Objective::Ddpm, Modulation::Add),
            Edition::Fa25 => (Objective::Flow, Modulation::Multiply),
        }
    }
}

impl Learn {
    pub(super) fn with(&self, preset: Preset) -> Training<'_> {
        Training {
            learn: self,
            epochs: self.epochs.unwrap_or(preset.epochs),
            batch: self.batch.unwrap_or(preset.batch),
            rate: self.rate.unwrap_or(preset.rate),
            schedule: self.schedule.unwrap_or(preset.schedule),
            width: self.width.unwrap_or(preset.width),
        }
    }
}

impl Training<'_> {
    /// The epoch that it ends after.
    pub fn last(&self) -> usize {
        self.learn.until.unwrap_or(self.epochs).min(self.epochs)
    }

    /// The names of the samples that it leaves, one an epoch.
    pub(super) fn labels(&self) -> Vec<String> {
        (1..=self.last()).map(|epoch| format!("epoch {epoch}")).collect()
    }

    /// About how many times an image goes through a network of width 64; another width costs as its square.
    pub(super) fn calls(&self) -> usize {
        let images = self.learn.images.unwrap_or(MNIST_IMAGES) * self.last();
        (images as f64 * (self.width as f64 / 64.0).powi(2)).ceil() as usize
    }

    pub(super) fn check(&self) -> Result<(), RecipeError> {
        if self.learn.data.trim().is_empty() {
            return Err(RecipeError::at("data", "data is empty; name a folder, or mnist"));
        }
        match self.learn.until.filter(|until| *until > self.epochs) {
            Some(until) => Err(RecipeError::at("until", format!("until {until} is beyond the last of {} epochs", self.epochs))),
            None => Ok(()),
        }
    }
}

impl Diffuse {
    pub(super) fn objective(&self, edition: Edition) -> Objective {
        self.objective.unwrap_or(edition.objective().0)
    }

    pub(super) fn check(&self) -> Result<(), RecipeError> {
        match self.beta_start <= self.beta_end {
            true => Ok(()),
            false => Err(RecipeError::at("beta-start", format!("beta-start {} is above beta-end {}", self.beta_start, self.beta_end))),
        }
    }
}

/// What an edition of the course puts where a field of an experiment is left empty, as it would be typed.
pub fn preset(experiment: &str, edition: &str, field: &str) -> Option<String> {
    let edition = <Edition as clap::ValueEnum>::from_str(edition, true).ok()?;
    let (objective, modulation) = edition.objective();
    let preset = match experiment {
        "train-denoiser" => SINGLE_STEP,
        "train-time" | "train-class" => part_two(edition),
        _ => return None,
    };
    Some(match field {
        "epochs" => preset.epochs.to_string(),
        "batch" => preset.batch.to_string(),
        "rate" => preset.rate.to_string(),
        "width" => preset.width.to_string(),
        "schedule" => word(preset.schedule),
        "objective" => word(objective),
        "modulation" => word(modulation),
        _ => return None,
    })
}

impl Recipe {
    /// What the edition fills in of the fields that a training leaves open, by their names.
    pub fn filled(&self) -> Vec<(String, String)> {
        // A declaration costs more to build than to read, and a screen reads it with every frame.
        static FIELDS: LazyLock<HashMap<&str, Vec<String>>> = LazyLock::new(|| {
            let names = |experiment| fields(experiment).into_iter().flatten().map(|field| field.name).collect();
            EXPERIMENTS.iter().map(|experiment| (*experiment, names(experiment))).collect()
        });
        let pairs = self.pairs();
        let value = |name: &str| pairs.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        let edition = value("edition").unwrap_or_default();
        let open = FIELDS.get(self.experiment()).into_iter().flatten().filter(|name| value(name).is_none());
        open.filter_map(|name| Some((name.clone(), preset(self.experiment(), edition, name)?))).collect()
    }
}

/// A choice as it is typed.
fn word(choice: impl clap::ValueEnum) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
