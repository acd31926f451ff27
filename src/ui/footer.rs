//! The last line: the keys that mean something here, from the one table.

use super::{Screen, text};
use crate::app::keys::{Action, Binding};
use ratatui::{
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

impl Screen<'_, '_> {
    pub(super) fn footer(&mut self, area: Rect) {
        let (last, first): (Vec<_>, Vec<_>) = self.app.footer().into_iter().partition(|binding| binding.action == Action::Leave);
        let last = self.keys(&last[..last.len().min(1)], usize::from(area.width));
        let room = usize::from(area.width).saturating_sub(last.width() + 3);
        let first = self.keys(&first, room);
        self.frame.render_widget(first, area);
        self.frame.render_widget(last.alignment(Alignment::Right), area);
    }

    /// As many of the keys as fit; the help, which has them all, always does.
    fn keys(&self, bindings: &[&'static Binding], room: usize) -> Line<'static> {
        let width = |binding: &Binding| text::columns(&binding.key()) + 1 + text::columns(binding.words) + 3;
        let mut shown = bindings.to_vec();
        while shown.iter().map(|binding| width(binding)).sum::<usize>() > room + 2 && shown.len() > 1 {
            let at = shown.iter().rposition(|binding| binding.action != Action::Help).unwrap_or(0);
            shown.remove(at);
        }
        let key = Style::new().add_modifier(Modifier::BOLD);
        let spans = shown.iter().enumerate().flat_map(|(at, binding)| {
            let gap = if at == 0 { " " } else { " · " };
            [Span::styled(gap, self.dim()), Span::styled(binding.key(), key), Span::styled(format!(" {}", binding.words), self.dim())]
        });
        let mut line = Line::from(spans.collect::<Vec<_>>());
        line.push_span(" ");
        line
    }
}
