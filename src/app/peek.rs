//! The run of a sweep's cell gets the screen, and the table comes back behind it: in the gallery where it was opened there, or
//! else in the preview.

use super::gallery::Aside;
use super::keys::Action;
use super::{App, Focus, Sweep, Tone};
use crate::recipe::{RunId, State};

/// What a table was opened from.
pub(super) enum Before {
    /// What had the focus, and what was looked at.
    Workbench(Focus, Option<RunId>),
    Gallery(Aside),
}

impl Sweep {
    /// The nearest finished cell in a direction, or the last one there.
    fn beside(&self, action: Action) -> Option<usize> {
        let cells = &self.table.as_ref()?.cells;
        let mut done = (0..cells.len()).filter(|at| cells[*at].state == Some(State::Done));
        match action {
            Action::Left => done.rfind(|at| *at < self.at),
            Action::Right => done.find(|at| *at > self.at),
            Action::First => done.next(),
            _ => done.next_back(),
        }
    }
}

impl App {
    pub(super) fn before_table(&self) -> Before {
        match self.gallery.open {
            true => Before::Gallery(self.gallery.aside()),
            false => Before::Workbench(self.focus, self.pinned),
        }
    }

    pub(super) fn look_at_cell(&mut self) {
        let Some(cell) = self.sweep.as_ref().and_then(Sweep::cell) else { return };
        match (self.run(cell.run).is_some(), cell.state) {
            (_, None) => self.say(Tone::Plain, format!("{} was deleted.", cell.run)),
            // In the gallery, too, it is seen how it comes to be.
            (true, _) => self.peek(cell.run),
            (false, Some(State::Done)) => {
                self.sweep.iter_mut().for_each(|sweep| sweep.opening = Some(cell.run));
                self.invite(cell.run);
            }
            (false, Some(state)) => {
                let text = format!("{} is {}, and the queue's list has it no more.", cell.run, state.word());
                self.say(Tone::Plain, text);
            }
        }
    }

    /// The run of a cell gets the screen.
    fn peek(&mut self, run: RunId) {
        if let Some(sweep) = &mut self.sweep {
            (sweep.peeking, sweep.opening) = (true, None);
        }
        if self.gallery.open {
            return self.open_alone(run);
        }
        self.pin(Some(run));
        self.go(Focus::Preview);
        self.large = true;
    }

    /// Whether the gallery shows the run of a cell.
    pub(super) fn peeks(&self) -> bool {
        self.gallery.open && self.sweep.as_ref().is_some_and(|sweep| sweep.peeking)
    }

    /// From the run of a cell to that of another.
    pub(super) fn peek_beside(&mut self, action: Action) {
        let Some(sweep) = &mut self.sweep else { return };
        if let Some(at) = sweep.beside(action) {
            sweep.at = at;
            self.look_at_cell();
        }
    }

    /// Back to the table that the run was opened from.
    pub(super) fn end_peek(&mut self) {
        self.large = false;
        let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.peeking) else { return };
        sweep.peeking = false;
        match &sweep.before {
            Before::Gallery(aside) => self.gallery.take_up(aside.clone()),
            Before::Workbench(focus, pinned) => {
                let pinned = *pinned;
                (self.focus, self.editing) = (*focus, false);
                self.pin(pinned);
            }
        }
    }

    /// What must hold after every input: who has left a cell's picture another way has left the table, too.
    pub(super) fn settle_table(&mut self) {
        let stays = if self.gallery.open { self.gallery.single.is_some() } else { self.large };
        self.sweep.take_if(|sweep| sweep.peeking && !stays);
        // The run of the cell was deleted.
        if self.peeks() && self.gallery.single.as_ref().is_some_and(|single| single.path.is_empty()) {
            self.end_peek();
        }
        let opening = self.sweep.as_ref().and_then(|sweep| sweep.opening);
        if let Some(run) = opening.filter(|run| self.run(*run).is_some()) {
            self.peek(run);
        }
    }
}
