//! The state of one terminal, and its only writer: [`App::update`].
//!
//! Keys, the engine's news and the time come in as [`Input`]; what has to happen outside goes out as [`Effect`]. Nothing
//! here reads a clock, draws or waits, so that a test is a list of inputs.

mod act;
pub mod canvas;
mod control;
mod curve;
mod download;
mod easel;
mod engine;
mod focus;
mod form;
mod history;
mod inspector;
pub mod keys;
mod learning;
mod log;
mod models;
mod notes;
mod picker;
mod pictures;
mod plan;
mod prompt;
mod queue;
mod view;
mod watch;

pub use control::OnRun;
pub use curve::{Bin, Curve};
pub use download::Download;
pub use easel::{Draft, Drawing, Easel, Place, Sketch};
pub use engine::Engine;
pub use focus::Focus;
pub use form::{Entry, Form};
pub use history::History;
pub use inspector::{Inspector, PLAY_MS};
pub use learning::{Learning, Learnings};
pub use log::{Line, Log, Tone};
pub use models::{Models, OnModels};
pub use notes::{NoteDraft, Notes};
pub use picker::experiments;
pub use pictures::{Pictures, Source};
pub use plan::{Plan, Schedule};
pub use prompt::Prompt;
pub use queue::{Progress, Queue};
pub use watch::{CURVES, OnTraining, Watch, Wide};

use crate::link::{Command, News};
use crate::recipe::RunId;
use canvas::Stroke;
use crossterm::event::KeyEvent;
use std::collections::{BTreeSet, HashMap};

/// The longest side in pixels of the picture in the preview.
pub const LARGE: u32 = 1024;
/// The longest side in pixels of a picture in the history strip.
pub const SMALL: u32 = 64;

/// What happens to a terminal.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key went down.
    Key(KeyEvent),
    /// Text came in one piece.
    Paste(String),
    /// The mouse was pressed on something.
    Click(Target),
    /// The mouse draws.
    Stroke(Stroke),
    /// The mouse wheel turned over a pane.
    Wheel {
        /// The pane under the mouse.
        pane: Focus,
        /// Towards the user.
        down: bool,
    },
    /// The engine or the link to it says something.
    News(News),
    /// The time, in milliseconds since 1970.
    Tick(i64),
    /// What the screen has room for.
    Room {
        /// The pictures, most wanted first.
        pictures: Vec<Source>,
        /// How far down the list of keys can be scrolled.
        help_end: u16,
    },
    /// A picture is on the screen, and the terminal can take the next.
    Shown(Source),
    /// The terminal itself has something to say, in one sentence.
    Note(String),
    /// A draft could not be written, and why.
    Unsaved(String),
    /// The terminal goes, or the user leaves it.
    End,
}

/// What has to happen outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A command for the engine.
    Send(Command),
    /// The screen is out of date.
    Redraw,
    /// A drawing is to be found again however the program ends.
    Draft(Draft),
    /// A note that is not saved yet is, too.
    Note(NoteDraft),
    /// The user leaves.
    Quit,
}

/// What lies under the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A pane, or its tab.
    Pane(Focus),
    /// A field of the form, by its place.
    Field(usize),
    /// A run in the queue.
    Queued(RunId),
    /// A run in the history.
    Finished(RunId),
    /// The name of the experiment.
    Experiment,
    /// An experiment in the list, by its place.
    Offer(usize),
    /// A model in the list, by its place.
    Model(usize),
    /// A tool, a colour or a key beside a drawing.
    Sketch(Sketch),
    /// The samples or the batch of the training screen.
    Part(Wide),
    /// A training in the list of curves, by its place.
    Curve(usize),
}

/// What covers the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Every key, scrolled down by so many lines.
    Help(u16),
    /// Jobs are open: really leave?
    Leave,
    /// The experiments, with the place of the selected one.
    Experiments(usize),
    /// The models on the engine's machine, with the place of the selected one.
    Models(usize),
    /// The same, while the name of one is typed that is to be downloaded.
    Pull(usize),
    /// The note on a run is written.
    Note,
    /// What can be made of a run, to choose from.
    Export(RunId),
    /// The trainings whose curves can be laid over one another, with the place of the selected one.
    Curves(usize),
}

/// How an [`App`] begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// The names of the themes, in the order of `T`.
    pub themes: Vec<String>,
    /// The first of them to show.
    pub theme: usize,
    /// Seconds that the local clock is ahead of UTC.
    pub utc_offset_s: i32,
    /// Drawings that were not finished.
    pub drafts: Vec<Draft>,
    /// Notes that were not saved.
    pub notes: Vec<NoteDraft>,
}

/// The state of one terminal. Everything may be read; only [`App::update`] writes.
pub struct App {
    /// Where the keys go.
    pub focus: Focus,
    /// Whether they are text there.
    pub editing: bool,
    /// Which of parameters, queue and log shows where there is room for one.
    pub tab: Focus,
    /// What covers the panes.
    pub overlay: Option<Overlay>,
    /// Whether the preview has the whole screen.
    pub large: bool,
    /// The run that was picked to be looked at; without one the queue's followed run is shown.
    pub pinned: Option<RunId>,
    /// Which of the run's pictures is shown alone.
    pub alone: Option<u32>,
    /// The prompt and the earlier ones.
    pub prompt: Prompt,
    /// The other parameters.
    pub form: Form,
    /// The forms of the other experiments.
    drawer: picker::Drawer,
    /// Runs that are not finished.
    pub queue: Queue,
    /// Runs that are.
    pub history: History,
    /// What happened.
    pub log: Log,
    /// Pixels: live frames and kept pictures.
    pub pictures: Pictures,
    /// A look inside a run.
    pub inspector: Option<Inspector>,
    /// What is known of trainings.
    pub learnings: Learnings,
    /// The training screen, while it is open.
    pub watch: Option<Watch>,
    /// The models on the engine's machine.
    pub models: Models,
    /// Notes that are written.
    pub notes: Notes,
    /// Drawings that are made.
    pub easel: Easel,
    /// The link.
    pub engine: Engine,
    /// The names of the themes.
    pub themes: Vec<String>,
    /// The one that is shown.
    pub theme: usize,
    /// The time as last told, in milliseconds since 1970.
    pub now_ms: i64,
    /// Milliseconds that a model call takes, by model.
    pub pace_ms: HashMap<String, f64>,
    /// Of the last request whose answer is waited for.
    tickets: u32,
    /// Running runs that were told to pause after this step.
    pausing: BTreeSet<RunId>,
    effects: Vec<Effect>,
}

impl App {
    /// The workbench as it opens: the cursor in the prompt, an example typed.
    pub fn new(start: Start) -> App {
        let form = Form::new("sample");
        App {
            focus: Focus::Prompt,
            editing: true,
            tab: Focus::Parameters,
            overlay: None,
            large: false,
            pinned: None,
            alone: None,
            prompt: Prompt::new(form.example()),
            form,
            drawer: picker::Drawer::new(),
            queue: Queue::default(),
            history: History::default(),
            log: Log::new(start.utc_offset_s),
            pictures: Pictures::default(),
            inspector: None,
            learnings: Learnings::default(),
            watch: None,
            models: Models::new(),
            notes: Notes::new(start.notes),
            easel: Easel::new(start.drafts),
            engine: Engine::Connecting,
            theme: start.theme.min(start.themes.len().saturating_sub(1)),
            themes: start.themes,
            now_ms: 0,
            pace_ms: HashMap::new(),
            tickets: 0,
            pausing: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// Takes in one thing that happened, and says what has to happen outside.
    pub fn update(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Tick(now_ms) => {
                let seconds = |ms: i64| ms / if self.is_moving() { 250 } else { 60_000 };
                if seconds(now_ms) != seconds(self.now_ms) {
                    self.effects.push(Effect::Redraw);
                }
                self.now_ms = now_ms;
                self.inspector_tick();
            }
            Input::Room { pictures, help_end } => {
                if let Some(Overlay::Help(at)) = &mut self.overlay {
                    *at = help_end.min(*at);
                }
                let asked = self.pictures.ask(pictures, &self.engine);
                self.effects.extend(asked.into_iter().map(Effect::Send));
            }
            Input::Shown(source) => self.shown(source),
            input => {
                self.effects.push(Effect::Redraw);
                match input {
                    Input::Key(key) => self.key(key),
                    Input::Paste(text) => self.paste(&text),
                    Input::Click(target) => self.click(target),
                    Input::Stroke(stroke) => self.stroke(stroke),
                    Input::Wheel { pane, down } => self.wheel(pane, down),
                    Input::News(news) => self.news(news),
                    Input::Note(text) => self.log.push(self.now_ms, Tone::Bad, text),
                    Input::Unsaved(text) => {
                        self.easel.unsafe_draft(&text);
                        self.log.push(self.now_ms, Tone::Bad, text);
                    }
                    Input::End => self.end(),
                    Input::Tick(_) | Input::Room { .. } | Input::Shown(_) => {}
                }
                self.settle();
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// What Enter would do, and how long it would take in milliseconds where that can be told.
    pub fn plan(&self) -> Option<(Plan, Option<f64>)> {
        let plan = self.form.plan.clone().ok()?;
        let pace = self.pace_ms.get(&plan.model).filter(|_| plan.calls > 0);
        let ms = pace.map(|pace| pace * plan.calls as f64);
        Some((plan, ms))
    }

    /// Runs that the engine still has work to do on.
    pub fn open(&self) -> usize {
        self.queue.runs.iter().filter(|run| run.state.is_open()).count()
    }

    /// A number for a request, by which its answer is known.
    fn ticket(&mut self) -> u32 {
        self.tickets = self.tickets.wrapping_add(1);
        self.tickets
    }

    /// What is half written or drawn becomes a draft.
    fn end(&mut self) {
        self.end_drawing();
        self.put_note_away();
    }

    /// What must hold after every input.
    fn settle(&mut self) {
        self.form.hear(&self.prompt);
        self.editing &= self.focus.is_field();
        self.settle_inspector();
        if self.overlay != Some(Overlay::Note) {
            self.put_note_away();
        }
        if matches!(self.focus, Focus::Parameters | Focus::Queue | Focus::Log) {
            self.tab = self.focus;
        }
        let typing = self.overlay.is_none() && self.easel.open.is_none() && self.watch.is_none() && self.editing;
        self.prompt.show_cursor(typing && self.focus == Focus::Prompt);
        self.form.show_cursor(typing && self.focus == Focus::Parameters);
        if self.overlay == Some(Overlay::Leave) && self.open() == 0 {
            self.overlay = None;
        }
        self.ask_for_frame();
    }
}
