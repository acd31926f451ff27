//! What a training is like in numbers, and how long it still takes.

use super::{Screen, text};
use crate::app::App;
use crate::recipe::{Run, State};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

impl Screen<'_, '_> {
    pub(super) fn facts(&mut self, area: Rect) {
        let Some(run) = self.app.watched() else { return };
        let inner = super::inset(self.part(area, "Training", "", None));
        let tone = self.tone(run.state).add_modifier(Modifier::BOLD);
        let (word, time) = standing(self.app, run);
        let mut lines = vec![Line::from(vec![Span::styled(format!("{} ", self.sign(run.state)), tone), Span::styled(word, tone)])];
        let width = usize::from(inner.width);
        for (name, value) in facts(self.app, run) {
            let gap = width.saturating_sub(text::columns(name) + text::columns(&value)).max(1);
            lines.push(Line::from(vec![Span::styled(format!("{name}{}", " ".repeat(gap)), self.dim()), Span::raw(value)]));
        }
        lines.extend(text::wrap(&time, width).into_iter().map(|line| Line::styled(line, Style::new().add_modifier(Modifier::BOLD))));
        if let Some(error) = run.error.as_ref().filter(|_| run.state == State::Failed) {
            lines.push(Line::styled(text::plain(error).into_owned(), self.bad()));
        }
        self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
    }
}

/// The same in a line, as much of it as there is room for.
pub(super) fn line(app: &App, run: &Run, room: usize) -> String {
    let (word, time) = standing(app, run);
    let facts = facts(app, run).into_iter().map(|(name, value)| format!("{name} {value}"));
    let mut parts: Vec<_> = [(2, word)].into_iter().chain([0, 3, 4].into_iter().zip(facts)).collect();
    parts.push((1, time));
    parts.retain(|(_, part)| !part.is_empty());
    text::fit_parts(parts, room)
}

/// How a training stands in a word or two, and the time that it takes or took.
fn standing(app: &App, run: &Run) -> (String, String) {
    let word = match run.state {
        State::Running if app.draws_samples(run) => "draws its samples".to_owned(),
        State::Running if app.ends_early(run) => "ends with this epoch".to_owned(),
        State::Running if run.step == 0 => "begins".to_owned(),
        State::Running => "learns".to_owned(),
        State::Queued => "waits its turn".to_owned(),
        State::Paused => "paused; Space goes on".to_owned(),
        State::Failed | State::Cancelled | State::Interrupted => format!("{}; Space goes on", run.state.word()),
        State::Done => "done".to_owned(),
    };
    let time = match (run.state, run.took_ms) {
        (State::Running, _) => app.left_ms(run).filter(|_| run.step > 0).map(|ms| left(app, ms)).unwrap_or_default(),
        (State::Done, Some(ms)) => format!("took {}", text::in_words(ms as f64)),
        _ => String::new(),
    };
    (word, time)
}

/// `about 41 minutes, done at 14:20`.
fn left(app: &App, ms: f64) -> String {
    if !ms.is_finite() || ms < 1.0 {
        return String::new();
    }
    let (clock, days) = app.log.clock(app.now_ms.saturating_add(ms as i64), app.now_ms);
    let when = match days {
        0 => format!("at {clock}"),
        1 => format!("tomorrow at {clock}"),
        days => format!("in {days} days at {clock}"),
    };
    format!("about {}, done {when}", text::in_words(ms))
}

fn facts(app: &App, run: &Run) -> Vec<(&'static str, String)> {
    let learning = app.learnings.get(run.id);
    let point = learning.and_then(|learning| learning.latest);
    let mut facts = Vec::new();
    if let Some((epoch, of)) = app.epochs(run) {
        facts.push(("epoch", format!("{epoch} of {of}")));
    }
    if run.of > 0 {
        facts.push(("step", format!("{} of {}", text::grouped(run.step), text::grouped(run.of))));
    }
    if let Some(loss) = learning.and_then(|learning| learning.loss()) {
        facts.push(("loss, smoothed", text::figures(loss.into())));
    }
    if let Some(point) = point {
        facts.push(("learning rate", rate(point.rate.into())));
    }
    if let Some((training, pace)) = run.recipe.training().zip(learning.map(|learning| learning.pace)).filter(|(_, pace)| *pace > 0.0) {
        facts.push(("speed", format!("{} images/s", text::figures(training.batch as f64 * 1e3 / pace))));
        facts.push(("a step", text::duration(pace)));
    }
    if let Some(memory) = learning.and_then(|learning| learning.memory).filter(|_| run.state == State::Running) {
        facts.push(("engine's memory", text::bytes(memory)));
    }
    facts
}

/// A learning rate as it was most likely typed: `0.001`, where three digits are `0.00100`.
fn rate(rate: f64) -> String {
    let words = text::figures(rate);
    if words.contains('.') && !words.contains('e') { words.trim_end_matches('0').trim_end_matches('.').to_owned() } else { words }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn a_rate_is_written_as_it_was_typed_and_keeps_its_exponent() {
        assert_eq!([1e-3, 7.94e-4, 0.5, 1.0, 0.0, 2.8e-10, 1e-5].map(rate), ["0.001", "0.000794", "0.5", "1", "0", "2.8e-10", "1.0e-5"]);
    }
}
