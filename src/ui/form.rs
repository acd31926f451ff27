//! The prompt, the form, and the recipe that takes the form's place.

use super::{Screen, inset, text};
use crate::app::{App, Entry, Focus, Form};
use crate::recipe::{Kind, Recipe, Run, State};
use ratatui::{
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// The fewest columns for a field's mark and name.
const LABEL: usize = 12;
/// The fewest rows for what is told about a field.
const HELP: u16 = 4;

impl Screen<'_, '_> {
    pub(super) fn prompt(&mut self, area: Rect) {
        if area.is_empty() {
            return;
        }
        let (inner, block) = self.pane(Focus::Prompt, area, false);
        let room = usize::from(inner.width).saturating_sub(2);
        let plan = match &self.app.form.plan {
            Ok(_) => Line::styled(format!(" {} ", text::clip(&plan(self.app, room), room)), self.dim()),
            Err(error) if error.field.as_deref() == Some("prompt") => Line::styled(text::clip(" the prompts are wrong ", room), self.bad()),
            Err(_) => Line::styled(text::clip(" a parameter is wrong ", room), self.bad()),
        };
        self.frame.render_widget(block.title_bottom(plan.alignment(Alignment::Right)), area);
        let prompt = &self.app.prompt.text;
        let inner = inset(inner);
        if self.app.form.prompt.is_none() {
            return self.sentence(inner, &promptless(&self.app.form));
        }
        self.frame.render_widget(prompt, inner);
        if prompt.is_empty() && !(self.app.editing && self.app.focus == Focus::Prompt) {
            self.sentence(inner, "Without a prompt the picture is unconditional.");
        }
        self.hidden_characters(area);
    }

    /// What the prompt's lines are for, where each is a prompt of its own.
    pub(super) fn prompt_title(&self, room: usize) -> String {
        let form = &self.app.form;
        let parts = form.parts().join(", ");
        let whole = format!("Prompts, one a line: {parts}");
        match form.has_prompts() {
            false => "Prompt".to_owned(),
            true if parts.is_empty() => "Prompts, one a line".to_owned(),
            true if text::columns(&whole) <= room => whole,
            true if text::columns(&parts) + "Prompts: ".len() <= room => format!("Prompts: {parts}"),
            true => parts,
        }
    }

    /// The editor draws nothing for control characters, so that a line on the border has to say that they are there.
    fn hidden_characters(&mut self, area: Rect) {
        let hidden = self.app.prompt.text.lines().iter().flat_map(|line| line.chars()).filter(|c| c.is_control()).count();
        if hidden > 0 && area.height > 0 {
            let words = format!(" {} hidden ", text::count(hidden, "control character"));
            let words = if area.width < 46 { format!(" {hidden} hidden ") } else { words };
            let line = Line::styled(words, self.bad());
            let top = Rect { height: 1, width: area.width.saturating_sub(1), ..area };
            self.frame.render_widget(line.alignment(Alignment::Right), top);
        }
    }

    pub(super) fn form(&mut self, area: Rect, tabs: bool) {
        let (inner, block) = self.pane(Focus::Parameters, area, tabs);
        let rows = rows(self.app, inner);
        let more = Line::styled(hidden(self.app, &rows), self.dim()).alignment(Alignment::Right);
        self.frame.render_widget(block.title_bottom(more), area);
        for (at, row) in rows {
            if let Some(entry) = self.app.form.entries.get(at) {
                self.field(entry, row, at == self.app.form.selected);
            }
        }
        let help = help_area(self.app, inner);
        if let Some(entry) = self.app.form.entry().filter(|_| help.height > 0) {
            let words = match (&entry.error, self.app.form.trouble()) {
                (Some(error), _) => vec![Line::styled(text::plain(error).into_owned(), self.bad())],
                (None, Some(trouble)) => vec![Line::styled(text::plain(trouble).into_owned(), self.bad())],
                (None, None) => {
                    let [help, range] = help_words(entry);
                    vec![Line::from(help), Line::styled(range, self.dim())]
                }
            };
            self.frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), help);
        }
    }

    fn field(&mut self, entry: &Entry, row: Rect, selected: bool) {
        let focused = selected && self.app.focus == Focus::Parameters;
        let mark = match (&entry.error, selected) {
            (Some(_), _) => "✗",
            (None, true) if focused => "▸",
            _ => " ",
        };
        let style = match (&entry.error, focused) {
            (Some(_), _) => self.bad().add_modifier(if focused { Modifier::BOLD } else { Modifier::empty() }),
            (None, true) => self.accent().add_modifier(Modifier::BOLD),
            (None, false) => self.dim(),
        };
        let label = label_width(self.app, row.width);
        let name = text::clip(&entry.field.name, usize::from(label).saturating_sub(2));
        self.frame.render_widget(Line::styled(format!("{mark}{name}"), style), row);
        let value = Rect { x: row.x + label, width: row.width.saturating_sub(label), ..row };
        let room = usize::from(value.width);
        let editing = focused && self.app.editing;
        if entry.value().is_empty() && !(editing && entry.field.choices.is_empty()) {
            let form = &self.app.form;
            let default = form.default(entry).unwrap_or_else(|| unset(form.experiment, &entry.field.name).to_owned());
            let words = self.choice(entry, &text::clip(&default, room), editing);
            self.frame.render_widget(Line::styled(words, self.dim()), value);
        } else if editing && entry.field.choices.is_empty() && !entry.is_kept() {
            self.frame.render_widget(&entry.text, value);
        } else {
            let words = text::clip(&entry.words(), room);
            let style = if entry.error.is_some() { self.bad() } else { Style::new() };
            self.frame.render_widget(Line::styled(self.choice(entry, &words, editing), style), value);
        }
    }

    /// A choice shows that there is more than one.
    fn choice(&self, entry: &Entry, words: &str, editing: bool) -> String {
        match editing && !entry.field.choices.is_empty() {
            true => format!("‹ {words} ›"),
            false => words.to_owned(),
        }
    }

    pub(super) fn recipe(&mut self, area: Rect) {
        let (inner, block) = self.pane(Focus::Parameters, area, false);
        self.frame.render_widget(block, area);
        let Some(run) = self.app.on_view() else {
            return self.sentence(inner, "The recipe of the picture is told here; ← and → in the history pick one.");
        };
        let mut lines = vec![Line::styled(format!("{} · {}", run.id, story(self.app, run)), self.accent())];
        lines.push(Line::from(""));
        lines.push(Line::from(text::plain(&text::title(&run.recipe)).into_owned()));
        lines.push(Line::from(""));
        lines.extend(self.note_lines(run));
        let told = told(&run.recipe);
        let label = told.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0).max(LABEL);
        for (name, value) in told {
            let name = Span::styled(format!("{name:<label$}"), self.dim());
            lines.push(Line::from(vec![name, Span::raw(text::plain(&value).into_owned())]));
        }
        lines.push(Line::from(""));
        lines.push(Line::styled("r puts it back into the form; n writes a note.", self.dim()));
        self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inset(inner));
    }
}

/// The fields of a recipe but the prompt, a line each: pictures by their name, several values together.
pub(super) fn told(recipe: &Recipe) -> Vec<(String, String)> {
    let images = recipe.images();
    let mut told: Vec<(String, String)> = Vec::new();
    for (name, value) in recipe.pairs().into_iter().filter(|(name, _)| name != "prompt") {
        let image = images.iter().find(|image| image.as_str() == value);
        let value = image.map_or(value.as_str(), |image| image.name());
        match told.last_mut().filter(|(last, _)| *last == name) {
            Some((_, values)) => *values += &format!(", {value}"),
            None => told.push((name, value.to_owned())),
        }
    }
    told.extend(recipe.filled());
    told
}

/// The sentence on a field, and what it takes.
fn help_words(entry: &Entry) -> [String; 2] {
    [entry.field.help.clone(), range(entry)]
}

/// What a field takes: `1..1000; a list or range makes a grid`.
fn range(entry: &Entry) -> String {
    let field = &entry.field;
    match (field.kind == Kind::Number, field.choices.is_empty()) {
        (true, _) => format!("{}; a list or a range makes a grid", field.range),
        (false, false) => field.choices.join(", "),
        (false, true) if entry.is_image() => "Ctrl-D draws one".to_owned(),
        (false, true) if entry.is_model() => "F3 lists those that are here".to_owned(),
        (false, true) => String::new(),
    }
}

/// What an empty field without a default stands for.
fn unset(experiment: &str, name: &str) -> &'static str {
    match (experiment, name) {
        ("sample-digits", "steps") => "as many as it learned",
        ("sample-digits", "epoch") => "the last",
        ("sample-digits", "class") => "one after the other",
        (_, "timesteps") => "strided",
        (_, "steps") => "by timesteps",
        (_, "images") => "all",
        (_, "until") => "the last",
        _ => "unset",
    }
}

/// What stands where the prompt is otherwise.
fn promptless(form: &Form) -> String {
    let name = form.experiment;
    match (form.entries.iter().any(Entry::is_image), form.plan.as_ref().is_ok_and(|plan| plan.epochs > 0)) {
        (true, _) => format!("{name} works on the picture alone and reads no prompt."),
        (_, true) => format!("{name} learns from its data and reads no prompt."),
        _ => format!("{name} reads no prompt."),
    }
}

/// How a run ended, and when.
pub(super) fn story(app: &App, run: &Run) -> String {
    let took = run.took_ms.map(|ms| text::duration(ms as f64) + " · ").unwrap_or_default();
    match run.state {
        State::Done => format!("{took}{}", text::ago(app.now_ms.saturating_sub(run.created_ms))),
        state => state.word().to_owned(),
    }
}

/// `12 pictures, about 3 s`; where they are many, with the model calls as far as there is room.
fn plan(app: &App, room: usize) -> String {
    let Some((plan, ms)) = app.plan() else { return String::new() };
    let runs = (plan.runs != plan.pictures && plan.runs != 1).then(|| text::count(plan.runs, "run"));
    let time = ms.map(|ms| format!("about {}", text::rough(ms)));
    let calls = match (plan.steps, plan.calls) {
        (0, ..1000) => None,
        (0, calls) => Some(text::count(calls, "model call")),
        (steps, _) => Some(text::count(steps, "step")),
    };
    if plan.epochs > 0 {
        let parts = [runs, Some(text::count(plan.epochs, "epoch")), time];
        return parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    }
    let pictures = Some(text::count(plan.pictures, "picture"));
    let join = |parts: [&Option<String>; 4]| parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let whole = join([&runs, &pictures, &calls, &time]);
    if text::columns(&whole) <= room.saturating_sub(2) { whole } else { join([&runs, &pictures, &None, &time]) }
}

/// `↑ 3 above · ↓ 4 below`: fields out of sight.
fn hidden(app: &App, rows: &[(usize, Rect)]) -> String {
    let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { return String::new() };
    let below = app.form.entries.len().saturating_sub(last + 1);
    let above = (*first > 0).then(|| format!("↑ {first} above"));
    let below = (below > 0).then(|| format!("↓ {below} below"));
    let words: Vec<_> = above.into_iter().chain(below).collect();
    if words.is_empty() { String::new() } else { format!(" {} ", words.join(" · ")) }
}

/// Columns for a field's mark and name: at most half of all, so that values can be read.
fn label_width(app: &App, width: u16) -> u16 {
    let longest = app.form.entries.iter().map(|entry| entry.field.name.len() + 2).max();
    (longest.unwrap_or(0) as u16).min(width / 2).max(LABEL as u16)
}

/// The lines below the fields that tell about the selected one.
fn help_area(app: &App, inner: Rect) -> Rect {
    // Room for every field and an empty line, or as many fields as leave enough lines.
    let width = usize::from(inset(inner).width);
    let words = app.form.entry().map(help_words).into_iter().flatten();
    let needed: usize = words.filter(|words| !words.is_empty()).map(|words| text::wrap(&words, width).len()).sum();
    let help = (needed as u16).clamp(HELP, (inner.height / 2).max(HELP));
    let fields = (app.form.entries.len() as u16 + 1).min(inner.height.saturating_sub(help));
    let below = Rect { y: inner.y + fields, height: inner.height - fields, ..inner };
    inset(below)
}

/// The fields that are in sight, each with its row.
fn rows(app: &App, inner: Rect) -> Vec<(usize, Rect)> {
    let height = inner.height.saturating_sub(help_area(app, inner).height);
    let first = (app.form.selected + 1).saturating_sub(usize::from(height));
    let fields = first..app.form.entries.len().min(first + usize::from(height));
    fields.zip(inner.y..).map(|(at, y)| (at, Rect { y, height: 1, ..inner })).collect()
}

/// The field at a spot.
pub(super) fn field_at(app: &App, inner: Rect, at: Position) -> Option<usize> {
    rows(app, inner).into_iter().find(|(_, row)| row.contains(at)).map(|(field, _)| field)
}
