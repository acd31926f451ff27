//! One recipe executed: how far it has come.

use super::{Foreign, Marks, Recipe};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run's number in its workspace, counted from 1 and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for the worker.
    Queued,
    /// Is being computed.
    Running,
    /// Finished; its pictures are in the gallery.
    Done,
    /// Ended by an error, told in [`Run::error`].
    Failed,
    /// Ended by the user.
    Cancelled,
    /// Put aside by the user; it goes on when asked.
    Paused,
    /// Its engine died with it: it goes on only when asked.
    Interrupted,
}

impl State {
    /// Whether the engine still has work to do on it without being asked.
    pub fn is_open(self) -> bool {
        matches!(self, State::Queued | State::Running)
    }

    /// The word for it, as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Paused => "paused",
            State::Interrupted => "interrupted",
        }
    }
}

/// One recipe executed, with how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What was asked.
    pub recipe: Recipe,
    /// Where it stands.
    pub state: State,
    /// Steps done.
    pub step: u32,
    /// Steps in all; 0 until the run has begun.
    pub of: u32,
    /// When it was asked for, in milliseconds since 1970.
    pub created_ms: i64,
    /// How long it took, in milliseconds, once it is done.
    pub took_ms: Option<u64>,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    /// The first run of the grid that it is a cell of.
    pub grid: Option<RunId>,
    /// What the user observed.
    #[serde(default)]
    pub note: Option<String>,
    /// Stars, rating and tags.
    #[serde(default)]
    pub marks: Marks,
    /// Where its picture comes from, if another program or workspace has made it.
    #[serde(default)]
    pub foreign: Option<Box<Foreign>>,
}
