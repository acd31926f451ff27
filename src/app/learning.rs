//! What is known of trainings: their curves, and what the engine is still to be asked for.
//!
//! Every step is told as it is made, and stands in the index about a second later. So a terminal that comes late asks for
//! what is behind it; while the first step that it was told is further on than what the index has, it asks again.

use super::{App, Curve, Effect, Engine, LARGE, Source};
use crate::link::Command;
use crate::recipe::{Point, Run, RunId, State};

/// The most trainings of which anything is remembered.
const TRAININGS: usize = 8;
/// The most steps that wait for those before them.
const WAITING: usize = 4096;
/// After an answer that closed no gap, the time to the next question.
const AGAIN_MS: i64 = 400;
/// How long an answer is waited for.
const PATIENCE_MS: i64 = 5000;
/// What a step counts for in the pace.
const WEIGHT: f64 = 0.05;
/// The loss of a curve that is not here yet is the mean of so many steps.
const FEW: usize = 50;

/// What is known of one training.
#[derive(Default)]
pub struct Learning {
    /// Its losses.
    pub curve: Curve,
    /// Its last step.
    pub latest: Option<Point>,
    /// Milliseconds of a step, smoothed; 0 until one was seen.
    pub pace: f64,
    /// Bytes of memory that the engine takes.
    pub memory: Option<u64>,
    /// Whether it was told from here to end with its epoch.
    pub finishing: bool,
    /// Steps of an epoch; 0 until a step was told, or the end of an epoch is known.
    per_epoch: u32,
    /// The last step of the curve.
    end: Option<Point>,
    /// Pictures that there are, as far as was told.
    sampled: u32,
    /// Milliseconds that the last samples of an epoch took to be drawn; 0 until that was seen.
    drawing_ms: f64,
    /// When the last step was told, while the training runs.
    taught_ms: Option<i64>,
    /// Steps behind a gap.
    waiting: Vec<Point>,
    /// When the request under way was sent.
    asked: Option<i64>,
    /// When the last was answered.
    answered: i64,
    /// Whether the engine has told all that it had when it was asked.
    told: bool,
}

impl Learning {
    /// The smoothed loss; as long as what came before is not here, the mean of the last steps.
    pub fn loss(&self) -> Option<f32> {
        let last = &self.waiting[self.waiting.len().saturating_sub(FEW)..];
        match last.len() {
            0 => self.curve.smooth(),
            count => Some(last.iter().map(|point| point.loss).sum::<f32>() / count as f32),
        }
    }

    /// Whether what the engine has is still on its way.
    pub fn comes(&self) -> bool {
        !self.told
    }

    fn live(&mut self, point: Point) {
        self.see(point);
        // It went on from a checkpoint.
        if point.step <= self.curve.last() || self.waiting.last().is_some_and(|last| point.step <= last.step) {
            self.waiting.clear();
        }
        if point.step <= self.curve.last().saturating_add(1) {
            self.push(point);
            return;
        }
        if self.waiting.len() == WAITING {
            self.waiting.drain(..WAITING / 2);
        }
        self.waiting.push(point);
    }

    fn answer(&mut self, points: &[Point], more: bool) {
        for point in points {
            if point.step > self.curve.last() {
                self.push(*point);
            }
            if self.latest.is_none_or(|latest| latest.step < point.step) {
                self.see(*point);
            }
        }
        for point in std::mem::take(&mut self.waiting) {
            match point.step {
                step if step <= self.curve.last() => {}
                step if step == self.curve.last() + 1 => self.push(point),
                _ => self.waiting.push(point),
            }
        }
        self.told = !more;
    }

    fn push(&mut self, point: Point) {
        self.curve.push(point);
        let end = self.end.replace(point);
        // Where a new epoch begins it is plain how long those before it were.
        if let Some(end) = end.filter(|end| end.epoch > 0 && end.step < point.step && point.epoch == end.epoch.saturating_add(1)) {
            self.per_epoch = end.step / end.epoch;
        }
    }

    fn see(&mut self, point: Point) {
        let ms = f64::from(point.ms);
        // The very first step finds nothing warm.
        if ms.is_finite() && ms > 0.0 && point.step > 1 {
            self.pace = if self.pace > 0.0 { self.pace + WEIGHT * (ms - self.pace) } else { ms };
        }
        self.latest = Some(point);
    }

    /// Whether there is a question for the engine now.
    fn wants(&self, now_ms: i64) -> bool {
        let waits = self.asked.is_some_and(|asked| (0..PATIENCE_MS).contains(&now_ms.saturating_sub(asked)));
        let rests = (0..AGAIN_MS).contains(&now_ms.saturating_sub(self.answered));
        !waits && (!self.told || !self.waiting.is_empty() && !rests)
    }

    /// Some samples are there; where they are those of the epoch that has just ended, they took so long.
    fn drew(&mut self, index: u32, now_ms: i64) {
        let epochs = index.saturating_add(1);
        let just_ended = self.latest.is_some_and(|latest| Some(latest.step) == self.per_epoch.checked_mul(epochs));
        if let Some(taught_ms) = self.taught_ms.filter(|_| just_ended && self.sampled < epochs) {
            self.drawing_ms = now_ms.saturating_sub(taught_ms).max(0) as f64;
        }
        self.sampled = self.sampled.max(epochs);
    }

    /// The link is new: what was asked for will not come, and more may be there. Another engine knows
    /// the wishes alone that stand in recipes.
    fn again(&mut self, another: bool) {
        (self.asked, self.told, self.taught_ms) = (None, false, None);
        self.finishing &= !another;
        self.waiting.clear();
    }
}

/// The trainings of which something is known, the one that was touched last at the end.
#[derive(Default)]
pub struct Learnings {
    known: Vec<(RunId, Learning)>,
    /// When the engine that was heard last had started.
    engine: Option<i64>,
}

impl Learnings {
    /// What is known of a training.
    pub fn get(&self, run: RunId) -> Option<&Learning> {
        self.known.iter().find(|(id, _)| *id == run).map(|(_, learning)| learning)
    }

    /// The same, to be changed; of a new one nothing.
    pub(super) fn of(&mut self, run: RunId) -> &mut Learning {
        let known = self.known.iter().position(|(id, _)| *id == run).map(|at| self.known.remove(at));
        if self.known.len() >= TRAININGS {
            self.known.remove(0);
        }
        let at = self.known.len();
        self.known.push(known.unwrap_or_else(|| (run, Learning::default())));
        &mut self.known[at].1
    }

    /// The link is new, to an engine that started then.
    pub(super) fn again(&mut self, started_ms: i64) {
        let another = self.engine.replace(started_ms) != Some(started_ms);
        self.known.iter_mut().for_each(|(_, learning)| learning.again(another));
    }
}

impl App {
    /// The training has made a step.
    pub(super) fn taught(&mut self, run: RunId, point: Point, (per_epoch, memory): (u32, Option<u64>)) {
        let now_ms = self.now_ms;
        let learning = self.learnings.of(run);
        learning.live(point);
        (learning.memory, learning.taught_ms) = (memory, Some(now_ms));
        if per_epoch > 0 {
            learning.per_epoch = per_epoch;
        }
        self.ask_for_curves();
    }

    /// One more of a training's pictures is there.
    pub(super) fn sampled(&mut self, run: RunId, index: u32) {
        let now_ms = self.now_ms;
        self.learnings.of(run).drew(index, now_ms);
        self.pictures.is_there(Source::Kept { run, index, side: LARGE });
    }

    pub(super) fn curve_came(&mut self, run: RunId, points: &[Point], more: bool) {
        let now_ms = self.now_ms;
        let learning = self.learnings.of(run);
        learning.answer(points, more);
        (learning.asked, learning.answered) = (None, now_ms);
        self.ask_for_curves();
    }

    /// A training that stands elsewhere than before may have left steps that were not told.
    pub(super) fn training_stands(&mut self, run: &Run) {
        if run.recipe.training().is_none() || self.learnings.get(run.id).is_none() {
            return;
        }
        let learning = self.learnings.of(run.id);
        learning.told &= run.state == State::Running;
        learning.taught_ms.take_if(|_| run.state != State::Running);
        // A wish that the engine has taken up stands in the recipe of what goes on after that.
        learning.finishing &= matches!(run.state, State::Queued | State::Running | State::Paused);
        self.ask_for_curves();
    }

    /// Asks for what is missing of the curves on the screen; one question at a time a curve.
    pub(super) fn ask_for_curves(&mut self) {
        if !matches!(self.engine, Engine::Up { .. }) {
            return;
        }
        for run in self.watch.iter().flat_map(|watch| watch.runs()).collect::<Vec<_>>() {
            let now_ms = self.now_ms;
            let learning = self.learnings.of(run);
            if learning.wants(now_ms) {
                learning.asked = Some(now_ms);
                let after = learning.curve.last();
                self.effects.push(Effect::Send(Command::Curve { run, after }));
            }
        }
    }

    /// Steps of an epoch of a training, where that can be told.
    pub fn per_epoch(&self, run: &Run) -> Option<u32> {
        let told = self.learnings.get(run.id).map_or(0, |learning| learning.per_epoch);
        let last = run.recipe.training()?.last() as u32;
        Some(if told > 0 { told } else { run.of / last.max(1) }).filter(|steps| *steps > 0)
    }

    /// The epoch of a training's last step, and the one that it ends after.
    pub fn epochs(&self, run: &Run) -> Option<(u32, u32)> {
        let (last, learning) = (run.recipe.training()?.last() as u32, self.learnings.get(run.id));
        let per_epoch = self.per_epoch(run).unwrap_or(u32::MAX);
        let now = run.step.div_ceil(per_epoch).min(last);
        // One that was told to end with its epoch makes fewer steps than it was to.
        let ends = if learning.is_some_and(|learning| learning.finishing) { now.max(1) } else { run.of.div_ceil(per_epoch) };
        Some((now, if ends > 0 { ends.min(last) } else { last }))
    }

    /// Whether a training ends with its epoch, and not with its last.
    pub fn ends_early(&self, run: &Run) -> bool {
        let last = run.recipe.training().map_or(0, |training| training.last() as u32);
        run.state != State::Done && self.epochs(run).is_some_and(|(_, ends)| ends < last)
    }

    /// How many of a training's pictures there are, as far as can be told.
    pub fn sampled_of(&self, run: &Run) -> u32 {
        let all = run.recipe.pictures() as u32;
        if run.state == State::Done {
            return all;
        }
        // The samples of an epoch are drawn before the next begins.
        let before = self.per_epoch(run).map_or(0, |steps| run.step.div_ceil(steps).saturating_sub(1));
        self.learnings.get(run.id).map_or(0, |learning| learning.sampled).max(before).min(all)
    }

    /// Whether a running training is at the samples of an epoch.
    pub fn draws_samples(&self, run: &Run) -> bool {
        let ended = |steps: u32| run.step > 0 && run.step.is_multiple_of(steps) && self.sampled_of(run) < run.step / steps;
        run.state == State::Running && self.per_epoch(run).is_some_and(ended)
    }

    /// About how many milliseconds a running run still takes.
    pub fn left_ms(&self, run: &Run) -> Option<f64> {
        let Some((_, last)) = self.epochs(run) else { return self.queue.left_ms(run) };
        let learning = self.learnings.get(run.id).filter(|learning| learning.pace > 0.0 && run.state == State::Running)?;
        let end = self.per_epoch(run).map_or(run.of, |steps| steps.saturating_mul(last).min(run.of));
        let samples = f64::from(last.saturating_sub(self.sampled_of(run)));
        Some(learning.pace * f64::from(end.saturating_sub(run.step)) + learning.drawing_ms * samples)
    }
}
