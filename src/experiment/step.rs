//! What the hook sees of a run after each step, and what it may keep of it.

use super::pixels;
use anyhow::{Context, Result};
use candle_core::{Device, Tensor, safetensors::load_buffer};
use image::RgbImage;
use safetensors::SafeTensors;
use std::{collections::HashMap, fs, path::Path};

/// One step of a run, borrowed from the sampler for as long as the hook looks at it.
pub struct Step<'a> {
    /// The place in the list of timesteps, from 0.
    pub index: usize,
    /// The length of the list.
    pub of: usize,
    /// The timestep.
    pub t: usize,
    /// x̂₀: the picture as the model believes it to be, (b, 3, h, w).
    pub x0: &'a Tensor,
    /// The picture that the next step starts from, (b, 3, h, w).
    pub x: &'a Tensor,
}

impl Step<'_> {
    /// x̂₀ as a picture; several side by side.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn frame(&self) -> Result<RgbImage> {
        pixels::sheet(self.x0)
    }

    /// What a later process needs to go on after this step, as the bytes of a file.
    ///
    /// # Errors
    /// When the device fails to hand its numbers over.
    pub fn checkpoint(&self) -> Result<Vec<u8>> {
        let notes = HashMap::from([("next".to_owned(), (self.index + 1).to_string())]);
        Ok(safetensors::serialize([("x", self.x)], Some(notes))?)
    }
}

/// The step to go on with and the picture that it starts from, as [`Step::checkpoint`] kept them.
pub(super) fn read_checkpoint(path: &Path) -> Result<(usize, Tensor)> {
    let broken = || format!("{} is no checkpoint; delete it to begin the run anew", path.display());
    let bytes = fs::read(path).with_context(broken)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).with_context(broken)?;
    let next = header.metadata().as_ref().and_then(|notes| notes.get("next")).and_then(|next| next.parse().ok());
    let x = load_buffer(&bytes, &Device::Cpu).with_context(broken)?.remove("x");
    next.zip(x).with_context(broken)
}
