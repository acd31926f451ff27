//! The characters of the screen: what they should be, and what the terminal shows.
//!
//! ratatui writes all that has changed at once. Here any part of it can be written before the rest: a key's change
//! before a picture's, and a picture in as many parts as the link needs.

use crate::preview::weight;
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::{Buffer, Cell},
    layout::{Position, Rect},
};
use std::io;
use unicode_width::UnicodeWidthStr;

/// Stands where nobody knows what the terminal shows: a code that no text has.
const UNKNOWN: Cell = Cell::new("\u{10ffff}");

/// The characters of the screen.
#[derive(Debug, Default)]
pub struct Canvas {
    shown: Buffer,
    wanted: Buffer,
    /// Where a key has changed what is wanted, a place a character.
    keyed: Vec<bool>,
    cursor: Option<Position>,
    cursor_shown: Option<Option<Position>>,
}

impl Canvas {
    /// What the screen should be from now on. What differs from before is a key's doing, or it is not.
    pub fn want(&mut self, next: &Buffer, cursor: Option<Position>, keyed: bool) {
        if next.area != self.wanted.area {
            // Of the first screen nobody waits for anything but the whole.
            let first = self.wanted.area.is_empty();
            self.wanted = next.clone();
            self.forget();
            self.keyed.fill(first);
        } else {
            for ((old, new), key) in self.wanted.content.iter_mut().zip(&next.content).zip(&mut self.keyed) {
                if old != new {
                    *key |= keyed;
                    old.clone_from(new);
                }
            }
        }
        self.cursor = cursor;
    }

    /// Nobody knows what the terminal shows.
    pub fn forget(&mut self) {
        self.shown = Buffer::filled(self.wanted.area, UNKNOWN);
        self.keyed = vec![false; self.wanted.content.len()];
        self.cursor_shown = None;
    }

    /// What was here is under something else, or was erased.
    pub fn cover(&mut self, area: Rect) {
        for position in area.intersection(self.shown.area).positions() {
            self.shown[position] = UNKNOWN;
        }
    }

    /// Whether the terminal shows what is wanted in an area.
    pub fn is_shown(&self, area: Rect) -> bool {
        self.shown.diff_iter(&self.wanted).all(|(x, y, _)| !area.contains(Position { x, y }))
    }

    /// Whether it shows all that is wanted.
    pub fn is_done(&self) -> bool {
        self.cursor_shown == Some(self.cursor) && self.shown.diff_iter(&self.wanted).next().is_none()
    }

    /// The places to write that a key has changed, as far as they are chosen.
    pub fn keyed(&self, chosen: impl Fn(Position, &Cell) -> bool) -> Vec<Position> {
        let keyed = |at: Position| self.keyed.get(self.wanted.index_of(at.x, at.y)).is_some_and(|keyed| *keyed);
        self.pick(|at, cell| keyed(at) && chosen(at, cell), usize::MAX)
    }

    /// The next places to write that are chosen, as many as cost so many bytes.
    pub fn pick(&self, chosen: impl Fn(Position, &Cell) -> bool, bytes: usize) -> Vec<Position> {
        self.pick_from(Position::ORIGIN, chosen, bytes)
    }

    /// The same, from a place on to the end, and then from the head: what changes all the time must not come before
    /// everything that is below it.
    pub fn pick_from(&self, from: Position, chosen: impl Fn(Position, &Cell) -> bool, bytes: usize) -> Vec<Position> {
        let mut left = bytes;
        let mut last: Option<(Position, &Cell)> = None;
        let mut places = Vec::new();
        let part = |later: bool| self.shown.diff_iter(&self.wanted).filter(move |(x, y, _)| ((*y, *x) >= (from.y, from.x)) == later);
        for (x, y, cell) in part(true).chain(part(false)).filter(|(x, y, cell)| chosen(Position { x: *x, y: *y }, cell)) {
            let follows = last.filter(|(at, _)| at.y == y && at.x + 1 == x).map(|(_, cell)| cell);
            let Some(rest) = left.checked_sub(weight(follows, cell)) else { break };
            left = rest;
            last = Some((Position { x, y }, cell));
            places.push(Position { x, y });
        }
        places
    }

    /// Writes these places.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, places: &[Position], out: &mut Vec<u8>) -> io::Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        CrosstermBackend::new(&mut *out).draw(places.iter().map(|at| (at.x, at.y, &self.wanted[*at])))?;
        for at in places {
            // A wide character stands in the places behind it, too.
            let width = self.wanted[*at].symbol().width().max(1) as u16;
            for x in at.x..at.x.saturating_add(width).min(self.wanted.area.right()) {
                let index = self.wanted.index_of(x, at.y);
                self.shown.content[index] = self.wanted.content[index].clone();
                self.keyed[index] = false;
            }
        }
        // Writing has moved it.
        self.cursor_shown = self.cursor_shown.filter(Option::is_none);
        Ok(())
    }

    /// Puts the cursor where it belongs.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_cursor(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.cursor_shown == Some(self.cursor) {
            return Ok(());
        }
        let mut backend = CrosstermBackend::new(out);
        match self.cursor {
            Some(at) => backend.set_cursor_position(at).and_then(|()| backend.show_cursor())?,
            None => backend.hide_cursor()?,
        }
        self.cursor_shown = Some(self.cursor);
        Ok(())
    }

    /// Something else was written, and the cursor moved with it.
    pub fn cursor_moved(&mut self) {
        self.cursor_shown = self.cursor_shown.filter(Option::is_none);
    }
}

#[cfg(test)]
#[path = "canvas_tests.rs"]
mod tests;
