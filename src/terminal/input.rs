//! The one reader of the terminal.

use super::split::{Heard, Splitter};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::termios::isatty;
use std::fs::OpenOptions;
use std::io::{PipeReader, PipeWriter};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// As much as may have been heard and not yet been taken in. Whoever types more waits.
const BACKLOG: usize = 1024;

/// What was heard, and when.
pub type Told = (Instant, Heard);

/// Standard input, or the terminal itself where that is something else.
///
/// # Errors
/// When there is no terminal.
pub fn open() -> Result<OwnedFd> {
    let stdin = rustix::stdio::stdin();
    if isatty(stdin) {
        return Ok(rustix::io::fcntl_dupfd_cloexec(stdin, 3)?);
    }
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    Ok(terminal.context("the workbench needs a terminal; `darkroom run` does without")?.into())
}

/// What is heard; once this is gone, nothing is read any more: what is typed is the shell's.
pub struct Ear {
    /// Ends when the terminal is gone.
    pub heard: Receiver<Told>,
    // Its other end wakes the thread when this one is closed.
    _open: PipeWriter,
}

/// Listens on a thread of its own, so that the time of an answer is the time at which it came.
///
/// # Errors
/// When the system has no thread or file left.
pub fn listen(terminal: OwnedFd) -> Result<Ear> {
    let (told, heard) = channel(BACKLOG);
    let (closed, open) = std::io::pipe()?;
    std::thread::Builder::new().name("input".to_owned()).spawn(move || hear((&terminal, &closed), &told))?;
    Ok(Ear { heard, _open: open })
}

/// Reads until the terminal is gone or nobody listens any more.
fn hear((terminal, closed): (&OwnedFd, &PipeReader), told: &Sender<Told>) {
    let mut splitter = Splitter::default();
    loop {
        let wait = splitter.patience().and_then(|wait| Timespec::try_from(wait).ok());
        let mut ready = [PollFd::new(terminal, PollFlags::IN), PollFd::new(closed, PollFlags::IN)];
        let polled = poll(&mut ready, wait.as_ref());
        if !ready[1].revents().is_empty() {
            return;
        }
        let heard = match polled {
            Ok(0) => Some(splitter.give_up()),
            Ok(_) => take(terminal.as_fd(), &mut splitter),
            Err(Errno::INTR) => Some(Vec::new()),
            Err(_) => None,
        };
        let (Some(heard), now) = (heard, Instant::now()) else { return };
        if heard.into_iter().any(|heard| told.blocking_send((now, heard)).is_err()) {
            return;
        }
    }
}

/// What comes next: nothing within `patience` or what the splitter waits for is an empty list, and the end of the
/// terminal is none.
pub fn read(terminal: BorrowedFd<'_>, splitter: &mut Splitter, patience: Duration) -> Option<Vec<Heard>> {
    let wait = Timespec::try_from(splitter.patience().unwrap_or(patience)).ok();
    match poll(&mut [PollFd::from_borrowed_fd(terminal, PollFlags::IN)], wait.as_ref()) {
        Ok(0) => Some(splitter.give_up()),
        Ok(_) => take(terminal, splitter),
        Err(Errno::INTR) => Some(Vec::new()),
        Err(_) => None,
    }
}

/// Takes what there is.
fn take(terminal: BorrowedFd<'_>, splitter: &mut Splitter) -> Option<Vec<Heard>> {
    let mut bytes = [0; 4096];
    match rustix::io::read(terminal, &mut bytes) {
        Ok(0) => None,
        Ok(count) => Some(splitter.push(&bytes[..count])),
        Err(Errno::INTR | Errno::AGAIN) => Some(Vec::new()),
        Err(_) => None,
    }
}
