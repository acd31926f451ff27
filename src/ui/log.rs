//! What happened.

use super::{Screen, inset, text};
use crate::app::{Focus, Tone};
use ratatui::{
    layout::{Alignment, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

/// Columns for `12:01:07 `.
const TIME: usize = 9;

impl Screen<'_, '_> {
    pub(super) fn log(&mut self, area: Rect, tabs: bool) {
        let log = &self.app.log;
        let (inner, mut block) = self.pane(Focus::Log, area, tabs);
        if log.back > 0 {
            let words = format!(" {} below ", text::count(log.back, "newer line"));
            block = block.title_bottom(Line::styled(words, self.dim()).alignment(Alignment::Right));
        }
        self.frame.render_widget(block, area);
        if log.lines.is_empty() {
            return self.sentence(inner, "What happens is told here, from the first Enter on.");
        }
        let mut rows: Vec<Line> = Vec::new();
        for line in log.lines.iter().rev().skip(log.back) {
            if rows.len() >= usize::from(inner.height) {
                break;
            }
            let style = match line.tone {
                Tone::Plain => Style::new(),
                Tone::Warning => Style::new().fg(self.look.theme.roles.warning),
                Tone::Bad => self.bad(),
            };
            let words = text::wrap(&line.text, usize::from(inner.width).saturating_sub(TIME + 2));
            for (at, words) in words.into_iter().enumerate().rev() {
                let time = if at == 0 { format!("{} ", line.time) } else { " ".repeat(TIME) };
                rows.push(Line::from(vec![Span::styled(time, self.dim()), Span::styled(words, style)]));
            }
        }
        rows.truncate(usize::from(inner.height));
        rows.reverse();
        self.frame.render_widget(Paragraph::new(rows), inset(inner));
    }
}
