//! The workbench as its user meets it: keys in, screen out. The engine is played by the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "workbench/bench.rs"]
mod bench;
#[path = "workbench/chaos.rs"]
mod chaos;
#[path = "workbench/compare.rs"]
mod compare;
#[path = "workbench/curves.rs"]
mod curves;
#[path = "workbench/easel.rs"]
mod easel;
#[path = "workbench/elsewhere.rs"]
mod elsewhere;
#[path = "workbench/engine.rs"]
mod engine;
#[path = "workbench/experiments.rs"]
mod experiments;
#[path = "workbench/fields.rs"]
mod fields;
#[path = "workbench/gallery.rs"]
mod gallery;
#[path = "workbench/gallery_screens.rs"]
mod gallery_screens;
#[path = "workbench/inspect.rs"]
mod inspect;
#[path = "workbench/keys.rs"]
mod keys;
#[path = "workbench/models.rs"]
mod models;
#[path = "workbench/notes.rs"]
mod notes;
#[path = "workbench/queue.rs"]
mod queue;
#[path = "workbench/screens.rs"]
mod screens;
#[path = "workbench/several.rs"]
mod several;
#[path = "workbench/stale.rs"]
mod stale;
#[path = "workbench/table.rs"]
mod table;
#[path = "workbench/training.rs"]
mod training;
#[path = "workbench/watching.rs"]
mod watching;
