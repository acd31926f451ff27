//! Loss curves as SVG, with a logarithmic axis. Text stays text, and the page gives it and the axes their colours.

use crate::recipe::Point;
use anyhow::{Result, ensure};
use plotters::coord::Shift;
use plotters::coord::combinators::{BindKeyPoints, IntoLogRange};
use plotters::prelude::*;

/// Drawn larger than it is shown: plotters rounds to whole pixels.
const SIZE: (u32, u32) = (1408, 640);
const FONT: (&str, i32) = ("monospace", 28);
/// More of a curve cannot be told apart.
const MOST: usize = 1000;
/// The page's ink and its lines; `page.css` knows them by these values.
const INK: RGBColor = RGBColor(38, 35, 31);
const LINE: RGBColor = RGBColor(221, 214, 202);
/// A colour a curve, again and again.
const COLOURS: [RGBColor; 4] = [RGBColor(168, 90, 0), RGBColor(10, 110, 130), RGBColor(130, 60, 150), RGBColor(60, 120, 50)];

/// The losses of a training.
pub struct Curve {
    /// What it is called beside others.
    pub label: String,
    /// Its steps in order.
    pub points: Vec<Point>,
}

/// The axes: the steps, and the losses from the lowest tick to the highest.
struct Axes {
    steps: f64,
    ticks: Vec<f64>,
    step: String,
}

/// Draws curves over one another: faintly how far the losses go, and what is left when they are smoothed.
///
/// # Errors
/// When there is nothing to draw.
pub fn plot(curves: &[Curve]) -> Result<String> {
    let axes = Axes::of(curves)?;
    let mut svg = String::new();
    draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), curves, &axes)
        .map_err(|error| anyhow::anyhow!("the curves cannot be drawn: {error}"))?;
    Ok(svg)
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn draw(area: &DrawingArea<SVGBackend, Shift>, curves: &[Curve], axes: &Axes) -> Drawn {
    let (lowest, highest) = (axes.ticks[0], axes.ticks[axes.ticks.len() - 1]);
    let losses = (lowest..highest).log_scale().with_key_points(axes.ticks.clone());
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(32)
        .x_label_area_size(84)
        .y_label_area_size(124)
        .build_cartesian_2d(0.0..axes.steps, losses)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(LINE.stroke_width(1))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.stroke_width(2))
        .label_style(FONT)
        .axis_desc_style(FONT)
        .x_labels(8)
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&number)
        .x_desc(axes.step.as_str())
        .y_desc("mean squared error, log")
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let every = curve.points.len().div_ceil(MOST).max(1);
        chart.draw_series(LineSeries::new(extremes(&curve.points, every), colour.mix(0.3).stroke_width(1)))?;
        let smooth = smoothed(&curve.points).into_iter().step_by(every);
        let line = chart.draw_series(LineSeries::new(smooth, colour.stroke_width(4)))?;
        if curves.len() > 1 {
            line.label(curve.label.as_str()).legend(|(x, y)| PathElement::new([(x, y), (x + 36, y)], colour.stroke_width(4)));
        }
    }
    if curves.len() > 1 {
        chart.configure_series_labels().label_font(FONT).legend_area_size(44).margin(20).draw()?;
    }
    Ok(area.present()?)
}

impl Axes {
    fn of(curves: &[Curve]) -> Result<Axes> {
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let steps = points().map(|point| point.step).max().unwrap_or(0);
        ensure!(steps > 0 && curves.iter().all(|curve| !curve.points.is_empty()), "the losses of its steps are not kept any more");
        let (lowest, highest) =
            points().map(|point| bounded(point.loss)).fold((f64::MAX, 0f64), |(low, high), loss| (low.min(loss), high.max(loss)));
        let epochs: Vec<usize> = curves.iter().map(|curve| curve.points.iter().filter(|point| point.epoch == 1).count()).collect();
        let step = match epochs.windows(2).all(|pair| pair[0] == pair[1]) {
            true => format!("steps of the optimizer, {} an epoch", epochs[0]),
            false => "steps of the optimizer".to_owned(),
        };
        Ok(Axes { steps: f64::from(steps), ticks: ticks(lowest, highest), step })
    }
}

/// The lowest and the highest loss of every few steps, in their order: no spike is left out.
fn extremes(points: &[Point], every: usize) -> impl Iterator<Item = (f64, f64)> {
    points.chunks(every).flat_map(|few| {
        let by_loss = |one: &&Point, other: &&Point| one.loss.total_cmp(&other.loss);
        let mut ends: Vec<&Point> = few.iter().min_by(by_loss).into_iter().chain(few.iter().max_by(by_loss)).collect();
        ends.sort_unstable_by_key(|point| point.step);
        ends.dedup_by_key(|point| point.step);
        ends.into_iter().map(|point| (f64::from(point.step), bounded(point.loss)))
    })
}

/// A loss that a logarithm can be taken of.
fn bounded(loss: f32) -> f64 {
    f64::from(loss).clamp(1e-9, 1e9)
}

/// Ones, twos and fives of each power of ten around a range, or the powers alone where there are many.
fn ticks(lowest: f64, highest: f64) -> Vec<f64> {
    let (first, last) = (lowest.log10().floor() as i32, highest.log10().ceil() as i32);
    let steps: &[f64] = if last - first > 3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all: Vec<f64> = (first..=last).flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power))).collect();
    let below = all.iter().rposition(|tick| *tick <= lowest).unwrap_or(0);
    let above = all.iter().position(|tick| *tick >= highest && *tick > all[below]).unwrap_or(all.len() - 1);
    all[below..=above].to_vec()
}

/// A tick as it is read: no more digits than it has.
fn number(tick: &f64) -> String {
    let digits = (-tick.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{tick:.digits$}")
}

/// The losses as a mean that forgets, over a fiftieth of the steps or so.
fn smoothed(points: &[Point]) -> Vec<(f64, f64)> {
    let keep = 1.0 - 1.0 / (points.len() as f64 / 50.0).clamp(1.0, 100.0);
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut smooth = |point: &Point| {
        sum = keep * sum + bounded(point.loss);
        weight = keep * weight + 1.0;
        (f64::from(point.step), sum / weight)
    };
    points.iter().map(&mut smooth).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(label: &str, losses: &[f32]) -> Curve {
        let point = |(step, loss): (u32, &f32)| Point { step, epoch: 1 + (step - 1) / 10, loss: *loss, rate: 1e-3, ms: 1.0 };
        Curve { label: label.to_owned(), points: (1..).zip(losses).map(point).collect() }
    }

    #[test]
    fn every_curve_has_its_colour_and_its_name_and_the_axes_say_what_they_are() {
        let losses: Vec<f32> = (0..200).map(|step| 1.0 / (1.0 + step as f32)).collect();
        let svg = plot(&[curve("with <it>", &losses), curve("without", &losses[..50])]).unwrap();
        for (colour, lines) in [("#A85A00", 3), ("#0A6E82", 3), ("#823C96", 0)] {
            assert_eq!(svg.matches(&format!("stroke=\"{colour}\"")).count(), lines, "every loss, the smooth curve, and its legend");
        }
        assert!(
            svg.contains("with &lt;it&gt;")
                && svg.contains("mean squared error, log")
                && svg.contains("steps of the optimizer, 10 an epoch")
        );
        let texts: Vec<&str> =
            svg.split("<text ").skip(1).filter_map(|text| text.split('>').nth(1)?.split('<').next()).map(str::trim).collect();
        assert!(["0.005", "0.01", "0.1", "1", "0", "200"].iter().all(|tick| texts.contains(tick)), "{texts:?}");
    }

    #[test]
    fn what_the_page_gives_other_colours_in_the_dark_is_drawn_in_those_that_it_looks_for() {
        let svg = plot(&[curve("", &[1.0, 0.5])]).unwrap();
        for (drawn, shown) in [(INK, "ink"), (LINE, "line")] {
            let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", drawn.0, drawn.1, drawn.2);
            let rule = format!(".plot [{stroke}] {{ stroke: var(--{shown}); }}");
            assert!(svg.contains(&stroke) && include_str!("page.css").contains(&rule), "{rule}");
        }
    }

    #[test]
    fn no_spike_of_a_long_training_is_left_out() {
        let mut losses = vec![0.5; 4000];
        (losses[1234], losses[2345]) = (9.0, 0.01);
        let points = curve("", &losses).points;
        let shown: Vec<_> = extremes(&points, 4).collect();
        assert!(shown.contains(&(1235.0, 9.0)) && shown.contains(&(2346.0, f64::from(0.01f32))));
        assert!(shown.len() <= 2000 && shown.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(extremes(&points, 1).count(), 4000, "as long as there is room, every loss");
    }

    #[test]
    fn without_losses_there_is_nothing_to_draw() {
        assert!(plot(&[]).is_err() && plot(&[curve("lost", &[]), curve("kept", &[1.0])]).is_err());
    }

    proptest! {
        #[test]
        fn ticks_rise_and_enclose_what_is_drawn(lowest in 1e-9f64..1e9, times in 1f64..1e12) {
            let highest = (lowest * times).min(1e9);
            let ticks = ticks(lowest, highest);
            prop_assert!(ticks.len() >= 2 && ticks.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ticks[0] <= lowest * (1.0 + 1e-9) && ticks[ticks.len() - 1] >= highest * (1.0 - 1e-9));
            prop_assert!(ticks.len() < 24);
        }

        #[test]
        fn any_losses_make_a_drawing(losses in prop::collection::vec(prop::num::f32::ANY, 1..40)) {
            let losses: Vec<f32> = losses.into_iter().filter(|loss| loss.is_finite()).collect();
            prop_assert_eq!(plot(&[curve("", &losses)]).is_ok(), !losses.is_empty());
        }
    }
}
