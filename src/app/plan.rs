//! What Enter would do, before it is pressed.

use super::{Entry, Form};
use crate::recipe::{self, Grid, Recipe, Split, View};
use clap::ValueEnum;
use std::sync::Arc;

/// What Enter would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Runs to be queued.
    pub runs: usize,
    /// Pictures that they make.
    pub pictures: usize,
    /// Times that they call the model.
    pub calls: usize,
    /// Epochs that they learn, where they are trainings; else 0.
    pub epochs: usize,
    /// Steps that they make, where they jump back and forth; else 0.
    pub steps: usize,
    /// The model that they call.
    pub model: String,
    /// How the first of them jumps, where it does.
    pub schedule: Option<Schedule>,
}

/// A walk that jumps back and goes again (RePaint).
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The index of the timestep of each step.
    pub indexes: Arc<[usize]>,
    /// How many steps a walk without jumps has.
    pub straight: usize,
    /// How far a jump goes back.
    pub length: usize,
    /// How often each stretch of that length is walked.
    pub count: usize,
}

impl Schedule {
    fn of(recipe: &Recipe) -> Option<Schedule> {
        let Recipe::Inpaint(inpaint) = recipe else { return None };
        let indexes: Arc<[usize]> = inpaint.schedule().into();
        let straight = inpaint.walk.calls(inpaint.steps);
        let (length, count) = (inpaint.jump_length, inpaint.jump_count);
        (indexes.len() > straight).then_some(Schedule { indexes, straight, length, count })
    }
}

impl Plan {
    /// What a grid makes, if the whole is so many times as much.
    pub(super) fn of(grid: &Grid, times: f64) -> Plan {
        let whole = |part: usize| (part as f64 * times).round() as usize;
        let steps = |recipe: &Recipe| recipe.schedule().map_or(0, |schedule| schedule.len());
        let schedule = grid.recipes.iter().find_map(Schedule::of);
        let epochs = |recipe: &Recipe| recipe.training().map_or(0, |training| training.last());
        Plan {
            runs: whole(grid.recipes.len()),
            pictures: whole(grid.recipes.iter().map(Recipe::pictures).sum()),
            calls: whole(grid.recipes.iter().map(Recipe::model_calls).sum()),
            epochs: whole(grid.recipes.iter().map(epochs).sum()),
            steps: if schedule.is_some() { whole(grid.recipes.iter().map(steps).sum()) } else { 0 },
            model: grid.recipes.first().map(|recipe| recipe.model().to_owned()).unwrap_or_default(),
            schedule,
        }
    }
}

impl Form {
    /// What each line of the prompt is for: the views of an anagram, the parts of a hybrid; empty where that is plain.
    pub fn parts(&self) -> Vec<String> {
        if !self.has_prompts() {
            return Vec::new();
        }
        let views: Vec<_> = self.asked("view").split(',').filter_map(|view| view.parse::<View>().ok()).collect();
        if !views.is_empty() {
            return views.iter().map(View::to_string).collect();
        }
        let Ok(split) = Split::from_str(&self.asked("split"), false) else { return Vec::new() };
        let mut parts: Vec<_> = split.parts().iter().map(|part| (*part).to_owned()).collect();
        let fixed = self.asked("fixed").parse::<usize>().ok().filter(|fixed| (1..=parts.len()).contains(fixed));
        if let Some(fixed) = fixed.filter(|_| !self.asked("reference").is_empty()) {
            parts.remove(fixed - 1);
        }
        parts
    }

    /// What a field that is left empty stands for: by default, or by the edition of the course.
    pub fn default(&self, entry: &Entry) -> Option<String> {
        let preset = || match entry.field.name.as_str() {
            "edition" => None,
            name => recipe::preset(self.experiment, &self.asked("edition"), name),
        };
        entry.field.default.clone().or_else(preset)
    }

    /// What a field says, or would by default.
    pub(super) fn asked(&self, name: &str) -> String {
        let entry = self.entries.iter().find(|entry| entry.field.name == name);
        let value = entry.map(|entry| match entry.value().trim() {
            "" => self.default(entry).unwrap_or_default(),
            value => value.to_owned(),
        });
        value.unwrap_or_default()
    }
}
