//! The screen, and everything on it.

mod mouse;
mod shell;

use super::answer::Answer;
use super::judge::About;
use super::page::Page;
use super::paint::{Mark, Painter};
use super::probe::Probe;
use super::wall::Spot;
use super::{Options, ask, choice, drafts, tty};
use crate::app::{App, Effect, Input, PLAY_MS, Source, Start};
use crate::here;
use crate::link::{Command, News};
use crate::preview::{Encoded, Encoder, Graphics, Limit, Paper, Place, Shelf, Slot};
use crate::theme::{self, Depth, Theme};
use crate::ui::{self, Look};
use crate::words::sentence;
use anyhow::Result;
use crossterm::event::{Event, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::layout::{Position, Rect};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// The least time between two drawings.
const FRAME: Duration = Duration::from_millis(33);
/// The least time between two drawings where a key waits to be seen: behind a picture it would wait for twice a frame.
const KEY: Duration = Duration::from_millis(5);
/// The most news that are taken in at one go, so that keys never wait long.
const BATCH: usize = 64;
/// A picture that takes longer than this to write is too much for a terminal that never answers.
const SLOW: Duration = Duration::from_millis(250);
/// A picture that no other has followed for so long stands still, and is shown as well as it can be.
const STILL: Duration = Duration::from_millis(700);
/// How often the clock is looked at while something moves, and while nothing does.
const TICK: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(60)];
/// A window that was resized, or looked at again, is asked what it is once it has been left alone for so long.
const SETTLED: Duration = Duration::from_millis(300);

/// The screen and everything on it.
pub struct Bench {
    app: App,
    screen: tty::Screen,
    page: Terminal<Page>,
    painter: Painter,
    probe: Probe,
    commands: UnboundedSender<Command>,
    wake: Arc<Notify>,
    encoder: Encoder,
    shelf: Shelf,
    drafts_dir: Option<PathBuf>,
    themes: Vec<Theme>,
    first_theme: usize,
    depth: Depth,
    pub wanted: Option<Graphics>,
    dirty: bool,
    /// A key has made it so.
    urgent: bool,
    pub left: bool,
    /// The shell is to have the terminal.
    pub suspends: bool,
    /// The terminal did not say in time what it is.
    unheard: bool,
    /// When the screen was last laid out.
    drawn: Instant,
    /// When the clock is to be looked at.
    clock_at: Instant,
    /// When to look what the terminal is: it may be another one.
    pub ask_at: Option<Instant>,
    /// The picture on the screen, since when, and whether it stands still.
    picture: (Option<Source>, Instant, bool),
    /// A picture on a terminal that never answers, and when it can take the next.
    guessed: Option<(Instant, Source)>,
    /// How many pictures in a row were too much for such a one.
    slow: u32,
}

impl Bench {
    pub fn open(
        (commands, wake): (UnboundedSender<Command>, Arc<Notify>),
        ready: UnboundedSender<Encoded>,
        options: &Options,
    ) -> Result<Bench> {
        let (themes, mut troubles) = theme::load(options.themes_dir.as_deref());
        let (first_theme, trouble) = choice::first(options, &themes);
        troubles.extend(trouble);
        let app = App::new(Start {
            themes: themes.iter().map(|theme| theme.name.clone()).collect(),
            theme: first_theme,
            utc_offset_s: options.utc_offset_s,
            drafts: options.drafts_dir.as_deref().map(drafts::load).unwrap_or_default(),
            notes: options.drafts_dir.as_deref().map(drafts::notes).unwrap_or_default(),
            host: options.host.clone(),
            watches: options.watches,
        });
        // The depth is decided here and colours are taken away in one place, so that crossterm must not do it again.
        crossterm::style::force_color_output(true);
        let now = Instant::now();
        let mut bench = Bench {
            app,
            screen: tty::Screen::take(options.stderr_log.as_deref())?,
            page: Terminal::new(Page::default())?,
            painter: Painter::default(),
            probe: Probe::new(options.graphics),
            commands,
            wake,
            // The receiver lives as long as the loop; a picture after its end is nobody's.
            encoder: Encoder::spawn(move |encoded| drop(ready.send(encoded)))?,
            shelf: Shelf::new(Paper::HALF_BLOCKS),
            drafts_dir: options.drafts_dir.clone(),
            themes,
            first_theme,
            depth: Depth::detect(|name| std::env::var(name).ok()),
            wanted: options.graphics,
            dirty: true,
            urgent: true,
            left: false,
            suspends: false,
            unheard: false,
            drawn: now,
            clock_at: now,
            ask_at: Some(now),
            picture: (None, now, false),
            guessed: None,
            slow: 0,
        };
        bench.clock();
        troubles.into_iter().for_each(|text| bench.feed(Input::Note(text)));
        Ok(bench)
    }

    /// The first question tells the round trip, and with it the first screen tells the speed.
    pub fn begin(&mut self) -> Result<()> {
        self.painter.ask(&mut self.screen.writer, (ask::STATUS, Instant::now()), Mark::Nothing)?;
        self.lay_out()
    }

    pub fn feed(&mut self, input: Input) {
        for effect in self.app.update(input) {
            match effect {
                // A wire whose other end is gone says so itself, by its last news.
                Effect::Send(command) => drop(self.commands.send(self.named(command))),
                Effect::Draft(draft) => self.keep_draft(|dir| drafts::save(dir, &draft)),
                Effect::Note(note) => self.keep_draft(|dir| drafts::save_note(dir, &note)),
                Effect::Redraw => self.dirty = true,
                // A terminal that cannot be written shows that soon enough.
                Effect::Copy(text) => drop(self.screen.copy(&text)),
                Effect::Suspend => self.suspends = true,
                Effect::Quit => self.left = true,
            }
        }
    }

    /// A command with the names of files as its engine knows them.
    fn named(&self, command: Command) -> Command {
        if self.app.host.is_some() { here::command_there(command) } else { here::command(command) }
    }

    fn clock(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.feed(Input::Tick(now.as_millis() as i64));
        self.clock_at = Instant::now() + self.tick();
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

    /// When there is something to do though nothing happens.
    pub fn wakes(&self) -> Instant {
        let drawing = self.dirty.then(|| self.drawn + self.gap());
        let still = (self.shelf.is_coarse() && !self.picture.2).then(|| self.picture.1 + STILL);
        let guessed = self.guessed.map(|(at, _)| at);
        [drawing, still, guessed, self.ask_at, self.painter.wakes(Instant::now())].into_iter().flatten().fold(self.clock_at, Instant::min)
    }

    pub fn woken(&mut self) {
        let now = Instant::now();
        if self.clock_at <= now {
            self.clock();
        }
        if let Some((_, source)) = self.guessed.take_if(|(at, _)| *at <= now) {
            self.feed(Input::Shown(source));
        }
        if !self.picture.2 && self.shelf.is_coarse() && self.picture.1 + STILL <= now {
            // While it is still on its way it does not stand.
            self.picture.2 = self.painter.is_done();
            self.picture.1 = now;
            self.dirty |= self.picture.2;
        }
        for mark in self.painter.look(now) {
            match mark {
                Mark::Whole(source) => self.feed(Input::Shown(source)),
                Mark::Asked => self.unheard = true,
                Mark::Nothing => {}
            }
        }
    }

    fn area(&self) -> Rect {
        self.page.size().map(|size| Rect::from((Position::ORIGIN, size))).unwrap_or_default()
    }

    pub fn event(&mut self, event: Event) -> Result<()> {
        if self.dirty && !self.urgent {
            // What is different after this is the key's doing, and goes first.
            self.lay_out()?;
        }
        self.clock();
        self.urgent |=
            !matches!(event, Event::Mouse(MouseEvent { kind: MouseEventKind::Moved, .. }) | Event::FocusLost | Event::FocusGained);
        matches!(event, Event::Key(_) | Event::Paste(_)).then(|| self.wake.notify_waiters());
        match event {
            Event::Key(key) => self.feed(Input::Key(key)),
            Event::Paste(text) => self.feed(Input::Paste(text)),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::FocusGained => self.ask_at = Some(Instant::now() + SETTLED),
            Event::Resize(..) | Event::FocusLost => {}
        }
        Ok(())
    }

    pub fn ask(&mut self, about: About) -> Result<()> {
        if self.probe.is_another(&about) {
            self.anew()?;
        }
        let question = self.probe.ask(about);
        self.painter.ask_what(&mut self.screen.writer, (&question, Instant::now()))?;
        self.judge();
        Ok(())
    }

    pub fn answered(&mut self, answer: &Answer, at: Instant) {
        match answer {
            Answer::Status => {
                if std::mem::take(&mut self.unheard) {
                    self.ask_at = Some(Instant::now());
                }
                match self.painter.answered(at) {
                    Mark::Whole(source) => {
                        self.feed(Input::Shown(source));
                        // The next may have waited for it.
                        self.dirty = true;
                    }
                    Mark::Asked => self.probe.hear(answer),
                    Mark::Nothing => {}
                }
            }
            answer => self.probe.hear(answer),
        }
        if let Some(speed) = self.painter.link().speed() {
            self.probe.speed(speed);
        }
        self.judge();
    }

    fn judge(&mut self) {
        let paper = self.probe.paper(self.shelf.paper());
        if paper.graphics == Graphics::Kitty {
            self.screen.uses_kitty(paper.tmux);
        }
        self.dirty |= paper != self.shelf.paper();
        self.painter.wall.tmux = paper.tmux;
        self.shelf.change(paper);
    }

    /// Takes in news and what waits behind it.
    pub fn news(&mut self, first: News, news: &mut UnboundedReceiver<News>) {
        self.clock();
        self.feed(Input::News(first));
        for _ in 1..BATCH {
            match news.try_recv() {
                Ok(next) => self.feed(Input::News(next)),
                Err(_) => break,
            }
        }
    }

    pub fn encoded(&mut self, first: Encoded, more: &mut UnboundedReceiver<Encoded>) {
        let mut next = Some(first);
        while let Some(encoded) = next {
            let too_much = encoded.is_too_much();
            if self.shelf.put(encoded) {
                self.dirty = true;
                self.probe.weigh(too_much, self.painter.link().speed());
            }
            next = more.try_recv().ok();
        }
        self.judge();
    }

    /// Brings the screen up to date, as far as it is time and the link has room.
    pub fn show(&mut self) -> Result<()> {
        if self.dirty && self.drawn.elapsed() >= self.gap() {
            self.lay_out()?;
        }
        let began = Instant::now();
        let painted = self.painter.paint(&mut self.screen.writer, began)?;
        let took = began.elapsed();
        if let Some(source) = painted.unasked {
            self.guessed = Some((Instant::now() + 4 * took, source));
            self.judge_mute(took, painted.bytes);
        }
        Ok(())
    }

    /// What the screen should be.
    fn lay_out(&mut self) -> Result<()> {
        let area = self.area();
        self.feed(Input::Fits(ui::fits(&self.app, area)));
        let places = ui::places(&self.app, area);
        let room = places.iter().flat_map(|place| place.sources.iter().copied());
        let pictures = self.app.view_needs().into_iter().chain(room).collect();
        self.feed(Input::Room { pictures, help_end: ui::help_end(area) });
        let theme = &self.themes[self.app.theme];
        self.shelf.change(Paper { edge: if self.depth == Depth::Mono { [0; 3] } else { theme.edge() }, ..self.shelf.paper() });
        let limit = self.painter.limit();
        self.shelf.limit(if self.picture.2 { Limit { picture: usize::MAX, ..limit } } else { limit });
        self.encoder.wish(self.shelf.plan(&places, &self.app.pictures));
        let cover = ui::cover(&self.app, area);
        let note = self.probe.note();
        let look = Look { theme, depth: self.depth, shelf: &self.shelf, note: note.as_deref() };
        let mut buffer = self.page.draw(|frame| ui::draw(frame, &self.app, &look))?.buffer.clone();
        let spot = |place: &Place| {
            let print = self.shelf.get(place.slot, place.area, cover)?;
            Some(Spot { slot: place.slot, area: print.within(place.area), print: print.clone() })
        };
        let mut spots: Vec<_> = places.iter().filter_map(spot).collect();
        let large = spots.iter_mut().find(|spot| spot.slot == Slot::Preview);
        let mut source = self.shelf.shown(Slot::Preview).first().copied().filter(|_| large.is_some());
        if let Some(large) = large
            && let Some(begun) = self.painter.unfinished().filter(|begun| begun.area == large.area && !self.picture.2)
        {
            // It is brought to its end before the next begins: where pictures come faster than the link carries them, none
            // would ever be whole.
            begun.print.stay(&large.print, begun.area, &mut buffer);
            (*large, source) = (begun.clone(), self.picture.0);
        }
        if source != self.picture.0 {
            self.picture = (source, Instant::now(), false);
        }
        self.painter.hang(spots, source);
        self.painter.canvas.want(&buffer, self.page.backend().cursor, self.urgent);
        (self.dirty, self.urgent) = (false, false);
        self.drawn = Instant::now();
        Ok(())
    }

    /// Pictures that hold up the keys of a terminal that never answers give way to characters.
    fn judge_mute(&mut self, took: Duration, bytes: usize) {
        self.slow = if took > SLOW { self.slow + 1 } else { 0 };
        if self.slow >= 2 {
            self.probe.give_up(bytes as f64 / took.as_secs_f64());
            self.judge();
        }
    }

    fn keep_draft(&mut self, save: impl FnOnce(&Path) -> Result<()>) {
        if let Err(error) = self.drafts_dir.as_deref().map_or(Ok(()), save) {
            self.feed(Input::Unsaved(format!("This draft is only on the screen: {}", sentence(&error))));
        }
    }

    /// Keeps the choice of the theme for the next time.
    pub fn keep_theme(&self, state_dir: Option<PathBuf>) {
        if let Some(dir) = state_dir.filter(|_| self.app.theme != self.first_theme) {
            choice::keep(&dir, &self.themes[self.app.theme]);
        }
    }
}
