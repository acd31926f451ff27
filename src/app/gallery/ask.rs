//! What the gallery screen asks the engine for: one request at a time. What is wished for is looked at again when it is
//! answered, so that over a slow link no answers come that nobody needs any more.

use super::{Gallery, Pages};
use crate::app::{App, Effect, Engine, Tone};
use crate::link::Command;
use crate::recipe::{Run, RunId};
use std::ops::Range;

/// After so many milliseconds without an answer another request may go out.
const PATIENCE_MS: i64 = 10_000;
/// The most runs of one request.
const MOST: u64 = 200;

/// A request that is under way.
pub(super) struct Asked {
    ticket: u32,
    at_ms: i64,
    wish: Wish,
}

/// What is wished for.
enum Wish {
    /// The beginning of another order: of what this filter lets through.
    Search(String),
    /// A run, wherever it is.
    One(RunId),
    /// These places, where the order may be another by now.
    Again(Range<u64>),
    /// These places, which are not here.
    Places(Range<u64>),
}

impl Gallery {
    /// What is missing most.
    fn wish(&self) -> Option<Wish> {
        if let Some(id) = self.guests.next() {
            return Some(Wish::One(id));
        }
        let (typed, sight, screen) = (self.filter.text(), self.sight(), self.screen());
        if !self.open || screen == 0 {
            return None;
        }
        let is_shown = self.pages.total().is_some() && typed == self.filter.shown;
        if !is_shown && self.filter.refused.as_ref() != Some(&typed) {
            return Some(Wish::Search(typed));
        }
        if self.stuck || self.pages.total().is_none() {
            return None;
        }
        // A row more, so that the selected run is found again where others came in before it.
        let row = u64::from(self.fits.columns);
        let around = |by: u64| sight.start.saturating_sub(by)..sight.end + by;
        if self.stale {
            return Some(Wish::Again(around(row)));
        }
        self.pages
            .gap(sight.clone())
            .or_else(|| self.pages.gap(sight.end..sight.end + screen))
            .or_else(|| self.pages.gap(around(screen)))
            .map(Wish::Places)
    }

    pub(super) fn forget_asked(&mut self) {
        self.asked = None;
    }
}

impl App {
    /// Asks for what is missing most, unless an answer is under way. Called after every input.
    pub(in crate::app) fn ask_for_runs(&mut self) {
        let waits = |asked: &Asked| (0..PATIENCE_MS).contains(&self.now_ms.saturating_sub(asked.at_ms));
        if self.gallery.asked.as_ref().is_some_and(waits) || !matches!(self.engine, Engine::Up { .. }) {
            return;
        }
        let (sight, screen) = (self.gallery.sight(), self.gallery.screen());
        self.gallery.pages.keep(&(sight.start.saturating_sub(2 * screen)..sight.end + 2 * screen));
        let Some(wish) = self.gallery.wish() else { return };
        let ticket = self.ticket();
        let shown = &self.gallery.filter.shown;
        let (filter, from, limit) = match &wish {
            Wish::Search(filter) => (filter.clone(), 0, screen),
            Wish::One(id) => (format!("run:{id}"), 0, 1),
            Wish::Again(places) | Wish::Places(places) => (shown.clone(), places.start, places.end - places.start),
        };
        self.gallery.stale &= !matches!(wish, Wish::Again(_));
        self.gallery.asked = Some(Asked { ticket, at_ms: self.now_ms, wish });
        let (utc_offset_s, limit) = (self.log.utc_offset_s(), limit.min(MOST) as u32);
        self.effects.push(Effect::Send(Command::Find { ticket, filter, utc_offset_s, from, limit }));
    }

    /// Runs came. An answer to another question than the last is of no use any more.
    pub(in crate::app) fn found(&mut self, ticket: u32, from: u64, (runs, total): (Vec<Run>, u64)) {
        let gallery = &mut self.gallery;
        let Some(asked) = gallery.asked.take_if(|asked| asked.ticket == ticket) else { return };
        match asked.wish {
            Wish::Search(filter) => {
                gallery.filter.answered(filter);
                gallery.pages = Pages::default();
                gallery.pages.put(from, runs, total);
                gallery.returning = None;
                gallery.go(0);
            }
            Wish::One(id) => return self.guest_came(id, runs),
            Wish::Again(_) => {
                gallery.pages = Pages::default();
                gallery.pages.put(from, runs, total);
                gallery.hold();
                gallery.returning = None;
            }
            Wish::Places(_) => {
                gallery.pages.put(from, runs, total);
                gallery.hold();
            }
        }
        self.notes_came();
    }

    /// What was asked for with this ticket could not be done.
    pub(in crate::app) fn gallery_failed(&mut self, ticket: u32, text: &str) {
        self.kin_failed(ticket);
        let gallery = &mut self.gallery;
        let Some(asked) = gallery.asked.take_if(|asked| asked.ticket == ticket) else { return };
        match asked.wish {
            Wish::Search(filter) => gallery.filter.refuse(filter, text),
            Wish::One(id) => {
                gallery.guests.answered(id);
                self.stop_waiting(id);
                self.say(Tone::Bad, text.to_owned());
            }
            Wish::Again(_) | Wish::Places(_) => {
                gallery.stuck = true;
                self.say(Tone::Bad, text.to_owned());
            }
        }
    }

    /// The link is cut, or there again: what was asked for does not come.
    pub(in crate::app) fn gallery_cut(&mut self) {
        let gallery = &mut self.gallery;
        gallery.forget_asked();
        gallery.filter.refused = None;
        (gallery.stale, gallery.stuck) = (gallery.pages.total().is_some(), false);
        gallery.leaving.clear();
        gallery.single.iter_mut().for_each(super::Single::forget);
    }
}
