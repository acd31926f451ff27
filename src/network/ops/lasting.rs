//! Numbers that stay as long as a network, in pages of their own.
//!
//! The allocator's fields of 4 MiB are rarely filled by blocks of a few MiB, and what of a field is in use makes its pages of
//! 2 MiB whole: of a network's weights a tenth would be lost.

use candle_core::Result;
use memmap2::MmapMut;
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use std::ops::{Deref, DerefMut};

/// A fixed number of floats.
#[derive(Debug)]
pub struct Lasting {
    pages: MmapMut,
    len: usize,
}

impl Lasting {
    /// So many zeros.
    pub fn zeros(len: usize) -> Result<Lasting> {
        let pages = MmapMut::map_anon((len * size_of::<f32>()).max(1))?;
        // Where there are no large pages, it is slower and nothing else.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        Ok(Lasting { pages, len })
    }
}

impl Deref for Lasting {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        cast_slice(&self.pages[..self.len * size_of::<f32>()])
    }
}

impl DerefMut for Lasting {
    fn deref_mut(&mut self) -> &mut [f32] {
        cast_slice_mut(&mut self.pages[..self.len * size_of::<f32>()])
    }
}
