//! The form of an experiment: a line of text a field, checked as it is typed.

use super::prompt::{clean, ends_line, show_cursor};
use crate::recipe::{self, Ask, Field, Grid, MAX_CELLS, Recipe, RecipeError};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea};

/// A range of more steps than this is not expanded while it is typed.
const LONG: f64 = 20.0;

/// One field and what is typed in it.
pub struct Entry {
    /// Its declaration.
    pub field: Field,
    /// What is typed; empty stands for the default.
    pub text: TextArea<'static>,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Entry {
    /// What is typed.
    pub fn value(&self) -> &str {
        self.text.lines().first().map_or("", String::as_str)
    }

    fn set(&mut self, text: &str) {
        self.text = line(text);
    }
}

/// What Enter would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Runs to be queued.
    pub runs: usize,
    /// Pictures that they make.
    pub pictures: usize,
    /// Times that they call the model.
    pub calls: usize,
    /// The model that they call.
    pub model: String,
}

/// Every parameter but the prompt.
pub struct Form {
    /// The experiment's name.
    pub experiment: &'static str,
    /// The fields in the order of their declaration.
    pub entries: Vec<Entry>,
    /// The one that the keys go to.
    pub selected: usize,
    /// What the fields make together.
    pub plan: Result<Plan, RecipeError>,
    example: String,
}

impl Form {
    pub(super) fn new(experiment: &'static str) -> Form {
        let (prompt, fields): (Vec<_>, Vec<_>) =
            recipe::fields(experiment).unwrap_or_default().into_iter().partition(|field| field.name == "prompt");
        let example = prompt.into_iter().next().and_then(|field| field.default).unwrap_or_default();
        let entries = fields.into_iter().map(|field| Entry { field, text: line(""), error: None }).collect();
        let nothing = Plan { runs: 0, pictures: 0, calls: 0, model: String::new() };
        let mut form = Form { experiment, entries, selected: 0, plan: Ok(nothing), example };
        form.check();
        form
    }

    pub(super) fn example(&self) -> String {
        self.example.clone()
    }

    /// The field that the keys go to.
    pub fn entry(&self) -> Option<&Entry> {
        self.entries.get(self.selected)
    }

    pub(super) fn select(&mut self, at: usize) {
        self.selected = at.min(self.entries.len().saturating_sub(1));
    }

    pub(super) fn up(&mut self) {
        self.selected = self.selected.saturating_sub(1);
    }

    pub(super) fn down(&mut self) {
        self.select(self.selected + 1);
    }

    /// Whether the selected field is a choice between words.
    pub fn is_choice(&self) -> bool {
        self.entry().is_some_and(|entry| !entry.field.choices.is_empty())
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        let choice = self.is_choice();
        let Some(entry) = self.entries.get_mut(self.selected) else { return };
        let changed = match key.code {
            _ if ends_line(key) => false,
            KeyCode::Backspace | KeyCode::Delete if choice => {
                entry.set("");
                true
            }
            _ if choice => false,
            _ => entry.text.input(key),
        };
        if changed {
            self.check();
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(entry) = self.entries.get_mut(self.selected).filter(|entry| entry.field.choices.is_empty()) {
            entry.text.insert_str(clean(text.trim()).replace('\n', " "));
            self.check();
        }
    }

    /// Another of the words to choose from, `by` places further.
    pub(super) fn choose(&mut self, by: usize) {
        let Some(entry) = self.entries.get_mut(self.selected) else { return };
        let choices = &entry.field.choices;
        let now = if entry.value().is_empty() { entry.field.default.as_deref().unwrap_or_default() } else { entry.value() };
        let at = choices.iter().position(|choice| choice == now).unwrap_or(0);
        if let Some(choice) = choices.get((at + by) % choices.len().max(1)).cloned() {
            entry.set(&choice);
            self.check();
        }
    }

    /// What is asked for with this prompt.
    pub fn ask(&self, prompt: &str) -> Ask {
        let typed = self.entries.iter().filter(|entry| !entry.value().trim().is_empty());
        let fields = typed.map(|entry| (entry.field.name.clone(), entry.value().to_owned()));
        let fields = std::iter::once(("prompt".to_owned(), prompt.to_owned())).chain(fields).collect();
        Ask { experiment: self.experiment.to_owned(), fields }
    }

    /// Checks every field, and whether they agree.
    fn check(&mut self) {
        let whole = self.ask(&self.example);
        let (ends, times) = self.thin(whole.clone());
        let grid = match ends.expand() {
            // The whole is refused before any of its recipes is made.
            Ok(grid) if grid.recipes.len() as f64 * times > MAX_CELLS as f64 => whole.expand(),
            grid => grid,
        };
        for entry in &mut self.entries {
            // A whole that is right has no wrong part.
            let typed = ends.fields.iter().find(|(name, _)| grid.is_err() && *name == entry.field.name);
            let wrong = typed.and_then(|(_, text)| entry.field.check(self.experiment, text).err());
            entry.error = wrong.map(|error| error.message);
        }
        if let Err(error) = &grid {
            self.blame(error);
        }
        self.plan = grid.map(|grid| plan(&grid, times));
    }

    /// Long ranges cut to their ends, and how many times as much the whole is: ten thousand recipes take longer to make
    /// than a key may wait. What a run costs grows evenly along a range, so that its ends stand for its mean.
    fn thin(&self, mut ask: Ask) -> (Ask, f64) {
        let mut times = 1.0;
        for entry in self.entries.iter().filter(|entry| entry.field.number) {
            let slot = ask.fields.iter_mut().find(|(name, _)| *name == entry.field.name);
            if let Some((slot, (ends, count))) = slot.zip(ends(entry.value())) {
                slot.1 = ends;
                times *= count / 2.0;
            }
        }
        (ask, times)
    }

    /// Shows an error at the field that is to blame, and says which that is.
    pub(super) fn blame(&mut self, error: &RecipeError) -> Option<usize> {
        let at = self.entries.iter().position(|entry| Some(&entry.field.name) == error.field.as_ref())?;
        self.entries[at].error.get_or_insert_with(|| error.message.clone());
        Some(at)
    }

    /// Puts a recipe back. What is as by default stays empty, as it was most likely typed.
    pub(super) fn recall(&mut self, recipe: &Recipe) {
        let pairs = recipe.pairs();
        for entry in &mut self.entries {
            let value = pairs.iter().find(|(name, _)| *name == entry.field.name).map(|(_, value)| value.as_str());
            let value = value.filter(|value| !same(Some(*value), entry.field.default.as_deref())).unwrap_or_default();
            entry.set(value);
        }
        self.check();
    }

    pub(super) fn show_cursor(&mut self, on: bool) {
        for (at, entry) in self.entries.iter_mut().enumerate() {
            show_cursor(&mut entry.text, on && at == self.selected && entry.field.choices.is_empty());
        }
    }
}

/// Whether two values mean the same: `7` and `7.0` do.
fn same(a: Option<&str>, b: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
    a == b || number(a).is_some() && number(a) == number(b)
}

/// The first and the last value of a long range, and how many it has.
fn ends(text: &str) -> Option<(String, f64)> {
    let (first, rest) = text.split_once("..")?;
    let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let (first, last, step) = (number(first)?, number(last)?, number(step)?);
    let steps = ((last - first) / step + 1e-9).floor();
    // What is no range at all is left to the recipe to refuse.
    let long = step > 0.0 && (LONG..MAX_CELLS as f64).contains(&steps);
    long.then(|| (format!("{first},{}", first + steps * step), steps + 1.0))
}

/// What a grid makes, if the whole is so many times as much.
fn plan(grid: &Grid, times: f64) -> Plan {
    let whole = |part: usize| (part as f64 * times).round() as usize;
    Plan {
        runs: whole(grid.recipes.len()),
        pictures: whole(grid.recipes.iter().map(Recipe::pictures).sum()),
        calls: whole(grid.recipes.iter().map(Recipe::model_calls).sum()),
        model: grid.recipes.first().map(|recipe| recipe.model().to_owned()).unwrap_or_default(),
    }
}

/// An editor of one line, with the cursor behind the text.
fn line(text: &str) -> TextArea<'static> {
    let mut editor = TextArea::new(vec![text.replace('\n', " ")]);
    editor.set_cursor_line_style(Style::default());
    editor.move_cursor(CursorMove::End);
    editor
}
