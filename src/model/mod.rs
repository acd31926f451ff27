//! Weights on disk ↔ networks: model folders in the diffusers layout, and the one that is compiled in.

mod cache;
mod design;
pub mod dictionary;
mod folder;
#[cfg(feature = "cuda")]
mod gpu;
mod hash;
pub mod hub;
mod info;
mod known;
mod loading;
mod networks;
mod pickle;
mod pipeline;
mod place;
pub mod plan;
mod reader;
mod scheduler;
mod shards;
mod spiece;
mod tensors;
pub mod time;
pub mod verify;
mod weights;

pub use cache::Cache;
pub use design::Design;
pub use folder::{Folder, models_dir};
pub use hash::Words;
pub use info::{Info, Part, info, sample_size};
pub use known::{Known, Shelf, known};
pub use loading::{Loading, OnLoading, Phase, Site, Watcher};
pub use pipeline::{At, Pipeline, States, Text};
pub use place::Place;
pub use reader::{Reader, TOKENS};
pub use scheduler::SchedulerConfig;

/// The name of the model that is compiled in.
pub const EMBEDDED: &str = "tiny-if";
