//! The way of a walk that jumps back, drawn before it is gone.

use super::{Screen, inset, text};
use crate::app::{Focus, Schedule};
use ratatui::{
    layout::{Alignment, Rect},
    symbols::Marker,
    text::Line,
    widgets::{Axis, Chart, Dataset, GraphType, Paragraph, Wrap},
};

/// The most points that are drawn; a longer way is drawn by the ends of its stretches.
const POINTS: usize = 4000;

impl Screen<'_, '_> {
    /// The chart in the place of the picture.
    pub(super) fn schedule(&mut self, area: Rect, schedule: &Schedule) {
        let (inner, block) = self.pane(Focus::Preview, area, false);
        let title = Line::styled(" what Enter would do ", self.dim()).alignment(Alignment::Right);
        self.frame.render_widget(block.title_top(title), area);
        let inner = inset(inner);
        let words = sentence(schedule);
        let lines = text::wrap(&words, usize::from(inner.width)).len() as u16;
        let height = lines.min(inner.height);
        self.frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), Rect { height, ..inner });
        let below = Rect { y: inner.y + height, height: inner.height - height, ..inner };
        // A chart twice as wide as high reads best.
        let chart = Rect { height: below.height.min((below.width / 2).max(8)), ..below };
        self.curve(chart, schedule);
    }

    fn curve(&mut self, area: Rect, schedule: &Schedule) {
        let points = points(schedule);
        let set = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(self.accent()).data(&points);
        let steps = schedule.indexes.len();
        let x = Axis::default().bounds([0.0, steps as f64]).labels(["0".to_owned(), "model calls".to_owned(), steps.to_string()]);
        let y = Axis::default().bounds([0.0, schedule.straight as f64]).labels(["0".to_owned(), schedule.straight.to_string()]);
        let y = y.title(Line::styled("timesteps to go", self.dim()));
        self.frame.render_widget(Chart::new(vec![set]).x_axis(x.style(self.dim())).y_axis(y.style(self.dim())), area);
    }
}

fn sentence(schedule: &Schedule) -> String {
    format!(
        "Each stretch of {} is walked {}: {} model calls instead of {}.",
        text::count(schedule.length, "timestep"),
        text::count(schedule.count, "time"),
        schedule.indexes.len(),
        schedule.straight
    )
}

/// How many timesteps are still to go, at each model call.
fn points(schedule: &Schedule) -> Vec<(f64, f64)> {
    let left = |index: usize| schedule.straight.saturating_sub(index) as f64;
    let stretch = schedule.indexes.len().div_ceil(POINTS).max(1);
    let ends = schedule.indexes.chunks(stretch).enumerate().flat_map(|(at, chunk)| {
        let x = (at * stretch) as f64;
        let (low, high) = (chunk.iter().min().copied().unwrap_or(0), chunk.iter().max().copied().unwrap_or(0));
        [(x, left(low)), (x, left(high))]
    });
    ends.chain([(schedule.indexes.len() as f64, 0.0)]).collect()
}
