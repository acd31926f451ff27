//! One engine a workspace: a lock file that says which process, and where it listens.

use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

/// Another engine serves the workspace.
#[derive(Debug, thiserror::Error)]
#[error("an engine{} already serves this workspace", .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
pub struct Taken {
    /// Its process, where it has noted it.
    pub pid: Option<u32>,
}

/// The right to serve a workspace. Dropping it removes the socket and the file, in this order; a death frees the lock
/// and leaves both, for the next holder to replace.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    socket: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the workspace for this process, which will listen at `socket`.
    ///
    /// # Errors
    /// [`Taken`], or that the file cannot be written.
    pub fn take(workspace: &Path, socket: &Path) -> Result<Lock> {
        let path = path(workspace);
        let cannot = || format!("{} cannot be written; is the workspace read-only?", path.display());
        loop {
            let mut file = File::options().create(true).truncate(false).write(true).open(&path).with_context(cannot)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Taken { pid: holder(workspace) }.into()),
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
            }
            // An engine that has just ended may have removed the file between our opening and our locking it.
            let ours = file.metadata().with_context(cannot)?;
            if !path.metadata().is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                continue;
            }
            file.set_len(0).and_then(|()| writeln!(file, "{}\n{}", process::id(), socket.display())).with_context(cannot)?;
            return Ok(Lock { path, socket: socket.to_owned(), _file: file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        fs::remove_file(&self.socket).ok();
        fs::remove_file(&self.path).ok();
    }
}

/// The living process that holds a workspace.
pub fn holder(workspace: &Path) -> Option<u32> {
    let mut file = File::open(path(workspace)).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.lines().next()?.parse().ok()
}

/// How long the living process has held a workspace.
pub fn held_for(workspace: &Path) -> Option<Duration> {
    path(workspace).metadata().and_then(|file| file.modified()).ok()?.elapsed().ok()
}

fn path(workspace: &Path) -> PathBuf {
    workspace.join("engine.lock")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_has_one_engine_and_is_free_after_it() {
        let workspace = tempfile::tempdir().unwrap();
        let socket = workspace.path().join("socket");
        let lock = Lock::take(workspace.path(), &socket).unwrap();
        fs::write(&socket, "").unwrap();
        let refused = Lock::take(workspace.path(), &socket).unwrap_err();
        let words = format!("an engine (process {}) already serves this workspace", process::id());
        assert_eq!(refused.downcast::<Taken>().unwrap().to_string(), words);
        drop(lock);
        assert!(!socket.exists() && holder(workspace.path()).is_none());
        Lock::take(workspace.path(), &socket).unwrap();
    }

    #[test]
    fn the_file_of_a_dead_engine_does_not_lock_the_next_one_out() {
        let workspace = tempfile::tempdir().unwrap();
        fs::write(path(workspace.path()), "4294967295\n/tmp/a/much/longer/path/than/the/next/one.sock\n").unwrap();
        assert_eq!(holder(workspace.path()), None);
        let _lock = Lock::take(workspace.path(), Path::new("s")).unwrap();
        assert_eq!(holder(workspace.path()), Some(process::id()));
        assert_eq!(fs::read_to_string(path(workspace.path())).unwrap(), format!("{}\ns\n", process::id()));
    }

    #[test]
    fn a_workspace_that_cannot_be_written_is_named() {
        let error = Lock::take(Path::new("/proc/self"), Path::new("s")).unwrap_err();
        assert!(error.to_string().contains("/proc/self/engine.lock"), "{error}");
    }
}
