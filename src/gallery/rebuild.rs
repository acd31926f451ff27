//! The index made again from the files, and the mending of a damaged one.

use super::kept::{self, Aside, KeptGrid};
use super::picture::{self, read_png_recipe};
use super::{events, index, points, schema, trash};
use crate::atomic;
use crate::recipe::{Foreign, Made, Point, Recipe, Run, RunId, State};
use anyhow::{Context, Result};
use index::{Beside, Index};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Numbers above this are no run's: a folder of such a name would leave no number for the next run.
pub(super) const MAX_ID: i64 = 999_999_999_999;

/// By how much a file's time may lie before the clock's at which it was written.
const CLOCKS_MS: i64 = 1000;

/// What lies in a run's folder beside its pictures.
const OURS: &[&str] = &[
    "recipe.toml",
    "times.toml",
    "grid.toml",
    "marks.toml",
    "foreign.toml",
    "note.txt",
    "checkpoint",
    "steps",
    "checkpoints",
    "weights",
    "events",
];

/// What a rebuild found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rebuilt {
    /// Runs, finished or not.
    pub runs: usize,
    /// Files and folders that are no run's, or that are broken; they stay where they are.
    pub skipped: usize,
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        write!(f, "The index was made again from the files: {}", counted(self.runs, "run"))?;
        match self.skipped {
            0 => f.write_str("."),
            skipped => write!(f, "; {} skipped, left as they are.", counted(skipped, "file")),
        }
    }
}

/// Makes the index again from the files alone.
///
/// The state of runs without pictures is in no file: those that the old index knows keep it, so that an engine at work
/// goes on; the others are `Interrupted` and start when asked.
///
/// # Errors
/// When the folder cannot be read or the index not be written.
pub fn rebuild(workspace: &Path) -> Result<Rebuilt> {
    atomic::make_folder(&workspace.join("runs"))?;
    let (mut connection, _) = open_index(workspace)?;
    let mut found = scan(workspace)?;
    let mut write = |connection: &mut Connection| {
        let transaction = index::begin(connection)?;
        found.write(&transaction)?;
        transaction.commit()
    };
    write(&mut connection).map_err(|error| index::sentence(&workspace.join("darkroom.db"), &error))?;
    Ok(found.count())
}

/// Opens the index, made again where it is missing or damaged, with a sentence on each thing that was mended.
pub(super) fn open_index(workspace: &Path) -> Result<(Connection, Vec<String>)> {
    let path = workspace.join("darkroom.db");
    match index::open(&path)? {
        Index::Ready(connection) => return Ok((connection, Vec::new())),
        Index::New(connection) => return fill(workspace, connection),
        Index::Damaged(_) => {}
    }
    // One process mends; another that waits here finds the new index and must not move that away.
    let lock = path.with_extension("db.lock");
    let lock = File::create(&lock).map_err(|error| atomic::cannot_write(&lock, &error))?;
    let _ = lock.lock();
    match index::open(&path)? {
        Index::Ready(connection) => Ok((connection, Vec::new())),
        Index::New(connection) => fill(workspace, connection),
        Index::Damaged(why) => {
            let aside = set_aside(&path)?;
            let Index::New(connection) = index::open(&path)? else {
                anyhow::bail!("{} cannot be made again; move it away and start darkroom again", path.display());
            };
            let (connection, mut told) = fill(workspace, connection)?;
            told.insert(0, format!("The index was damaged ({why}); it is kept as {}.", aside.display()));
            Ok((connection, told))
        }
    }
}

/// Makes the tables and fills them from the files.
fn fill(workspace: &Path, mut connection: Connection) -> Result<(Connection, Vec<String>)> {
    let mut found = scan(workspace)?;
    schema::create(&mut connection, |transaction| found.write(transaction))
        .map_err(|error| index::sentence(&workspace.join("darkroom.db"), &error))?;
    let told = match found.count() {
        Rebuilt { runs: 0, skipped: 0 } => Vec::new(),
        count => vec![count.to_string()],
    };
    Ok((connection, told))
}

/// Moves a damaged index out of the way, to a name that is not taken.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let numbered = (1u32..).map(|n| path.with_extension(format!("db.corrupt-{n}")));
    let aside = numbered.into_iter().find(|aside| !aside.exists()).context("every name for a damaged index is taken")?;
    // The index last: with a stale journal beside it, the new one would be damaged too.
    for suffix in ["-wal", "-shm", ""] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        match fs::rename(with(path), with(&aside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(atomic::cannot_write(&with(&aside), &error)),
            _ => {}
        }
    }
    Ok(aside)
}

/// The name of a run's folder in `runs/`.
pub(super) fn folder_name(id: RunId) -> String {
    format!("{id:06}")
}

/// The number of the run whose folder is called so.
pub(super) fn number_of(name: &str) -> Option<RunId> {
    name.parse().ok().filter(|id| (1..=MAX_ID).contains(id)).map(RunId).filter(|id| folder_name(*id) == name)
}

/// All that the files of a workspace tell.
#[derive(Default)]
pub(super) struct Found {
    workspace: PathBuf,
    /// When the files were looked at, in milliseconds since 1970: what has happened since, only the index knows.
    began_ms: i64,
    runs: Vec<FoundRun>,
    grids: Vec<(RunId, KeptGrid)>,
    /// The curves of trainings.
    points: Vec<(RunId, Vec<Point>)>,
    /// The highest number of a folder, whatever is in it.
    highest: i64,
    skipped: usize,
}

/// What one folder tells.
struct FoundRun {
    run: Run,
    /// What decided its pictures, where all are there.
    made: Option<Made>,
    /// When it was put into the trash, or looked at there.
    trashed_ms: Option<i64>,
}

pub(super) fn scan(workspace: &Path) -> Result<Found> {
    let mut found =
        Found { workspace: workspace.to_owned(), began_ms: super::now_ms(), highest: trash::highest_purged(workspace), ..Found::default() };
    found.scan(&workspace.join("runs"), None)?;
    let trash = workspace.join("trash");
    if trash.is_dir() {
        found.scan(&trash, Some(found.began_ms))?;
    }
    // What is in both places was not moved: it comes first.
    found.runs.sort_by_key(|found| (found.run.id, found.trashed_ms));
    found.runs.dedup_by_key(|found| found.run.id);
    for (first, kept) in &found.grids {
        let cells = first.0..first.0 + kept.cells as i64;
        found.runs.iter_mut().filter(|found| cells.contains(&found.run.id.0)).for_each(|found| found.run.grid = Some(*first));
    }
    Ok(found)
}

/// The names in a folder, without hidden ones: those are files that were just being written.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<std::io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter(|name| !name.starts_with('.')).collect())
}

impl Found {
    /// Adds what the folders in `runs/` or `trash/` tell.
    fn scan(&mut self, runs: &Path, trashed_ms: Option<i64>) -> Result<()> {
        for name in names(runs).with_context(|| format!("cannot read {}", runs.display()))? {
            match number_of(&name).filter(|_| runs.join(&name).is_dir()) {
                Some(id) => self.add(id, &runs.join(name), trashed_ms),
                None => self.skipped += 1,
            }
        }
        Ok(())
    }

    /// Adds what one run's folder tells. Whatever is broken there is counted and left out.
    fn add(&mut self, id: RunId, folder: &Path, trashed_ms: Option<i64>) {
        self.highest = self.highest.max(id.0);
        let path = |name: &str| folder.join(name);
        let picture = |index: usize| path(&format!("{}.png", index + 1));
        let kept: Option<Recipe> = kept::toml(&path("recipe.toml"), &mut self.skipped);
        let Some(recipe) = kept.or_else(|| Some(read_png_recipe(&picture(0)).ok()?.0)) else {
            self.skipped += 1;
            return;
        };
        let Aside { times, grid, marks, foreign, note, broken } = Aside::read(id, folder);
        self.skipped += broken;
        let (all, foreign) = pictures(&recipe, foreign, picture);
        let whole = all.len();
        self.grids.extend(grid);
        let ours = |name: &String| OURS.contains(&name.as_str());
        let others = names(folder).unwrap_or_default().iter().filter(|name| !ours(name)).count();
        self.skipped += others.saturating_sub(whole);
        let created_ms = times.as_ref().map_or_else(|| changed_ms(folder), |times| times.created_ms);
        // Of a training's pictures the last is of the network as it is at the end.
        let made = all.into_iter().next_back().filter(|_| whole == recipe.pictures());
        let points = if recipe.training().is_some() { events::read(&path("events")) } else { Vec::new() };
        let (step, of) = steps(&recipe, made.as_ref(), &points);
        let (state, error) = match made {
            Some(_) => (State::Done, None),
            None => (State::Interrupted, Some("the index was made again while it was unfinished; Enter starts it".to_owned())),
        };
        let took_ms = times.filter(|_| state == State::Done).map(|times| times.took_ms);
        let run = Run { id, recipe, state, step, of, created_ms, took_ms, error, grid: None, note, marks, foreign: foreign.map(Box::new) };
        self.runs.push(FoundRun { run, made, trashed_ms });
        self.points.push((id, points));
    }

    fn count(&self) -> Rebuilt {
        Rebuilt { runs: self.runs.iter().filter(|found| found.trashed_ms.is_none()).count(), skipped: self.skipped }
    }

    /// Reads again what has changed since it was read, be it a mark or that a run went to the trash, came back, or is gone for good.
    /// While the index is locked nobody changes more.
    fn look_again(&mut self) {
        let (workspace, began_ms) = (self.workspace.clone(), self.began_ms);
        let places =
            |id| [("runs", None), ("trash", Some(began_ms))].map(|(place, since)| (workspace.join(place).join(folder_name(id)), since));
        let has_changed = |found: &mut FoundRun| {
            let changed = |there: fs::Metadata| there.ctime() * 1000 + there.ctime_nsec() / 1_000_000 + CLOCKS_MS >= began_ms;
            let place = places(found.run.id).into_iter().find(|(_, trashed_ms)| *trashed_ms == found.trashed_ms);
            place.and_then(|(folder, _)| fs::metadata(folder).ok()).is_none_or(changed)
        };
        let changed: Vec<_> = self.runs.extract_if(.., has_changed).collect();
        for FoundRun { run: Run { id, grid, .. }, .. } in changed {
            let mut again = Found::default();
            if let Some((folder, trashed_ms)) = places(id).iter().find(|(folder, _)| folder.is_dir()) {
                again.add(id, folder, *trashed_ms);
            }
            again.runs.iter_mut().for_each(|found| found.run.grid = grid);
            self.runs.append(&mut again.runs);
        }
    }

    /// Puts the finished and the deleted runs in place of those in the index, and adds the unfinished ones and the curves that it
    /// does not know.
    pub(super) fn write(&mut self, transaction: &Transaction) -> rusqlite::Result<()> {
        self.look_again();
        let old = "DELETE FROM runs WHERE (state = 'done' AND coalesce(ended_ms, 0) < ?1) OR (was = 'done' AND trashed_ms < ?1)";
        transaction.execute(old, [self.began_ms])?;
        for FoundRun { run, made, trashed_ms } in &self.runs {
            let known = "SELECT state = 'trash' FROM runs WHERE id = ?1";
            let known: Option<bool> = transaction.prepare_cached(known)?.query_row([run.id.0], |row| row.get(0)).optional()?;
            // One that is not finished, or was deleted unfinished or meanwhile.
            if known.is_some_and(|trashed| trashed || made.is_none()) {
                continue;
            }
            let beside = Beside { place: run.id.0, owner: None, made: made.as_ref(), trashed_ms: *trashed_ms };
            index::insert(transaction, run, beside)?;
        }
        for (run, points) in &self.points {
            let known = transaction.query_row("SELECT 1 FROM points WHERE run = ?1 LIMIT 1", [run.0], |_| Ok(())).optional()?.is_some();
            if !known {
                points::insert(transaction, *run, points)?;
            }
        }
        for (first, kept) in &self.grids {
            index::insert_grid(transaction, *first, &kept.axes, kept.cells)?;
        }
        transaction.execute("DELETE FROM grids WHERE first NOT IN (SELECT grid FROM runs WHERE grid IS NOT NULL)", [])?;
        transaction.execute("UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'runs'", [self.highest])?;
        Ok(())
    }
}

/// What decided each picture of a run that is there, and where they come from.
fn pictures(recipe: &Recipe, kept: Option<Foreign>, path: impl Fn(usize) -> PathBuf) -> (Vec<Made>, Option<Foreign>) {
    let own: Vec<_> = (0..recipe.pictures()).map(|index| read_png_recipe(&path(index)).ok().map(|(_, made, _)| made)).collect();
    // All there and none of ours: only the file is lost that says where they come from, and they are not to be painted over.
    let anothers = || !own.is_empty() && recipe.training().is_none() && (0..own.len()).all(|index| picture::is_anothers(&path(index)));
    let lost = || Foreign {
        program: "another program".to_owned(),
        size: File::open(path(0)).ok().and_then(|file| picture::size(&file).ok()).unwrap_or_default(),
        ..Foreign::default()
    };
    let foreign = kept.or_else(|| (own.iter().all(Option::is_none) && anothers()).then(lost));
    // What another program has made holds no recipe of ours.
    let brought = |index| foreign.as_ref().filter(|_| path(index).is_file()).map(Foreign::made);
    let all = own.into_iter().enumerate().filter_map(|(index, made)| made.or_else(|| brought(index))).collect();
    (all, foreign)
}

/// The steps that a run has made, and those in all; of an unfinished training only its second epoch tells, otherwise 0.
fn steps(recipe: &Recipe, made: Option<&Made>, points: &[Point]) -> (u32, u32) {
    let Some(training) = recipe.training() else {
        let steps = made.map_or(0, |made| made.timesteps.len() as u32);
        return (steps, steps);
    };
    let step = points.last().map_or(0, |point| point.step);
    let per_epoch = points.iter().find(|point| point.epoch == 2).map_or(0, |point| point.step.saturating_sub(1));
    (step, if made.is_some() { step } else { per_epoch.saturating_mul(training.last() as u32) })
}

/// When a run's folder was last written, by its recipe or first picture, in milliseconds since 1970.
fn changed_ms(folder: &Path) -> i64 {
    let changed = ["recipe.toml", "1.png"].iter().find_map(|name| fs::metadata(folder.join(name)).ok()?.modified().ok());
    changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_millis() as i64)
}
