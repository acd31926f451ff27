//! The form of an experiment: a line of text a field, checked as it is typed.

use super::plan::Plan;
use super::prompt::{Prompt, clean, ends_line, show_cursor};
use crate::recipe::{self, Ask, Field, Image, Kind, MAX_CELLS, Recipe, RecipeError};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea};

/// A range of more steps than this is not expanded while it is typed.
const LONG: f64 = 20.0;

/// The fields that name a model.
const MODELS: [&str; 3] = ["model", "stage-two", "text-model"];

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

    /// What is shown where it is not typed in: a file by its name.
    pub fn words(&self) -> String {
        let image = self.is_file().then(|| self.value().parse::<Image>().ok()).flatten();
        image.map_or_else(|| self.value().to_owned(), |image| image.name().to_owned())
    }

    /// Whether it takes a picture.
    pub fn is_image(&self) -> bool {
        matches!(self.field.kind, Kind::Image | Kind::Mask)
    }

    /// Whether it names a model.
    pub fn is_model(&self) -> bool {
        MODELS.contains(&self.field.name.as_str())
    }

    fn is_file(&self) -> bool {
        self.is_image() || self.field.kind == Kind::File
    }

    /// Whether it holds a file that the workspace keeps: a hash, which nobody types in.
    pub fn is_kept(&self) -> bool {
        self.is_file() && self.value().parse::<Image>().is_ok_and(|image| image.hash().is_some())
    }

    pub(super) fn set(&mut self, text: &str) {
        self.text = line(text);
    }
}

/// Every parameter but the prompt.
pub struct Form {
    /// The experiment's name.
    pub experiment: &'static str,
    /// The declaration of the prompt; none where no text is read.
    pub prompt: Option<Field>,
    /// The fields in the order of their declaration.
    pub entries: Vec<Entry>,
    /// The one that the keys go to.
    pub selected: usize,
    /// What the fields make together.
    pub plan: Result<Plan, RecipeError>,
    /// Whether something was changed since the last run of it.
    pub changed: bool,
    /// The prompts that the fields are checked with.
    typed: String,
}

impl Form {
    pub(super) fn new(experiment: &'static str) -> Form {
        let (prompt, fields): (Vec<_>, Vec<_>) =
            recipe::fields(experiment).unwrap_or_default().into_iter().partition(|field| field.name == "prompt");
        let entries = fields.into_iter().map(|field| Entry { field, text: line(""), error: None }).collect();
        let prompt = prompt.into_iter().next();
        let mut form = Form { experiment, prompt, entries, selected: 0, plan: Ok(Plan::default()), changed: false, typed: String::new() };
        form.typed = form.example();
        form.check();
        form
    }

    pub(super) fn example(&self) -> String {
        self.prompt.as_ref().and_then(|field| field.default.clone()).unwrap_or_default()
    }

    /// Whether every line of the prompt is a prompt of its own.
    pub fn has_prompts(&self) -> bool {
        self.prompt.as_ref().is_some_and(|field| field.kind == Kind::Many)
    }

    /// Takes in what the prompt is. Only the number of prompts can make a recipe wrong.
    pub(super) fn hear(&mut self, prompt: &Prompt) {
        if !self.has_prompts() || self.typed.split('\n').eq(prompt.text.lines()) {
            return;
        }
        let number = |text: &str| lines(text).count();
        let before = number(&self.typed);
        self.typed = prompt.value();
        if number(&self.typed) != before {
            self.check();
        }
    }

    /// The selected field, where it takes a picture.
    pub fn image_field(&self) -> Option<&Entry> {
        self.entry().filter(|entry| entry.is_image())
    }

    /// Writes into a field; one that is not there is left out.
    pub fn set_field(&mut self, name: &str, text: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.field.name == name) {
            entry.set(text);
            self.check();
        }
    }

    /// The fields for models, each with whether it wants one that enlarges.
    pub(super) fn slots(&self) -> Vec<(&'static str, bool)> {
        let has = |name: &str| self.entries.iter().any(|entry| entry.field.name == name);
        // Where the prompts are read by another model, the model itself is one that enlarges.
        let enlarges = |name: &str| name == "stage-two" || name == "model" && has("text-model");
        MODELS.into_iter().filter(|name| has(name)).map(|name| (name, enlarges(name))).collect()
    }

    /// Writes a model into its field, and selects that.
    pub(super) fn take_model(&mut self, slot: &str, model: &str) {
        let Some(at) = self.entries.iter().position(|entry| entry.field.name == slot) else { return };
        self.select(at);
        // As it was most likely typed.
        let default = self.entries[at].field.default.as_deref() == Some(model);
        self.set_field(slot, if default { "" } else { model });
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
            // A kept picture is one thing: it goes as a whole, and is no text to walk in.
            KeyCode::Backspace | KeyCode::Delete if entry.is_kept() => {
                entry.set("");
                true
            }
            KeyCode::Char(_) if entry.is_kept() && (key.modifiers - KeyModifiers::SHIFT).is_empty() => {
                entry.set("");
                entry.text.input(key);
                true
            }
            _ if entry.is_kept() => false,
            _ => entry.text.input(key),
        };
        if changed {
            self.check();
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(entry) = self.entries.get_mut(self.selected).filter(|entry| entry.field.choices.is_empty()) {
            if entry.is_kept() {
                entry.set("");
            }
            entry.text.insert_str(clean(text.trim()).replace('\n', " "));
            self.check();
        }
    }

    /// Another of the words to choose from, `by` places further.
    pub(super) fn choose(&mut self, by: usize) {
        let Some(entry) = self.entry() else { return };
        let (choices, now) = (&entry.field.choices, self.asked(&entry.field.name));
        let at = choices.iter().position(|choice| *choice == now).unwrap_or(0);
        let choice = choices.get((at + by) % choices.len().max(1)).cloned();
        if let Some((entry, choice)) = self.entries.get_mut(self.selected).zip(choice) {
            entry.set(&choice);
            self.check();
        }
    }

    /// What is asked for with this prompt.
    pub fn ask(&self, prompt: &str) -> Ask {
        let typed = self.entries.iter().filter(|entry| !entry.value().trim().is_empty());
        let fields = typed.map(|entry| (entry.field.name.clone(), entry.value().to_owned()));
        let fields = self.prompts(prompt).into_iter().chain(fields).collect();
        Ask { experiment: self.experiment.to_owned(), fields }
    }

    /// A pair for each prompt in a text.
    fn prompts(&self, text: &str) -> Vec<(String, String)> {
        let pair = |text: &str| ("prompt".to_owned(), text.to_owned());
        match &self.prompt {
            None => Vec::new(),
            Some(_) if self.has_prompts() && lines(text).next().is_some() => lines(text).map(pair).collect(),
            // Left out it would be the example.
            Some(_) => vec![pair(if self.has_prompts() { "" } else { text })],
        }
    }

    /// Checks every field, and whether they agree.
    fn check(&mut self) {
        self.changed = true;
        let whole = self.ask(&self.typed);
        let (ends, times) = self.thin(whole.clone());
        let grid = match ends.expand() {
            // The whole is refused before any of its recipes is made.
            Ok(grid) if grid.recipes.len() as f64 * times > MAX_CELLS as f64 => whole.expand(),
            grid => grid,
        };
        // A whole that is right has no wrong part.
        let wrong = |entry: &Entry| grid.is_err().then(|| self.wrong(&ends, &entry.field.name)).flatten();
        let errors: Vec<_> = self.entries.iter().map(wrong).collect();
        for (entry, error) in self.entries.iter_mut().zip(errors) {
            entry.error = error;
        }
        if let Err(error) = &grid {
            self.blame(error);
        }
        self.plan = grid.map(|grid| Plan::of(&grid, times));
    }

    /// What is wrong with a field alone. Fields that must agree are judged together, when the whole form is.
    fn wrong(&self, ask: &Ask, name: &str) -> Option<String> {
        let (_, text) = ask.fields.iter().find(|(field, _)| field == name)?;
        let fields = [self.prompts(&self.typed), vec![(name.to_owned(), text.clone())]].concat();
        let error = Ask { experiment: ask.experiment.clone(), fields }.expand().err()?;
        (error.field.as_deref() == Some(name)).then_some(error.message)
    }

    /// What is wrong where no field is to blame: with the prompts, or with the whole.
    pub fn trouble(&self) -> Option<&str> {
        let error = self.plan.as_ref().err()?;
        let has_field = self.entries.iter().any(|entry| Some(&entry.field.name) == error.field.as_ref());
        (!has_field).then_some(error.message.as_str())
    }

    /// Long ranges cut to their ends, and how many times as much the whole is: ten thousand recipes take longer to make
    /// than a key may wait. What a run costs grows evenly along a range, so that its ends stand for its mean.
    fn thin(&self, mut ask: Ask) -> (Ask, f64) {
        let mut times = 1.0;
        for entry in self.entries.iter().filter(|entry| entry.field.kind == Kind::Number) {
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
            let values = pairs.iter().filter(|(name, _)| *name == entry.field.name).map(|(_, value)| value.as_str());
            let value = values.collect::<Vec<_>>().join(",");
            entry.set(if same(Some(&value), entry.field.default.as_deref()) { "" } else { &value });
        }
        self.typed = recipe.prompt();
        self.check();
    }

    /// Takes over what was typed in the form of another experiment, where it means the same.
    pub(super) fn carry(&mut self, other: &Form) {
        for entry in &mut self.entries {
            let theirs = other.entries.iter().find(|theirs| theirs.field.name == entry.field.name);
            let alike = |theirs: &&Entry| {
                // A kept step goes on in its own experiment only.
                theirs.field.kind == entry.field.kind && theirs.field.default == entry.field.default && theirs.field.name != "from"
            };
            if let Some(theirs) = theirs.filter(alike).filter(|theirs| !theirs.value().is_empty()) {
                entry.set(theirs.value());
            }
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

/// The lines of a text that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// An editor of one line, with the cursor behind the text.
pub(super) fn line(text: &str) -> TextArea<'static> {
    let mut editor = TextArea::new(vec![text.replace('\n', " ")]);
    editor.set_cursor_line_style(Style::default());
    editor.move_cursor(CursorMove::End);
    editor
}
