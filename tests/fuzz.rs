//! Every reader of what comes from elsewhere, under bytes that were made worse: none may panic, hang or take more memory than
//! its own limits promise.
//!
//! A few hundred cases each are read with all other tests. For a long look, one target or all of them:
//!
//! ```text
//! FUZZ_SECONDS=600 cargo test --test fuzz link::link_events -- --exact --nocapture
//! FUZZ_SECONDS=600 cargo test --test fuzz -- --nocapture --test-threads 2
//! ```
//!
//! `FUZZ_SEED=7` draws other cases. A failure says which case it was; `FUZZ_SEED=0 FUZZ_CASE=123` reads that one alone and puts
//! it into `target/tmp/fuzz-NAME.case`. After an abort (a stack or a memory that ended, a case that takes too long)
//! `target/tmp/fuzz-NAME` says which it was. What is printed at the end: the cases, how many of them the reader took for good, the
//! slowest, and the most memory with what was allowed. A build that is optimised less begins sooner:
//! `--config profile.dev.package.darkroom.opt-level=2`.
//!
//! A new target is one [`Target`](target::Target): good files, how to change them, the bound, and a function that reads them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "fuzz/chunks.rs"]
mod chunks;
#[path = "fuzz/imports.rs"]
mod imports;
#[path = "fuzz/link.rs"]
mod link;
#[path = "fuzz/memory.rs"]
mod memory;
#[path = "fuzz/messages.rs"]
mod messages;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/pictures.rs"]
mod pictures;
#[path = "fuzz/runs.rs"]
mod runs;
#[path = "fuzz/target.rs"]
mod target;
#[path = "fuzz/texts.rs"]
mod texts;
#[path = "fuzz/weights.rs"]
mod weights;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;
