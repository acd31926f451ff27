//! The language between a viewer and an engine, and the wires that carry it.

mod bytes;
pub mod client;
#[cfg(test)]
mod client_tests;
pub mod codec;
mod event;
mod message;
mod model;
mod outgoing;
mod patience;
pub mod picture;
pub mod remote;
pub mod socket;
pub mod start;
mod talk;
#[cfg(test)]
mod tests;
mod way;

pub use crate::model::{Loading, Phase};
pub use bytes::Bytes;
pub use event::{Event, POINTS};
pub use message::{Command, PROTOCOL, Turn};
pub use model::{Doing, Home, Model, PullEnd, Pulling};
pub use outgoing::Outgoing;
pub use picture::{CHUNK, Picture, PictureHead, PictureOf};
pub use talk::{MUTE, over};

use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a viewer hears: the engine's events with the pictures put together, and the state of the link itself.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A fact. Never `Picture` or `Chunk`.
    Event(Event),
    /// A whole picture.
    Picture(Picture),
    /// The engine is gone, or the way to it, and why, in one sentence; a new one is being started, or the way tried again.
    Lost {
        /// One sentence for a person.
        reason: String,
    },
    /// There is no engine and none could be started; the viewer may ask again by sending any command.
    NoEngine {
        /// One sentence for a person.
        reason: String,
    },
}

/// A viewer's end of the link. Dropping it leaves the engine alone.
pub struct Wire {
    /// To the engine.
    pub commands: UnboundedSender<Command>,
    /// From the engine.
    pub news: UnboundedReceiver<News>,
    /// Somebody is there: where the connection is lost, it is tried again at once.
    pub wake: Arc<Notify>,
    /// What was asked for and may not have reached an engine.
    pub outgoing: Arc<Outgoing>,
}

impl Wire {
    /// A wire, and its other ends.
    pub(crate) fn new() -> (Wire, UnboundedReceiver<Command>, UnboundedSender<News>) {
        let (commands, to_send) = unbounded_channel();
        let (tell, news) = unbounded_channel();
        (Wire { commands, news, wake: Arc::default(), outgoing: Arc::default() }, to_send, tell)
    }
}
