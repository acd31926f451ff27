//! The training screen: which training, what lies over it, which epoch.

use super::{App, Effect, Focus, LARGE, Overlay, Source, Tone};
use crate::link::Command;
use crate::recipe::{Recipe, Run, RunId, State, Training};

/// The most curves on one chart: there are so many colours that stay apart.
pub const CURVES: usize = 4;

/// What the training screen shows.
pub struct Watch {
    /// Whose training.
    pub run: RunId,
    /// Trainings whose curves lie over it.
    pub over: Vec<RunId>,
    /// Whether only the last steps are shown.
    pub recent: bool,
    /// What has the room.
    pub wide: Wide,
    /// The picture that was gone to, from 0; without one the newest is shown.
    at: Option<u32>,
}

/// What has the most room on the training screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wide {
    /// The curve, and everything else beside it.
    Curve,
    /// The samples alone.
    Samples,
    /// The running batch alone.
    Batch,
}

/// What a key can do on the training screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnTraining {
    Open,
    Close,
    Zoom,
    Widen,
    Finish,
    EpochBefore,
    EpochAfter,
    FirstEpoch,
    NewestEpoch,
    Newer,
    Older,
    Sample,
    Choose,
    Toggle,
}

impl Watch {
    /// Every training whose curve is shown, the one that is watched first.
    pub fn runs(&self) -> Vec<RunId> {
        std::iter::once(self.run).chain(self.over.iter().copied()).collect()
    }
}

impl App {
    pub(super) fn on_training(&mut self, action: OnTraining) {
        match action {
            OnTraining::Open => {
                if let Some(run) = self.to_watch().map(|run| run.id) {
                    self.watch(run);
                }
            }
            OnTraining::Close => self.watch = None,
            OnTraining::Finish => self.finish(),
            OnTraining::EpochBefore => self.step_epoch(-1),
            OnTraining::EpochAfter => self.step_epoch(1),
            OnTraining::FirstEpoch => self.step_epoch(i64::MIN),
            OnTraining::NewestEpoch => self.step_epoch(i64::MAX),
            OnTraining::Newer => self.step_training(-1),
            OnTraining::Older => self.step_training(1),
            OnTraining::Sample => self.sample_digits(),
            OnTraining::Choose => self.overlay = Some(Overlay::Curves(0)),
            OnTraining::Toggle => self.toggle_curve(),
            OnTraining::Zoom | OnTraining::Widen => {
                if let Some(watch) = &mut self.watch {
                    watch.turn(action);
                }
            }
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_training(&self, action: OnTraining) -> bool {
        match action {
            OnTraining::Open => self.to_watch().is_some(),
            OnTraining::Finish => self.watched().is_some_and(|run| self.can_finish(run)),
            OnTraining::EpochBefore => self.epoch_shown().is_some_and(|at| at > 0),
            OnTraining::EpochAfter => {
                self.watched().zip(self.epoch_shown()).is_some_and(|(run, at)| at.saturating_add(1) < self.sampled_of(run))
            }
            OnTraining::Newer | OnTraining::Older => self.trainings().len() > 1,
            OnTraining::Choose => !self.to_lay_over().is_empty(),
            OnTraining::Sample => self.watched().is_some_and(|run| to_sample(run) && self.sampled_of(run) > 0),
            _ => true,
        }
    }

    /// The training on the training screen, as far as it is known.
    pub fn watched(&self) -> Option<&Run> {
        self.run(self.watch.as_ref()?.run)
    }

    /// The picture of the training screen's slider, from 0; none while there is none.
    pub fn epoch_shown(&self) -> Option<u32> {
        let (watch, run) = (self.watch.as_ref()?, self.watched()?);
        let last = self.sampled_of(run).checked_sub(1)?;
        if let Some(at) = watch.at {
            return Some(at.min(last));
        }
        // A training that was stopped while it drew its samples has none of that epoch.
        let is_there = |at: &u32| !self.pictures.is_missing(kept(run.id, *at));
        (0..=last).rev().take(2).find(is_there).or(Some(last))
    }

    /// The samples of the slider's epoch.
    pub fn samples(&self) -> Option<Source> {
        Some(kept(self.watched()?.id, self.epoch_shown()?))
    }

    /// The newest frame of the running batch.
    pub fn batch(&self) -> Option<Source> {
        self.pictures.newest(self.watched()?.id)
    }

    /// Every training that waits, runs or ran, the newest first.
    pub fn trainings(&self) -> Vec<&Run> {
        let mut all: Vec<_> = self.queue.runs.iter().chain(&self.history.runs).filter(|run| run.recipe.training().is_some()).collect();
        all.sort_by_key(|run| std::cmp::Reverse(run.id));
        all
    }

    /// The trainings that can lie over the one that is watched.
    pub fn to_lay_over(&self) -> Vec<&Run> {
        let watched = self.watch.as_ref().map(|watch| watch.run);
        let has_steps = |run: &&Run| run.state == State::Done || run.step > 0;
        self.trainings().into_iter().filter(|run| Some(run.id) != watched).filter(has_steps).collect()
    }

    /// The training that `w` opens: the one that is looked at, or else one that runs, or else the newest.
    fn to_watch(&self) -> Option<&Run> {
        let trains = |run: &&Run| run.recipe.training().is_some();
        let queued = || self.queue.selected().filter(trains);
        let running = || self.queue.current().filter(trains).or_else(|| self.queue.running().find(trains));
        self.selected().filter(trains).or_else(running).or_else(queued).or_else(|| self.trainings().into_iter().next())
    }

    pub(super) fn watch(&mut self, run: RunId) {
        let recent = self.watch.as_ref().is_some_and(|watch| watch.recent);
        let wide = self.watch.as_ref().map_or(Wide::Curve, |watch| watch.wide);
        let over = self.watch.take().map(|watch| watch.over).unwrap_or_default();
        let over = over.into_iter().filter(|other| *other != run).collect();
        self.watch = Some(Watch { run, over, recent, wide, at: None });
        self.ask_for_curves();
    }

    fn step_training(&mut self, by: isize) {
        let Some(watched) = self.watch.as_ref().map(|watch| watch.run) else { return };
        let all: Vec<_> = self.trainings().iter().map(|run| run.id).collect();
        let at = all.iter().position(|run| *run == watched).unwrap_or(0);
        if let Some(run) = all.get(at.saturating_add_signed(by)).filter(|run| **run != watched) {
            self.watch(*run);
        }
    }

    pub(super) fn step_epoch(&mut self, by: i64) {
        let Some((run, at)) = self.watched().zip(self.epoch_shown()) else { return };
        let last = self.sampled_of(run).saturating_sub(1);
        let at = i64::from(at).saturating_add(by).clamp(0, i64::from(last)) as u32;
        // Who follows the newest sees the one before it while it is not there; a step leads to it all the same.
        let step_to_missing = by == 1 && self.pictures.is_missing(kept(run.id, last));
        if let Some(watch) = &mut self.watch {
            // On the newest one follows it.
            watch.at = (at < last || step_to_missing).then_some(at);
        }
    }

    fn can_finish(&self, run: &Run) -> bool {
        matches!(run.state, State::Running | State::Paused) && !self.ends_early(run)
    }

    fn finish(&mut self) {
        let Some(run) = self.watched().filter(|run| self.can_finish(run)).map(|run| run.id) else { return };
        self.learnings.of(run).finishing = true;
        self.effects.push(Effect::Send(Command::Finish { run }));
        self.tell_wait();
    }

    /// `sample-digits` with the network of the slider's epoch.
    fn sample_digits(&mut self) {
        let Some((run, at)) = self.watched().filter(|run| to_sample(run)).zip(self.epoch_shown()) else { return };
        let (id, epoch) = (run.id, at + 1);
        let kept = if keeps_weights(run, epoch) { "" } else { ", if its weights were kept" };
        self.watch = None;
        self.close_gallery();
        self.take_up("sample-digits");
        self.form.set_field("run", &id.to_string());
        self.form.set_field("epoch", &epoch.to_string());
        self.go(Focus::Parameters);
        let text = format!("The network of {id} after epoch {epoch}{kept}: choose a class or guidance; Enter draws with it.");
        self.log.push(self.now_ms, Tone::Plain, text);
    }

    fn toggle_curve(&mut self) {
        let Some(Overlay::Curves(at)) = self.overlay else { return };
        let Some(run) = self.to_lay_over().get(at).map(|run| run.id) else { return };
        let Some(watch) = &mut self.watch else { return };
        match watch.over.iter().position(|other| *other == run) {
            Some(at) => drop(watch.over.remove(at)),
            None if watch.over.len() + 1 < CURVES => watch.over.push(run),
            None => {}
        }
        self.ask_for_curves();
    }

    /// A click on the samples or on the batch gives it all the room, and takes it away again.
    pub(super) fn widen(&mut self, part: Wide) {
        if let Some(watch) = &mut self.watch {
            watch.wide = if watch.wide == part { Wide::Curve } else { part };
        }
    }

    /// A click on a row of the list of curves; false where the list is not open.
    pub(super) fn click_curve(&mut self, row: usize) -> bool {
        let Some(Overlay::Curves(at)) = &mut self.overlay else { return false };
        *at = row;
        self.toggle_curve();
        true
    }

    /// Moves the selection in the list of curves; false where the list is not open.
    pub(super) fn step_curves(&mut self, by: isize) -> bool {
        let Some(Overlay::Curves(at)) = self.overlay else { return false };
        let last = self.to_lay_over().len().saturating_sub(1);
        self.overlay = Some(Overlay::Curves(at.saturating_add_signed(by).min(last)));
        true
    }
}

impl Watch {
    fn turn(&mut self, action: OnTraining) {
        match action {
            OnTraining::Zoom => self.recent = !self.recent,
            _ => {
                self.wide = match self.wide {
                    Wide::Curve => Wide::Samples,
                    Wide::Samples => Wide::Batch,
                    Wide::Batch => Wide::Curve,
                }
            }
        }
    }
}

fn kept(run: RunId, index: u32) -> Source {
    Source::Kept { run, index, side: LARGE }
}

/// Whether its network makes pictures of noise.
fn to_sample(run: &Run) -> bool {
    matches!(run.recipe, Recipe::TrainTime(_) | Recipe::TrainClass(_))
}

/// Whether the weights of an epoch are there for certain: of others only the best and the last few are.
fn keeps_weights(run: &Run, epoch: u32) -> bool {
    let is_kept = |training: Training| {
        let ended = run.state == State::Done && epoch as usize == training.last();
        ended || training.learn.keep.0.contains(&(epoch as usize))
    };
    run.recipe.training().is_some_and(is_kept)
}
