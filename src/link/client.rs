//! A viewer's way to an engine, kept open as long as the viewer is there.

use super::outgoing::{Outgoing, is_frame, is_work};
use super::remote::{Manner, Remote};
use super::start::Program;
use super::talk::{End, MUTE, NOTHING_TO_WATCH, STOPPED, converse};
use super::way::{self, Open, Way};
use super::{Command, Event, News, Wire, socket, start};
use anyhow::{Result, bail};
use std::convert::Infallible;
use std::ffi::OsString;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, sleep_until};

/// How long we wait for an engine that another process is just starting or ending.
const OTHERS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);
/// The least time between two tries of a way that was lost, whatever the viewer does meanwhile.
pub(super) const BREATH: Duration = Duration::from_millis(500);

/// A wire to the engine of a workspace, which `program` (see [`this_program`]) is started as where there is none.
///
/// Returns at once: [`News`] tells how it goes. When the engine is lost, the next one is started, and gets the commands
/// that have waited; those that the lost one may have heard are told ([`Outgoing`]). An engine that was stopped stays so until the viewer asks for work or for something to be kept. Dropping
/// [`Wire::commands`] and reading the news to their end gives every command the time to be heard.
pub fn connect(workspace: &Path, program: Program) -> Wire {
    keep(Way::Here(workspace.to_owned(), Some(program)), None, Wire::new())
}

/// A wire to the engine of a workspace for a viewer that only watches. Where there is none it waits for one.
pub fn watch(workspace: &Path) -> Wire {
    keep(Way::Here(workspace.to_owned(), None), None, Wire::new())
}

/// A wire to an engine on another machine, once it has answered: until then ssh may ask for a password on the terminal, and
/// later it may not. A connection that is lost is tried again; the engine there goes on.
///
/// # Errors
/// Why it cannot be reached, in one sentence.
pub async fn connect_to(remote: Remote) -> Result<Wire> {
    let way = Way::There(remote);
    let ends = Wire::new();
    match way.open(Manner::Asks, ends.0.outgoing.viewer).await {
        Ok(open) => Ok(keep(way, Some(open), ends)),
        Err(End::Absent) => Ok(keep(way, None, ends)),
        Err(End::Refused(reason) | End::Broken(reason)) => bail!(reason),
        Err(End::Left | End::Stopped | End::Mute) => bail!(MUTE),
    }
}

/// The running program, to start an engine with, and what that engine is told beside its workspace.
///
/// # Errors
/// When the system does not say where it is.
pub fn this_program(arguments: Vec<OsString>) -> Result<Program> {
    Ok(Program { path: std::env::current_exe()?, arguments })
}

/// A connection to the engine of a workspace, started where there is none; and the engine, if it is our child.
///
/// # Errors
/// Why there is none.
pub async fn reach(workspace: &Path, program: &Program) -> Result<(UnixStream, Option<start::Started>)> {
    let deadline = Instant::now() + OTHERS;
    let mut child = None;
    loop {
        if let Some(stream) = socket::dial(workspace).await? {
            return Ok((stream, child));
        }
        if child.is_some() {
            bail!("the engine ended as soon as it was ready; {} may say why", workspace.join(start::LOG).display());
        }
        child = start::start(program, workspace).await?;
        if child.is_none() && Instant::now() > deadline {
            bail!("another engine holds this workspace and does not listen; `darkroom stop` ends it");
        }
        sleep(POLL).await;
    }
}

/// Both ends of a wire.
type Ends = (Wire, UnboundedReceiver<Command>, UnboundedSender<News>);

/// Keeps a way open, which may be so already, until the viewer leaves.
fn keep(way: Way, open: Option<Open>, (wire, commands, news): Ends) -> Wire {
    let (wake, outgoing) = (wire.wake.clone(), wire.outgoing.clone());
    let keeper = Keeper { way, commands, news, wake, outgoing, told: None, manner: Manner::Quiet };
    tokio::spawn(keeper.keep(open));
    wire
}

struct Keeper {
    way: Way,
    commands: UnboundedReceiver<Command>,
    news: UnboundedSender<News>,
    wake: Arc<Notify>,
    outgoing: Arc<Outgoing>,
    /// What was told last of a way that is tried again and again, so that it is told once.
    told: Option<News>,
    manner: Manner,
}

impl Keeper {
    async fn keep(mut self, mut open: Option<Open>) {
        let mut failures = 0;
        loop {
            let (end, lasted) = self.once(open.take()).await;
            if self.outgoing.take_asked_for_work() || lasted >= self.way.good() {
                failures = 0;
            }
            let goes_on = match end {
                End::Left => false,
                End::Stopped => self.stopped().await,
                // Without the connection that others share, it may be a password that is missing.
                End::Refused(_) if self.manner == Manner::Alone => {
                    self.manner = Manner::Quiet;
                    self.pause(BREATH).await
                }
                End::Refused(reason) => self.give_up(reason, None).await,
                End::Absent => self.give_up(NOTHING_TO_WATCH.to_owned(), self.way.look()).await,
                End::Mute => {
                    // It may be busy, and no new one would help; but the connection that others share may be dead.
                    self.manner = Manner::Alone;
                    self.tell(News::Lost { reason: self.way.lost(MUTE.to_owned()) });
                    true
                }
                End::Broken(reason) => {
                    self.tell(News::Lost { reason: self.way.lost(reason) });
                    failures += 1;
                    match self.way.pause(failures) {
                        Some(pause) => self.pause(pause).await,
                        None => self.give_up(way::TIRED.to_owned(), None).await,
                    }
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// One conversation, on a way that may be open already; and how long it lasted.
    async fn once(&mut self, open: Option<Open>) -> (End, Duration) {
        let open = match open {
            Some(open) => Ok(open),
            None => tokio::select! {
                open = self.way.open(self.manner, self.outgoing.viewer) => open,
                never = take_in(&mut self.commands, &self.outgoing) => match never {},
            },
        };
        match open {
            Ok(Open { greeted, peer }) => {
                self.told = None;
                let begun = Instant::now();
                let end = converse(greeted, &self.outgoing, &mut self.commands, &self.news).await;
                let lasted = begun.elapsed();
                let end = tokio::select! {
                    end = peer.why(end) => end,
                    never = take_in(&mut self.commands, &self.outgoing) => match never {},
                };
                (end, lasted)
            }
            Err(end) => (end, Duration::ZERO),
        }
    }

    fn tell(&mut self, news: News) {
        if self.told.as_ref() != Some(&news) {
            self.told = Some(news.clone());
            self.news.send(news).ok();
        }
    }

    /// The engine was stopped. False when the viewer has left.
    async fn stopped(&mut self) -> bool {
        self.tell(News::Lost { reason: STOPPED.to_owned() });
        let doubt = self.outgoing.forsaken();
        doubt.into_iter().for_each(|text| drop(self.news.send(News::Event(Event::Error { text }))));
        match self.way.look() {
            Some(pause) => self.pause(pause).await,
            // Who opens a drawing waits for its sheet, and who opens the gallery or the list of models for what is in it.
            None => {
                let look = |command: &Command| matches!(command, Command::Look { .. } | Command::Models | Command::Find { .. });
                self.wait(|command| is_work(command) || look(command)).await
            }
        }
    }

    /// There is no engine until the viewer asks for something, or where it is to `look` now and then, another starts one. False
    /// when the viewer has left.
    async fn give_up(&mut self, reason: String, look: Option<Duration>) -> bool {
        self.tell(News::NoEngine { reason });
        if let Some(pause) = look {
            return self.pause(pause).await;
        }
        self.told = None;
        let (watches, wake) = (self.way.watches(), self.wake.clone());
        tokio::select! {
            // Who only watches asks for nothing; that it is there must do.
            () = wake.notified(), if watches => {
                self.rest(Instant::now() + BREATH).await;
                true
            }
            stays = self.wait(asks) => stays,
        }
    }

    /// Waits before the next try; who asks for something shortens it. False when the viewer has left.
    async fn pause(&mut self, pause: Duration) -> bool {
        if pause.is_zero() {
            return true;
        }
        let (begun, wake) = (Instant::now(), self.wake.clone());
        tokio::select! {
            () = sleep(pause) => return true,
            () = wake.notified() => {}
            stays = self.wait(asks) => match stays {
                // What comes of it is told anew.
                true => self.told = None,
                false => return false,
            },
        }
        // Who tries in vain is not to be heard more and more often, whoever is there: a machine may shut out who knocks like that.
        self.rest(begun + pause.min(BREATH.max(pause / 4))).await;
        true
    }

    /// Waits, and keeps what the viewer says meanwhile.
    async fn rest(&mut self, until: Instant) {
        tokio::select! {
            () = sleep_until(until) => {}
            never = take_in(&mut self.commands, &self.outgoing) => match never {},
        }
    }

    /// Keeps commands until one is worth an engine. False when the viewer has left.
    async fn wait(&mut self, worth: impl Fn(&Command) -> bool) -> bool {
        while let Some(command) = self.commands.recv().await {
            let enough = worth(&command);
            self.outgoing.push(command);
            if enough {
                return true;
            }
        }
        false
    }
}

/// Whether somebody waits for what comes of it.
fn asks(command: &Command) -> bool {
    !is_frame(command) && !matches!(command, Command::Ping { .. })
}

/// Keeps what the viewer says while nobody can be told; it is known then, should it leave.
async fn take_in(commands: &mut UnboundedReceiver<Command>, outgoing: &Outgoing) -> Infallible {
    while let Some(command) = commands.recv().await {
        outgoing.push(command);
    }
    // The rest is to go out all the same.
    pending().await
}
