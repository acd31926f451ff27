//! Brings the screen up to date, as fast as the link allows: what keys have changed at once, then words, then pictures.

use super::ask::STATUS;
use super::canvas::Canvas;
use super::link::Link;
use super::wall::{Spot, Wall};
use crate::app::Source;
use crate::preview::{Limit, Slot};
use ratatui::layout::Position;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The least time between two changes of words that no key has made.
const WORDS: Duration = Duration::from_millis(33);
/// Such words take no more than this part of a link.
const SHARE: u32 = 4;
/// As much is written at least, where nothing is under way.
const LEAST: usize = 256;
/// As long as a picture may take while others follow it.
const MOVING: Duration = Duration::from_millis(500);
/// As long as one piece of it may take, so that there is room for it behind others, and as many bytes as it has at least.
const PIECE: (Duration, usize) = (Duration::from_millis(25), 128);
/// A link that carries so many bytes a second is no reason to make pictures coarser.
const FAST: f64 = 2e6;
/// The least time between two looks whether there is room.
const BREATH: Duration = Duration::from_millis(5);
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// That there is room again.
    Nothing,
    /// That this picture is whole on the screen.
    Whole(Source),
    /// That all other questions are answered.
    Asked,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Painted {
    /// Bytes.
    pub bytes: usize,
    /// A picture that is whole now, as far as one knows without an answer.
    pub unasked: Option<Source>,
}

/// The screen and the link to it.
#[derive(Debug, Default)]
pub struct Painter {
    /// The characters.
    pub canvas: Canvas,
    /// The pictures in pixels.
    pub wall: Wall,
    link: Link,
    /// What the answers to the open questions will mean, oldest first.
    questions: VecDeque<Mark>,
    /// The terminal never answers: nothing is known of the link.
    mute: bool,
    /// When words that no key has changed are written next, and from which place on.
    words_at: Option<Instant>,
    words_from: Position,
    /// The picture that is to be shown, and whether it is told of.
    source: Option<Source>,
    told: Option<Source>,
}

impl Painter {
    /// The pictures that belong on it, and what the large one is of.
    pub fn hang(&mut self, spots: Vec<Spot>, source: Option<Source>) {
        self.wall.want(spots);
        self.source = source;
        if source.is_none() {
            self.told = None;
        }
    }

    /// Nobody knows what the terminal shows. What it was asked it answers all the same.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn forget(&mut self, writer: &mut impl Write) -> io::Result<()> {
        self.canvas.forget();
        for mark in &mut self.questions {
            if let Mark::Whole(_) = mark {
                *mark = Mark::Nothing;
            }
        }
        self.told = None;
        writer.write_all(self.wall.forget().as_bytes())
    }

    /// What the terminal was asked it may never answer: somebody else had it, or it is another one.
    pub fn lose(&mut self) {
        self.link.give_up();
        self.questions.clear();
    }

    /// The link, as far as it is known.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// An answer came, and means this.
    pub fn answered(&mut self, at: Instant) -> Mark {
        self.mute = false;
        self.link.answered(at);
        self.questions.pop_front().unwrap_or(Mark::Nothing)
    }

    /// Asks what the terminal is and can, once no picture is half sent.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn ask_what(&mut self, writer: &mut impl Write, (question, now): (&[u8], Instant)) -> io::Result<()> {
        let mut text = self.wall.interrupt().into_bytes();
        text.extend(question);
        self.ask(writer, (&text, now), Mark::Asked)
    }

    /// Asks something that ends in the question for the status.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn ask(&mut self, writer: &mut impl Write, (text, now): (&[u8], Instant), mark: Mark) -> io::Result<()> {
        writer.write_all(text)?;
        writer.flush()?;
        self.link.wrote(text.len() as u64, now);
        self.questions.push_back(mark);
        Ok(())
    }

    /// Whether all is on the screen, and known to be.
    pub fn is_done(&self) -> bool {
        self.canvas.is_done() && self.wall.is_done() && self.link.is_quiet()
    }

    /// When there is something to do though nothing happens.
    pub fn wakes(&self, now: Instant) -> Option<Instant> {
        let pending = !self.canvas.is_done() || !self.wall.is_done();
        let opens = self.link.opens().filter(|_| pending).map(|at| at.max(now + BREATH));
        let words = self.words_at.filter(|at| pending && *at > now);
        words.into_iter().chain(opens).chain(self.link.deadline()).min()
    }

    /// What pictures may cost, while others follow them.
    pub fn limit(&self) -> Limit {
        let speed = self.link.speed().filter(|speed| *speed < FAST && !self.mute);
        let Some(speed) = speed else { return Limit::NONE };
        // In steps, so that a speed that varies does not make pictures anew.
        let bytes = |time: Duration| (speed * time.as_secs_f64()).log2().floor().exp2() as usize;
        Limit { picture: bytes(MOVING), piece: bytes(PIECE.0).max(PIECE.1) }
    }

    /// Questions that were not answered for long will not be; what the answers would have meant.
    pub fn look(&mut self, now: Instant) -> Vec<Mark> {
        if self.link.deadline().is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        self.mute = self.link.give_up();
        self.questions.drain(..).collect()
    }

    /// Writes what there is room for. What was written ends in a question, the answer to which makes room again.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn paint(&mut self, writer: &mut impl Write, now: Instant) -> io::Result<Painted> {
        let pending = !self.canvas.is_done() || !self.wall.is_done();
        if pending && !self.mute && self.link.is_old(now) {
            self.ask(writer, (STATUS, now), Mark::Nothing)?;
            return Ok(Painted { bytes: STATUS.len(), unasked: None });
        }
        if self.link.is_measured(now) {
            return Ok(Painted::default());
        }
        let mut out = BEGIN.to_vec();
        self.compose(&mut out, now)?;
        let whole = self.source.filter(|source| self.told != Some(*source) && self.is_whole());
        if out.len() == BEGIN.len() && whole.is_none() {
            return Ok(Painted::default());
        }
        out.extend(END);
        self.told = whole.or(self.told);
        let bytes = out.len();
        if self.mute {
            writer.write_all(&out)?;
            writer.flush()?;
            return Ok(Painted { bytes, unasked: whole });
        }
        out.extend(STATUS);
        self.ask(writer, (&out, now), whole.map_or(Mark::Nothing, Mark::Whole))?;
        Ok(Painted { bytes, unasked: None })
    }

    /// The large picture, while it is not all on the screen.
    pub fn unfinished(&self) -> Option<&Spot> {
        self.wall.wanted(Slot::Preview).filter(|_| self.source.is_some() && !self.is_whole())
    }

    fn is_whole(&self) -> bool {
        self.wall.wanted(Slot::Preview).is_some_and(|spot| self.wall.hangs(spot) && self.canvas.is_shown(spot.area))
    }

    fn compose(&mut self, out: &mut Vec<u8>, now: Instant) -> io::Result<()> {
        let room = match self.link.room(now) {
            _ if self.mute => usize::MAX,
            room if self.link.is_quiet() => room.max(LEAST),
            room => room,
        };
        self.wall.take_down(&mut self.canvas, out);
        let keyed = self.canvas.keyed(|at, cell| !self.wall.holds(at, cell));
        self.put(&keyed, out)?;
        if self.words_at.is_none_or(|at| at <= now) {
            let before = out.len();
            let words = self.canvas.pick_from(self.words_from, |at, cell| !self.wall.holds(at, cell), room.saturating_sub(before));
            self.put(&words, out)?;
            self.words_from = words.last().map_or(self.words_from, |at| Position { x: at.x + 1, y: at.y });
            let share = self.link.speed().map_or(0.0, |speed| (out.len() - before) as f64 / speed.max(1.0));
            self.words_at = Some(now + WORDS.max(SHARE * Duration::from_secs_f64(share)));
        }
        let blocks = self.canvas.pick(|at, cell| self.wall.holds(at, cell), room.saturating_sub(out.len()));
        self.put(&blocks, out)?;
        while let Some(bytes) = self.wall.next(&self.canvas) {
            // A piece may be more than there ever is room for, where the link has become slower since it was made.
            let alone = out.len() == BEGIN.len() && self.link.bears(bytes, now);
            if out.len() + bytes > room && !alone {
                break;
            }
            self.wall.write(out)?;
            self.canvas.cursor_moved();
        }
        self.canvas.write_cursor(out)
    }

    fn put(&mut self, places: &[Position], out: &mut Vec<u8>) -> io::Result<()> {
        self.wall.written(places);
        self.canvas.write(places, out)
    }
}

#[cfg(test)]
#[path = "paint_tests.rs"]
mod tests;
