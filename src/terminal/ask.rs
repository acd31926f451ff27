//! Asking the terminal what it is and can.

use super::answer::Answer;
use super::input;
use super::judge::{About, PACKED, PLAIN, judge};
use super::split::{Heard, Splitter};
use crate::preview::{Graphics, through_tmux};
use anyhow::{Context, Result, bail};
use rustix::fd::AsFd;
use rustix::termios::{self, OptionalActions, Termios};
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use super::judge::{Answers, Between, Facts};

/// What asks whether all that was written before has been read.
pub const STATUS: &[u8] = b"\x1b[5n";
/// How long a terminal may take to answer `darkroom doctor`.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes that show nothing, to measure a link with.
const LOAD: usize = 64 << 10;

/// What a terminal is asked. What stands between is asked first, so that nothing is printed that is not understood.
pub fn question(about: &About) -> Vec<u8> {
    let kitty = format!("\x1b_Gi={PLAIN},s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b_Gi={PACKED},s=1,v=1,a=q,t=d,f=24,o=z;eJxjYGAAAAADAAE=\x1b\\");
    let (name, cell, attributes) = ("\x1b[>0q", "\x1b[16t", "\x1b[c");
    let mut text = match &about.between {
        _ if about.is_plain() => String::new(),
        Between::Tmux { .. } => name.to_owned() + &through_tmux(&(kitty + cell)),
        Between::Screen => name.to_owned(),
        Between::Nothing => kitty + name + cell + attributes,
    }
    .into_bytes();
    text.extend(STATUS);
    text
}

/// What this process's environment says of the terminal, and tmux of itself. Where a protocol is wanted in tmux, it is
/// told to let it pass. Starts tmux, so not for the event loop.
pub fn about(wanted: Option<Graphics>) -> About {
    let mut about = About::of(|name| std::env::var(name).ok());
    if let Between::Tmux { version, passes } = &mut about.between
        && std::env::var_os("TMUX").is_some()
    {
        if wanted.is_some_and(|graphics| graphics != Graphics::HalfBlocks) {
            let _ = tmux(&["set", "-p", "allow-passthrough", "on"]);
        }
        *version = tmux(&["display-message", "-p", "#{version}"]).unwrap_or_default();
        about.client = tmux(&["display-message", "-p", "#{client_tty} #{client_pid}"]).unwrap_or_default();
        // Before 3.3 there was no such option, and everything passed.
        *passes = Some(tmux(&["show-options", "-Apv", "allow-passthrough"]).is_none_or(|value| value == "on" || value == "all"));
    }
    about
}

fn tmux(arguments: &[&str]) -> Option<String> {
    let output = Command::new("tmux").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The size of a character by what the system says of the window; none where it was not told.
pub fn font_of_window() -> Option<(u16, u16)> {
    font_of(rustix::stdio::stdout())
}

fn font_of(terminal: impl AsFd) -> Option<(u16, u16)> {
    let window = termios::tcgetwinsize(terminal).ok()?;
    let font = (window.ws_xpixel.checked_div(window.ws_col)?, window.ws_ypixel.checked_div(window.ws_row)?);
    (font.0 > 0 && font.1 > 0).then_some(font)
}

/// What the terminal is, and how far away.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What it is and can.
    pub facts: Facts,
    /// How long an answer takes; none where none came.
    pub round_trip: Option<Duration>,
    /// Bytes a second that reach it; none where that could not be measured.
    pub speed: Option<f64>,
}

/// Asks the terminal, while no workbench is open, and measures the link to it. Takes as long as the terminal does, and
/// three seconds where it does not answer.
///
/// # Errors
/// When there is no terminal, or it cannot be written.
pub fn facts(wanted: Option<Graphics>) -> Result<Asked> {
    let about = about(wanted);
    let terminal = File::from(input::open().context("there is no terminal to ask")?);
    let quiet = Quiet::new(&terminal)?;
    let mut answers = Answers::default();
    let begun = Instant::now();
    let first = quiet.ask(&question(&about), &mut answers)?;
    let mut spent = None;
    if first.is_some() && !about.is_plain() {
        // What tmux passes on is answered after its own answer.
        quiet.ask(STATUS, &mut answers)?;
        spent = quiet.ask(STATUS, &mut answers)?;
    }
    let mut speed = None;
    if let Some(round_trip) = spent.filter(|_| begun.elapsed() < PATIENCE) {
        let mut load = b"\x1b[m".repeat(LOAD / 3);
        load.extend(STATUS);
        let took = quiet.ask(&load, &mut answers)?;
        speed = took.map(|took| load.len() as f64 / took.saturating_sub(round_trip).as_secs_f64().max(1e-4));
    }
    if answers.font.is_none() {
        // Output may go into a file.
        answers.font = font_of(&terminal);
    }
    Ok(Asked { facts: judge(&answers, &about, wanted), round_trip: spent.or(first), speed })
}

/// The terminal without echo and line editing, as long as this lives.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Quiet<'_> {
    fn new(terminal: &File) -> Result<Quiet<'_>> {
        let before = termios::tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Quiet { terminal, before })
    }

    /// Writes, and listens until the status is answered; how long that took, none where it is not.
    fn ask(&self, text: &[u8], answers: &mut Answers) -> Result<Option<Duration>> {
        let asked = Instant::now();
        let mut terminal = self.terminal;
        terminal.write_all(text)?;
        let mut splitter = Splitter::default();
        while let Some(left) = PATIENCE.checked_sub(asked.elapsed()) {
            let Some(heard) = input::read(self.terminal.as_fd(), &mut splitter, left) else {
                bail!("the terminal is gone");
            };
            for heard in heard {
                // What is typed meanwhile is nobody's.
                let Heard::Answer(answer) = heard else { continue };
                answers.hear(&answer);
                if answer == Answer::Status {
                    return Ok(Some(asked.elapsed()));
                }
            }
        }
        Ok(None)
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
