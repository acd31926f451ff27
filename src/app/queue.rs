//! The runs that are not finished: waiting, running, stopped.

use crate::recipe::{Run, RunId, State};

/// The most stopped runs that stay in the list.
const STOPPED: usize = 50;

/// How a running run moves.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

/// The list and the selected run.
#[derive(Default)]
pub struct Queue {
    /// In the order of the queue.
    pub runs: Vec<Run>,
    /// The last that began.
    pub latest: Option<RunId>,
    /// How it moves.
    pub progress: Option<Progress>,
    selected: Option<RunId>,
}

impl Queue {
    /// A run in the list.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// The run that is being computed.
    pub fn running(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.state == State::Running)
    }

    /// The run that was selected, or else the one that is running, or else the first.
    pub fn selected(&self) -> Option<&Run> {
        self.selected.and_then(|id| self.get(id)).or_else(|| self.running()).or(self.runs.first())
    }

    /// How many milliseconds the running run still takes.
    pub fn left_ms(&self) -> Option<f64> {
        let progress = self.progress.filter(|progress| progress.pace > 0.0)?;
        let run = self.get(progress.run).filter(|run| run.state == State::Running)?;
        Some(progress.pace * f64::from(run.of.saturating_sub(run.step)))
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
        self.runs.clear();
        for run in runs.into_iter().filter(|run| run.state != State::Done) {
            self.stands(run, now_ms);
        }
    }

    pub(super) fn stands(&mut self, run: Run, now_ms: i64) {
        if run.state == State::Running && self.progress.is_none_or(|progress| progress.run != run.id) {
            self.latest = Some(run.id);
            self.progress = Some(Progress { run: run.id, t: 0, ms: 0.0, seen: 0, pace: 0.0, begun_ms: now_ms });
        } else if run.state != State::Running {
            self.stop_clock(run.id);
        }
        match self.runs.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => self.runs.push(run),
        }
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
        self.latest = self.latest.filter(|latest| *latest != id).or(Some(id));
    }

    /// The engine is gone: what ran waits for the next one.
    pub(super) fn cut(&mut self) {
        self.progress = None;
        for run in self.runs.iter_mut().filter(|run| run.state == State::Running) {
            run.state = State::Queued;
        }
    }

    /// A run's clock must not go on from here, should it be queued again.
    fn stop_clock(&mut self, id: RunId) {
        self.progress = self.progress.filter(|progress| progress.run != id);
    }

    pub(super) fn step(&mut self, id: RunId, index: u32, of: u32, (t, ms): (u32, f64), now_ms: i64) {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id && run.state == State::Running) else { return };
        run.step = index.saturating_add(1);
        run.of = of;
        let Some(progress) = self.progress.as_mut().filter(|progress| progress.run == id) else { return };
        match progress.seen {
            // It may hold the loading of the model.
            0 => {}
            // A terminal that comes late reckons back to the beginning.
            1 => (progress.pace, progress.begun_ms) = (ms, now_ms.saturating_sub((ms * f64::from(index) + ms) as i64)),
            _ => progress.pace += 0.2 * (ms - progress.pace),
        }
        (progress.t, progress.ms, progress.seen) = (t, ms, progress.seen.saturating_add(1));
    }
}
