//! Curves of a loss against steps: braille, a log axis, steps and epochs below.

use super::{Screen, text};
use crate::app::Bin;
use ratatui::{
    layout::{Alignment, Rect},
    style::{Color, Style},
    symbols::Marker,
    text::{Line, Span},
    widgets::canvas::{Canvas, Line as Stroke, Points},
};

/// Rows under the curves: the axis with its epochs, the steps.
const BELOW: u16 = 2;
/// Rows between two labels of the loss, at least.
const APART: u16 = 2;
/// From this ratio of the highest to the lowest loss on the labels are those of a log axis, below it they are evenly spaced.
const WIDE: f64 = 3.0;

/// How a curve is drawn: in a colour, and with gaps, so that curves differ where there are no colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    colour: Color,
    /// Dots of a stroke, and of the gap behind it.
    dash: (u32, u32),
    /// How that looks beside a name.
    sign: &'static str,
}

impl Pen {
    /// The pens of so many colours.
    pub(super) fn all<const N: usize>(colours: [Color; N]) -> [Pen; N] {
        const DASHES: [((u32, u32), &str); 4] = [((1, 0), "━━━"), ((6, 4), "━ ━"), ((2, 2), "╍╍╍"), ((1, 3), "···")];
        let mut dashes = DASHES.into_iter().cycle();
        colours.map(|colour| {
            let (dash, sign) = dashes.next().unwrap_or(DASHES[0]);
            Pen { colour, dash, sign }
        })
    }

    /// A piece of the curve, to stand beside a name.
    pub(super) fn sample(&self) -> Span<'static> {
        Span::styled(format!("{} ", self.sign), Style::new().fg(self.colour))
    }

    fn draws(&self, column: &Column) -> bool {
        column.x as u32 % (self.dash.0 + self.dash.1) < self.dash.0
    }
}

/// What is drawn.
pub(super) struct Plot<'a> {
    /// The curves, the last on top. The steps of the last are drawn as they were.
    pub series: Vec<(&'a [Bin], Pen)>,
    /// The steps from the left to the right edge.
    pub steps: (u32, u32),
    /// Steps of an epoch.
    pub per_epoch: Option<u32>,
    /// The step that is pointed at.
    pub mark: Option<u32>,
}

/// A column of dots.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Column {
    x: f64,
    low: f64,
    high: f64,
    smooth: f64,
}

impl Screen<'_, '_> {
    pub(super) fn plot(&mut self, area: Rect, plot: &Plot) {
        let rows = area.height.saturating_sub(BELOW);
        let Some((low, high)) = plot.range().filter(|_| rows >= 3) else { return };
        let scale = Scale::of(low, high, rows);
        let labels: Vec<_> = scale.ticks.iter().map(|tick| (scale.row(*tick, rows), scale.label(*tick))).collect();
        let left = labels.iter().map(|(_, label)| label.len()).max().unwrap_or(0) as u16 + 3;
        let chart = Rect { x: area.x + left, width: area.width.saturating_sub(left + 1), height: rows, ..area };
        if chart.width < 8 {
            return;
        }
        for y in 0..rows {
            let label = labels.iter().find(|(row, _)| *row == y).map_or("", |(_, label)| label.as_str());
            let tick = if label.is_empty() { "│" } else { "┤" };
            let words = format!("{label:>width$} {tick}", width = usize::from(left) - 2);
            self.frame.render_widget(Line::styled(words, self.dim()), Rect { y: area.y + y, height: 1, width: left, ..area });
        }
        self.curves(chart, plot, &scale);
        self.epochs(Rect { x: chart.x - 1, y: chart.bottom(), width: chart.width + 1, height: 1 }, plot);
        self.step_labels(Rect { y: chart.bottom() + 1, height: 1, ..chart }, plot);
    }

    fn curves(&mut self, chart: Rect, plot: &Plot, scale: &Scale) {
        let (wide, high) = (2 * usize::from(chart.width), f64::from(4 * chart.height) - 1.0);
        let y = |loss: f64| (scale.at(loss) * high).round();
        let (dim, border) = (self.look.theme.roles.dim, self.look.theme.roles.border);
        let mark = plot.mark.and_then(|step| plot.dot(step, wide));
        let columns: Vec<_> = plot.series.iter().map(|(bins, pen)| (columns(bins, plot.steps, wide), *pen)).collect();
        let canvas = Canvas::default().marker(Marker::Braille).x_bounds([0.0, wide as f64 - 1.0]).y_bounds([0.0, high]);
        let canvas = canvas.paint(|context| {
            if let Some(x) = mark {
                let dots: Vec<_> = (0..=high as u32 / 4).map(|dot| (x, f64::from(4 * dot))).collect();
                context.draw(&Points { coords: &dots, color: border });
                context.layer();
            }
            if let Some((raw, _)) = columns.last() {
                for column in raw {
                    context.draw(&Stroke { x1: column.x, y1: y(column.low), x2: column.x, y2: y(column.high), color: dim });
                }
            }
            for (columns, pen) in &columns {
                context.layer();
                for pair in columns.windows(2).filter(|pair| pen.draws(&pair[0])) {
                    let [from, to] = [pair[0], pair[1]].map(|column| (column.x, y(column.smooth)));
                    context.draw(&Stroke { x1: from.0, y1: from.1, x2: to.0, y2: to.1, color: pen.colour });
                }
                let dots: Vec<_> = columns.iter().filter(|column| pen.draws(column)).map(|column| (column.x, y(column.smooth))).collect();
                context.draw(&Points { coords: &dots, color: pen.colour });
            }
        });
        self.frame.render_widget(canvas, chart);
    }

    /// The axis, on it the number of each epoch where it ends, or of every second, fifth, tenth.
    fn epochs(&mut self, axis: Rect, plot: &Plot) {
        let width = usize::from(axis.width);
        let mut cells: Vec<char> = std::iter::once('└').chain(std::iter::repeat_n('─', width.saturating_sub(1))).collect();
        let unit = " epochs";
        if let Some(per_epoch) = plot.per_epoch {
            let column = |epoch: u32| plot.dot(epoch.checked_mul(per_epoch)?, 2 * (width - 1)).map(|dot| 1 + dot as usize / 2);
            let (first, last) = (plot.steps.0 / per_epoch + 1, plot.steps.1 / per_epoch);
            let room = f64::from(per_epoch) * (width - 1) as f64 / f64::from(plot.steps.1.saturating_sub(plot.steps.0).max(1));
            let needed = last.to_string().len() as f64 + 2.0;
            let every = nice_counts().find(|every| f64::from(*every) * room >= needed).unwrap_or(u32::MAX);
            let mut numbered = false;
            let first = first.div_ceil(every).saturating_mul(every);
            for epoch in (first..=last).step_by(every as usize).take(width) {
                let digits = epoch.to_string();
                let Some(at) = column(epoch).map(|column| column.saturating_sub(digits.len() - 1).max(1)) else { continue };
                if at + digits.len() + unit.len() <= width {
                    cells.splice(at..at + digits.len(), digits.chars());
                    numbered = true;
                }
            }
            if numbered {
                cells.splice(width - unit.len().., unit.chars());
            }
        }
        self.frame.render_widget(Line::styled(cells.into_iter().collect::<String>(), self.dim()), axis);
    }

    fn step_labels(&mut self, row: Rect, plot: &Plot) {
        let (from, to) = plot.steps;
        let unit = " steps";
        let labels = (row.width / 12).max(2);
        let every = nice_counts().find(|every| *every >= to.saturating_sub(from) / u32::from(labels)).unwrap_or(u32::MAX).max(1);
        let mut end = row.x;
        let first = from.div_ceil(every).saturating_mul(every);
        for step in (0..=u32::from(labels)).map_while(|at| first.checked_add(at.checked_mul(every)?)).take_while(|step| *step <= to) {
            let (Some(dot), label) = (plot.dot(step, 2 * usize::from(row.width)), text::grouped(step)) else { continue };
            let (x, width) = (row.x + dot as u16 / 2, label.len() as u16);
            if x >= end && x + width + unit.len() as u16 <= row.right() {
                self.frame.render_widget(Line::styled(label, self.dim()), Rect { x, width, ..row });
                end = x + width + 2;
            }
        }
        self.frame.render_widget(Line::styled(unit, self.dim()).alignment(Alignment::Right), row);
    }

    /// The curves by their names, in the upper right corner of the plot.
    pub(super) fn legend(&mut self, area: Rect, names: &[(Pen, String)]) {
        let most = usize::from(area.width / 2);
        for ((pen, name), y) in names.iter().zip(area.y..area.bottom()) {
            let name = text::clip(name, most);
            let width = text::columns(&name) as u16 + 5;
            let spot = Rect { x: area.right().saturating_sub(width + 1), y, width, height: 1 };
            let line = Line::from(vec![Span::raw(" "), pen.sample(), Span::raw(name)]);
            self.frame.render_widget(line, Rect { width: width.min(area.width), x: spot.x.max(area.x), ..spot });
        }
    }
}

impl Plot<'_> {
    /// The lowest and the highest loss that is drawn.
    fn range(&self) -> Option<(f64, f64)> {
        let mut range: Option<(f64, f64)> = None;
        for (at, (bins, _)) in self.series.iter().enumerate() {
            let raw = at + 1 == self.series.len();
            for bin in within(bins, self.steps) {
                let (low, high) = if raw { (bin.low.min(bin.smooth), bin.high.max(bin.smooth)) } else { (bin.smooth, bin.smooth) };
                let (low, high) = (f64::from(low), f64::from(high));
                range = Some(range.map_or((low, high), |range| (range.0.min(low), range.1.max(high))));
            }
        }
        range
    }

    /// The column of dots of a step, of so many.
    fn dot(&self, step: u32, wide: usize) -> Option<f64> {
        dot(step, self.steps, wide)
    }
}

fn dot(step: u32, (from, to): (u32, u32), wide: usize) -> Option<f64> {
    let share = f64::from(step.checked_sub(from)?) / f64::from(to.saturating_sub(from).max(1));
    (step <= to && wide > 0).then(|| (share * (wide - 1) as f64).round())
}

fn within(bins: &[Bin], (from, to): (u32, u32)) -> &[Bin] {
    let at = |step: u32| bins.partition_point(|bin| bin.step < step);
    let end = bins.partition_point(|bin| bin.step <= to);
    &bins[at(from).min(end)..end]
}

/// The bins of each column of dots together, so that a long training costs no more than a short one.
fn columns(bins: &[Bin], steps: (u32, u32), wide: usize) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::with_capacity(wide);
    for bin in within(bins, steps) {
        let Some(x) = dot(bin.step, steps, wide) else { continue };
        let column = Column { x, low: bin.low.into(), high: bin.high.into(), smooth: bin.smooth.into() };
        match columns.last_mut().filter(|last| last.x == x) {
            Some(last) => *last = Column { low: last.low.min(column.low), high: last.high.max(column.high), ..column },
            None => columns.push(column),
        }
    }
    columns
}

/// 1, 2, 5, 10, 20, …
fn nice_counts() -> impl Iterator<Item = u32> {
    (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10u32.pow(power)))
}

/// The axis of the loss: its ends, and the labels between them.
#[derive(Debug)]
struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    /// Digits behind the point; none where each label needs its own.
    decimals: Option<usize>,
}

impl Scale {
    /// An axis that holds a range, for so many rows. Its ends are most often labels, so that it stays as it is for a while.
    fn of(low: f64, high: f64, rows: u16) -> Scale {
        let scale = if high < WIDE * low { Scale::even(low, high, rows) } else { Scale::log(low, high, rows) };
        // A label for each row at most; those of a log axis stand further apart.
        let apart = if scale.decimals.is_some() { 1 } else { APART };
        let mut ticks: Vec<f64> = Vec::new();
        for tick in &scale.ticks {
            if ticks.last().is_none_or(|last| scale.row(*last, rows).saturating_sub(scale.row(*tick, rows)) >= apart) {
                ticks.push(*tick);
            }
        }
        Scale { ticks, ..scale }
    }

    /// Evenly spaced labels: within a small range a logarithm is almost a straight line.
    fn even(low: f64, high: f64, rows: u16) -> Scale {
        let most = f64::from((rows / APART).clamp(1, 4));
        let rough = ((high - low) / most).max(low * 1e-3);
        let power = rough.log10().floor() as i32;
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * 10f64.powi(power)).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let (first, last) = ((low / step).floor() as u64, (high / step).ceil() as u64);
        let ticks: Vec<_> = (first.max(1)..=last.max(first + 1)).map(|count| count as f64 * step).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let bottom = if first > 0 { first as f64 * step } else { low };
        Scale { low: bottom, high: ticks.last().copied().unwrap_or(high), ticks, decimals: Some(decimals) }
    }

    /// The digits of every decade, as many of them as have room.
    fn log(low: f64, high: f64, rows: u16) -> Scale {
        let digits: [&[f64]; 3] = [&[1.0, 2.0, 3.0, 5.0], &[1.0, 3.0], &[1.0]];
        let ends = between(digits[0], low, high);
        let (low, high) = (ends[0], ends[ends.len() - 1]);
        let apart = |pair: &[f64]| (pair[1] / pair[0]).ln() / (high / low).ln() * f64::from(rows - 1) >= f64::from(APART);
        let inside = |digits: &[f64]| {
            let all = between(digits, low, high).into_iter();
            all.filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001).collect::<Vec<_>>()
        };
        let fitting = digits.iter().map(|digits| inside(digits)).find(|ticks| ticks.windows(2).all(apart));
        let ticks = fitting.unwrap_or_else(|| {
            let decades = inside(digits[2]);
            let thinned = |every: usize| decades.iter().copied().step_by(every).collect::<Vec<_>>();
            (1..=decades.len()).map(thinned).find(|ticks| ticks.windows(2).all(apart)).unwrap_or_default()
        });
        Scale { low, high, ticks, decimals: None }
    }

    /// How far up a loss is, from 0 to 1.
    fn at(&self, loss: f64) -> f64 {
        ((loss / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    /// The row of a label, from the top.
    fn row(&self, tick: f64, rows: u16) -> u16 {
        ((1.0 - self.at(tick)) * f64::from(rows - 1)).round() as u16
    }

    fn label(&self, tick: f64) -> String {
        match self.decimals {
            Some(decimals) => format!("{tick:.decimals$}"),
            None if (1e-4..1e5).contains(&tick) => {
                let decimals = (-tick.log10().floor()).clamp(0.0, 4.0) as usize;
                format!("{tick:.decimals$}")
            }
            None => format!("{tick:.0e}"),
        }
    }
}

/// These digits of every decade, from the last that is no higher than `low` to the first that is no lower than `high`.
fn between(digits: &[f64], low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all: Vec<f64> = (first..=last).flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power))).collect();
    let from = all.iter().rposition(|tick| *tick <= low * 1.0001).unwrap_or(0);
    let to = all.iter().position(|tick| *tick >= high * 0.9999).unwrap_or(all.len() - 1);
    all[from..=to.max(from)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64, rows: u16) -> Vec<String> {
        let scale = Scale::of(low, high, rows);
        scale.ticks.iter().map(|tick| scale.label(*tick)).collect()
    }

    #[test]
    fn labels_are_numbers_that_one_would_choose() {
        assert_eq!(labels(0.031, 1.2, 12), ["0.03", "0.1", "0.3", "1"]);
        assert_eq!(labels(0.031, 1.2, 30), ["0.03", "0.05", "0.1", "0.2", "0.3", "0.5", "1", "2"]);
        assert_eq!(labels(0.031, 0.036, 12), ["0.030", "0.032", "0.034", "0.036"]);
        assert_eq!(labels(1e-7, 300.0, 8), ["1e-7", "0.0001", "0.1", "100"]);
    }

    #[test]
    fn a_curve_that_is_one_step_long_has_an_axis() {
        let scale = Scale::of(0.5, 0.5, 10);
        assert!(scale.low < scale.high && scale.at(0.5) >= 0.0, "{scale:?}");
    }

    proptest! {
        #[test]
        fn every_axis_holds_its_range_and_its_labels_stay_apart(low in -20f64..20.0, decades in 0f64..12.0, rows in 3u16..60) {
            let (low, high) = (10f64.powf(low), 10f64.powf(low + decades));
            let scale = Scale::of(low, high, rows);
            prop_assert!(scale.low <= low * 1.001 && scale.high >= high * 0.999, "{:?}", scale);
            prop_assert!(scale.low < scale.high && scale.low > 0.0, "{:?}", scale);
            prop_assert!(!scale.ticks.is_empty());
            let rows: Vec<_> = scale.ticks.iter().map(|tick| scale.row(*tick, rows)).collect();
            prop_assert!(rows.windows(2).all(|pair| pair[0] > pair[1]), "{:?} {:?}", scale, rows);
        }

        #[test]
        fn columns_are_few_in_order_and_lose_no_extreme(count in 1u32..3000, wide in 1usize..300, spike in 0u32..3000) {
            let bin = |step| Bin { step, low: 0.1, high: if step == spike { 7.0 } else { 0.2 }, smooth: 0.15 };
            let bins: Vec<_> = (1..=count).map(bin).collect();
            let columns = columns(&bins, (0, count), wide);
            prop_assert!(columns.len() <= wide && !columns.is_empty());
            prop_assert!(columns.windows(2).all(|pair| pair[0].x < pair[1].x));
            prop_assert_eq!(columns.iter().any(|column| column.high == 7.0), (1..=count).contains(&spike));
        }
    }
}
