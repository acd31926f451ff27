//! The commands, one a file. Everything they print goes to a writer that they are handed.

pub mod ask;
pub mod attach;
pub mod compute;
pub mod doctor;
pub mod engine;
pub mod export;
pub mod history;
pub mod import;
pub mod model;
pub mod note;
pub mod queue;
pub mod report;
pub mod run;
mod signals;
pub mod status;
pub mod stop;
pub mod submit;
