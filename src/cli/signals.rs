//! What the system says to a process that trains: it ends between two steps, and keeps what it has.

use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::thread;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Hears the first interrupt or termination, as long as it lives. A second one ends the process at once.
pub struct Signals {
    heard: Arc<AtomicI32>,
    /// Dropped, it ends the thread that listens.
    _open: oneshot::Sender<()>,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system gives no thread, or no signals.
    pub fn listen() -> Result<Signals> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        let (mut interrupts, mut terminations) = {
            let _inside = runtime.enter();
            (signal(interrupt)?, signal(terminate)?)
        };
        let (open, mut closed) = oneshot::channel();
        let heard = Arc::new(AtomicI32::new(0));
        let note = heard.clone();
        let listen = async move {
            loop {
                let kind = tokio::select! {
                    _ = interrupts.recv() => interrupt,
                    _ = terminations.recv() => terminate,
                    _ = &mut closed => return,
                };
                if note.swap(kind.as_raw_value(), Relaxed) != 0 {
                    std::process::exit(128 + kind.as_raw_value());
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(listen))?;
        Ok(Signals { heard, _open: open })
    }

    /// The number of the signal that was heard.
    pub fn heard(&self) -> Option<i32> {
        Some(self.heard.load(Relaxed)).filter(|number| *number != 0)
    }
}
