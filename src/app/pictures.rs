//! Pixels: the frames of the runs that develop, and kept pictures as far as they were asked for.

use super::{App, Effect, Engine, LARGE};
use crate::link::{Command, Picture, PictureOf};
use crate::recipe::{Layer, Run, RunId};
use std::collections::{HashMap, HashSet};

/// The most bytes of kept pictures that stay in memory.
const BYTES: usize = 48 << 20;
/// The most requests that are under way.
const REQUESTS: usize = 16;
/// The most of them when pictures are asked for that nobody sees yet.
const AHEAD: usize = 4;
/// The most for large pictures that nobody sees any more, while others are asked for: they may have a megabyte each.
const PAST: usize = 3;
/// The most frames of one run that stay, for the strip of steps.
const FRAMES: usize = 24;
/// Every so many steps a frame stays.
const EVERY: u32 = 5;
/// The most runs whose frames stay: who looks from one to the other finds them again.
const REELS: usize = 4;

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
    /// What stands for a run in a list. Of a training it is the last sheet, whose digits would be mush if it were made smaller.
    pub fn thumb(run: &Run, side: u32) -> Source {
        match run.recipe.training() {
            Some(_) => Source::Kept { run: run.id, index: (run.recipe.pictures() as u32).saturating_sub(1), side: LARGE },
            None => Source::Kept { run: run.id, index: 0, side },
        }
    }

    /// Whether it may be a large one.
    fn is_large(self) -> bool {
        matches!(self, Source::Kept { side, .. } if side == LARGE)
    }

    /// Whether it is a picture of this run.
    pub fn is_of(self, id: RunId) -> bool {
        let (Source::Frame { run, .. } | Source::Kept { run, .. } | Source::Layer { run, .. }) = self;
        run == id
    }
}

/// All pixels of a terminal.
#[derive(Default)]
pub struct Pictures {
    /// Frames, the run that has got one last at the end.
    reels: Vec<Reel>,
    kept: HashMap<Source, Kept>,
    /// Counts how often something was wanted.
    clock: u64,
    /// Asked for and not answered.
    requested: HashSet<Source>,
    /// Cannot be read, the engine says.
    missing: HashSet<Source>,
    /// The run of which a frame was asked for that has not come.
    wish: Option<RunId>,
    /// The frame that came last and is not on the screen yet.
    owed: Option<Source>,
}

/// A kept picture, and when it was wanted last.
struct Kept {
    picture: Picture,
    wanted: u64,
}

/// The frames of a run, in the order of its steps.
struct Reel {
    run: RunId,
    frames: Vec<Picture>,
}

impl Pictures {
    /// The pixels, where they are here.
    pub fn get(&self, source: Source) -> Option<&Picture> {
        match source {
            Source::Kept { .. } | Source::Layer { .. } => self.kept.get(&source).map(|kept| &kept.picture),
            Source::Frame { run, .. } => self.frames(run).iter().find(|frame| frame_of(frame) == Some(source)),
        }
    }

    /// The newest frame of a run.
    pub fn newest(&self, run: RunId) -> Option<Source> {
        self.frames(run).last().and_then(frame_of)
    }

    /// The frames of about every fifth step, oldest first, with their timesteps.
    pub fn strip(&self, run: RunId) -> impl Iterator<Item = (Source, u32)> {
        self.frames(run).iter().filter_map(|frame| match frame.head.what {
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

    fn frames(&self, run: RunId) -> &[Picture] {
        self.reels.iter().find(|reel| reel.run == run).map_or(&[], |reel| &reel.frames)
    }

    /// A frame of a run has come, whatever becomes of it.
    pub(super) fn answered(&mut self, run: RunId) {
        self.wish.take_if(|wish| *wish == run);
    }

    /// The run to ask for a frame of now: the one that is seen, once its last frame is on the screen. The last frame of
    /// another need not get there any more.
    fn next_wish(&mut self, live: Option<RunId>) -> Option<RunId> {
        self.owed.take_if(|frame| !live.is_some_and(|run| frame.is_of(run)));
        let run = live.filter(|run| self.owed.is_none() && self.wish != Some(*run))?;
        self.wish = Some(run);
        Some(run)
    }

    pub(super) fn forget_requests(&mut self) {
        self.requested.clear();
        self.missing.clear();
        (self.wish, self.owed) = (None, None);
    }

    pub(super) fn forget_frames(&mut self, run: RunId) {
        self.reels.retain(|reel| reel.run != run);
        self.owed.take_if(|frame| frame.is_of(run));
    }

    /// Takes a frame, unless it is older than what is here.
    pub(super) fn frame(&mut self, picture: Picture) {
        let run = picture.head.run;
        let Some(source) = frame_of(&picture).filter(|_| is_whole(&picture)) else { return };
        if self.newest(run).is_some_and(|newest| source <= newest) {
            return;
        }
        let known = self.reels.iter().position(|reel| reel.run == run).map(|at| self.reels.remove(at));
        let mut reel = known.unwrap_or(Reel { run, frames: Vec::new() });
        reel.drop_between();
        reel.frames.push(picture);
        if self.reels.len() >= REELS {
            self.reels.remove(0);
        }
        self.reels.push(reel);
        self.owed = Some(source);
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
        self.clock += 1;
        self.kept.insert(source, Kept { picture, wanted: self.clock });
        self.evict();
    }

    fn evict(&mut self) {
        let mut bytes: usize = self.kept.values().map(|kept| kept.picture.rgb.len()).sum();
        while bytes > BYTES && self.kept.len() > 1 {
            let Some(last) = self.kept.iter().min_by_key(|(_, kept)| kept.wanted).map(|(source, _)| *source) else { return };
            bytes -= self.kept.remove(&last).map_or(0, |kept| kept.picture.rgb.len());
        }
    }

    /// Requests for what the screen has room for and is not here.
    pub(super) fn ask(&mut self, sources: Vec<Source>, engine: &Engine) -> Vec<Command> {
        self.clock += 1;
        let past = self.requested.iter().filter(|asked| asked.is_large() && !sources.contains(asked)).count();
        let may_come = |source: &Source| !source.is_large() || past <= PAST;
        sources.into_iter().filter(may_come).filter_map(|source| self.request(source, REQUESTS, engine)).collect()
    }

    /// Requests for what the next key may bring onto the screen, once little else is under way.
    pub(super) fn ask_ahead(&mut self, sources: Vec<Source>, engine: &Engine) -> Vec<Command> {
        sources.into_iter().filter_map(|source| self.request(source, AHEAD, engine)).collect()
    }

    fn request(&mut self, source: Source, most: usize, engine: &Engine) -> Option<Command> {
        if let Some(kept) = self.kept.get_mut(&source) {
            kept.wanted = self.clock;
            return None;
        }
        let Source::Kept { run, index, side } = source else { return None };
        let may_ask = matches!(engine, Engine::Up { .. }) && self.requested.len() < most && !self.missing.contains(&source);
        (may_ask && self.requested.insert(source)).then_some(Command::Picture { run, index, side })
    }
}

impl Reel {
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
        self.pictures.owed.take_if(|owed| *owed == source);
        self.ask_for_frame();
    }

    /// Asks for the next frame of the run that is seen. Of a run that nobody sees none is computed.
    pub(super) fn ask_for_frame(&mut self) {
        let wish = self.pictures.next_wish(self.live());
        self.effects.extend(wish.map(|run| Effect::Send(Command::NextFrame { run })));
    }
}
