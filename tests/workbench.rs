//! The workbench as its user meets it: keys in, screen out. The engine is played by the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "workbench/bench.rs"]
mod bench;
#[path = "workbench/chaos.rs"]
mod chaos;
#[path = "workbench/engine.rs"]
mod engine;
#[path = "workbench/fields.rs"]
mod fields;
#[path = "workbench/keys.rs"]
mod keys;
#[path = "workbench/screens.rs"]
mod screens;
