//! The training screen: the curve, the facts, the samples of every epoch, the running batch, the log.

use super::curves::differences;
use super::plot::{Pen, Plot};
use super::{Screen, text};
use crate::app::{App, Curve, Focus, Watch, Wide};
use crate::preview::{Arrangement, Place, Slot};
use crate::recipe::State;
use ratatui::{
    layout::{Alignment, Constraint, Layout, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType},
};

/// Rows for the facts with their border.
const FACTS: u16 = 12;
/// The fewest rows for the running batch with its border.
const BATCH: u16 = 13;
/// The fewest rows for samples under the curve with their border.
const SAMPLES: u16 = 8;
/// The fewest steps that are called recent; else a tenth of all.
const RECENT: u32 = 200;

/// Where the parts are; those without room are empty.
struct Parts {
    header: Rect,
    curve: Rect,
    samples: Rect,
    facts: Rect,
    batch: Rect,
    log: Rect,
    footer: Rect,
}

impl Parts {
    fn of(app: &App, area: Rect) -> Parts {
        use Constraint::{Fill, Length};
        let [header, body, footer] = Layout::vertical([Length(1), Fill(1), Length(1)]).areas(area);
        let wide = app.watch.as_ref().map_or(Wide::Curve, |watch| watch.wide);
        let mut parts = Parts { header, footer, ..Parts::NONE };
        if wide != Wide::Curve {
            *(if wide == Wide::Samples { &mut parts.samples } else { &mut parts.batch }) = body;
            return parts;
        }
        let side = (body.width * 3 / 10).clamp(30, 60);
        let [left, right] = Layout::horizontal([Fill(1), Length(side)]).areas(body);
        // The samples of ten classes want to be half as wide as high.
        let samples = if left.height < 20 { 0 } else { (left.height * 9 / 20).clamp(SAMPLES, 30) };
        [parts.curve, parts.samples] = Layout::vertical([Fill(1), Length(samples)]).areas(left);
        let moves = app.watched().is_some_and(|run| run.state == State::Running) || app.batch().is_some();
        let batch = if moves && right.height >= FACTS + BATCH + 6 { (right.height * 7 / 20).max(BATCH) } else { 0 };
        [parts.facts, parts.batch, parts.log] = Layout::vertical([Length(FACTS.min(right.height)), Length(batch), Fill(1)]).areas(right);
        parts
    }

    const NONE: Parts = Parts {
        header: Rect::ZERO,
        curve: Rect::ZERO,
        samples: Rect::ZERO,
        facts: Rect::ZERO,
        batch: Rect::ZERO,
        log: Rect::ZERO,
        footer: Rect::ZERO,
    };
}

/// The spots for the samples and for the running batch.
pub(super) fn places(app: &App, area: Rect) -> Vec<Place> {
    let parts = Parts::of(app, area);
    let place =
        |(slot, area, source)| Place { slot, area: Block::bordered().inner(area), sources: vec![source], arrangement: Arrangement::Sheet };
    let samples = app.samples().filter(|source| !app.pictures.is_missing(*source)).map(|source| (Slot::Part(0), parts.samples, source));
    let batch = app.batch().map(|source| (Slot::Preview, parts.batch, source));
    samples.into_iter().chain(batch).filter(|(_, area, _)| !area.is_empty()).map(place).collect()
}

/// What a click at a spot means: the samples and the batch can have all the room.
pub(super) fn part_at(app: &App, area: Rect, at: Position) -> Option<Wide> {
    let parts = Parts::of(app, area);
    [(parts.samples, Wide::Samples), (parts.batch, Wide::Batch)].into_iter().find(|(area, _)| area.contains(at)).map(|(_, part)| part)
}

/// What the wheel turns at a spot: the epochs of curve and samples, or the log.
pub(super) fn pane_at(app: &App, area: Rect, at: Position) -> Option<Focus> {
    let parts = Parts::of(app, area);
    let panes = [(parts.curve, Focus::Preview), (parts.samples, Focus::Preview), (parts.log, Focus::Log)];
    panes.into_iter().find(|(area, _)| area.contains(at)).map(|(_, pane)| pane)
}

impl Screen<'_, '_> {
    pub(super) fn training(&mut self, watch: &Watch, area: Rect) {
        let parts = Parts::of(self.app, area);
        self.training_header(parts.header);
        if !parts.curve.is_empty() {
            self.losses(watch, parts.curve);
            self.facts(parts.facts);
        }
        if !parts.samples.is_empty() {
            self.samples(watch, parts.samples);
        }
        if !parts.batch.is_empty() {
            self.batch(watch, parts.batch);
        }
        if parts.log.height > 2 {
            self.log(parts.log, false);
        }
        self.footer(parts.footer);
    }

    fn training_header(&mut self, area: Rect) {
        let name = Span::styled(" darkroom", Style::new().add_modifier(Modifier::BOLD));
        let right = self.engine_words(usize::from(area.width / 2));
        let room = usize::from(area.width).saturating_sub(right.width() + 14);
        let title = self.app.watched().map(|run| format!("   {} {}", run.id, text::title(&run.recipe))).unwrap_or_default();
        self.frame.render_widget(Line::from(vec![name, Span::raw(text::clip(&title, room))]), area);
        self.frame.render_widget(right.alignment(Alignment::Right), area);
    }

    /// A part of the screen with its border.
    pub(super) fn part(&mut self, area: Rect, title: &str, right: &str, bottom: Option<Line<'static>>) -> Rect {
        let roles = &self.look.theme.roles;
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(Style::new().fg(roles.border));
        let room = usize::from(area.width).saturating_sub(4);
        let title = text::clip(title, room);
        let right = if text::columns(&title) + text::columns(right) + 3 <= room { right } else { "" };
        let mut block = block.title_top(Line::styled(format!(" {title} "), Style::new().fg(roles.text)));
        if !right.is_empty() {
            block = block.title_top(Line::styled(format!(" {right} "), self.dim()).alignment(Alignment::Right));
        }
        block = bottom.into_iter().fold(block, |block, bottom| block.title_bottom(bottom.alignment(Alignment::Center)));
        let inner = block.inner(area);
        self.frame.render_widget(block, area);
        inner
    }

    /// A pen for each curve, in the order of [`Watch::runs`].
    pub(super) fn pens(&self) -> [Pen; crate::app::CURVES] {
        let roles = &self.look.theme.roles;
        Pen::all([roles.series1, roles.series2, roles.series3, roles.series4])
    }

    fn losses(&mut self, watch: &Watch, area: Rect) {
        let app = self.app;
        let curves: Vec<_> = watch.runs().into_iter().zip(self.pens()).filter_map(|(run, pen)| Some((app.run(run)?, pen))).collect();
        let known: Vec<(&Curve, Pen)> = curves.iter().filter_map(|(run, pen)| Some((&app.learnings.get(run.id)?.curve, *pen))).collect();
        let zoom = if watch.recent { "the last steps · z all" } else { "all steps · z the last" };
        let inner = self.part(area, "Loss, mean squared error", zoom, None);
        let Some(steps) = steps(watch.recent, &known) else {
            return self.sentence(inner, &waiting(app));
        };
        let run = app.watched();
        let mark = run.zip(app.epoch_shown()).and_then(|(run, at)| app.per_epoch(run)?.checked_mul(at + 1));
        let plot = Plot {
            series: known.iter().rev().map(|(curve, pen)| (curve.bins(), *pen)).collect(),
            steps,
            per_epoch: run.and_then(|run| app.per_epoch(run)),
            mark,
        };
        self.plot(inner, &plot);
        if curves.len() > 1 {
            let all: Vec<_> = curves.iter().map(|(run, _)| *run).collect();
            let names = all.iter().zip(differences(&all)).map(|(run, words)| format!("{} {words}", run.id));
            let names: Vec<_> = curves.iter().map(|(_, pen)| *pen).zip(names).collect();
            self.legend(inner, &names);
        }
    }

    fn samples(&mut self, watch: &Watch, area: Rect) {
        let app = self.app;
        let Some(run) = app.watched() else { return };
        let labels = run.recipe.labels();
        let label = app.epoch_shown().and_then(|at| labels.get(at as usize));
        let title = match label {
            Some(label) if label.starts_with("epoch") => format!("Samples of {label}"),
            Some(label) => format!("Samples: {label}"),
            None => "Samples".to_owned(),
        };
        let room = usize::from(area.width).saturating_sub(8);
        let bottom = app.epoch_shown().map(|at| self.slider(at, app.sampled_of(run), labels.len() as u32, room));
        let beside = usize::from(area.width).saturating_sub(text::columns(&title) + 9);
        let right = if watch.wide == Wide::Samples { super::facts::line(app, run, beside) } else { String::new() };
        let inner = self.part(area, &title, &right, bottom);
        let Some(source) = app.samples() else {
            let words = "After every epoch the network draws here, always from the same noise; ← and → then walk the epochs.";
            return self.sentence(inner, words);
        };
        if app.pictures.is_missing(source) {
            return self.sentence(inner, "There are no samples of this epoch: the training was stopped before they were drawn.");
        }
        if !self.show(Slot::Part(0), inner) && app.pictures.get(source).is_none() {
            self.sentence(inner, "The samples are on their way.");
        }
    }

    /// `1 ━━━━●━━──── 20`: where the slider is, how far the epochs have come, how many there will be.
    fn slider(&self, at: u32, there: u32, of: u32, room: usize) -> Line<'static> {
        let width = room.saturating_sub(12).min(40).min(of as usize).max(1);
        let place = |epoch: u32| (epoch as usize * width) / of.max(1) as usize;
        let (knob, done) = (place(at), place(there.max(1) - 1));
        let line = |from: usize, to: usize, cell: &str| cell.repeat((to.min(width)).saturating_sub(from));
        Line::from(vec![
            Span::styled(" ← ", self.dim()),
            Span::styled(line(0, knob, "━"), self.accent()),
            Span::styled("●", self.accent().add_modifier(Modifier::BOLD)),
            Span::styled(line(knob + 1, done + 1, "━"), self.accent()),
            Span::styled(line(knob.max(done) + 1, width, "─"), self.dim()),
            Span::styled(format!(" → {} of {of} ", at + 1), self.dim()),
        ])
    }

    fn batch(&mut self, watch: &Watch, area: Rect) {
        let app = self.app;
        let Some(run) = app.watched() else { return };
        let title = match app.batch() {
            Some(crate::app::Source::Frame { index, .. }) => format!("Batch of step {}", text::grouped(index.saturating_add(1))),
            _ => "Batch".to_owned(),
        };
        let beside = usize::from(area.width).saturating_sub(text::columns(&title) + 9);
        let right = if watch.wide == Wide::Batch { super::facts::line(app, run, beside) } else { String::new() };
        let rows = app.batch().map(|_| Line::styled(text::clip(" seen · made of it · true ", usize::from(area.width)), self.dim()));
        let inner = self.part(area, &title, &right, rows);
        if app.batch().is_none() {
            let words = match run.state {
                State::Running => "What the network sees, what it makes of it and what it is: a row each, from the next step on.",
                _ => "While a training runs, what the network sees and makes of it is shown here.",
            };
            return self.sentence(inner, words);
        }
        self.show(Slot::Preview, inner);
    }
}

/// The steps from the left to the right edge; none while there is no curve. The right edge goes on in leaps, so that a
/// curve that grows does not stir all the time. The recent steps are those of the first curve, however long the others are.
fn steps(recent: bool, curves: &[(&Curve, Pen)]) -> Option<(u32, u32)> {
    let mut lasts = curves.iter().filter(|(curve, _)| !curve.bins().is_empty()).map(|(curve, _)| curve.last());
    let last = if recent { lasts.next() } else { lasts.max() }?;
    let span = (last / 10).max(RECENT).min(last);
    let power = |steps: u32| steps.checked_next_power_of_two().unwrap_or(u32::MAX);
    let leap = if recent { power(span) / 16 } else { power(last) / 32 };
    let end = last.div_ceil(leap.max(1)).saturating_mul(leap.max(1));
    Some(if recent { (end.saturating_sub(span), end) } else { (0, end) })
}

/// What stands where the curve will be.
fn waiting(app: &App) -> String {
    let Some(run) = app.watched() else { return "This training is not known here.".to_owned() };
    let id = run.id;
    let comes = app.learnings.get(id).is_some_and(|learning| learning.comes());
    match run.state {
        State::Queued => format!("{id} waits its turn. Here will be its loss against its steps, from the first one on."),
        State::Running => format!("{id} begins. Here will be its loss against its steps, from the first one on."),
        _ if comes && (run.step > 0 || run.state == State::Done) => format!("The curve of {id} is on its way."),
        _ => format!("{id} has made no step, or its steps were not kept."),
    }
}
