//! The terminal's modes: taken for the screen, and given back however the program ends.

use crate::preview::forget_all;
use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crossterm::{
    cursor, event, execute, queue,
    terminal::{self, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use nix::unistd;
use rustix::fd::OwnedFd;
use rustix::process::{self, Signal};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Once};

/// The screen is up. Only one can be, and a panic must be able to take it down.
static UP: AtomicBool = AtomicBool::new(false);
/// Pictures were sent by kitty's protocol and are in its memory: to the terminal itself, and through tmux.
static KITTY: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// The screen, as long as this lives.
pub struct Screen {
    /// What is written to it.
    pub writer: BufWriter<Stdout>,
    // The real standard error, while a file has its place.
    stderr: Option<Arc<OwnedFd>>,
}

impl Screen {
    /// Takes the terminal. While it is taken, what anybody writes to standard error goes to the end of `stderr_log`.
    ///
    /// # Errors
    /// When standard output is no terminal.
    pub fn take(stderr_log: Option<&Path>) -> Result<Screen> {
        terminal::enable_raw_mode().context("the workbench needs a terminal; `darkroom run` does without")?;
        UP.store(true, SeqCst);
        // From here on dropping the screen gives everything back.
        let mut screen = Screen { writer: BufWriter::with_capacity(1 << 16, io::stdout()), stderr: None };
        screen.stderr = stderr_log.map(redirect).transpose()?.map(Arc::new);
        restore_on_panic(screen.stderr.clone());
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        queue!(self.writer, EnterAlternateScreen, event::EnableMouseCapture, event::EnableBracketedPaste, event::EnableFocusChange)?;
        queue!(self.writer, cursor::Hide, Clear(ClearType::All))?;
        self.writer.flush()
    }

    /// Takes the terminal again after others had it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn take_again(&mut self) -> io::Result<()> {
        // Somebody may have stopped us from outside, and the shell changed the modes: crossterm believes they still are
        // as it left them, and would do nothing.
        terminal::disable_raw_mode()?;
        terminal::enable_raw_mode()?;
        UP.store(true, SeqCst);
        self.enter()
    }

    /// Gives the terminal to the shell until it brings the program back; then it is to be taken again. Does nothing where
    /// no shell would, and says so.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn suspend(&mut self) -> io::Result<bool> {
        if !has_shell() {
            return Ok(false);
        }
        leave();
        // Other than SIGTSTP this one cannot be caught, as that was to get here.
        process::kill_process(process::getpid(), Signal::STOP)?;
        Ok(true)
    }

    /// Puts a text into the clipboard, where the terminal takes it (OSC 52).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        write!(self.writer, "\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text))?;
        self.writer.flush()
    }

    /// Erases all of it: nobody knows what is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        queue!(self.writer, Clear(ClearType::All))
    }

    /// Notes that kitty has to forget our pictures in the end.
    pub fn uses_kitty(&self, tmux: bool) {
        KITTY[usize::from(tmux)].store(true, SeqCst);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(self.stderr.as_deref());
    }
}

/// Whether a shell minds this process and would bring it back. A terminal's only process would stop for ever.
fn has_shell() -> bool {
    // Not rustix: a session or group of another pid namespace (a container's) is 0, which its `Pid` cannot be.
    let shell = unistd::getppid();
    let same_session = unistd::getsid(None).ok() == unistd::getsid(Some(shell)).ok();
    let job_of_its_own = unistd::getpgid(None).ok() != unistd::getpgid(Some(shell)).ok();
    same_session && job_of_its_own
}

/// Puts a file in the place of standard error, and returns the real one.
fn redirect(log: &Path) -> Result<OwnedFd> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
    let file = file.with_context(|| format!("the log {} cannot be written", log.display()))?;
    let real = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
    rustix::stdio::dup2_stderr(&file)?;
    Ok(real)
}

/// Leaves the screen. Nothing here may fail half-way: each step is tried.
fn leave() {
    let mut stdout = io::stdout();
    for tmux in [false, true] {
        if KITTY[usize::from(tmux)].load(SeqCst) {
            let _ = stdout.write_all(forget_all(tmux).as_bytes());
        }
    }
    let _ = execute!(stdout, EndSynchronizedUpdate, event::DisableFocusChange, event::DisableBracketedPaste, event::DisableMouseCapture);
    let _ = execute!(stdout, LeaveAlternateScreen, cursor::Show);
    let _ = terminal::disable_raw_mode();
}

/// Gives the terminal back, once.
fn give_back(stderr: Option<&OwnedFd>) {
    if !UP.swap(false, SeqCst) {
        return;
    }
    leave();
    if let Some(real) = stderr {
        let _ = rustix::stdio::dup2_stderr(real);
    }
}

/// A panic of the thread that draws is told on a terminal that can be read. Other threads' panics do not end the
/// program and go to the log.
fn restore_on_panic(stderr: Option<Arc<OwnedFd>>) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        let drawing = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == drawing {
                give_back(stderr.as_deref());
            }
            before(panic);
        }));
    });
}
