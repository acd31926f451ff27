//! What users observed about their runs.

use super::Gallery;
use crate::atomic::{cannot_write, make_folder, write_atomic};
use crate::recipe::{Run, RunId};
use anyhow::{Context, Result, ensure};
use rusqlite::params;
use std::fs;
use std::io::ErrorKind;

/// The most bytes of a note.
const MAX_NOTE: usize = 64 << 10;

impl Gallery {
    /// Writes a note on a run in place of the one it has; an empty one takes it away.
    ///
    /// # Errors
    /// When there is no such run, the note is too long, or it cannot be written.
    pub fn set_note(&self, id: RunId, text: &str) -> Result<Run> {
        let text = text.trim();
        ensure!(text.len() <= MAX_NOTE, "a note has at most {} kB", MAX_NOTE >> 10);
        self.run(id)?.with_context(|| format!("there is no run {id}"))?;
        let note = Some(text).filter(|text| !text.is_empty());
        // Under the write lock: of a run that goes to the trash meanwhile, the note would make a second folder.
        self.change(&[id], |transaction, id, state| {
            ensure!(state.is_some_and(|state| state != "trash"), "there is no run {id}");
            // The file first: the index can be made again from it.
            self.write_note(id, note)?;
            transaction.execute("UPDATE runs SET note = ?2 WHERE id = ?1", params![id.0, note])?;
            Ok(true)
        })?;
        self.run(id)?.with_context(|| format!("run {id} was made by a newer darkroom"))
    }

    fn write_note(&self, id: RunId, note: Option<&str>) -> Result<()> {
        let path = self.folder(id).join("note.txt");
        if let Some(note) = note {
            make_folder(&self.folder(id))?;
            return write_atomic(&path, note.as_bytes());
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot_write(&path, &error)),
            _ => Ok(()),
        }
    }
}

/// The note in a run's folder.
pub(super) fn read(folder: &std::path::Path) -> Option<String> {
    let path = folder.join("note.txt");
    let size = fs::metadata(&path).ok()?.len();
    (size <= MAX_NOTE as u64).then(|| fs::read_to_string(&path).ok()).flatten().filter(|text| !text.trim().is_empty())
}
