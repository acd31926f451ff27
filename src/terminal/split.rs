//! Bytes from the terminal → keys, pastes and answers.
//!
//! A terminal types its answers into the same line as the user types his keys. Both are cut into whole sequences here,
//! wherever the reads have cut them; what is no answer is read as a key.

use super::answer::Answer;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use std::mem;
use std::time::Duration;

/// An Esc that is followed by nothing for so long is the key.
const ESCAPE: Duration = Duration::from_millis(10);
/// `ESC [` and its kin that are followed by nothing for so long are keys with Alt.
const ALT: Duration = Duration::from_millis(50);
/// What has begun as a sequence and does not go on for so long is none.
const BROKEN: Duration = Duration::from_secs(1);
/// A paste that does not go on for so long has ended; before, the link may have lost a packet, and what it holds must not
/// be taken for keys.
const STALLED: Duration = Duration::from_secs(10);
/// The longest key.
const KEY: usize = 256;
/// As much as is kept of an answer; what is longer is nobody's that we ask.
const ANSWER: usize = 4096;
/// How such a one goes on.
const NOBODYS: &[u8] = b"\x1b^.";
/// A paste is handed on in parts of so many bytes.
const PASTE: usize = 1 << 20;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The user did something.
    Event(Event),
    /// The terminal answered.
    Answer(Answer),
}

/// Cuts what is read into what was meant.
#[derive(Default)]
pub struct Splitter {
    /// What has come of the next sequence.
    unit: Vec<u8>,
    /// What has come of a paste.
    paste: Option<Vec<u8>>,
    out: Vec<Heard>,
}

/// What a byte does to the sequence before it.
enum Next {
    /// It belongs to it, and more will.
    More,
    /// It ends it.
    Ends,
    /// It does not belong to it: the sequence is broken.
    Breaks,
    /// It does not belong to it: the sequence was whole.
    Begins,
}

impl Splitter {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Heard> {
        for byte in bytes {
            match &mut self.paste {
                Some(paste) => {
                    paste.push(*byte);
                    self.pasted(false);
                }
                None => self.byte(*byte),
            }
        }
        mem::take(&mut self.out)
    }

    /// How long to wait for the rest of what has begun; none where nothing has.
    pub fn patience(&self) -> Option<Duration> {
        match self.unit[..] {
            _ if self.paste.is_some() => Some(STALLED),
            [] => None,
            [0x1b] => Some(ESCAPE),
            [0x1b, _] => Some(ALT),
            _ => Some(BROKEN),
        }
    }

    /// The rest does not come: what has is all there is.
    pub fn give_up(&mut self) -> Vec<Heard> {
        if self.paste.is_some() {
            self.pasted(true);
        }
        let unit = mem::take(&mut self.unit);
        match unit[..] {
            [0x1b] => self.key(KeyCode::Esc, KeyModifiers::NONE),
            // What would begin a sequence is a letter that was typed with Alt.
            [0x1b, letter @ 0x20..=0x7e] => {
                let shift = if letter.is_ascii_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                self.key(KeyCode::Char(char::from(letter)), KeyModifiers::ALT | shift);
            }
            _ => {}
        }
        mem::take(&mut self.out)
    }

    fn key(&mut self, code: KeyCode, held: KeyModifiers) {
        self.out.push(Heard::Event(Event::Key(KeyEvent::new(code, held))));
    }

    fn byte(&mut self, byte: u8) {
        match next(&self.unit, byte) {
            Next::More => {
                self.unit.push(byte);
                if self.unit.len() > ANSWER {
                    // Still to be passed over up to its end, but nobody's answer any more.
                    self.unit = NOBODYS.to_vec();
                }
            }
            Next::Ends => {
                self.unit.push(byte);
                self.whole();
            }
            Next::Breaks => {
                let escaped = self.unit.len() > 1 && self.unit.ends_with(&[0x1b]);
                self.unit.truncate(usize::from(escaped));
                self.byte(byte);
            }
            Next::Begins => {
                self.whole();
                self.byte(byte);
            }
        }
    }

    fn whole(&mut self) {
        let unit = mem::take(&mut self.unit);
        if unit == PASTE_BEGINS {
            self.paste = Some(Vec::new());
        } else if let Some(answer) = Answer::read(&unit) {
            self.out.push(Heard::Answer(answer));
        } else if let Ok(Some(event)) = terminput::Event::parse_from(&unit) {
            self.out.extend(terminput_crossterm::to_crossterm(event).map(Heard::Event));
        }
    }

    /// Hands on a paste that is whole, or that will not become so, or the first part of a long one.
    fn pasted(&mut self, broken: bool) {
        let Some(paste) = &mut self.paste else { return };
        let ended = paste.ends_with(PASTE_ENDS);
        let cut = match paste.len() {
            len if ended => len - PASTE_ENDS.len(),
            len if broken => len,
            len if len < PASTE => return,
            // What may be the end, or half a letter, stays.
            len => (len - PASTE_ENDS.len() - 3..=len - PASTE_ENDS.len()).rev().find(|at| paste[*at] & 0xc0 != 0x80).unwrap_or(len),
        };
        let rest = paste.split_off(cut);
        let text = String::from_utf8_lossy(&mem::replace(paste, rest)).into_owned();
        if ended || broken {
            self.paste = None;
        }
        if !text.is_empty() {
            self.out.push(Heard::Event(Event::Paste(text)));
        }
    }
}

/// What a byte does to what came before it.
fn next(unit: &[u8], byte: u8) -> Next {
    match unit {
        [] => first(byte),
        [0x1b] => match byte {
            b'[' | b'O' | b'P' | b'_' | b']' => Next::More,
            // Two times the key, or the key and then a sequence.
            0x1b => Next::Begins,
            0xc2..=0xf4 => Next::More,
            _ => Next::Ends,
        },
        [0x1b, b'[', rest @ ..] => control(rest, byte),
        [0x1b, b'O'] => Next::Ends,
        [0x1b, kind @ (b'P' | b'_' | b']' | b'^'), rest @ ..] => text(*kind, rest, byte),
        [0x1b, letter @ ..] | letter => match byte {
            0x80..=0xbf if letter.len() + 1 < letter_len(letter[0]) => Next::More,
            0x80..=0xbf => Next::Ends,
            _ => Next::Breaks,
        },
    }
}

fn first(byte: u8) -> Next {
    match byte {
        0x1b | 0xc2..=0xf4 => Next::More,
        _ => Next::Ends,
    }
}

/// Bytes of a letter in UTF-8, by its first.
fn letter_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}

/// `ESC [ … letter`.
fn control(rest: &[u8], byte: u8) -> Next {
    match rest {
        // The old mouse: three bytes of any kind follow.
        [b'M', mouse @ ..] if mouse.len() < 2 => Next::More,
        [b'M', ..] => Next::Ends,
        // The function keys of the Linux console.
        [] if byte == b'[' => Next::More,
        _ if rest.len() >= KEY => Next::Breaks,
        _ => match byte {
            b'M' if rest.is_empty() => Next::More,
            0x20..=0x3f => Next::More,
            0x40..=0x7e => Next::Ends,
            _ => Next::Breaks,
        },
    }
}

/// `ESC P … ESC \` and its kin. Nothing that a user types blindly is inside one: a control character is a key.
fn text(kind: u8, rest: &[u8], byte: u8) -> Next {
    match byte {
        // No answer begins like this: a letter that was typed with Alt, and then another.
        _ if rest.is_empty() && !begins_answer(kind, byte) => Next::Begins,
        b'\\' if rest.last() == Some(&0x1b) => Next::Ends,
        _ if rest.last() == Some(&0x1b) => Next::Breaks,
        0x07 if kind == b']' => Next::Ends,
        0x1b | 0x20.. => Next::More,
        _ => Next::Breaks,
    }
}

fn begins_answer(kind: u8, byte: u8) -> bool {
    match kind {
        b'P' => matches!(byte, 0x20..=0x3f),
        b'_' => byte == b'G',
        _ => byte.is_ascii_digit(),
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
