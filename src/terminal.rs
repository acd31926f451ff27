//! The event loop of the workbench: what comes in goes to the [`App`], what it wants done is done, and the screen is
//! drawn when it is out of date, at most thirty times a second.

mod drafts;
mod late;
mod probe;
mod tty;

use crate::app::{App, Effect, Input, PLAY_MS, Source, Start};
use crate::here;
use crate::link::{News, Wire};
use crate::preview::{self, Encoded, Encoder, Graphics, Paper, Shelf, Slot};
use crate::theme::{self, Depth, Theme};
use crate::ui::{self, Look};
use crate::words::sentence;
use anyhow::Result;
use crossterm::event::{Event, EventStream, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use late::Late;
use ratatui::layout::{Position, Rect};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The least time between two drawings.
const FRAME: Duration = Duration::from_millis(33);
/// The least time between two drawings where a key waits to be seen: behind a picture it would wait for twice a frame.
const KEY: Duration = Duration::from_millis(5);
/// The most news that are taken in at one go, so that keys never wait long.
const BATCH: usize = 64;
/// How long the last commands may take to go out once the screen is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A picture that takes longer than this to write is too much for the link.
const SLOW: Duration = Duration::from_millis(250);
/// A link that carries so many bytes a second is fast enough: what took long was the machine, which had other work.
const FAST: f64 = 2e6;
/// How often the clock is looked at while something moves, and while nothing does.
const TICK: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(60)];

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
}

/// Runs the workbench until the user leaves or the terminal goes. Needs tokio's current-thread runtime with time and
/// input enabled; the wire's other end must be served by other tasks or threads.
///
/// # Errors
/// When there is no terminal, or it cannot be written.
pub async fn run(wire: Wire, options: Options) -> Result<()> {
    let (ready, mut encoded) = unbounded_channel();
    // Caught before the screen is taken: from there on nothing may end the program without giving it back.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut bench = Bench::open(wire.commands, ready, &options)?;
    // The screen is up before the terminal is asked what it can do: that may take a while, and the engine starts meanwhile.
    bench.draw()?;
    bench.heard(tokio::task::spawn_blocking(move || probe::ask(options.graphics)).await?);
    let mut news = wire.news;
    let mut events = EventStream::new();
    while !bench.left {
        if bench.dirty && bench.drawn.elapsed() >= bench.gap() {
            bench.draw()?;
        }
        let draw = bench.drawn + bench.gap();
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
            _ = interrupt.recv() => break,
            event = events.next() => match event {
                Some(event) => bench.event(event?),
                None => break,
            },
            Some(picture) = encoded.recv() => bench.encoded(picture, &mut encoded),
            Some(first) = news.recv() => bench.news(first, &mut news),
            _ = tokio::time::sleep_until(draw.into()), if bench.dirty => {}
            _ = tokio::time::sleep_until(bench.shown_at().into()), if bench.showing.is_some() => bench.shown(),
            _ = tokio::time::sleep(bench.tick()) => bench.clock(),
        }
    }
    bench.feed(Input::End);
    bench.keep_theme(options.state_dir);
    // With the screen goes the last sender of commands; the news end once those that were sent have gone out.
    drop(bench);
    let _ = tokio::time::timeout(LAST_WORDS, async { while news.recv().await.is_some() {} }).await;
    Ok(())
}

/// The theme that was asked for, or the one of the last time; and what to say where there is none of that name.
fn first_theme(options: &Options, themes: &[Theme]) -> (usize, Option<String>) {
    let kept = options.state_dir.as_ref().and_then(|dir| std::fs::read_to_string(dir.join("theme")).ok());
    let name = options.theme.clone().or(kept.map(|name| name.trim().to_owned()));
    let at = name.and_then(|name| themes.iter().position(|theme| theme.name == name));
    let trouble = options.theme.as_ref().filter(|_| at.is_none()).map(|name| {
        let names: Vec<_> = themes.iter().map(|theme| theme.name.as_str()).collect();
        format!("There is no theme '{}'; there is {}.", name.escape_debug(), names.join(", "))
    });
    (at.unwrap_or(0), trouble)
}

/// The screen and everything on it.
struct Bench {
    app: App,
    screen: tty::Screen,
    commands: UnboundedSender<crate::link::Command>,
    encoder: Encoder,
    shelf: Shelf,
    drafts_dir: Option<PathBuf>,
    themes: Vec<Theme>,
    first_theme: usize,
    depth: Depth,
    note: Option<String>,
    dirty: bool,
    /// A key has made it so.
    urgent: bool,
    left: bool,
    drawn: Instant,
    /// A frame that is on the screen, and when the terminal can take the next.
    showing: Option<(Instant, Source)>,
    /// The source that was on the screen last.
    last: Option<Source>,
    /// The slots whose pictures kitty shows.
    slots: Vec<Slot>,
    /// How many pictures in a row were too much for the link.
    slow: u32,
    late: Late,
}

impl Bench {
    fn open(commands: UnboundedSender<crate::link::Command>, ready: UnboundedSender<Encoded>, options: &Options) -> Result<Bench> {
        let (themes, mut troubles) = theme::load(options.themes_dir.as_deref());
        let (first_theme, trouble) = first_theme(options, &themes);
        troubles.extend(trouble);
        let app = App::new(Start {
            themes: themes.iter().map(|theme| theme.name.clone()).collect(),
            theme: first_theme,
            utc_offset_s: options.utc_offset_s,
            drafts: options.drafts_dir.as_deref().map(drafts::load).unwrap_or_default(),
            notes: options.drafts_dir.as_deref().map(drafts::notes).unwrap_or_default(),
        });
        // The depth is decided here and colours are taken away in one place, so that crossterm must not do it again.
        crossterm::style::force_color_output(true);
        let mut bench = Bench {
            app,
            screen: tty::Screen::take(options.stderr_log.as_deref())?,
            commands,
            // The receiver lives as long as the loop; a picture after its end is nobody's.
            encoder: Encoder::spawn(move |encoded| drop(ready.send(encoded)))?,
            shelf: Shelf::new(Paper::HALF_BLOCKS),
            drafts_dir: options.drafts_dir.clone(),
            themes,
            first_theme,
            depth: Depth::detect(|name| std::env::var(name).ok()),
            note: None,
            dirty: true,
            urgent: false,
            left: false,
            drawn: Instant::now(),
            showing: None,
            last: None,
            slots: Vec::new(),
            slow: 0,
            late: Late::No,
        };
        bench.clock();
        troubles.into_iter().for_each(|text| bench.feed(Input::Note(text)));
        Ok(bench)
    }

    fn heard(&mut self, answer: probe::Answer) {
        if answer.paper.graphics == Graphics::Kitty {
            self.screen.uses_kitty();
        }
        self.late = if answer.late { Late::Perhaps } else { Late::No };
        self.shelf.change(answer.paper);
        self.dirty = true;
        answer.typed.into_iter().for_each(|key| self.feed(Input::Key(key)));
    }

    fn feed(&mut self, input: Input) {
        for effect in self.app.update(input) {
            match effect {
                // A wire whose other end is gone says so itself, by its last news.
                Effect::Send(command) => drop(self.commands.send(here::command(command))),
                Effect::Draft(draft) => self.keep_draft(|dir| drafts::save(dir, &draft)),
                Effect::Note(note) => self.keep_draft(|dir| drafts::save_note(dir, &note)),
                Effect::Redraw => self.dirty = true,
                Effect::Quit => self.left = true,
            }
        }
    }

    fn clock(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.feed(Input::Tick(now.as_millis() as i64));
    }

    fn gap(&self) -> Duration {
        if self.urgent { KEY } else { FRAME }
    }

    fn tick(&self) -> Duration {
        match &self.app.inspector {
            Some(inspector) if inspector.playing => Duration::from_millis(PLAY_MS.unsigned_abs()),
            _ => TICK[usize::from(!self.app.is_moving())],
        }
    }

    fn area(&self) -> Rect {
        self.screen.terminal.size().map(|size| Rect::from((Position::ORIGIN, size))).unwrap_or_default()
    }

    fn event(&mut self, event: Event) {
        self.clock();
        self.urgent |= !matches!(event, Event::Mouse(MouseEvent { kind: MouseEventKind::Moved, .. }));
        match event {
            Event::Key(key) if self.late.takes(key) => {}
            Event::Key(key) => self.feed(Input::Key(key)),
            Event::Paste(text) => self.feed(Input::Paste(text)),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize(..) => {
                // What the terminal does to pictures when its size changes is anybody's guess.
                self.shelf.clear();
                self.dirty = true;
            }
            Event::FocusGained | Event::FocusLost => {}
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        let (area, at) = (self.area(), Position::new(mouse.column, mouse.row));
        let down = mouse.kind == MouseEventKind::ScrollDown;
        if let Some(stroke) = ui::stroke(&self.app, area, mouse) {
            return self.feed(Input::Stroke(stroke));
        }
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(target) = ui::target(&self.app, area, at) {
                    self.feed(Input::Click(target));
                }
            }
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                if let Some(pane) = ui::pane(&self.app, area, at) {
                    self.feed(Input::Wheel { pane, down });
                }
            }
            _ => {}
        }
    }

    /// Takes in news and what waits behind it.
    fn news(&mut self, first: News, news: &mut UnboundedReceiver<News>) {
        self.clock();
        self.feed(Input::News(first));
        for _ in 1..BATCH {
            match news.try_recv() {
                Ok(next) => self.feed(Input::News(next)),
                Err(_) => break,
            }
        }
    }

    fn encoded(&mut self, first: Encoded, more: &mut UnboundedReceiver<Encoded>) {
        self.dirty |= self.shelf.put(first);
        while let Ok(next) = more.try_recv() {
            self.dirty |= self.shelf.put(next);
        }
    }

    fn draw(&mut self) -> Result<()> {
        let began = Instant::now();
        let before = self.screen.written.get();
        let area = self.area();
        let places = ui::places(&self.app, area);
        let room = places.iter().flat_map(|place| place.sources.iter().copied());
        let pictures = self.app.view_needs().into_iter().chain(room).collect();
        self.feed(Input::Room { pictures, help_end: ui::help_end(area) });
        let theme = &self.themes[self.app.theme];
        self.shelf.change(Paper { edge: if self.depth == Depth::Mono { [0; 3] } else { theme.edge() }, ..self.shelf.paper() });
        self.encoder.wish(self.shelf.plan(&places, &self.app.pictures));
        let cover = ui::cover(&self.app, area);
        let drawn = places.iter().filter(|place| self.shelf.get(place.slot, place.area, cover).is_some());
        let kitty = self.shelf.paper().graphics == Graphics::Kitty;
        let slots: Vec<_> = drawn.map(|place| place.slot).filter(|_| kitty).collect();
        let look = Look { theme, depth: self.depth, shelf: &self.shelf, note: self.note.as_deref() };
        let frame = self.screen.synchronized();
        for slot in self.slots.iter().filter(|slot| !slots.contains(slot)) {
            frame.0.terminal.backend_mut().write_all(preview::forget(*slot).as_bytes())?;
        }
        frame.0.terminal.draw(|frame| ui::draw(frame, &self.app, &look))?;
        drop(frame);
        self.slots = slots;
        (self.dirty, self.urgent) = (false, false);
        self.drawn = Instant::now();
        let shown = places
            .iter()
            .find(|place| place.slot == Slot::Preview)
            .filter(|place| self.shelf.get(Slot::Preview, place.area, ui::cover(&self.app, area)).is_some());
        let source = shown.and_then(|_| self.shelf.shown(Slot::Preview).first().copied());
        if source.is_some() && source != self.last {
            let took = self.drawn - began;
            self.showing = source.map(|source| (self.drawn + 4 * took, source));
            self.judge_link(took, self.screen.written.get() - before);
        }
        self.last = source;
        Ok(())
    }

    /// Pictures that hold up the keys give way to coarser ones.
    fn judge_link(&mut self, took: Duration, bytes: u64) {
        let speed = bytes as f64 / took.as_secs_f64();
        self.slow = if took > SLOW && speed < FAST { self.slow + 1 } else { 0 };
        if self.slow >= 2 && self.shelf.paper().graphics != Graphics::HalfBlocks {
            self.note = Some(format!("preview: half-blocks (link {:.0} kB/s)", speed / 1000.0));
            self.shelf.change(Paper { graphics: Graphics::HalfBlocks, ..self.shelf.paper() });
            self.dirty = true;
        }
    }

    fn shown_at(&self) -> Instant {
        self.showing.map_or_else(Instant::now, |(at, _)| at)
    }

    fn shown(&mut self) {
        if let Some((_, source)) = self.showing.take() {
            self.feed(Input::Shown(source));
        }
    }

    fn keep_draft(&mut self, save: impl FnOnce(&Path) -> Result<()>) {
        if let Err(error) = self.drafts_dir.as_deref().map_or(Ok(()), save) {
            self.feed(Input::Unsaved(format!("This draft is only on the screen: {}", sentence(&error))));
        }
    }

    /// Keeps the choice of the theme for the next time. A choice that cannot be kept is no reason to complain on leaving.
    fn keep_theme(&self, state_dir: Option<PathBuf>) {
        if let Some(dir) = state_dir.filter(|_| self.app.theme != self.first_theme) {
            let _ = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(dir.join("theme"), &self.themes[self.app.theme].name));
        }
    }
}
