//! Errors, durations and strange texts as people read them.

use std::borrow::Cow;

/// An error and its causes in one line: no backtraces, no control characters, whatever a library or a file put into it.
pub fn sentence(error: &anyhow::Error) -> String {
    let first = |cause: &(dyn std::error::Error + 'static)| cause.to_string().lines().next().unwrap_or_default().trim().to_owned();
    let mut causes: Vec<String> = error.chain().map(first).collect();
    // A library's error often repeats its cause.
    causes.dedup();
    let words = causes.join(": ");
    words.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A duration with its unit: `18 ms`, `0.4 s`, `41 min`, `3 h`.
pub fn duration(ms: f64) -> String {
    match ms.max(0.0) {
        ms if ms < 99.5 => format!("{ms:.0} ms"),
        ms if ms < 9_950.0 => format!("{:.1} s", ms / 1e3),
        ms if ms < 119_500.0 => format!("{:.0} s", ms / 1e3),
        ms if ms < 7_170_000.0 => format!("{:.0} min", ms / 60e3),
        ms => format!("{:.0} h", ms / 3_600e3),
    }
}

/// A text of the user's or of the engine's as it may be shown: what would move the cursor or turn the direction of
/// writing is spelled out. Everything that is not our own words goes through here.
pub fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push('⏎'),
            c if harmful(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_leaves_the_terminal_alone() {
        let error = anyhow::anyhow!("no \x1b[2J such thing\n   0: a backtrace").context("unet");
        assert_eq!(sentence(&error), "unet: no \\u{1b}[2J such thing");
    }

    #[test]
    fn durations_have_a_unit_and_no_false_precision() {
        let words: Vec<_> = [18.2, 400.0, 9_960.0, 60e3, 2_460e3, 10_800e3].map(duration).to_vec();
        assert_eq!(words, ["18 ms", "0.4 s", "10 s", "60 s", "41 min", "3 h"]);
    }
}
