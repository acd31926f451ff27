//! In what the compared runs differ, in words.

use super::{Screen, text};
use crate::app::{App, Compare, Source, Way};
use crate::recipe::{self, Differing, Run, RunId};
use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Paragraph},
};
use std::collections::HashSet;

/// The most columns for the names of the fields.
const NAME: usize = 18;

/// What is known of the compared runs.
struct Known<'a> {
    runs: Vec<&'a Run>,
    /// How many of the compared are not known yet.
    unknown: usize,
    fields: Vec<Differing>,
}

/// What stands on a line beside its name: words that are broken to fit, each with whether it is to be noticed.
type Words = Vec<(String, bool)>;

impl<'a> Known<'a> {
    fn of(app: &'a App) -> Known<'a> {
        let runs: Vec<&Run> = app.compared().filter_map(|(_, run)| run).collect();
        let fields = recipe::differences(&runs.iter().map(|run| &run.recipe).collect::<Vec<_>>());
        Known { unknown: app.compared().count() - runs.len(), runs, fields }
    }

    /// One sentence for all.
    fn summary(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| format!("the {}", field.field)).collect();
        match names.as_slice() {
            _ if self.unknown > 0 => "The recipes are on their way.".to_owned(),
            [] => "The same recipe.".to_owned(),
            _ if self.fields[0].field == "experiment" => "Runs of different experiments.".to_owned(),
            [one] => format!("The same recipe but for {one}."),
            [first @ .., last] if first.len() < 4 => format!("The same recipe but for {} and {last}.", first.join(", ")),
            names => format!("The recipes differ in {} fields.", names.len()),
        }
    }

    /// Every line with its name; of a name that stands on several lines only the first has it.
    fn rows(&self, app: &App) -> Vec<(String, Words)> {
        let mut rows = Vec::new();
        for field in self.fields.iter().filter(|field| field.field != "prompt") {
            rows.push((field.field.clone(), side_by_side(field.values.iter().map(|value| value.clone().unwrap_or("–".to_owned())))));
        }
        if self.fields.iter().any(|field| field.field == "prompt") {
            let prompts = prompts(&self.runs);
            let name = |at| if at == 0 { "prompt".to_owned() } else { String::new() };
            rows.extend(prompts.into_iter().enumerate().map(|(at, words)| (name(at), words)));
        }
        let took = |run: &&Run| run.took_ms.map_or("–".to_owned(), |ms| text::duration(ms as f64));
        let values = |value: &dyn Fn(&&Run) -> String| self.runs.iter().map(value).collect::<Vec<_>>();
        let mut facts = vec![("took", values(&took)), ("steps made", values(&|run| run.of.to_string())), ("size", sizes(app))];
        facts.retain(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]));
        rows.extend(facts.into_iter().map(|(name, values)| (name.to_owned(), side_by_side(values.into_iter()))));
        rows
    }
}

/// The sizes of the pictures, where all are here.
fn sizes(app: &App) -> Vec<String> {
    let size = |source: Source| app.pictures.get(source).map(|picture| format!("{} by {}", picture.head.width, picture.head.height));
    app.compared_pictures().into_iter().map(|source| size(source?)).collect::<Option<_>>().unwrap_or_default()
}

/// `5 → 7 → 9`.
fn side_by_side(values: impl Iterator<Item = String>) -> Words {
    values.enumerate().map(|(at, value)| (if at == 0 { value } else { format!("→ {value}") }, false)).collect()
}

/// The prompts of the runs, a line each with its number; a word that is not in all of them is to be noticed.
fn prompts(runs: &[&Run]) -> Vec<Words> {
    let all: Vec<String> = runs.iter().map(|run| run.recipe.prompts().join(" / ")).collect();
    let sets: Vec<HashSet<&str>> = all.iter().map(|prompt| prompt.split_whitespace().collect()).collect();
    let is_odd = |word: &str| sets.iter().any(|set| !set.contains(word));
    let words = |(prompt, run): (&String, &&Run)| {
        let number = std::iter::once((run.id.to_string(), false));
        let words = prompt.split_whitespace().map(|word| (text::plain(word).into_owned(), is_odd(word)));
        number.chain(words).collect()
    };
    all.iter().zip(runs).map(words).collect()
}

/// Words on as many lines as they need.
fn flow(words: &[(String, bool)], width: usize) -> Vec<Vec<(String, bool)>> {
    let mut lines: Vec<Vec<(String, bool)>> = vec![Vec::new()];
    let mut used = 0;
    for (word, odd) in words {
        let word = text::clip(word, width);
        let columns = text::columns(&word) + usize::from(used > 0);
        if used > 0 && used + columns > width {
            lines.push(Vec::new());
            used = 0;
        }
        used += text::columns(&word) + usize::from(used > 0);
        if let Some(line) = lines.last_mut() {
            line.push((word, *odd));
        }
    }
    lines
}

/// How many lines the words take in so many columns.
pub(super) fn count(app: &App, width: usize) -> usize {
    let known = Known::of(app);
    let rows = known.rows(app);
    let name = name_width(&rows);
    text::wrap(&known.summary(), width).len() + rows.iter().map(|(_, words)| flow(words, width.saturating_sub(name)).len()).sum::<usize>()
}

fn name_width(rows: &[(String, Words)]) -> usize {
    rows.iter().map(|(name, _)| text::columns(name) + 2).max().unwrap_or(0).min(NAME)
}

impl Screen<'_, '_> {
    pub(super) fn differing(&mut self, compare: &Compare, area: Rect) {
        let roles = &self.look.theme.roles;
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(Style::new().fg(roles.border));
        let block = block.title_top(Line::styled(" Their recipes ", Style::new().fg(roles.text)));
        let inner = super::inset(block.inner(area));
        self.frame.render_widget(block, area);
        let shown: Vec<RunId> = match compare.way {
            Way::Beside => Vec::new(),
            Way::Flip => self.app.compared().nth(compare.at).map(|(id, _)| id).into_iter().collect(),
            Way::Difference => [0, compare.at].into_iter().filter_map(|at| self.app.compared().nth(at)).map(|(id, _)| id).collect(),
        };
        let mut lines = self.differing_lines(&shown, usize::from(inner.width));
        let (room, all) = (usize::from(inner.height), lines.len());
        if all > room {
            lines.truncate(room.saturating_sub(1));
            let hidden = text::count(all - lines.len(), "line");
            let way = if compare.way == Way::Beside { "; f has more room" } else { "" };
            lines.push(Line::styled(text::clip(&format!("… {hidden} more{way}"), usize::from(inner.width)), self.dim()));
        }
        self.frame.render_widget(Paragraph::new(lines), inner);
    }

    /// The summary, and a line for every field; the numbers of the runs that are shown stand out.
    fn differing_lines(&self, shown: &[RunId], width: usize) -> Vec<Line<'static>> {
        let known = Known::of(self.app);
        let rows = known.rows(self.app);
        let name_width = name_width(&rows);
        let bold = self.accent().add_modifier(Modifier::BOLD);
        let mut lines: Vec<_> = text::wrap(&known.summary(), width).into_iter().map(|line| Line::styled(line, self.accent())).collect();
        for (name, words) in rows {
            let is_prompt = name.is_empty() || name == "prompt";
            for (at, line) in flow(&words, width.saturating_sub(name_width)).into_iter().enumerate() {
                let name = if at == 0 { text::clip(&name, name_width.saturating_sub(1)) } else { String::new() };
                let pad = " ".repeat(name_width.saturating_sub(text::columns(&name)));
                let mut spans = vec![Span::styled(name + &pad, self.dim())];
                for (place, (word, odd)) in line.into_iter().enumerate() {
                    let number = is_prompt && at == 0 && place == 0;
                    let seen = number && shown.iter().any(|id| id.to_string() == word);
                    let style = if odd || seen {
                        bold
                    } else if number {
                        self.dim()
                    } else {
                        Style::new()
                    };
                    let gap = if place == 0 { "" } else { " " };
                    spans.push(Span::raw(gap));
                    spans.push(Span::styled(word, style));
                }
                lines.push(Line::from(spans));
            }
        }
        lines
    }
}
