//! How far a model is on its way into memory, for whoever waits for it: gigabytes take their time.

use super::Place;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How far a model is on its way into memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loading {
    /// What the model is called.
    pub model: String,
    /// What of it is being done.
    pub phase: Phase,
}

/// What is done before a model can make its first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its files are hashed, which names what decides its pictures; once, for those that do not change.
    Files,
    /// The text encoder is loaded: so many of a hundred bytes are here.
    TextEncoder(u8),
    /// It reads the prompts.
    Prompts,
    /// The network is loaded, as far.
    Network(u8),
}

impl fmt::Display for Loading {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "loading {}: {}", self.model, self.phase)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Phase::Files => f.write_str("hashing its files, once"),
            Phase::TextEncoder(percent) => write!(f, "text encoder {percent} %"),
            Phase::Prompts => f.write_str("reading the prompt"),
            Phase::Network(percent) => write!(f, "network {percent} %"),
        }
    }
}

/// What hears how far a model is, and says whether to go on.
pub type OnLoading = Box<dyn FnMut(&Loading) -> ControlFlow<()> + Send>;

/// Whoever waits for models. It hears everything once.
#[derive(Clone, Default)]
pub struct Watcher(Arc<Mutex<Watching>>);

#[derive(Default)]
struct Watching {
    hears: Option<OnLoading>,
    last: Option<Loading>,
    broken_off: bool,
}

impl Watcher {
    /// One that hears all that follows.
    pub fn new(hears: OnLoading) -> Watcher {
        Watcher(Arc::new(Mutex::new(Watching { hears: Some(hears), ..Watching::default() })))
    }

    /// Tells it, unless it knows; whether to go on.
    pub fn tell(&self, loading: Loading) -> ControlFlow<()> {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Watching { hears: Some(hears), last, broken_off } = &mut *watching else { return ControlFlow::Continue(()) };
        if last.as_ref() != Some(&loading) {
            *broken_off |= hears(last.insert(loading)).is_break();
        }
        if *broken_off { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Whether it had the loading broken off since it was asked last.
    pub fn has_broken_off(&self) -> bool {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).broken_off)
    }

    /// Has it hear of a part of a model.
    pub fn of(&self, model: String, phase: fn(u8) -> Phase) -> OnPercent {
        let watcher = self.clone();
        Arc::new(move |percent| watcher.tell(Loading { model: model.clone(), phase: phase(percent) }))
    }
}

/// What hears how many of a hundred bytes of a part are here.
pub type OnPercent = Arc<dyn Fn(u8) -> ControlFlow<()> + Send + Sync>;

/// Where a part of a model is loaded to, and what hears how far that is.
pub struct Site<'a> {
    /// Where it computes.
    pub place: &'a Place,
    /// What hears of it.
    pub on_percent: Option<OnPercent>,
}

impl<'a> From<&'a Place> for Site<'a> {
    fn from(place: &'a Place) -> Site<'a> {
        Site { place, on_percent: None }
    }
}

/// Counts the bytes of a part as they are read.
pub(super) struct Meter {
    read: AtomicU64,
    total: u64,
    on_percent: OnPercent,
}

impl Meter {
    pub fn new(total: u64, on_percent: OnPercent) -> Meter {
        Meter { read: AtomicU64::new(0), total, on_percent }
    }

    /// So many more are read.
    ///
    /// # Errors
    /// When nobody wants the rest.
    pub fn add(&self, bytes: u64) -> candle_core::Result<()> {
        let read = self.read.fetch_add(bytes, Relaxed) + bytes;
        let percent = (100 * read / self.total.max(1)).min(100) as u8;
        match (self.on_percent)(percent) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(candle_core::Error::Msg("the loading was broken off".to_owned())),
        }
    }
}
