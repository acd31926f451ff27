//! Answers of the terminal's that come when nobody waits for them any more.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The most keys that an answer of the terminal's can look like.
const ANSWER: u8 = 64;

/// What to do with an answer of the terminal's that comes after nobody waits for it.
#[derive(Clone, Copy, PartialEq)]
pub enum Late {
    /// None is to be expected.
    No,
    /// One may come.
    Perhaps,
    /// `ESC _` came.
    Begun,
    /// It comes: `ESC _ G …`, up to `ESC \\` or for so many keys.
    Now(u8),
}

impl Late {
    /// Whether a key is a part of the answer.
    pub fn takes(&mut self, key: KeyEvent) -> bool {
        let alt = |c| key.code == KeyCode::Char(c) && key.modifiers.contains(KeyModifiers::ALT);
        let (next, taken) = match *self {
            // No answer holds one, and Ctrl-C must work whatever comes.
            _ if key.modifiers.contains(KeyModifiers::CONTROL) => return false,
            Late::Perhaps if alt('_') => (Late::Begun, true),
            Late::Begun if key.code == KeyCode::Char('G') => (Late::Now(ANSWER), true),
            Late::Begun => (Late::Perhaps, false),
            Late::Now(_) if alt('\\') => (Late::No, true),
            Late::Now(0) => (Late::No, false),
            Late::Now(left) => (Late::Now(left - 1), true),
            Late::No | Late::Perhaps => return false,
        };
        *self = next;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_not_taken_for_keys() {
        let key = |c, held| KeyEvent::new(KeyCode::Char(c), held);
        let (none, alt) = (KeyModifiers::NONE, KeyModifiers::ALT);
        let typed = |keys: &[(char, KeyModifiers)]| -> String {
            let mut late = Late::Perhaps;
            keys.iter().filter(|(c, held)| !late.takes(key(*c, *held))).map(|(c, _)| *c).collect()
        };
        let answer = [('a', none), ('_', alt), ('G', none), ('O', none), ('\\', alt), ('b', none), ('_', alt)];
        assert_eq!(typed(&answer), "ab_");
        assert_eq!(typed(&[('_', alt), ('a', none), ('b', none)]), "ab", "a user's own Alt-_");
        let endless = [[('_', alt), ('G', none)].as_slice(), &[('x', none); 64], &[('c', KeyModifiers::CONTROL), ('y', none)]].concat();
        assert_eq!(typed(&endless), "cy", "Ctrl-C is nobody's answer, and no answer is endless");
    }
}
