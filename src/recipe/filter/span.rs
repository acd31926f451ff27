//! The numbers that a term lets through: `7`, `>5`, `<=5`, `3..9`, `3..`, `..9`.

use std::fmt;
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::str::FromStr;

/// Numbers from one to another; each end may belong to them or not, or be open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<T> {
    /// The lower end.
    pub low: Bound<T>,
    /// The upper end.
    pub high: Bound<T>,
}

/// A number that can be asked for.
pub(super) trait Number: Copy + FromStr + PartialOrd {
    /// Whether it is one that can be compared.
    fn is_sound(self) -> bool;
}

impl Number for u64 {
    fn is_sound(self) -> bool {
        true
    }
}

impl Number for f64 {
    fn is_sound(self) -> bool {
        self.is_finite()
    }
}

/// Reads the numbers that `key:` is asked for; none where they are not finished.
pub(super) fn read<T: Number>(text: &str, key: &str, examples: [&str; 3], kind: &str) -> Result<Option<Span<T>>, String> {
    let number = |text: &str| match text.parse::<T>().ok().filter(|number| number.is_sound()) {
        Some(number) => Ok(Some(number)),
        None if text.is_empty() => Ok(None),
        None => {
            let [one, two, three] = examples;
            let key = key.to_ascii_lowercase();
            Err(format!("{key}:{} is no {kind}; write {key}:{one}, {key}:{two} or {key}:{three}", text.escape_debug()))
        }
    };
    if let Some((low, high)) = text.split_once("..") {
        return Ok(between(number(low)?, number(high)?));
    }
    let sign = [">=", "<=", ">", "<"].into_iter().find(|sign| text.starts_with(sign)).unwrap_or_default();
    Ok(number(&text[sign.len()..])?.map(|number| match sign {
        ">=" => Span { low: Included(number), high: Unbounded },
        "<=" => Span { low: Unbounded, high: Included(number) },
        ">" => Span { low: Excluded(number), high: Unbounded },
        "<" => Span { low: Unbounded, high: Excluded(number) },
        _ => Span { low: Included(number), high: Included(number) },
    }))
}

/// From the smaller to the larger, whichever comes first: on the way to `20..50` somebody types `20..5`.
fn between<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<Span<T>> {
    match (one, other) {
        (Some(low), Some(high)) if low > high => Some(Span { low: Included(high), high: Included(low) }),
        (Some(low), Some(high)) => Some(Span { low: Included(low), high: Included(high) }),
        (Some(low), None) => Some(Span { low: Included(low), high: Unbounded }),
        (None, Some(high)) => Some(Span { low: Unbounded, high: Included(high) }),
        (None, None) => None,
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.low, &self.high) {
            (Included(low), Included(high)) if low == high => write!(f, "{low}"),
            (Included(low), Included(high)) => write!(f, "{low}..{high}"),
            (Excluded(low), _) => write!(f, ">{low}"),
            (Included(low), _) => write!(f, ">={low}"),
            (Unbounded, Included(high)) => write!(f, "<={high}"),
            (Unbounded, Excluded(high)) => write!(f, "<{high}"),
            (Unbounded, Unbounded) => f.write_str(".."),
        }
    }
}
