//! The small files of a run's folder: what its pictures may not hold, and the index can be made again from.

use super::{note, queue::fits, rebuild::MAX_ID};
use crate::atomic;
use crate::recipe::{Axis, Foreign, Grid, Mark, Marks, RunId};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs;
use std::path::Path;

/// The largest of them that is read, in bytes.
const MAX_TOML: u64 = 16 << 20;

/// When a run was asked for, and how long it took.
#[derive(Serialize, Deserialize)]
pub(super) struct Times {
    pub created_ms: i64,
    pub took_ms: u64,
}

pub(super) fn keep_times(folder: &Path, created_ms: i64, took_ms: u64) -> Result<()> {
    keep(folder, "times.toml", &Times { created_ms, took_ms })
}

/// What is kept of a grid in the folder of its first run; its other cells have the numbers that follow. Once the first run is
/// deleted for good, in the folder of the first that is left.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptGrid {
    /// Its first run, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<RunId>,
    pub cells: usize,
    pub axes: Vec<Axis>,
}

pub(super) fn keep_grid(folder: &Path, grid: &Grid) -> Result<()> {
    keep(folder, "grid.toml", &KeptGrid { first: None, cells: grid.recipes.len(), axes: grid.axes.clone() })
}

/// Keeps the marks on a run, in place of those that it has.
pub(super) fn keep_marks(folder: &Path, marks: &Marks) -> Result<()> {
    if !marks.is_empty() {
        return keep(folder, "marks.toml", marks);
    }
    let path = folder.join("marks.toml");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(atomic::cannot_write(&path, &error)),
        _ => Ok(()),
    }
}

/// Keeps what is known of a picture that another program has made. It waits for the disk: without this the picture would look
/// like one that is still to be painted.
pub(super) fn keep_foreign(folder: &Path, foreign: &Foreign) -> Result<()> {
    atomic::write_atomic(&folder.join("foreign.toml"), toml::to_string(foreign)?.as_bytes())
}

/// Without waiting for the disk: the index holds it too, and thousands of runs must not wait as often.
pub(super) fn keep(folder: &Path, name: &str, what: &impl Serialize) -> Result<()> {
    atomic::make_folder(folder)?;
    atomic::write_soon(&folder.join(name), toml::to_string(what)?.as_bytes())
}

/// What a run's folder tells beside its recipe and pictures.
pub(super) struct Aside {
    pub times: Option<Times>,
    /// The lists of a sweep, and its first run.
    pub grid: Option<(RunId, KeptGrid)>,
    pub marks: Marks,
    pub foreign: Option<Foreign>,
    pub note: Option<String>,
    /// Files that are there and broken.
    pub broken: usize,
}

impl Aside {
    pub(super) fn read(id: RunId, folder: &Path) -> Aside {
        let mut broken = 0;
        let times = toml(&folder.join("times.toml"), &mut broken);
        let grid = grid(folder, id, &mut broken);
        let marks = toml(&folder.join("marks.toml"), &mut broken).map(|marks| sound(marks, &mut broken)).unwrap_or_default();
        let foreign = toml(&folder.join("foreign.toml"), &mut broken);
        Aside { times, grid, marks, foreign, note: note::read(folder), broken }
    }
}

/// The lists of a sweep in the folder of one of its runs, and its first run; somebody may have written them by hand.
pub(super) fn grid(folder: &Path, id: RunId, broken: &mut usize) -> Option<(RunId, KeptGrid)> {
    let kept: KeptGrid = toml(&folder.join("grid.toml"), broken)?;
    let first = kept.first.unwrap_or(id);
    // In this order: a sum of what is out of bounds would be none.
    let sound = (1..=MAX_ID).contains(&first.0) && fits(&kept.axes, kept.cells) && (first.0..first.0 + kept.cells as i64).contains(&id.0);
    *broken += usize::from(!sound);
    sound.then_some((first, kept))
}

/// What of the marks in a file are marks; somebody may have written it by hand.
fn sound(kept: Marks, broken: &mut usize) -> Marks {
    let tags = kept.tags.into_iter().map(Mark::Tag);
    let all = [Mark::Star(kept.star), Mark::Rate(kept.rating)].into_iter().chain(tags);
    all.fold(Marks::default(), |marks, mark| {
        marks.clone().with(&mark).unwrap_or_else(|_| {
            *broken += 1;
            marks
        })
    })
}

/// A small file that we wrote; broken ones are counted, missing ones are not.
pub(super) fn toml<T: DeserializeOwned>(path: &Path, broken: &mut usize) -> Option<T> {
    let size = fs::metadata(path).ok()?.len();
    let read = || {
        ensure!(size <= MAX_TOML, "too large");
        Ok(toml::from_str(&fs::read_to_string(path)?)?)
    };
    read().inspect_err(|_: &anyhow::Error| *broken += 1).ok()
}
