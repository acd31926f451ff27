//! The list of experiments.

use super::{Screen, text};
use crate::app::experiments;
use ratatui::{
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// Columns for an experiment's mark and name, and a gap.
fn name_width() -> usize {
    experiments().iter().map(|(name, _)| name.len() + 3).max().unwrap_or(0)
}

/// Rows for the whole sentence on the selected one, and an empty one above it.
const WHOLE: u16 = 3;

/// The size of the list with its border.
pub(super) fn size() -> (u16, u16) {
    (76, experiments().len() as u16 + WHOLE + 2)
}

impl Screen<'_, '_> {
    pub(super) fn picker(&mut self, selected: usize) {
        let inner = self.sheet("Experiments", self.accent());
        let room = usize::from(inner.width).saturating_sub(name_width());
        for (row, at) in rows(inner, selected) {
            let Some((name, about)) = experiments().get(at) else { continue };
            let (mark, style) = match at == selected {
                true => ("▸", self.accent().add_modifier(Modifier::BOLD)),
                false => (" ", Style::new()),
            };
            let name = Span::styled(format!("{mark}{name:<width$}", width = name_width() - 1), style);
            self.frame.render_widget(Line::from(vec![name, Span::styled(text::clip(about, room), self.dim())]), row);
        }
        let below = list_height(inner) + 1;
        if let Some((_, about)) = experiments().get(selected).filter(|_| below < inner.height) {
            let area = Rect { y: inner.y + below, height: inner.height - below, ..inner };
            self.frame.render_widget(Paragraph::new(about.as_str()).wrap(Wrap { trim: true }), area);
        }
    }
}

fn list_height(inner: Rect) -> u16 {
    inner.height.saturating_sub(WHOLE).min(experiments().len() as u16)
}

/// The rows of the experiments that are in sight.
fn rows(inner: Rect, selected: usize) -> Vec<(Rect, usize)> {
    let height = list_height(inner);
    let first = (selected + 1).saturating_sub(usize::from(height));
    (0..height).map(|row| (Rect { y: inner.y + row, height: 1, ..inner }, first + usize::from(row))).collect()
}

/// The experiment at a spot of the list.
pub(super) fn experiment_at(cover: Rect, selected: usize, at: Position) -> Option<usize> {
    rows(super::overlay::inside(cover), selected)
        .into_iter()
        .find(|(row, at_row)| row.contains(at) && *at_row < experiments().len())
        .map(|(_, experiment)| experiment)
}
