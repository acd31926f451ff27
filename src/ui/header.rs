//! The first line: what runs, and whether the engine is there.

use super::{Screen, text};
use crate::app::{App, Download, Engine, Overlay};
use crate::recipe::State;
use ratatui::{
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

/// Between the program's name and the experiment's.
const GAP: &str = "   ";

/// Whether a column of the first line is the experiment's.
pub(super) fn is_experiment(app: &App, x: u16) -> bool {
    let begin = (" darkroom".len() + GAP.len()) as u16;
    (begin..begin + app.form.experiment.len() as u16 + 2).contains(&x)
}

impl Screen<'_, '_> {
    pub(super) fn header(&mut self, area: Rect) {
        let name = Span::styled(" darkroom", Style::new().add_modifier(Modifier::BOLD));
        let experiment = Span::styled(format!("{GAP}{} ▾", self.app.form.experiment), self.dim());
        let left = Line::from(vec![name, experiment]);
        let room = usize::from(area.width).saturating_sub(left.width() + 3);
        self.frame.render_widget(left, area);
        let line = self.engine_words(room);
        self.frame.render_widget(line.alignment(Alignment::Right), area);
    }

    /// Whether the engine is there, and what it is at.
    pub(super) fn engine_words(&self, room: usize) -> Line<'static> {
        match &self.app.engine {
            Engine::Connecting => Line::styled("looking for the engine ", self.dim()),
            // Where it is the way that is lost, the reason says so.
            Engine::Lost(reason) if self.app.host.is_some() => self.trouble("", reason, room),
            Engine::Missing(reason) if self.app.watches => self.trouble("", reason, room),
            Engine::Lost(reason) => self.trouble("engine lost", reason, room),
            Engine::Missing(reason) => self.trouble("no engine", reason, room),
            Engine::Up { started_ms, places, .. } => self.engine_up(*started_ms, places, room),
        }
    }

    fn trouble(&self, what: &str, reason: &str, room: usize) -> Line<'static> {
        let words = if what.is_empty() { reason.to_owned() } else { format!("{what}: {reason}") };
        Line::styled(text::clip(&words, room) + " ", self.bad().add_modifier(Modifier::BOLD))
    }

    fn engine_up(&self, started_ms: i64, places: &[String], room: usize) -> Line<'static> {
        let queue = &self.app.queue;
        let held = match queue.held {
            true if self.app.watch.is_some() || self.app.watches => "queue held · ",
            true => "queue held · P lets it go on · ",
            false => "",
        };
        let mut parts = Vec::new();
        parts.extend(self.app.watches.then(|| (1, "watching".to_owned())));
        parts.extend(self.app.host.iter().map(|host| (2, format!("on {}", text::plain(host)))));
        if let Some((plan, _)) = self.app.plan() {
            parts.extend(Some((2, plan.model)).filter(|_| self.app.watch.is_none() && !self.app.gallery.open));
        }
        parts.extend(computes(places).map(|place| (4, place)));
        match queue.running().collect::<Vec<_>>()[..] {
            [] => {}
            // How many steps it takes it says with the first.
            [run] if run.of == 0 => parts.push((0, "● begins".to_owned())),
            [run] => parts.push((0, format!("● {}/{}", run.step, run.of))),
            ref runs => parts.push((0, format!("● {} running", runs.len()))),
        }
        if !matches!(self.app.overlay, Some(Overlay::Models(_) | Overlay::Pull(_))) {
            parts.extend(self.app.models.download.as_ref().map(|download| (1, downloaded(download))));
        }
        let waiting = queue.runs.iter().filter(|run| run.state == State::Queued).count();
        if waiting > 0 {
            parts.push((1, format!("{waiting} waiting")));
        }
        let up = self.app.now_ms.saturating_sub(started_ms).max(0);
        parts.push((3, if up < 60_000 { "engine ready".to_owned() } else { format!("engine up {}", text::duration(up as f64)) }));
        let rest = Span::styled(text::fit_parts(parts, room.saturating_sub(text::columns(held))) + " ", self.dim());
        Line::from(vec![Span::styled(held, self.warning()), rest])
    }
}

/// `cpu f32`, or `2 × cuda f16` where several workers compute alike.
fn computes(places: &[String]) -> impl Iterator<Item = String> {
    let count = |place: &String| places.iter().filter(|other| *other == place).count();
    let first = places.iter().enumerate().filter(|(at, place)| !places[..*at].contains(place));
    first.map(move |(_, place)| match count(place) {
        1 => text::plain(place).into_owned(),
        count => format!("{count} × {}", text::plain(place)),
    })
}

/// `↓ IF-I-XL-v1.0 42 %`.
fn downloaded(download: &Download) -> String {
    let percent = download.percent().map(|percent| format!(" {percent} %")).unwrap_or_default();
    format!("↓ {}{percent}", text::plain(download.name()))
}
