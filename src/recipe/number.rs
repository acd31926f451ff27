//! Value parsers for numbers with a range. clap alone takes `NaN` and infinity for a float.

use super::ask::values;
use clap::builder::TypedValueParser;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most numbers in a [`List`].
const MAX_LIST: usize = 64;

/// Numbers that belong to one run, a picture each: whole ones where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T = usize>(pub Vec<T>);

/// Real numbers that belong to one run.
pub type Reals = List<f64>;

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(T::to_string).collect();
        f.write_str(&words.join(","))
    }
}

impl<T: fmt::Display> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

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

/// An odd [`count`].
pub fn odd(min: usize, max: usize) -> impl TypedValueParser<Value = usize> {
    move |text: &str| match text.trim().parse::<usize>() {
        Ok(value) if (min..=max).contains(&value) && value % 2 == 1 => Ok(value),
        _ => Err(format!("is not an odd number from {min} to {max}")),
    }
}

/// A list of whole numbers from `min` to `max`: `7`, `250,500,750`, `1..20:3`.
pub fn list(min: usize, max: usize) -> impl TypedValueParser<Value = List> {
    move |text: &str| numbers(text, (min, max), "whole numbers")
}

/// A list of real numbers from `min` to `max`: `0.5`, `0,0.2,0.4`, `0..1:0.2`.
pub fn reals(min: f64, max: f64) -> impl TypedValueParser<Value = Reals> {
    move |text: &str| numbers(text, (min, max), "numbers")
}

fn numbers<T: FromStr + PartialOrd + fmt::Display>(text: &str, (min, max): (T, T), words: &str) -> Result<List<T>, String> {
    let number = |value: &String| value.parse::<T>().ok().filter(|value| (&min..=&max).contains(&value));
    let numbers: Option<Vec<T>> = values(text)?.iter().map(number).collect();
    let numbers = numbers.ok_or_else(|| format!("is not a list of {words} from {min} to {max}"))?;
    if !(1..=MAX_LIST).contains(&numbers.len()) {
        return Err(format!("has {} numbers; up to {MAX_LIST} can be", numbers.len()));
    }
    // `0` and `0.` are one number, and are written as one.
    let mut once = Vec::new();
    for number in numbers {
        if !once.contains(&number) {
            once.push(number);
        }
    }
    Ok(List(once))
}
