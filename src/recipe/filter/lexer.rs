//! A filter's text cut into terms.

/// One term as it was typed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lexeme<'a> {
    /// Whether a `-` stands before it.
    pub not: bool,
    /// The letters before its colon, or `#`.
    pub key: Option<&'a str>,
    /// What is behind that, without its quotes.
    pub value: &'a str,
    /// Whether it had quotes.
    pub quoted: bool,
}

/// Whether it stands between terms.
pub(super) fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// The terms of a text, in their order.
pub(super) fn lexemes(text: &str) -> impl Iterator<Item = Lexeme<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = closed(rest.trim_start_matches(is_gap));
        if rest.is_empty() {
            return None;
        }
        let (not, after) = rest.strip_prefix('-').map_or((false, rest), |after| (true, after));
        let (key, after) = key(closed(after));
        let (value, quoted, after) = value(closed(after));
        rest = after;
        Some(Lexeme { not, key, value, quoted })
    })
}

/// Letters and their colon, or `#`. What is no word, such as `12:30`, is no key either.
fn key(text: &str) -> (Option<&str>, &str) {
    if let Some(after) = text.strip_prefix('#') {
        return (Some("#"), after);
    }
    match text.split_once(':') {
        Some((key, after)) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic()) => (Some(key), after),
        _ => (None, text),
    }
}

/// A quote that is not closed yet is none.
fn closed(text: &str) -> &str {
    text.strip_prefix('"').filter(|after| !after.contains('"')).unwrap_or(text)
}

/// What is in quotes, or goes on to the next gap.
fn value(text: &str) -> (&str, bool, &str) {
    if let Some((value, after)) = text.strip_prefix('"').and_then(|text| text.split_once('"')) {
        return (value, true, after);
    }
    let (value, after) = text.split_at(text.find(is_gap).unwrap_or(text.len()));
    (value, false, after)
}
