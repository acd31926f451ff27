//! Files that are there whole or not at all, and what to say when they cannot be written.

use anyhow::{Error, Result, anyhow};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file so that it is there whole or not at all: a temporary file beside it, fsync, rename.
///
/// A device or a pipe is written to directly: renaming a file over `/dev/null` would put a file in its place.
///
/// # Errors
/// One sentence with the path, when the disk is full or read-only or the folder is not there; an older file then stays as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let result = match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder")),
        Ok(there) if !there.is_file() => OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(bytes)),
        _ => replace(path, bytes, true),
    };
    result.map_err(|error| cannot_write(path, &error))
}

/// As [`write_atomic`], without waiting for the disk: for what a power cut may take because it is kept elsewhere too.
///
/// # Errors
/// As for [`write_atomic`].
pub fn write_soon(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, false).map_err(|error| cannot_write(path, &error))
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| cannot_write(path, &error))
}

/// One sentence: which path, why not, what to do.
pub fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space and run it again",
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => "allow writing there or choose another folder",
        ErrorKind::NotFound => "make the folder first",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::AlreadyExists => "choose another path",
        _ => "check the disk and run it again",
    };
    anyhow!("cannot write {}: {}; {advice}", path.display(), reason(error))
}

/// The system's own words without its number: `No space left on device`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn replace(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    // Through a link, so that the file it names is replaced and the link stays.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let (draft, mut file) = draft(folder)?;
    let written = file.write_all(bytes).and_then(|()| if sync { file.sync_all() } else { Ok(()) });
    let written = written.and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written?;
    if sync { sync_folder(folder) } else { Ok(()) }
}

/// A new file in the same folder, and so on the same disk, under a name that nobody else uses.
fn draft(folder: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let path = folder.join(format!(".darkroom-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        match File::create_new(&path) {
            // Left by a process that was killed, on this machine or another one.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
}

/// Without this the new name may be gone after a power cut, though the bytes are there.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot sync a folder.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}
