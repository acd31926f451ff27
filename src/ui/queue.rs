//! The runs that are not finished.

use super::{Screen, text};
use crate::app::{App, Focus};
use crate::recipe::{Run, RunId, State};
use ratatui::{
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

impl Screen<'_, '_> {
    pub(super) fn queue(&mut self, area: Rect, tabs: bool) {
        let (inner, block) = self.pane(Focus::Queue, area, tabs);
        self.frame.render_widget(block, area);
        if self.app.queue.runs.is_empty() {
            return self.sentence(inner, "Nothing waits. Enter puts what the form says in the queue; its runs are listed here.");
        }
        for (id, area) in rows(self.app, inner) {
            if let Some(run) = self.app.queue.get(id) {
                self.queued(run, area);
            }
        }
    }

    fn queued(&mut self, run: &Run, area: Rect) {
        let selected = self.app.queue.selected().is_some_and(|selected| selected.id == run.id);
        let focused = selected && self.app.focus == Focus::Queue;
        let style = if focused { self.accent().add_modifier(Modifier::BOLD) } else { Style::new() };
        let id = run.id.to_string();
        let state = match run.state {
            State::Running | State::Paused | State::Interrupted if run.of > 0 && run.recipe.training().is_some() => {
                self.app.epochs(run).map(|(epoch, of)| format!("epoch {epoch}/{of}")).unwrap_or_default()
            }
            State::Running | State::Paused | State::Interrupted if run.of > 0 => format!("{}/{}", run.step, run.of),
            State::Queued | State::Running => String::new(),
            state => state.word().to_owned(),
        };
        let note = if run.note.is_some() { super::notes::MARK } else { "" };
        let room = usize::from(area.width).saturating_sub(id.len() + text::columns(note) + text::columns(&state) + 6);
        let prompt = text::clip(&text::title(&run.recipe), room);
        let pad = " ".repeat(room.saturating_sub(text::columns(&prompt)));
        let line = Line::from(vec![
            Span::styled(if focused { "▸" } else { " " }, style),
            Span::styled(format!("{} ", self.sign(run.state)), self.tone(run.state)),
            Span::styled(format!("{id}{note} "), style),
            Span::raw(format!("{prompt}{pad} ")),
            Span::styled(state, self.dim()),
        ]);
        self.frame.render_widget(line, Rect { height: 1, ..area });
        if area.height > 1 {
            let below = Rect { x: area.x + 3, y: area.y + 1, width: area.width.saturating_sub(4), height: 1 };
            self.below(run, below);
        }
    }

    /// What a run's second line tells: how far it is, or why it stopped.
    fn below(&mut self, run: &Run, area: Rect) {
        let loading = self.app.queue.progress(run.id).and_then(|progress| progress.loading.as_ref());
        let line = match (run.state, loading, &run.error) {
            (State::Running, Some(loading), _) => Line::styled(text::clip(&loading.phase.to_string(), usize::from(area.width)), self.dim()),
            (State::Running, ..) => {
                let left = self.app.left_ms(run).filter(|ms| *ms > 0.0).map(text::duration).unwrap_or_default();
                let room = usize::from(area.width).saturating_sub(8);
                let done = room * run.step.min(run.of) as usize / (run.of.max(1)) as usize;
                let bar = Span::styled("━".repeat(done), self.accent());
                let rest = Span::styled("─".repeat(room - done), self.dim());
                Line::from(vec![bar, rest, Span::styled(format!("{left:>8}"), self.dim())])
            }
            (.., Some(error)) => Line::styled(text::clip(error, usize::from(area.width)), self.bad()),
            (State::Paused, ..) => Line::styled(text::clip("Paused. Space goes on.", usize::from(area.width)), self.dim()),
            _ => Line::styled(text::clip("Its engine died. Enter resumes it.", usize::from(area.width)), self.dim()),
        };
        self.frame.render_widget(line, area);
    }

    pub(super) fn sign(&self, state: State) -> &'static str {
        match state {
            State::Running => "●",
            State::Queued => "○",
            State::Done => "✓",
            State::Failed => "✗",
            State::Cancelled => "–",
            State::Paused => "‖",
            State::Interrupted => "◌",
        }
    }

    pub(super) fn tone(&self, state: State) -> Style {
        let roles = &self.look.theme.roles;
        Style::new().fg(match state {
            State::Running => roles.accent,
            State::Done => roles.good,
            State::Failed => roles.bad,
            State::Interrupted | State::Paused => roles.warning,
            State::Queued | State::Cancelled => roles.dim,
        })
    }
}

/// How many lines a run takes.
fn height(run: &Run) -> u16 {
    match run.state {
        State::Running | State::Paused | State::Interrupted => 2,
        State::Failed if run.error.is_some() => 2,
        _ => 1,
    }
}

/// The runs that are in sight, the selected one among them, each with its area.
fn rows(app: &App, inner: Rect) -> Vec<(RunId, Rect)> {
    let runs = &app.queue.runs;
    let selected = app.queue.selected().map(|run| run.id);
    let last = runs.iter().position(|run| Some(run.id) == selected).unwrap_or(0);
    let mut used = 0;
    let above = runs[..=last.min(runs.len().saturating_sub(1))].iter().rev();
    let fitting = above.take_while(|run| {
        used += height(run);
        used <= inner.height
    });
    let first = (last + 1).saturating_sub(fitting.count().max(1));
    let mut y = inner.y;
    let mut rows = Vec::new();
    for run in &runs[first..] {
        let height = height(run).min(inner.bottom().saturating_sub(y));
        if height == 0 {
            break;
        }
        rows.push((run.id, Rect { y, height, ..inner }));
        y += height;
    }
    rows
}

/// The run at a spot.
pub(super) fn run_at(app: &App, inner: Rect, at: Position) -> Option<RunId> {
    if app.queue.runs.is_empty() {
        return None;
    }
    rows(app, inner).into_iter().find(|(_, row)| row.contains(at)).map(|(run, _)| run)
}
