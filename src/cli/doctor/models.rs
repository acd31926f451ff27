//! The models on this machine, and the room for more.

use super::disk;
use super::told::Fact;
use crate::model::hub::{amount, user_cache};
use crate::model::{Shelf, known};
use std::path::PathBuf;

/// DeepFloyd IF's largest first stage with its text encoder, in half precision: what somebody with a GPU wants.
const LARGE: u64 = 20_000_000_000;

/// What is known of the models.
#[derive(Clone, Debug, Default)]
pub(super) struct Models {
    /// Those beside the one that is built in.
    pub others: Vec<Model>,
    /// Where those that are pulled are kept; none without a home folder.
    pub cache: Option<PathBuf>,
    /// Whether it is there yet.
    pub is_there: bool,
    /// Bytes that can still be written there.
    pub free: Option<u64>,
}

/// A model on disk.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub name: String,
    pub bytes: u64,
    pub pulled: bool,
    pub lacks: Vec<&'static str>,
}

impl Models {
    /// Looks at the folders.
    pub fn here() -> Models {
        let cache = user_cache();
        let others = known().into_iter().filter(|model| model.shelf != Shelf::BuiltIn);
        let others = others.map(|model| Model {
            lacks: model.folder.missing(),
            pulled: model.shelf == Shelf::Cache,
            name: model.name,
            bytes: model.bytes,
        });
        let free = cache.as_deref().and_then(disk::standing).and_then(|folder| disk::free(&folder));
        Models { others: others.collect(), is_there: cache.as_ref().is_some_and(|cache| cache.is_dir()), cache, free }
    }

    /// The same as lines.
    pub fn facts(&self) -> Vec<Fact> {
        let bytes: u64 = self.others.iter().map(|model| model.bytes).sum();
        let more = match self.others.len() {
            0 => "`darkroom model pull` fetches others".to_owned(),
            1 => format!("one more on disk, {}", amount(bytes)),
            more => format!("{more} more on disk, {}", amount(bytes)),
        };
        let lacking = self.others.iter().filter(|model| !model.lacks.is_empty()).map(|model| {
            let advice = match model.pulled {
                true => format!("What it lacks is fetched by\n  darkroom model pull {}", model.name),
                false => "Copy what it lacks into its folder; `darkroom model list` tells where that is.".to_owned(),
            };
            Fact::note("model", format!("{} lacks {}", model.name, model.lacks.join(", ")), advice)
        });
        [Fact::good("models", format!("tiny-if is built in; {more}"))].into_iter().chain(lacking).chain([self.cache()]).collect()
    }

    fn cache(&self) -> Fact {
        let Some(cache) = &self.cache else {
            return Fact::note("cache", "there is no home folder to keep one in", "HF_HOME names another place.");
        };
        let path = cache.display();
        let says = match self.is_there {
            true => path.to_string(),
            false => format!("{path}, made by the first `darkroom model pull`"),
        };
        match self.free {
            Some(free) if free < LARGE => {
                let advice = format!("A large model with its text encoder takes some {}. HF_HOME names another place.", amount(LARGE));
                Fact::note("cache", format!("{says}; only {} free", amount(free)), advice)
            }
            Some(free) => Fact::good("cache", format!("{says}; {} free", amount(free))),
            None => Fact::good("cache", says),
        }
    }
}
