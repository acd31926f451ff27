//! Whose turn it is: runs change their places in the queue by keys and by dragging, and the queue is held.
//!
//! The engine alone orders its queue. What is asked for here is seen once [`Event::Order`](crate::link::Event::Order) says so.

use super::{App, Effect, Focus, Target, Tone};
use crate::link::{Command, Turn};
use crate::recipe::{Run, RunId, State};

/// What a key can do to the order of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnQueue {
    Earlier,
    Later,
    First,
    Last,
    Hold,
}

/// A run that the mouse carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drag {
    /// Which.
    pub run: RunId,
    /// Where it would go, were it let go of now.
    pub to: Option<Turn>,
}

impl App {
    pub(super) fn on_queue(&mut self, action: OnQueue) {
        let to = match action {
            OnQueue::Hold => return self.hold_queue(),
            OnQueue::Earlier => Turn::Earlier,
            OnQueue::Later => Turn::Later,
            OnQueue::First => Turn::First,
            OnQueue::Last => Turn::Last,
        };
        if let Some(run) = self.queue.selected().map(|run| run.id) {
            self.queue.select(run);
            self.move_to(run, to);
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_queue(&self, action: OnQueue) -> bool {
        match action {
            OnQueue::Hold => self.queue.held || self.open() > 0,
            _ => self.queue.selected().is_some_and(|run| fixed(run).is_none()) && self.queue.runs.len() > 1,
        }
    }

    fn hold_queue(&mut self) {
        let held = !self.queue.held;
        self.effects.push(Effect::Send(Command::HoldQueue { held }));
        self.tell_wait();
    }

    fn move_to(&mut self, id: RunId, to: Turn) {
        let Some(run) = self.queue.get(id) else { return };
        if let Some(why) = fixed(run) {
            return self.log.push(self.now_ms, Tone::Warning, why);
        }
        self.effects.push(Effect::Send(Command::Move { run: id, to }));
        self.tell_wait();
    }

    /// The mouse was pressed on a run of the queue, which may be the beginning of a way.
    pub(super) fn take_up_run(&mut self, run: RunId) {
        self.queue.drag = Some(Drag { run, to: None }).filter(|_| !self.watches);
    }

    /// The mouse moves with its button down.
    pub(super) fn drag(&mut self, over: Option<Target>) {
        let Some(Drag { run, .. }) = self.queue.drag else { return };
        let to = match over {
            Some(Target::Queued(other)) if other == run => None,
            // Nothing goes before what runs already.
            Some(Target::Queued(other)) if self.queue.is_running(other) => Some(Turn::First),
            Some(Target::Queued(other)) => Some(Turn::At(other)),
            Some(Target::Pane(Focus::Queue)) => Some(Turn::Last),
            _ => None,
        };
        self.queue.drag = Some(Drag { run, to });
    }

    /// The button is let go of.
    pub(super) fn drop_run(&mut self) {
        if let Some(Drag { run, to: Some(to) }) = self.queue.drag.take() {
            self.move_to(run, to);
        }
    }
}

/// Why a run has no place in the queue that could be changed, in one sentence.
fn fixed(run: &Run) -> Option<String> {
    let id = run.id;
    match run.state {
        State::Running => Some(format!("{id} runs already; only what waits can be moved.")),
        State::Failed => Some(format!("{id} failed and waits for nothing; Enter tries it again.")),
        State::Cancelled => Some(format!("{id} was cancelled and waits for nothing; Enter puts it into the queue again.")),
        State::Queued | State::Paused | State::Interrupted | State::Done => None,
    }
}
