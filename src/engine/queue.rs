//! What viewers do to the queue, and what they are told of it.

use super::server::Server;
use crate::link::Event;
use crate::link::codec::{MAX_PACKET, encode};
use crate::recipe::{RunId, State, Turn};
use anyhow::{Result, bail, ensure};
use std::sync::atomic::Ordering::Relaxed;

const HELD: &str = "the queue is held";
const LETS_GO: &str = "P lets it go on";

impl Server {
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

    pub(super) fn resume(&mut self, id: RunId) -> Result<()> {
        if self.go_on(id) {
            return Ok(());
        }
        let here = self.bench.get_mut(id).is_some();
        match self.state(id)? {
            State::Interrupted | State::Failed | State::Cancelled | State::Paused => self.set_state(id, State::Queued, None)?,
            State::Running if !here => self.set_state(id, State::Queued, None)?,
            state => bail!("{id} is {} and needs no start", state.word()),
        }
        self.tell_order()?;
        self.say_if_held(&format!("{id} waits"))
    }

    /// A running run stops after the step in progress; one that waits stays where it is.
    pub(super) fn pause(&mut self, id: RunId) -> Result<()> {
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

    pub(super) fn advance(&mut self, id: RunId) -> Result<()> {
        match self.state(id)? {
            State::Paused => {
                self.gallery.note_single(id, true)?;
                self.set_state(id, State::Queued, None)?;
                self.singles.insert(id);
                self.gallery.move_to(id, Turn::First)?;
                self.tell_order()?;
                self.say_if_held(&format!("{id} waits"))
            }
            state => bail!("{id} is {}; single steps are for paused runs", state.word()),
        }
    }

    /// A run is not queued for a single step any more. Whether it was.
    pub(super) fn forget_single(&mut self, id: RunId) -> bool {
        let was = self.singles.remove(&id);
        if was {
            let noted = self.gallery.note_single(id, false);
            self.or_log(noted);
        }
        was
    }

    /// A training ends with the epoch in progress; one that does not run goes on to the end of its epoch.
    pub(super) fn finish(&mut self, id: RunId) -> Result<()> {
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

    /// Changes the place of a run that waits.
    pub(super) fn move_to(&mut self, id: RunId, to: Turn) -> Result<()> {
        self.state(id)?;
        self.gallery.move_to(id, to)?;
        self.tell_order()
    }

    /// Holds the queue or lets it go on.
    pub(super) fn hold_queue(&mut self, held: bool) -> Result<()> {
        if self.gallery.is_queue_held()? == held {
            return Ok(());
        }
        self.gallery.hold_queue(held)?;
        self.tell(&Event::Held { held });
        self.log(if held { format!("{HELD}: what runs goes on, nothing else begins; {LETS_GO}") } else { "the queue goes on".to_owned() });
        Ok(())
    }

    pub(super) fn tell_order(&self) -> Result<()> {
        self.tell(&Event::Order { runs: self.gallery.order()? });
        Ok(())
    }

    /// What is new in the queue does not begin while that is held.
    pub(super) fn say_if_held(&mut self, what: &str) -> Result<()> {
        if self.gallery.is_queue_held()? {
            self.log(format!("{what}: {HELD}; {LETS_GO}"));
        }
        Ok(())
    }

    /// Takes up what the last engine left.
    ///
    /// # Errors
    /// When the index cannot be written: an engine that does not know what the last one left may begin nothing.
    pub(super) fn recover(&mut self) -> Result<()> {
        let left = self.gallery.recover()?;
        for run in left.interrupted {
            self.log(format!("{} waits: {}", run.id, run.error.unwrap_or_default()));
        }
        let (waiting, held) = (self.gallery.waiting(), self.gallery.is_queue_held());
        if let (Some(waiting @ 1..), Some(true)) = (self.or_log(waiting), self.or_log(held)) {
            let wait = if waiting == 1 { "1 run waits".to_owned() } else { format!("{waiting} runs wait") };
            let since = if left.held { " since the engine died" } else { "" };
            self.log(format!("{wait}: {HELD}{since}; {LETS_GO}"));
        }
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

    pub(super) fn tell_queue(&mut self, viewer: u64) -> Result<()> {
        self.answer(viewer, &Event::Held { held: self.gallery.is_queue_held()? });
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
}
