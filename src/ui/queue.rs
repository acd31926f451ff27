//! The runs that are not finished.

use super::{Screen, text};
use crate::app::{App, Drag, Focus};
use crate::link::Turn;
use crate::recipe::{Run, RunId, State};
use ratatui::{
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

impl Screen<'_, '_> {
    pub(super) fn queue(&mut self, area: Rect, tabs: bool) {
        let (inner, mut block) = self.pane(Focus::Queue, area, tabs);
        // Where tabs stand in the title, it has no room for this.
        if self.app.queue.held && tabs {
            block = block.title_bottom(Line::styled(format!(" {} ", held(self.app)), self.warning()));
        }
        self.frame.render_widget(block, area);
        if self.app.queue.runs.is_empty() {
            return self.sentence(inner, "Nothing waits. Enter puts what the form says in the queue; its runs are listed here.");
        }
        let Rows { runs, drop } = rows(self.app, inner);
        for (id, area) in runs {
            if let Some(run) = self.app.queue.get(id) {
                self.queued(run, area);
            }
        }
        if let (Some(line), Some(Drag { run, .. })) = (drop, self.app.queue.drag) {
            let words = text::clip(&format!("▸ {run} "), usize::from(line.width));
            let rest = "╌".repeat(usize::from(line.width).saturating_sub(text::columns(&words)));
            self.frame.render_widget(Line::styled(words + &rest, self.accent().add_modifier(Modifier::BOLD)), line);
        }
    }

    /// The pane's title while the queue is held.
    pub(super) fn held_title(&self, width: u16, focused: bool) -> Line<'static> {
        let title = if focused { self.accent().add_modifier(Modifier::BOLD) } else { Style::new().fg(self.look.theme.roles.text) };
        let room = usize::from(width).saturating_sub(4 + "Queue ".len());
        Line::from(vec![Span::styled(" Queue ", title), Span::styled(format!("{} ", text::clip(held(self.app), room)), self.warning())])
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
            State::Running | State::Paused | State::Interrupted if run.of > 0 && run.step > 0 => format!("{}/{}", run.step, run.of),
            State::Queued | State::Running => String::new(),
            State::Paused => "held".to_owned(),
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
            (State::Paused, ..) if run.step == 0 => self.first_that_fits(&["Held. Space lets it go on.", "Space lets it go on."], area),
            (State::Paused, ..) => self.first_that_fits(&["Paused. Space goes on."], area),
            _ => self.first_that_fits(&["The engine died with it. Enter goes on.", "Broken off. Enter goes on."], area),
        };
        self.frame.render_widget(line, Rect { width: area.width + 1, ..area });
    }

    /// The first of several ways to say it that has room, or else the last, cut.
    fn first_that_fits(&self, ways: &[&str], area: Rect) -> Line<'static> {
        // A sentence may end where a number would touch the border.
        let room = usize::from(area.width) + 1;
        let way = ways.iter().find(|words| text::columns(words) <= room).or(ways.last()).copied().unwrap_or_default();
        Line::styled(text::clip(way, room), self.dim())
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

/// What stands where the queue is held.
const HELD: &str = "held · P lets it go on";

/// That nothing begins, and what whoever may do so does about it.
pub(super) fn held(app: &App) -> &'static str {
    if app.watches { "held" } else { HELD }
}

/// What is in sight of the queue.
struct Rows {
    /// The runs, the selected one among them, each with its area.
    runs: Vec<(RunId, Rect)>,
    /// Where the run would come that the mouse carries.
    drop: Option<Rect>,
}

fn rows(app: &App, inner: Rect) -> Rows {
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
    let mut rows = Rows { runs: Vec::new(), drop: None };
    let goal = drop_goal(app);
    let mut line = |y: &mut u16, here: bool| {
        if here && *y < inner.bottom() {
            rows.drop = Some(Rect { y: *y, height: 1, ..inner });
            *y += 1;
        }
    };
    for run in &runs[first..] {
        let here = goal.filter(|(id, _)| *id == run.id).map(|(_, behind)| behind);
        line(&mut y, here == Some(false));
        let height = height(run).min(inner.bottom().saturating_sub(y));
        if height == 0 {
            break;
        }
        rows.runs.push((run.id, Rect { y, height, ..inner }));
        y += height;
        line(&mut y, here == Some(true));
    }
    rows
}

/// The run whose place the one that the mouse carries would take, and whether it would stand behind it then: it does where
/// it comes from before it.
fn drop_goal(app: &App) -> Option<(RunId, bool)> {
    let Drag { run, to } = app.queue.drag?;
    let place = |id| app.queue.runs.iter().position(|run| run.id == id);
    match to? {
        Turn::At(other) => Some((other, place(run) < place(other))),
        Turn::First => app.queue.runs.iter().find(|run| run.state != State::Running).map(|run| (run.id, false)),
        _ => app.queue.runs.last().map(|run| (run.id, true)),
    }
}

/// The run at a spot.
pub(super) fn run_at(app: &App, inner: Rect, at: Position) -> Option<RunId> {
    if app.queue.runs.is_empty() {
        return None;
    }
    let rows = rows(app, inner);
    // Over the line of a drop one is still over the run beside it, so that the line does not flee from the mouse.
    let line = rows.drop.filter(|line| line.contains(at)).and_then(|_| drop_goal(app)).map(|(run, _)| run);
    line.or_else(|| rows.runs.into_iter().find(|(_, row)| row.contains(at)).map(|(run, _)| run))
}
