//! What a training tells of each of its steps.

use serde::{Deserialize, Serialize};

/// A step of a training: a point of its curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The step, from 1.
    pub step: u32,
    /// The epoch that it belongs to, from 1.
    pub epoch: u32,
    /// The mean squared error of its batch.
    pub loss: f32,
    /// The learning rate.
    pub rate: f32,
    /// How long it took, in milliseconds.
    pub ms: f32,
}
