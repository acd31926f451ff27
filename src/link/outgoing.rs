//! What a viewer has said, until an engine has it.
//!
//! A connection that dies takes with it what was on its way, and nobody sees how much that was. So the engine acknowledges every
//! command that changes something ([`Event::Heard`](super::Event::Heard)), and until then it is kept here. The next connection
//! to the same engine, which knows its viewers, gets what it has not heard. Another engine may have been told less, but the one
//! before it may have done it: nothing is said twice to two engines, and what is in doubt is told to the viewer.

use super::Command;
use super::codec::{Packet, encode};
use anyhow::Result;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The most commands that a sentence names.
const NAMED: usize = 3;

/// The commands of a viewer that no engine is known to have heard.
pub struct Outgoing {
    /// By which an engine knows this viewer over all its connections.
    pub(super) viewer: u64,
    said: Mutex<Said>,
    /// Something was acknowledged.
    heard: Notify,
}

/// The process of an engine, and when it started.
pub(super) type Process = (u32, i64);

#[derive(Default)]
struct Said {
    /// Not sent yet, in their order.
    waiting: VecDeque<Command>,
    /// Sent, and not acknowledged: those that change something.
    sent: VecDeque<Command>,
    /// Who they were sent to.
    engine: Option<Process>,
    /// How many it has acknowledged.
    heard: u64,
    /// The viewer has asked for work since this was last taken.
    asked_for_work: bool,
}

impl Default for Outgoing {
    fn default() -> Outgoing {
        Outgoing { viewer: RandomState::new().hash_one(()), said: Mutex::default(), heard: Notify::new() }
    }
}

impl Outgoing {
    /// What has been asked for and may not have reached an engine, as the end of a sentence; none where there is no such thing.
    pub fn unheard(&self) -> Option<String> {
        let said = self.said();
        let changes: Vec<_> = said.sent.iter().chain(&said.waiting).filter(|command| command.changes()).collect();
        (!changes.is_empty()).then(|| named(&changes))
    }

    pub(super) fn push(&self, command: Command) {
        let mut said = self.said();
        said.asked_for_work |= is_work(&command);
        // Of the wishes for a frame only the last counts.
        let before = said.waiting.iter_mut().find(|waiting| is_frame(waiting)).filter(|_| is_frame(&command));
        match before {
            Some(before) => *before = command,
            None => said.waiting.push_back(command),
        }
    }

    /// Whether the viewer has asked for work since this was last asked.
    pub(super) fn take_asked_for_work(&self) -> bool {
        std::mem::take(&mut self.said().asked_for_work)
    }

    /// The next command to send. It stays until it [`went`](Outgoing::went); one that cannot be sent is left out.
    pub(super) fn next(&self) -> Option<Result<Packet>> {
        let mut said = self.said();
        let packet = encode(said.waiting.front()?);
        if packet.is_err() {
            said.waiting.pop_front();
        }
        Some(packet)
    }

    /// The next command is sent.
    pub(super) fn went(&self) {
        let mut said = self.said();
        let sent = said.waiting.pop_front().filter(Command::changes);
        said.sent.extend(sent);
    }

    /// The engine has heard so many.
    pub(super) fn heard(&self, number: u64) {
        let mut said = self.said();
        let new = number.saturating_sub(said.heard).min(said.sent.len() as u64);
        said.sent.drain(..new as usize);
        said.heard += new;
        self.heard.notify_one();
    }

    /// An engine has answered, and says how much it has heard of this viewer, if it knows it. What it has not is said again,
    /// before anything else. What only an engine before it may have heard is in doubt: the words for that.
    pub(super) fn met(&self, engine: Process, heard: Option<u64>) -> Option<String> {
        let is_same = self.said().engine.replace(engine) == Some(engine);
        let Some(heard) = heard.filter(|_| is_same) else {
            let doubt = self.forsaken();
            self.said().heard = heard.unwrap_or(0);
            return doubt;
        };
        self.heard(heard);
        let mut said = self.said();
        while let Some(command) = said.sent.pop_back() {
            said.waiting.push_front(command);
        }
        None
    }

    /// The engine that the rest was sent to is gone: the words for what it may not have heard.
    pub(super) fn forsaken(&self) -> Option<String> {
        let sent = std::mem::take(&mut self.said().sent);
        let named = (!sent.is_empty()).then(|| named(&sent.iter().collect::<Vec<_>>()))?;
        Some(format!("the engine ended before it said that it had heard this: {named}; look whether it is done, and ask again if not"))
    }

    /// Resolves once everything that was sent is acknowledged.
    pub(super) async fn all_heard(&self) {
        while !self.said().sent.is_empty() {
            self.heard.notified().await;
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Nothing panics while it holds the lock, and what is inside would be whole even then.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a command is worth an engine: it makes or keeps something, and is lost if none ever comes. To cancel or pause is
/// not: nothing runs, and an engine that is started for it would start what waits.
pub(super) fn is_work(command: &Command) -> bool {
    use Command::{Advance, Delete, Export, HoldQueue, Keep, Mark, Note, Pull, Restore, Resume, Submit};
    let keeps = matches!(command, Note { .. } | Mark { .. } | Delete { .. } | Restore { .. } | Keep { .. } | Export { .. });
    keeps || matches!(command, Submit { .. } | Resume { .. } | Advance { .. } | HoldQueue { held: false } | Pull { .. })
}

/// Whether a command is the wish for a frame, which no engine need be started for.
pub(super) fn is_frame(command: &Command) -> bool {
    matches!(command, Command::NextFrame { .. })
}

fn named(commands: &[&Command]) -> String {
    let mut words: Vec<_> = commands.iter().take(NAMED).map(|command| in_words(command)).collect();
    words.extend((commands.len() > NAMED).then(|| format!("{} more", commands.len() - NAMED)));
    words.join(", ")
}

/// What a command asks for.
fn in_words(command: &Command) -> String {
    match command {
        Command::Submit { grid } if grid.recipes.len() == 1 => "a run".to_owned(),
        Command::Submit { grid } => format!("{} runs", grid.recipes.len()),
        Command::Cancel { run } => format!("cancel {run}"),
        Command::CancelAll => "cancel everything".to_owned(),
        Command::Resume { run } => format!("go on with {run}"),
        Command::Pause { run } => format!("pause {run}"),
        Command::Advance { run } => format!("a step of {run}"),
        Command::Finish { run } => format!("finish {run}"),
        Command::Move { run, .. } => format!("move {run}"),
        Command::Note { run, .. } => format!("the note on {run}"),
        Command::Export { run, .. } => format!("a file of {run}"),
        Command::Mark { runs, .. } => format!("marks on {}", some(runs.len())),
        Command::Delete { runs } => format!("the trash for {}", some(runs.len())),
        Command::Restore { runs } => format!("{} out of the trash", some(runs.len())),
        Command::Keep { name, .. } => format!("keep a {name}"),
        Command::HoldQueue { held: true } => "hold the queue".to_owned(),
        Command::HoldQueue { held: false } => "let the queue go on".to_owned(),
        Command::Pull { repository } => format!("download {repository}"),
        Command::StopPull => "break off the download".to_owned(),
        Command::Stop { .. } => "stop the engine".to_owned(),
        _ => "a question".to_owned(),
    }
}

fn some(runs: usize) -> String {
    if runs == 1 { "a run".to_owned() } else { format!("{runs} runs") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::link::codec::decode;
    use crate::recipe::RunId;

    const ENGINE: Process = (1, 0);

    fn cancel(run: i64) -> Command {
        Command::Cancel { run: RunId(run) }
    }

    fn frame(run: i64) -> Command {
        Command::NextFrame { run: RunId(run) }
    }

    fn sends(outgoing: &Outgoing) -> Vec<Command> {
        let next = || outgoing.next().map(|packet| decode(&packet.unwrap()).unwrap()).inspect(|_: &Command| outgoing.went());
        std::iter::from_fn(next).collect()
    }

    fn says(outgoing: &Outgoing, commands: impl IntoIterator<Item = Command>) {
        commands.into_iter().for_each(|command| outgoing.push(command));
    }

    #[test]
    fn of_the_wishes_for_a_frame_that_wait_only_the_last_goes_out() {
        let outgoing = Outgoing::default();
        says(&outgoing, [cancel(1), frame(1), cancel(2), frame(2)]);
        assert_eq!(sends(&outgoing), [cancel(1), frame(2), cancel(2)]);
    }

    #[test]
    fn an_engine_is_told_again_what_it_has_not_heard_and_nothing_twice() {
        let outgoing = Outgoing::default();
        assert_eq!(outgoing.met(ENGINE, None), None);
        says(&outgoing, [cancel(1), cancel(2), frame(1), cancel(3)]);
        assert_eq!(sends(&outgoing).len(), 4);
        outgoing.heard(1);
        says(&outgoing, [cancel(4)]);
        assert_eq!(outgoing.met(ENGINE, Some(2)), None);
        assert_eq!(sends(&outgoing), [cancel(3), cancel(4)]);
        // One that claims to have heard what was never said.
        outgoing.heard(u64::MAX);
        says(&outgoing, [cancel(5)]);
        sends(&outgoing);
        outgoing.heard(4);
        assert_eq!(outgoing.unheard().unwrap(), "cancel 5");
        outgoing.heard(5);
        assert_eq!(outgoing.unheard(), None);
    }

    #[test]
    fn another_engine_is_told_only_what_was_never_sent() {
        for (engine, heard) in [((2, 0), None), ((2, 0), Some(0)), ((1, 9), None), (ENGINE, None)] {
            let outgoing = Outgoing::default();
            outgoing.met(ENGINE, None);
            says(&outgoing, (1..=5).map(cancel));
            sends(&outgoing);
            says(&outgoing, [cancel(6)]);
            let doubt = outgoing.met(engine, heard).unwrap();
            assert!(doubt.contains(": cancel 1, cancel 2, cancel 3, 2 more; look"), "{doubt}");
            assert_eq!(sends(&outgoing), [cancel(6)], "{engine:?} {heard:?}");
            outgoing.heard(1);
            assert_eq!(outgoing.unheard(), None);
        }
    }

    #[test]
    fn every_viewer_has_a_number_of_its_own() {
        assert_ne!(Outgoing::default().viewer, Outgoing::default().viewer);
    }
}
