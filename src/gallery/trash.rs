//! The trash: `trash/000007` is the folder of a run that was deleted, and can come back until the trash is emptied.
//!
//! The row says `trash` before the folder moves there, and until it is back: a process that dies in between leaves a run that is
//! in the trash all the same.

use super::kept::{self, KeptGrid};
use super::recover::is_locked;
use super::{Gallery, index, rebuild, thumbs};
use crate::atomic::{cannot_write, make_folder, sync_folder, write_atomic};
use crate::recipe::{Run, RunId, State};
use anyhow::{Result, bail, ensure};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What emptying the trash has freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Runs.
    pub runs: usize,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// Runs that are in the trash though they should not be: not all could go there, nor could these come back.
#[derive(Debug, thiserror::Error)]
#[error("{why}; what was to be deleted is in the trash all the same, `u` takes it out")]
pub struct Stuck {
    /// Which.
    pub runs: Vec<RunId>,
    why: String,
}

impl Gallery {
    /// Puts runs into the trash; returns those that were not there yet. Either all go or none.
    ///
    /// # Errors
    /// When there is no such run, one is waiting or running, or its folder cannot be moved. [`Stuck`], when those that went cannot
    /// come back either.
    pub fn trash(&self, ids: &[RunId]) -> Result<Vec<RunId>> {
        let sql = "UPDATE runs SET was = state, state = 'trash', trashed_ms = ?2 WHERE id = ?1";
        let trashed = self.change(ids, |transaction, id, state| {
            match state {
                None => bail!("there is no run {id}"),
                Some("trash") => return Ok(false),
                Some(state @ ("queued" | "running")) => bail!("run {id} is {state}; cancel it before you delete it"),
                // The lock on its folder shows that their process lives, and goes with it.
                Some(_) if owns_others(transaction, id)? && is_locked(&self.folder(id)) => {
                    bail!("run {id} is the first of a `darkroom run` that computes others yet; delete it once that is over")
                }
                Some(_) => transaction.execute(sql, params![id.0, super::now_ms()])?,
            };
            Ok(true)
        })?;
        // Under the write lock: somebody may just be taking it out again.
        let moved = self.change(&trashed, |_, id, state| match state {
            Some("trash") => self.move_away(id).map(|()| true),
            _ => Ok(false),
        });
        match moved {
            Ok(_) => Ok(trashed),
            Err(why) if self.restore(&trashed).is_ok() => Err(why),
            Err(why) => Err(Stuck { runs: trashed, why: why.to_string() }.into()),
        }
    }

    /// Takes runs out of the trash, as they were. Either all come back or none.
    ///
    /// # Errors
    /// When one is not there, or its folder cannot be moved.
    pub fn restore(&self, ids: &[RunId]) -> Result<Vec<Run>> {
        let mut moved = Vec::new();
        let restored = self.change(ids, |transaction, id, state| {
            ensure!(state == Some("trash"), "run {id} is not in the trash");
            let (from, to) = (self.trash_folder(id), self.folder(id));
            ensure!(
                !is_bare(&from) || !is_bare(&to),
                "run {id} is not in the trash any more: what its folder {} held is gone",
                from.display()
            );
            if to.exists() {
                join(&from, &to, &mut moved)?;
            } else {
                fs::rename(&from, &to).map_err(|error| cannot_write(&to, &error))?;
                moved.push((to, from));
            }
            bring_back(transaction, id)
        });
        if restored.is_err() {
            // A row that still says `trash` is right wherever its folder lies; this only tidies up.
            moved.iter().for_each(|(to, from)| _ = fs::rename(to, from));
        }
        let restored = restored?;
        // Of two folders that were joined the empty one.
        restored.iter().for_each(|id| _ = fs::remove_dir(self.trash_folder(*id)));
        self.look_for_steps(&restored);
        let runs = restored.into_iter().map(|id| self.run(id));
        Ok(runs.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Deletes what is in the trash for good, on a full disk too. The numbers of its runs are not used again.
    ///
    /// # Errors
    /// When something cannot be deleted; the next time goes on with it.
    pub fn purge(&self) -> Result<Purged> {
        // What can be made again goes first.
        let rooms: [fn(&Gallery) -> Result<u64>; 2] = [Gallery::forget_thumbs, Gallery::empty_trashed];
        let (mut rooms, mut emptied) = (rooms.into_iter(), 0);
        loop {
            let done = self.purge_all();
            // To delete takes some room, for the highest number and in the index.
            let full = done.as_ref().is_err_and(index::is_full);
            match rooms.next().filter(|_| full) {
                Some(make_room) => emptied += make_room(self)?,
                None => return done.map(|Purged { runs, bytes }| Purged { runs, bytes: bytes + emptied }),
            }
        }
    }

    fn forget_thumbs(&self) -> Result<u64> {
        let _ = fs::remove_dir_all(self.workspace.join("thumbs"));
        Ok(0)
    }

    /// Empties the folders of the runs in the trash, which nobody can take out meanwhile. The lists of a sweep stay, for another
    /// cell to keep.
    fn empty_trashed(&self) -> Result<u64> {
        let mut bytes = 0;
        self.change(&self.in_trash()?, |_, id, state| {
            let folders = [self.folder(id), self.trash_folder(id)];
            for path in folders.iter().filter(|_| state == Some("trash")).flat_map(|folder| inside(folder)) {
                bytes += delete(&path)?;
            }
            Ok(false)
        })?;
        Ok(bytes)
    }

    fn purge_all(&self) -> Result<Purged> {
        let ids = self.in_trash()?;
        let trash = self.workspace.join("trash");
        let highest = ids.iter().copied().chain(numbered(&trash).into_iter().map(|(id, _)| id)).max();
        highest.map_or(Ok(()), |highest| self.keep_highest(highest))?;
        let mut gone: BTreeSet<RunId> =
            self.change(&ids, |transaction, id, state| self.forget(transaction, id, state))?.into_iter().collect();
        let mut bytes = 0;
        for (id, folder) in numbered(&trash) {
            // One that has a row was put there while this ran.
            if self.index(|connection| connection.query_row("SELECT 1 FROM runs WHERE id = ?1", [id.0], |_| Ok(())).optional())?.is_none() {
                gone.insert(id);
                thumbs::forget(&self.workspace, id, &folder);
                bytes += delete(&folder)?;
            }
        }
        Ok(Purged { runs: gone.len(), bytes })
    }

    /// Takes a run's row away, unless somebody has just taken it out of the trash; its folder is in the trash then.
    fn forget(&self, transaction: &Transaction, id: RunId, state: Option<&str>) -> Result<bool> {
        if state != Some("trash") {
            return Ok(false);
        }
        self.move_away(id)?;
        self.hand_on_grid(id);
        let grid: Option<i64> = transaction.query_row("SELECT grid FROM runs WHERE id = ?1", [id.0], |row| row.get(0))?;
        // It shows pictures that are gone.
        grid.map(|first| fs::remove_file(self.workspace.join(format!("sheets/{first:06}.png"))));
        transaction.execute("DELETE FROM points WHERE run = ?1", [id.0])?;
        transaction.execute("DELETE FROM runs WHERE id = ?1", [id.0])?;
        Ok(true)
    }

    /// The runs that are in the trash, as their rows have it.
    fn in_trash(&self) -> Result<Vec<RunId>> {
        let sql = "SELECT id FROM runs WHERE state = 'trash' ORDER BY id";
        self.index(|connection| connection.prepare(sql)?.query_map([], |row| row.get(0).map(RunId))?.collect())
    }

    /// Works on rows and their states in one transaction, which an error takes back; returns those that were changed.
    pub(super) fn change(
        &self,
        ids: &[RunId],
        mut work: impl FnMut(&Transaction, RunId, Option<&str>) -> Result<bool>,
    ) -> Result<Vec<RunId>> {
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let mut changed = Vec::new();
            for id in ids {
                let state = "SELECT state FROM runs WHERE id = ?1";
                let state: Option<String> = transaction.prepare_cached(state)?.query_row([id.0], |row| row.get(0)).optional()?;
                match work(&transaction, *id, state.as_deref()) {
                    Ok(true) => changed.push(*id),
                    Ok(false) => {}
                    Err(error) => return error.downcast::<rusqlite::Error>().map_or_else(|error| Ok(Err(error)), Err),
                }
            }
            // Before the rows say so: after a power cut a run that came back would be without its pictures.
            let _ = sync_folder(&self.workspace.join("runs"));
            transaction.commit()?;
            Ok(Ok(changed))
        })?
    }

    /// Moves a run's folder into the trash, unless it is there.
    fn move_away(&self, id: RunId) -> Result<()> {
        let (from, to) = (self.folder(id), self.trash_folder(id));
        make_folder(&self.workspace.join("trash"))?;
        match fs::rename(&from, &to) {
            // Left over from a run that was taken out while somebody wrote into its place.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                join(&to, &from, &mut Vec::new())?;
                delete(&to)?;
                fs::rename(&from, &to).map_err(|error| cannot_write(&to, &error))
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot_write(&to, &error)),
            _ => Ok(()),
        }
    }

    fn trash_folder(&self, id: RunId) -> PathBuf {
        self.workspace.join("trash").join(rebuild::folder_name(id))
    }

    /// Whether there is a folder of this number, be it in the trash.
    pub(super) fn has_folder(&self, id: RunId) -> bool {
        self.folder(id).exists() || self.trash_folder(id).exists()
    }

    /// So that an index that is made again does not give a number twice.
    fn keep_highest(&self, id: RunId) -> Result<()> {
        match id.0 > highest_purged(&self.workspace) {
            true => write_atomic(&purged_path(&self.workspace), format!("{id}\n").as_bytes()),
            false => Ok(()),
        }
    }

    /// Before the run goes that keeps the lists of its sweep: another cell keeps them from now on. One that cannot is left with
    /// what its row knows.
    fn hand_on_grid(&self, id: RunId) {
        let Some((first, grid)) = kept::grid(&self.trash_folder(id), id, &mut 0) else { return };
        let cells = (first.0..).take(grid.cells).map(|cell| self.folder(RunId(cell)));
        if let Some(heir) = cells.into_iter().find(|folder| folder.is_dir()) {
            let _ = kept::keep(&heir, "grid.toml", &KeptGrid { first: Some(first), ..grid });
        }
    }
}

/// Whether a process of its own still computes runs of which this is the first.
fn owns_others(transaction: &Transaction, id: RunId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE state IN ('queued', 'running') AND owner = ?1)";
    transaction.prepare_cached(sql)?.query_row([id.0], |row| row.get(0))
}

/// Whether a run's folder holds nothing of it, or is not there.
fn is_bare(folder: &Path) -> bool {
    inside(folder).is_empty()
}

/// What a run's folder holds beside the lists of its sweep.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name() != "grid.toml").map(|entry| entry.path()).collect()
}

/// Deletes a file or a folder with all that is in it; returns how many bytes that was.
fn delete(path: &Path) -> Result<u64> {
    let there = fs::symlink_metadata(path);
    let (bytes, gone) = match there {
        Ok(there) if there.is_dir() => (size(path), fs::remove_dir_all(path)),
        there => (there.map_or(0, |there| there.len()), fs::remove_file(path)),
    };
    gone.map_err(|error| cannot_write(path, &error))?;
    Ok(bytes)
}

/// Two folders of one run become one: somebody has written into the second while the first was in the trash, and what has the
/// same name there is newer. What is moved is added to `moved`, with its place before.
fn join(from: &Path, to: &Path, moved: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (old, new) = (entry.path(), to.join(entry.file_name()));
        if !new.exists() {
            fs::rename(&old, &new).map_err(|error| cannot_write(&new, &error))?;
            moved.push((new, old));
        }
    }
    Ok(())
}

/// A row is what it was before it was put into the trash.
fn bring_back(transaction: &Transaction, id: RunId) -> Result<bool> {
    let sql = "UPDATE runs SET state = coalesce(was, ?2), was = NULL, trashed_ms = NULL WHERE id = ?1";
    transaction.execute(sql, params![id.0, State::Interrupted.word()])?;
    Ok(true)
}

/// The folders of runs in `runs/` or `trash/`, with their numbers.
pub(super) fn numbered(folder: &Path) -> Vec<(RunId, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let run = |entry: fs::DirEntry| Some((rebuild::number_of(&entry.file_name().to_string_lossy())?, entry.path()));
    entries.filter_map(run).collect()
}

fn purged_path(workspace: &Path) -> PathBuf {
    workspace.join("runs").join(".purged")
}

/// The highest number of a run that was deleted for good; 0 where none was.
pub(super) fn highest_purged(workspace: &Path) -> i64 {
    let number = fs::read_to_string(purged_path(workspace)).ok().and_then(|text| text.trim().parse().ok());
    number.filter(|number| (1..=rebuild::MAX_ID).contains(number)).unwrap_or(0)
}

/// The bytes of all files below a folder; links are not followed.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(there) if there.is_dir() => size(&entry.path()),
        Ok(there) => there.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}
