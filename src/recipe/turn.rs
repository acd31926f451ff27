//! A place in the queue.

use super::RunId;
use serde::{Deserialize, Serialize};

/// A place in the queue, as a run is moved there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// Before all others that wait.
    First,
    /// One place earlier.
    Earlier,
    /// One place later.
    Later,
    /// Behind all others.
    Last,
    /// To the place of another run; those between the two make room.
    At(RunId),
}
