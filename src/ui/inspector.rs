//! The numbers behind a step, where the form is otherwise, and what they mean.

use super::{Screen, inset, text};
use crate::app::{App, Focus, Inspector};
use crate::recipe::{Layer, LayerNumbers, Numbers, Run};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// Columns for a number.
const NUMBER: usize = 6;
/// From so many columns the layers have their whole names.
const ROOMY: usize = 40;
/// The headings of the numbers. Where there is room for three, the mean is left out.
const HEADINGS: [&str; 4] = ["min", "max", "std", "mean"];

impl Screen<'_, '_> {
    pub(super) fn inside(&mut self, area: Rect) {
        let (inner, block) = self.pane(Focus::Parameters, area, false);
        self.frame.render_widget(block, area);
        let Some(inspector) = &self.app.inspector else { return };
        let Some(numbers) = &inspector.numbers else {
            let words = inspector.trouble.as_deref().unwrap_or("The numbers behind a step are on their way.");
            return self.sentence(inner, words);
        };
        let inner = inset(inner);
        let mut lines = vec![Line::styled(caption(self.app, inspector, numbers), self.accent())];
        lines.push(Line::from(""));
        lines.extend(self.table(inspector, numbers, usize::from(inner.width)));
        // On a small screen the empty lines are the first to go, then whole sentences: half of one may say the opposite.
        let gap = usize::from(inner.height > 15);
        let mut room = usize::from(inner.height).saturating_sub(lines.len());
        for words in [kept(numbers), meaning(inspector.shown).to_owned(), alone(numbers).to_owned(), threshold(numbers)] {
            let needed = gap + text::wrap(&words, usize::from(inner.width)).len();
            if !words.is_empty() && needed <= room {
                room -= needed;
                lines.extend(std::iter::repeat_n(Line::default(), gap));
                lines.push(Line::styled(words, self.dim()));
            }
        }
        self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
    }

    /// A layer a line; the one that is shown stands out.
    fn table(&self, inspector: &Inspector, numbers: &Numbers, width: usize) -> Vec<Line<'static>> {
        let columns = (width.saturating_sub(4) / NUMBER).min(HEADINGS.len());
        let name = width.saturating_sub(columns * NUMBER);
        let heading: String = HEADINGS.iter().take(columns).map(|heading| format!("{heading:>NUMBER$}")).collect();
        let mut lines = vec![Line::styled(format!("{}{heading}", " ".repeat(name)), self.dim())];
        for layer in &numbers.layers {
            let shown = layer.layer == inspector.shown;
            let style = if shown { self.accent().add_modifier(Modifier::BOLD) } else { Style::new() };
            let title = if width >= ROOMY { layer.layer.title() } else { symbol(layer.layer) };
            let title = text::clip(&format!("{}{title}", if shown { "▸" } else { " " }), name);
            let gap = " ".repeat(name - text::columns(&title));
            let values: String = values(layer).into_iter().take(columns).map(|value| format!("{:>NUMBER$}", number(value))).collect();
            lines.push(Line::from(vec![Span::styled(format!("{title}{gap}"), style), Span::styled(values, style)]));
        }
        lines
    }
}

/// In the order of [`HEADINGS`].
fn values(layer: &LayerNumbers) -> [f64; 4] {
    [layer.min, layer.max, layer.std, layer.mean]
}

/// A number in five columns at most, as long as it is no giant.
fn number(value: f64) -> String {
    match value.abs() {
        size if size < 0.0005 => "0".to_owned(),
        size if size < 0.0995 && value > 0.0 => format!("{value:.3}"),
        size if size < 0.005 => "0".to_owned(),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        size if size < 99_999.0 => format!("{value:.0}"),
        size if size.is_nan() => "none".to_owned(),
        _ => "huge".to_owned(),
    }
}

/// The line under the picture while a step is looked into, each part with its rank.
pub(super) fn status(app: &App, run: &Run) -> Option<Vec<(u8, String)>> {
    let inspector = app.inspector.as_ref().filter(|inspector| inspector.run == run.id)?;
    let Some(numbers) = &inspector.numbers else { return Some(vec![(0, "looks inside".to_owned())]) };
    let mut parts = vec![(1, inspector.shown.title().to_owned()), (2, format!("t {}", numbers.t)), (0, step(run, numbers))];
    if inspector.playing {
        parts.push((3, "plays".to_owned()));
    }
    Some(parts)
}

fn step(run: &Run, numbers: &Numbers) -> String {
    let step = numbers.index.saturating_add(1);
    if run.of > 0 { format!("step {step} of {}", run.of) } else { format!("step {step}") }
}

fn caption(app: &App, inspector: &Inspector, numbers: &Numbers) -> String {
    let step = app.run(inspector.run).map(|run| step(run, numbers)).unwrap_or_default();
    format!("{} · {step} · t {}", inspector.run, numbers.t)
}

/// What a layer is called where there is little room.
fn symbol(layer: Layer) -> &'static str {
    match layer {
        Layer::Noisy => "x_t",
        Layer::Clean => "x̂₀",
        Layer::Noise => "ε",
        Layer::Unconditional => "ε∅",
        Layer::Conditional => "εc",
        Layer::Variance => "σ",
        Layer::Picture => "x",
    }
}

/// One sentence on the layer that is shown.
fn meaning(layer: Layer) -> &'static str {
    match layer {
        Layer::Clean => "x̂₀ is the clean picture as the model believes it to be at this step.",
        Layer::Noisy => "x_t is what the model was shown: the picture so far, and noise.",
        Layer::Noise => "ε is the noise that the model finds in x_t, guidance included. Grey is 0, black and white are ±3.",
        Layer::Unconditional => "ε∅ is the noise that the model finds without the prompt. Grey is 0, black and white are ±3.",
        Layer::Conditional => "εc is the noise that it finds with the prompt; guidance goes from ε∅ to it, and beyond.",
        Layer::Picture => "The pictures that the experiment has made so far; it calls no model.",
        Layer::Variance => "σ is how much fresh noise is added after this step: least where black, most where white.",
    }
}

/// Why there is nothing for `x` to walk through.
fn alone(numbers: &Numbers) -> &'static str {
    match numbers.layers.as_slice() {
        [LayerNumbers { layer: Layer::Picture, .. }] => "",
        [] | [_] => "The model was not called in this step, so that there is nothing else inside; ← goes to one where it was.",
        _ => "",
    }
}

/// What x̂₀ was cut at.
fn threshold(numbers: &Numbers) -> String {
    let values: Vec<_> = numbers.thresholds.iter().map(|value| number(*value)).collect();
    match values.len() {
        0 => String::new(),
        1..=6 => format!("threshold s {}: x̂₀ is cut at ±s and divided by s.", values.join(", ")),
        more => format!("threshold s {}, … ({more} pictures): x̂₀ is cut at ±s and divided by s.", values[..4].join(", ")),
    }
}

fn kept(numbers: &Numbers) -> String {
    format!(
        "{} kept; b goes on from this one with something changed.",
        match numbers.steps.len() {
            1 => "1 step is".to_owned(),
            steps => format!("{steps} steps are"),
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_fits_its_column() {
        let shown = [0.0, -0.0, 0.0123, -0.0123, -0.001, 1.0, -1.0, 9.996, -12.34, 123.4, -9_999.0, f64::NAN, f64::INFINITY].map(number);
        assert_eq!(shown, ["0", "0", "0.012", "-0.01", "0", "1.00", "-1.00", "10.0", "-12.3", "123", "-9999", "none", "huge"]);
        assert!(shown.iter().all(|text| text.len() < NUMBER));
    }
}
