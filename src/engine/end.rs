//! How the engine ends, and what becomes of what runs.

use super::connection::Stream;
use super::server::{Input, Server};
use super::worker::Ending;
use crate::link::Event;
use crate::recipe::{RunId, State};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

/// An engine that must end now waits so long for the steps in progress.
const LAST_STEP: Duration = Duration::from_secs(5);
/// How long the last words to the viewers may take.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// How the engine ends: once nothing runs, or at a deadline.
pub(super) struct Stop(Option<Instant>);

impl Stop {
    pub fn deadline(&self) -> Option<Instant> {
        self.0
    }
}

impl Server {
    /// Ends the engine once nothing runs; where `then` is given, what runs is broken off and left so.
    pub(super) fn stop(&mut self, then: Option<State>) {
        let Some(then) = then else {
            self.ending.get_or_insert(Stop(None));
            return;
        };
        self.ending = Some(Stop(Some(Instant::now() + LAST_STEP)));
        for running in self.bench.all_mut() {
            // What the user has cancelled stays so, and what is paused or makes a single step stays paused.
            if running.cancel.handle().check().is_continue() && running.then != State::Paused {
                running.then = then;
            }
            running.cancel.cancel();
        }
    }

    /// Whether the time that the end was given is over.
    pub(super) fn is_late(&self) -> bool {
        self.ending.as_ref().and_then(Stop::deadline).is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Lets a running run go on that was about to be paused; false where it is not so.
    pub(super) fn go_on(&mut self, id: RunId) -> bool {
        let ends_now = matches!(self.ending, Some(Stop(Some(_))));
        let Some(running) = self.bench.get_mut(id).filter(|running| running.then == State::Paused) else {
            return false;
        };
        // Where the worker leaves it all the same, it is taken up again at once, or by the next engine.
        running.then = State::Queued;
        if !ends_now {
            running.cancel.go_on();
        }
        true
    }

    /// Does what the deadline was for.
    pub(super) fn time_is_up(&mut self) {
        if self.is_late() {
            // The steps in progress are given up; the process ends with them.
            self.bench.runs().into_iter().for_each(|run| self.ended(run, Ending::Stopped));
        } else if self.idle.is_some_and(|since| since.elapsed() >= self.patience) {
            self.stop(None);
        }
        // Or else the next run is looked for again.
    }

    /// Tells the viewers, and obeys what they had said before they heard of it. Returns the connections that came too late:
    /// while they are open, nobody connects over and over to an engine that is about to be gone.
    pub(super) async fn end(mut self, inputs: &mut Receiver<Input>) -> Vec<Box<dyn Stream>> {
        self.log("the engine ends".to_owned());
        self.give_up_submits();
        self.give_up_pull();
        self.tell(&Event::Stopping);
        self.viewers.values().for_each(|viewer| viewer.outbox.finish());
        let mut late = Vec::new();
        let all = async {
            while !self.connections.is_empty() || !self.submits.is_empty() || !self.browsing.is_settled() || !inputs.is_empty() {
                tokio::select! {
                    biased;
                    Some(input) = inputs.recv() => match input {
                        Input::Arrived(stream) => late.push(stream),
                        input => self.hear(input),
                    },
                    Some(_) = self.connections.join_next() => {}
                }
            }
        };
        timeout(LAST_WORDS, all).await.ok();
        for id in std::mem::take(&mut self.singles) {
            // The next engine would not know that it is one step.
            let paused = self.gallery.set_state(id, State::Paused, None).and_then(|_| self.gallery.note_single(id, false));
            self.or_log(paused);
        }
        let signed = self.gallery.sign_off();
        self.or_log(signed);
        late
    }
}
