//! Which experiment the form is for, and what was typed in the forms of the others.

use super::{App, Focus, Form, Overlay};
use crate::recipe::{self, EXPERIMENTS, Kind, Recipe};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The forms that are put away, each with its prompt.
pub(super) type Drawer = HashMap<&'static str, (Form, String)>;

/// Every experiment and one sentence on it, in the order in which they are offered.
pub fn experiments() -> &'static [(&'static str, String)] {
    static ABOUT: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
        let about = |name| recipe::command(name).ok().and_then(|command| command.get_about().map(ToString::to_string));
        EXPERIMENTS.iter().map(|name| (*name, about(name).map(|words| words + ".").unwrap_or_default())).collect()
    });
    &ABOUT
}

impl App {
    /// The list of experiments, with the one of the form selected.
    pub(super) fn offer(&mut self) {
        let at = EXPERIMENTS.iter().position(|name| *name == self.form.experiment).unwrap_or(0);
        self.overlay = Some(Overlay::Experiments(at));
    }

    /// Moves the selection in the list; false where the list is not open.
    pub(super) fn step_offer(&mut self, by: isize) -> bool {
        let Some(Overlay::Experiments(at)) = self.overlay else { return false };
        self.overlay = Some(Overlay::Experiments(at.saturating_add_signed(by).min(EXPERIMENTS.len() - 1)));
        true
    }

    /// Takes an experiment from the list: the selected one, or the one that was clicked.
    pub(super) fn choose_experiment(&mut self, clicked: Option<usize>) {
        let Some(Overlay::Experiments(at)) = self.overlay.take() else { return };
        if let Some(name) = EXPERIMENTS.get(clicked.unwrap_or(at)) {
            self.take_up(name);
            self.go(Focus::Prompt);
        }
    }

    /// The form of an experiment as it was left, with what was typed since in fields that mean the same.
    pub(super) fn take_up(&mut self, experiment: &'static str) {
        if experiment == self.form.experiment {
            return;
        }
        let shown = self.prompt.value();
        let (mut form, mut prompt) = self.open_form(experiment);
        form.carry(&self.form);
        let single = |form: &Form| form.prompt.as_ref().is_some_and(|field| field.kind == Kind::Text);
        if single(&form) && single(&self.form) && shown != self.form.example() {
            prompt.clone_from(&shown);
        }
        self.put_away(form, &prompt, shown);
    }

    /// A recipe in the form of its experiment.
    pub(super) fn put_back(&mut self, recipe: &Recipe) {
        if recipe.experiment() != self.form.experiment {
            let shown = self.prompt.value();
            let (form, _) = self.open_form(recipe.experiment());
            self.put_away(form, "", shown);
        }
        self.form.recall(recipe);
        self.prompt.set(&recipe.prompt());
    }

    fn open_form(&mut self, experiment: &'static str) -> (Form, String) {
        self.drawer.remove(experiment).unwrap_or_else(|| {
            let form = Form::new(experiment);
            let example = form.example();
            (form, example)
        })
    }

    /// Puts a form in the place of the one that is shown.
    fn put_away(&mut self, form: Form, prompt: &str, shown: String) {
        let old = std::mem::replace(&mut self.form, form);
        self.drawer.insert(old.experiment, (old, shown));
        self.prompt.set(prompt);
    }
}
