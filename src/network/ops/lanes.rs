//! Channels in blocks of a fixed width, which the compiler makes vectors of: sums over pixels stay in registers.

// Loops over lanes go by index: so the compiler makes vectors of them, and no calls to copy memory.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

/// Channels of a block: the widest vector's.
pub const LANES: usize = 16;
/// A block, with zeros where there are fewer channels.
pub type Block = [f32; LANES];

/// The channels from `first` on as a block: a whole one, or what there is.
#[inline(always)]
pub fn load<const WHOLE: bool>(from: &[f32], first: usize) -> Block {
    let mut block = [0.0; LANES];
    if WHOLE {
        let from = &from[first..first + LANES];
        for c in 0..LANES {
            block[c] = from[c];
        }
    } else {
        // Not copied as one: the compiler would make a call of it, and of the whole ones too.
        block.iter_mut().zip(&from[first..]).for_each(|(to, value)| *to = *value);
    }
    block
}

/// The way back from [`load`].
#[inline(always)]
pub fn store<const WHOLE: bool>(block: Block, to: &mut [f32], first: usize) {
    if WHOLE {
        let to = &mut to[first..first + LANES];
        for c in 0..LANES {
            to[c] = block[c];
        }
    } else {
        to[first..].iter_mut().zip(&block).for_each(|(to, value)| *to = *value);
    }
}

/// Work on all channels, a block at a time.
pub trait Blocks {
    fn channels(&self) -> usize;

    /// The block that begins at a channel.
    fn block<const WHOLE: bool>(&mut self, first: usize);

    /// All blocks. Inlined into a function that knows the CPU's vectors, as a closure would not be.
    #[inline(always)]
    fn all(&mut self) {
        let channels = self.channels();
        let whole = channels - channels % LANES;
        for first in (0..whole).step_by(LANES) {
            self.block::<true>(first);
        }
        if whole < channels {
            self.block::<false>(whole);
        }
    }
}
