//! What is found of those who died: an engine, or a `darkroom run`.

use super::queue::read_all;
use super::{Gallery, index, order};
use crate::recipe::{Run, RunId};
use anyhow::Result;
use std::fs::{File, TryLockError};
use std::path::Path;

/// What the last engine left to a new one.
#[derive(Debug, PartialEq)]
pub struct Left {
    /// Runs that are `Interrupted` now: those that ran when it died, and those of [`Gallery::release_orphans`].
    pub interrupted: Vec<Run>,
    /// Whether it died with others in the queue, which is held since then.
    pub held: bool,
}

impl Gallery {
    /// Called once by a new engine. Where the last one died without [`Gallery::sign_off`], nothing begins by itself: what ran
    /// becomes `Interrupted`, and the queue is held if anything waits in it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn recover(&self) -> Result<Left> {
        let interrupt = format!(
            "UPDATE runs SET state = 'interrupted', ended_ms = NULL, error = iif(step > 0,
                'the engine died at step ' || step || '; Enter goes on', 'the engine died before its first step; Enter starts it')
            WHERE state = 'running' AND owner IS NULL RETURNING {}",
            index::COLUMNS
        );
        let pause =
            "UPDATE runs SET state = 'paused' WHERE state = 'queued' AND owner IS NULL AND 'single ' || id IN (SELECT name FROM settings)";
        let orphans = self.release_orphans()?;
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let died = transaction.execute("DELETE FROM settings WHERE name = 'engine'", [])? > 0;
            let mut interrupted = read_all(&transaction, &interrupt, [])?;
            transaction.execute(pause, [])?;
            transaction.execute("DELETE FROM settings WHERE name LIKE 'single %'", [])?;
            let held = (died || !interrupted.is_empty()) && order::waiting(&transaction)? > 0;
            if held {
                order::hold(&transaction)?;
            }
            transaction.execute("INSERT INTO settings (name, value) VALUES ('engine', 'serves')", [])?;
            transaction.commit()?;
            interrupted.extend(orphans);
            interrupted.sort_by_key(|run| run.id);
            Ok(Left { interrupted, held })
        })
    }

    /// Whether an engine serves or has died: it has not signed off.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_signed_on(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT value FROM settings WHERE name = 'engine')";
        self.index(|connection| connection.query_row(sql, [], |row| row.get(0)))
    }

    /// Notes that a run is queued for a single step, or that it is not any more: should the engine die, it is paused again.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn note_single(&self, id: RunId, single: bool) -> Result<()> {
        let sql = match single {
            true => "INSERT OR IGNORE INTO settings (name, value) VALUES ('single ' || ?1, '')",
            false => "DELETE FROM settings WHERE name = 'single ' || ?1",
        };
        self.index(|connection| connection.execute(sql, [id.0]))?;
        Ok(())
    }

    /// Called by an engine that ends in order: what it leaves in the queue goes on with the next one.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn sign_off(&self) -> Result<()> {
        self.index(|connection| connection.execute("DELETE FROM settings WHERE name = 'engine'", []))?;
        Ok(())
    }

    /// Runs of a process of its own ([`Gallery::adopt`]) stay while it lives; those of one that is gone become `Interrupted`
    /// and are returned.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn release_orphans(&self) -> Result<Vec<Run>> {
        let owners = "SELECT DISTINCT owner FROM runs WHERE state IN ('queued', 'running') AND owner IS NOT NULL";
        let release = format!(
            "UPDATE runs SET state = 'interrupted', error = 'its darkroom run ended before it was done; Enter starts it again',
                owner = NULL, ended_ms = NULL
            WHERE owner = ?1 AND state IN ('queued', 'running') RETURNING {}",
            index::COLUMNS
        );
        self.index(|connection| {
            let owners: Vec<i64> = connection.prepare(owners)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let gone = owners.into_iter().filter(|owner| !is_locked(&self.folder(RunId(*owner))));
            let runs = gone.map(|owner| read_all(connection, &release, [owner])).collect::<Result<Vec<_>, _>>()?;
            Ok(runs.concat())
        })
    }
}

/// Whether a living process has locked the folder.
pub(super) fn is_locked(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Err(_) | Ok(Ok(())) => false,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) => true,
    }
}
