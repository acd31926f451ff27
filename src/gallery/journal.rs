//! Whether SQLite's write-ahead log works in a folder, tried out.

use super::index;
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// How SQLite keeps an index whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// With its write-ahead log: readers wait for nobody.
    Wal,
    /// With its rollback journal: a reader waits for a writer.
    Rollback,
}

/// Tries it with a small index of its own, which is removed again.
///
/// # Errors
/// When SQLite cannot write there, or does not find again what it has written.
pub fn try_journal(folder: &Path) -> Result<Journal> {
    try_with(folder, None)
}

/// Through a way of SQLite's to the files by its name.
fn try_with(folder: &Path, way: Option<&str>) -> Result<Journal> {
    let scratch = Scratch(folder.join(format!(".darkroom-doctor-{}.db", std::process::id())));
    let open = || match way {
        Some(way) => Connection::open_with_flags_and_vfs(&scratch.0, OpenFlags::default(), way),
        None => Connection::open(&scratch.0),
    };
    let connection = open()?;
    let mode: String = connection.query_row(index::WAL, [], |row| row.get(0))?;
    connection.execute_batch("CREATE TABLE tried (number INTEGER) STRICT; INSERT INTO tried VALUES (7);")?;
    let found: i64 = open()?.query_row("SELECT number FROM tried", [], |row| row.get(0)).context("what was written is not found again")?;
    ensure!(found == 7, "what was written comes back as {found}");
    Ok(if mode == "wal" { Journal::Wal } else { Journal::Rollback })
}

/// An index that goes with everything SQLite puts beside it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_tried_and_nothing_is_left_in_it() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(try_journal(temp.path()).unwrap(), Journal::Wal);
        // This way to the files has no shared memory, as some network file systems have none.
        assert_eq!(try_with(temp.path(), Some("unix-dotfile")).unwrap(), Journal::Rollback);
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        let error = try_journal(&temp.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("unable to open"), "{error}");
    }
}
