//! The language between a viewer and an engine, and the wires that carry it.

mod bytes;
pub mod client;
#[cfg(test)]
mod client_tests;
pub mod codec;
mod message;
mod model;
pub mod picture;
pub mod socket;
pub mod start;
mod talk;
#[cfg(test)]
mod tests;

pub use crate::model::{Loading, Phase};
pub use bytes::Bytes;
pub use message::{Command, Event, POINTS, PROTOCOL, Turn};
pub use model::{Doing, Home, Model, PullEnd, Pulling};
pub use picture::{CHUNK, Picture, PictureHead, PictureOf};
pub use talk::over;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// What a viewer hears: the engine's events with the pictures put together, and the state of the link itself.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A fact. Never `Picture` or `Chunk`.
    Event(Event),
    /// A whole picture.
    Picture(Picture),
    /// The engine is gone, and why, in one sentence; a new one is being started.
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
}
