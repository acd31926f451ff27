//! `train-denoiser`, `train-time`, `train-class`: from a recipe to the training's loop.

use super::exhibit::Exhibit;
use crate::diffusion::RNG;
use crate::network::course::{CourseConfig, Modulation};
use crate::network::ops;
use crate::recipe::{self, Diffuse, Made, Point, Recipe};
use crate::training::{Data, Decay, Fit, Mismatch, Objective, SIDE, Settings, Taught};
use anyhow::{Context, Result, bail};
use image::RgbImage;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What is told where other runs compute elsewhere.
pub const LEARNS_ON: &str = "part B's networks are trained on the CPU in f32, whatever --device and --dtype say";

/// What a training tells as it goes.
pub enum Lesson<'a> {
    /// A checkpoint of an earlier life is spoiled, and what is done about it.
    Spoiled(String),
    /// A step was made.
    Step(Step<'a>),
    /// An epoch is over, with the checkpoint that it leaves. Told again where a life of the training begins at its end, and
    /// where only its drawing brings that it is the last.
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
pub struct Kept {
    /// Its checkpoints, the one that is furthest first; or why they cannot be listed.
    pub checkpoints: Result<Vec<PathBuf>>,
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
/// When the data cannot be read, no checkpoint can be used, the loss goes astray, or when the hook fails.
pub fn train(recipe: &Recipe, kept: Kept, on_lesson: OnLesson) -> Result<End> {
    let _release = Release;
    let training = recipe.training().with_context(|| format!("{} trains nothing", recipe.experiment()))?;
    let data = Data::load(&training.learn.data)?;
    let data = Arc::new(training.learn.images.into_iter().fold(data, Data::first));
    let settings = settings(recipe, &data).context("the recipe is no training")?;
    let mut fit = begin(settings, data, &kept.checkpoints?, on_lesson)?;
    let exhibit = Exhibit::new(recipe, &fit.data)?;
    let hook = Hook { on_lesson, last: training.last() };
    // Behind those of the epochs there may be one that stood at an end that was none.
    let pictures = kept.pictures.min(fit.epochs());
    Course { exhibit, pictures, hook }.run(&mut fit)
}

/// The training as the furthest checkpoint that is whole has left it, or from its beginning.
fn begin(settings: Settings, data: Arc<Data>, checkpoints: &[PathBuf], on_lesson: OnLesson) -> Result<Fit> {
    for path in checkpoints {
        let read = fs::read(path).map_err(anyhow::Error::from);
        match read.and_then(|bytes| Fit::resume(settings.clone(), data.clone(), &bytes)) {
            Err(error) if error.downcast_ref::<Mismatch>().is_none() => {
                let sentence = format!("{} cannot be used ({error:#}); an earlier one is looked for", path.display());
                on_lesson(&Lesson::Spoiled(sentence))?;
            }
            fit => return fit,
        }
    }
    if let Some(folder) = checkpoints.first().and_then(|path| path.parent()) {
        bail!("none of the checkpoints in {} can be used; delete that folder to begin anew", folder.display());
    }
    Fit::new(settings, data)
}

/// Gives the operators' buffers back however a run ends.
pub(super) struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        ops::release();
    }
}

/// Whom a training tells, and what it was told.
struct Hook<'a> {
    on_lesson: OnLesson<'a>,
    /// The epoch that it ends after.
    last: usize,
}

impl Hook<'_> {
    /// Tells what happens in an epoch, and heeds the answer: false where the training is to stop.
    fn tell(&mut self, epoch: usize, lesson: &Lesson) -> Result<bool> {
        let next = (self.on_lesson)(lesson)?;
        if next == Next::Finish {
            self.last = epoch;
        }
        Ok(next != Next::Stop)
    }
}

/// A training on its way.
struct Course<'a> {
    exhibit: Exhibit,
    /// The pictures of epochs that are there.
    pictures: usize,
    hook: Hook<'a>,
}

impl Course<'_> {
    fn run(&mut self, fit: &mut Fit) -> Result<End> {
        let per_epoch = fit.steps();
        // An earlier life may have ended between an epoch and what it leaves.
        if fit.step() > 0 && fit.step().is_multiple_of(per_epoch) && !self.end_epoch(fit)? {
            return Ok(End::Stopped);
        }
        while fit.epochs() < self.hook.last {
            let begun = Instant::now();
            let taught = fit.teach()?;
            let ms = begun.elapsed().as_secs_f32() * 1e3;
            let epoch = (fit.step() - 1) / per_epoch + 1;
            let point = Point { step: fit.step() as u32, epoch: epoch as u32, loss: taught.loss as f32, rate: taught.rate as f32, ms };
            let step = Step { point, of: self.hook.last * per_epoch, per_epoch, fit, taught: &taught };
            if !self.hook.tell(epoch, &Lesson::Step(step))? {
                return Ok(End::Stopped);
            }
            drop(taught);
            if fit.step().is_multiple_of(per_epoch) && !self.end_epoch(fit)? {
                return Ok(End::Stopped);
            }
        }
        Ok(End::Done(self.hook.last, Box::new(made(fit)?)))
    }

    /// Tells of an epoch that has ended and shows its samples; false where it is broken off. Done again, it leaves the same.
    fn end_epoch(&mut self, fit: &Fit) -> Result<bool> {
        let epoch = fit.epochs();
        let last = epoch == self.hook.last;
        if !self.hook.tell(epoch, &Lesson::Epoch { epoch, last, fit })? {
            return Ok(false);
        }
        let last = epoch == self.hook.last;
        if !self.show(fit)? {
            return Ok(false);
        }
        // That it is the last may turn out only while its samples are drawn: then it is told once more, as that.
        let late = !last && epoch == self.hook.last;
        if late { self.hook.tell(epoch, &Lesson::Epoch { epoch, last: true, fit }) } else { Ok(true) }
    }

    /// Draws the samples of the epoch that has ended, and at the end what stands there; false where it is broken off.
    fn show(&mut self, fit: &Fit) -> Result<bool> {
        let epoch = fit.epochs();
        let made = made(fit)?;
        let hook = &mut self.hook;
        if self.pictures < epoch {
            let Some(sheet) = self.exhibit.epoch(fit, &mut || hook.tell(epoch, &Lesson::Drawing))? else { return Ok(false) };
            self.pictures = epoch;
            if !hook.tell(epoch, &Lesson::Samples { index: epoch - 1, sheet, made: Box::new(made.clone()) })? {
                return Ok(false);
            }
        }
        if epoch == hook.last
            && let Some(sheet) = self.exhibit.end(fit)?
        {
            return hook.tell(epoch, &Lesson::Samples { index: epoch, sheet, made: Box::new(made) });
        }
        Ok(true)
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
        stage_two: None,
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
