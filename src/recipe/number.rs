//! Value parsers for numbers with a range. clap alone takes `NaN` and infinity for a float.

use clap::builder::TypedValueParser;

/// A finite real number from `min` to `max`.
pub fn real(min: f64, max: f64) -> impl TypedValueParser<Value = f64> {
    move |text: &str| match text.trim().parse::<f64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("is not a number from {min} to {max}")),
    }
}

/// A whole number from `min` to `max`.
pub fn whole(min: u64, max: u64) -> impl TypedValueParser<Value = u64> {
    move |text: &str| match text.trim().parse::<u64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("is not a whole number from {min} to {max}")),
    }
}

/// [`whole`] for things that are counted or indexed in memory.
pub fn count(min: usize, max: usize) -> impl TypedValueParser<Value = usize> {
    whole(min as u64, max as u64).map(|value| value as usize)
}
