//! Weights on disk ↔ networks: model folders in the diffusers layout, and the one that is compiled in.

mod folder;
mod info;
mod pipeline;
mod scheduler;
mod spiece;
pub mod verify;
mod weights;

pub use folder::{Folder, models_dir};
pub use info::{Info, Part, info, sample_size};
pub use pipeline::{At, Pipeline, TOKENS, Text};
pub use scheduler::SchedulerConfig;

/// The name of the model that is compiled in.
pub const EMBEDDED: &str = "tiny-if";
