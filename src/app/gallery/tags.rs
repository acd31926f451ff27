//! The line in which a tag is typed.

use crate::app::form::line;
use crate::app::prompt::{clean, ends_line, show_cursor};
use crate::app::{App, Effect};
use crate::link::Command;
use crate::recipe::{Mark, Marks, RunId};
use crossterm::event::KeyEvent;
use ratatui_textarea::TextArea;
use std::collections::BTreeMap;

/// The most tags that are offered.
const OFFERS: usize = 50;

/// A tag on its way onto runs, or off them.
pub struct Tagging {
    /// The editor.
    pub line: TextArea<'static>,
    /// Whose tag.
    pub runs: Vec<RunId>,
    /// Why it cannot be one.
    pub trouble: Option<String>,
    /// What was typed when tags began to be offered, and how many were.
    offered: Option<(String, usize)>,
}

impl Tagging {
    fn new(runs: Vec<RunId>) -> Tagging {
        let mut line = line("");
        show_cursor(&mut line, true);
        Tagging { line, runs, trouble: None, offered: None }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.line.lines().concat().trim().trim_start_matches('#').to_owned()
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        (self.trouble, self.offered) = (None, None);
        if !ends_line(key) {
            self.line.input(key);
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        (self.trouble, self.offered) = (None, None);
        self.line.insert_str(clean(text.trim()).replace('\n', " "));
    }

    fn put(&mut self, tag: &str) {
        self.line = line(tag);
        show_cursor(&mut self.line, true);
    }
}

impl App {
    pub(super) fn begin_tag(&mut self) {
        let runs = self.meant();
        if !runs.is_empty() {
            self.gallery.tagging = Some(Tagging::new(runs));
        }
    }

    /// The tags that runs here have and that begin with what is typed, those on most runs first.
    pub fn known_tags(&self, begin: &str) -> Vec<String> {
        let runs: BTreeMap<_, _> =
            self.gallery.pages.runs().chain(self.gallery.guests.runs()).chain(&self.history.runs).map(|run| (run.id, run)).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for tag in runs.values().flat_map(|run| &run.marks.tags).filter(|tag| tag.starts_with(begin)) {
            *counts.entry(tag).or_default() += 1;
        }
        let mut tags: Vec<_> = counts.into_iter().collect();
        tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        tags.into_iter().map(|(tag, _)| tag.to_owned()).take(OFFERS).collect()
    }

    /// The next known tag takes the place of what is typed.
    pub(super) fn offer_tag(&mut self) {
        let Some(tagging) = &self.gallery.tagging else { return };
        let (begin, at) = tagging.offered.clone().unwrap_or_else(|| (tagging.text(), 0));
        let known = self.known_tags(&begin);
        let Some(tag) = known.get(at % known.len().max(1)) else { return };
        if let Some(tagging) = &mut self.gallery.tagging {
            tagging.put(tag);
            tagging.offered = Some((begin, at + 1));
        }
    }

    /// Whether every run that is meant has a tag.
    pub fn have_tag(&self, runs: &[RunId], tag: &str) -> bool {
        let has = |id: &RunId| self.run(*id).is_some_and(|run| run.marks.tags.iter().any(|known| known == tag));
        runs.iter().all(has)
    }

    /// Puts the tag on, or takes it off where all have it.
    pub(super) fn put_tag(&mut self) {
        let Some(tagging) = &mut self.gallery.tagging else { return };
        let (tag, runs) = (tagging.text(), tagging.runs.clone());
        let mark = Mark::Tag(tag.clone());
        match Marks::default().with(&mark) {
            _ if tag.is_empty() => {}
            Err(why) => return tagging.trouble = Some(format!("'{tag}' is no tag: {why}.")),
            Ok(_) => {
                let mark = if self.have_tag(&runs, &tag) { Mark::Untag(tag) } else { mark };
                self.effects.push(Effect::Send(Command::Mark { runs, mark }));
                self.tell_wait();
            }
        }
        self.gallery.tagging = None;
    }
}
