//! The note on a run, where it is read and where it is written; and what can be made of a run.

use super::{Screen, text};
use crate::app::keys::{BINDINGS, Context};
use crate::recipe::{Run, RunId};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

/// Stands behind the number of a run that has a note.
pub(super) const MARK: &str = "✎";

impl Screen<'_, '_> {
    /// The note among the lines of a recipe, and an empty line behind it.
    pub(super) fn note_lines(&self, run: &Run) -> Vec<Line<'static>> {
        let Some(note) = &run.note else { return Vec::new() };
        let mark = Span::styled(format!("{MARK} "), self.accent());
        let mut lines: Vec<_> = note.lines().map(|line| Line::from(text::plain(line).into_owned())).collect();
        if let Some(first) = lines.first_mut() {
            first.spans.insert(0, mark);
        }
        lines.push(Line::from(""));
        lines
    }

    pub(super) fn note(&mut self) {
        let Some((run, editor)) = &self.app.notes.editor else { return };
        let inner = self.sheet(&format!("Note on {run}"), self.accent());
        let [editing, keys] = foot(inner);
        self.frame.render_widget(editor, editing);
        if editor.is_empty() {
            let hint = Rect { x: editing.x + 1, width: editing.width.saturating_sub(1), height: editing.height.min(1), ..editing };
            self.frame.render_widget(Line::styled("What do you see? The gallery finds it by these words.", self.dim()), hint);
        }
        let line = self.keys_of(Context::Note, usize::from(keys.width));
        self.frame.render_widget(line, keys);
    }

    /// The keys of an overlay in one line.
    fn keys_of(&self, context: Context, room: usize) -> Line<'static> {
        let shown = BINDINGS.iter().filter(|binding| binding.context == context && binding.footer);
        let mut line = Line::default();
        for binding in shown {
            let words = format!(" {}   ", binding.words);
            if line.width() + text::columns(&binding.key()) + 2 + text::columns(words.trim_end()) <= room {
                line.push_span(Span::styled(format!("[{}]", binding.key()), Style::new().add_modifier(Modifier::BOLD)));
                line.push_span(Span::raw(words));
            }
        }
        line
    }

    pub(super) fn export(&mut self, run: RunId) {
        let inner = self.sheet(&format!("Files of {run}"), self.accent());
        let menu = BINDINGS.iter().filter(|binding| binding.context == Context::Export && binding.footer);
        let shown = menu.filter(|binding| self.app.has_use(binding.action));
        let key = Style::new().add_modifier(Modifier::BOLD);
        let lines: Vec<_> =
            shown.map(|binding| Line::from(vec![Span::styled(format!("{:<5}", binding.key()), key), Span::raw(binding.words)])).collect();
        self.frame.render_widget(Paragraph::new(lines), inner);
    }
}

/// An area, and its last line.
fn foot(area: Rect) -> [Rect; 2] {
    let line = area.height.min(1);
    let above = Rect { height: area.height - line, ..area };
    [above, Rect { y: above.bottom(), height: line, ..area }]
}
