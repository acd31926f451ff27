//! The runs that are finished, newest first, and the one that is selected.

use super::engine::PAGE;
use crate::link::Command;
use crate::recipe::{Run, RunId};

/// Finished runs as far as they were asked for.
#[derive(Default)]
pub struct History {
    /// Newest first.
    pub runs: Vec<Run>,
    /// How many there are in all.
    pub total: u64,
    /// The place of the selected one.
    pub at: usize,
    /// The run that the page under way comes before.
    pub(super) asked: Option<RunId>,
}

impl History {
    /// The selected run.
    pub fn selected(&self) -> Option<&Run> {
        self.runs.get(self.at)
    }

    pub(super) fn add(&mut self, run: Run) {
        match self.runs.binary_search_by(|known| run.id.cmp(&known.id)) {
            Ok(at) => self.runs[at] = run,
            Err(at) => {
                self.runs.insert(at, run);
                self.total += 1;
                // The selection stays on its run, unless it is on the newest, which it follows.
                self.at += usize::from(self.at > 0 && at <= self.at);
            }
        }
    }

    /// A page came.
    pub(super) fn extend(&mut self, runs: Vec<Run>, total: u64) {
        for run in runs {
            self.add(run);
        }
        self.total = total.max(self.runs.len() as u64);
        self.asked = None;
    }

    /// A run is another than it was, or new. One that is older than all that are here comes with its page.
    pub(super) fn stands(&mut self, run: Run) {
        let complete = self.runs.len() as u64 >= self.total;
        if complete || self.runs.last().is_none_or(|oldest| run.id >= oldest.id) {
            self.add(run);
        }
    }

    /// Runs are in the trash. The selection stays on its run, or goes to the next.
    pub(super) fn remove(&mut self, gone: &[RunId]) {
        let selected = self.runs.iter().skip(self.at).find(|run| !gone.contains(&run.id)).map(|run| run.id);
        let before = self.runs.len();
        self.runs.retain(|run| !gone.contains(&run.id));
        self.total = self.total.saturating_sub((before - self.runs.len()) as u64);
        self.at = self.at.min(self.runs.len().saturating_sub(1));
        selected.into_iter().for_each(|id| self.select(id));
    }

    pub(super) fn select(&mut self, id: RunId) {
        self.at = self.runs.iter().position(|run| run.id == id).unwrap_or(self.at);
    }

    /// Moves the selection by so many places towards the older runs.
    pub(super) fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.runs.len().saturating_sub(1));
    }

    /// The next page, once the selection comes near the end of what is known.
    pub(super) fn more(&mut self) -> Option<Command> {
        let last = self.runs.last()?.id;
        let near = self.at + PAGE as usize / 2 >= self.runs.len();
        if !near || self.runs.len() as u64 >= self.total || self.asked == Some(last) {
            return None;
        }
        self.asked = Some(last);
        Some(Command::History { search: String::new(), before: Some(last), limit: PAGE })
    }
}
