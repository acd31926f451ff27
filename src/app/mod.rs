//! The state of one terminal, and its only writer: [`App::update`].
//!
//! Keys, the engine's news and the time come in as [`Input`]; what has to happen outside goes out as [`Effect`]. Nothing
//! here reads a clock, draws or waits, so that a test is a list of inputs.

mod act;
pub mod canvas;
mod compare;
mod control;
mod curve;
mod download;
mod easel;
mod engine;
mod focus;
mod form;
mod gallery;
mod history;
mod input;
mod inspector;
pub mod keys;
mod learning;
mod log;
mod marked;
mod models;
mod notes;
mod onlooker;
mod peek;
mod picker;
mod pictures;
mod plan;
mod prompt;
mod queue;
mod table;
mod turns;
mod view;
mod watch;

pub use compare::{COMPARED, Compare, OnCompare, Way};
pub use control::OnRun;
pub use curve::{Bin, Curve};
pub use download::Download;
pub use easel::{Draft, Drawing, Easel, Place, Sketch};
pub use engine::Engine;
pub use focus::Focus;
pub use form::{Entry, Form};
pub use gallery::{Filter, Fits, Gallery, Guests, LANGUAGE, OnGallery, Pages, Relation, Single, Tagging};
pub use history::History;
pub use input::{Effect, Input, Target};
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
pub use table::{OnTable, Shape, Sweep};
pub use turns::{Drag, OnQueue};
pub use view::Shows;
pub use watch::{CURVES, OnTraining, Watch, Wide};

use crate::recipe::RunId;
use std::collections::{BTreeSet, HashMap};

/// The longest side in pixels of the picture in the preview.
pub const LARGE: u32 = 1024;
/// The longest side in pixels of a picture in the history strip.
pub const SMALL: u32 = 64;

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
#[derive(Clone, Debug, Default)]
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
    /// The machine that the engine is on, where it is not this one.
    pub host: Option<String>,
    /// Whether this terminal changes nothing.
    pub watches: bool,
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
    /// The comparison of the marked runs, while it is open.
    pub compare: Option<Compare>,
    /// The table of a sweep, while it is open.
    pub sweep: Option<Sweep>,
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
    /// The gallery screen.
    pub gallery: Gallery,
    /// Runs that are marked, in the order in which they were.
    pub marked: Vec<RunId>,
    /// The models on the engine's machine.
    pub models: Models,
    /// Notes that are written.
    pub notes: Notes,
    /// Drawings that are made.
    pub easel: Easel,
    /// The link.
    pub engine: Engine,
    /// The machine that the engine is on, where it is not this one.
    pub host: Option<String>,
    /// Whether this terminal changes nothing.
    pub watches: bool,
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
            focus: if start.watches { Focus::Preview } else { Focus::Prompt },
            editing: !start.watches,
            tab: if start.watches { Focus::Queue } else { Focus::Parameters },
            overlay: None,
            large: false,
            pinned: None,
            alone: None,
            prompt: Prompt::new(form.example()),
            form,
            drawer: picker::Drawer::new(),
            queue: Queue::default(),
            history: History::default(),
            compare: None,
            sweep: None,
            log: Log::new(start.utc_offset_s),
            pictures: Pictures::default(),
            inspector: None,
            learnings: Learnings::default(),
            watch: None,
            gallery: Gallery::new(),
            marked: Vec::new(),
            models: Models::new(),
            notes: Notes::new(start.notes),
            easel: Easel::new(start.drafts),
            engine: Engine::Connecting,
            host: start.host,
            watches: start.watches,
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
                let ahead = self.pictures.ask_ahead(self.gallery.ahead(), &self.engine);
                self.effects.extend(asked.into_iter().chain(ahead).map(Effect::Send));
            }
            Input::Fits(fits) => {
                self.gallery.fit(fits);
                self.ask_for_runs();
            }
            Input::Shown(source) => self.shown(source),
            input => {
                self.effects.push(Effect::Redraw);
                match input {
                    Input::Key(key) => self.key(key),
                    Input::Paste(text) => self.paste(&text),
                    Input::Click(target) => self.click(target),
                    Input::Drag(over) => self.drag(over),
                    Input::Drop => self.drop_run(),
                    Input::Stroke(stroke) => self.stroke(stroke),
                    Input::Wheel { pane, down } => self.wheel(pane, down),
                    Input::News(news) => self.news(news),
                    Input::Note(text) => self.log.push(self.now_ms, Tone::Bad, text),
                    Input::Unsaved(text) => {
                        self.easel.unsafe_draft(&text);
                        self.log.push(self.now_ms, Tone::Bad, text);
                    }
                    Input::End => self.end(),
                    Input::Tick(_) | Input::Fits(_) | Input::Room { .. } | Input::Shown(_) => {}
                }
                self.settle();
            }
        }
        self.only_watch();
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

    /// Whether another screen has taken the workbench's place.
    pub fn is_covered(&self) -> bool {
        !matches!(self.shows(), Shows::Gallery | Shows::Workbench)
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
        self.editing &= self.focus.is_field() && !self.watches;
        self.settle_inspector();
        if self.overlay != Some(Overlay::Note) {
            self.put_note_away();
        }
        if matches!(self.focus, Focus::Parameters | Focus::Queue | Focus::Log) {
            self.tab = self.focus;
        }
        self.settle_single();
        self.settle_comparison();
        self.settle_table();
        let free = self.overlay.is_none() && !self.is_covered();
        let typing = free && !self.gallery.open && self.editing;
        self.prompt.show_cursor(typing && self.focus == Focus::Prompt);
        self.form.show_cursor(typing && self.focus == Focus::Parameters);
        self.gallery.filter.show_cursor(free && self.gallery.filter.typing);
        if self.overlay == Some(Overlay::Leave) && self.open() == 0 {
            self.overlay = None;
        }
        self.ask_for_frame();
        self.ask_for_kin();
        self.ask_for_runs();
    }
}
