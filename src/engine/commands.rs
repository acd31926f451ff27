//! What the server does at a viewer's word.

use super::outbox::Wish;
use super::server::Server;
use crate::link::codec::{MAX_PACKET, Packet, encode};
use crate::link::{Command, Event, POINTS, PROTOCOL};
use crate::model::EMBEDDED;
use crate::recipe::{RunId, State};
use anyhow::{Result, bail, ensure};
use std::process;
use std::sync::atomic::Ordering::Relaxed;

/// The most runs in one page of the history.
const PAGE: u32 = 500;

impl Server {
    /// Does what a viewer says; tells it why where that cannot be done.
    pub(super) fn obey(&mut self, viewer: u64, command: Command) {
        let greeted = self.viewers.get(&viewer).is_some_and(|viewer| viewer.greeted);
        let done = match command {
            Command::Hello { protocol, version, .. } => self.greet(viewer, protocol, &version),
            _ if !greeted => {
                self.refuse(viewer, "a viewer has to say Hello first");
                Ok(())
            }
            // One after the other, as they were said.
            Command::Submit { .. } | Command::CancelAll if self.has_to_wait(&command) => {
                self.held.push_back((viewer, command));
                Ok(())
            }
            Command::Submit { grid } => self.submit(viewer, grid),
            Command::Cancel { run } => self.cancel(run),
            Command::CancelAll => self.cancel_all(),
            Command::Resume { run } => self.resume(run),
            Command::NextFrame { run } => {
                self.next_frame(viewer, run);
                Ok(())
            }
            Command::History { search, before, limit } => self.history(viewer, search, before, limit),
            Command::Picture { run, index, side } => self.picture(viewer, run, index, side),
            Command::Pause { run } => self.pause(run),
            Command::Advance { run } => self.advance(run),
            Command::Finish { run } => self.finish(run),
            Command::Curve { run, after } => self.curve(viewer, run, after),
            Command::Note { run, text } => self.note_on(run, &text),
            Command::Pull { repository } => self.pull(&repository),
            Command::StopPull => self.stop_pull(),
            Command::Find { .. }
            | Command::Mark { .. }
            | Command::Delete { .. }
            | Command::Restore { .. }
            | Command::Kin { .. }
            | Command::Table { .. }
            | Command::Move { .. }
            | Command::HoldQueue { .. } => Err(anyhow::anyhow!("this engine cannot do that yet")),
            Command::Inspect { .. } | Command::Look { .. } | Command::Keep { .. } | Command::Export { .. } | Command::Models => {
                self.aside(viewer, command);
                Ok(())
            }
            Command::Stop { now } => {
                self.stop(now.then_some(State::Cancelled));
                Ok(())
            }
        };
        if let Err(error) = done {
            self.answer(viewer, &Event::Error { text: format!("{error:#}") });
        }
    }

    fn greet(&mut self, viewer: u64, protocol: u32, version: &str) -> Result<()> {
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
        };
        self.answer(viewer, &hello);
        if let Some(viewer) = self.viewers.get_mut(&viewer) {
            viewer.greeted = true;
        }
        self.tell_queue(viewer)?;
        for event in self.log.iter().rev().chain(&self.last_pull) {
            self.answer(viewer, event);
        }
        Ok(())
    }

    fn tell_queue(&mut self, viewer: u64) -> Result<()> {
        self.gallery.release_orphans()?;
        let runs = self.gallery.queue()?;
        // What does not fit into one packet follows run by run.
        let mut size = 0;
        let first = runs.iter().take_while(|run| {
            size += encode(run).map_or(MAX_PACKET, |packet| packet.len());
            size < MAX_PACKET / 2
        });
        let first = first.count();
        self.answer(viewer, &Event::Queue { runs: runs[..first].to_vec() });
        for run in &runs[first..] {
            self.answer(viewer, &Event::Run { run: run.clone() });
        }
        for running in self.bench.all() {
            let loading = running.loading.clone().map(|loading| Event::Loading { run: running.run, loading });
            loading.iter().for_each(|event| self.answer(viewer, event));
        }
        Ok(())
    }

    /// The worker of a run takes a frame at its next step. A viewer looks at one run: it waits for no other's any more.
    fn next_frame(&mut self, viewer: u64, run: RunId) {
        let Some(viewer) = self.viewers.get_mut(&viewer) else { return };
        let before = viewer.wants_frame.replace(run);
        before.into_iter().chain([run]).for_each(|run| self.aim(run));
    }

    pub(super) fn cancel(&mut self, id: RunId) -> Result<()> {
        if let Some(running) = self.bench.get_mut(id) {
            running.then = State::Cancelled;
            running.cancel.cancel();
            return Ok(());
        }
        match self.state(id)? {
            // Running, but neither here nor elsewhere: its end could not be written.
            State::Queued | State::Interrupted | State::Paused | State::Running => self.set_state(id, State::Cancelled, None),
            state => bail!("{id} is {} and cannot be cancelled", state.word()),
        }
    }

    fn resume(&mut self, id: RunId) -> Result<()> {
        if self.go_on(id) {
            return Ok(());
        }
        let here = self.bench.get_mut(id).is_some();
        match self.state(id)? {
            State::Interrupted | State::Failed | State::Cancelled | State::Paused => self.set_state(id, State::Queued, None),
            State::Running if !here => self.set_state(id, State::Queued, None),
            state => bail!("{id} is {} and needs no start", state.word()),
        }
    }

    /// A running run stops after the step in progress; one that waits stays where it is.
    fn pause(&mut self, id: RunId) -> Result<()> {
        if let Some(running) = self.bench.get_mut(id) {
            ensure!(!running.is_cancelled(), "{id} is being cancelled and cannot be paused; start it again when it is");
            running.then = State::Paused;
            running.cancel.cancel();
            return Ok(());
        }
        match self.state(id)? {
            State::Queued => self.set_state(id, State::Paused, None),
            State::Paused => Ok(()),
            state => bail!("{id} is {} and cannot be paused", state.word()),
        }
    }

    fn advance(&mut self, id: RunId) -> Result<()> {
        match self.state(id)? {
            State::Paused => {
                self.set_state(id, State::Queued, None)?;
                self.singles.insert(id);
                Ok(())
            }
            state => bail!("{id} is {}; single steps are for paused runs", state.word()),
        }
    }

    /// A training ends with the epoch in progress; one that does not run goes on to the end of its epoch.
    fn finish(&mut self, id: RunId) -> Result<()> {
        let Some(run) = self.gallery.run(id)? else { bail!("there is no run {id}") };
        ensure!(run.recipe.training().is_some(), "{id} is no training; only trainings have epochs to finish");
        if let Some(running) = self.bench.get_mut(id) {
            running.finish.store(true, Relaxed);
            self.log(format!("{id} ends with this epoch"));
            return Ok(());
        }
        let epoch = self.gallery.epoch(id)?;
        self.resume(id)?;
        // Before a worker takes it up; whatever happens then, it keeps to that.
        let run = self.gallery.end_after(id, epoch)?;
        self.tell(&Event::Run { run });
        Ok(())
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

    /// The state of a run that is this engine's to change.
    fn state(&self, id: RunId) -> Result<State> {
        self.gallery.release_orphans()?;
        let Some(run) = self.gallery.run(id)? else { bail!("there is no run {id}") };
        if self.gallery.is_owned(id)? {
            bail!("{id} belongs to a `darkroom run` in another terminal; end it there");
        }
        Ok(run.state)
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
        let wish = Wish { run, index, side, path: self.gallery.picture_path(run, index as usize) };
        match self.viewers.get(&viewer).is_none_or(|viewer| viewer.outbox.wish(wish)) {
            true => Ok(()),
            false => bail!("too many pictures are asked for at once"),
        }
    }

    /// Tells one viewer.
    pub(super) fn answer(&self, viewer: u64, event: &Event) {
        let packet = encode(event).or_else(|error| encode(&Event::Error { text: format!("{error:#}") }));
        if let Ok(packet) = packet {
            self.send(viewer, packet);
        }
    }

    fn send(&self, viewer: u64, packet: Packet) {
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
