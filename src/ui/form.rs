//! The prompt, the form, and the recipe that takes the form's place.

use super::{Canvas, inset, text};
use crate::app::{App, Entry, Focus};
use crate::recipe::{Run, State};
use ratatui::{
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// Columns for a field's mark and name.
const LABEL: u16 = 12;

impl Canvas<'_, '_> {
    pub(super) fn prompt(&mut self, area: Rect) {
        if area.is_empty() {
            return;
        }
        let (inner, block) = self.pane(Focus::Prompt, area, false);
        let room = usize::from(inner.width).saturating_sub(2);
        let plan = match &self.app.form.plan {
            Ok(_) => Line::styled(format!(" {} ", text::clip(&plan(self.app), room)), self.dim()),
            Err(_) => Line::styled(text::clip(" a parameter is wrong ", room), self.bad()),
        };
        self.frame.render_widget(block.title_bottom(plan.alignment(Alignment::Right)), area);
        let prompt = &self.app.prompt.text;
        let inner = inset(inner);
        self.frame.render_widget(prompt, inner);
        if prompt.is_empty() && !(self.app.editing && self.app.focus == Focus::Prompt) {
            self.sentence(inner, "Without a prompt the picture is unconditional.");
        }
        self.hidden_characters(area);
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
        self.frame.render_widget(block, area);
        for (at, row) in rows(self.app, inner) {
            if let Some(entry) = self.app.form.entries.get(at) {
                self.field(entry, row, at == self.app.form.selected);
            }
        }
        let help = help_area(self.app, inner);
        if let Some(entry) = self.app.form.entry().filter(|_| help.height > 0) {
            let words = match &entry.error {
                Some(error) => vec![Line::styled(text::plain(error).into_owned(), self.bad())],
                None => vec![Line::from(entry.field.help.clone()), Line::styled(range(entry), self.dim())],
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
        self.frame.render_widget(Line::styled(format!("{mark}{}", entry.field.name), style), row);
        let value = Rect { x: row.x + LABEL, width: row.width.saturating_sub(LABEL), ..row };
        let editing = focused && self.app.editing;
        if entry.value().is_empty() && !(editing && entry.field.choices.is_empty()) {
            let default = entry.field.default.as_deref().unwrap_or(unset(&entry.field.name));
            self.frame.render_widget(Line::styled(self.choice(entry, default, editing), self.dim()), value);
        } else if editing && entry.field.choices.is_empty() {
            self.frame.render_widget(&entry.text, value);
        } else {
            let words = text::clip(entry.value(), usize::from(value.width));
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
        lines.push(Line::from(text::plain(run.recipe.prompt()).into_owned()));
        lines.push(Line::from(""));
        for (name, value) in run.recipe.pairs().into_iter().filter(|(name, _)| name != "prompt") {
            let name = Span::styled(format!("{name:<width$}", width = usize::from(LABEL)), self.dim());
            lines.push(Line::from(vec![name, Span::raw(text::plain(&value).into_owned())]));
        }
        lines.push(Line::from(""));
        lines.push(Line::styled("r puts it back into the form.", self.dim()));
        self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inset(inner));
    }
}

/// What a field takes: `1..1000; a list or range makes a grid`.
fn range(entry: &Entry) -> String {
    let field = &entry.field;
    match (field.number, field.choices.is_empty()) {
        (true, _) => format!("{}; a list or a range makes a grid", field.range),
        (false, false) => field.choices.join(", "),
        (false, true) => String::new(),
    }
}

/// What an empty field without a default stands for.
fn unset(name: &str) -> &'static str {
    match name {
        "timesteps" => "strided",
        "steps" => "by timesteps",
        _ => "unset",
    }
}

/// How a run ended, and when.
fn story(app: &App, run: &Run) -> String {
    let took = run.took_ms.map(|ms| text::duration(ms as f64) + " · ").unwrap_or_default();
    match run.state {
        State::Done => format!("{took}{}", text::ago(app.now_ms.saturating_sub(run.created_ms))),
        state => state.word().to_owned(),
    }
}

/// `12 pictures, about 3 s`.
fn plan(app: &App) -> String {
    let Some((plan, ms)) = app.plan() else { return String::new() };
    let runs = if plan.runs == plan.pictures { String::new() } else { format!("{}, ", text::count(plan.runs, "run")) };
    let time = ms.map(|ms| format!(", about {}", text::rough(ms))).unwrap_or_default();
    format!("{runs}{}{time}", text::count(plan.pictures, "picture"))
}

/// The lines below the fields that tell about the selected one.
fn help_area(app: &App, inner: Rect) -> Rect {
    // Room for every field and an empty line, or as many fields as leave a few lines.
    let fields = (app.form.entries.len() as u16 + 1).min(inner.height.saturating_sub(4));
    let wide = Rect { y: inner.y + fields, height: inner.height - fields, ..inner };
    inset(wide)
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
