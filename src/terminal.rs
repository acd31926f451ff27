//! The event loop of the workbench: what comes in goes to the `App`, what it wants done is done, and the screen is
//! drawn when it is out of date, at most thirty times a second.

mod answer;
pub mod ask;
mod bench;
mod canvas;
mod choice;
mod drafts;
mod input;
mod judge;
mod link;
mod page;
mod paint;
mod probe;
mod split;
mod tty;
mod wall;

use crate::app::Input;
use crate::link::{News, Wire};
use crate::preview::{Encoded, Graphics};
use anyhow::Result;
use bench::Bench;
use input::Ear;
use split::Heard;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long the last commands may take to go out once the screen is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How the workbench is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How pictures are shown; asked of the terminal where it is not said.
    pub graphics: Option<Graphics>,
    /// The theme to begin with; otherwise the one that was shown last.
    pub theme: Option<String>,
    /// Where the user's themes are.
    pub themes_dir: Option<PathBuf>,
    /// Where the choice of the theme is kept.
    pub state_dir: Option<PathBuf>,
    /// Where unfinished drawings and notes are kept.
    pub drafts_dir: Option<PathBuf>,
    /// Takes what is written to standard error while the screen is up.
    pub stderr_log: Option<PathBuf>,
    /// Seconds that the local clock is ahead of UTC.
    pub utc_offset_s: i32,
    /// The machine that the engine is on, where it is not this one.
    pub host: Option<String>,
    /// Whether this terminal changes nothing.
    pub watches: bool,
}

/// The workbench was ended from outside.
#[derive(Debug, thiserror::Error)]
#[error("ended by signal {signal}")]
pub struct Ended {
    /// By which signal; a terminal that is gone counts as SIGHUP.
    pub signal: i32,
}

/// Runs the workbench until the user leaves or the terminal goes. Needs tokio's current-thread runtime with time and
/// input enabled; the wire's other end must be served by other tasks or threads.
///
/// # Errors
/// When there is no terminal; [`Ended`] when it is gone, or a signal said to end.
pub async fn run(wire: Wire, options: Options) -> Result<()> {
    let (ready, encoded) = unbounded_channel();
    // Caught before the screen is taken: from there on nothing may end the program without giving it back.
    let endings = Endings::catch()?;
    let mut bench = Bench::open((wire.commands, wire.wake), ready, &options)?;
    let mut news = wire.news;
    let ear = input::listen(input::open()?)?;
    let ended = live(&mut bench, Wires { endings, ear, news: &mut news, encoded }).await;
    bench.feed(Input::End);
    bench.keep_theme(options.state_dir);
    // With the screen goes the last sender of commands; the news end once those that were sent have gone out.
    drop(bench);
    let _ = tokio::time::timeout(LAST_WORDS, async { while news.recv().await.is_some() {} }).await;
    // What a terminal that is gone says to those who write to it is no news.
    let gone = |error: &io::Error| matches!(error.raw_os_error(), Some(EIO | ENXIO)) || error.kind() == io::ErrorKind::BrokenPipe;
    match ended {
        Err(error) if error.downcast_ref().is_some_and(gone) => Err(Ended { signal: HANGUP }.into()),
        ended => ended,
    }
}

/// Errors of a terminal that is gone, and the signal of one, as Linux and macOS number them.
const EIO: i32 = 5;
const ENXIO: i32 = 6;
const HANGUP: i32 = 1;

/// The signals that end the program.
struct Endings([(i32, Signal); 3]);

impl Endings {
    fn catch() -> io::Result<Endings> {
        let caught = |kind: SignalKind| Ok::<_, io::Error>((kind.as_raw_value(), signal(kind)?));
        Ok(Endings([caught(SignalKind::terminate())?, caught(SignalKind::hangup())?, caught(SignalKind::interrupt())?]))
    }

    /// The next of them.
    async fn next(&mut self) -> Ended {
        let Endings([(first, one), (second, two), (third, three)]) = self;
        tokio::select! {
            _ = one.recv() => Ended { signal: *first },
            _ = two.recv() => Ended { signal: *second },
            _ = three.recv() => Ended { signal: *third },
        }
    }
}

/// What comes in from elsewhere.
struct Wires<'a> {
    endings: Endings,
    ear: Ear,
    news: &'a mut UnboundedReceiver<News>,
    encoded: UnboundedReceiver<Encoded>,
}

/// From the first screen to the last.
async fn live(bench: &mut Bench, mut wires: Wires<'_>) -> Result<()> {
    let ended = turns(bench, &mut wires).await;
    if !ended.as_ref().is_err_and(|error| error.downcast_ref().is_some_and(|ended: &Ended| ended.signal == HANGUP)) {
        settle(bench, &mut wires.ear).await;
    }
    ended
}

/// The loop: whatever happens first.
async fn turns(bench: &mut Bench, wires: &mut Wires<'_>) -> Result<()> {
    let caught = |which: rustix::process::Signal| signal(SignalKind::from_raw(which.as_raw()));
    let (mut stopped, mut resumed) = (caught(rustix::process::Signal::TSTP)?, caught(rustix::process::Signal::CONT)?);
    let mut resized = signal(SignalKind::window_change())?;
    let (looked, mut about) = unbounded_channel();
    bench.begin()?;
    while !bench.left {
        if bench.suspends {
            bench.falls_silent();
            settle(bench, &mut wires.ear).await;
            // So that the wire's task comes to say it.
            tokio::task::yield_now().await;
            if bench.suspend()? {
                resumed.recv().await;
                bench.resume()?;
            }
        }
        bench.show()?;
        if bench.ask_at.take_if(|at| *at <= Instant::now()).is_some() {
            let (looked, wanted) = (looked.clone(), bench.wanted);
            // Asks tmux, where there is one.
            tokio::task::spawn_blocking(move || looked.send(ask::about(wanted)));
        }
        tokio::select! {
            biased;
            ended = wires.endings.next() => return Err(ended.into()),
            _ = stopped.recv() => bench.suspends = true,
            _ = resumed.recv() => bench.resume()?,
            _ = resized.recv() => bench.resized()?,
            told = wires.ear.heard.recv() => match told {
                Some((_, Heard::Event(event))) => bench.event(event)?,
                Some((at, Heard::Answer(answer))) => bench.answered(&answer, at),
                None => return Err(Ended { signal: HANGUP }.into()),
            },
            Some(about) = about.recv() => bench.ask(about)?,
            Some(picture) = wires.encoded.recv() => bench.encoded(picture, &mut wires.encoded),
            Some(first) = wires.news.recv() => bench.news(first, wires.news),
            _ = tokio::time::sleep_until(bench.wakes().into()) => bench.woken(),
        }
    }
    Ok(())
}

/// Waits for the answers that are under way: whoever has the terminal next would take them for keys.
async fn settle(bench: &mut Bench, ear: &mut Ear) {
    let end = tokio::time::Instant::now() + bench.patience();
    while !bench.patience().is_zero() {
        match tokio::time::timeout_at(end, ear.heard.recv()).await {
            Ok(Some((at, Heard::Answer(answer)))) => bench.answered(&answer, at),
            Ok(Some((_, Heard::Event(_)))) => {}
            Ok(None) | Err(_) => return,
        }
    }
}
