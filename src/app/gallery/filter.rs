//! The line that says which runs are shown.

use crate::app::form::line;
use crate::app::prompt::{clean, ends_line, show_cursor};
use crossterm::event::KeyEvent;
use ratatui_textarea::{CursorMove, TextArea};

/// The most characters of a filter.
const MOST: usize = 500;

/// What can be typed, for those who have to learn it.
pub const LANGUAGE: [&str; 7] = [
    "  red three        runs with both words, in prompt, note or tags",
    "  \"a red three\"    with these words one after the other",
    "  #good            with a tag; also tag:good",
    "  seed:7  guidance:>5  steps:20..50  rating:>=3  run:100..200",
    "  experiment:anagram  model:tiny  since:yesterday  until:monday",
    "  is:starred  is:noted  is:imported  is:cell  is:training",
    "  -three  -#good   runs without that",
];

/// What is typed, and what of it is on the screen. The engine reads it.
pub struct Filter {
    /// The editor.
    pub line: TextArea<'static>,
    /// Whether keys are text here.
    pub typing: bool,
    /// The filter of the runs that are shown; of what is typed the last that could be understood.
    pub shown: String,
    /// Why what is typed cannot be understood.
    pub trouble: Option<String>,
    /// What could not be understood.
    pub(super) refused: Option<String>,
}

impl Filter {
    pub(super) fn new() -> Filter {
        Filter { line: line(""), typing: false, shown: String::new(), trouble: None, refused: None }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.line.lines().concat().trim().to_owned()
    }

    /// Goes into the line, with something typed behind what is there.
    pub(super) fn enter(&mut self, text: &str) {
        self.typing = true;
        self.line.move_cursor(CursorMove::End);
        let gap = if text.is_empty() || self.text().is_empty() || self.line.lines().concat().ends_with(' ') { "" } else { " " };
        self.insert(&format!("{gap}{text}"));
    }

    pub(super) fn clear(&mut self) {
        self.line = line("");
        self.changed();
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if !ends_line(key) && self.line.input(key) {
            self.changed();
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.insert(&clean(text.trim()).replace('\n', " "));
    }

    fn insert(&mut self, text: &str) {
        self.line.insert_str(text);
        self.changed();
    }

    fn changed(&mut self) {
        let typed = self.line.lines().concat();
        if typed.chars().count() > MOST {
            self.line = line(&typed.chars().take(MOST).collect::<String>());
        }
        // What was refused may be half of what is being typed.
        if self.refused.as_ref() != Some(&self.text()) {
            self.refused = None;
        }
        if self.text() == self.shown {
            self.trouble = None;
        }
    }

    /// The runs that a filter lets through are on the screen.
    pub(super) fn answered(&mut self, filter: String) {
        (self.shown, self.trouble, self.refused) = (filter, None, None);
    }

    pub(super) fn refuse(&mut self, filter: String, why: &str) {
        (self.trouble, self.refused) = (Some(why.to_owned()), Some(filter));
    }

    pub(in crate::app) fn show_cursor(&mut self, on: bool) {
        show_cursor(&mut self.line, on);
    }
}
