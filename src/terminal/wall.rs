//! The pictures in pixels that the terminal shows, each written piece by piece over blank characters.

use super::canvas::Canvas;
use crate::preview::{Print, Slot, abandon, forget};
use crossterm::{cursor::MoveTo, queue};
use ratatui::{
    buffer::Cell,
    layout::{Position, Rect},
};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// A picture and where it belongs.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Whose place it is.
    pub slot: Slot,
    /// The characters that it fills.
    pub area: Rect,
    /// What is written for it.
    pub print: Arc<Print>,
}

impl Spot {
    fn is(&self, other: &Spot) -> bool {
        self.area == other.area && Arc::ptr_eq(&self.print, &other.print)
    }
}

/// What hangs, and what is being hung.
#[derive(Debug, Default)]
pub struct Wall {
    /// Wrapped for tmux.
    pub tmux: bool,
    wanted: Vec<Spot>,
    hung: HashMap<Slot, Spot>,
    /// A picture of which so many pieces are written.
    hanging: Option<(Spot, usize)>,
}

impl Wall {
    /// The pictures that belong on the screen, most wanted first.
    pub fn want(&mut self, spots: Vec<Spot>) {
        self.wanted = spots;
    }

    /// The terminal has forgotten all of them. What ends one that was half sent, see [`Wall::interrupt`].
    pub fn forget(&mut self) -> String {
        self.hung.clear();
        self.interrupt()
    }

    /// Gives up a picture that is half sent: nothing else of kitty's protocol may come between its chunks. What tells
    /// the terminal; it is sent again from its beginning.
    pub fn interrupt(&mut self) -> String {
        let sent = self.hanging.take().filter(|(spot, pieces)| spot.print.id != 0 && *pieces > 0);
        sent.map_or_else(String::new, |(spot, _)| abandon(spot.print.id, self.tmux))
    }

    /// Whether this character is a picture's, and not of something that lies over it.
    pub fn holds(&self, at: Position, cell: &Cell) -> bool {
        let own = |spot: &Spot| {
            let cells = spot.print.cells.as_ref()?;
            Some(cells.cell((at.x.checked_sub(spot.area.x)?, at.y.checked_sub(spot.area.y)?))?.symbol() == cell.symbol())
        };
        self.wanted.iter().any(|spot| spot.area.contains(at) && own(spot) == Some(true))
    }

    /// The picture of a slot, where it is wanted.
    pub fn wanted(&self, slot: Slot) -> Option<&Spot> {
        self.wanted.iter().find(|spot| spot.slot == slot)
    }

    /// Whether the newest picture of a place is on the screen, as far as pixels go.
    pub fn hangs(&self, spot: &Spot) -> bool {
        spot.print.pieces.is_empty() || self.hung.get(&spot.slot).is_some_and(|hung| hung.is(spot))
    }

    /// Whether every picture is.
    pub fn is_done(&self) -> bool {
        self.wanted.iter().all(|spot| self.hangs(spot)) && self.hung.values().all(|hung| !self.is_stale(hung)) && self.hanging.is_none()
    }

    /// Its place is no more, or has moved, or holds characters now.
    fn is_stale(&self, hung: &Spot) -> bool {
        self.wanted(hung.slot).is_none_or(|spot| spot.print.pieces.is_empty() || spot.area != hung.area && spot.print.id == 0)
    }

    /// Takes down what no longer belongs there: what is under it is to be written anew.
    pub fn take_down(&mut self, canvas: &mut Canvas, out: &mut Vec<u8>) {
        let stale: Vec<_> = self.hung.values().filter(|hung| self.is_stale(hung)).map(|hung| hung.slot).collect();
        let outdated = self.hanging.as_ref().is_some_and(|(spot, _)| self.wanted(spot.slot).is_none_or(|wanted| !wanted.is(spot)));
        if outdated || !stale.is_empty() {
            out.extend(self.interrupt().into_bytes());
        }
        for hung in stale.iter().filter_map(|slot| self.hung.remove(slot)) {
            if hung.print.id != 0 {
                out.extend(forget(hung.print.id, self.tmux).into_bytes());
            }
            canvas.cover(hung.area);
        }
    }

    /// Characters were written here: other pictures than kitty's are no longer there.
    pub fn written(&mut self, places: &[Position]) {
        let over = |spot: &Spot| spot.print.id == 0 && places.iter().any(|at| spot.area.contains(*at));
        self.hung.retain(|_, spot| !over(spot));
        self.hanging.take_if(|(spot, _)| over(spot));
    }

    /// The size of the next piece; none where nothing is to be hung, or its place is not free yet.
    pub fn next(&mut self, canvas: &Canvas) -> Option<usize> {
        if self.hanging.is_none() {
            let next = self.wanted.iter().find(|spot| !self.hangs(spot) && canvas.is_shown(spot.area))?;
            self.hanging = Some((next.clone(), 0));
        }
        let (spot, at) = self.hanging.as_ref()?;
        spot.print.pieces.get(*at).map(|piece| piece.text.len())
    }

    /// Writes the next piece.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some((spot, at)) = &mut self.hanging else { return Ok(()) };
        let Some(piece) = spot.print.pieces.get(*at) else { return Ok(()) };
        queue!(out, MoveTo(spot.area.x, spot.area.y + piece.row))?;
        out.extend(piece.text.as_bytes());
        *at += 1;
        if *at < spot.print.pieces.len() {
            return Ok(());
        }
        if let Some((spot, _)) = self.hanging.take() {
            let id = spot.print.id;
            let old = self.hung.insert(spot.slot, spot).filter(|old| old.print.id != 0 && old.print.id != id);
            out.extend(old.map(|old| forget(old.print.id, self.tmux).into_bytes()).into_iter().flatten());
        }
        Ok(())
    }
}
