//! A file that has not arrived in full.

use super::pull::{Progress, Tell, Wanted};
use super::refusal;
use crate::atomic::{cannot_write, make_folder};
use anyhow::{Context, Error, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read at once.
const PIECE: usize = 1 << 18;

/// Why a transfer ended before the file did.
pub(super) enum Trouble {
    /// It may go on: a connection broke off.
    Passing(String),
    /// It may not.
    Lasting(Error),
}

/// Where hf-hub, too, keeps what has arrived of a file.
pub(super) fn path(wanted: &Wanted) -> PathBuf {
    wanted.blob.with_extension("part")
}

/// The beginning of a file, and the right to add to it.
pub(super) struct Part<'a> {
    pub wanted: &'a Wanted,
    /// How many bytes have arrived.
    pub at: u64,
    path: PathBuf,
    file: File,
}

impl Part<'_> {
    /// Takes up what an earlier pull left, or begins.
    pub fn open(wanted: &Wanted) -> Result<Part<'_>> {
        let path = path(wanted);
        path.parent().map_or(Ok(()), make_folder)?;
        let file = File::options().append(true).create(true).open(&path).map_err(|error| cannot_write(&path, &error))?;
        // Where a file system knows no locks, there is one user at a time as a rule.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            bail!("{} is being pulled by another process: wait until it is done", wanted.path);
        }
        let at = file.metadata().map_err(|error| cannot_write(&path, &error))?.len();
        let mut part = Part { wanted, at, path, file };
        if at > wanted.size {
            part.restart()?;
        }
        Ok(part)
    }

    /// Forgets what has arrived.
    pub fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(|error| cannot_write(&self.path, &error))?;
        self.at = 0;
        Ok(())
    }

    /// Adds what a server sends until the file is whole.
    pub fn append(&mut self, mut body: impl Read, tell: Tell) -> Result<(), Trouble> {
        let mut piece = vec![0; PIECE];
        loop {
            match body.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Whole is whole, however the connection ends.
                Ok(0) | Err(_) if self.at == self.wanted.size => return Ok(()),
                Ok(0) => return Err(Trouble::Passing("the connection broke off".to_owned())),
                Ok(count) if count as u64 > self.wanted.size - self.at => {
                    let path = &self.wanted.path;
                    return Err(Trouble::Lasting(
                        self.spoiled(&format!("more of {path} is sent than the {} bytes it has", self.wanted.size)),
                    ));
                }
                Ok(count) => {
                    let written = self.file.write_all(&piece[..count]).map_err(|error| cannot_write(&self.path, &error));
                    written.context("what has arrived is kept").map_err(Trouble::Lasting)?;
                    self.at += count as u64;
                    tell(Progress::At(self.at)).map_err(Trouble::Lasting)?;
                }
                Err(error) => return Err(Trouble::Passing(refusal::why(&error.into()))),
            }
        }
    }

    /// Removes what is not worth going on with, and says so.
    pub fn spoiled(&self, why: &str) -> Error {
        let _ = fs::remove_file(&self.path);
        anyhow!("{why}; it is removed: pull again")
    }

    /// Makes the whole file one of the cache's, if it is the one that was published.
    pub fn keep(self, tell: Tell) -> Result<()> {
        if is_sha256(&self.wanted.etag) {
            tell(Progress::Checks)?;
            if sha256(&self.path)? != self.wanted.etag {
                return Err(self.spoiled(&format!("{} is not as it was published: its SHA-256 is another", self.wanted.path)));
            }
        }
        let kept = self.file.sync_all().and_then(|()| fs::rename(&self.path, &self.wanted.blob));
        kept.map_err(|error| cannot_write(&self.wanted.blob, &error))
    }
}

/// Whether an etag is a hash of what it stands for: large files have it for their name.
fn is_sha256(etag: &str) -> bool {
    etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Read back from the disk, so that what was there before counts too, and what the disk made of it.
fn sha256(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let copied = File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut hasher));
    copied.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
