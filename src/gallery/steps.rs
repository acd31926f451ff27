//! The kept steps of runs: what the inspector looks at, and what films are made of. They have a budget on the disk.

use super::{Gallery, locked, trash::numbered};
use crate::atomic::{make_folder, write_soon};
use crate::input::step_file;
use crate::recipe::{Run, RunId, State};
use anyhow::Result;
use std::fs;
use std::path::PathBuf;

/// The most bytes that kept steps of runs that are over take together; the oldest runs' go first.
pub const BUDGET: u64 = 1_000_000_000;
/// A run of more steps keeps only some of them, evenly.
const MANY: usize = 128;

/// What the kept steps of a workspace take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes on the disk.
    pub bytes: u64,
    /// Runs that have some.
    pub runs: usize,
}

/// The steps that a run keeps as it goes, until that fails once. Nothing here is an error: a run is worth more than the
/// look into it. What went wrong comes back as a sentence for the log.
pub struct KeptSteps<'a> {
    gallery: &'a Gallery,
    run: RunId,
    keeps: bool,
}

impl KeptSteps<'_> {
    /// Keeps the step of this index (from 0) of `of`, or leaves it out where a run has too many. Where that fails, the steps
    /// before it go too.
    pub fn keep(&mut self, place: (usize, usize), bytes: impl FnOnce() -> Result<Vec<u8>>) -> Option<String> {
        if !self.keeps {
            return None;
        }
        let error = self.gallery.keep_step(self.run, place, bytes).err()?;
        self.keeps = false;
        // The disk may be full: the checkpoint and the pictures need the room more.
        let freed = fs::remove_dir_all(self.gallery.folder(self.run).join("steps")).is_ok();
        let earlier = if freed { ", and those that were are deleted to make room" } else { "" };
        Some(format!("{}: its steps are not kept for the inspector{earlier}: {error:#}", self.run))
    }

    /// The run is over: what all runs keep is brought back to [`BUDGET`].
    pub fn trim(&self) -> Option<String> {
        let error = self.gallery.trim_steps(BUDGET).err()?;
        Some(format!("the kept steps cannot be looked through: {error:#}"))
    }
}

impl Gallery {
    /// The steps of a run that begins or goes on.
    pub fn kept_steps(&self, run: RunId) -> KeptSteps<'_> {
        KeptSteps { gallery: self, run, keeps: true }
    }

    /// Keeps the step of this index (from 0) of `of`, or leaves it out where a run has too many.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub(super) fn keep_step(&self, id: RunId, (index, of): (usize, usize), bytes: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
        if index % of.div_ceil(MANY).max(1) > 0 && index + 1 < of {
            return Ok(());
        }
        self.look_for_steps(&[id]);
        let path = self.step_path(id, index as u32 + 1);
        if index == 0 || !path.parent().is_some_and(std::path::Path::is_dir) {
            make_folder(&self.folder(id).join("steps"))?;
        }
        write_soon(&path, &bytes()?)
    }

    /// The file of a kept step, counted from 1.
    pub fn step_path(&self, id: RunId, step: u32) -> PathBuf {
        step_file(&self.folder(id), step)
    }

    /// Which steps of a run are kept, counted from 1.
    pub fn steps(&self, id: RunId) -> Vec<u32> {
        let entries = fs::read_dir(self.folder(id).join("steps")).into_iter().flatten().flatten();
        let number = |name: String| name.strip_suffix(".safetensors").and_then(|number| number.parse().ok());
        let mut steps: Vec<u32> = entries.filter_map(|entry| number(entry.file_name().to_string_lossy().into_owned())).collect();
        steps.sort_unstable();
        steps
    }

    /// What the kept steps take.
    pub fn steps_usage(&self) -> Usage {
        let runs = self.runs_with_steps();
        Usage { bytes: runs.iter().map(|(_, bytes)| bytes).sum(), runs: runs.len() }
    }

    /// Deletes the kept steps of the oldest runs that are over until all take at most `budget` bytes.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) fn trim_steps(&self, budget: u64) -> Result<()> {
        let runs = self.runs_with_steps();
        let mut bytes: u64 = runs.iter().map(|(_, bytes)| bytes).sum();
        for (id, size) in runs {
            if bytes <= budget {
                return Ok(());
            }
            // Others may yet go on, and are looked into and branched from meanwhile.
            let over = |run: Run| matches!(run.state, State::Done | State::Failed | State::Cancelled);
            if self.run(id)?.is_none_or(over) && fs::remove_dir_all(self.folder(id).join("steps")).is_ok() {
                bytes -= size;
            }
        }
        Ok(())
    }

    /// These may have kept steps from now on.
    pub(super) fn look_for_steps(&self, runs: &[RunId]) {
        if let Some(known) = locked(&self.with_steps).as_mut() {
            known.extend(runs);
        }
    }

    /// The runs that have kept steps, oldest first, and their bytes. All folders are looked through only once: among a hundred
    /// thousand that takes as long as a short run. What other processes keep meanwhile, they bring back to the budget themselves.
    fn runs_with_steps(&self) -> Vec<(RunId, u64)> {
        let mut known = locked(&self.with_steps);
        let known = known.get_or_insert_with(|| numbered(&self.workspace.join("runs")).into_iter().map(|(id, _)| id).collect());
        let size = |id: &RunId| {
            let files = fs::read_dir(self.folder(*id).join("steps")).ok()?.flatten();
            Some((*id, files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()))
        };
        let runs: Vec<_> = known.iter().filter_map(size).collect();
        *known = runs.iter().map(|(id, _)| *id).collect();
        runs
    }
}
