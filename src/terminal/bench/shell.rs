//! The terminal is somebody else's for a while, or has changed.

use super::{Bench, SETTLED};
use crate::link::Command;
use anyhow::Result;
use std::time::{Duration, Instant};

impl Bench {
    /// How long to wait for answers before others have the terminal: they would be typed into it.
    pub fn patience(&self) -> Duration {
        self.painter.link().patience()
    }

    /// Says to an engine elsewhere that nothing will be heard: it takes those for dead who are silent.
    pub fn falls_silent(&self) {
        if self.app.host.is_some() {
            drop(self.commands.send(Command::Ping { every_ms: 0 }));
        }
    }

    /// Gives the terminal to the shell until it brings us back; false where no shell would.
    pub fn suspend(&mut self) -> Result<bool> {
        self.suspends = false;
        Ok(self.screen.suspend()?)
    }

    /// The terminal is ours again, and may be another one.
    pub fn resume(&mut self) -> Result<()> {
        self.screen.take_again()?;
        self.ask_at = Some(Instant::now());
        self.painter.lose();
        self.anew()
    }

    pub fn resized(&mut self) -> Result<()> {
        // Its characters may be of another size now; there may be more to come.
        self.ask_at = Some(Instant::now() + SETTLED);
        self.anew()
    }

    /// Nobody knows what the terminal shows.
    pub(super) fn anew(&mut self) -> Result<()> {
        self.painter.forget(&mut self.screen.writer)?;
        self.screen.clear()?;
        (self.dirty, self.urgent) = (true, true);
        Ok(())
    }
}
