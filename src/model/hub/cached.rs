//! What of the hub is in the cache already, put there by this program or another.

use super::{Id, listing::is_commit};
use std::fs;
use std::path::{Path, PathBuf};

/// A repository in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    /// What it is called.
    pub id: Id,
    /// Its folder in the diffusers layout, whole or not.
    pub snapshot: PathBuf,
    /// Bytes on disk, of all its revisions.
    pub bytes: u64,
}

/// The repositories of models in the cache, by their names.
pub fn cached(cache: &Path) -> Vec<Cached> {
    let folders = fs::read_dir(cache).into_iter().flatten().flatten();
    let ids = folders.filter_map(|folder| Id::of_folder(folder.file_name().to_str()?));
    let found = |id: Id| Some(Cached { snapshot: snapshot(cache, &id)?, bytes: weigh(&cache.join(id.folder())), id });
    let mut cached: Vec<Cached> = ids.filter_map(found).collect();
    cached.sort_by(|a, b| a.id.cmp(&b.id));
    cached
}

/// A repository's folder in the diffusers layout: the one of the main branch, else the newest.
pub fn snapshot(cache: &Path, id: &Id) -> Option<PathBuf> {
    let repository = cache.join(id.folder());
    let snapshots = repository.join("snapshots");
    let main = fs::read_to_string(repository.join("refs").join("main")).ok();
    let main = main.filter(|commit| is_commit(commit.trim())).map(|commit| snapshots.join(commit.trim()));
    main.filter(|folder| folder.is_dir()).or_else(|| {
        let folders = fs::read_dir(&snapshots).ok()?.flatten().filter(|entry| entry.path().is_dir());
        let newest = folders.max_by_key(|entry| (entry.metadata().and_then(|about| about.modified()).ok(), entry.file_name()));
        newest.map(|entry| entry.path())
    })
}

/// The repository whose snapshot a folder is.
pub fn repository(folder: &Path) -> Option<Id> {
    let folder = folder.canonicalize().ok()?;
    let snapshots = folder.parent().filter(|parent| parent.ends_with("snapshots"))?;
    Id::of_folder(snapshots.parent()?.file_name()?.to_str()?)
}

/// The bytes of all files under a folder; what a link leads to counts where it lies.
fn weigh(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let about = entries.filter_map(|entry| Some((entry.metadata().ok()?, entry.path())));
    about
        .map(|(about, path)| {
            if about.is_dir() {
                weigh(&path)
            } else if about.is_file() {
                about.len()
            } else {
                0
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_snapshot_of_main_counts_and_else_the_newest() {
        let cache = tempfile::tempdir().unwrap();
        let id: Id = "DeepFloyd/IF-I-XL-v1.0".parse().unwrap();
        assert_eq!(snapshot(cache.path(), &id), None);
        let repository = cache.path().join("models--DeepFloyd--IF-I-XL-v1.0");
        let [old, new] = ["a", "b"].map(|letter| repository.join("snapshots").join(letter.repeat(40)));
        fs::create_dir_all(&old).unwrap();
        assert_eq!(snapshot(cache.path(), &id).as_ref(), Some(&old), "the only one");
        fs::create_dir_all(&new).unwrap();
        fs::create_dir(repository.join("refs")).unwrap();
        let refer = |text: &str| fs::write(repository.join("refs/main"), text).unwrap();
        refer(&"a".repeat(40));
        assert_eq!(snapshot(cache.path(), &id).as_ref(), Some(&old));
        for wrong in ["../../..", &"c".repeat(40), ""] {
            refer(wrong);
            assert_eq!(snapshot(cache.path(), &id).as_ref(), Some(&new), "{wrong}");
        }
        assert_eq!(super::repository(&old), Some(id.clone()));
        assert_eq!(super::repository(cache.path()), None);
        assert_eq!(super::repository(&repository), None);
    }

    #[test]
    fn what_is_in_the_cache_is_told_with_its_size() {
        let cache = tempfile::tempdir().unwrap();
        for (name, bytes) in [("models--b--two", 5), ("models--a--one", 7), ("datasets--a--one", 9), ("models--gpt2", 11)] {
            let snapshot = cache.path().join(name).join("snapshots").join("a".repeat(40));
            fs::create_dir_all(&snapshot).unwrap();
            fs::create_dir(cache.path().join(name).join("blobs")).unwrap();
            fs::write(cache.path().join(name).join("blobs/x"), vec![0; bytes]).unwrap();
            symlink("../../blobs/x", snapshot.join("model_index.json")).unwrap();
        }
        fs::create_dir_all(cache.path().join("models--c--begun").join("blobs")).unwrap();
        let told: Vec<_> = cached(cache.path()).into_iter().map(|cached| (cached.id.to_string(), cached.bytes)).collect();
        assert_eq!(told, [("a/one".to_owned(), 7), ("b/two".to_owned(), 5)]);
        assert!(cached(&cache.path().join("nowhere")).is_empty());
    }
}
