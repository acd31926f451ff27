//! One connection as a viewer has it, from the greeting to its end.

use super::codec::{Reader, Writer, encode};
use super::picture::Arriving;
use super::{Command, Event, News, PROTOCOL, Wire};
use anyhow::Result;
use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

/// How long an engine may take to answer the greeting.
pub(super) const GREETING: Duration = Duration::from_secs(10);

pub(super) const STOPPED: &str = "the engine was stopped";
pub(super) const MUTE: &str = "the engine does not answer";
pub(super) const NOTHING_TO_WATCH: &str = "there is no engine to watch; this terminal waits for one";
pub(super) const CLOSED: &str = "the connection to the engine broke";
const RESTART: &str = "`darkroom stop` of that version ends it, and its runs go on in the next engine";

/// Why a conversation is over.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    /// The viewer has dropped its [`Wire`], and all its commands are sent.
    Left,
    /// The engine was stopped, and said so.
    Stopped,
    /// The engine does not want this viewer, and why.
    Refused(String),
    /// There is none, and none may be started.
    Absent,
    /// The engine does not answer the greeting.
    Mute,
    /// The connection broke, and why.
    Broken(String),
}

/// The commands of a viewer that no engine has got yet.
#[derive(Default)]
pub(super) struct Outgoing {
    waiting: VecDeque<Command>,
    /// The viewer has asked for work since this was last cleared.
    pub asked_for_work: bool,
}

impl Outgoing {
    pub fn push(&mut self, command: Command) {
        self.asked_for_work |= is_work(&command);
        // Of the wishes for a frame only the last counts.
        let before = self.waiting.iter_mut().find(|waiting| is_frame(waiting)).filter(|_| is_frame(&command));
        match before {
            Some(before) => *before = command,
            None => self.waiting.push_back(command),
        }
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

/// A wire over any byte stream: one conversation, then [`News::Lost`].
pub fn over<S: AsyncRead + AsyncWrite + Send + 'static>(stream: S) -> Wire {
    let (wire, mut to_send, tell) = Wire::new();
    tokio::spawn(async move {
        let end = match greet(stream, false, Some(GREETING)).await {
            Ok(greeted) => converse(greeted, &mut Outgoing::default(), &mut to_send, &tell).await,
            Err(end) => end,
        };
        let reason = match end {
            End::Left => return,
            End::Stopped => STOPPED.to_owned(),
            End::Mute => MUTE.to_owned(),
            End::Absent => NOTHING_TO_WATCH.to_owned(),
            End::Refused(reason) | End::Broken(reason) => reason,
        };
        tell.send(News::Lost { reason }).ok();
    });
    wire
}

/// A connection whose engine has answered.
pub(super) struct Greeted<S> {
    reader: Reader<ReadHalf<S>>,
    writer: Writer<WriteHalf<S>>,
    hello: Event,
}

/// Says who we are and waits for the answer; `patience` is none where a person may be asked for a password first.
pub(super) async fn greet<S: AsyncRead + AsyncWrite>(stream: S, watches: bool, patience: Option<Duration>) -> Result<Greeted<S>, End> {
    let (read, write) = tokio::io::split(stream);
    let (mut reader, mut writer) = (Reader::new(read), Writer::new(write));
    let answer = hello(&mut reader, &mut writer, watches);
    let hello = match patience {
        Some(patience) => timeout(patience, answer).await.map_err(|_| End::Mute)??,
        None => answer.await?,
    };
    Ok(Greeted { reader, writer, hello })
}

/// Speaks with one engine until the end. Commands that are not sent stay in `outgoing`.
pub(super) async fn converse<S: AsyncRead + AsyncWrite>(
    Greeted { mut reader, mut writer, hello }: Greeted<S>,
    outgoing: &mut Outgoing,
    commands: &mut UnboundedReceiver<Command>,
    news: &UnboundedSender<News>,
) -> End {
    tell(news, News::Event(hello));
    tokio::select! {
        end = listen(&mut reader, news) => end,
        end = speak(&mut writer, outgoing, commands, news) => end,
    }
}

async fn hello<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut Reader<R>,
    writer: &mut Writer<W>,
    watches: bool,
) -> Result<Event, End> {
    let broken = |error: anyhow::Error| End::Broken(error.to_string());
    let hello = Command::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), watches };
    // An engine that has closed already may have left a reason to read.
    writer.send(encode(&hello).map_err(broken)?).await.ok();
    match reader.next().await.map_err(broken)? {
        Some(Event::Hello { protocol, .. }) if protocol != PROTOCOL => {
            Err(End::Refused(format!("the engine speaks version {protocol} of the link, this program {PROTOCOL}; {RESTART}")))
        }
        Some(hello @ Event::Hello { .. }) => Ok(hello),
        Some(Event::Refused { reason }) => Err(End::Refused(reason)),
        Some(_) => Err(End::Broken("the engine did not answer the greeting".to_owned())),
        None => Err(End::Broken(CLOSED.to_owned())),
    }
}

/// Tells the viewer what the engine says, until it says no more.
async fn listen<R: AsyncRead + Unpin>(reader: &mut Reader<R>, news: &UnboundedSender<News>) -> End {
    let mut arriving = Arriving::default();
    loop {
        let event = match reader.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return End::Broken(CLOSED.to_owned()),
            Err(error) => return End::Broken(error.to_string()),
        };
        let picture = match event {
            Event::Refused { reason } => return End::Refused(reason),
            Event::Stopping => {
                // Not read to its end: what the viewer says from now on is for the next engine.
                tell(news, News::Event(event));
                return End::Stopped;
            }
            Event::Picture { head } => arriving.head(head),
            Event::Chunk { bytes } => arriving.chunk(&bytes.0),
            fact => {
                tell(news, News::Event(fact));
                continue;
            }
        };
        match picture {
            Ok(None) => {}
            Err(error) => return End::Broken(error.to_string()),
            Ok(Some(picture)) => tell(news, News::Picture(picture)),
        }
    }
}

/// Sends the viewer's commands, until it has no more.
async fn speak<W: AsyncWrite + Unpin>(
    writer: &mut Writer<W>,
    outgoing: &mut Outgoing,
    commands: &mut UnboundedReceiver<Command>,
    news: &UnboundedSender<News>,
) -> End {
    loop {
        while let Some(command) = outgoing.waiting.front() {
            match encode(command) {
                Err(error) => tell(news, News::Event(Event::Error { text: error.to_string() })),
                Ok(packet) => {
                    if writer.send(packet).await.is_err() {
                        // What the engine said last is still to be read: the listener ends the conversation.
                        return pending().await;
                    }
                }
            }
            outgoing.waiting.pop_front();
        }
        match commands.recv().await {
            Some(command) => outgoing.push(command),
            None => return End::Left,
        }
    }
}

/// A viewer that no longer listens is about to leave.
fn tell(news: &UnboundedSender<News>, item: News) {
    news.send(item).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::RunId;

    #[test]
    fn of_the_wishes_for_a_frame_that_wait_only_the_last_goes_out() {
        let (cancel, frame) = (|run| Command::Cancel { run: RunId(run) }, |run| Command::NextFrame { run: RunId(run) });
        let mut outgoing = Outgoing::default();
        [cancel(1), frame(1), cancel(2), frame(2)].into_iter().for_each(|command| outgoing.push(command));
        assert_eq!(outgoing.waiting, [cancel(1), frame(2), cancel(2)]);
    }
}
