//! The preview, and the strip of steps under it.

use super::{Screen, contact, text};
use crate::app::{App, Engine, Focus, LARGE, Progress, Source};
use crate::preview::{Arrangement, Place, Slot};
use crate::recipe::{Run, State};
use ratatui::{
    layout::{Alignment, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Paragraph},
};

/// Width of a step's picture and the gap behind it.
const STEP: u16 = 13;

impl Screen<'_, '_> {
    pub(super) fn picture(&mut self, area: Rect) {
        if let Some(schedule) = self.app.shows_schedule() {
            return self.schedule(area, schedule);
        }
        let (inner, mut block) = self.pane(Focus::Preview, area, false);
        let room = usize::from(inner.width);
        if let Some(run) = self.app.on_view() {
            let name = text::clip(&format!("{} · {}", run.id, text::title(&run.recipe)), room.saturating_sub(13));
            block = block.title_top(Line::styled(format!(" {name} "), self.dim()));
            let parts = super::inspector::status(self.app, run).unwrap_or_else(|| status(self.app, run, self.look.note));
            let status = text::fit_parts(parts, room.saturating_sub(2));
            block = block.title_bottom(
                Line::styled(format!(" {status} "), Style::new().fg(self.look.theme.roles.text)).alignment(Alignment::Center),
            );
        }
        self.frame.render_widget(block, area);
        let places = places(self.app, area);
        let shelf = self.look.shelf;
        if places.iter().any(|place| shelf.get(place.slot, place.area, None).is_some()) {
            for place in places {
                self.show(place.slot, place.area);
            }
            return self.labels(inner);
        }
        let width = usize::from(inner.width).saturating_sub(4).min(60);
        let lines = text::wrap(&sentence(self.app), width);
        let top = inner.height.saturating_sub(lines.len() as u16) / 2;
        let middle = Rect { y: inner.y + top, height: inner.height - top, ..inner };
        let lines: Vec<_> = lines.into_iter().map(Line::from).collect();
        self.frame.render_widget(Paragraph::new(lines).style(self.dim()).alignment(Alignment::Center), middle);
    }

    pub(super) fn steps(&mut self, area: Rect) {
        let border = Style::new().fg(self.look.theme.roles.border);
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(border);
        let inner = block.inner(area);
        let epochs = self.app.on_view().is_some_and(is_training);
        let title = if epochs { " Epochs " } else { " Steps " };
        self.frame.render_widget(block.title_top(Span::styled(title, Style::new().fg(self.look.theme.roles.text))), area);
        let cells = steps(self.app, area);
        if cells.is_empty() && epochs {
            return self.sentence(inner, "The samples of every epoch stay here, always from the same noise.");
        }
        if cells.is_empty() {
            return self.sentence(inner, "While a picture develops, every fifth step stays here. Enter starts one.");
        }
        for (slot, words, picture) in cells.into_iter().map(|(place, words)| (place.slot, words, place.area)) {
            let label = Rect { y: inner.y, height: 1, ..picture };
            self.frame.render_widget(Line::styled(words, self.dim()), label);
            self.show(slot, picture);
        }
    }
}

/// The spots for the picture, or for each of a run's labelled pictures; none while there is nothing to show.
pub(super) fn places(app: &App, area: Rect) -> Vec<Place> {
    let mut sources = app.view();
    let needs = app.view_needs();
    let missing = needs.iter().any(|source| app.pictures.is_missing(*source));
    if sources.is_empty() || missing || app.shows_schedule().is_some() {
        return Vec::new();
    }
    let inner = Block::bordered().inner(area);
    if sources.iter().any(|source| matches!(source, Source::Frame { .. })) {
        sources.truncate(if needs.is_empty() { sources.len() } else { 1 });
    } else if let Some(parts) = contact::places(app, inner) {
        return parts;
    } else if app.on_view().is_some_and(is_training) {
        // There is no room for every epoch: the last says most.
        sources.drain(..sources.len().saturating_sub(1));
    }
    let run = app.on_view();
    let arrangement = match run {
        Some(run) if is_training(run) => Arrangement::Sheet,
        run => Arrangement::Rows(run.map_or(1, |run| run.recipe.columns())),
    };
    vec![Place { slot: Slot::Preview, area: inner, sources, arrangement }]
}

/// The spots for the pictures of the steps.
pub(super) fn step_places(app: &App, area: Rect) -> Vec<Place> {
    steps(app, area).into_iter().map(|(place, _)| place).collect()
}

fn steps(app: &App, area: Rect) -> Vec<(Place, String)> {
    let inner = Block::bordered().inner(area);
    let Some(run) = app.on_view() else { return Vec::new() };
    let sheet = is_training(run);
    let all: Vec<(Source, String)> = match sheet {
        // What stays of a training are the samples of its epochs.
        true => {
            let kept = |index: u32| Source::Kept { run: run.id, index, side: LARGE };
            let there = (0..app.sampled_of(run)).map(kept).zip(run.recipe.labels());
            there.filter(|(source, _)| !app.pictures.is_missing(*source)).collect()
        }
        false => app.pictures.strip(run.id).map(|(source, t)| (source, format!("t {t}"))).collect(),
    };
    let room = usize::from(inner.width / STEP);
    let newest = all.into_iter().rev().take(room).collect::<Vec<_>>().into_iter().rev();
    let spot = |at: u16| Rect { x: inner.x + at * STEP, y: inner.y + 1, width: STEP - 1, height: inner.height.saturating_sub(1) };
    let place = |((source, label), at): ((Source, String), u16)| {
        (Place { slot: Slot::Step(at), area: spot(at), sources: vec![source], arrangement: super::alone(sheet) }, label)
    };
    newest.zip(0u16..).map(place).collect()
}

fn is_training(run: &Run) -> bool {
    run.recipe.training().is_some()
}

/// The line under the picture of a training that runs, each part with its rank.
fn lesson(app: &App, run: &Run) -> Vec<(u8, String)> {
    let learning = app.learnings.get(run.id);
    let mut parts = Vec::new();
    parts.extend(app.epochs(run).map(|(epoch, of)| (0, format!("epoch {epoch} of {of}"))));
    parts.push((2, format!("step {} of {}", text::grouped(run.step), text::grouped(run.of))));
    let loss = learning.and_then(|learning| learning.loss());
    parts.extend(loss.map(|loss| (3, format!("loss {}", text::figures(loss.into())))));
    parts.extend(learning.filter(|learning| learning.pace > 0.0).map(|learning| (4, format!("{} a step", text::duration(learning.pace)))));
    match app.left_ms(run).filter(|left| *left >= 1.0) {
        _ if app.draws_samples(run) => parts.push((1, "draws its samples".to_owned())),
        Some(left) => parts.push((1, format!("about {} left", text::duration(left)))),
        None => {}
    }
    parts
}

/// The line under the picture, each part with its rank.
fn status(app: &App, run: &Run, note: Option<&str>) -> Vec<(u8, String)> {
    let progress = app.queue.progress(run.id);
    let mut parts = match (run.state, progress) {
        (State::Running, _) if is_training(run) && run.step > 0 => lesson(app, run),
        (State::Running, Some(Progress { loading: Some(loading), .. })) => vec![(0, loading.to_string())],
        (State::Running, Some(progress)) if progress.seen > 0 => {
            let elapsed = app.now_ms.saturating_sub(progress.begun_ms).max(0) as f64;
            let elapsed = text::duration(elapsed);
            let time = match app.left_ms(run).filter(|left| *left >= 1.0) {
                Some(left) => format!("{elapsed} + {} left", text::duration(left)),
                None => format!("{elapsed} so far"),
            };
            vec![
                (4, "x̂₀".to_owned()),
                (2, format!("t {}", progress.t)),
                (0, format!("step {} of {}", run.step, run.of)),
                (5, text::duration(progress.ms)),
                (1, time),
            ]
        }
        (State::Running, _) => vec![(0, "begins".to_owned())],
        (State::Queued, _) => vec![(0, "waits its turn".to_owned())],
        (State::Done, _) => done(app, run),
        (state, _) if run.of > 0 => stopped(app, state, run),
        (state, _) => vec![(0, state.word().to_owned())],
    };
    parts.extend(note.map(|note| (0, note.to_owned())));
    parts
}

/// Of a run that nobody looked at while it went on, an earlier picture is the last.
fn stopped(app: &App, state: State, run: &Run) -> Vec<(u8, String)> {
    let mut parts = vec![(0, state.word().to_owned()), (1, format!("at step {} of {}", run.step, run.of))];
    match app.pictures.newest(run.id) {
        Some(Source::Frame { index, .. }) if index + 1 < run.step => parts.push((2, format!("seen at step {}", index + 1))),
        _ => {}
    }
    parts
}

fn done(app: &App, run: &Run) -> Vec<(u8, String)> {
    let count = run.recipe.pictures();
    let mut parts = vec![(0, "done".to_owned())];
    match app.alone {
        Some(at) => {
            parts.push((1, format!("picture {} of {count}", at + 1)));
            let label = contact::labels(run).and_then(|labels| labels.into_iter().nth(at as usize));
            parts.extend(label.map(|label| (0, label)));
        }
        None if count > 1 => parts.push((1, text::count(count, "picture"))),
        None => {}
    }
    if run.of > 0 {
        parts.push((3, text::count(run.of as usize, "step")));
    }
    parts.extend(run.took_ms.map(|ms| (2, text::duration(ms as f64))));
    parts
}

/// What stands where the picture will be.
fn sentence(app: &App) -> String {
    let Some(run) = app.on_view() else {
        let words = if app.gallery.open { "The run is on its way." } else { "The picture develops here. Enter starts it." };
        return words.to_owned();
    };
    let id = run.id;
    if let Some(inspector) = &app.inspector {
        return inspector.trouble.clone().unwrap_or_else(|| format!("The steps of {id} are on their way."));
    }
    let because = run.error.as_ref().map(|error| format!(": {}", error.trim_end_matches('.'))).unwrap_or_default();
    match run.state {
        State::Queued if app.queue.held && app.watches => format!("{id} waits, for the queue is held."),
        State::Queued if app.queue.held => format!("{id} waits, for the queue is held. P lets it go on."),
        State::Queued => format!("{id} waits its turn."),
        State::Running if app.pictures.newest(id).is_some() => String::new(),
        State::Running if is_training(run) => {
            format!("What {id} sees and what it makes of it is shown here, from its next step on. w shows its curve.")
        }
        State::Running => format!("{id} begins from pure noise; the first picture comes with the first step."),
        State::Done if app.view_needs().iter().any(|source| app.pictures.is_missing(*source)) => {
            format!("The picture of {id} cannot be read. Its recipe is whole: r puts it back into the form.")
        }
        State::Done if matches!(app.engine, Engine::Up { .. }) => format!("The picture of {id} is on its way."),
        State::Done => format!("The picture of {id} cannot be shown while there is no engine. Enter on the form starts one."),
        State::Failed => format!("{id} failed{because}. In the queue, Enter tries again; r puts its recipe back into the form."),
        State::Cancelled => format!("{id} was cancelled. In the queue, Enter resumes it."),
        State::Paused if is_training(run) => {
            format!("{id} is paused after step {} of {}. Space goes on, w shows its curve.", text::grouped(run.step), text::grouped(run.of))
        }
        State::Paused if run.step == 0 => format!("{id} is held. Space lets it go on."),
        State::Paused => format!("{id} is paused after step {} of {}. Space goes on, . makes one step.", run.step, run.of),
        State::Interrupted if run.step == 0 => format!("{id} had not begun when the engine died. In the queue, Enter starts it."),
        State::Interrupted => format!("The engine died with {id} at step {} of {}. In the queue, Enter goes on.", run.step, run.of),
    }
}
