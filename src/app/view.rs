//! What is looked at: which run, which of its pictures.

use super::{App, Engine, Focus, Inspector, LARGE, Schedule, Source, Wide};
use crate::recipe::{Run, RunId, State};

/// A training of more epochs than this has its newest samples in the preview, and not those of every epoch.
const SHEETS: usize = 25;

impl App {
    /// The run in the preview.
    pub fn on_view(&self) -> Option<&Run> {
        match self.pinned {
            Some(id) => self.run(id),
            None => self.queue.followed.and_then(|id| self.run(id)).or(self.history.runs.first()),
        }
    }

    /// A run that this terminal knows of.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.queue.runs.iter().chain(&self.history.runs).find(|run| run.id == id)
    }

    /// The training that is watched, or else the run that the queue has selected, or else the one on view.
    pub fn selected(&self) -> Option<&Run> {
        match self.focus {
            _ if self.watch.is_some() => self.watched(),
            Focus::Queue => self.queue.selected().or_else(|| self.on_view()),
            _ => self.on_view(),
        }
    }

    /// The pictures that the preview shows, side by side: one live frame, or what was kept.
    pub fn view(&self) -> Vec<Source> {
        let Some(run) = self.on_view() else { return Vec::new() };
        if let Some(layer) = self.inside() {
            return vec![layer];
        }
        let kept = self.view_needs();
        if !kept.is_empty() && kept.iter().all(|source| self.pictures.get(*source).is_some()) {
            return kept;
        }
        match self.pictures.newest(run.id) {
            // Until the kept picture is here the last frame stands for it.
            Some(frame) => vec![frame],
            None if matches!(self.engine, Engine::Up { .. }) => kept,
            // Nobody will send it, and the picture of another run must not stay.
            None => Vec::new(),
        }
    }

    /// The kept pictures that [`App::view`] waits for.
    pub fn view_needs(&self) -> Vec<Source> {
        let shows = |run: &&Run| run.state == State::Done && self.inside().is_none() && self.watch.is_none();
        let Some(run) = self.on_view().filter(shows) else { return Vec::new() };
        let indexes = match self.alone {
            Some(index) => index..index + 1,
            None if run.recipe.training().is_some() && run.recipe.pictures() > SHEETS => {
                let count = run.recipe.pictures() as u32;
                count - 1..count
            }
            None => 0..run.recipe.pictures() as u32,
        };
        indexes.map(|index| Source::Kept { run: run.id, index, side: LARGE }).collect()
    }

    /// The run whose frames are seen as they come: it develops or will, and is on the screen. A single step is over before one could
    /// ask for its frame.
    pub(super) fn live(&self) -> Option<RunId> {
        let seen = match &self.watch {
            Some(watch) => self.watched().filter(|_| watch.wide != Wide::Samples),
            None => self.on_view().filter(|_| self.inside().is_none()),
        };
        let comes = |run: &&Run| matches!(run.state, State::Running | State::Queued | State::Paused);
        seen.filter(comes).map(|run| run.id)
    }

    /// The layer of a step that is looked at.
    fn inside(&self) -> Option<Source> {
        self.inspector.as_ref().and_then(Inspector::source)
    }

    /// Whether a finished run's recipe takes the place of the form.
    pub fn shows_recipe(&self) -> bool {
        self.large || matches!(self.focus, Focus::History | Focus::Preview) && self.pinned.is_some()
    }

    /// The schedule that the preview draws: of the form that is being edited, while nothing else is to be seen there.
    pub fn shows_schedule(&self) -> Option<&Schedule> {
        let free = self.focus.is_field() && self.form.changed && self.pinned.is_none() && self.queue.current().is_none();
        self.form.plan.as_ref().ok()?.schedule.as_ref().filter(|_| free)
    }
}
