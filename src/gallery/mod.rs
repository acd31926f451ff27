//! Results: PNG files with their recipe inside, and the index that finds them again.
//!
//! A workspace is a folder:
//!
//! ```text
//! darkroom.db               the index and the queue; can be made again from the rest
//! runs/000007/recipe.toml   what was asked
//!             1.png, 2.png  what came of it, with the recipe inside
//!             times.toml    when, and how long it took: what a picture may not hold
//!             grid.toml     in the first run of a grid: its axes
//!             note.txt      what the user observed
//!             marks.toml    its star, rating and tags
//!             foreign.toml  where its picture comes from, if another program has made it
//!             steps/0012.safetensors  what was inside a step
//!             checkpoint    an unfinished run's last kept step
//!             checkpoints/  of a training, with weights/ and events/
//! trash/000008/             a run that was deleted; `runs/.purged` is the highest number that was deleted for good
//! thumbs/0a3f.png           a large picture made small; can be deleted at any time
//! inputs/3fa9….png           what went into runs, by the hash of its bytes
//! exports/000007-steps.gif    films and sheets that were asked for
//! sheets/000007.png         a grid's pictures on one labelled sheet
//! drafts/                   drawings and notes of the workbench that are not finished
//! ```

mod contact;
mod events;
mod film;
mod find;
mod history;
mod import;
mod index;
mod journal;
mod kept;
mod kin;
mod logbook;
mod marks;
mod note;
mod order;
mod paint;
mod parameters;
mod picture;
mod points;
mod queue;
mod rebuild;
mod recover;
mod schema;
mod sheet;
mod steps;
#[cfg(test)]
mod tests;
mod thumbs;
mod trash;

pub use crate::atomic::{write_atomic, write_soon};
pub use contact::contact_sheet;
pub use film::{Shot, apng, film, gif, turning};
pub use find::Page;
pub use import::Imported;
pub use journal::{Journal, try_journal};
pub use logbook::Logbook;
pub use picture::{encode, encode_png, load, read_png_recipe, shrink};
pub use queue::TakenIn;
pub use rebuild::{Rebuilt, rebuild};
pub use recover::Left;
pub use sheet::{Content, sheet};
pub use steps::{BUDGET, KeptSteps, Usage};
pub use trash::{Purged, Stuck};

use crate::atomic;
use crate::input::Inputs;
use crate::recipe::{Cell, Grid, Made, Run, RunId, State};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// All runs of one workspace: `darkroom.db` (the index and the queue) and `runs/<id>/` (recipe and pictures).
///
/// Several processes may have it open and write at once.
pub struct Gallery {
    workspace: PathBuf,
    connection: Mutex<Connection>,
    /// For what may take a while: who reads through it does not hold up the engine's writing.
    reader: Mutex<Connection>,
    /// Locks on folders, which show other processes that the runs adopted here have a living owner.
    held: Mutex<Vec<File>>,
    /// The runs that may have kept steps, once they were looked for.
    with_steps: Mutex<Option<BTreeSet<RunId>>>,
}

impl Gallery {
    /// Opens a workspace, making it where it is missing. A corrupt index is moved aside and made again from the files.
    /// Returned beside the gallery: sentences for the log on what had to be mended.
    ///
    /// # Errors
    /// When the folder cannot be written, or a newer darkroom made the index.
    pub fn open(workspace: &Path) -> Result<(Gallery, Vec<String>)> {
        // Absolute, so that the paths it gives stay right when the process changes its folder.
        let workspace = std::path::absolute(workspace).with_context(|| format!("'{}' is no folder", workspace.display()))?;
        atomic::make_folder(&workspace.join("runs"))?;
        let (connection, told) = rebuild::open_index(&workspace)?;
        let path = workspace.join("darkroom.db");
        let reader = index::reader(&path).map_err(|error| index::sentence(&path, &error))?;
        let (connection, reader) = (Mutex::new(connection), Mutex::new(reader));
        Ok((Gallery { workspace, connection, reader, held: Mutex::default(), with_steps: Mutex::default() }, told))
    }

    /// Looks through the whole index for damage, which takes about a second for 100,000 runs and holds up nobody; opening looks
    /// through small ones only.
    ///
    /// # Errors
    /// When it is damaged: whoever opens it next makes it again.
    pub fn examine(&self) -> Result<()> {
        let path = self.workspace.join("darkroom.db");
        index::examine(&path).map_err(|error| index::sentence(&path, &error))
    }

    /// Its folder.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// One run.
    pub fn run(&self, id: RunId) -> Result<Option<Run>> {
        let sql = format!("SELECT {} FROM runs WHERE id = ?1", index::COLUMNS);
        Ok(self.index(|connection| connection.query_row(&sql, [id.0], index::read).optional())?.flatten())
    }

    /// The pictures that went into its runs.
    pub fn inputs(&self) -> Inputs {
        Inputs::of(&self.workspace)
    }

    /// Where a run's unfinished state is kept between steps; gone once it is saved.
    pub fn checkpoint_path(&self, id: RunId) -> PathBuf {
        self.folder(id).join("checkpoint")
    }

    /// The file of a run's picture, counted from 0.
    pub fn picture_path(&self, id: RunId, index: usize) -> PathBuf {
        self.folder(id).join(format!("{}.png", index + 1))
    }

    /// The pictures of a finished run with their labels, each made smaller where its longer side is above `max_side`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn labelled(&self, run: &Run, max_side: u32) -> Result<Vec<(String, RgbImage)>> {
        let picture = |(index, label)| Ok((label, load(&self.picture_path(run.id, index), max_side)?));
        run.recipe.labels().into_iter().enumerate().map(picture).collect()
    }

    /// The place of an exported file.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn export_path(&self, name: &str) -> Result<PathBuf> {
        let folder = self.workspace.join("exports");
        atomic::make_folder(&folder)?;
        Ok(folder.join(name))
    }

    /// Writes the pictures (`runs/<id>/1.png`, …) and marks the run `Done`. Nothing is marked before everything is written.
    ///
    /// # Errors
    /// When the disk is full or read-only, or these are not the pictures that the run's recipe asks for.
    pub fn save(&self, id: RunId, made: &Made, pictures: &[RgbImage], took_ms: u64) -> Result<Run> {
        let run = self.run(id)?.with_context(|| format!("there is no run {id}"))?;
        // It may be signed, and is not ours to write.
        ensure!(run.foreign.is_none(), "run {id} was brought in from elsewhere; its picture stays as it is");
        let asked = run.recipe.pictures();
        ensure!(pictures.len() == asked, "run {id} asks for {asked} pictures and got {}", pictures.len());
        self.write_pictures(&run, made, pictures, took_ms)?;
        let sql = format!(
            "UPDATE runs SET state = 'done', step = ?2, steps = ?2, took_ms = ?3, made = ?4, error = NULL, owner = NULL,
                ended_ms = ?5
            WHERE id = ?1 RETURNING {}",
            index::COLUMNS
        );
        let run = self.index(|connection| {
            let values = params![id.0, made.timesteps.len(), took_ms, index::json(made)?, now_ms()];
            connection.query_row(&sql, values, index::read)
        })?;
        let _ = fs::remove_file(self.checkpoint_path(id));
        run.with_context(|| format!("run {id} was made by a newer darkroom"))
    }

    fn write_pictures(&self, run: &Run, made: &Made, pictures: &[RgbImage], took_ms: u64) -> Result<()> {
        // The file that says where it comes from may be lost.
        let anothers = (0..pictures.len()).map(|index| self.picture_path(run.id, index)).find(|path| picture::is_anothers(path));
        let stays = |path: PathBuf| format!("{} is signed, or of another program, and stays as it is; move it away", path.display());
        ensure!(anothers.is_none(), anothers.map(stays).unwrap_or_default());
        if !self.folder(run.id).join("recipe.toml").exists() {
            self.write_recipe(run)?;
        }
        kept::keep_times(&self.folder(run.id), run.created_ms, took_ms)?;
        for (index, picture) in pictures.iter().enumerate() {
            let bytes = encode_png(picture, &run.recipe, made, index)?;
            write_atomic(&self.picture_path(run.id, index), &bytes)?;
        }
        Ok(())
    }

    fn write_recipe(&self, run: &Run) -> Result<()> {
        let folder = self.folder(run.id);
        atomic::make_folder(&folder)?;
        let (path, recipe) = (folder.join("recipe.toml"), run.recipe.to_toml());
        let Some(foreign) = &run.foreign else {
            // The index holds it too, and a grid of thousands must not wait for the disk as often.
            return atomic::write_soon(&path, recipe.as_bytes());
        };
        kept::keep_foreign(&folder, foreign)?;
        atomic::write_atomic(&path, recipe.as_bytes())
    }

    /// The sheet of a grid once none of its cells waits or runs: writes `sheets/<first id>.png` and returns its path. A cell
    /// that has no picture has a word for why.
    ///
    /// # Errors
    /// When a picture cannot be read or the sheet cannot be written.
    pub fn sheet(&self, grid: RunId) -> Result<Option<PathBuf>> {
        let Some(table) = self.sweep(grid)? else { return Ok(None) };
        let is = |wanted: fn(State) -> bool| table.cells.iter().filter_map(|cell| cell.state).any(wanted);
        if is(State::is_open) || !is(|state| state == State::Done) {
            return Ok(None);
        }
        let cells = format!("SELECT {} FROM runs WHERE grid = ?1 AND state = 'done' ORDER BY id", index::COLUMNS);
        let runs: Vec<_> = self.look(|connection| connection.prepare(&cells)?.query_map([grid.0], index::read)?.collect())?;
        let runs: BTreeMap<_, _> = runs.into_iter().flatten().map(|run| (run.id, run)).collect();
        let side = sheet::cell_limit(table.cells.len());
        let content = |cell: &Cell| match runs.get(&cell.run) {
            Some(run) => load(&self.picture_path(run.id, shown(run)), side).map(Content::Picture),
            None => Ok(Content::Word(cell.state.map_or("deleted", State::word))),
        };
        let contents: Vec<_> = table.cells.iter().map(content).collect::<Result<_>>()?;
        let page = sheet(&Grid { axes: table.axes, recipes: runs.into_values().map(|run| run.recipe).collect() }, &contents);
        let folder = self.workspace.join("sheets");
        atomic::make_folder(&folder)?;
        let path = folder.join(format!("{grid:06}.png"));
        write_atomic(&path, &picture::encode(&page, &[])?)?;
        Ok(Some(path))
    }

    /// Makes the index again from the files alone; returns how many runs were found. [`rebuild`] tells more.
    pub fn rebuild(workspace: &Path) -> Result<usize> {
        Ok(rebuild(workspace)?.runs)
    }

    fn folder(&self, id: RunId) -> PathBuf {
        self.workspace.join("runs").join(rebuild::folder_name(id))
    }

    /// The one way to the index: SQLite's errors become sentences here.
    fn index<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&mut locked(&self.connection)).map_err(|error| index::sentence(&self.workspace.join("darkroom.db"), &error))
    }

    /// The same for what only reads and may take a while.
    fn look<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&mut locked(&self.reader)).map_err(|error| index::sentence(&self.workspace.join("darkroom.db"), &error))
    }
}

/// The picture that stands for a run: of a training the samples of its last epoch.
fn shown(run: &Run) -> usize {
    run.recipe.training().map_or(0, |training| training.last() - 1)
}

/// A panic elsewhere must not take the gallery with it: SQLite has rolled back what was half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
