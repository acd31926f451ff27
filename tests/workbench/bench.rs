//! A workbench without a terminal: keys are written as words, the engine's part is played by the test.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use darkroom::app::{App, Draft, Effect, Input, NoteDraft, Source, Start, Target};
use darkroom::link::{Command, Event, News, PROTOCOL, Picture, PictureHead, PictureOf};
use darkroom::preview::{self, Graphics, Paper, Shelf, Slot};
use darkroom::recipe::{Marks, Recipe, Run, RunId, State};
use darkroom::theme::{self, Depth, Theme};
use darkroom::ui::{self, Look};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    layout::{Position, Rect},
};
use unicode_width::UnicodeWidthStr;

/// 2026-11-23 12:01:07 UTC.
pub const NOON: i64 = 1_795_435_267_000;

pub struct Bench {
    pub app: App,
    pub sent: Vec<Command>,
    pub left: bool,
    pub drafts: Vec<Draft>,
    pub notes: Vec<NoteDraft>,
    pub copied: Vec<String>,
    pub depth: Depth,
    pub shelf: Shelf,
    terminal: Terminal<TestBackend>,
    themes: Vec<Theme>,
}

impl Bench {
    pub fn new(width: u16, height: u16) -> Bench {
        let (themes, _) = theme::load(None);
        let names = themes.iter().map(|theme| theme.name.clone()).collect();
        let mut bench = Bench {
            app: App::new(Start { themes: names, ..Start::default() }),
            sent: Vec::new(),
            left: false,
            drafts: Vec::new(),
            notes: Vec::new(),
            copied: Vec::new(),
            depth: Depth::True,
            shelf: Shelf::new(Paper::HALF_BLOCKS),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            themes,
        };
        bench.input(Input::Tick(NOON));
        bench
    }

    /// A workbench whose engine has been up for three hours.
    pub fn with_engine(width: u16, height: u16) -> Bench {
        let mut bench = Bench::new(width, height);
        bench.engine_starts();
        bench
    }

    pub fn engine_starts(&mut self) {
        let started_ms = NOON - 3 * 3_600_000;
        self.event(Event::Hello {
            protocol: PROTOCOL,
            version: "0.1.0".into(),
            pid: 7,
            started_ms,
            pace_ms: Some(6.0),
            places: vec!["cpu f32".into()],
            workspace: "/work".into(),
            heard: None,
        });
        self.event(Event::Queue { runs: vec![] });
    }

    pub fn input(&mut self, input: Input) {
        for effect in self.app.update(input) {
            match effect {
                Effect::Send(command) => self.sent.push(command),
                Effect::Quit => self.left = true,
                Effect::Draft(draft) => self.drafts.push(draft),
                Effect::Note(note) => self.notes.push(note),
                Effect::Copy(text) => self.copied.push(text),
                Effect::Redraw | Effect::Suspend => {}
            }
        }
    }

    pub fn event(&mut self, event: Event) {
        self.input(Input::News(News::Event(event)));
    }

    /// Keys as in `a red three<Enter><Ctrl-q>`.
    pub fn keys(&mut self, script: &str) -> &mut Bench {
        for key in keys(script) {
            self.input(Input::Key(key));
        }
        self
    }

    /// Takes an experiment from the list.
    pub fn takes_up(&mut self, experiment: &str) -> &mut Bench {
        let at = |name| darkroom::recipe::EXPERIMENTS.iter().position(|known| *known == name).unwrap();
        let (from, to) = (at(self.app.form.experiment), at(experiment));
        let step = if to > from { "<Down>" } else { "<Up>" };
        self.keys(&format!("<F2>{}<Enter>", step.repeat(to.abs_diff(from))))
    }

    /// Types into a field of the form.
    pub fn types(&mut self, field: &str, text: &str) -> &mut Bench {
        let at = self.app.form.entries.iter().position(|entry| entry.field.name == field).unwrap();
        self.input(Input::Click(Target::Field(at)));
        self.keys(text)
    }

    /// Opens a drawing for a field, on a grey sheet of so many pixels a side.
    pub fn draws(&mut self, experiment: &str, field: &str, side: u32) -> &mut Bench {
        self.takes_up(experiment).types(field, "").keys("<Ctrl-d>").looks(side, |_, _| [128; 3])
    }

    /// The engine answers the last question for an input with a picture of its own.
    pub fn looks(&mut self, side: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> &mut Bench {
        let ticket = self.sent.iter().rev().find_map(|command| match command {
            Command::Look { ticket, .. } => Some(*ticket),
            _ => None,
        });
        let head = PictureHead { run: RunId(0), what: PictureOf::Input { ticket: ticket.unwrap() }, width: side, height: side };
        let rgb = (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        self.input(Input::News(News::Picture(Picture { head, rgb })));
        self
    }

    /// Where these words begin on the screen.
    pub fn spot(&mut self, words: &str) -> Position {
        let screen = self.screen();
        let found = screen.lines().zip(0..).find_map(|(line, y)| Some((line[..line.find(words)?].width() as u16, y)));
        found.map(Position::from).unwrap_or_else(|| panic!("{words}\n{screen}"))
    }

    /// Presses the mouse on these words.
    pub fn clicks(&mut self, words: &str) -> &mut Bench {
        let at = self.spot(words);
        let target = ui::target(&self.app, self.area(), at).unwrap_or_else(|| panic!("nothing lies at {words}"));
        self.input(Input::Click(target));
        self
    }

    /// Turns the wheel over these words.
    pub fn wheels(&mut self, words: &str, down: bool) -> &mut Bench {
        let at = self.spot(words);
        let pane = ui::pane(&self.app, self.area(), at).unwrap_or_else(|| panic!("nothing turns at {words}"));
        self.input(Input::Wheel { pane, down });
        self
    }

    /// Draws, and lets every picture be encoded and shown.
    pub fn screen(&mut self) -> String {
        for _ in 0..2 {
            self.draw();
        }
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let rows = buffer.content.chunks(width).map(|row| {
            let mut covered = 0;
            let mut line = String::new();
            for cell in row {
                // A wide character covers the cell behind it, whatever that still holds.
                if covered == 0 {
                    line.push_str(cell.symbol());
                    covered = cell.symbol().width().max(1);
                }
                covered -= 1;
            }
            line.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    pub fn draw(&mut self) {
        let area = self.area();
        self.input(Input::Fits(ui::fits(&self.app, area)));
        let places = ui::places(&self.app, area);
        let room = places.iter().flat_map(|place| place.sources.clone());
        let pictures = self.app.view_needs().into_iter().chain(room).collect();
        self.input(Input::Room { pictures, help_end: ui::help_end(area) });
        for wish in self.shelf.plan(&places, &self.app.pictures) {
            let encoded = preview::encode(wish).expect("a picture that was taken can be encoded");
            self.shelf.put(encoded);
        }
        let look = Look { theme: &self.themes[self.app.theme], depth: self.depth, shelf: &self.shelf, note: None };
        self.terminal.draw(|frame| ui::draw(frame, &self.app, &look)).unwrap();
        let shown = self.shelf.shown(Slot::Preview).first().copied();
        shown.into_iter().for_each(|source| self.input(Input::Shown(source)));
    }

    pub fn buffer(&mut self) -> Buffer {
        self.screen();
        self.terminal.backend().buffer().clone()
    }

    pub fn area(&self) -> Rect {
        self.terminal.backend().buffer().area
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.shelf.clear();
    }

    /// Commands that were sent since the last call.
    pub fn sent(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.sent)
    }

    /// A run begins and makes so many steps of 34, each with a frame.
    pub fn develops(&mut self, id: i64, prompt: &str, steps: u32) {
        self.event(Event::Run { run: Run { of: 34, ..run(id, prompt, State::Running) } });
        for index in 0..steps {
            self.steps(id, index);
        }
    }

    pub fn steps(&mut self, id: i64, index: u32) {
        let t = 990 - 30 * index;
        self.input(Input::Tick(NOON + 18 * i64::from(index + 1)));
        self.event(Event::Step { run: RunId(id), index, of: 34, t, ms: 18.2 });
        self.input(Input::News(News::Picture(frame(id, index))));
    }

    /// A run is done, and its picture answers every request for it.
    pub fn finishes(&mut self, id: i64, prompt: &str) {
        self.event(Event::Run { run: Run { step: 34, of: 34, took_ms: Some(612), ..run(id, prompt, State::Done) } });
        self.answers();
    }

    /// The engine answers every request for a picture.
    pub fn answers(&mut self) {
        self.draw();
        for command in self.sent() {
            if let Command::Picture { run, index, side } = command {
                let head = PictureHead { run, what: PictureOf::Kept { index, side }, width: 8, height: 8 };
                self.input(Input::News(News::Picture(Picture { head, rgb: pixels(run.0 as u32 + index) })));
            } else {
                self.sent.push(command);
            }
        }
    }

    /// A workbench with graphics in pixels.
    pub fn in_pixels(&mut self, graphics: Graphics) {
        self.shelf.change(Paper { graphics, font: (8, 16), ..Paper::HALF_BLOCKS });
    }

    pub fn newest_frame(&self, id: i64) -> Option<Source> {
        self.app.pictures.newest(RunId(id))
    }
}

/// The screen after these keys on a fresh workbench.
pub fn screen(script: &str) -> String {
    Bench::with_engine(120, 40).keys(script).screen()
}

pub fn run(id: i64, prompt: &str, state: State) -> Run {
    let recipe = Recipe::parse("sample", &[("prompt".into(), prompt.into()), ("seed".into(), id.to_string())]).unwrap();
    let created_ms = NOON - 300_000;
    Run {
        id: RunId(id),
        recipe,
        state,
        step: 0,
        of: 0,
        created_ms,
        took_ms: None,
        error: None,
        grid: None,
        note: None,
        marks: Marks::default(),
        foreign: None,
    }
}

/// A finished run of another experiment.
pub fn done(id: i64, experiment: &str, fields: &[(&str, &str)]) -> Run {
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let recipe = Recipe::parse(experiment, &fields).unwrap();
    Run { recipe, step: 1, of: 1, took_ms: Some(612), ..run(id, "", State::Done) }
}

pub fn frame(id: i64, index: u32) -> Picture {
    let head = PictureHead { run: RunId(id), what: PictureOf::Frame { index, t: 990 - 30 * index }, width: 8, height: 8 };
    Picture { head, rgb: pixels(index) }
}

/// Eight by eight pixels that differ by `seed`.
fn pixels(seed: u32) -> std::sync::Arc<[u8]> {
    (0..192).map(|at| (at as u32 * 37 + seed * 101) as u8).collect()
}

pub fn keys(script: &str) -> Vec<KeyEvent> {
    let mut keys = Vec::new();
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        if let (Some(named), '<') = (rest.strip_prefix('<').and_then(|rest| rest.split_once('>')), c) {
            keys.push(key(named.0));
            rest = named.1;
        } else {
            keys.push(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            rest = &rest[c.len_utf8()..];
        }
    }
    keys
}

pub fn key(name: &str) -> KeyEvent {
    let (held, name) = match name.split_once('-') {
        Some(("Ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("Alt", name)) => (KeyModifiers::ALT, name),
        Some(("Shift", name)) if name != "Tab" => (KeyModifiers::SHIFT, name),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Backspace" => KeyCode::Backspace,
        "Space" => KeyCode::Char(' '),
        "F1" => KeyCode::F(1),
        "F2" => KeyCode::F(2),
        "F3" => KeyCode::F(3),
        "F4" => KeyCode::F(4),
        "Del" => KeyCode::Delete,
        name if name.chars().count() == 1 => KeyCode::Char(name.chars().next().unwrap()),
        name => panic!("no key is called {name}"),
    };
    KeyEvent::new(code, held)
}
