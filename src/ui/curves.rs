//! The curves that lie over one another: the list to choose them from, and what they are called.

use super::{Screen, text};
use crate::app::{App, CURVES};
use crate::recipe::{self, Run};
use ratatui::{
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

impl Screen<'_, '_> {
    pub(super) fn curve_list(&mut self, selected: usize) {
        let Some(watch) = &self.app.watch else { return };
        let inner = self.sheet("Lay over", self.accent());
        let others = self.app.to_lay_over();
        for (at, row) in rows(inner, selected, others.len()) {
            let run = others[at];
            let on = watch.over.iter().position(|over| *over == run.id);
            let mark = on.map_or(Span::raw("    "), |place| self.pens()[(place + 1) % CURVES].sample());
            let style = if at == selected { self.accent().add_modifier(Modifier::BOLD) } else { Style::new() };
            let pick = if at == selected { "▸" } else { " " };
            let check = if on.is_some() { "[x] " } else { "[ ] " };
            let words = self.app.watched().map(|watched| differences(&[watched, run]).remove(1)).unwrap_or_default();
            let words = text::clip(&format!("{} {words}", run.id), usize::from(row.width).saturating_sub(10));
            let line = Line::from(vec![Span::styled(pick, style), Span::styled(check, style), mark, Span::styled(words, style)]);
            self.frame.render_widget(line, row);
        }
        let foot = Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
        let full = watch.over.len() + 1 >= CURVES;
        let words = if full { "Four curves are as many as stay apart." } else { "Space lays over and takes away; Esc closes." };
        self.frame.render_widget(Line::styled(words, self.dim()), foot);
    }
}

/// The rows of the trainings that are in sight, each with its place in the list; the last line of the sheet stays free.
fn rows(inner: Rect, selected: usize, count: usize) -> impl Iterator<Item = (usize, Rect)> {
    let height = inner.height.saturating_sub(1);
    let first = (selected + 1).saturating_sub(usize::from(height));
    (first..count).zip((inner.y..inner.y + height).map(move |y| Rect { y, height: 1, ..inner }))
}

/// The training at a spot of the list, by its place.
pub(super) fn curve_at(app: &App, cover: Rect, selected: usize, at: Position) -> Option<usize> {
    rows(super::overlay::inside(cover), selected, app.to_lay_over().len()).find(|(_, row)| row.contains(at)).map(|(place, _)| place)
}

/// What tells trainings apart best; a name may be cut off behind it.
const FIRST: [&str; 8] = ["experiment", "objective", "schedule", "rate", "batch", "width", "epochs", "images"];

/// What each of some trainings has that not all of them have: `schedule constant`.
pub(super) fn differences(runs: &[&Run]) -> Vec<String> {
    let mut told = recipe::differences(&runs.iter().map(|run| &run.recipe).collect::<Vec<_>>());
    told.sort_by_key(|one| FIRST.iter().position(|first| *first == one.field).unwrap_or(FIRST.len()));
    let words = |at: usize| {
        let parts: Vec<_> = told.iter().filter_map(|one| one.values[at].as_ref().map(|value| format!("{} {value}", one.field))).collect();
        if parts.is_empty() { text::title(&runs[at].recipe) } else { parts.join(", ").replace("experiment ", "") }
    };
    (0..runs.len()).map(words).collect()
}
