//! Every key, once. The footer, the help and the dispatch are read off this table.

use super::{App, Focus, OnRun, Overlay};
use crate::recipe::{Export, State};
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
    CancelAndLeave,
    Close,
    OnRun(OnRun),
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
    /// On the picture.
    Preview,
    /// In the queue.
    Queue,
    /// In the queue, on a run that has stopped.
    Stopped,
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
    /// In the question whether to leave.
    Question,
    /// While a run is looked into.
    Inspector,
    /// In the note on a run.
    Note,
    /// In the list of what can be made of a run.
    Export,
}

impl Context {
    /// The heading in the list of keys.
    pub fn title(self) -> &'static str {
        match self {
            Context::Anywhere => "Anywhere",
            Context::Outside => "Outside a field",
            Context::Field => "In a field",
            Context::Prompt => "Prompt",
            Context::Parameters => "Parameters",
            Context::Choice => "A choice of words",
            Context::Preview => "Preview",
            Context::Queue => "Queue",
            Context::Stopped => "A stopped run",
            Context::Log => "Log",
            Context::History => "History",
            Context::Large => "The large picture",
            Context::Help => "These keys",
            Context::Picker => "The experiments",
            Context::Question => "Leaving while jobs run",
            Context::Inspector => "Inside a run",
            Context::Note => "The note on a run",
            Context::Export => "Files of a run",
        }
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
        self.code == code && self.held == held
    }
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

/// A binding that the footer shows.
const fn shown(code: KeyCode, held: KeyModifiers, context: Context, action: Action, words: &'static str) -> Binding {
    Binding { code, held, context, action, words, footer: true }
}

/// A binding that only the help shows.
const fn quiet(code: KeyCode, held: KeyModifiers, context: Context, action: Action, words: &'static str) -> Binding {
    Binding { code, held, context, action, words, footer: false }
}

/// Every key that does something, but for the editing of text. The footer keeps this order.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    shown(KeyCode::Left, NONE, Context::Inspector, Action::OnRun(OnRun::StepBefore), "step before"),
    shown(KeyCode::Right, NONE, Context::Inspector, Action::OnRun(OnRun::StepAfter), "step after"),
    shown(KeyCode::Char('x'), NONE, Context::Inspector, Action::OnRun(OnRun::NextLayer), "next layer"),
    shown(KeyCode::Char('p'), NONE, Context::Inspector, Action::OnRun(OnRun::Play), "play, stop"),
    shown(KeyCode::Char('b'), NONE, Context::Inspector, Action::OnRun(OnRun::Branch), "branch from here"),
    shown(KeyCode::Esc, NONE, Context::Inspector, Action::OnRun(OnRun::LookAway), "back"),
    quiet(KeyCode::Home, NONE, Context::Inspector, Action::OnRun(OnRun::FirstStep), "the first step"),
    quiet(KeyCode::End, NONE, Context::Inspector, Action::OnRun(OnRun::LastStep), "the newest step, and those that come"),

    shown(KeyCode::Enter, NONE, Context::Stopped, Action::Resume, "resume"),
    shown(KeyCode::Enter, NONE, Context::History, Action::Large, "large, and back"),
    shown(KeyCode::Esc, NONE, Context::Large, Action::Close, "back"),
    shown(KeyCode::Char('N'), NONE, Context::Outside, Action::Newest, "newest"),
    shown(KeyCode::Char(' '), NONE, Context::Outside, Action::OnRun(OnRun::Pause), "pause, go on"),
    shown(KeyCode::Char('.'), NONE, Context::Outside, Action::OnRun(OnRun::Advance), "one step"),

    shown(KeyCode::Enter, NONE, Context::Anywhere, Action::Develop, "develop"),
    shown(KeyCode::Tab, NONE, Context::Anywhere, Action::NextPane, "next pane"),
    quiet(KeyCode::BackTab, NONE, Context::Anywhere, Action::PreviousPane, "pane before"),

    shown(KeyCode::Enter, ALT, Context::Prompt, Action::NewLine, "new line"),
    quiet(KeyCode::Up, NONE, Context::Prompt, Action::Up, "line up; from the first line, the prompt before"),
    quiet(KeyCode::Down, NONE, Context::Prompt, Action::Down, "line down; from the last line, the prompt after"),

    shown(KeyCode::Char(' '), NONE, Context::Choice, Action::Right, "next choice"),
    quiet(KeyCode::Left, NONE, Context::Choice, Action::Left, "choice before"),
    quiet(KeyCode::Right, NONE, Context::Choice, Action::Right, "next choice"),
    shown(KeyCode::Down, NONE, Context::Parameters, Action::Down, "next field"),
    quiet(KeyCode::Up, NONE, Context::Parameters, Action::Up, "field before"),

    shown(KeyCode::Esc, NONE, Context::Field, Action::LeaveField, "leave the field"),

    quiet(KeyCode::Left, NONE, Context::Preview, Action::OnRun(OnRun::LastStep), "inside the run, its newest step"),
    quiet(KeyCode::Right, NONE, Context::Preview, Action::OnRun(OnRun::FirstStep), "inside the run, its first step"),
    quiet(KeyCode::Down, NONE, Context::Preview, Action::Down, "the run's next picture alone"),
    quiet(KeyCode::Up, NONE, Context::Preview, Action::Up, "picture before; all of them"),

    shown(KeyCode::Down, NONE, Context::Queue, Action::Down, "next run"),
    quiet(KeyCode::Up, NONE, Context::Queue, Action::Up, "run before"),

    shown(KeyCode::Up, NONE, Context::Log, Action::Up, "older lines"),
    quiet(KeyCode::Down, NONE, Context::Log, Action::Down, "newer lines"),
    quiet(KeyCode::PageUp, NONE, Context::Log, Action::PageUp, "ten lines older"),
    quiet(KeyCode::PageDown, NONE, Context::Log, Action::PageDown, "ten lines newer"),
    quiet(KeyCode::Home, NONE, Context::Log, Action::First, "the oldest line"),
    quiet(KeyCode::End, NONE, Context::Log, Action::Last, "the newest line"),

    shown(KeyCode::Right, NONE, Context::History, Action::Right, "older run"),
    quiet(KeyCode::Left, NONE, Context::History, Action::Left, "newer run"),
    quiet(KeyCode::PageDown, NONE, Context::History, Action::PageDown, "ten runs older"),
    quiet(KeyCode::PageUp, NONE, Context::History, Action::PageUp, "ten runs newer"),
    quiet(KeyCode::Home, NONE, Context::History, Action::First, "the newest run"),
    quiet(KeyCode::End, NONE, Context::History, Action::Last, "the oldest run that is loaded"),

    shown(KeyCode::Char('e'), NONE, Context::Outside, Action::Experiments, "experiment"),
    shown(KeyCode::F(2), NONE, Context::Anywhere, Action::Experiments, "experiment"),
    shown(KeyCode::Char('i'), NONE, Context::Outside, Action::EnterField, "type"),
    shown(KeyCode::Char('x'), NONE, Context::Outside, Action::OnRun(OnRun::Inspect), "look inside"),
    shown(KeyCode::Char('n'), NONE, Context::Outside, Action::OnRun(OnRun::Note), "note"),
    shown(KeyCode::Char('s'), NONE, Context::Outside, Action::OnRun(OnRun::Menu), "sheet or film"),
    shown(KeyCode::Char('r'), NONE, Context::Outside, Action::Recall, "recipe into the form"),
    shown(KeyCode::Char('c'), NONE, Context::Outside, Action::Cancel, "cancel the selected job"),
    quiet(KeyCode::Char('z'), NONE, Context::Outside, Action::Large, "the picture large, and back"),
    quiet(KeyCode::Char('T'), NONE, Context::Outside, Action::Theme, "next theme"),
    shown(KeyCode::Char('?'), NONE, Context::Outside, Action::Help, "keys"),
    shown(KeyCode::Char('q'), NONE, Context::Outside, Action::Leave, "leave"),
    shown(KeyCode::F(1), NONE, Context::Anywhere, Action::Help, "keys"),
    shown(KeyCode::Char('q'), CTRL, Context::Anywhere, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Anywhere, Action::Leave, "leave"),

    shown(KeyCode::Down, NONE, Context::Help, Action::Down, "further down"),
    quiet(KeyCode::Up, NONE, Context::Help, Action::Up, "further up"),
    quiet(KeyCode::PageDown, NONE, Context::Help, Action::PageDown, "ten lines down"),
    quiet(KeyCode::PageUp, NONE, Context::Help, Action::PageUp, "ten lines up"),
    shown(KeyCode::Esc, NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::F(1), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('?'), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('q'), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Help, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Help, Action::Leave, "leave"),

    shown(KeyCode::Enter, NONE, Context::Picker, Action::Choose, "choose"),
    shown(KeyCode::Down, NONE, Context::Picker, Action::Down, "next experiment"),
    quiet(KeyCode::Up, NONE, Context::Picker, Action::Up, "experiment before"),
    shown(KeyCode::Esc, NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::F(2), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('e'), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('q'), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Picker, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Picker, Action::Leave, "leave"),

    shown(KeyCode::Enter, NONE, Context::Question, Action::LeaveNow, "leave"),
    shown(KeyCode::Char('c'), NONE, Context::Question, Action::CancelAndLeave, "cancel them"),
    shown(KeyCode::Esc, NONE, Context::Question, Action::Close, "stay"),
    quiet(KeyCode::Char('q'), CTRL, Context::Question, Action::LeaveNow, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Question, Action::LeaveNow, "leave"),

    shown(KeyCode::Enter, NONE, Context::Note, Action::OnRun(OnRun::SaveNote), "save"),
    shown(KeyCode::Enter, ALT, Context::Note, Action::OnRun(OnRun::NoteLine), "new line"),
    shown(KeyCode::Esc, NONE, Context::Note, Action::Close, "keep as a draft"),
    quiet(KeyCode::Char('q'), CTRL, Context::Note, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Note, Action::Leave, "leave"),

    shown(KeyCode::Char('s'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Sheet)), "labelled sheet (PNG)"),
    shown(KeyCode::Char('g'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Gif)), "film of its steps (GIF)"),
    shown(KeyCode::Char('a'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Apng)), "film of its steps (animated PNG)"),
    shown(KeyCode::Char('t'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Turning)), "turning from view to view (GIF)"),
    shown(KeyCode::Esc, NONE, Context::Export, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Export, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Export, Action::Leave, "leave"),
];

impl App {
    /// Where a key is looked up, nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        match self.overlay {
            Some(Overlay::Leave) => return vec![Context::Question],
            Some(Overlay::Help(_)) => return vec![Context::Help],
            Some(Overlay::Experiments(_)) => return vec![Context::Picker],
            Some(Overlay::Note) => return vec![Context::Note],
            Some(Overlay::Export(_)) => return vec![Context::Export],
            None => {}
        }
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
        contexts.extend(match self.focus {
            Focus::Prompt if self.editing => vec![Context::Prompt],
            Focus::Prompt => vec![],
            Focus::Parameters => vec![Context::Parameters],
            Focus::Preview => vec![Context::Preview],
            Focus::Queue if self.queue.selected().is_some_and(|run| is_stopped(run.state)) => vec![Context::Stopped, Context::Queue],
            Focus::Queue => vec![Context::Queue],
            Focus::Log => vec![Context::Log],
            Focus::History if self.history.runs.is_empty() => vec![],
            Focus::History => vec![Context::History],
        });
        contexts.push(if self.editing { Context::Field } else { Context::Outside });
        contexts.push(Context::Anywhere);
        contexts
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
            Action::OnRun(action) => self.has_use_on_run(action),
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
