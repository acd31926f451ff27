//! The trash: `trash/000007` is the folder of a run that was deleted, and can come back until the trash is emptied.
//!
//! The row says `trash` before the folder moves there, and until it is back: a process that dies in between leaves a run that is
//! in the trash all the same.

use super::kept::{self, KeptGrid};
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

impl Gallery {
    /// Puts runs into the trash; returns those that were not there yet. Either all go or none.
    ///
    /// # Errors
    /// When there is no such run, one is waiting or running, or its folder cannot be moved.
    pub fn trash(&self, ids: &[RunId]) -> Result<Vec<RunId>> {
        let sql = "UPDATE runs SET was = state, state = 'trash', trashed_ms = ?2 WHERE id = ?1";
        let trashed = self.change(ids, |transaction, id, state| {
            match state {
                None => bail!("there is no run {id}"),
                Some("trash") => return Ok(false),
                Some(state @ ("queued" | "running")) => bail!("run {id} is {state}; cancel it before you delete it"),
                Some(_) => transaction.execute(sql, params![id.0, super::now_ms()])?,
            };
            Ok(true)
        })?;
        // Under the write lock: somebody may just be taking it out again.
        let moved = self.change(&trashed, |_, id, state| match state {
            Some("trash") => self.move_away(id).map(|()| true),
            _ => Ok(false),
        });
        if moved.is_err() {
            let _ = self.restore(&trashed);
        }
        moved.map(|_| trashed)
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
            if !to.exists() {
                ensure!(from.exists(), "run {id} is not in the trash any more: its folder {} is gone", from.display());
                fs::rename(&from, &to).map_err(|error| cannot_write(&to, &error))?;
                moved.push((to, from));
            }
            bring_back(transaction, id)
        });
        if restored.is_err() {
            // A row that still says `trash` is right wherever its folder lies; this only tidies up.
            moved.iter().for_each(|(to, from)| _ = fs::rename(to, from));
        }
        let runs = restored?.into_iter().map(|id| self.run(id));
        Ok(runs.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Deletes what is in the trash for good. The numbers of its runs are not used again.
    ///
    /// # Errors
    /// When something cannot be deleted; the next time goes on with it.
    pub fn purge(&self) -> Result<Purged> {
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
                bytes += size(&folder);
                gone.insert(id);
                thumbs::forget(&self.workspace, id, &folder);
                fs::remove_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
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
    fn change(&self, ids: &[RunId], mut work: impl FnMut(&Transaction, RunId, Option<&str>) -> Result<bool>) -> Result<Vec<RunId>> {
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
        let Some(grid) = kept::toml::<KeptGrid>(&self.trash_folder(id).join("grid.toml"), &mut 0) else { return };
        let first = grid.first.unwrap_or(id);
        let cells = (first.0..).take(grid.cells).map(|cell| self.folder(RunId(cell)));
        if let Some(heir) = cells.into_iter().find(|folder| folder.is_dir()) {
            let _ = kept::keep(&heir, "grid.toml", &KeptGrid { first: Some(first), ..grid });
        }
    }
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
