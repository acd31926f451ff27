//! The prompt: several lines of text, and the prompts of earlier runs.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

/// The most prompts that Up walks through.
const EARLIER: usize = 500;

/// The text and where Up and Down lead from it.
pub struct Prompt {
    /// The editor.
    pub text: TextArea<'static>,
    /// Newest first, each once.
    earlier: Vec<String>,
    /// The earlier prompt that is shown, and what was typed before.
    walk: Option<(usize, String)>,
}

impl Prompt {
    pub(super) fn new(example: String) -> Prompt {
        Prompt { text: editor(&example), earlier: Vec::new(), walk: None }
    }

    /// The prompt as it would be run.
    pub fn value(&self) -> String {
        self.text.lines().join("\n")
    }

    pub(super) fn set(&mut self, text: &str) {
        self.text = editor(text);
        self.walk = None;
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if self.text.input(key) {
            self.walk = None;
        }
    }

    pub(super) fn new_line(&mut self) {
        self.text.insert_newline();
        self.walk = None;
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.text.insert_str(clean(text));
        self.walk = None;
    }

    /// A line up, or from the first line to the prompt before.
    pub(super) fn up(&mut self) {
        if self.moved(CursorMove::Up) {
            return;
        }
        let next = self.walk.as_ref().map_or(0, |(at, _)| at + 1);
        // The prompt that is typed already is no step back.
        let same = self.walk.is_none() && self.earlier.first().is_some_and(|earlier| *earlier == self.value());
        self.show_earlier(next + usize::from(same));
    }

    /// A line down, or from the last line to the prompt after.
    pub(super) fn down(&mut self) {
        if self.moved(CursorMove::Down) {
            return;
        }
        match self.walk.take() {
            None => {}
            Some((0, draft)) => self.set(&draft),
            Some((at, draft)) => {
                self.walk = Some((at, draft));
                self.show_earlier(at - 1);
            }
        }
    }

    fn moved(&mut self, by: CursorMove) -> bool {
        let before = self.text.screen_cursor().row;
        self.text.move_cursor(by);
        self.text.screen_cursor().row != before
    }

    fn show_earlier(&mut self, at: usize) {
        let Some(text) = self.earlier.get(at).cloned() else { return };
        let draft = self.walk.take().map_or_else(|| self.value(), |(_, draft)| draft);
        self.set(&text);
        self.walk = Some((at, draft));
    }

    /// A prompt was run just now.
    pub(super) fn ran(&mut self, text: String) {
        self.earlier.retain(|earlier| *earlier != text);
        self.earlier.insert(0, text);
        self.earlier.truncate(EARLIER);
        self.walk = None;
    }

    /// A prompt was run before those that are known.
    pub(super) fn ran_before(&mut self, text: &str) {
        if self.earlier.len() < EARLIER && !self.earlier.iter().any(|earlier| earlier == text) {
            self.earlier.push(text.to_owned());
        }
    }

    pub(super) fn show_cursor(&mut self, on: bool) {
        show_cursor(&mut self.text, on);
    }
}

/// An editor with the cursor behind the text.
pub(super) fn editor(text: &str) -> TextArea<'static> {
    let mut editor = TextArea::new(text.split('\n').map(str::to_owned).collect());
    editor.set_cursor_line_style(Style::default());
    editor.set_wrap_mode(WrapMode::WordOrGlyph);
    editor.move_cursor(CursorMove::Bottom);
    editor.move_cursor(CursorMove::End);
    editor
}

pub(super) fn show_cursor(editor: &mut TextArea<'static>, on: bool) {
    let style = if on { Style::default().add_modifier(Modifier::REVERSED) } else { Style::default() };
    if editor.cursor_style() != style {
        editor.set_cursor_style(style);
    }
}

/// Pasted text without what no prompt means: escape sequences and other control characters.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// Whether a key is one of those that end a line in the editor, which here only Alt-Enter may do.
pub(super) fn ends_line(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.code == KeyCode::Enter || control && matches!(key.code, KeyCode::Char('m' | 'M'))
}
