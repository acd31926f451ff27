//! Words and numbers as they appear on the screen.

pub use crate::words::{duration, plain};

use crate::recipe::Recipe;
use unicode_width::UnicodeWidthChar;

/// A text cut to so many columns, with … where something is missing.
pub fn clip(text: &str, width: usize) -> String {
    let plain = plain(text);
    if columns(&plain) <= width {
        return plain.into_owned();
    }
    let mut used = 1;
    let kept = plain.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= width
    });
    let mut short: String = kept.collect();
    if width > 0 {
        short.push('…');
    }
    short
}

/// What stands for a run in a list: its prompts, or where no text is read the picture that it works on, or what it trains.
pub fn title(recipe: &Recipe) -> String {
    match (recipe, recipe.photo()) {
        _ if !recipe.prompts().is_empty() => recipe.prompt().replace('\n', " / "),
        (_, Some(photo)) => photo.image.name().to_owned(),
        (Recipe::SampleDigits(recipe), _) => format!("digits of {}", recipe.run.name()),
        _ => training(recipe).unwrap_or_else(|| recipe.experiment().to_owned()),
    }
}

/// A training by its edition and what was chosen beside it: `train-class fa24, width 8`.
fn training(recipe: &Recipe) -> Option<String> {
    recipe.training()?;
    let pairs = recipe.pairs();
    let value = |name: &str| pairs.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let edition = value("edition").unwrap_or_default();
    let told = TOLD.iter().filter_map(|name| value(name).map(|value| format!(", {name} {value}")));
    Some(std::iter::once(format!("{} {edition}", recipe.experiment())).chain(told).collect())
}

/// The fields of a training that stand in its title, where an edition does not fill them.
const TOLD: [&str; 9] = ["schedule", "rate", "width", "batch", "epochs", "until", "images", "objective", "modulation"];

/// How many columns a text takes.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A text broken into lines of so many columns, at spaces where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in plain(text).split_whitespace() {
        let mut word = word.to_owned();
        loop {
            let line = lines.last().map_or(0, |line| columns(line));
            let gap = usize::from(line > 0);
            if line + gap + columns(&word) <= width || width == 0 {
                push(&mut lines, gap, &word);
                break;
            }
            if gap > 0 {
                lines.push(String::new());
                continue;
            }
            let mut used = 0;
            let at = word.char_indices().find(|(at, c)| {
                used += c.width().unwrap_or(0);
                *at > 0 && used > width
            });
            let rest = word.split_off(at.map_or(word.len(), |(at, _)| at));
            push(&mut lines, 0, &word);
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
            word = rest;
        }
    }
    lines
}

fn push(lines: &mut [String], gap: usize, word: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(&" "[..gap]);
        line.push_str(word);
    }
}

/// Parts with dots between, the least important left out until they fit. The rank of a part says how important it is;
/// 0 stays longest.
pub fn fit_parts(mut parts: Vec<(u8, String)>, width: usize) -> String {
    loop {
        let line = parts.iter().map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(" · ");
        let least = parts.iter().enumerate().max_by_key(|(_, (rank, _))| *rank).map(|(at, _)| at);
        match least {
            Some(at) if columns(&line) > width && parts.len() > 1 => drop(parts.remove(at)),
            _ => return clip(&line, width),
        }
    }
}

/// A duration that is a guess: `0.4 s`, `3 s`, `41 min`.
pub fn rough(ms: f64) -> String {
    match ms {
        ms if ms < 1_950.0 => format!("{:.1} s", ms.max(100.0) / 1e3),
        ms if ms < 9_950.0 => format!("{:.0} s", ms / 1e3),
        ms => duration(ms),
    }
}

/// A number with a space between its thousands: `9 380`.
pub fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration in words, as one says it: `41 minutes`, `2 hours 5 minutes`.
pub fn in_words(ms: f64) -> String {
    let seconds = (ms / 1e3).round().max(1.0) as u64;
    let (minutes, hours) = (seconds.div_ceil(60), seconds.div_ceil(60) / 60);
    let unit = |number: u64, unit: &str| count(number as usize, unit);
    match (seconds, minutes, hours) {
        (..100, ..) => unit(seconds, "second"),
        (_, ..100, _) => unit(minutes, "minute"),
        (_, _, ..12) if minutes.is_multiple_of(60) => unit(hours, "hour"),
        (_, _, ..12) => format!("{} {}", unit(hours, "hour"), unit(minutes % 60, "minute")),
        (_, _, ..48) => unit(hours, "hour"),
        _ => unit(hours / 24, "day"),
    }
}

/// A number of bytes: `2 kB`, `15 MB`, `1.2 GB`.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        mega if mega < 0.9995 => format!("{:.0} kB", (mega * 1e3).ceil()),
        mega if mega < 999.5 => format!("{mega:.0} MB"),
        mega => format!("{:.1} GB", mega / 1e3),
    }
}

/// A number with three digits that count: `0.0312`, `12.4`, `1310`.
pub fn figures(value: f64) -> String {
    // Of the rounded number: 0.0099999 is written as 0.0100.
    let rounded = format!("{value:.2e}");
    match rounded.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        Some(_) if value == 0.0 => "0".to_owned(),
        Some(exponent @ -4..7) => format!("{value:.decimals$}", decimals = (2 - exponent).max(0) as usize),
        _ => format!("{value:.1e}"),
    }
}

/// A number of things: `1 picture`, `12 pictures`.
pub fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// How long ago, where that is recent: `just now`, `5 min ago`, `3 h ago`, `12 days ago`.
pub fn ago(ms: i64) -> String {
    match ms / 1000 {
        ..60 => "just now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_is_shown() {
        assert_eq!(plain("a\u{1b}[2J\nb\u{202e}c\u{7}"), "a\\u{1b}[2J⏎b\\u{202e}c\\u{7}");
        assert_eq!(plain("a red three"), "a red three");
    }

    #[test]
    fn a_text_is_cut_by_columns_not_by_characters() {
        assert_eq!(clip("a red three", 20), "a red three");
        assert_eq!(clip("a red three", 6), "a red…");
        assert_eq!(clip("赤い三", 4), "赤…");
        assert_eq!(clip("赤い三", 6), "赤い三");
        assert_eq!(clip("abc", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_and_inside_only_what_is_too_long() {
        assert_eq!(wrap("how strongly it pulls", 12), ["how strongly", "it pulls"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("赤い三", 1), ["赤", "い", "三"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn numbers_and_times_are_written_as_one_reads_them() {
        assert_eq!([0, 999, 1204, 9_380_000].map(grouped), ["0", "999", "1 204", "9 380 000"]);
        let times = [400.0, 41e3, 41.0 * 60e3, 125.0 * 60e3, 120.0 * 60e3, 30.0 * 3.6e6, 100.0 * 3.6e6].map(in_words);
        assert_eq!(times, ["1 second", "41 seconds", "41 minutes", "2 hours 5 minutes", "2 hours", "30 hours", "4 days"]);
        assert_eq!([0, 601, 15_000_000, 1_240_000_000].map(bytes), ["0 kB", "1 kB", "15 MB", "1.2 GB"]);
        let shown = [0.031_23, 1.5, 131.4, 7.94e-4, 12.0, 1e-5, 0.0, 0.009_999_999_8, f64::NAN].map(figures);
        assert_eq!(shown, ["0.0312", "1.50", "131", "0.000794", "12.0", "1.0e-5", "0", "0.0100", "NaN"]);
    }

    #[test]
    fn the_least_important_part_goes_first() {
        let parts = || vec![(1, "t 630".to_owned()), (0, "step 2 of 9".to_owned()), (2, "18 ms".to_owned())];
        assert_eq!(fit_parts(parts(), 40), "t 630 · step 2 of 9 · 18 ms");
        assert_eq!(fit_parts(parts(), 20), "t 630 · step 2 of 9");
        assert_eq!(fit_parts(parts(), 12), "step 2 of 9");
        assert_eq!(fit_parts(parts(), 6), "step …");
    }
}
