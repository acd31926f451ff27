//! The runs that are not finished: waiting, running, stopped.

use super::Drag;
use crate::link::Loading;
use crate::recipe::{Run, RunId, State};

/// The most stopped runs that stay in the list.
const STOPPED: usize = 50;

/// How a running run moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Whose.
    pub run: RunId,
    /// The timestep of the last step.
    pub t: u32,
    /// How long that took, in milliseconds.
    pub ms: f64,
    /// Steps that this terminal has seen.
    pub seen: u32,
    /// How long a step takes on average of the last ones, in milliseconds; 0 until two were seen.
    pub pace: f64,
    /// When it began, as far as this terminal can tell, in milliseconds since 1970.
    pub begun_ms: i64,
    /// The model that it waits for.
    pub loading: Option<Loading>,
}

/// The list and the selected run.
#[derive(Default)]
pub struct Queue {
    /// In the order of the queue.
    pub runs: Vec<Run>,
    /// The run that is looked at while none was picked. Where several run at once it stays for as long as it runs, so that
    /// the picture does not leap from one to the other.
    pub followed: Option<RunId>,
    /// Whether nothing begins until somebody lets the queue go on.
    pub held: bool,
    /// The run that the mouse carries.
    pub drag: Option<Drag>,
    /// How the running ones move, the one that began last at the end.
    progress: Vec<Progress>,
    /// The run that this terminal has asked for last: it is followed as soon as it begins.
    asked: Option<RunId>,
    selected: Option<RunId>,
}

impl Queue {
    /// A run in the list.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// The runs that are being computed.
    pub fn running(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.state == State::Running)
    }

    /// Whether a run is being computed.
    pub fn is_running(&self, id: RunId) -> bool {
        self.running().any(|run| run.id == id)
    }

    /// Of the runs that are being computed the one that is meant where none is named: the followed one, or else the first.
    pub fn current(&self) -> Option<&Run> {
        self.running().find(|run| Some(run.id) == self.followed).or_else(|| self.running().next())
    }

    /// The run that was selected, or else one that is running, or else the first.
    pub fn selected(&self) -> Option<&Run> {
        self.selected.and_then(|id| self.get(id)).or_else(|| self.current()).or(self.runs.first())
    }

    /// How a run moves, while it is running.
    pub fn progress(&self, id: RunId) -> Option<&Progress> {
        self.progress.iter().find(|progress| progress.run == id)
    }

    /// How many milliseconds a running run still takes.
    pub fn left_ms(&self, run: &Run) -> Option<f64> {
        let progress = self.progress(run.id).filter(|progress| progress.pace > 0.0 && run.state == State::Running)?;
        Some(progress.pace * f64::from(run.of.saturating_sub(run.step)))
    }

    /// Follows a run from its beginning on, whatever else runs by then.
    pub(super) fn ask_for(&mut self, id: RunId) {
        self.asked = Some(id);
    }

    /// Every run that the engine names gets its place; what it does not name stays behind them.
    pub(super) fn order(&mut self, order: &[RunId]) {
        self.runs.sort_by_cached_key(|run| order.iter().position(|id| *id == run.id).unwrap_or(order.len()));
    }

    pub(super) fn select(&mut self, id: RunId) {
        self.selected = Some(id);
    }

    pub(super) fn step_selection(&mut self, by: isize) {
        let now = self.selected().map(|run| run.id);
        let at = self.runs.iter().position(|run| Some(run.id) == now).unwrap_or(0);
        let at = at.saturating_add_signed(by).min(self.runs.len().saturating_sub(1));
        self.selected = self.runs.get(at).map(|run| run.id);
    }

    pub(super) fn replace(&mut self, runs: Vec<Run>, now_ms: i64) {
        let followed = self.followed;
        self.runs.clear();
        for run in runs.into_iter().filter(|run| run.state != State::Done) {
            self.stands(run, now_ms);
        }
        // It need not be the first of those that run.
        self.followed = followed.filter(|id| self.is_running(*id)).or(self.followed);
    }

    pub(super) fn stands(&mut self, run: Run, now_ms: i64) {
        let id = run.id;
        let begins = run.state == State::Running && self.progress(id).is_none();
        if begins {
            self.progress.push(Progress { run: id, t: 0, ms: 0.0, seen: 0, pace: 0.0, begun_ms: now_ms, loading: None });
        } else if run.state != State::Running {
            self.stop_clock(id);
        }
        match self.runs.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => self.runs.push(run),
        }
        self.follow(begins.then_some(id));
        let stopped = self.runs.iter().filter(|run| !run.state.is_open()).count();
        if stopped > STOPPED
            && let Some(at) = self.runs.iter().position(|run| !run.state.is_open())
        {
            self.runs.remove(at);
        }
    }

    pub(super) fn remove(&mut self, id: RunId) {
        self.runs.retain(|run| run.id != id);
        self.stop_clock(id);
        self.follow(None);
        self.followed = self.followed.or(Some(id));
    }

    /// Once the followed run runs no more, the one of the others that began last takes its place.
    fn follow(&mut self, begun: Option<RunId>) {
        if self.asked.take_if(|asked| Some(*asked) == begun).is_some() {
            self.followed = begun;
        } else if !self.followed.is_some_and(|id| self.is_running(id)) {
            let newest = self.progress.iter().rev().map(|progress| progress.run).find(|id| self.is_running(*id));
            self.followed = newest.or(self.followed);
        }
    }

    /// The engine is gone: what ran waits for the next one.
    pub(super) fn cut(&mut self) {
        self.drag = None;
        self.progress.clear();
        for run in self.runs.iter_mut().filter(|run| run.state == State::Running) {
            run.state = State::Queued;
        }
    }

    /// A run's clock must not go on from here, should it be queued again.
    fn stop_clock(&mut self, id: RunId) {
        self.progress.retain(|progress| progress.run != id);
    }

    pub(super) fn loads(&mut self, id: RunId, loading: Loading) {
        if let Some(progress) = self.progress.iter_mut().find(|progress| progress.run == id) {
            progress.loading = Some(loading);
        }
    }

    pub(super) fn step(&mut self, id: RunId, index: u32, of: u32, (t, ms): (u32, f64), now_ms: i64) {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id && run.state == State::Running) else { return };
        run.step = index.saturating_add(1);
        run.of = of;
        let Some(progress) = self.progress.iter_mut().find(|progress| progress.run == id) else { return };
        match progress.seen {
            // It may hold the loading of the model.
            0 => {}
            // A terminal that comes late reckons back to the beginning.
            1 => (progress.pace, progress.begun_ms) = (ms, now_ms.saturating_sub((ms * f64::from(index) + ms) as i64)),
            _ => progress.pace += 0.2 * (ms - progress.pace),
        }
        progress.loading = None;
        (progress.t, progress.ms, progress.seen) = (t, ms, progress.seen.saturating_add(1));
    }
}
