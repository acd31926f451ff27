//! What a training leaves in its run's folder as it goes: points, checkpoints, weights, samples.
//!
//! ```text
//! runs/000007/checkpoints/epoch-0003.safetensors            to go on after the third epoch
//!             checkpoints/epoch-0003-step-0120.safetensors  the same, within the fourth
//!             weights/epoch-0001.safetensors                the network alone
//!             events/                                       the curves for TensorBoard
//! ```

use super::{Gallery, encode_png, events::EventFile, index, rebuild};
use crate::atomic::{make_folder, write_atomic};
use crate::recipe::{Made, Point, Run, RunId};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use rusqlite::params;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Points are written together, so often.
const FLUSH: Duration = Duration::from_secs(1);
/// So many checkpoints stay, and the best.
const LAST: usize = 3;
/// More points than a training can have.
const ALL: u32 = u32::MAX;

/// Writes down what a training tells.
pub struct Logbook<'a> {
    gallery: &'a Gallery,
    run: Run,
    /// Opened at the first point, which says where the training goes on.
    events: Option<EventFile>,
    pending: Vec<Point>,
    flushed: Instant,
    kept: Instant,
}

impl Gallery {
    /// The logbook of a training that begins or goes on.
    pub fn logbook(&self, run: &Run) -> Logbook<'_> {
        let now = Instant::now();
        Logbook { gallery: self, run: run.clone(), events: None, pending: Vec::new(), flushed: now, kept: now }
    }

    /// The checkpoints of a training, the one that is furthest first.
    pub fn checkpoints(&self, run: RunId) -> Vec<PathBuf> {
        let mut all = places(&self.folder(run).join("checkpoints"));
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().map(|(_, path)| path).collect()
    }

    /// How many of a run's pictures there are, from the first on.
    pub fn picture_count(&self, run: RunId) -> usize {
        (0..).take_while(|index| self.picture_path(run, *index).is_file()).count()
    }

    /// Marks a training as done after an epoch. One that was ended early is from now on one that asked for no more.
    ///
    /// # Errors
    /// When its pictures are not all there, or the index cannot be written.
    pub fn finish(&self, id: RunId, made: &Made, (epoch, took_ms): (usize, u64)) -> Result<Run> {
        let mut run = self.run(id)?.with_context(|| format!("there is no run {id}"))?;
        run.recipe = run.recipe.until(epoch);
        let (asked, there) = (run.recipe.pictures(), self.picture_count(id));
        ensure!(there >= asked, "run {id} has {there} of its {asked} pictures");
        self.write_recipe(&run)?;
        rebuild::keep_times(&self.folder(id), run.created_ms, took_ms)?;
        let sql = format!(
            "UPDATE runs SET state = 'done', steps = step, took_ms = ?2, made = ?3, recipe = ?4, error = NULL, owner = NULL, deaths = 0,
                ended_ms = ?5
            WHERE id = ?1 RETURNING {}",
            index::COLUMNS
        );
        let run = self.index(|connection| {
            let values = params![id.0, took_ms, index::json(made)?, index::json(&run.recipe)?, super::now_ms()];
            connection.query_row(&sql, values, index::read)
        })?;
        run.with_context(|| format!("run {id} was made by a newer darkroom"))
    }
}

impl Logbook<'_> {
    /// A step was made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn point(&mut self, point: Point) -> Result<()> {
        if self.events.is_none() {
            self.gallery.cut_points(self.run.id, point.step)?;
            let before = self.gallery.points(self.run.id, 0, ALL)?;
            self.events = Some(EventFile::begin(&self.folder("events"), self.run.created_ms, &before)?);
        }
        self.pending.push(point);
        if self.flushed.elapsed() >= FLUSH { self.flush() } else { Ok(()) }
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> Result<()> {
        if let Some(events) = &mut self.events {
            events.add(&self.pending, super::now_ms())?;
        }
        self.gallery.add_points(self.run.id, &self.pending)?;
        self.pending.clear();
        self.flushed = Instant::now();
        Ok(())
    }

    /// Whether it is time for a checkpoint within the epoch.
    pub fn is_due(&self) -> bool {
        let minutes = self.run.recipe.training().map_or(u64::MAX, |training| training.learn.checkpoint_minutes);
        self.kept.elapsed().as_secs() / 60 >= minutes
    }

    /// Keeps a checkpoint after so many whole epochs and so many steps of the next; those that it makes superfluous go.
    ///
    /// # Errors
    /// When it cannot be written; those before it are still there.
    pub fn checkpoint(&mut self, (epochs, step): (usize, usize), bytes: &[u8]) -> Result<()> {
        self.flush()?;
        let within = if step == 0 { String::new() } else { format!("-step-{step:06}") };
        let folder = self.folder("checkpoints");
        make_folder(&folder)?;
        write_atomic(&folder.join(format!("epoch-{epochs:04}{within}.safetensors")), bytes)?;
        self.kept = Instant::now();
        let best = self.best(epochs)?.map(|epoch| (epoch, 0));
        let mut all = places(&folder);
        all.sort_unstable();
        let superfluous = all.len().saturating_sub(LAST);
        for (place, path) in all.into_iter().take(superfluous) {
            if Some(place) != best {
                // What cannot be deleted only takes room.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// The whole epoch whose mean loss was lowest.
    fn best(&self, epochs: usize) -> Result<Option<u32>> {
        let losses = self.gallery.epoch_losses(self.run.id)?;
        let whole = losses.into_iter().filter(|(epoch, _)| *epoch as usize <= epochs);
        Ok(whole.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(epoch, _)| epoch))
    }

    /// Whether the recipe asks for the weights of an epoch.
    pub fn keeps(&self, epoch: usize) -> bool {
        self.run.recipe.training().is_some_and(|training| training.learn.keep.0.contains(&epoch))
    }

    /// Keeps the network of an epoch.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn weights(&self, epoch: usize, bytes: &[u8]) -> Result<()> {
        let folder = self.folder("weights");
        make_folder(&folder)?;
        write_atomic(&folder.join(format!("epoch-{epoch:04}.safetensors")), bytes)
    }

    /// Keeps one of the run's pictures, counted from 0.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn picture(&self, index: usize, sheet: &RgbImage, made: &Made) -> Result<()> {
        write_atomic(&self.gallery.picture_path(self.run.id, index), &encode_png(sheet, &self.run.recipe, made, index)?)
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.gallery.folder(self.run.id).join(name)
    }
}

/// The checkpoints in a folder, each with its whole epochs and the steps of the next.
fn places(folder: &Path) -> Vec<((u32, u32), PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let place = |name: &str| {
        let name = name.strip_prefix("epoch-")?.strip_suffix(".safetensors")?;
        let (epochs, step) = name.split_once("-step-").unwrap_or((name, "0"));
        Some((epochs.parse().ok()?, step.parse().ok()?))
    };
    entries.filter_map(|entry| Some((place(&entry.file_name().to_string_lossy())?, entry.path()))).collect()
}
