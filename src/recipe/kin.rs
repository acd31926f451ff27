//! How runs belong together: what one came from and what came of it, and the table that a sweep is.

use super::{Axis, Given, Image, Recipe, RunId, State};
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

impl Recipe {
    /// The runs that it is made from, as the workspace has named what it keeps of them; none twice.
    pub fn parents(&self) -> Vec<Relative> {
        let mut recipe = self.clone();
        let Given { pictures, step, weights, .. } = recipe.given_mut();
        let pictures = pictures.into_iter().filter_map(|image| of_picture(kept_name(image)?));
        let step = step.and_then(|image| of_step(kept_name(image)?));
        let weights = weights.and_then(|image| of_weights(kept_name(image)?));
        let mut parents: Vec<Relative> = Vec::new();
        for parent in pictures.chain(step).chain(weights) {
            if parent.run.0 > 0 && !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        parents
    }
}

fn kept_name(image: &Image) -> Option<&str> {
    image.hash().map(|_| image.name())
}

/// `run:142`, or `run:142/2` for its second picture.
fn of_picture(name: &str) -> Option<Relative> {
    let name = name.strip_prefix("run:")?;
    let (run, picture) = name.split_once('/').unwrap_or((name, "1"));
    Some(Relative { run: RunId(run.parse().ok()?), how: Bond::Picture(picture.parse().ok()?) })
}

/// `step 12 of 142`.
fn of_step(name: &str) -> Option<Relative> {
    let (step, run) = name.strip_prefix("step ")?.split_once(" of ")?;
    Some(Relative { run: RunId(run.parse().ok()?), how: Bond::Step(step.parse().ok()?) })
}

/// `run 142, epoch 5`.
fn of_weights(name: &str) -> Option<Relative> {
    let (run, epoch) = name.strip_prefix("run ")?.split_once(", epoch ")?;
    Some(Relative { run: RunId(run.parse().ok()?), how: Bond::Weights(epoch.parse().ok()?) })
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
