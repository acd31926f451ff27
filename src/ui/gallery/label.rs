//! What stands over a thumbnail, and the signs for what a run is and has.

use crate::app::App;
use crate::recipe::Run;
use crate::ui::{Screen, notes, text};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

/// A run that is marked.
pub(in crate::ui) const MARKED: &str = "◆";
const STAR: &str = "★";

/// The sign for what a run is, where it is something else than a picture of its own.
fn kind(run: &Run) -> &'static str {
    match run {
        run if run.foreign.is_some() => "↓",
        run if run.recipe.training().is_some() => "∿",
        run if run.grid.is_some() => "▦",
        _ => "",
    }
}

/// The same in words.
pub(super) fn kind_words(run: &Run) -> Option<String> {
    match (run.grid, &run.foreign) {
        (_, Some(foreign)) => Some(format!("from {}", foreign.program)),
        (Some(grid), _) => Some(format!("cell of sweep {grid}")),
        (None, None) => None,
    }
}

/// Star, rating and note, where there are any: `★4✎`.
fn marks(run: &Run) -> String {
    let star = if run.marks.star { STAR } else { "" };
    let rating = if run.marks.rating > 0 { run.marks.rating.to_string() } else { String::new() };
    let note = if run.note.is_some() { notes::MARK } else { "" };
    format!("{star}{rating}{note}")
}

/// Star and rating in words.
pub(super) fn mark_words(run: &Run) -> Vec<String> {
    let star = run.marks.star.then(|| format!("{STAR} starred"));
    let rating = (run.marks.rating > 0).then(|| format!("rated {} of {}", run.marks.rating, crate::recipe::BEST));
    star.into_iter().chain(rating).collect()
}

/// The tags: `#good #digits`.
pub(super) fn tag_words(run: &Run) -> Option<String> {
    let tags: Vec<_> = run.marks.tags.iter().map(|tag| format!("#{tag}")).collect();
    (!tags.is_empty()).then(|| tags.join(" "))
}

impl Screen<'_, '_> {
    pub(super) fn thumb_label(&mut self, run: Option<&Run>, place: u64, area: Rect) {
        let app = self.app;
        let selected = app.gallery.at == place;
        let style = match selected {
            // Reversed, so that it is seen from afar and without colours.
            true if !app.gallery.filter.typing => self.accent().add_modifier(Modifier::BOLD | Modifier::REVERSED),
            true => self.accent().add_modifier(Modifier::BOLD),
            false => self.dim(),
        };
        self.frame.buffer_mut().set_style(area, style);
        let Some(run) = run else { return };
        let style = if app.gallery.is_leaving(run.id) { style.add_modifier(Modifier::CROSSED_OUT) } else { style };
        let (room, right) = (usize::from(area.width), marks(run));
        let left = left(app, run, room.saturating_sub(text::columns(&right) + 1));
        let marks = if selected { style } else { Style::new().fg(self.look.theme.roles.warning) };
        self.frame.render_widget(Line::from(vec![Span::styled(format!("{left} "), style), Span::styled(right, marks)]), area);
    }
}

/// Number, mark and kind, the last only where there is room.
fn left(app: &App, run: &Run, room: usize) -> String {
    let marked = if app.marked.contains(&run.id) { MARKED } else { "" };
    let number = format!("{marked}{}", run.id);
    let whole = format!("{number} {}", kind(run));
    text::clip(if text::columns(&whole) <= room { whole.trim_end() } else { &number }, room)
}
