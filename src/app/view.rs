//! What is looked at: which run, which of its pictures.

use super::{App, Compare, Drawing, Engine, Focus, Inspector, LARGE, Schedule, Source, Sweep, Watch, Wide};
use crate::recipe::{Run, RunId, State};

/// A training of more epochs than this has its newest samples in the preview, and not those of every epoch.
const SHEETS: usize = 25;

/// What has the whole screen.
#[derive(Clone, Copy)]
#[allow(missing_docs)] // Each names itself.
pub enum Shows<'a> {
    Easel(&'a Drawing),
    Compare(&'a Compare),
    Table(&'a Sweep),
    Training(&'a Watch),
    Gallery,
    Workbench,
}

impl App {
    /// What has the screen: of those that are open the one on top.
    pub fn shows(&self) -> Shows<'_> {
        match (&self.easel.open, &self.compare, self.shown_table(), &self.watch) {
            (Some(drawing), ..) => Shows::Easel(drawing),
            (_, Some(compare), ..) => Shows::Compare(compare),
            (_, _, Some(sweep), _) => Shows::Table(sweep),
            (.., Some(watch)) => Shows::Training(watch),
            _ if self.gallery.open => Shows::Gallery,
            _ => Shows::Workbench,
        }
    }

    /// The run in the preview.
    pub fn on_view(&self) -> Option<&Run> {
        match self.pinned {
            // The queue knows better than the gallery how far a run is.
            _ if self.gallery.open => self.gallery.single.as_ref().and(self.gallery.picked_id()).and_then(|id| self.run(id)),
            Some(id) => self.run(id),
            None => self.queue.followed.and_then(|id| self.run(id)).or(self.history.runs.first()),
        }
    }

    /// A run that this terminal knows of.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        let known = self.queue.runs.iter().chain(&self.history.runs).find(|run| run.id == id);
        known.or_else(|| self.gallery.get(id))
    }

    /// The run that keys mean: the one that the open screen has selected, or the queue, or else the one on view.
    pub fn selected(&self) -> Option<&Run> {
        match self.shows() {
            Shows::Compare(_) => self.shown_in_comparison(),
            Shows::Table(_) => self.run_of_cell(),
            Shows::Training(_) => self.watched(),
            Shows::Gallery => self.gallery.picked_id().and_then(|id| self.run(id)),
            Shows::Workbench if self.focus == Focus::Queue => self.queue.selected().or_else(|| self.on_view()),
            Shows::Easel(_) | Shows::Workbench => self.on_view(),
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
        match self.shows() {
            Shows::Compare(_) => return self.compared_pictures().into_iter().flatten().collect(),
            Shows::Table(_) => return Vec::new(),
            _ => {}
        }
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
        let seen = match self.shows() {
            // Finished runs alone are on the screen.
            Shows::Compare(_) | Shows::Table(_) => None,
            Shows::Training(watch) => self.watched().filter(|_| watch.wide != Wide::Samples),
            _ => self.on_view().filter(|_| self.inside().is_none()),
        };
        let comes = |run: &&Run| matches!(run.state, State::Running | State::Queued | State::Paused);
        seen.filter(comes).map(|run| run.id)
    }

    /// The layer of a step that is looked at.
    fn inside(&self) -> Option<Source> {
        self.inspector.as_ref().filter(|_| !self.gallery.open).and_then(Inspector::source)
    }

    /// Whether a finished run's recipe takes the place of the form.
    pub fn shows_recipe(&self) -> bool {
        self.large || matches!(self.focus, Focus::History | Focus::Preview) && self.pinned.is_some()
    }

    /// The schedule that the preview draws: of the form that is being edited, while nothing else is to be seen there.
    pub fn shows_schedule(&self) -> Option<&Schedule> {
        let free =
            self.focus.is_field() && self.form.changed && self.pinned.is_none() && self.queue.current().is_none() && !self.gallery.open;
        self.form.plan.as_ref().ok()?.schedule.as_ref().filter(|_| free)
    }
}
