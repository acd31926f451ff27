//! What keys and the mouse do.

use super::keys::{Action, is_stopped};
use super::{App, Effect, Engine, Focus, OnGallery, Overlay, Target, Tone};
use crate::link::Command;
use crate::recipe::{Recipe, RunId, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

/// How far a page key goes.
const PAGE: isize = 10;

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.gallery.key_came();
        match self.binding(key).map(|binding| binding.action) {
            Some(action) if self.is_for_others(action) => self.tell_watching(),
            Some(action) => self.act(action),
            None if self.overlay == Some(Overlay::Note) => {
                self.notes.key(key);
                if key.code == KeyCode::Char(' ') {
                    self.keep_note();
                }
            }
            None if matches!(self.overlay, Some(Overlay::Pull(_))) => self.models.key(key),
            None if self.overlay.is_some() || self.is_covered() => {}
            None if self.gallery.open => self.gallery_key(key),
            None if !self.editing => {}
            None if self.focus == Focus::Prompt => {
                if !super::prompt::ends_line(key) {
                    self.prompt.key(key);
                }
            }
            None => self.form.key(key),
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        match self.focus {
            // What filters the gallery changes nothing in it.
            _ if self.watches && (!self.gallery.open || self.is_covered()) => self.tell_watching(),
            _ if self.overlay == Some(Overlay::Note) => {
                self.notes.paste(text);
                self.keep_note();
            }
            _ if matches!(self.overlay, Some(Overlay::Pull(_))) => self.models.paste(text),
            _ if self.overlay.is_some() || self.is_covered() => {}
            _ if self.gallery.open => self.gallery_paste(text),
            Focus::Parameters if self.editing => self.form.paste(text),
            _ if self.form.prompt.is_none() => {
                self.go(Focus::Parameters);
                self.form.paste(text);
            }
            // Pasted text is a prompt wherever it lands.
            _ => {
                self.go(Focus::Prompt);
                self.prompt.paste(text);
            }
        }
    }

    pub(super) fn click(&mut self, target: Target) {
        match target {
            Target::Offer(at) => return self.choose_experiment(Some(at)),
            Target::Curve(at) if self.click_curve(at) => return,
            Target::Model(at) if self.click_model(at) => return,
            _ => {}
        }
        // A click beside a note does not end the writing.
        if self.overlay == Some(Overlay::Note) || self.overlay.take().is_some() {
            return;
        }
        match target {
            Target::Sketch(sketch) => self.sketch(sketch),
            Target::Pane(pane) => self.go(pane),
            Target::Experiment => self.offer(),
            Target::Part(part) => self.widen(part),
            Target::Cell(at) => self.click_cell(at),
            Target::Thumb(place) => self.click_thumb(place),
            Target::Relation(at) => self.open_relation(Some(at)),
            Target::Filter => self.on_gallery(OnGallery::Type),
            Target::Offer(_) | Target::Curve(_) | Target::Model(_) => {}
            Target::Field(at) => {
                self.go(Focus::Parameters);
                self.form.select(at);
            }
            Target::Queued(id) => {
                self.go(Focus::Queue);
                self.queue.select(id);
                self.pin_queued();
                self.take_up_run(id);
            }
            Target::Finished(id) => {
                self.go(Focus::History);
                self.history.select(id);
                self.pin_finished();
            }
        }
    }

    pub(super) fn wheel(&mut self, pane: Focus, down: bool) {
        let step = if down { 1 } else { -1 };
        match (self.overlay, pane) {
            (Some(Overlay::Help(at)), _) => self.overlay = Some(Overlay::Help(at.saturating_add_signed(step))),
            (Some(Overlay::Experiments(_)), _) => {
                self.step_offer(step.into());
            }
            (Some(Overlay::Curves(_)), _) => {
                self.step_curves(step.into());
            }
            (Some(Overlay::Models(_)), _) => {
                self.step_models(step.into());
            }
            (None, _) if self.shown_table().is_some() => {
                self.walk_table(if down { Action::Down } else { Action::Up });
            }
            (None, Focus::Preview) if self.watch.is_some() => self.step_epoch(step.into()),
            (Some(_), _) => {}
            (None, _) if self.gallery.open && self.watch.is_none() => {
                self.step_gallery(if down { Action::Down } else { Action::Up });
            }
            (_, Focus::Preview) => {}
            (_, Focus::Prompt) => self.prompt.text.scroll((step, 0)),
            (_, Focus::Parameters) if down => self.form.down(),
            (_, Focus::Parameters) => self.form.up(),
            (_, Focus::Queue) => self.queue.step_selection(step.into()),
            (_, Focus::Log) => self.log.scroll(-isize::from(step)),
            (_, Focus::History) => self.step_history(step.into()),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Develop => self.develop(),
            Action::Resume => self.resume(),
            Action::OnRun(action) => self.on_run(action),
            Action::OnQueue(action) => self.on_queue(action),
            Action::OnCompare(action) => self.on_compare(action),
            Action::OnTable(action) => self.on_table(action),
            Action::OnTraining(action) => self.on_training(action),
            Action::OnModels(action) => self.on_models(action),
            Action::OnGallery(action) => self.on_gallery(action),
            Action::Draw => self.draw(),
            Action::Sketch(sketch) => self.sketch(sketch),
            Action::Large => self.enlarge(),
            Action::Experiments => self.offer(),
            Action::Choose => self.choose_experiment(None),
            Action::NextPane => self.step_pane(1),
            Action::PreviousPane => self.step_pane(Focus::ALL.len() - 1),
            Action::LeaveField => self.editing = false,
            Action::EnterField => self.editing = self.focus.is_field(),
            Action::NewLine => self.prompt.new_line(),
            Action::Up | Action::Down | Action::Left | Action::Right => self.arrow(action),
            Action::PageUp | Action::PageDown | Action::First | Action::Last => self.leap(action),
            Action::Cancel => self.cancel(),
            Action::Recall => self.recall(),
            Action::Newest => {
                self.unpin();
                self.history.at = 0;
            }
            Action::Theme => self.theme = (self.theme + 1) % self.themes.len().max(1),
            Action::Help => self.overlay = Some(Overlay::Help(self.help_begin())),
            Action::Leave => self.leave(),
            Action::LeaveNow => self.effects.push(Effect::Quit),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::CancelAndLeave => self.cancel_and_leave(),
            Action::Close if self.overlay.is_none() => self.end_peek(),
            Action::Close => self.overlay = None,
        }
    }

    fn arrow(&mut self, action: Action) {
        let on = matches!(action, Action::Down | Action::Right);
        let by = if on { 1 } else { -1 };
        if let Some(Overlay::Help(at)) = self.overlay {
            self.overlay = Some(Overlay::Help(at.saturating_add_signed(by)));
            return;
        }
        if self.walk_table(action)
            || self.step_offer(by as isize)
            || self.step_curves(by as isize)
            || self.step_models(by as isize)
            || self.step_gallery(action)
        {
            return;
        }
        match (self.focus, action) {
            (Focus::Prompt, Action::Up) => self.prompt.up(),
            (Focus::Prompt, Action::Down) => self.prompt.down(),
            (Focus::Parameters, Action::Up) => self.form.up(),
            (Focus::Parameters, Action::Down) => self.form.down(),
            (Focus::Parameters, Action::Right) => self.form.choose(1),
            (Focus::Parameters, Action::Left) => {
                let choices = self.form.entry().map_or(1, |entry| entry.field.choices.len().max(1));
                self.form.choose(choices - 1);
            }
            (Focus::Preview, _) => self.step_picture(on),
            (Focus::Queue, _) => {
                self.queue.step_selection(by.into());
                self.pin_queued();
            }
            (Focus::Log, _) => self.log.scroll(-isize::from(by)),
            (Focus::History, _) => self.step_history(by.into()),
            (Focus::Prompt | Focus::Parameters, _) => {}
        }
    }

    fn leap(&mut self, action: Action) {
        if self.walk_table(action) {
            return;
        }
        let by = match action {
            Action::PageUp => -PAGE,
            Action::PageDown => PAGE,
            Action::First => isize::MIN,
            _ => isize::MAX,
        };
        match (self.overlay, self.focus) {
            (Some(Overlay::Help(at)), _) => self.overlay = Some(Overlay::Help(at.saturating_add_signed(by as i16))),
            _ if self.step_gallery(action) => {}
            (_, Focus::Log) => self.log.scroll(by.saturating_neg()),
            (_, Focus::History) => self.step_history(by),
            _ => {}
        }
    }

    /// Tab. A prompt that nobody reads is passed over.
    fn step_pane(&mut self, by: usize) {
        let next = self.focus.step(by);
        let skip = next == Focus::Prompt && self.form.prompt.is_none();
        self.go(if skip { next.step(by) } else { next });
    }

    /// Moves to a pane; in a field the keys are text at once.
    pub(super) fn go(&mut self, pane: Focus) {
        let pane = if pane == Focus::Prompt && self.form.prompt.is_none() { Focus::Parameters } else { pane };
        self.focus = pane;
        self.editing = pane.is_field() && !self.watches;
        self.large &= matches!(pane, Focus::Preview | Focus::History);
        match pane {
            Focus::History => self.pin_finished(),
            Focus::Preview => {}
            // Elsewhere nothing says that the preview stands still.
            _ => self.pin(None),
        }
    }

    /// The picture on the whole screen, and back. The keys must not go to a pane that it hides.
    fn enlarge(&mut self) {
        let large = !self.large && self.on_view().is_some();
        if large && self.focus != Focus::History {
            self.go(Focus::Preview);
        }
        self.large = large;
    }

    fn develop(&mut self) {
        let prompt = self.prompt.value();
        let grid = match self.form.ask(&prompt).expand() {
            Ok(grid) => grid,
            Err(error) => {
                if let Some(at) = self.form.blame(&error) {
                    self.go(Focus::Parameters);
                    self.form.select(at);
                } else if error.field.as_deref() == Some("prompt") {
                    self.go(Focus::Prompt);
                }
                self.log.push(self.now_ms, Tone::Bad, error.message);
                return;
            }
        };
        if self.form.prompt.is_some() {
            self.prompt.ran(prompt);
        }
        self.form.changed = false;
        self.unpin();
        self.drawings_queued(&grid.recipes);
        self.effects.push(Effect::Send(Command::Submit { grid }));
        self.tell_wait();
    }

    pub(super) fn tell_wait(&mut self) {
        if !matches!(self.engine, Engine::Up { .. }) {
            self.log.push(self.now_ms, Tone::Warning, "Waits for the engine.".to_owned());
        }
    }

    fn resume(&mut self) {
        if let Some(run) = self.queue.selected().filter(|run| is_stopped(run.state)).map(|run| run.id) {
            self.unpin();
            self.queue.ask_for(run);
            self.effects.push(Effect::Send(Command::Resume { run }));
            self.tell_wait();
        }
    }

    /// The job that `c` cancels: the training that is watched, or the selected one in the queue.
    pub(super) fn to_cancel(&self) -> Option<RunId> {
        let meant = if self.watch.is_some() { self.watched() } else { self.queue.selected() };
        meant.filter(|run| run.state.is_open()).map(|run| run.id)
    }

    fn cancel(&mut self) {
        if let Some(run) = self.to_cancel() {
            self.effects.push(Effect::Send(Command::Cancel { run }));
            if self.queue.is_running(run) {
                self.log.push(self.now_ms, Tone::Plain, format!("{run} is cancelled after this step."));
            }
        }
    }

    pub(super) fn recall(&mut self) {
        if let Some(recipe) = self.selected().map(|run| run.recipe.clone()) {
            (self.watch, self.compare, self.sweep) = (None, None, None);
            self.close_gallery();
            self.put_back(&recipe);
            self.go(Focus::Prompt);
        }
    }

    fn leave(&mut self) {
        match self.open() {
            _ if self.watches => self.effects.push(Effect::Quit),
            0 => self.effects.push(Effect::Quit),
            _ => self.overlay = Some(Overlay::Leave),
        }
    }

    fn cancel_and_leave(&mut self) {
        self.effects.extend([Effect::Send(Command::CancelAll), Effect::Quit]);
    }

    fn step_history(&mut self, by: isize) {
        self.history.step(by);
        self.pin_finished();
        let more = self.history.more();
        self.effects.extend(more.map(Effect::Send));
    }

    fn pin_finished(&mut self) {
        self.pin(self.history.selected().map(|run| run.id));
    }

    fn pin_queued(&mut self) {
        // A waiting run has nothing to show yet, and must not hide one that is developing.
        self.pin(self.queue.selected().filter(|run| run.state != State::Queued).map(|run| run.id));
    }

    pub(super) fn pin(&mut self, run: Option<RunId>) {
        if self.pinned != run {
            self.alone = None;
        }
        self.pinned = run;
    }

    fn unpin(&mut self) {
        self.pin(None);
        self.large = false;
    }

    /// The next or the previous of a run's pictures alone; before the first come all of them.
    pub(super) fn step_picture(&mut self, on: bool) {
        let count = self.on_view().filter(|run| run.state == State::Done).map_or(0, |run| Recipe::pictures(&run.recipe) as u32);
        if count > 1 {
            self.alone = match self.alone {
                None if on => Some(0),
                Some(0) if !on => None,
                Some(at) if on => Some((at + 1).min(count - 1)),
                Some(at) => Some(at - 1),
                None => None,
            };
        }
    }
}
