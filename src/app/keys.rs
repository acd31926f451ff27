//! What keys mean: every one stands once in the [table](BINDINGS), off which footer, help and dispatch are read.

mod table;

pub use table::BINDINGS;

use super::{App, Entry, Focus, LANGUAGE, OnCompare, OnGallery, OnModels, OnQueue, OnRun, OnTable, OnTraining, Overlay, Shows, Sketch};
use crate::recipe::State;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum Action {
    Develop,
    Experiments,
    Choose,
    Resume,
    Large,
    NextPane,
    PreviousPane,
    LeaveField,
    EnterField,
    NewLine,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,
    Cancel,
    Recall,
    Newest,
    Theme,
    Help,
    Leave,
    LeaveNow,
    Suspend,
    CancelAndLeave,
    Close,
    OnRun(OnRun),
    OnQueue(OnQueue),
    OnCompare(OnCompare),
    OnTable(OnTable),
    OnTraining(OnTraining),
    OnModels(OnModels),
    OnGallery(OnGallery),
    Draw,
    Sketch(Sketch),
}

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Wherever the keys go, but for the question whether to leave.
    Anywhere,
    /// In a pane, but not in a field.
    Outside,
    /// In a field.
    Field,
    /// In the text of the prompt.
    Prompt,
    /// In the form.
    Parameters,
    /// On a field of the form that is a choice between words.
    Choice,
    /// On a field of the form that takes a picture.
    Image,
    /// On a field of the form that names a model.
    Model,
    /// On the picture.
    Preview,
    /// In the queue.
    Queue,
    /// In the queue, on a run that has stopped.
    Stopped,
    /// In the queue, on a training that runs or waits; in the history, on any.
    Training,
    /// In the log.
    Log,
    /// In the history.
    History,
    /// While the picture has the whole screen.
    Large,
    /// In the list of keys.
    Help,
    /// In the list of experiments.
    Picker,
    /// In the list of models.
    Models,
    /// In the name of a model that is to be downloaded.
    Pull,
    /// In the question whether to leave.
    Question,
    /// While a run is looked into.
    Inspector,
    /// In the note on a run.
    Note,
    /// In the list of what can be made of a run.
    Export,
    /// While something is drawn.
    Easel,
    /// While a training is watched.
    Watch,
    /// In the list of curves to lay over one another.
    Curves,
    /// While runs are compared.
    Compare,
    /// In the table of a sweep.
    Table,
    /// In the grid of the gallery.
    Gallery,
    /// In the grid of the gallery, while not all runs are shown.
    Filtered,
    /// In the line that says which are.
    Filter,
    /// While a run of the gallery has the whole screen.
    Single,
    /// On a run of the gallery.
    Picked,
    /// In the line for a tag.
    Tag,
}

impl Context {
    /// In the order in which one meets them.
    pub const ALL: [Context; 34] = [
        Context::Anywhere,
        Context::Outside,
        Context::Field,
        Context::Prompt,
        Context::Parameters,
        Context::Choice,
        Context::Image,
        Context::Model,
        Context::Preview,
        Context::Queue,
        Context::Stopped,
        Context::Training,
        Context::Log,
        Context::History,
        Context::Large,
        Context::Picker,
        Context::Models,
        Context::Pull,
        Context::Inspector,
        Context::Watch,
        Context::Curves,
        Context::Compare,
        Context::Table,
        Context::Gallery,
        Context::Filtered,
        Context::Filter,
        Context::Single,
        Context::Picked,
        Context::Tag,
        Context::Note,
        Context::Export,
        Context::Easel,
        Context::Help,
        Context::Question,
    ];

    /// The heading in the list of keys.
    pub fn title(self) -> &'static str {
        match self {
            Context::Anywhere => "Anywhere",
            Context::Outside => "Outside a field",
            Context::Field => "In a field",
            Context::Prompt => "Prompt",
            Context::Parameters => "Parameters",
            Context::Choice => "A choice of words",
            Context::Image => "A field for a picture",
            Context::Model => "A field for a model",
            Context::Preview => "Preview",
            Context::Queue => "Queue",
            Context::Stopped => "A stopped run",
            Context::Training => "A training",
            Context::Log => "Log",
            Context::History => "History",
            Context::Large => "The large picture",
            Context::Help => "These keys",
            Context::Picker => "The experiments",
            Context::Models => "The models",
            Context::Pull => "A model to download",
            Context::Question => "Leaving while jobs run",
            Context::Inspector => "Inside a run",
            Context::Note => "The note on a run",
            Context::Export => "Files of a run",
            Context::Easel => "Drawing",
            Context::Watch => "Watching a training",
            Context::Curves => "Curves laid over one another",
            Context::Compare => "Comparing runs",
            Context::Table => "The table of a sweep",
            Context::Gallery => "The gallery",
            Context::Filtered => "The gallery, filtered",
            Context::Filter => "The gallery's filter",
            Context::Single => "One run of the gallery",
            Context::Picked => "Runs of the gallery: the open one, the marked, or the selected",
            Context::Tag => "A tag",
        }
    }

    /// What the list of keys says there beside the keys.
    pub fn about(self) -> &'static [&'static str] {
        if self == Context::Filter { &LANGUAGE } else { &[] }
    }
}

/// One key in one context.
#[derive(Debug)]
pub struct Binding {
    /// The key.
    pub code: KeyCode,
    /// What is held with it.
    pub held: KeyModifiers,
    /// Where.
    pub context: Context,
    /// What it does.
    pub action: Action,
    /// That in a few words.
    pub words: &'static str,
    /// Whether the footer has it, where it means something.
    pub footer: bool,
}

impl Binding {
    /// The key as it is written: `Ctrl-Q`, `Tab`, `?`.
    pub fn key(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.held.is_empty() => c.to_string(),
            KeyCode::Char(c) => c.to_ascii_uppercase().to_string(),
            KeyCode::F(n) => format!("F{n}"),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            other => format!("{other:?}"),
        };
        match self.held {
            KeyModifiers::CONTROL => format!("Ctrl-{name}"),
            KeyModifiers::ALT => format!("Alt-{name}"),
            KeyModifiers::SHIFT => format!("Shift-{name}"),
            _ => name,
        }
    }

    fn is(&self, key: KeyEvent) -> bool {
        let held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        // With Caps Lock or Shift a terminal may send a held letter large.
        let code = match key.code {
            KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        // Where the table asks for Shift it must be held; elsewhere it may be.
        let shift = !self.held.contains(KeyModifiers::SHIFT) || key.modifiers.contains(KeyModifiers::SHIFT);
        self.code == code && self.held - KeyModifiers::SHIFT == held && shift
    }
}

impl App {
    /// Where a key is looked up, nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        match self.overlay {
            Some(Overlay::Leave) => return vec![Context::Question],
            Some(Overlay::Help(_)) => return vec![Context::Help],
            Some(Overlay::Experiments(_)) => return vec![Context::Picker],
            Some(Overlay::Models(_)) => return vec![Context::Models],
            Some(Overlay::Pull(_)) => return vec![Context::Pull],
            Some(Overlay::Note) => return vec![Context::Note],
            Some(Overlay::Export(_)) => return vec![Context::Export],
            Some(Overlay::Curves(_)) => return vec![Context::Curves],
            None => {}
        }
        match self.shows() {
            Shows::Easel(_) => vec![Context::Easel],
            Shows::Compare(_) => vec![Context::Compare],
            Shows::Table(_) => vec![Context::Table],
            Shows::Training(_) => vec![Context::Watch],
            Shows::Gallery => self.gallery.contexts(),
            Shows::Workbench => self.pane_contexts(),
        }
    }

    fn pane_contexts(&self) -> Vec<Context> {
        let mut contexts = Vec::new();
        if self.inspector.is_some() {
            contexts.push(Context::Inspector);
        }
        if self.large {
            contexts.push(Context::Large);
        }
        if self.focus == Focus::Parameters && self.editing && self.form.is_choice() {
            contexts.push(Context::Choice);
        }
        if self.focus == Focus::Parameters && self.form.image_field().is_some() {
            contexts.push(Context::Image);
        }
        if self.focus == Focus::Parameters && self.form.entry().is_some_and(Entry::is_model) {
            contexts.push(Context::Model);
        }
        contexts.extend(match self.focus {
            Focus::Prompt if self.editing => vec![Context::Prompt],
            Focus::Prompt => vec![],
            Focus::Parameters => vec![Context::Parameters],
            Focus::Preview => vec![Context::Preview],
            Focus::Queue if self.queue.selected().is_some_and(|run| is_stopped(run.state)) => vec![Context::Stopped, Context::Queue],
            Focus::Queue if self.queue.selected().is_some_and(|run| run.recipe.training().is_some()) => {
                vec![Context::Training, Context::Queue]
            }
            Focus::Queue => vec![Context::Queue],
            Focus::Log => vec![Context::Log],
            Focus::History if self.history.runs.is_empty() => vec![],
            Focus::History if self.history.selected().is_some_and(|run| run.recipe.training().is_some()) => {
                vec![Context::Training, Context::History]
            }
            Focus::History => vec![Context::History],
        });
        contexts.push(if self.editing { Context::Field } else { Context::Outside });
        contexts.push(Context::Anywhere);
        contexts
    }

    /// The line of the list of keys to begin at: where the screen is another, those of the panes are of no use.
    pub(super) fn help_begin(&self) -> u16 {
        let other = [
            Context::Easel,
            Context::Inspector,
            Context::Watch,
            Context::Compare,
            Context::Table,
            Context::Gallery,
            Context::Filter,
            Context::Single,
            Context::Tag,
        ];
        let own = self.contexts().into_iter().find(|context| other.contains(context));
        let before = Context::ALL.into_iter().take_while(|context| own.is_some_and(|own| own != *context));
        // A heading and an empty line each.
        let keys = |context| BINDINGS.iter().filter(|binding| binding.context == context).count();
        before.map(|context| (2 + keys(context) + context.about().len()) as u16).sum()
    }

    /// What a key means now.
    pub fn binding(&self, key: KeyEvent) -> Option<&'static Binding> {
        let contexts = self.contexts();
        contexts.iter().find_map(|context| BINDINGS.iter().find(|binding| binding.context == *context && binding.is(key)))
    }

    /// The keys that the footer shows now, each action once.
    pub fn footer(&self) -> Vec<&'static Binding> {
        let contexts = self.contexts();
        let mut footer: Vec<&Binding> = Vec::new();
        for binding in BINDINGS.iter().filter(|binding| binding.footer && contexts.contains(&binding.context)) {
            let taken =
                footer.iter().any(|other| other.action == binding.action || other.code == binding.code && other.held == binding.held);
            if !taken && self.has_use(binding.action) {
                footer.push(binding);
            }
        }
        footer
    }

    /// Whether an action would change anything now; the footer leaves out the others.
    pub fn has_use(&self, action: Action) -> bool {
        match action {
            action if self.is_for_others(action) => false,
            Action::OnRun(action) => self.has_use_on_run(action),
            Action::OnQueue(action) => self.has_use_on_queue(action),
            Action::OnCompare(action) => self.has_use_on_compare(action),
            Action::OnTable(action) => self.has_use_on_table(action),
            Action::OnTraining(action) => self.has_use_on_training(action),
            Action::OnModels(action) => self.has_use_on_models(action),
            Action::OnGallery(action) => self.has_use_in_gallery(action),
            Action::Sketch(sketch) => self.easel.has_use(sketch),
            Action::EnterField => self.focus.is_field(),
            Action::Recall => self.selected().is_some(),
            Action::Cancel => self.to_cancel().is_some(),
            Action::Large => self.on_view().is_some(),
            Action::Newest => self.pinned.is_some(),
            Action::Down if self.focus == Focus::Queue => self.queue.runs.len() > 1,
            Action::Right if self.focus == Focus::History => self.history.runs.len() > 1,
            _ => true,
        }
    }
}

/// Whether a run can be resumed.
pub(super) fn is_stopped(state: State) -> bool {
    matches!(state, State::Failed | State::Cancelled | State::Interrupted | State::Paused)
}
