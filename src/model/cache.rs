//! What was computed before and can be computed again, kept between programs: nothing here is missed when it is gone.
//!
//! ```text
//! hashes/3fa9…             the hash of a model whose files have not changed since
//! prompts/77b0….safetensors  what a text encoder made of a prompt
//! ```

use crate::atomic::{make_folder, write_atomic};
use candle_core::{Device, Tensor, safetensors};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// The most bytes that prompts may take; beyond, the oldest go.
const ROOM: u64 = 1 << 30;
const STATES: &str = "states";

/// A folder for it; without one nothing is kept.
#[derive(Clone, Debug, Default)]
pub struct Cache(Option<PathBuf>);

impl Cache {
    /// In a folder.
    pub fn at(folder: PathBuf) -> Cache {
        Cache(Some(folder))
    }

    /// In the user's own (XDG_CACHE_HOME).
    pub fn of_user() -> Cache {
        Cache(directories::BaseDirs::new().map(|dirs| dirs.cache_dir().join("darkroom")))
    }

    pub(super) fn hash(&self, key: &str) -> Option<String> {
        let hash = fs::read_to_string(self.0.as_ref()?.join("hashes").join(key)).ok()?;
        (hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
    }

    pub(super) fn keep_hash(&self, key: &str, hash: &str) {
        self.keep("hashes", key, hash.as_bytes());
    }

    /// What a text encoder made of a prompt, in main memory.
    pub(crate) fn states(&self, key: &str) -> Option<Tensor> {
        let file = self.0.as_ref()?.join("prompts").join(format!("{key}.safetensors"));
        safetensors::load(file, &Device::Cpu).ok()?.remove(STATES)
    }

    pub(crate) fn keep_states(&self, key: &str, states: &Tensor) {
        let tensors = HashMap::from([(STATES, states)]);
        if let Ok(bytes) = ::safetensors::serialize(tensors, None) {
            self.keep("prompts", &format!("{key}.safetensors"), &bytes);
            self.make_room();
        }
    }

    /// A cache that cannot be written costs time, not results: nobody is bothered.
    fn keep(&self, folder: &str, name: &str, bytes: &[u8]) {
        let Some(folder) = self.0.as_ref().map(|root| root.join(folder)) else { return };
        if let Err(error) = make_folder(&folder).and_then(|()| write_atomic(&folder.join(name), bytes)) {
            tracing::warn!("what was computed is not kept: {error:#}");
        }
    }

    fn make_room(&self) {
        let Some(folder) = self.0.as_ref().map(|root| root.join("prompts")) else { return };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let file = |entry: fs::DirEntry| {
            let about = entry.metadata().ok()?;
            Some((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), entry.path()))
        };
        let mut files: Vec<_> = entries.filter_map(file).collect();
        files.sort();
        let mut room = ROOM;
        for (_, size, path) in files.into_iter().rev() {
            match room.checked_sub(size) {
                Some(left) => room = left,
                None => _ = fs::remove_file(path),
            }
        }
    }
}
