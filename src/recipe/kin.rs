//! How runs belong together: what one came from and what came of it, and the table that a sweep is.

use super::{Axis, RunId, State};
use serde::{Deserialize, Serialize};

/// Where a run came from and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kin {
    /// The runs that it was made from.
    pub from: Vec<Relative>,
    /// The runs that were made from it, newest first; of many the newest.
    pub made: Vec<Relative>,
}

/// A run that another one was made from, or that was made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relative {
    /// The other run.
    pub run: RunId,
    /// What went from one to the other.
    pub how: Bond,
}

/// What goes from one run into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bond {
    /// The second goes on from a kept step of the first, counted from 1.
    Step(u32),
    /// The second works on a picture of the first, counted from 1.
    Picture(u32),
    /// The second draws with the network that the first has trained, after this epoch.
    Weights(u32),
}

/// A sweep: a run a cell, the last axis varying fastest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its first run, which names it.
    pub first: RunId,
    /// The fields with several values, as they would be typed.
    pub axes: Vec<Axis>,
    /// In the order of the runs.
    pub cells: Vec<Cell>,
}

/// A cell of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Its run.
    pub run: RunId,
    /// Where that stands; none where it was deleted.
    pub state: Option<State>,
}
