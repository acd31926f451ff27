//! Notes on runs: the editor, and what was typed and not saved.

use super::prompt::{clean, editor, ends_line, show_cursor};
use super::{App, Effect, Overlay};
use crate::link::Command;
use crate::recipe::RunId;
use crossterm::event::KeyEvent;
use ratatui_textarea::TextArea;
use std::collections::HashMap;

/// The note that is written, and the drafts of others.
#[derive(Default)]
pub struct Notes {
    /// Whose note it is, and its text.
    pub editor: Option<(RunId, TextArea<'static>)>,
    /// What was typed and does not stand in the gallery yet, as far as this terminal knows.
    drafts: HashMap<RunId, String>,
}

impl Notes {
    pub(super) fn new(drafts: Vec<NoteDraft>) -> Notes {
        let drafts = drafts.into_iter().filter_map(|draft| Some((draft.run, draft.text?)));
        Notes { editor: None, drafts: drafts.collect() }
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if let Some((_, text)) = self.editor.as_mut().filter(|_| !ends_line(key)) {
            text.input(key);
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some((_, editor)) = &mut self.editor {
            editor.insert_str(clean(text));
        }
    }

    pub(super) fn new_line(&mut self) {
        if let Some((_, text)) = &mut self.editor {
            text.insert_newline();
        }
    }
}

/// A note that is not saved yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteDraft {
    /// Whose.
    pub run: RunId,
    /// What is typed; none once the note is saved.
    pub text: Option<String>,
}

impl App {
    pub(super) fn write_note(&mut self) {
        let Some((id, note)) = self.selected().map(|run| (run.id, run.note.clone().unwrap_or_default())) else { return };
        let mut text = editor(self.notes.drafts.get(&id).unwrap_or(&note));
        show_cursor(&mut text, true);
        self.notes.editor = Some((id, text));
        self.overlay = Some(Overlay::Note);
    }

    /// Sends the note. It stays a draft until the gallery has it.
    pub(super) fn save_note(&mut self) {
        if let Some((run, text)) = self.put_note_away() {
            self.effects.push(Effect::Send(Command::Note { run, text: text.trim().to_owned() }));
            self.tell_wait();
        }
        self.overlay = None;
    }

    /// Closes the editor; what is in it waits for the next time, where it is something new.
    pub(super) fn put_note_away(&mut self) -> Option<(RunId, String)> {
        let (run, text) = self.notes.editor.take()?;
        let text = text.lines().join("\n");
        if self.run(run).and_then(|run| run.note.as_deref()).unwrap_or_default() != text {
            self.draft_note(run, Some(text.clone()));
        } else {
            self.note_stands(run);
        }
        Some((run, text))
    }

    /// What is typed is brought to safety, a word at a time.
    pub(super) fn keep_note(&mut self) {
        if let Some((run, text)) = &self.notes.editor {
            let (run, text) = (*run, text.lines().join("\n"));
            self.draft_note(run, Some(text));
        }
    }

    /// Drafts of notes that the gallery has are done with.
    pub(super) fn notes_came(&mut self) {
        let stands =
            |(run, draft): &(&RunId, &String)| self.run(**run).is_some_and(|run| run.note.as_deref().unwrap_or_default() == draft.trim());
        let done: Vec<_> = self.notes.drafts.iter().filter(stands).map(|(run, _)| *run).collect();
        done.into_iter().for_each(|run| self.note_stands(run));
    }

    fn note_stands(&mut self, run: RunId) {
        if self.notes.drafts.contains_key(&run) {
            self.draft_note(run, None);
        }
    }

    fn draft_note(&mut self, run: RunId, text: Option<String>) {
        if self.notes.drafts.get(&run) == text.as_ref() {
            return;
        }
        match &text {
            Some(text) => self.notes.drafts.insert(run, text.clone()),
            None => self.notes.drafts.remove(&run),
        };
        self.effects.push(Effect::Note(NoteDraft { run, text }));
    }
}
