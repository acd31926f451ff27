//! What the hook sees of a run after each step, and what it may keep of it.

use super::pixels;
use crate::diffusion::{self, Process};
use crate::recipe::Layer;
use anyhow::{Context, Result};
use candle_core::{Device, Tensor, safetensors::load_buffer};
use image::RgbImage;
use safetensors::SafeTensors;
use std::{collections::HashMap, fs, path::Path};

/// What a file says in place of a timestep.
const CLEAN: &str = "clean";

/// One step of a run, borrowed from the sampler for as long as the hook looks at it.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// The place among the run's steps, from 0.
    pub index: usize,
    /// How many steps the run has.
    pub of: usize,
    /// The timestep.
    pub t: usize,
    /// x̂₀: the picture as the model believes it to be, (b, 3, h, w).
    pub x0: &'a Tensor,
    /// What that is called: x̂₀, or no more than a picture where no model was asked.
    pub shown: Layer,
    /// Whether a clean picture ranges from 0 to 1 and is grey, (b, 1, h, w), instead of from -1 to 1.
    pub unit: bool,
    /// The picture that the next step starts from, (b, 3, h, w).
    pub x: &'a Tensor,
    /// What went on inside, where the model was called.
    pub inside: Option<Inside<'a>>,
    /// Pictures that the run has finished by then, which a checkpoint has to keep, (n, 3, h, w).
    pub finished: Option<&'a Tensor>,
}

/// What went on inside a step.
#[derive(Clone, Copy)]
pub struct Inside<'a> {
    /// The sampler's own step.
    pub step: &'a diffusion::Step<'a>,
    /// What the model undoes; none where it does not know timesteps.
    pub process: Option<&'a Process>,
}

/// Where a run goes on.
#[derive(Debug)]
pub struct Checkpoint {
    /// The step to go on with, from 0.
    pub next: usize,
    /// The picture that it starts from, (b, 3, h, w).
    pub x: Tensor,
    /// The timestep that this picture stands at; `None` is a clean one.
    pub at: Option<usize>,
    /// Pictures that the run had finished, (n, 3, h, w).
    pub finished: Option<Tensor>,
}

impl Step<'_> {
    /// x̂₀ as a picture; several side by side.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn frame(&self) -> Result<RgbImage> {
        pixels::sheet(&self.seen(self.x0)?)
    }

    /// A picture in the range that is shown, -1 to 1.
    pub(super) fn seen(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        if self.unit { x.affine(2.0, -1.0) } else { Ok(x.clone()) }
    }

    /// What a later process needs to go on after this step, as the bytes of a file.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn checkpoint(&self) -> Result<Vec<u8>> {
        let tensors = [("x", self.x)].into_iter().chain(self.finished.map(|finished| ("finished", finished)));
        Ok(safetensors::serialize(tensors, Some(HashMap::from(self.place())))?)
    }

    /// Where a run goes on after this step, for the head of a file: another recipe must not take x for cleaner than it is.
    pub(super) fn place(&self) -> [(String, String); 2] {
        let at = self.inside.as_ref().and_then(|inside| inside.step.jump.back.or(inside.step.jump.to));
        let at = at.map_or_else(|| CLEAN.to_owned(), |t| t.to_string());
        [("next".to_owned(), (self.index + 1).to_string()), ("at".to_owned(), at)]
    }
}

/// Reads what [`Step::checkpoint`] kept.
pub(super) fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    let broken = || format!("{} is no checkpoint; delete it to begin the run anew", path.display());
    let bytes = fs::read(path).with_context(broken)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).with_context(broken)?;
    let note = |key| header.metadata().as_ref().and_then(|notes| notes.get(key));
    let next = note("next").and_then(|next| next.parse().ok());
    let at = note("at").and_then(|at| if at == CLEAN { Some(None) } else { at.parse().ok().map(Some) });
    let mut tensors = load_buffer(&bytes, &Device::Cpu).with_context(broken)?;
    let ((next, at), x) = next.zip(at).zip(tensors.remove("x")).with_context(broken)?;
    Ok(Checkpoint { next, x, at, finished: tensors.remove("finished") })
}
