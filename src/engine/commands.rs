//! What the server does at a viewer's word.

use super::browse::{Find, PAGE};
use super::outbox::Wish;
use super::server::{Server, Viewer};
use crate::here;
use crate::link::codec::{Packet, encode};
use crate::link::{Command, Event, POINTS, PROTOCOL};
use crate::model::EMBEDDED;
use crate::recipe::{RunId, State};
use anyhow::{Result, anyhow, bail};
use std::process;

impl Server {
    /// Does what a viewer says; tells it why where that cannot be done.
    pub(super) fn obey(&mut self, viewer: u64, command: Command) {
        let Some(&Viewer { greeted, watches, .. }) = self.viewers.get(&viewer) else { return };
        let changes = command.changes();
        let done = match command {
            Command::Hello { .. } => self.carry_out(viewer, command),
            _ if !greeted => {
                self.refuse(viewer, "a viewer has to say Hello first");
                Ok(())
            }
            _ if watches && command.changes() => Err(anyhow!("this terminal only watches")),
            // One after the other, as they were said.
            Command::Submit { .. } | Command::CancelAll if self.has_to_wait(&command) => {
                self.later.push_back((viewer, command));
                Ok(())
            }
            command => self.carry_out(viewer, command),
        };
        self.or_answer(viewer, done);
        if changes {
            self.acknowledge(viewer);
        }
    }

    /// Does what a viewer has said. It may have left since then.
    pub(super) fn carry_out(&mut self, viewer: u64, command: Command) -> Result<()> {
        match here::at_home(command) {
            Command::Hello { protocol, version, watches, viewer: id } => return self.greet(viewer, protocol, (&version, watches, id)),
            Command::Submit { grid } => return self.submit(viewer, grid),
            Command::Cancel { run } => return self.cancel(run),
            Command::CancelAll => return self.cancel_all(),
            Command::Resume { run } => return self.resume(run),
            Command::Pause { run } => return self.pause(run),
            Command::Advance { run } => return self.advance(run),
            Command::Finish { run } => return self.finish(run),
            Command::Move { run, to } => return self.move_to(run, to),
            Command::HoldQueue { held } => return self.hold_queue(held),
            Command::History { search, before, limit } => return self.history(viewer, search, before, limit),
            Command::Picture { run, index, side } => return self.picture(viewer, run, index, side),
            Command::Curve { run, after } => return self.curve(viewer, run, after),
            Command::Note { run, text } => return self.note_on(run, &text),
            command @ (Command::Mark { .. } | Command::Delete { .. } | Command::Restore { .. }) => return self.change(viewer, command),
            Command::Pull { repository } => return self.pull(&repository),
            Command::StopPull => return self.stop_pull(),
            Command::NextFrame { run } => self.next_frame(viewer, run),
            Command::Find { ticket, filter, utc_offset_s, from, limit } => {
                self.find(viewer, Find { ticket, filter, utc_offset_s, page: (from, limit) });
            }
            command @ (Command::Kin { .. } | Command::Table { .. } | Command::Inspect { .. } | Command::Models) => {
                self.aside(viewer, command)
            }
            command @ (Command::Look { .. } | Command::Keep { .. } | Command::Export { .. }) => self.aside(viewer, command),
            Command::Stop { now } => self.stop(now.then_some(State::Cancelled)),
            // Its connection sees to that.
            Command::Ping { .. } => {}
        }
        Ok(())
    }

    fn greet(&mut self, viewer: u64, protocol: u32, (version, watches, id): (&str, bool, u64)) -> Result<()> {
        let pid = process::id();
        if protocol != PROTOCOL {
            self.refuse(
                viewer,
                &format!(
                    "the engine speaks version {PROTOCOL} of the link, this program {protocol}; `kill {pid}` ends the engine, and its \
                     runs go on in the next"
                ),
            );
            return Ok(());
        }
        tracing::debug!("a viewer of version {version:?} has come");
        let hello = Event::Hello {
            protocol,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid,
            started_ms: self.started_ms,
            // For a first guess at how long something takes.
            pace_ms: self.gallery.pace_ms(EMBEDDED).unwrap_or_default(),
            places: self.bench.places(),
            workspace: self.gallery.workspace().to_string_lossy().into_owned(),
            heard: self.recognise(viewer, id),
        };
        self.answer(viewer, &hello);
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.greeted = true;
            // Said once, it stays so.
            viewer.watches |= watches;
        }
        self.tell_queue(viewer)?;
        for event in self.log.iter().rev().chain(&self.last_pull) {
            self.answer(viewer, event);
        }
        Ok(())
    }

    /// The worker of a run takes a frame at its next step. A viewer looks at one run: it waits for no other's any more.
    fn next_frame(&mut self, viewer: u64, run: RunId) {
        let Some(viewer) = self.viewers.get_mut(&viewer) else { return };
        let before = viewer.wants_frame.replace(run);
        before.into_iter().chain([run]).for_each(|run| self.aim(run));
    }

    fn curve(&self, viewer: u64, run: RunId, after: u32) -> Result<()> {
        let points = self.gallery.points(run, after, POINTS)?;
        let more = points.len() == POINTS as usize;
        self.answer(viewer, &Event::Curve { run, points, more });
        Ok(())
    }

    fn note_on(&mut self, id: RunId, text: &str) -> Result<()> {
        let run = self.gallery.set_note(id, text)?;
        self.tell(&Event::Run { run });
        Ok(())
    }

    fn history(&self, viewer: u64, search: String, before: Option<RunId>, limit: u32) -> Result<()> {
        let mut limit = limit.min(PAGE);
        loop {
            let page = self.gallery.history(&search, before, limit)?;
            let event = Event::History { search: search.clone(), runs: page.runs, total: page.total };
            match encode(&event) {
                Ok(packet) => {
                    self.send(viewer, packet);
                    return Ok(());
                }
                // Long prompts: the viewer asks for the rest when it wants to see it.
                Err(_) if limit > 1 => limit /= 2,
                Err(error) => return Err(error),
            }
        }
    }

    fn picture(&self, viewer: u64, run: RunId, index: u32, side: u32) -> Result<()> {
        let wish = Wish { run, index, side };
        match self.viewers.get(&viewer).is_none_or(|viewer| viewer.outbox.wish(wish)) {
            true => Ok(()),
            false => bail!("too many pictures are asked for at once"),
        }
    }

    /// Tells a viewer why something could not be done.
    pub(super) fn or_answer(&mut self, viewer: u64, done: Result<()>) {
        if let Err(error) = done {
            self.answer_error(viewer, format!("{error:#}"));
        }
    }

    /// Tells one viewer what has failed; where its connection is no more, all of them: it may be among them again.
    pub(super) fn answer_error(&mut self, viewer: u64, text: String) {
        match self.viewers.contains_key(&viewer) {
            true => self.answer(viewer, &Event::Error { text }),
            false => self.log(text),
        }
    }

    /// Tells one viewer.
    pub(super) fn answer(&self, viewer: u64, event: &Event) {
        let packet = encode(event).or_else(|error| encode(&Event::Error { text: format!("{error:#}") }));
        if let Ok(packet) = packet {
            self.send(viewer, packet);
        }
    }

    pub(super) fn send(&self, viewer: u64, packet: Packet) {
        if let Some(viewer) = self.viewers.get(&viewer) {
            viewer.outbox.fact(packet);
        }
    }

    /// Sends a viewer away.
    fn refuse(&mut self, viewer: u64, reason: &str) {
        if let Some(viewer) = self.viewers.remove(&viewer) {
            viewer.outbox.refuse(reason);
        }
    }
}
