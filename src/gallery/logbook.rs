//! What a training leaves in its run's folder as it goes: points, checkpoints, weights, samples.
//!
//! ```text
//! runs/000007/checkpoints/epoch-0003.safetensors            to go on after the third epoch
//!             checkpoints/epoch-0003-step-0120.safetensors  the same, within the fourth
//!             weights/epoch-0001.safetensors                the network alone
//!             events/                                       the curves for TensorBoard
//! ```

use super::{Gallery, encode_png, events, events::EventFile, index, kept};
use crate::atomic::{make_folder, write_atomic};
use crate::recipe::{Made, Point, Run, RunId};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use rusqlite::params;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, mem};

/// Points are written together, so often.
const FLUSH: Duration = Duration::from_secs(1);
/// So many checkpoints of whole epochs stay, and the best; as many within the epoch in progress.
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

    /// The checkpoints of a training that can be seen, the one that is furthest first.
    pub fn checkpoints(&self, run: RunId) -> Vec<PathBuf> {
        paths(places(&self.folder(run).join("checkpoints")).unwrap_or_default())
    }

    /// The epoch that a training would go on in, or is just at the end of; the first where it has not begun.
    ///
    /// # Errors
    /// When its checkpoints cannot be listed.
    pub fn epoch(&self, run: RunId) -> Result<usize> {
        let furthest = places(&self.folder(run).join("checkpoints"))?.into_iter().map(|(place, _)| place).max();
        Ok(furthest.map_or(1, |(epochs, step)| epochs as usize + usize::from(step > 0)))
    }

    /// How many of a run's pictures there are, from the first on.
    pub fn picture_count(&self, run: RunId) -> usize {
        (0..).take_while(|index| self.picture_path(run, *index).is_file()).count()
    }

    /// A training ends after an epoch: it is from now on one that asked for no more, in this life and in later ones.
    ///
    /// # Errors
    /// When there is no such run, or its recipe cannot be written.
    pub fn end_after(&self, id: RunId, epoch: usize) -> Result<Run> {
        let run = self.run(id)?.with_context(|| format!("there is no run {id}"))?;
        let ended = Run { recipe: run.recipe.clone().until(epoch), ..run };
        if ended.recipe != run.recipe {
            self.write_recipe(&ended)?;
            let sql = "UPDATE runs SET recipe = ?2 WHERE id = ?1";
            self.index(|connection| connection.execute(sql, params![id.0, index::json(&ended.recipe)?]))?;
        }
        Ok(ended)
    }

    /// Marks a training as done after an epoch.
    ///
    /// # Errors
    /// When its pictures are not all there, or the index cannot be written.
    pub fn finish(&self, id: RunId, made: &Made, (epoch, took_ms): (usize, u64)) -> Result<Run> {
        let run = self.end_after(id, epoch)?;
        let (asked, there) = (run.recipe.pictures(), self.picture_count(id));
        ensure!(there >= asked, "run {id} has {there} of its {asked} pictures");
        kept::keep_times(&self.folder(id), run.created_ms, took_ms)?;
        let sql = format!(
            "UPDATE runs SET state = 'done', steps = step, took_ms = ?2, made = ?3, error = NULL, owner = NULL, ended_ms = ?4
            WHERE id = ?1 RETURNING {}",
            index::COLUMNS
        );
        let run = self.index(|connection| {
            let values = params![id.0, took_ms, index::json(made)?, super::now_ms()];
            connection.query_row(&sql, values, index::read)
        })?;
        run.with_context(|| format!("run {id} was made by a newer darkroom"))
    }
}

impl Logbook<'_> {
    /// What to go on from, the furthest first.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn checkpoints(&self) -> Result<Vec<PathBuf>> {
        places(&self.folder("checkpoints")).map(paths)
    }

    /// A step was made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn point(&mut self, point: Point) -> Result<()> {
        if self.events.is_none() {
            self.events = Some(self.begin_events(point.step)?);
        }
        self.pending.push(point);
        if self.flushed.elapsed() >= FLUSH { self.flush() } else { Ok(()) }
    }

    /// The event file with what is known of the steps before this one.
    fn begin_events(&self, step: u32) -> Result<EventFile> {
        let (id, folder) = (self.run.id, self.folder("events"));
        self.gallery.cut_points(id, step)?;
        let mut before = self.gallery.points(id, 0, ALL)?;
        // An index that was made again may know less than the file, which is about to be written anew.
        let mut lost = events::read(&folder);
        lost.retain(|point| point.step < step && before.binary_search_by_key(&point.step, |point| point.step).is_err());
        if !lost.is_empty() {
            self.gallery.add_points(id, &lost)?;
            before = self.gallery.points(id, 0, ALL)?;
        }
        EventFile::begin(&folder, self.run.created_ms, &before)
    }

    /// Writes what is not written yet.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> Result<()> {
        self.gallery.add_points(self.run.id, &self.pending)?;
        self.flushed = Instant::now();
        let Some(events) = &mut self.events else { return Ok(()) };
        let added = events.add(&mem::take(&mut self.pending), super::now_ms());
        if added.is_err() {
            // Half of them may be there: the next point begins the file again, from the index.
            self.events = None;
        }
        added
    }

    /// Whether it is time for a checkpoint within the epoch.
    pub fn is_due(&self) -> bool {
        let minutes = self.run.recipe.training().map_or(u64::MAX, |training| training.learn.checkpoint_minutes);
        self.kept.elapsed().as_secs() / 60 >= minutes
    }

    /// Keeps a checkpoint after so many whole epochs and so many steps of the next. Those that it makes superfluous go, and
    /// those beyond it, which are of a life that is lost.
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
        let all = places(&folder)?;
        for (place, path) in &all {
            if Some(*place) != best && !stays(*place, (epochs as u32, step as u32), &all) {
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

/// How far a checkpoint is: whole epochs, and steps of the next.
type Place = (u32, u32);

/// The checkpoints in a folder; none where it is not there.
fn places(folder: &Path) -> Result<Vec<(Place, PathBuf)>> {
    let cannot = || format!("{} cannot be read", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(cannot)?,
    };
    let place = |name: &str| {
        let name = name.strip_prefix("epoch-")?.strip_suffix(".safetensors")?;
        let (epochs, step) = name.split_once("-step-").unwrap_or((name, "0"));
        Some((epochs.parse().ok()?, step.parse().ok()?))
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(cannot)?;
        found.extend(place(&entry.file_name().to_string_lossy()).map(|place| (place, entry.path())));
    }
    Ok(found)
}

/// Whether a checkpoint stays, among all, now that one is written: the last of whole epochs, and the last within the epoch
/// in progress.
fn stays(place: Place, written: Place, all: &[(Place, PathBuf)]) -> bool {
    let is_whole = |place: Place| place.1 == 0;
    let newer = all.iter().filter(|(other, _)| *other > place && *other <= written && is_whole(*other) == is_whole(place)).count();
    place <= written && (is_whole(place) || place.0 == written.0) && newer < LAST
}

/// The files, the one that is furthest first.
fn paths(mut places: Vec<(Place, PathBuf)>) -> Vec<PathBuf> {
    places.sort_unstable_by(|one, other| other.cmp(one));
    places.into_iter().map(|(_, path)| path).collect()
}
