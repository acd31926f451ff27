//! What was found out, as lines for people and as JSON for programs.

use crate::words::plain;
use serde::Serialize;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// How things stand with a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// It works, and could be better.
    Note,
    /// Something that matters does not work.
    Wrong,
}

/// One line: what, how it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// How things stand.
    pub state: State,
    /// What it is about, in a word or two.
    pub name: String,
    /// How it is.
    pub says: String,
    /// What to do; what stands on lines of its own is to be copied as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Fact {
    /// As it should be.
    pub fn good(name: &str, says: impl Into<String>) -> Fact {
        Fact { state: State::Good, name: name.to_owned(), says: says.into(), advice: None }
    }

    /// It works, and this would make it better.
    pub fn note(name: &str, says: impl Into<String>, advice: impl Into<String>) -> Fact {
        Fact { state: State::Note, advice: Some(advice.into()), ..Fact::good(name, says) }
    }

    /// It does not work, and this would mend it.
    pub fn wrong(name: &str, says: impl Into<String>, advice: impl Into<String>) -> Fact {
        Fact { state: State::Wrong, advice: Some(advice.into()), ..Fact::good(name, says) }
    }
}

/// Facts about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they are about.
    pub title: String,
    /// The facts.
    pub facts: Vec<Fact>,
}

impl Group {
    /// Facts under a heading.
    pub fn new(title: &str, facts: Vec<Fact>) -> Group {
        Group { title: title.to_owned(), facts }
    }

    /// How many of them are wrong.
    pub fn wrong(&self) -> usize {
        self.facts.iter().filter(|fact| fact.state == State::Wrong).count()
    }
}

/// How the lines look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// How many columns they have.
    pub width: usize,
    /// Whether marks and headings are coloured.
    pub colours: bool,
}

/// Where the text of a fact begins.
const INDENT: usize = 17;

impl Look {
    /// Writes a group and an empty line behind it.
    ///
    /// # Errors
    /// When nobody reads it.
    pub fn write(self, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.painted("1", &plain(&group.title)))?;
        for fact in &group.facts {
            let (mark, colour) = match fact.state {
                State::Good => ("✓", "32"),
                State::Note => ("!", "33"),
                State::Wrong => ("✗", "31"),
            };
            let mut name = plain(&fact.name).into_owned();
            name.push_str(&" ".repeat((INDENT - 4).saturating_sub(name.width())));
            let mut lines = self.wrapped(&fact.says).into_iter();
            writeln!(out, "  {} {name}{}", self.painted(colour, mark), lines.next().unwrap_or_default())?;
            for line in lines.chain(fact.advice.iter().flat_map(|advice| self.wrapped(advice))) {
                writeln!(out, "{:INDENT$}{line}", "")?;
            }
        }
        writeln!(out)
    }

    fn painted(self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[m") } else { text.to_owned() }
    }

    /// The lines of a text. A line of its own that is indented stays whole, so that it can be copied.
    fn wrapped(self, text: &str) -> Vec<String> {
        let room = self.width.saturating_sub(INDENT);
        let mut lines = Vec::new();
        for part in text.lines() {
            if part.starts_with(' ') {
                lines.push(plain(part).into_owned());
                continue;
            }
            let mut line = String::new();
            for word in plain(part).split_whitespace() {
                if !line.is_empty() && line.width() + 1 + word.width() > room {
                    lines.push(std::mem::take(&mut line));
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            lines.push(line);
        }
        lines
    }
}
