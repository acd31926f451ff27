//! Runs that are looked at though no list has read as far back as them: relatives, marked runs, cells of an old sweep.

use crate::app::{App, Tone};
use crate::recipe::{Run, RunId};
use std::collections::VecDeque;

/// The most that stay.
const MOST: usize = 64;

/// Those that are here, and those that are asked for.
#[derive(Default)]
pub struct Guests {
    /// The last one to come at the end.
    runs: Vec<Run>,
    /// One after the other: of several questions the engine would answer the last alone.
    awaited: VecDeque<RunId>,
}

impl Guests {
    /// Those that are here.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }

    /// Whether it is asked for, and the engine has not answered.
    pub fn is_awaited(&self, id: RunId) -> bool {
        self.awaited.contains(&id)
    }

    /// The one to ask for next.
    pub(super) fn next(&self) -> Option<RunId> {
        self.awaited.front().copied()
    }

    /// It has come, or does not.
    pub(super) fn answered(&mut self, id: RunId) {
        self.awaited.retain(|awaited| *awaited != id);
    }

    /// Another than it was.
    pub(in crate::app) fn change(&mut self, run: &Run) {
        self.runs.iter_mut().filter(|known| known.id == run.id).for_each(|known| known.clone_from(run));
    }

    pub(super) fn remove(&mut self, gone: &[RunId]) {
        self.runs.retain(|run| !gone.contains(&run.id));
    }

    /// Holds on to a run that may leave the lists. Those in `needed` are not let go of.
    fn take_in(&mut self, run: Run, needed: &[RunId]) {
        self.runs.retain(|known| known.id != run.id);
        self.runs.push(run);
        if self.runs.len() > MOST
            && let Some(at) = self.runs.iter().position(|known| !needed.contains(&known.id))
        {
            self.runs.remove(at);
        }
    }
}

impl App {
    /// Keeps a run known, whatever the lists forget; asks for it where it is not known at all.
    pub(in crate::app) fn invite(&mut self, id: RunId) {
        match self.run(id).cloned() {
            Some(run) => self.host(run),
            None if self.gallery.guests.is_awaited(id) => {}
            None => self.gallery.guests.awaited.push_back(id),
        }
    }

    /// Holds on to a run for as long as it is marked, looked at or on the way back.
    pub(in crate::app) fn host(&mut self, run: Run) {
        let path = self.gallery.single.iter().flat_map(|single| &single.path);
        let needed: Vec<_> = path.chain(&self.marked).chain(&self.pinned).copied().collect();
        self.gallery.guests.take_in(run, &needed);
    }

    /// A run that was asked for, or the word that there is none.
    pub(super) fn guest_came(&mut self, id: RunId, runs: Vec<Run>) {
        self.gallery.guests.answered(id);
        match runs.into_iter().find(|run| run.id == id) {
            Some(run) => self.host(run),
            None if self.stop_waiting(id) => {
                self.say(Tone::Warning, format!("{id} is not in the gallery: it is in the trash, or did not end well."));
            }
            None => {}
        }
    }

    /// A run that does not come gets the screen nowhere. Whether it was to.
    pub(super) fn stop_waiting(&mut self, id: RunId) -> bool {
        let single = self.gallery.single.as_mut().and_then(|single| single.awaited.take_if(|awaited| *awaited == id));
        let cell = self.sweep.as_mut().and_then(|sweep| sweep.opening.take_if(|opening| *opening == id));
        single.or(cell).is_some()
    }
}
