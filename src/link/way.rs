//! The ways to an engine: here through its workspace's socket, or there over ssh.

use super::client::{BREATH, reach};
use super::remote::{Manner, Remote, Ssh};
use super::socket;
use super::start::{Program, Started};
use super::talk::{End, GREETING, Greeted, Us, greet};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;

/// How often an engine here may die on a viewer that asks for nothing, before it has lived for [`LIFE`].
const DEATHS: u32 = 3;
pub(super) const TIRED: &str = "the engine ended 3 times; it starts again when you ask for something";
const LIFE: Duration = Duration::from_secs(60);
/// A connection to another machine that held for so long was a good one.
const HELD: Duration = Duration::from_secs(10);
/// The longest pause before another machine is tried again.
const LONGEST: Duration = Duration::from_secs(10);
/// How long another machine may take to start an engine and to answer.
const THERE: Duration = Duration::from_secs(60);
/// How often both sides of a way to another machine say that they are there.
const PING: Duration = Duration::from_secs(3);

/// A way to an engine.
pub(super) enum Way {
    /// A workspace here, and what is started as its engine, unless this viewer only watches.
    Here(PathBuf, Option<Program>),
    /// Another machine.
    There(Remote),
}

/// A way that has led to an engine.
pub(super) struct Open {
    pub greeted: Greeted<UnixStream>,
    pub peer: Peer,
}

/// The process behind a connection, which may know why it ended.
pub(super) enum Peer {
    /// Nobody's child that we know.
    Stranger,
    Engine(Started),
    Ssh(Ssh),
}

impl Way {
    /// Goes it once, for a viewer with this number.
    pub async fn open(&self, manner: Manner, viewer: u64) -> Result<Open, End> {
        let (stream, peer) = self.dial(manner).await?;
        let (every, patience) = match self {
            Way::Here(..) => (None, Some(GREETING)),
            // A person may be asked for a password, however long that takes.
            Way::There(_) => (Some(PING), (manner != Manner::Asks).then_some(THERE)),
        };
        match greet(stream, Us { viewer, watches: self.watches(), every }, patience).await {
            Ok(greeted) => Ok(Open { greeted, peer }),
            Err(end) => Err(peer.why(end).await),
        }
    }

    async fn dial(&self, manner: Manner) -> Result<(UnixStream, Peer), End> {
        let refused = |error: anyhow::Error| End::Refused(format!("{error:#}"));
        match self {
            Way::Here(workspace, Some(program)) => {
                let (stream, child) = reach(workspace, program).await.map_err(refused)?;
                Ok((stream, child.map_or(Peer::Stranger, Peer::Engine)))
            }
            Way::Here(workspace, None) => {
                let stream = socket::dial(workspace).await.map_err(refused)?;
                Ok((stream.ok_or(End::Absent)?, Peer::Stranger))
            }
            Way::There(remote) => {
                let (stream, ssh) = remote.dial(manner).map_err(refused)?;
                Ok((stream, Peer::Ssh(ssh)))
            }
        }
    }

    /// Whether it leads to an engine only where there is one.
    pub fn watches(&self) -> bool {
        match self {
            Way::Here(_, program) => program.is_none(),
            Way::There(remote) => remote.watches(),
        }
    }

    /// What a viewer is told of its loss.
    pub fn lost(&self, reason: String) -> String {
        match self {
            Way::Here(..) => reason,
            Way::There(_) => format!("connection lost, trying again ({reason})"),
        }
    }

    /// The pause before the next try, after so many in a row that failed; none where only the viewer can ask for it.
    pub fn pause(&self, failures: u32) -> Option<Duration> {
        match self {
            Way::Here(_, Some(_)) => (!failures.is_multiple_of(DEATHS)).then_some(Duration::ZERO),
            // Who only watches starts none: it need not be asked.
            Way::Here(_, None) => Some(BREATH),
            Way::There(_) => Some((BREATH * 2u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST)),
        }
    }

    /// How often a viewer that only watches looks for an engine; none for one that can have it started.
    pub fn look(&self) -> Option<Duration> {
        self.watches().then_some(match self {
            Way::Here(..) => BREATH,
            Way::There(_) => LONGEST,
        })
    }

    /// After so long a connection counts as one that held.
    pub fn good(&self) -> Duration {
        match self {
            Way::Here(..) => LIFE,
            Way::There(_) => HELD,
        }
    }
}

impl Peer {
    /// The end of a connection, with what the process behind it says of it.
    pub async fn why(self, end: End) -> End {
        match (end, self) {
            (End::Broken(reason), Peer::Engine(child)) => {
                End::Broken(child.ended().await.map_or(reason, |how| format!("the engine stopped ({how})")))
            }
            (End::Broken(reason), Peer::Ssh(ssh)) => ssh.why(reason).await,
            (end @ (End::Left | End::Stopped), Peer::Ssh(ssh)) => {
                ssh.let_go();
                end
            }
            (end, _) => end,
        }
    }
}
