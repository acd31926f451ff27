//! What narrows a gallery down: words, and facts about a run.
//!
//! ```text
//! red three          words, or beginnings of words, of prompts, notes and tags
//! "red three"        these words one after the other
//! experiment:ana     guidance:>5   steps:20..50   rating:>=3   seed:7   run:100..
//! model:tiny         letters of the model's name
//! since:yesterday    until:2026-11   since:monday   since:3d   since:2w
//! tag:portrait       or #portrait
//! is:starred         imported, noted, cell, training
//! -anything          not that
//! ```
//!
//! A day goes from midnight to midnight by the clock as it stands now: for one before the clock was last put forward or back, that is
//! an hour off.
//!
//! All terms must hold. A filter is read while it is being typed: a term that has no value yet says nothing.

mod day;
mod lexer;
mod span;
#[cfg(test)]
mod tests;

pub use day::{Day, Today};
pub use span::Span;

use super::EXPERIMENTS;
use lexer::{Lexeme, lexemes};
use std::fmt;

/// The most bytes and terms of a filter that are looked at.
const MAX_BYTES: usize = 4096;
const MAX_TERMS: usize = 64;

/// The keys that a value may be asked of.
const KEYS: &str = "experiment, model, seed, guidance, steps, rating, run, since, until, tag and is";

/// What a run must be like; an empty one lets all through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

/// One thing that a run must be, or must not.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Whether it must not.
    pub not: bool,
    /// What.
    pub what: What,
}

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Its prompts, note or tags hold this.
    Words {
        /// Words, one after the other.
        text: String,
        /// Whether the last is a whole word, and no beginning of one.
        whole: bool,
    },
    /// Its experiment's name begins so.
    Experiment(String),
    /// Its model's name holds these letters, in lower case.
    Model(String),
    /// Its seed.
    Seed(Span<u64>),
    /// Its guidance; runs without any have none.
    Guidance(Span<f64>),
    /// How many steps it made.
    Steps(Span<u64>),
    /// How it was rated; 0 where it was not.
    Rating(Span<u64>),
    /// Its number.
    Run(Span<u64>),
    /// It was asked for on this day or later.
    Since(Day),
    /// It was asked for on this day or before.
    Until(Day),
    /// It has this tag, in whatever case of whatever letters.
    Tag(String),
    /// What else it is.
    Is(Quality),
}

/// What a run can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// It has a star.
    Starred,
    /// Another program or workspace has made its picture.
    Imported,
    /// It has a note.
    Noted,
    /// It belongs to a sweep.
    Cell,
    /// It has trained a network.
    Training,
}

const QUALITIES: &[(&str, Quality)] = &[
    ("starred", Quality::Starred),
    ("imported", Quality::Imported),
    ("noted", Quality::Noted),
    ("cell", Quality::Cell),
    ("training", Quality::Training),
];

impl Filter {
    /// Reads what a user has typed; `today` is when.
    ///
    /// # Errors
    /// The first term that cannot be understood, in one sentence.
    pub fn parse(text: &str, today: Today) -> Result<Filter, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a filter has at most {MAX_BYTES} letters"));
        }
        let mut terms = Vec::new();
        for lexeme in lexemes(text) {
            let not = lexeme.not;
            terms.extend(what(&lexeme, today)?.map(|what| Term { not, what }));
        }
        match terms.len() > MAX_TERMS {
            true => Err(format!("a filter has at most {MAX_TERMS} terms")),
            false => Ok(Filter { terms }),
        }
    }

    /// Every word of the text, or words that begin with it; nothing in it has a meaning of its own.
    pub fn words(text: &str) -> Filter {
        let words = text.split(lexer::is_gap).filter(|word| is_word(word)).take(MAX_TERMS);
        let term = |word: &str| Term { not: false, what: What::Words { text: word.to_owned(), whole: false } };
        Filter { terms: words.map(term).collect() }
    }

    /// What must hold, all of it.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether it lets all runs through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Both filters as one.
    pub fn and(mut self, other: Filter) -> Filter {
        self.terms.extend(other.terms);
        self
    }
}

/// What one term asks for; none where it is unfinished.
fn what(lexeme: &Lexeme, today: Today) -> Result<Option<What>, String> {
    let Lexeme { key, value, quoted, .. } = *lexeme;
    let Some(key) = key else {
        return Ok(is_word(value).then(|| What::Words { text: value.to_owned(), whole: quoted }));
    };
    let whole = |examples| span::read(value, key, examples, "whole number");
    Ok(match key.to_ascii_lowercase().as_str() {
        "experiment" => named(value)?.map(What::Experiment),
        "model" => some(value).map(|value| What::Model(value.to_ascii_lowercase())),
        "seed" => whole(["7", ">100", "1..20"])?.map(What::Seed),
        "guidance" => span::read(value, key, [">5", "7", "3..9"], "number")?.map(What::Guidance),
        "steps" => whole(["20..50", ">100", "34"])?.map(What::Steps),
        "rating" => whole([">=3", "5", "1..3"])?.map(What::Rating),
        "run" => whole(["100..200", ">141", "142"])?.map(What::Run),
        "since" => day::read(value, key, today)?.map(|(first, _)| What::Since(first)),
        "until" => day::read(value, key, today)?.map(|(_, last)| What::Until(last)),
        "tag" | "#" => tag(value)?,
        "is" => quality(value)?,
        _ => return Err(unknown(key, value)),
    })
}

fn unknown(key: &str, value: &str) -> String {
    let (key, value) = (key.escape_debug(), value.escape_debug());
    format!("there is no '{key}:'; known are {KEYS}; to look for it as words, write \"{key}:{value}\"")
}

fn some(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn named(value: &str) -> Result<Option<String>, String> {
    let name = value.to_ascii_lowercase();
    match EXPERIMENTS.iter().any(|experiment| experiment.starts_with(&name)) {
        true => Ok(some(&name).map(str::to_owned)),
        false => Err(format!("no experiment is called {}; there are {}", value.escape_debug(), EXPERIMENTS.join(", "))),
    }
}

fn tag(value: &str) -> Result<Option<What>, String> {
    match value.contains(lexer::is_gap) {
        true => Err(format!("'{}' is no tag; a tag is one word", value.escape_debug())),
        false => Ok(some(value).map(|value| What::Tag(value.to_owned()))),
    }
}

/// The first letters are enough.
fn quality(value: &str) -> Result<Option<What>, String> {
    let found = QUALITIES.iter().find(|(word, _)| word.starts_with(&value.to_ascii_lowercase()));
    match found {
        _ if value.is_empty() => Ok(None),
        Some((_, quality)) => Ok(Some(What::Is(*quality))),
        None => Err(format!("nothing is {}; write is:starred, imported, noted, cell or training", value.escape_debug())),
    }
}

/// A text of nothing but punctuation stands in no index. Not all of it is known here: the search leaves out the rest itself.
fn is_word(text: &str) -> bool {
    let marks = |c: char| matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}');
    text.chars().any(|c| c.is_alphanumeric() || !(c.is_ascii() || marks(c)))
}

impl fmt::Display for Filter {
    /// As it would be typed.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let terms: Vec<_> = self.terms.iter().map(Term::to_string).collect();
        f.write_str(&terms.join(" "))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.not { "-" } else { "" })?;
        match &self.what {
            What::Words { text, whole: true } => write!(f, "\"{text}\""),
            What::Words { text, whole: false } => f.write_str(text),
            What::Experiment(name) => write!(f, "experiment:{name}"),
            What::Model(name) if name.contains(lexer::is_gap) => write!(f, "model:\"{name}\""),
            What::Model(name) => write!(f, "model:{name}"),
            What::Seed(span) => write!(f, "seed:{span}"),
            What::Guidance(span) => write!(f, "guidance:{span}"),
            What::Steps(span) => write!(f, "steps:{span}"),
            What::Rating(span) => write!(f, "rating:{span}"),
            What::Run(span) => write!(f, "run:{span}"),
            What::Since(day) => write!(f, "since:{day}"),
            What::Until(day) => write!(f, "until:{day}"),
            What::Tag(tag) => write!(f, "#{tag}"),
            What::Is(quality) => write!(f, "is:{}", QUALITIES.iter().find(|(_, known)| known == quality).map_or("", |(word, _)| word)),
        }
    }
}
