//! The engine's log file. Panics and the words of C libraries go there too: it is the engine's standard error.

use crate::link::start::LOG;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;

/// A log above this many bytes is put aside when an engine starts.
const FULL: u64 = 1024 * 1024;

/// Opens `engine.log` in a workspace.
///
/// # Errors
/// When the file cannot be written.
pub fn open(workspace: &Path) -> Result<File> {
    let path = workspace.join(LOG);
    let file = File::options().create(true).append(true).open(&path);
    file.with_context(|| format!("{} cannot be written; is the workspace read-only?", path.display()))
}

/// Begins a full `engine.log` anew; what it held becomes `engine.log.old`. Only for the engine of the workspace: another
/// process would cut the log under its feet.
///
/// # Errors
/// When the files cannot be written.
pub fn rotate(workspace: &Path) -> Result<()> {
    let file = open(workspace)?;
    if file.metadata()?.len() > FULL {
        // Copied, not renamed: our standard error is this very file.
        let path = workspace.join(LOG);
        fs::copy(&path, path.with_extension("log.old"))?;
        file.set_len(0)?;
    }
    Ok(())
}

/// Sends every line of [`tracing`] to a file.
pub fn to(file: File) {
    let lines = tracing_subscriber::fmt().with_ansi(false).with_target(false).with_writer(Mutex::new(file));
    // A process that logs already keeps its log.
    lines.try_init().ok();
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_until_it_is_full() {
        let workspace = tempfile::tempdir().unwrap();
        let path = workspace.path().join("engine.log");
        fs::write(&path, vec![b'.'; FULL as usize]).unwrap();
        rotate(workspace.path()).unwrap();
        assert_eq!(path.metadata().unwrap().len(), FULL);
        fs::write(&path, vec![b'.'; FULL as usize + 1]).unwrap();
        rotate(workspace.path()).unwrap();
        assert_eq!(path.metadata().unwrap().len(), 0);
        assert_eq!(workspace.path().join("engine.log.old").metadata().unwrap().len(), FULL + 1);
    }
}
