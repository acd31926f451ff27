//! Attention of pixels to words and to one another: heads are read where they lie, and the scores of a few pixels at a time are
//! kept, so that they never leave the cache.

use super::launch::{count, launch, suffix};
use super::product::{Matrices, Product};
use super::{CACHED, Numbers, room};
use candle_core::{CudaDevice, CudaStorage, DType, Layout, Result};

/// Scores of a pixel begin at multiples of this, as the products of half precision want it.
const ALIGNED: usize = 8;

/// The sizes of one picture: pixels, words, channels, and channels of a head.
#[derive(Clone, Copy)]
struct Size {
    pixels: usize,
    words: usize,
    channels: usize,
    head: usize,
}

impl Size {
    fn heads(self) -> usize {
        self.channels / self.head
    }

    /// Scores of a pixel, with those that fill up.
    fn line(self) -> usize {
        (self.pixels + self.words).next_multiple_of(ALIGNED)
    }
}

/// `pixels` (b, n, 3 c) and `text` (b, m, 2 c) as in the operator: (b, n, c).
///
/// # Errors
/// When the device has no room.
pub fn attend(pixels: (&CudaStorage, &Layout), text: (&CudaStorage, &Layout), (head, scale): (usize, f64)) -> Result<CudaStorage> {
    let (device, (b, n, three)) = (&pixels.0.device, pixels.1.shape().dims3()?);
    let size = Size { pixels: n, words: text.1.dims()[1], channels: three / 3, head };
    let (pixels, text) = (Numbers::of(pixels.0, pixels.1)?, Numbers::of(text.0, text.1)?);
    let (storage, found) = room(device, pixels.dtype, b * n * size.channels)?;
    let scored = size.heads() * size.line();
    let at_once = (CACHED / (scored * size_of::<f32>())).clamp(1, n.max(1));
    let (_scores, scores) = room(device, DType::F32, at_once * scored)?;
    let (_weights, weights) = match pixels.dtype {
        DType::F32 => (None, scores),
        dtype => room(device, dtype, at_once * scored).map(|(storage, weights)| (Some(storage), weights))?,
    };
    for picture in 0..b {
        let picture = Picture {
            device,
            size,
            pixels: pixels.from(picture * n * three),
            text: text.from(picture * size.words * 2 * size.channels),
            found: found.from(picture * n * size.channels),
        };
        for first in (0..n).step_by(at_once) {
            picture.find((first, at_once.min(n - first)), (scores, weights), scale)?;
        }
    }
    Ok(storage)
}

/// One picture's pixels and words, and where what they find goes.
struct Picture<'a> {
    device: &'a CudaDevice,
    size: Size,
    pixels: Numbers,
    text: Numbers,
    found: Numbers,
}

impl Picture<'_> {
    /// What some pixels find.
    fn find(&self, (first, rows): (usize, usize), (scores, weights): (Numbers, Numbers), scale: f64) -> Result<()> {
        let Size { pixels, words, channels, head } = self.size;
        let (line, matrices) = (self.size.line(), self.size.heads());
        let heads = |numbers: Numbers, line: usize| Matrices { numbers, line, step: head };
        let queries = heads(self.pixels.from(first * 3 * channels), 3 * channels);
        // Where keys and values are, how many there are, and where their scores begin. The pixels' come first: they are aligned.
        let origins = [(self.pixels.from(channels), 3 * channels, pixels, 0), (self.text, 2 * channels, words, pixels)];
        let origins = origins.into_iter().filter(|(_, _, many, _)| *many > 0);
        let all = |numbers: Numbers, at: usize| Matrices { numbers: numbers.from(at), line, step: rows * line };
        for (keys, stride, many, at) in origins.clone() {
            let (right, size) = (heads(keys, stride), (rows, many, head));
            Product { left: queries, right, turned: true, size, matrices, add: false }.into(self.device, all(scores, at))?;
        }
        let arguments = [weights.into(), scores.into(), count(pixels + words)?, count(line)?, (scale as f32).into()];
        let kernel = format!("softmax_{}", suffix(weights.dtype));
        launch(self.device, &kernel, ((matrices * rows) as u32, 1, 1), &arguments)?;
        let found = heads(self.found.from(first * channels), channels);
        for (keys, stride, many, at) in origins {
            let (left, right) = (all(weights, at), heads(keys.from(channels), stride));
            Product { left, right, turned: false, size: (rows, head, many), matrices, add: at > 0 }.into(self.device, found)?;
        }
        Ok(())
    }
}
