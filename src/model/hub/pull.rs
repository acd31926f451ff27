//! A model's files, from the hub into the cache.

use super::transfer::Way;
use super::{Hub, Id, amount, choose, listing, part};
use crate::atomic::{cannot_write, make_folder, write_atomic};
use crate::model::Folder;
use anyhow::{Context, Result, ensure};
use hf_hub::{Cache, Repo, RepoType};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The most bytes of what is no weights.
const LARGEST_TEXT: u64 = 64 << 20;

/// What to pull.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The repository.
    pub id: Id,
    /// Its branch, tag or commit.
    pub revision: String,
    /// Whether to take what reads the prompts: text encoder and tokenizer.
    pub text_encoder: bool,
}

/// How far a pull is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// So many files make the model, of so many bytes together.
    Chosen(usize, u64),
    /// The next file and its bytes.
    Begins(&'a str, u64),
    /// So many bytes of it are here.
    At(u64),
    /// The connection broke off, and is made again.
    BrokeOff(&'a str),
    /// The file is read once more, to see whether it is the one that was published.
    Checks,
    /// It is in the cache.
    Ends,
    /// A file that was in the cache before.
    WasThere(&'a str, u64),
}

/// Who is told. An error from there ends the pull with it; what has arrived is kept.
pub type Tell<'a> = &'a mut dyn FnMut(Progress) -> Result<()>;

/// What a pull has made.
#[derive(Debug)]
pub struct Pulled {
    /// The model's folder.
    pub folder: PathBuf,
    /// How many files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many of the files were not there before.
    pub fetched: usize,
}

impl Pulled {
    /// What was made of a repository, in a sentence.
    pub fn sentence(&self, id: &Id) -> String {
        let missing = Folder::Dir(self.folder.clone()).missing();
        let without = if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
        let (files, fetched, folder) = (self.files, self.fetched, self.folder.display());
        format!("{id}: {files} files, {}, {fetched} of them new{without}; in {folder}", amount(self.bytes))
    }
}

/// A file of a repository, and where it belongs.
pub(super) struct Wanted {
    pub path: String,
    pub address: String,
    pub etag: String,
    pub size: u64,
    pub blob: PathBuf,
    pointer: PathBuf,
}

/// Pulls the files of a model that are not in the cache yet. What has arrived of a file stays when a pull ends before it, and
/// the next one goes on there.
///
/// # Errors
/// In one sentence with what to do: when the hub cannot be reached or refuses, when the repository is no model or none that
/// can be used safely, when the disk is full, when a file is not the one that was published.
pub fn pull(hub: &Hub, ask: &Ask, tell: Tell) -> Result<Pulled> {
    check(&ask.revision)?;
    let listing = listing::read(hub, ask)?;
    let files = choose(&listing.files, ask.text_encoder).with_context(|| format!("{} cannot be used", ask.id))?;
    let way = Way::new(hub, ask);
    let at = |path| wanted(hub, (&ask.id, &listing.commit), &way, path);
    let wanted = files.into_iter().map(at).collect::<Result<Vec<_>>>()?;
    make_folder(&hub.cache)?;
    room(hub, ask, &wanted)?;
    let bytes = wanted.iter().map(|file| file.size).fold(0, u64::saturating_add);
    tell(Progress::Chosen(wanted.len(), bytes))?;
    let mut fetched = 0;
    for file in &wanted {
        if file.is_there() {
            tell(Progress::WasThere(&file.path, file.size))?;
            continue;
        }
        tell(Progress::Begins(&file.path, file.size))?;
        if !file.is_blob_whole() {
            way.fetch(file, tell)?;
            fetched += 1;
        }
        file.link()?;
        tell(Progress::Ends)?;
    }
    let repository = hub.cache.join(ask.id.folder());
    if ask.revision != listing.commit {
        let reference = repository.join("refs").join(&ask.revision);
        reference.parent().map_or(Ok(()), make_folder)?;
        write_atomic(&reference, listing.commit.as_bytes())?;
    }
    Ok(Pulled { folder: repository.join("snapshots").join(listing.commit), files: wanted.len(), bytes, fetched })
}

/// A revision becomes a part of an address and a file of the cache.
fn check(revision: &str) -> Result<()> {
    let letters = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let parts = || revision.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let plain = revision.len() <= 200 && revision.chars().all(letters) && parts();
    ensure!(plain, "'{}' names no revision; write a branch, a tag or a commit", revision.escape_debug());
    Ok(())
}

/// Asks for what a file is at a commit, so that all files are of the same moment.
fn wanted(hub: &Hub, (id, commit): (&Id, &str), way: &Way, path: String) -> Result<Wanted> {
    let address = format!("{}/{id}/resolve/{commit}/{path}", hub.endpoint);
    let facts = way.facts(&address, commit)?;
    let small = facts.size <= LARGEST_TEXT || path.ends_with(".safetensors");
    ensure!(small, "{path} is said to have {}, which cannot be: tell the publisher of {id}", amount(facts.size));
    let kept = Cache::new(hub.cache.clone()).repo(Repo::new(id.to_string(), RepoType::Model));
    let (blob, pointer) = (kept.blob_path(&facts.etag), kept.pointer_path(commit).join(&path));
    Ok(Wanted { path, address, etag: facts.etag, size: facts.size, blob, pointer })
}

/// Whether the disk has room, before hours are spent on finding out.
fn room(hub: &Hub, ask: &Ask, wanted: &[Wanted]) -> Result<()> {
    let missing = wanted.iter().filter(|file| !file.is_there() && !file.is_blob_whole());
    let arrived = |file: &Wanted| fs::metadata(part::path(file)).map_or(0, |part| part.len());
    let needed = missing.map(|file| file.size.saturating_sub(arrived(file))).fold(0, u64::saturating_add);
    let Ok(disk) = rustix::fs::statvfs(&hub.cache) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    ensure!(
        needed <= free,
        "{} takes {} more, and {} has {} free: free some space, or set HF_HOME to a folder on a larger disk",
        ask.id,
        amount(needed),
        hub.cache.display(),
        amount(free)
    );
    Ok(())
}

impl Wanted {
    /// Whether the snapshot has it. A file that was cut short later has another size.
    fn is_there(&self) -> bool {
        is_of_size(&self.pointer, self.size)
    }

    /// Whether its content is there, if only for another commit.
    pub fn is_blob_whole(&self) -> bool {
        is_of_size(&self.blob, self.size)
    }

    /// Gives the content its name in the snapshot, as huggingface_hub does.
    fn link(&self) -> Result<()> {
        let folder = self.pointer.parent().context("a file without a folder")?;
        make_folder(folder)?;
        match fs::remove_file(&self.pointer) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot_write(&self.pointer, &error)),
            _ => {}
        }
        // Out of `snapshots/<commit>` and the folders in it.
        let up = "../".repeat(2 + self.path.matches('/').count());
        match symlink(format!("{up}blobs/{}", self.etag), &self.pointer) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Some file systems have no links.
            Err(_) => fs::rename(&self.blob, &self.pointer).map_err(|error| cannot_write(&self.pointer, &error)),
            Ok(()) => Ok(()),
        }
    }
}

fn is_of_size(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_leads_nowhere_else() {
        for revision in ["main", "refs/pr/1", "v1.0", "fp16", "c03d510e9b75bce9f9db5bb85148c1402ad7e694"] {
            assert!(check(revision).is_ok(), "{revision}");
        }
        for revision in ["", "..", "../main", "/main", "a//b", "a/", "a/../b", "a b", "a?b", "a#b", "a%2fb", ".git"] {
            assert!(check(revision).is_err(), "{revision}");
        }
    }
}
