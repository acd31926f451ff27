//! The one reader of the terminal.

use super::split::{Heard, Splitter};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::termios::isatty;
use std::fs::OpenOptions;
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

/// Listens on a thread of its own, so that the time of an answer is the time at which it came. The channel ends when the
/// terminal is gone.
///
/// # Errors
/// When the system has no thread left.
pub fn listen(terminal: OwnedFd) -> Result<Receiver<Told>> {
    let (told, heard) = channel(BACKLOG);
    std::thread::Builder::new().name("input".to_owned()).spawn(move || hear(&terminal, &told))?;
    Ok(heard)
}

/// Reads until the terminal is gone or nobody listens any more.
fn hear(terminal: &OwnedFd, told: &Sender<Told>) {
    let mut splitter = Splitter::default();
    loop {
        let Some(heard) = read(terminal.as_fd(), &mut splitter, None) else { return };
        let now = Instant::now();
        if heard.into_iter().any(|heard| told.blocking_send((now, heard)).is_err()) {
            return;
        }
    }
}

/// What comes next: nothing within `patience` or what the splitter waits for is an empty list, and the end of the
/// terminal is none.
pub fn read(terminal: BorrowedFd<'_>, splitter: &mut Splitter, patience: Option<Duration>) -> Option<Vec<Heard>> {
    let wait = splitter.patience().or(patience).and_then(|wait| Timespec::try_from(wait).ok());
    let mut ready = [PollFd::from_borrowed_fd(terminal, PollFlags::IN)];
    let mut bytes = [0; 4096];
    match poll(&mut ready, wait.as_ref()) {
        Ok(0) => return Some(splitter.give_up()),
        Err(Errno::INTR) => return Some(Vec::new()),
        Err(_) => return None,
        Ok(_) => {}
    }
    match rustix::io::read(terminal, &mut bytes) {
        Ok(0) => None,
        Ok(count) => Some(splitter.push(&bytes[..count])),
        Err(Errno::INTR | Errno::AGAIN) => Some(Vec::new()),
        Err(_) => None,
    }
}
