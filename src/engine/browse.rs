//! The gallery as viewers look through it and change it. Both take their time, and are done beside the server.
//!
//! Of what a viewer searches only the newest counts: it is typed letter by letter. What changes the gallery is done one after
//! the other, as it was said.

use super::server::{Input, Server};
use crate::gallery::{Gallery, Stuck};
use crate::link::codec::{Packet, encode};
use crate::link::{Command, Event};
use crate::recipe::{Filter, RunId, Today};
use anyhow::{Error, Result, bail, ensure};
use std::collections::{BTreeMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

/// The most runs in one page.
pub(super) const PAGE: u32 = 500;
/// The most runs that are changed at once, and the most changes that wait.
const MAX_RUNS: usize = 10_000;
const MAX_CHANGES: usize = 1000;

/// What is under way.
#[derive(Default)]
pub(super) struct Browsing {
    /// The viewers whose search is at work, each with the one that comes after it.
    finds: BTreeMap<u64, Option<Find>>,
    /// Changes of the gallery, of whom and what; the first is at work.
    changes: VecDeque<(u64, Command)>,
}

impl Browsing {
    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.finds.is_empty() && self.is_settled()
    }

    /// As if a search of this viewer were at work.
    #[cfg(test)]
    pub fn search_of(&mut self, viewer: u64) {
        self.finds.insert(viewer, None);
    }

    /// Whether no change is under way.
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
    }
}

/// A search.
pub(super) struct Find {
    pub ticket: u32,
    pub filter: String,
    pub utc_offset_s: i32,
    /// How many to leave out at the beginning, and how many follow at the most.
    pub page: (u64, u32),
}

/// What has changed in the gallery.
pub enum Change {
    /// These runs stand otherwise than before.
    Runs(Vec<RunId>),
    /// These are in the trash.
    Gone(Vec<RunId>),
}

impl Server {
    /// Begins a search, or lets it wait in the place of one that has not begun.
    pub(super) fn find(&mut self, viewer: u64, find: Find) {
        if let Some(next) = self.browsing.finds.get_mut(&viewer) {
            *next = Some(find);
            return;
        }
        self.browsing.finds.insert(viewer, None);
        let gallery = self.gallery.clone();
        let ticket = find.ticket;
        let failed = move |error| encode(&Event::Failed { ticket, text: crate::words::sentence(&error) });
        self.beside(move || found(&gallery, find), move |found| Input::Found(viewer, found.or_else(failed)));
    }

    /// A search is done; the next one of its viewer follows, unless that has left.
    pub(super) fn found(&mut self, viewer: u64, found: Result<Packet>) {
        match found {
            Ok(packet) => self.send(viewer, packet),
            Err(error) => self.answer_error(viewer, crate::words::sentence(&error)),
        }
        let next = self.browsing.finds.remove(&viewer).flatten();
        if let Some(find) = next.filter(|_| self.viewers.contains_key(&viewer)) {
            self.find(viewer, find);
        }
    }

    /// Changes the gallery, once the changes before are made.
    pub(super) fn change(&mut self, viewer: u64, command: Command) -> Result<()> {
        let (Command::Mark { runs, .. } | Command::Delete { runs } | Command::Restore { runs }) = &command else {
            bail!("that changes nothing in the gallery");
        };
        ensure!(runs.len() <= MAX_RUNS, "up to {MAX_RUNS} runs are changed at once, these are {}", runs.len());
        ensure!(self.browsing.changes.len() < MAX_CHANGES, "too much is asked for at once; wait a moment");
        self.browsing.changes.push_back((viewer, command));
        if self.browsing.changes.len() == 1 {
            self.begin_change();
        }
        Ok(())
    }

    fn begin_change(&self) {
        let Some((viewer, command)) = self.browsing.changes.front().cloned() else { return };
        let gallery = self.gallery.clone();
        self.beside(
            move || Ok(changed(&gallery, command)),
            move |done| {
                let (change, why) = done.unwrap_or_else(|error| (None, Some(error)));
                Input::Changed(viewer, change, why)
            },
        );
    }

    /// A change is made, as far as it could be.
    pub(super) fn changed(&mut self, viewer: u64, change: Option<Change>, why: Option<Error>) {
        let told = change.map_or(Ok(()), |change| self.tell_change(change));
        for error in why.into_iter().chain(told.err()) {
            self.answer_error(viewer, crate::words::sentence(&error));
        }
        self.browsing.changes.pop_front();
        self.begin_change();
    }

    fn tell_change(&mut self, change: Change) -> Result<()> {
        match change {
            Change::Runs(runs) => {
                // As they stand now: one may have gone on meanwhile.
                for run in runs {
                    let run = self.gallery.run(run)?;
                    run.into_iter().for_each(|run| self.tell(&Event::Run { run }));
                }
                self.tell_order()
            }
            Change::Gone(runs) => {
                runs.iter().for_each(|run| _ = self.forget_single(*run));
                self.tell(&Event::Gone { runs });
                Ok(())
            }
        }
    }
}

/// A page of what is found: as much of it as fits into a packet.
fn found(gallery: &Gallery, Find { ticket, filter, utc_offset_s, page: (from, limit) }: Find) -> Result<Packet> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let filter = Filter::parse(&filter, Today { now_ms, utc_offset_s }).map_err(Error::msg)?;
    let mut limit = limit.min(PAGE);
    loop {
        let page = gallery.find(&filter, from, limit)?;
        match encode(&Event::Found { ticket, from, runs: page.runs, total: page.total }) {
            Err(_) if limit > 1 => limit /= 2,
            encoded => return encoded,
        }
    }
}

/// What of a change was made, and why not all of it.
fn changed(gallery: &Gallery, command: Command) -> (Option<Change>, Option<Error>) {
    match command {
        Command::Mark { runs, mark } => {
            let mut marked = Vec::new();
            let done = runs.into_iter().try_for_each(|run| gallery.mark(run, &mark).map(|run| marked.push(run.id)));
            (Some(Change::Runs(marked)), done.err())
        }
        Command::Delete { runs } => match gallery.trash(&runs) {
            Ok(gone) => (Some(Change::Gone(gone)), None),
            Err(error) => (error.downcast_ref::<Stuck>().map(|stuck| Change::Gone(stuck.runs.clone())), Some(error)),
        },
        Command::Restore { runs } => match gallery.restore(&runs) {
            Ok(back) => (Some(Change::Runs(back.into_iter().map(|run| run.id).collect())), None),
            Err(error) => (None, Some(error)),
        },
        _ => (None, None),
    }
}
