//! How much of what each viewer has said is heard: one whose connection was cut says again what is not, and nothing is done twice.

use super::server::{Input, Server};
use crate::link::Event;
use std::collections::VecDeque;

/// The most viewers that are remembered.
const MOST: usize = 300;

/// The numbers of viewers, each with how many of its commands that change something were heard; who said something last is at
/// the end. It dies with the process: the next engine cannot know what this one has done.
#[derive(Default)]
pub(super) struct Heard(VecDeque<(u64, u64)>);

impl Heard {
    /// What was heard of a viewer; none of one that is new, or was forgotten.
    fn of(&self, viewer: u64) -> Option<u64> {
        self.0.iter().find(|(known, _)| *known == viewer).map(|(_, number)| *number)
    }

    fn note(&mut self, viewer: u64, number: u64) {
        self.0.retain(|(known, _)| *known != viewer);
        self.0.push_back((viewer, number));
        if self.0.len() > MOST {
            self.0.pop_front();
        }
    }
}

impl Server {
    /// A viewer says which it is: what was heard of it, if it was here before.
    pub(super) fn recognise(&mut self, viewer: u64, id: u64) -> Option<u64> {
        // Who gives no number is nobody whom one could know again.
        if id == 0 {
            return None;
        }
        // What may still come over a connection that it has given up would be counted as what it says now.
        let older: Vec<_> =
            self.viewers.iter().filter(|(other, known)| **other != viewer && known.id == id).map(|(other, _)| *other).collect();
        for other in older {
            self.viewers.get(&other).into_iter().for_each(|known| known.outbox.send_away("this viewer has come again"));
            self.hear(Input::Left(other));
        }
        let heard = self.heard.of(id);
        self.heard.note(id, heard.unwrap_or(0));
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            (viewer.id, viewer.heard) = (id, heard.unwrap_or(0));
        }
        heard
    }

    /// A command that changes something is taken up. The viewer is told, and need not say it again.
    pub(super) fn acknowledge(&mut self, viewer: u64) {
        let Some(known) = self.viewers.get_mut(&viewer).filter(|known| known.greeted) else { return };
        known.heard += 1;
        let (id, number) = (known.id, known.heard);
        if id != 0 {
            self.heard.note(id, number);
        }
        self.answer(viewer, &Event::Heard { number });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_viewers_that_said_something_last_are_remembered() {
        let mut heard = Heard::default();
        (1..=MOST as u64).for_each(|viewer| heard.note(viewer, 0));
        heard.note(1, 7);
        heard.note(u64::MAX, 1);
        assert_eq!((heard.of(1), heard.of(2), heard.of(3)), (Some(7), None, Some(0)));
        assert_eq!(heard.0.len(), MOST);
    }
}
