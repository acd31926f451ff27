//! A grid on its way into the queue. Its pictures may take long to come: nobody else waits for them.

use super::server::{Input, Server};
use crate::gallery::TakenIn;
use crate::link::{Command, Event};
use crate::recipe::{Grid, MAX_CELLS, Run};
use anyhow::{Result, bail};
use std::collections::VecDeque;

/// A grid that is not queued yet.
pub struct Submit {
    grid: Grid,
    /// Everything was cancelled since it came.
    cancelled: bool,
    /// Its pictures are here.
    entering: bool,
}

impl Server {
    /// Whether a command comes after a grid that is just being entered: what was said before it must be in the queue.
    pub(super) fn has_to_wait(&self, command: &Command) -> bool {
        !self.later.is_empty() || (self.entering > 0 && *command == Command::CancelAll)
    }

    /// Queues a grid beside the server: its pictures are fetched, and thousands of folders take their time. The grids of
    /// one viewer go one after the other, so that they keep their order.
    pub(super) fn submit(&mut self, viewer: u64, grid: Grid) -> Result<()> {
        if !(1..=MAX_CELLS).contains(&grid.recipes.len()) {
            bail!("a grid of {} recipes cannot be queued; 1 to {MAX_CELLS} can", grid.recipes.len());
        }
        let submits = self.submits.entry(viewer).or_default();
        submits.push_back(Submit { grid, cancelled: false, entering: false });
        if submits.len() == 1 {
            self.take_in(viewer);
        }
        Ok(())
    }

    /// Begins with the first grid of a viewer.
    fn take_in(&self, viewer: u64) {
        let Some(submit) = self.submits.get(&viewer).and_then(VecDeque::front) else { return };
        let (gallery, grid) = (self.gallery.clone(), submit.grid.clone());
        self.beside(move || gallery.take_in(grid), move |taken| Input::TakenIn(viewer, taken));
    }

    /// The pictures of a grid are kept, or why they are not.
    pub(super) fn taken_in(&mut self, viewer: u64, taken: Result<TakenIn>) {
        // One that was given up is nobody's.
        let Some(submit) = self.submits.get_mut(&viewer).and_then(VecDeque::front_mut) else { return };
        match taken {
            Ok(taken) => {
                submit.entering = true;
                // From here on the index may know runs of which no viewer has heard.
                self.entering += 1;
                let gallery = self.gallery.clone();
                self.beside(move || gallery.enter(&taken), move |submitted| Input::Submitted(viewer, submitted));
            }
            Err(error) => self.is_over(viewer, Err(error)),
        }
    }

    /// The engine ends, and waits for no pictures: who sent a grid hears that it is not queued.
    pub(super) fn give_up_submits(&mut self) {
        for (viewer, mut submits) in std::mem::take(&mut self.submits) {
            let count = submits.iter().filter(|submit| !submit.entering).count();
            submits.retain(|submit| submit.entering);
            if !submits.is_empty() {
                self.submits.insert(viewer, submits);
            }
            if count > 0 {
                let text = format!("the engine ends while pictures are fetched; {count} of what you asked for is not queued: ask again");
                self.answer(viewer, &Event::Error { text });
            }
        }
    }

    /// A grid is queued, or why it is not.
    pub(super) fn submitted(&mut self, viewer: u64, submitted: Result<Vec<Run>>) {
        self.entering = self.entering.saturating_sub(1);
        self.is_over(viewer, submitted);
        if self.entering == 0 {
            for (viewer, command) in std::mem::take(&mut self.later) {
                // Whoever said it: one that cancels everything and leaves does not wait for that.
                let done = self.carry_out(viewer, command);
                self.or_answer(viewer, done);
            }
        }
    }

    /// The first grid of a viewer is done with; the next one follows.
    fn is_over(&mut self, viewer: u64, submitted: Result<Vec<Run>>) {
        let submit = self.submits.get_mut(&viewer).and_then(VecDeque::pop_front);
        let told = submitted.and_then(|runs| {
            self.tell_submitted(viewer, &runs);
            match submit.is_some_and(|submit| submit.cancelled) {
                true => self.cancel_submitted(&runs),
                false => Ok(()),
            }
        });
        self.or_answer(viewer, told);
        self.submits.retain(|_, submits| !submits.is_empty());
        self.take_in(viewer);
    }

    fn tell_submitted(&mut self, viewer: u64, runs: &[Run]) {
        for run in runs {
            self.tell(&Event::Run { run: run.clone() });
        }
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
            return;
        };
        self.answer(viewer, &Event::Submitted { first: first.id, last: last.id });
        let wait = if first.id == last.id { format!("{} waits", first.id) } else { format!("{} to {} wait", first.id, last.id) };
        if self.ending.is_some() {
            self.log(format!("the engine is about to end; {wait} for the next one"));
        } else if first.id != last.id {
            self.log(format!("{wait}: {} runs", runs.len()));
        }
        let told = self.say_if_held(&wait);
        self.or_log(told);
    }

    /// Cancels what runs, what waits, and what is on its way into the queue.
    pub(super) fn cancel_all(&mut self) -> Result<()> {
        self.submits.values_mut().flatten().for_each(|submit| submit.cancelled = true);
        let running = self.bench.runs();
        running.iter().try_for_each(|run| self.cancel(*run))?;
        self.gallery.release_orphans()?;
        for run in self.gallery.cancel_all(&running)? {
            self.forget_single(run.id);
            self.tell(&Event::Run { run });
        }
        Ok(())
    }

    fn cancel_submitted(&self, runs: &[Run]) -> Result<()> {
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(()) };
        for run in self.gallery.cancel_between(&[], first.id, last.id)? {
            self.tell(&Event::Run { run });
        }
        Ok(())
    }
}
