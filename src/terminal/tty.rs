//! The terminal's modes: taken for the screen, and given back however the program ends.

use anyhow::{Context, Result};
use crossterm::{
    cursor, event, execute, queue,
    terminal::{self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen},
};
use ratatui::{Terminal, backend::CrosstermBackend};
use rustix::fd::OwnedFd;
use std::cell::Cell;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Once};

/// The screen is up. Only one can be, and a panic must be able to take it down.
static UP: AtomicBool = AtomicBool::new(false);
/// Pictures were sent by kitty's protocol and are in its memory.
static KITTY: AtomicBool = AtomicBool::new(false);

/// The screen, as long as this lives.
pub struct Screen {
    /// What is drawn on.
    pub terminal: Terminal<CrosstermBackend<Counted>>,
    /// Bytes written so far.
    pub written: Rc<Cell<u64>>,
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
        let written = Rc::new(Cell::new(0));
        let writer = Counted { inner: BufWriter::with_capacity(1 << 16, io::stdout()), count: written.clone() };
        let terminal = Terminal::new(CrosstermBackend::new(writer)).inspect_err(|_| give_back(None))?;
        let mut screen = Screen { terminal, written, stderr: None };
        screen.stderr = stderr_log.map(redirect).transpose()?.map(Arc::new);
        restore_on_panic(screen.stderr.clone());
        execute!(io::stdout(), EnterAlternateScreen, event::EnableMouseCapture, event::EnableBracketedPaste, cursor::Hide)?;
        Ok(screen)
    }

    /// Notes that kitty has to forget our pictures in the end.
    pub fn uses_kitty(&self) {
        KITTY.store(true, SeqCst);
    }

    /// Brackets what is drawn, so that the terminal shows it at once.
    pub fn synchronized(&mut self) -> Synchronized<'_> {
        // A terminal that is gone is noticed by the drawing itself.
        let _ = queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate);
        Synchronized(self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(self.stderr.as_deref());
    }
}

/// A frame that ends when this is dropped.
pub struct Synchronized<'a>(pub &'a mut Screen);

impl Drop for Synchronized<'_> {
    fn drop(&mut self) {
        let _ = execute!(self.0.terminal.backend_mut(), EndSynchronizedUpdate);
    }
}

/// Standard output with a count of the bytes.
pub struct Counted {
    inner: BufWriter<Stdout>,
    count: Rc<Cell<u64>>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count.set(self.count.get() + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Puts a file in the place of standard error, and returns the real one.
fn redirect(log: &Path) -> Result<OwnedFd> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
    let file = file.with_context(|| format!("the log {} cannot be written", log.display()))?;
    let real = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3)?;
    rustix::stdio::dup2_stderr(&file)?;
    Ok(real)
}

/// Gives the terminal back, once. Nothing here may fail half-way: each step is tried.
fn give_back(stderr: Option<&OwnedFd>) {
    if !UP.swap(false, SeqCst) {
        return;
    }
    let mut stdout = io::stdout();
    if KITTY.swap(false, SeqCst) {
        let _ = stdout.write_all(b"\x1b_Ga=d,d=A\x1b\\");
    }
    let _ = execute!(stdout, EndSynchronizedUpdate, event::DisableBracketedPaste, event::DisableMouseCapture);
    let _ = execute!(stdout, LeaveAlternateScreen, cursor::Show);
    let _ = terminal::disable_raw_mode();
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
