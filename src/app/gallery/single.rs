//! One run of the gallery, and the way from it to its relatives and back.

use super::{Gallery, OnGallery};
use crate::app::keys::Action;
use crate::app::{App, Effect, Engine};
use crate::link::Command;
use crate::recipe::{Kin, Relative, RunId};

/// The lines that a page key scrolls.
const SCROLL: u16 = 5;

/// The run that has the whole screen.
#[derive(Clone, Default)]
pub struct Single {
    /// The relatives that were gone to one after the other from the selected run; the last is shown.
    pub path: Vec<RunId>,
    /// The relation that is selected.
    pub relation: usize,
    pub(super) scroll: u16,
    /// The relative that is gone to once it is here.
    pub(super) awaited: Option<RunId>,
    kin: Option<(RunId, Kin)>,
    asked: Option<(u32, RunId)>,
}

/// How a run belongs to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is a cell of the sweep that this run names.
    Sweep(RunId),
    /// It was made from this one.
    From(Relative),
    /// This one was made from it.
    Made(Relative),
}

impl Single {
    /// What was asked for does not come.
    pub(super) fn forget(&mut self) {
        (self.asked, self.awaited) = (None, None);
    }
}

impl Gallery {
    /// The relatives of the run that has the screen; none before they are known.
    pub fn relations(&self) -> Option<Vec<Relation>> {
        let (single, run) = (self.single.as_ref()?, self.picked()?);
        let (_, kin) = single.kin.as_ref().filter(|(whose, _)| *whose == run.id)?;
        let from = kin.from.iter().copied().map(Relation::From);
        let made = kin.made.iter().copied().map(Relation::Made);
        Some(run.grid.map(Relation::Sweep).into_iter().chain(from).chain(made).collect())
    }
}

impl App {
    /// The selected run gets the whole screen.
    pub(super) fn open_single(&mut self) {
        if self.gallery.picked().is_some() {
            self.gallery.filter.typing = false;
            self.gallery.single = Some(Single::default());
            self.alone = None;
        }
    }

    pub(super) fn step_single(&mut self, action: Action) {
        let (at, relations) = (self.gallery.at, self.gallery.relations().map_or(0, |all| all.len()));
        let scrolled = self.gallery.scrolled();
        let peeks = self.peeks();
        let Some(single) = &mut self.gallery.single else { return };
        match action {
            Action::Up => single.relation = single.relation.saturating_sub(1),
            Action::Down => single.relation = (single.relation + 1).min(relations.saturating_sub(1)),
            Action::PageUp => single.scroll = scrolled.saturating_sub(SCROLL),
            Action::PageDown => single.scroll = scrolled.saturating_add(SCROLL),
            Action::Left | Action::Right | Action::First | Action::Last if peeks => self.peek_beside(action),
            Action::Left => self.neighbour(at.saturating_sub(1)),
            Action::Right => self.neighbour(at + 1),
            Action::First => self.neighbour(0),
            _ => self.neighbour(u64::MAX),
        }
    }

    /// Another run of the order, from wherever one has come.
    fn neighbour(&mut self, place: u64) {
        self.gallery.go(place);
        self.show_other(|path| path.clear());
    }

    /// Another run is shown: nothing that belongs to the last one stays.
    pub(super) fn show_other(&mut self, change: impl FnOnce(&mut Vec<RunId>)) {
        self.alone = None;
        if let Some(single) = &mut self.gallery.single {
            change(&mut single.path);
            (single.relation, single.scroll, single.awaited) = (0, 0, None);
        }
    }

    /// Back the way one came, or to the grid.
    pub(super) fn back_from_single(&mut self) {
        match self.gallery.single.as_ref().map_or(0, |single| single.path.len()) {
            0 => {
                self.gallery.single = None;
                self.alone = None;
            }
            1 if self.peeks() => self.end_peek(),
            length => self.show_other(|path| path.truncate(length - 1)),
        }
    }

    /// A run from anywhere gets the screen.
    pub(in crate::app) fn open_alone(&mut self, id: RunId) {
        self.invite(id);
        self.gallery.single.get_or_insert_default();
        self.show_other(|path| *path = vec![id]);
    }

    /// To a relative.
    pub(in crate::app) fn open_relation(&mut self, at: Option<usize>) {
        let Some(relations) = self.gallery.relations() else { return };
        let Some(single) = &mut self.gallery.single else { return };
        single.relation = at.unwrap_or(single.relation).min(relations.len().saturating_sub(1));
        let relative = match relations.get(single.relation) {
            Some(Relation::Sweep(_)) => return self.on_gallery(OnGallery::Table),
            Some(Relation::From(relative) | Relation::Made(relative)) => relative.run,
            None => return,
        };
        single.awaited = Some(relative);
        self.invite(relative);
    }

    /// What must hold after every input: a relative that is known has the screen.
    pub(in crate::app) fn settle_single(&mut self) {
        let awaited = self.gallery.single.as_ref().and_then(|single| single.awaited);
        if let Some(run) = awaited.and_then(|id| self.run(id)).cloned() {
            let id = run.id;
            self.host(run);
            self.show_other(|path| path.push(id));
        }
    }

    /// Runs that are gone are not shown any more.
    pub(super) fn leave_singles(&mut self, gone: &[RunId]) {
        let path = self.gallery.single.iter().flat_map(|single| &single.path);
        if path.copied().chain(self.gallery.picked_id()).any(|id| gone.contains(&id)) {
            self.show_other(|path| path.retain(|id| !gone.contains(id)));
        }
    }

    /// Asks for the relatives of the run that has the screen, one question at a time. Called after every input.
    pub(in crate::app) fn ask_for_kin(&mut self) {
        let Some(run) = self.gallery.picked_id().filter(|_| matches!(self.engine, Engine::Up { .. })) else { return };
        let known = |single: &Single| single.asked.is_some() || single.kin.as_ref().is_some_and(|(whose, _)| *whose == run);
        if self.gallery.single.as_ref().is_none_or(known) {
            return;
        }
        let ticket = self.ticket();
        self.gallery.single.iter_mut().for_each(|single| single.asked = Some((ticket, run)));
        self.effects.push(Effect::Send(Command::Kin { ticket, run }));
    }

    pub(in crate::app) fn kin_came(&mut self, ticket: u32, kin: Kin) {
        let Some(single) = &mut self.gallery.single else { return };
        if let Some((_, run)) = single.asked.take_if(|(asked, _)| *asked == ticket) {
            single.kin = Some((run, kin));
        }
    }

    /// Of a run whose relatives cannot be told none are shown.
    pub(super) fn kin_failed(&mut self, ticket: u32) {
        self.kin_came(ticket, Kin::default());
    }
}
