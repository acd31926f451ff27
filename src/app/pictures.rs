//! Pixels: the frames of the running run, and kept pictures as far as they were asked for.

use super::{App, Effect, Engine};
use crate::link::{Command, Picture, PictureOf};
use crate::recipe::{Layer, RunId};
use std::collections::{HashMap, HashSet};

/// The most bytes of kept pictures that stay in memory.
const BYTES: usize = 48 << 20;
/// The most requests that are under way.
const REQUESTS: usize = 16;
/// The most frames of one run that stay, for the strip of steps.
const FRAMES: usize = 24;
/// Every so many steps a frame stays.
const EVERY: u32 = 5;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The picture so far, after a step of a running run.
    Frame {
        /// Whose.
        run: RunId,
        /// The step's place in the list of timesteps, from 0.
        index: u32,
    },
    /// A picture in the gallery.
    Kept {
        /// Whose.
        run: RunId,
        /// Which of the run's pictures, from 0.
        index: u32,
        /// Its longest side is at most so many pixels.
        side: u32,
    },
    /// What was inside a kept step.
    Layer {
        /// Whose.
        run: RunId,
        /// The step, from 0.
        index: u32,
        /// What of it.
        layer: Layer,
    },
}

impl Source {
    /// Whether it is a picture of this run.
    pub fn is_of(self, id: RunId) -> bool {
        let (Source::Frame { run, .. } | Source::Kept { run, .. } | Source::Layer { run, .. }) = self;
        run == id
    }
}

/// All pixels of a terminal.
#[derive(Default)]
pub struct Pictures {
    /// Of one run, in the order of its steps.
    frames: Vec<Picture>,
    kept: HashMap<Source, Picture>,
    /// Least recently wanted first.
    order: Vec<Source>,
    /// Asked for and not answered.
    requested: HashSet<Source>,
    /// Cannot be read, the engine says.
    missing: HashSet<Source>,
    /// The frame that came last and is not on the screen yet.
    owed: Option<Source>,
}

impl Pictures {
    /// The pixels, where they are here.
    pub fn get(&self, source: Source) -> Option<&Picture> {
        match source {
            Source::Kept { .. } | Source::Layer { .. } => self.kept.get(&source),
            Source::Frame { .. } => self.frames.iter().find(|frame| frame_of(frame) == Some(source)),
        }
    }

    /// The newest frame of a run.
    pub fn newest(&self, run: RunId) -> Option<Source> {
        self.frames.last().and_then(frame_of).filter(|source| matches!(source, Source::Frame { run: of, .. } if *of == run))
    }

    /// The frames of about every fifth step, oldest first, with their timesteps.
    pub fn strip(&self, run: RunId) -> impl Iterator<Item = (Source, u32)> {
        self.frames.iter().filter(move |frame| frame.head.run == run).filter_map(|frame| match frame.head.what {
            PictureOf::Frame { t, .. } => frame_of(frame).map(|source| (source, t)),
            _ => None,
        })
    }

    /// Whether the engine could not read a picture.
    pub fn is_missing(&self, source: Source) -> bool {
        self.missing.contains(&source)
    }

    /// What could not be read may be by now.
    pub(super) fn is_there(&mut self, source: Source) {
        self.missing.remove(&source);
    }

    /// The frame that came last, until it is on the screen.
    pub(super) fn owed(&self) -> Option<Source> {
        self.owed
    }

    pub(super) fn settle_debt(&mut self) {
        self.owed = None;
    }

    pub(super) fn forget_requests(&mut self) {
        self.requested.clear();
        self.missing.clear();
        self.owed = None;
    }

    pub(super) fn forget_frames(&mut self) {
        self.frames.clear();
    }

    /// Takes a frame; false where it is older than what is here.
    pub(super) fn frame(&mut self, picture: Picture) -> bool {
        let Some(source @ Source::Frame { run, index }) = frame_of(&picture) else { return false };
        if !is_whole(&picture) {
            return false;
        }
        match self.frames.last().and_then(frame_of) {
            Some(Source::Frame { run: known, index: newest }) if known == run => {
                if index <= newest {
                    return false;
                }
                self.drop_between();
            }
            _ => self.frames.clear(),
        }
        self.frames.push(picture);
        self.owed = Some(source);
        true
    }

    /// The newest frame stays for the strip only if it is far enough from the one before.
    fn drop_between(&mut self) {
        let stride = |frame: &Picture| match frame.head.what {
            PictureOf::Frame { index, .. } => index / EVERY,
            _ => 0,
        };
        if let [.., before, last] = self.frames.as_slice()
            && stride(before) == stride(last)
        {
            self.frames.pop();
        }
        if self.frames.len() >= FRAMES {
            let mut odd = false;
            self.frames.retain(|_| {
                odd = !odd;
                odd
            });
        }
    }

    pub(super) fn keep(&mut self, picture: Picture) {
        let run = picture.head.run;
        let source = match picture.head.what {
            PictureOf::Kept { index, side } | PictureOf::Missing { index, side } => Source::Kept { run, index, side },
            PictureOf::Layer { index, layer } => Source::Layer { run, index, layer },
            PictureOf::Frame { .. } | PictureOf::Input { .. } => return,
        };
        self.requested.remove(&source);
        if matches!(picture.head.what, PictureOf::Missing { .. }) || !is_whole(&picture) {
            self.missing.insert(source);
            return;
        }
        self.order.retain(|known| *known != source);
        self.order.push(source);
        self.kept.insert(source, picture);
        self.evict();
    }

    fn evict(&mut self) {
        let mut bytes: usize = self.kept.values().map(|picture| picture.rgb.len()).sum();
        while bytes > BYTES && self.order.len() > 1 {
            let gone = self.kept.remove(&self.order.remove(0));
            bytes -= gone.map_or(0, |picture| picture.rgb.len());
        }
    }

    /// Requests for what the screen has room for and is not here.
    pub(super) fn ask(&mut self, sources: Vec<Source>, engine: &Engine) -> Vec<Command> {
        let mut commands = Vec::new();
        for source in sources {
            if self.kept.contains_key(&source) {
                self.order.retain(|known| *known != source);
                self.order.push(source);
                continue;
            }
            let Source::Kept { run, index, side } = source else { continue };
            let up = matches!(engine, Engine::Up { .. });
            if up && self.requested.len() < REQUESTS && !self.missing.contains(&source) && self.requested.insert(source) {
                commands.push(Command::Picture { run, index, side });
            }
        }
        commands
    }
}

fn frame_of(picture: &Picture) -> Option<Source> {
    match picture.head.what {
        PictureOf::Frame { index, .. } => Some(Source::Frame { run: picture.head.run, index }),
        _ => None,
    }
}

/// Whether the pixels are as many as the head says, and any at all.
fn is_whole(picture: &Picture) -> bool {
    let pixels = u64::from(picture.head.width) * u64::from(picture.head.height);
    pixels > 0 && pixels.checked_mul(3) == Some(picture.rgb.len() as u64)
}

impl App {
    pub(super) fn shown(&mut self, source: Source) {
        if self.pictures.owed() == Some(source) {
            self.next_frame();
        }
    }

    pub(super) fn next_frame(&mut self) {
        self.pictures.settle_debt();
        self.effects.push(Effect::Send(Command::NextFrame));
    }
}
