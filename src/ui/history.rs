//! The strip of finished runs.

use super::{Screen, text};
use crate::app::{App, Focus, SMALL, Source};
use crate::preview::{Place, Slot};
use crate::recipe::{Run, RunId};
use ratatui::{
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Block,
};

impl Screen<'_, '_> {
    pub(super) fn history(&mut self, area: Rect) {
        let total = text::count(self.app.history.total as usize, "run");
        let total = match self.app.marked.len() {
            0 => total,
            marked if area.height > 1 && marked > 1 => format!("{marked} marked, d compares them · {total}"),
            marked if area.height > 1 => format!("{marked} marked · {total}"),
            // As wide as the number of runs may be.
            marked => format!("{marked} marked"),
        };
        if area.height == 1 {
            return self.history_line(area, &total);
        }
        let (inner, block) = self.pane(Focus::History, area, false);
        let title = Line::styled(format!(" {total} "), self.dim()).alignment(Alignment::Right);
        self.frame.render_widget(block.title_top(title), area);
        if self.app.history.runs.is_empty() {
            return self.sentence(inner, "Every finished picture is kept here with its recipe. Enter makes the first one.");
        }
        for (run, cell) in cells(self.app, inner) {
            let label = Rect { height: 1, ..cell };
            let label = self.label(run, usize::from(cell.width).saturating_sub(1)).map(|line| (line, label));
            if let Some((line, area)) = label {
                self.frame.render_widget(line, area);
            }
            let picture = below(cell);
            self.show(Slot::Thumb(run.id), picture);
        }
    }

    fn label(&self, run: &Run, room: usize) -> Option<Line<'static>> {
        let selected = self.app.history.selected()?.id == run.id && self.app.focus == Focus::History;
        let note = if run.note.is_some() { super::notes::MARK } else { "" };
        let marked = if self.app.marked.contains(&run.id) { MARKED } else { "" };
        let (mark, style) = match selected {
            true => ("▸", self.accent().add_modifier(Modifier::BOLD)),
            false if marked.is_empty() => (" ", self.dim()),
            false => (" ", Style::new()),
        };
        Some(Line::styled(text::clip(&format!("{mark}{}{marked}{note}", run.id), room), style))
    }

    fn history_line(&mut self, area: Rect, total: &str) {
        let focused = self.app.focus == Focus::History;
        let style = if focused { self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED) } else { Style::new() };
        let mut line = Line::from(vec![Span::raw(" "), Span::styled("History", style), Span::raw(" ")]);
        if self.app.history.runs.is_empty() {
            line.push_span(Span::styled(" finished pictures are kept here; Enter makes one", self.dim()));
            return self.frame.render_widget(line, area);
        }
        for (run, cell) in cells(self.app, area) {
            let room = usize::from(cell.width);
            if let Some(label) = self.label(run, room) {
                self.frame.render_widget(label, cell);
            }
        }
        self.frame.render_widget(line, Rect { width: area.width.min(NAME), ..area });
        self.frame.render_widget(Line::styled(format!("{total} "), self.dim()).alignment(Alignment::Right), area);
    }
}

/// Stands with a marked run.
pub(super) const MARKED: &str = "◆";

/// Columns for the pane's name where it has one line.
const NAME: u16 = 10;

/// The runs that are in sight, the selected one among them, each with its area.
fn cells(app: &App, inner: Rect) -> Vec<(&Run, Rect)> {
    let line = inner.height == 1;
    let (area, width) = match line {
        true => (Rect { x: inner.x + NAME, width: inner.width.saturating_sub(NAME + 12), ..inner }, 6),
        // Characters are about twice as high as wide: the picture below the label is square.
        false => (inner, (inner.height.saturating_sub(1) * 2 + 1).max(6)),
    };
    let places = usize::from(area.width / width).max(1);
    let history = &app.history;
    let first = (history.at + 1).saturating_sub(places).min(history.runs.len().saturating_sub(places));
    let runs = history.runs.iter().skip(first).take(places);
    runs.zip(0u16..).map(|(run, at)| (run, Rect { x: area.x + at * width, width, ..area })).collect()
}

/// Where a run's picture is: under its label, with a column between two.
fn below(cell: Rect) -> Rect {
    Rect { y: cell.y + 1, height: cell.height.saturating_sub(1), width: cell.width.saturating_sub(1), ..cell }
}

/// The spots for the runs' first pictures.
pub(super) fn places(app: &App, area: Rect) -> Vec<Place> {
    if area.height < 4 || app.history.runs.is_empty() {
        return Vec::new();
    }
    let place = |(run, cell): (&Run, Rect)| {
        let sheet = run.recipe.training().is_some();
        let sources = vec![Source::thumb(run, SMALL)];
        Place { slot: Slot::Thumb(run.id), area: below(cell), sources, arrangement: super::alone(sheet) }
    };
    cells(app, Block::bordered().inner(area)).into_iter().map(place).collect()
}

/// The run at a spot.
pub(super) fn run_at(app: &App, area: Rect, at: Position) -> Option<RunId> {
    let inner = if area.height == 1 { area } else { Block::bordered().inner(area) };
    cells(app, inner).into_iter().find(|(_, cell)| cell.contains(at)).map(|(run, _)| run.id)
}
