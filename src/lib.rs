//! darkroom: diffusion experiments in a terminal.
//!
//! | module | what it is for |
//! |---|---|
//! | [`recipe`] | what a user can ask for, as plain data |
//! | [`diffusion`] | the mathematics: schedules, noise, guidance, samplers |
//! | [`network`] | the IF UNet and the T5 encoder, in candle |
//! | [`model`] | weights on disk ↔ networks; the embedded model |
//! | [`training`] | part B's networks: data, objectives, the loop, checkpoints, and the comparison with PyTorch |
//! | [`experiment`] | recipe → diffusion, step by step |
//! | [`gallery`] | results: PNG files with their recipe, and the index |
//! | [`engine`] | the process that computes: queue, worker, server |
//! | [`link`] | what viewers and engines say to one another |
//! | [`app`], [`ui`], [`preview`], [`theme`], [`terminal`] | the workbench |
//! | [`input`], [`atomic`], [`here`] | pictures that come in; files that are whole or not there; their names from here |
//! | [`record`] | what a training tells, written down as it goes |
//! | [`export`], [`report`] | sheets and films of a run; the pages of the course's parts |
//! | [`memory`] | how memory is kept from one training step to the next |
//! | [`cli`], [`words`] | the commands; errors as people read them |
//!
//! The whole of it on one page:
//!
//! ```
//! use darkroom::experiment::{self, Models, Outcome};
//! use darkroom::recipe::Recipe;
//! use std::ops::ControlFlow;
//!
//! # fn main() -> anyhow::Result<()> {
//! let fields = [("prompt", "a red three"), ("steps", "2"), ("seed", "7")];
//! let recipe = Recipe::parse("sample", &fields.map(|(field, value)| (field.into(), value.into())))?;
//! let outcome = experiment::run(&recipe, &mut Models::default(), None, &mut |step| {
//!     assert_eq!(step.of, 2); // `step.frame()` is the picture so far
//!     Ok(ControlFlow::Continue(()))
//! })?;
//! let Outcome::Done(pictures, made) = outcome else { unreachable!("nobody broke it off") };
//! assert_eq!(pictures[0].dimensions(), made.size);
//! # Ok(())
//! # }
//! ```

pub mod app;
pub mod atomic;
pub mod cli;
pub mod diffusion;
pub mod engine;
pub mod experiment;
pub mod export;
pub mod gallery;
pub mod here;
pub mod input;
pub mod link;
pub mod memory;
pub mod model;
pub mod network;
pub mod preview;
pub mod recipe;
pub mod record;
pub mod report;
pub mod terminal;
pub mod theme;
pub mod training;
pub mod ui;
pub mod words;
