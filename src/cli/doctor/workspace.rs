//! The workspace: whether it can be written, and what of the disk that it is on.

use super::disk;
use super::told::Fact;
use crate::atomic::reason;
use crate::gallery::{Journal, try_journal};
use crate::model::hub::amount;
use crate::words::sentence;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Less is soon full, in bytes.
const LITTLE: u64 = 2_000_000_000;
/// Less does not last for a run.
const NOTHING: u64 = 50_000_000;

/// What is known of a workspace.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    /// Its folder.
    pub path: PathBuf,
    /// Whether it is there yet; otherwise the rest is about the folder that it would be made in.
    pub is_there: bool,
    /// Its file system.
    pub kind: Option<String>,
    /// Bytes that can still be written.
    pub free: Option<u64>,
    /// Whether a file can be made there, and why not.
    pub written: Result<(), String>,
    /// How SQLite keeps the index there, or what it says; none where nothing can be written.
    pub journal: Option<Result<Journal, String>>,
}

impl Workspace {
    /// Looks at it, and writes two files there that are removed again. A workspace that is not there is not made.
    pub fn look(path: &Path) -> Workspace {
        let folder = disk::standing(path).unwrap_or_else(|| PathBuf::from("/"));
        let written = written(&folder).map_err(|error| reason(&error));
        let journal = written.is_ok().then(|| try_journal(&folder).map_err(|error| sentence(&error)));
        Workspace {
            path: path.to_owned(),
            is_there: path.is_dir(),
            kind: disk::file_system(&folder),
            free: disk::free(&folder),
            written,
            journal,
        }
    }

    /// The same as lines.
    pub fn facts(&self) -> Vec<Fact> {
        [Some(self.folder()), self.kind.as_deref().map(file_system), self.free.map(room), self.journal.as_ref().map(index)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn folder(&self) -> Fact {
        let path = self.path.display();
        match (&self.written, self.is_there) {
            (Ok(()), true) => Fact::good("folder", path.to_string()),
            (Ok(()), false) => Fact::good("folder", format!("{path}, made by the first run")),
            (Err(reason), there) => {
                let cannot = if there { "cannot be written" } else { "cannot be made" };
                Fact::wrong("folder", format!("{path} {cannot}: {reason}"), "Allow writing there, or name another with --workspace.")
            }
        }
    }
}

fn written(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".darkroom-doctor-{}", std::process::id()));
    let made = File::create_new(&path).and_then(|mut file| io::Write::write_all(&mut file, b"tried"));
    let _ = fs::remove_file(path);
    made
}

fn file_system(kind: &str) -> Fact {
    const NAME: &str = "file system";
    if disk::is_network(kind) {
        let advice = "Results can be seen from other machines; but let only one of them have an engine on it, and expect the gallery to be slower. \
                      A folder on this machine's own disk is better: --workspace names it.";
        return Fact::note(NAME, format!("{kind}, over the network"), advice);
    }
    match disk::is_memory(kind) {
        true => Fact::note(NAME, format!("{kind}, in memory"), "All of it is gone after a restart. --workspace names another folder."),
        false => Fact::good(NAME, kind),
    }
}

fn room(free: u64) -> Fact {
    const NAME: &str = "free space";
    let advice = "Free some space, or name another folder with --workspace. `darkroom history --purge` empties the gallery's trash.";
    match free {
        0..NOTHING => Fact::wrong(NAME, amount(free), advice),
        NOTHING..LITTLE => Fact::note(NAME, amount(free), advice),
        _ => Fact::good(NAME, amount(free)),
    }
}

fn index(journal: &Result<Journal, String>) -> Fact {
    const NAME: &str = "index";
    match journal {
        Ok(Journal::Wal) => Fact::good(NAME, "SQLite's write-ahead log works"),
        Ok(Journal::Rollback) => {
            let advice = "The rollback journal takes its place: it is as safe, and the gallery waits while something is saved. \
                          A folder on this machine's own disk is faster: --workspace names it.";
            Fact::note(NAME, "SQLite's write-ahead log is refused by this file system", advice)
        }
        Err(reason) => {
            Fact::wrong(NAME, format!("SQLite does not work there: {reason}"), "Name a folder on another disk with --workspace.")
        }
    }
}
