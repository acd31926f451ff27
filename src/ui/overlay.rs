//! What covers the panes: every key, and the question whether to leave.

use super::{Screen, models, picker, text};
use crate::app::keys::{BINDINGS, Binding, Context};
use crate::app::{App, Engine, Overlay};
use ratatui::{
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph, Wrap},
};

/// Rows above and below the list of keys.
const MARGIN: u16 = 4;

/// How far down the list of keys can be scrolled.
pub(super) fn help_end(screen: Rect) -> u16 {
    // A heading and an empty line a context; the border takes two rows.
    let about: usize = Context::ALL.iter().map(|context| context.about().len()).sum();
    let lines = BINDINGS.len() + 2 * Context::ALL.len() + about + ALSO.len();
    (lines as u16).saturating_sub(screen.height.saturating_sub(MARGIN + 2))
}

/// What the overlay takes up.
pub(super) fn area(app: &App, screen: Rect) -> Option<Rect> {
    let (width, height) = match app.overlay? {
        Overlay::Help(_) => (72, screen.height.saturating_sub(MARGIN)),
        Overlay::Leave => (62, 6),
        Overlay::Experiments(_) => picker::size(),
        Overlay::Models(_) | Overlay::Pull(_) => models::size(app, screen),
        Overlay::Note => (64, 10),
        Overlay::Export(_) => (46, 8),
        Overlay::Curves(_) => (72, (app.to_lay_over().len() as u16).clamp(1, 12) + 3),
    };
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Some(Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height })
}

/// What an overlay's border leaves of it for text.
pub(super) fn inside(area: Rect) -> Rect {
    super::inset(Block::bordered().inner(area))
}

impl Screen<'_, '_> {
    pub(super) fn sheet(&mut self, title: &str, style: Style) -> Rect {
        let area = self.cover.unwrap_or_default();
        let roles = &self.look.theme.roles;
        let base = Style::new().fg(roles.text).bg(roles.background);
        let block = Block::bordered().border_type(BorderType::Double).border_style(style).style(base);
        let block = block.title_top(Line::styled(format!(" {title} "), style.add_modifier(Modifier::BOLD)));
        self.frame.render_widget(Clear, area);
        self.frame.render_widget(block, area);
        inside(area)
    }

    pub(super) fn help(&mut self, scroll: u16) {
        let inner = self.sheet("Keys", self.accent());
        let lines = self.key_list();
        let most = help_end(self.frame.area());
        let at = scroll.min(most);
        self.frame.render_widget(Paragraph::new(lines).scroll((at, 0)), inner);
        if at < most {
            let more = Line::styled("↓ more", self.dim()).alignment(Alignment::Right);
            self.frame.render_widget(more, Rect { y: inner.bottom(), height: 1, ..inner });
        }
    }

    /// The one table, a heading a context.
    fn key_list(&self) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for context in Context::ALL {
            lines.push(Line::styled(context.title(), self.accent().add_modifier(Modifier::BOLD)));
            for binding in BINDINGS.iter().filter(|binding| binding.context == context) {
                let key = Span::styled(format!("  {:<12}", binding.key()), Style::new().add_modifier(Modifier::BOLD));
                lines.push(Line::from(vec![key, Span::raw(binding.words)]));
            }
            lines.extend(context.about().iter().map(|words| Line::styled(*words, self.dim())));
            lines.push(Line::from(""));
        }
        lines.extend(ALSO.map(|words| Line::styled(words, self.dim())));
        lines
    }

    pub(super) fn question(&mut self) {
        let inner = self.sheet("Leave", Style::new().fg(self.look.theme.roles.warning));
        let lines = self.question_lines();
        self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
    }

    pub(super) fn question_lines(&self) -> Vec<Line<'static>> {
        let open = self.app.open();
        let jobs = text::count(open, "job");
        let words = match (&self.app.engine, open) {
            (Engine::Up { .. }, 1) => format!("{jobs} goes on in the engine; `darkroom` brings you back."),
            (Engine::Up { .. }, _) => format!("{jobs} go on in the engine; `darkroom` brings you back."),
            (_, 1) => format!("{jobs} waits for the next engine; `darkroom` starts it."),
            _ => format!("{jobs} wait for the next engine; `darkroom` starts it."),
        };
        let keys = BINDINGS.iter().filter(|binding| binding.context == Context::Question && binding.footer);
        let keys: Vec<_> = keys
            .flat_map(|binding: &Binding| {
                let words = if open == 1 && binding.words == "cancel them" { "cancel it" } else { binding.words };
                [Span::styled(format!("[{}]", binding.key()), Style::new().add_modifier(Modifier::BOLD)), Span::raw(format!(" {words}   "))]
            })
            .collect();
        vec![Line::from(words), Line::from(""), Line::from(keys)]
    }
}

/// What the table does not hold, because it is the editing of text.
const ALSO: [&str; 8] = [
    "In a field every other key is text, and the editor has keys:",
    "  Ctrl-A Ctrl-E  ends of the line    Ctrl-B Ctrl-F  a character",
    "  Ctrl-P Ctrl-N  a line              Alt-B Alt-F    a word",
    "  Ctrl-H Del     delete a character  Ctrl-W Alt-D   delete a word",
    "  Ctrl-J Ctrl-K  delete to the ends  Ctrl-Y         put it back",
    "  Ctrl-U Ctrl-R  undo, redo",
    "A number field takes a list 1,3,5 or a range 1..20:3: a run for each.",
    "The mouse: a click goes to a pane or picks a run, the wheel scrolls.",
];
