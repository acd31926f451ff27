//! A run in one stage, or in two: a model's walk from noise to small pictures, and a larger model's walk that enlarges them.

use super::compose::{Ask, Blend, Composed, Fixed, shown, texts};
use super::walk::{Way, check_finite, facts, walk};
use super::{Checkpoint, Job, Models, OnStep, Outcome, Step, begin, pixels};
use crate::diffusion::{self, Noise, Sampler, Schedule, Use, View, bilinear, forward};
use crate::input::Inputs;
use crate::model::{Design, Pipeline};
use crate::recipe::{Photo, Stages, Walk};
use anyhow::{Context, Result, ensure};
use candle_core::Tensor;

/// Recipes' seeds have 32 bits: with another one stage II draws noise of its own.
const SECOND: u64 = 1 << 32;

/// What is drawn, at whatever size.
pub(super) struct Subject<'a> {
    /// What to show, one for each view or part.
    pub prompts: &'a [String],
    /// How the predictions under them become one, for pictures of so many pixels.
    pub blend: &'a dyn Fn(usize) -> Result<Blend>,
    /// What a photo gives.
    pub reference: Option<Reference>,
    /// The pictures that a finished one, (1, 3, h, w), is kept as.
    pub kept_as: &'a dyn Fn(&Tensor) -> Result<Vec<Tensor>>,
}

/// A part of every picture that a photo gives.
pub(super) struct Reference {
    pub photo: Photo,
    pub split: diffusion::Split,
    /// Which of the parts.
    pub part: usize,
}

/// One model's walk.
pub(super) struct Stage<'a> {
    pub model: &'a Pipeline,
    pub way: &'a Way,
    pub sampler: &'a Sampler,
    pub guidance: f64,
    /// In a stage II: the small pictures, enlarged and drowned, (b, 3, h, w), and their noise level.
    pub drowned: Option<(Tensor, usize)>,
}

impl Stage<'_> {
    /// From `start`, a jump and the pictures (b, 3, h, w) before it, to the clean pictures; `None` when the hook breaks it off.
    pub fn walk(&self, subject: &Subject, inputs: &Inputs, start: (usize, Tensor), on_step: OnStep) -> Result<Option<Tensor>> {
        let texts = texts(self.model, subject.prompts)?;
        let ask = |x: &Tensor, t: usize, prompt: usize, view: Option<&View>| match &self.drowned {
            None => self.model.predict_guided(&shown(view, x)?, t, &texts[prompt], self.guidance),
            Some((drowned, level)) => {
                // The view is of everything that the model is shown.
                let x = shown(view, &Tensor::cat(&[x, drowned], 1)?)?;
                self.model.at_noise_level(*level).predict_guided(&x, t, &texts[prompt], self.guidance)
            }
        };
        let fixed = subject.reference.as_ref().map(|reference| self.fixed(reference, inputs, start.1.dims4()?)).transpose()?;
        let composed = Composed { ask: &ask as &Ask, blend: (subject.blend)(self.model.size())?, fixed };
        let Some(clean) = walk(self.way, self.sampler, start, &composed, on_step)? else { return Ok(None) };
        let clean = composed.finish(clean)?;
        check_finite(&clean)?;
        Ok(Some(clean))
    }

    fn fixed(&self, reference: &Reference, inputs: &Inputs, shape: (usize, usize, usize, usize)) -> Result<Fixed<'_>> {
        let photo = inputs.photo(&reference.photo, self.model.size() as u32)?;
        Ok(Fixed {
            split: reference.split,
            part: reference.part,
            photo: pixels::tensor(&photo)?.broadcast_as(shape)?.contiguous()?,
            schedule: &self.model.design.process.schedule,
            noise: self.sampler.noise,
        })
    }
}

/// Small pictures (b, 3, h, w) as a stage II sees them at `level`: enlarged to `side` pixels, and drowned.
pub(super) fn drown(small: &Tensor, side: usize, (level, schedule): (usize, Option<&Schedule>), noise: Noise) -> Result<Tensor> {
    let schedule = check_level(level, schedule)?;
    let large = bilinear(small, side)?;
    Ok(forward(schedule, &large, Some(level), &noise.batch(Use::Known, 0, large.dims4()?)?)?)
}

fn check_level(level: usize, schedule: Option<&Schedule>) -> Result<&Schedule> {
    let schedule = schedule.context("the model does not enlarge")?;
    ensure!(level < schedule.len(), "noise-level {level} is beyond the model's last, {}", schedule.len() - 1);
    Ok(schedule)
}

/// Pictures from noise, in one stage or two.
pub(super) struct FromNoise<'a> {
    pub stages: &'a Stages,
    pub steps: Option<u64>,
    pub guidance: f64,
    pub seed: u64,
    pub count: usize,
}

/// The second stage of a run, before its model is loaded.
struct Second {
    name: String,
    design: Design,
    hash: String,
    way: Way,
}

impl FromNoise<'_> {
    pub fn run(&self, subject: &Subject, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
        let kept = begin(&models.inputs, self.stages.walk.from.as_ref(), job)?;
        let (design, hash) = models.design(&self.stages.model)?;
        let way = Way::new(&self.stages.walk, self.steps, &design)?;
        let second = self.stages.then.model.as_deref().map(|name| self.second(name, &design, models)).transpose()?;
        let of = way.entries() + second.as_ref().map_or(0, |second| second.way.entries());

        let (small, kept) = match kept {
            Some(kept) if second.is_some() && kept.next > way.entries() => (kept.small(self.count, design.size())?, Some(kept)),
            kept => {
                let on_step = &mut |step: &Step| on_step(&Step { of, ..*step });
                let Some(small) = self.first((subject, &way), kept, models, on_step)? else { return Ok(Outcome::Stopped) };
                (small, None)
            }
        };
        let mut made = models.made(facts((&design, &hash), way.timesteps.clone()));
        let mut pictures = self.pictures(subject, &small)?;
        if let Some(second) = &second {
            let kept = kept.map(|kept| Checkpoint { next: kept.next - way.entries(), ..kept });
            let before = way.entries();
            let on_step = &mut |step: &Step| on_step(&Step { index: before + step.index, of, finished: Some(&small), ..*step });
            let Some(large) = self.enlarge((subject, second), &small, kept, (models, on_step))? else { return Ok(Outcome::Stopped) };
            pictures.extend(self.pictures(subject, &large)?);
            made.stage_two = Some(Box::new(models.made(facts((&second.design, &second.hash), second.way.timesteps.clone()))));
        }
        Ok(Outcome::Done(pictures, made))
    }

    fn pictures(&self, subject: &Subject, clean: &Tensor) -> Result<Vec<image::RgbImage>> {
        let mut all = Vec::new();
        for i in 0..self.count {
            all.extend((subject.kept_as)(&clean.narrow(0, i, 1)?)?);
        }
        pixels::pictures(&Tensor::cat(&all, 0)?)
    }

    fn first(
        &self,
        (subject, way): (&Subject, &Way),
        kept: Option<Checkpoint>,
        models: &mut Models,
        on_step: OnStep,
    ) -> Result<Option<Tensor>> {
        let inputs = models.inputs.clone();
        let model = models.get(&self.stages.model, subject.prompts)?;
        let sampler = way.sampler(&self.stages.walk, self.seed, &model.design);
        let start = way.start(kept, sampler.noise, (self.count, 3, model.size(), model.size()))?;
        let stage = Stage { model, way, sampler: &sampler, guidance: self.guidance, drowned: None };
        stage.walk(subject, &inputs, start, on_step)
    }

    /// Read before anything is computed: what is wrong with the second model must not cost the first one's time.
    fn second(&self, name: &str, first: &Design, models: &Models) -> Result<Second> {
        let (design, hash) = models.enlarger(name)?;
        let (small, large) = (first.size(), design.size());
        ensure!(large > small && large.is_multiple_of(small), "{name} makes pictures of {large} pixels, which is no multiple of {small}");
        check_level(self.stages.then.noise_level(), design.augmentation.as_ref())?;
        let walk = Walk { timesteps: None, from: None, ..self.stages.walk.clone() };
        let way = Way::new(&walk, Some(self.stages.then.steps()), &design)?;
        Ok(Second { name: name.to_owned(), design, hash, way })
    }

    fn enlarge(
        &self,
        (subject, second): (&Subject, &Second),
        small: &Tensor,
        kept: Option<Checkpoint>,
        (models, on_step): (&mut Models, OnStep),
    ) -> Result<Option<Tensor>> {
        let (inputs, way, side) = (models.inputs.clone(), &second.way, second.design.size());
        let sampler = way.sampler(&self.stages.walk, self.seed | SECOND, &second.design);
        let start = way.start(kept, sampler.noise, (self.count, 3, side, side))?;
        let level = self.stages.then.noise_level();
        let drowned = drown(small, side, (level, second.design.augmentation.as_ref()), sampler.noise)?;
        let model = models.second(&second.name, &self.stages.model, subject.prompts)?;
        let stage = Stage { model, way, sampler: &sampler, guidance: self.stages.then.guidance(), drowned: Some((drowned, level)) };
        stage.walk(subject, &inputs, start, on_step)
    }
}

impl Checkpoint {
    /// The pictures that stage I had made by then, (count, 3, side, side).
    fn small(&self, count: usize, side: usize) -> Result<Tensor> {
        let small = self.finished.as_ref().filter(|small| small.dims() == [count, 3, side, side]);
        small.cloned().context("the kept step is none of this recipe's stage II; name one of stage I, or of a run like this")
    }
}
