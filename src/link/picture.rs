//! Pictures on the link: what they are of, taken apart into chunks, and put together again.

use super::{Bytes, Event};
use crate::recipe::{Layer, RunId};
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest side of a picture on the link, in pixels.
pub const MAX_SIDE: u32 = 4096;

/// The most bytes in one [`Event::Chunk`].
pub const CHUNK: usize = 16 * 1024;

/// What a picture on the link shows, and its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureHead {
    /// Whose picture it is.
    pub run: RunId,
    /// What it is of.
    pub what: PictureOf,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The kinds of pictures on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PictureOf {
    /// The picture so far, as the model believes it to be (x̂₀), after a step of a running run.
    Frame {
        /// The step's place in the list of timesteps, from 0.
        index: u32,
        /// The timestep.
        t: u32,
    },
    /// A kept picture of a finished run.
    Kept {
        /// Which of the run's pictures, from 0.
        index: u32,
        /// The `side` that was asked for.
        side: u32,
    },
    /// A layer of a step, an answer to [`Command::Inspect`](super::Command::Inspect).
    Layer {
        /// The step that it is of, from 0.
        index: u32,
        /// What of the step.
        layer: Layer,
    },
    /// The answer to [`Command::Look`](super::Command::Look); its run is 0.
    Input {
        /// The one of the request.
        ticket: u32,
    },
    /// The picture that was asked for cannot be read; no chunks follow.
    Missing {
        /// Which of the run's pictures, from 0.
        index: u32,
        /// The `side` that was asked for.
        side: u32,
    },
}

/// A whole picture off the link, 8-bit RGB.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What it shows.
    pub head: PictureHead,
    /// `height` rows of `width` pixels, three bytes each.
    pub rgb: Arc<[u8]>,
}

/// A picture on its way out.
pub struct Sending {
    picture: Picture,
    /// Bytes that have gone; none while not even the head has.
    sent: Option<usize>,
}

impl Sending {
    /// Begins with the head.
    pub fn new(picture: Picture) -> Sending {
        Sending { picture, sent: None }
    }
}

/// The events that the picture goes out in.
impl Iterator for Sending {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let Some(sent) = self.sent else {
            self.sent = Some(0);
            return Some(Event::Picture { head: self.picture.head.clone() });
        };
        let rest = &self.picture.rgb[sent..];
        let bytes = &rest[..rest.len().min(CHUNK)];
        self.sent = Some(sent + bytes.len());
        (!bytes.is_empty()).then(|| Event::Chunk { bytes: Bytes(bytes.to_vec()) })
    }
}

/// A picture on its way in. Nothing that the other side says is believed: not the sizes, nor the order.
#[derive(Default)]
pub struct Arriving(Option<(PictureHead, Vec<u8>)>);

impl Arriving {
    /// The head has come; a picture without pixels is whole with it.
    ///
    /// # Errors
    /// When a picture has begun already, or this one has an impossible size.
    pub fn head(&mut self, head: PictureHead) -> Result<Option<Picture>> {
        if self.0.is_some() {
            bail!("a picture began on the link before the last one was whole");
        }
        match (head.what, size(&head)) {
            (PictureOf::Missing { .. }, Some(0)) => Ok(Some(Picture { head, rgb: Arc::default() })),
            (PictureOf::Missing { .. }, _) | (_, None | Some(0)) => {
                bail!("a picture on the link claims to be {} by {} pixels", head.width, head.height)
            }
            _ => {
                self.0 = Some((head, Vec::new()));
                Ok(None)
            }
        }
    }

    /// A chunk has come; the picture, when it is whole.
    ///
    /// # Errors
    /// When there is no picture for it, or it does not fit.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<Option<Picture>> {
        let Some((head, mut rgb)) = self.0.take() else {
            bail!("a piece of a picture came on the link without a picture");
        };
        let size = size(&head).unwrap_or_default();
        if bytes.is_empty() || bytes.len() > CHUNK || rgb.len() + bytes.len() > size {
            bail!("a piece of a picture on the link has a wrong size, {} bytes", bytes.len());
        }
        rgb.extend_from_slice(bytes);
        if rgb.len() == size {
            return Ok(Some(Picture { head, rgb: rgb.into() }));
        }
        self.0 = Some((head, rgb));
        Ok(None)
    }
}

/// Bytes of pixels; none where a side is too long.
fn size(head: &PictureHead) -> Option<usize> {
    (head.width.max(head.height) <= MAX_SIDE).then(|| head.width as usize * head.height as usize * 3)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::recipe::RunId;
    use proptest::prelude::*;

    fn head(width: u32, height: u32) -> PictureHead {
        PictureHead { run: RunId(1), what: PictureOf::Frame { index: 3, t: 900 }, width, height }
    }

    proptest! {
        #[test]
        fn a_picture_taken_apart_is_put_together_again(width in 1u32..200, height in 1u32..200, seed: u8) {
            let rgb = (0..width * height * 3).map(|i| (i as u8).wrapping_mul(seed)).collect();
            let picture = Picture { head: head(width, height), rgb };
            let mut arriving = Arriving::default();
            let mut whole = Vec::new();
            for event in Sending::new(picture.clone()) {
                whole.extend(match event {
                    Event::Picture { head } => arriving.head(head).unwrap(),
                    Event::Chunk { bytes } => arriving.chunk(&bytes.0).unwrap(),
                    other => panic!("{other:?}"),
                });
            }
            prop_assert_eq!(whole, [picture]);
        }
    }

    #[test]
    fn an_impossible_size_is_refused_before_any_memory_is_taken() {
        for (width, height) in [(u32::MAX, u32::MAX), (0, 0), (0, 7), (65536, 65536), (4096, 8192)] {
            assert!(Arriving::default().head(head(width, height)).is_err(), "{width} by {height}");
        }
        let missing = |width| PictureHead { what: PictureOf::Missing { index: 0, side: 64 }, ..head(width, width) };
        assert!(Arriving::default().head(missing(0)).unwrap().is_some());
        assert!(Arriving::default().head(missing(1)).is_err());
    }

    #[test]
    fn pieces_out_of_order_are_refused() {
        assert!(Arriving::default().chunk(&[1]).is_err());
        let begun = || {
            let mut arriving = Arriving::default();
            arriving.head(head(100, 100)).unwrap();
            arriving
        };
        assert!(begun().head(head(2, 2)).is_err());
        assert!(begun().chunk(&[]).is_err());
        assert!(begun().chunk(&[0; CHUNK + 1]).is_err());
        let mut arriving = begun();
        assert!(arriving.chunk(&[0; CHUNK]).unwrap().is_none());
        assert!(arriving.chunk(&[0; CHUNK]).is_err());
    }
}
