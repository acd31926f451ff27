//! The models on the engine's machine: which there are, which one the form takes, and the one that is downloaded.

use super::form::line;
use super::prompt::{clean, ends_line, show_cursor};
use super::{App, Download, Effect, Focus, Overlay};
use crate::link::{Command, Doing, Model, PullEnd, Pulling};
use crossterm::event::KeyEvent;
use ratatui_textarea::TextArea;

/// What is known of models.
pub struct Models {
    /// As last told; none before the engine has answered.
    pub list: Option<Vec<Model>>,
    /// The download that is under way.
    pub download: Option<Download>,
    /// How the last one ended.
    pub end: Option<(PullEnd, String)>,
    /// Why the last key did nothing.
    pub refusal: Option<String>,
    /// The name of a repository, as far as it is typed.
    pub line: TextArea<'static>,
    /// The name that was sent last, until it is known to have been right.
    asked: Option<String>,
}

/// What a key can do about models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnModels {
    Open,
    Take,
    Name,
    Pull,
    Back,
    StopPull,
}

impl Models {
    pub(super) fn new() -> Models {
        Models { list: None, download: None, end: None, refusal: None, line: editor(""), asked: None }
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        self.refusal = None;
        if !ends_line(key) {
            self.line.input(key);
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.line.insert_str(clean(text.trim()).replace('\n', " "));
    }

    /// The name that was sent was wrong, or is not done with: it need not be typed again.
    fn give_back(&mut self) {
        if let Some(asked) = self.asked.take().filter(|_| self.line.is_empty()) {
            self.line = editor(&asked);
        }
    }
}

impl App {
    /// Whether something goes on whose time is told.
    pub fn is_moving(&self) -> bool {
        self.queue.current().is_some() || self.models.download.is_some()
    }

    pub(super) fn on_models(&mut self, action: OnModels) {
        self.models.refusal = None;
        match action {
            OnModels::Open => self.open_models(),
            OnModels::Take => self.take_model(),
            OnModels::Name => self.name_repository(),
            OnModels::Pull => self.pull(),
            OnModels::Back => self.overlay = self.at_model().map(Overlay::Models),
            OnModels::StopPull => {
                if self.has_use_on_models(action) {
                    self.effects.push(Effect::Send(Command::StopPull));
                }
            }
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_models(&self, action: OnModels) -> bool {
        match action {
            OnModels::Take => self.at_model().is_some_and(|at| self.model(at).is_some()),
            OnModels::Name => self.models.download.is_none(),
            OnModels::StopPull => self.models.download.as_ref().is_some_and(|download| download.how.doing != Doing::Stops),
            OnModels::Pull => !self.models.line.lines().concat().trim().is_empty(),
            OnModels::Open | OnModels::Back => true,
        }
    }

    /// The list, with the model of the form selected, and as it is now.
    fn open_models(&mut self) {
        self.overlay = Some(Overlay::Models(self.place_of_named()));
        self.effects.push(Effect::Send(Command::Models));
    }

    /// The place in the list of the first model that the form names.
    fn place_of_named(&self) -> usize {
        let named = self.form.slots().iter().map(|(name, _)| self.form.asked(name)).find(|name| !name.is_empty());
        let is_named = |model: &Model| Some(&model.name) == named.as_ref();
        self.models.list.iter().flatten().position(is_named).unwrap_or(0)
    }

    /// The place of the selected model, where the list is open.
    fn at_model(&self) -> Option<usize> {
        match self.overlay {
            Some(Overlay::Models(at) | Overlay::Pull(at)) => Some(at),
            _ => None,
        }
    }

    fn model(&self, at: usize) -> Option<&Model> {
        self.models.list.as_ref()?.get(at)
    }

    /// Moves the selection in the list; false where the list is not open.
    pub(super) fn step_models(&mut self, by: isize) -> bool {
        let Some(Overlay::Models(at)) = self.overlay else { return false };
        let last = self.models.list.as_ref().map_or(0, Vec::len).saturating_sub(1);
        self.models.refusal = None;
        self.overlay = Some(Overlay::Models(at.saturating_add_signed(by).min(last)));
        true
    }

    /// A click into the list; false where the list is not open.
    pub(super) fn click_model(&mut self, row: usize) -> bool {
        if self.at_model().is_none() {
            return false;
        }
        self.overlay = Some(Overlay::Models(row));
        self.take_model();
        true
    }

    /// The selected model goes into the field of the form that is for its kind.
    fn take_model(&mut self) {
        let Some(model) = self.at_model().and_then(|at| self.model(at)) else { return };
        let (name, enlarges) = (model.name.clone(), model.enlarges);
        let Some(slot) = self.slot(enlarges) else {
            let experiment = self.form.experiment;
            self.models.refusal = Some(match enlarges {
                true => format!("{experiment} has no field for a stage II model; upscale and sample have one."),
                false => format!("{experiment} has no field for a model."),
            });
            return;
        };
        self.overlay = None;
        self.form.take_model(slot, &name);
        self.go(Focus::Parameters);
    }

    /// The field for a kind of model: the selected one where it is, or else the first.
    fn slot(&self, enlarges: bool) -> Option<&'static str> {
        let slots: Vec<_> = self.form.slots().into_iter().filter(|(_, wanted)| *wanted == enlarges).map(|(name, _)| name).collect();
        let entry = self.form.entry().filter(|_| self.focus == Focus::Parameters);
        let selected = slots.iter().find(|name| entry.is_some_and(|entry| entry.field.name == **name));
        selected.or(slots.first()).copied()
    }

    fn name_repository(&mut self) {
        if !self.is_pulling() {
            self.overlay = self.at_model().map(Overlay::Pull);
        }
    }

    /// Whether a download is under way; says that there is one at a time.
    fn is_pulling(&mut self) -> bool {
        let words = |download: &Download| format!("One at a time: {} is under way; x breaks it off.", download.name());
        self.models.refusal = self.models.download.as_ref().map(words);
        self.models.refusal.is_some()
    }

    fn pull(&mut self) {
        let repository = self.models.line.lines().concat().trim().to_owned();
        if repository.is_empty() || self.is_pulling() {
            return;
        }
        self.models.line = editor("");
        self.models.asked = Some(repository.clone());
        self.models.end = None;
        self.overlay = self.at_model().map(Overlay::Models);
        self.effects.push(Effect::Send(Command::Pull { repository }));
        self.tell_wait();
    }

    /// The selection stays on its model.
    pub(super) fn models_came(&mut self, models: Vec<Model>) {
        let selected = self.at_model().and_then(|at| self.model(at)).map(|model| model.name.clone());
        let first = self.models.list.replace(models).is_none();
        let place = self.models.list.iter().flatten().position(|model| Some(&model.name) == selected.as_ref());
        let place = if first { Some(self.place_of_named()) } else { place };
        let last = self.models.list.iter().flatten().count().saturating_sub(1);
        if let Some(Overlay::Models(at) | Overlay::Pull(at)) = &mut self.overlay {
            *at = place.unwrap_or(*at).min(last);
        }
    }

    /// A download goes on, or another one than this terminal knew of.
    pub(super) fn pulling(&mut self, how: Pulling) {
        self.models.end = None;
        match &mut self.models.download {
            Some(download) if download.how.repository == how.repository => download.goes_on(how, self.now_ms),
            download => *download = Some(Download::new(how)),
        }
    }

    pub(super) fn pulled(&mut self, repository: &str, end: PullEnd, text: String) {
        self.models.download = None;
        self.models.end = Some((end, text));
        match end {
            PullEnd::Done => self.models.asked = None,
            PullEnd::Failed | PullEnd::Stopped if self.models.asked.as_deref() == Some(repository) => self.models.give_back(),
            PullEnd::Failed | PullEnd::Stopped => {}
        }
        self.models_again();
    }

    /// The engine says why something cannot be done.
    pub(super) fn refused(&mut self, text: &str) {
        if self.at_model().is_some() {
            self.models.refusal = Some(text.to_owned());
            let now = self.models.download.as_ref().map(|download| download.how.repository.as_str());
            if self.models.asked.as_deref() != now {
                self.models.give_back();
            }
        }
    }

    /// The link is cut: a download ends with its engine, and another one tells of its own.
    pub(super) fn models_cut(&mut self) {
        self.models.download = None;
        self.models.give_back();
    }

    /// The list is asked for again while it is looked at.
    pub(super) fn models_again(&mut self) {
        if self.at_model().is_some() {
            self.effects.push(Effect::Send(Command::Models));
        }
    }
}

fn editor(text: &str) -> TextArea<'static> {
    let mut editor = line(text);
    show_cursor(&mut editor, true);
    editor
}
