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
    drafts: HashMap<RunId, String>,
}

impl Notes {
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

    /// Closes the editor; what is in it waits for the next time.
    pub(super) fn put_away(&mut self) {
        if let Some((run, text)) = self.editor.take() {
            self.drafts.insert(run, text.lines().join("\n"));
        }
    }
}

impl App {
    pub(super) fn write_note(&mut self) {
        let Some((id, note)) = self.selected().map(|run| (run.id, run.note.clone().unwrap_or_default())) else { return };
        let mut text = editor(&self.notes.drafts.remove(&id).unwrap_or(note));
        show_cursor(&mut text, true);
        self.notes.editor = Some((id, text));
        self.overlay = Some(Overlay::Note);
    }

    pub(super) fn save_note(&mut self) {
        if let Some((run, text)) = self.notes.editor.take() {
            let text = text.lines().join("\n").trim().to_owned();
            self.effects.push(Effect::Send(Command::Note { run, text }));
            self.tell_wait();
        }
        self.overlay = None;
    }
}
