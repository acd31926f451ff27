//! One connection as a viewer has it, from the greeting to its end.

use super::codec::{Reader, Silence, Writer, encode};
use super::outgoing::Outgoing;
use super::picture::Arriving;
use super::{Command, Event, News, PROTOCOL, Wire};
use anyhow::Result;
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

/// How long an engine may take to answer the greeting.
pub(super) const GREETING: Duration = Duration::from_secs(10);
/// A viewer that leaves waits so long for the word that everything was heard.
const LAST_WORD: Duration = Duration::from_secs(1);

pub(super) const STOPPED: &str = "the engine was stopped";
/// Why a conversation did not begin, where the engine did not say anything.
pub const MUTE: &str = "the engine does not answer";
pub(super) const NOTHING_TO_WATCH: &str = "there is no engine to watch; this terminal waits for one";
pub(super) const CLOSED: &str = "the connection to the engine broke";
const RESTART: &str = "`darkroom stop` ends it, and its runs go on in the next engine";

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
    /// The engine does not answer the greeting, or nothing is heard any more.
    Mute,
    /// The connection broke, and why.
    Broken(String),
}

/// A wire over any byte stream: one conversation, then [`News::Lost`].
pub fn over<S: AsyncRead + AsyncWrite + Send + 'static>(stream: S) -> Wire {
    let (wire, mut to_send, tell) = Wire::new();
    let outgoing = wire.outgoing.clone();
    tokio::spawn(async move {
        // Nobody comes again by it, so that it need not be known.
        let us = Us { viewer: 0, watches: false, every: None };
        let end = match greet(stream, us, Some(GREETING)).await {
            Ok(greeted) => converse(greeted, &outgoing, &mut to_send, &tell).await,
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

/// What a viewer says of itself.
#[derive(Clone, Copy)]
pub(super) struct Us {
    pub viewer: u64,
    pub watches: bool,
    /// How often it says that it is there, over a way that may end without a word.
    pub every: Option<Duration>,
}

/// A connection whose engine has answered.
pub(super) struct Greeted<S> {
    reader: Reader<ReadHalf<S>>,
    writer: Writer<WriteHalf<S>>,
    hello: Event,
    every: Option<Duration>,
}

/// Says who we are and waits for the answer; `patience` is none where a person may be asked for a password first.
pub(super) async fn greet<S: AsyncRead + AsyncWrite>(stream: S, us: Us, patience: Option<Duration>) -> Result<Greeted<S>, End> {
    let (read, write) = tokio::io::split(stream);
    let (mut reader, mut writer) = (Reader::new(read), Writer::new(write));
    let broken = |error: anyhow::Error| End::Broken(error.to_string());
    let Us { viewer, watches, every } = us;
    let hello = Command::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), watches, viewer };
    // An engine that has closed already may have left a reason to read.
    writer.send(encode(&hello).map_err(broken)?).await.ok();
    let answer = match patience {
        Some(patience) => timeout(patience, reader.next()).await.map_err(|_| End::Mute)?,
        None => reader.next().await,
    };
    let hello = greeted(answer.map_err(broken)?)?;
    Ok(Greeted { reader, writer, hello, every })
}

/// The engine's greeting, if this is it.
fn greeted(answer: Option<Event>) -> Result<Event, End> {
    match answer {
        Some(Event::Hello { protocol, .. }) if protocol != PROTOCOL => {
            Err(End::Refused(format!("the engine speaks version {protocol} of the link, this program {PROTOCOL}; {RESTART}")))
        }
        Some(hello @ Event::Hello { .. }) => Ok(hello),
        Some(Event::Refused { reason }) => Err(End::Refused(reason)),
        Some(_) => Err(End::Broken("the engine did not answer the greeting".to_owned())),
        None => Err(End::Broken(CLOSED.to_owned())),
    }
}

/// Speaks with one engine until the end. What it may not have heard stays in `outgoing`.
pub(super) async fn converse<S: AsyncRead + AsyncWrite>(
    Greeted { mut reader, mut writer, hello, every }: Greeted<S>,
    outgoing: &Outgoing,
    commands: &mut UnboundedReceiver<Command>,
    news: &UnboundedSender<News>,
) -> End {
    let doubt = match hello {
        Event::Hello { pid, started_ms, heard, .. } => outgoing.met((pid, started_ms), heard),
        _ => None,
    };
    tell(news, News::Event(hello));
    doubt.into_iter().for_each(|text| tell(news, News::Event(Event::Error { text })));
    reader.expects(every.map(|every| 3 * every));
    tokio::select! {
        end = listen(&mut reader, outgoing, news) => end,
        end = speak((&mut writer, every), outgoing, commands, news) => end,
    }
}

/// Tells the viewer what the engine says, until it says no more.
async fn listen<R: AsyncRead + Unpin>(reader: &mut Reader<R>, outgoing: &Outgoing, news: &UnboundedSender<News>) -> End {
    let mut arriving = Arriving::default();
    loop {
        let event = match reader.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return End::Broken(CLOSED.to_owned()),
            Err(error) if error.is::<Silence>() => return End::Mute,
            Err(error) => return End::Broken(error.to_string()),
        };
        let picture = match event {
            Event::Refused { reason } => return End::Refused(reason),
            Event::SentAway { reason } => return End::Broken(reason),
            Event::Stopping => {
                // Not read to its end: what the viewer says from now on is for the next engine.
                tell(news, News::Event(event));
                return End::Stopped;
            }
            Event::Heard { number } => {
                outgoing.heard(number);
                continue;
            }
            Event::Ping => continue,
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

/// Sends the viewer's commands until it has no more, and says now and then that it is there, where that was agreed.
async fn speak<W: AsyncWrite + Unpin>(
    (writer, every): (&mut Writer<W>, Option<Duration>),
    outgoing: &Outgoing,
    commands: &mut UnboundedReceiver<Command>,
    news: &UnboundedSender<News>,
) -> End {
    let ping = every.map(|every| Command::Ping { every_ms: every.as_millis() as u32 });
    ping.clone().into_iter().for_each(|ping| outgoing.push(ping));
    loop {
        while let Some(packet) = outgoing.next() {
            match packet {
                Err(error) => tell(news, News::Event(Event::Error { text: error.to_string() })),
                Ok(packet) => {
                    if writer.send(packet).await.is_err() {
                        // What the engine said last is still to be read: the listener ends the conversation.
                        return pending().await;
                    }
                    outgoing.went();
                }
            }
        }
        match timeout(every.unwrap_or(Duration::MAX), commands.recv()).await {
            Ok(Some(command)) => outgoing.push(command),
            Ok(None) => {
                timeout(LAST_WORD, outgoing.all_heard()).await.ok();
                return End::Left;
            }
            Err(_) => ping.clone().into_iter().for_each(|ping| outgoing.push(ping)),
        }
    }
}

/// A viewer that no longer listens is about to leave.
fn tell(news: &UnboundedSender<News>, item: News) {
    news.send(item).ok();
}
