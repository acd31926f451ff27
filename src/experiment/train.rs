//! `train-denoiser`, `train-time`, `train-class`: from a recipe to the training's loop.

use super::exhibit::Exhibit;
use crate::diffusion::RNG;
use crate::network::course::{CourseConfig, Modulation};
use crate::network::ops;
use crate::recipe::{self, Diffuse, Made, Point, Recipe};
use crate::training::{Data, Decay, Fit, Mismatch, Objective, SIDE, Settings, Taught};
use anyhow::{Context, Result};
use image::RgbImage;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What a training tells as it goes.
pub enum Lesson<'a> {
    /// A checkpoint of an earlier life is spoiled, and what is done about it.
    Spoiled(String),
    /// A step was made.
    Step(Step<'a>),
    /// An epoch is over: what it was like on the mean, and the checkpoint that it leaves.
    Epoch {
        /// Which, from 1.
        epoch: usize,
        /// Whether it ends after it.
        last: bool,
        /// The training, for its checkpoint and its weights.
        fit: &'a Fit,
    },
    /// The samples of an epoch are being drawn; it can be broken off here.
    Drawing,
    /// The samples of an epoch, or what stands at the end.
    Samples {
        /// Which of the run's pictures, from 0.
        index: usize,
        /// All on one sheet.
        sheet: RgbImage,
        /// What decided them.
        made: Box<Made>,
    },
}

/// A step of a training.
pub struct Step<'a> {
    /// What it tells.
    pub point: Point,
    /// Steps in all.
    pub of: usize,
    /// Steps of an epoch.
    pub per_epoch: usize,
    /// The training, for its checkpoint.
    pub fit: &'a Fit,
    taught: &'a Taught,
}

/// What a training does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    GoOn,
    /// It ends with this epoch.
    Finish,
    /// It stops here.
    Stop,
}

/// How a training ended.
#[derive(Debug)]
pub enum End {
    /// After this epoch, from 1.
    Done(usize, Box<Made>),
    /// The hook broke it off.
    Stopped,
}

/// What an earlier life of a training has left.
#[derive(Default)]
pub struct Kept {
    /// Its checkpoints, the one that is furthest first.
    pub checkpoints: Vec<PathBuf>,
    /// How many of its pictures there are.
    pub pictures: usize,
}

/// The hook that sees everything.
pub type OnLesson<'a> = &'a mut dyn FnMut(&Lesson) -> Result<Next>;

impl Step<'_> {
    /// The first images of the batch: as the network saw them, what it made of them, and what they are.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn frame(&self) -> Result<RgbImage> {
        let (taught, most) = (self.taught, self.taught.images.dim(0)?.min(super::exhibit::COLUMNS));
        let guess = self.fit.settings.objective.image(&taught.example, &taught.answer)?;
        let rows = [&taught.example.x, &guess, &taught.images].map(|x| x.narrow(0, 0, most));
        super::exhibit::rows(&rows.into_iter().collect::<candle_core::Result<Vec<_>>>()?)
    }
}

/// Trains what a recipe asks for, from its beginning or from what is kept.
///
/// # Errors
/// When the data cannot be read, the checkpoint not be used, the loss goes astray, or when the hook fails.
pub fn train(recipe: &Recipe, kept: Kept, on_lesson: OnLesson) -> Result<End> {
    let training = recipe.training().with_context(|| format!("{} trains nothing", recipe.experiment()))?;
    let data = Data::load(&training.learn.data)?;
    let data = Arc::new(training.learn.images.into_iter().fold(data, Data::first));
    let settings = settings(recipe, &data).context("the recipe is no training")?;
    let mut fit = begin(settings, data, &kept.checkpoints, on_lesson)?;
    let exhibit = Exhibit::new(recipe, &fit.data)?;
    let mut course = Course { exhibit, last: training.last(), pictures: kept.pictures, on_lesson };
    let end = course.run(&mut fit);
    ops::release();
    end
}

/// The training as the furthest checkpoint that is whole has left it, or from its beginning.
fn begin(settings: Settings, data: Arc<Data>, checkpoints: &[PathBuf], on_lesson: OnLesson) -> Result<Fit> {
    for path in checkpoints {
        let read = fs::read(path).map_err(anyhow::Error::from);
        match read.and_then(|bytes| Fit::resume(settings.clone(), data.clone(), &bytes)) {
            Err(error) if error.downcast_ref::<Mismatch>().is_none() => {
                let sentence = format!("{} cannot be used ({error:#}); the training goes on from the one before it", path.display());
                on_lesson(&Lesson::Spoiled(sentence))?;
            }
            fit => return fit,
        }
    }
    Fit::new(settings, data)
}

/// A training on its way.
struct Course<'a> {
    exhibit: Exhibit,
    /// The epoch that it ends after.
    last: usize,
    /// The pictures that are there.
    pictures: usize,
    on_lesson: OnLesson<'a>,
}

impl Course<'_> {
    fn run(&mut self, fit: &mut Fit) -> Result<End> {
        let per_epoch = fit.steps();
        // An earlier life may have ended between an epoch and its samples.
        if fit.epochs() > 0 && fit.step().is_multiple_of(per_epoch) && self.show(fit)?.is_none() {
            return Ok(End::Stopped);
        }
        while fit.epochs() < self.last {
            let begun = Instant::now();
            let taught = fit.teach()?;
            let ms = begun.elapsed().as_secs_f32() * 1e3;
            let (step, epoch) = (fit.step() as u32, (fit.step() - 1) / per_epoch + 1);
            let point = Point { step, epoch: epoch as u32, loss: taught.loss as f32, rate: taught.rate as f32, ms };
            let of = self.last * per_epoch;
            match (self.on_lesson)(&Lesson::Step(Step { point, of, per_epoch, fit, taught: &taught }))? {
                Next::Stop => return Ok(End::Stopped),
                Next::Finish => self.last = epoch,
                Next::GoOn => {}
            }
            drop(taught);
            if !fit.step().is_multiple_of(per_epoch) {
                continue;
            }
            match (self.on_lesson)(&Lesson::Epoch { epoch, last: epoch == self.last, fit })? {
                Next::Stop => return Ok(End::Stopped),
                Next::Finish => self.last = epoch,
                Next::GoOn => {}
            }
            if self.show(fit)?.is_none() {
                return Ok(End::Stopped);
            }
        }
        let made = made(fit)?;
        Ok(End::Done(self.last, Box::new(made)))
    }

    /// Draws the samples of the epoch that has ended, and at the end what stands there; none when it is broken off.
    fn show(&mut self, fit: &Fit) -> Result<Option<()>> {
        let (epoch, made) = (fit.epochs(), made(fit)?);
        let (hook, last) = (&mut *self.on_lesson, &mut self.last);
        let mut go_on = || {
            let next = hook(&Lesson::Drawing)?;
            *last = if next == Next::Finish { epoch } else { *last };
            Ok(next != Next::Stop)
        };
        let mut sheets = Vec::new();
        if self.pictures < epoch {
            let Some(sheet) = self.exhibit.epoch(fit, &mut go_on)? else { return Ok(None) };
            sheets.push((epoch - 1, sheet));
        }
        if epoch == self.last
            && let Some(sheet) = self.exhibit.end(fit)?
        {
            sheets.push((epoch, sheet));
        }
        for (index, sheet) in sheets {
            self.pictures = self.pictures.max(index + 1);
            if (self.on_lesson)(&Lesson::Samples { index, sheet, made: Box::new(made.clone()) })? == Next::Stop {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }
}

/// What decided a training's pictures beside its recipe: its data, and what it has learned of them.
fn made(fit: &Fit) -> Result<Made> {
    let hash = Sha256::digest(fit.weights()?).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Made {
        model: format!("unet of width {}", fit.settings.network.d),
        model_hash: hash,
        data_hash: Some(fit.data.hash.clone()),
        size: (SIDE as u32, SIDE as u32),
        timesteps: Vec::new(),
        rng: RNG.to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
    })
}

/// A recipe's settings, for data of so many classes.
fn settings(recipe: &Recipe, data: &Data) -> Option<Settings> {
    let training = recipe.training()?;
    let (objective, time, classes, p_uncond) = match recipe {
        Recipe::TrainDenoiser(recipe) if recipe.pure_noise => (Objective::PureNoise, None, 0, 0.0),
        Recipe::TrainDenoiser(recipe) => (Objective::Denoise { sigma: recipe.sigma }, None, 0, 0.0),
        Recipe::TrainTime(recipe) => (objective(recipe.objective(), &recipe.diffuse), Some(modulation(recipe.modulation())), 0, 0.0),
        Recipe::TrainClass(recipe) => {
            (objective(recipe.objective(), &recipe.diffuse), Some(Modulation::Add), data.classes.len(), recipe.p_uncond)
        }
        _ => return None,
    };
    Some(Settings {
        network: CourseConfig { d: training.width, time, classes },
        objective,
        epochs: training.epochs,
        batch: training.batch,
        rate: training.rate,
        decay: match training.schedule {
            recipe::Decay::Constant => Decay::Constant,
            recipe::Decay::Exponential => Decay::Exponential,
            recipe::Decay::Cosine => Decay::Cosine,
        },
        p_uncond,
        seed: recipe.seed(),
    })
}

fn objective(asked: recipe::Objective, diffuse: &Diffuse) -> Objective {
    let (timesteps, beta_start, beta_end) = (diffuse.timesteps, diffuse.beta_start, diffuse.beta_end);
    match asked {
        recipe::Objective::Ddpm => Objective::Ddpm { timesteps, beta_start, beta_end },
        recipe::Objective::Flow => Objective::Flow { timesteps },
    }
}

fn modulation(asked: recipe::Modulation) -> Modulation {
    match asked {
        recipe::Modulation::Add => Modulation::Add,
        recipe::Modulation::Multiply => Modulation::Multiply,
    }
}
