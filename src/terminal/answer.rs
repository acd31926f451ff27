//! What terminals answer when they are asked.

use std::str;

/// One answer of the terminal's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ESC [ 0 n`: all that was written before the question has been read. Every terminal gives it.
    Status,
    /// `ESC [ ? … c`: what it says it is; 4 among the numbers is sixels.
    Attributes(Vec<u16>),
    /// `ESC [ 6 ; height ; width t`: a character's size in pixels.
    Cell(u16, u16),
    /// `ESC P > | name ESC \`: its name and version.
    Name(String),
    /// `ESC _ G i=… ; … ESC \`: kitty's protocol on the picture of that number: whether it is well.
    Kitty(u32, bool),
    /// An answer to what was not asked here.
    Other,
}

impl Answer {
    /// Reads a whole sequence; none where it is a key's.
    pub fn read(unit: &[u8]) -> Option<Answer> {
        match unit {
            [0x1b, b'[', inner @ .., last] => Answer::control(str::from_utf8(inner).ok()?, *last),
            [0x1b, b'P' | b'_' | b']' | b'^', _, ..] => Some(Answer::text(unit)),
            _ => None,
        }
    }

    fn control(inner: &str, last: u8) -> Option<Answer> {
        match last {
            b'n' if inner == "0" => Some(Answer::Status),
            b'n' => Some(Answer::Other),
            b'c' => Some(inner.strip_prefix('?').map_or(Answer::Other, |list| Answer::Attributes(numbers(list)))),
            // A report on a mode, a window, a name of keys' modes. `R` is left alone: it is F3, and nobody asks for the cursor.
            b't' => Some(match numbers(inner)[..] {
                [6, height, width] if height > 0 && width > 0 => Answer::Cell(width, height),
                _ => Answer::Other,
            }),
            b'y' | b'x' => Some(Answer::Other),
            b'u' if inner.starts_with('?') => Some(Answer::Other),
            _ => None,
        }
    }

    fn text(unit: &[u8]) -> Answer {
        let inner = unit.get(2..).unwrap_or_default();
        let inner = inner.strip_suffix(b"\x1b\\").or_else(|| inner.strip_suffix(b"\x07")).unwrap_or(inner);
        let Ok(inner) = str::from_utf8(inner) else { return Answer::Other };
        match unit.get(1) {
            Some(b'P') => inner.strip_prefix(">|").map_or(Answer::Other, |name| Answer::Name(name.to_owned())),
            Some(b'_') => kitty(inner).unwrap_or(Answer::Other),
            _ => Answer::Other,
        }
    }
}

/// `Gi=31,…;OK`.
fn kitty(inner: &str) -> Option<Answer> {
    let (facts, said) = inner.strip_prefix('G')?.split_once(';')?;
    let id = facts.split(',').find_map(|fact| fact.strip_prefix("i="))?.parse().ok()?;
    Some(Answer::Kitty(id, said == "OK"))
}

fn numbers(list: &str) -> Vec<u16> {
    list.split(';').map(|number| number.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_keys_are_not() {
        let answers = [
            ("\x1b[0n", Answer::Status),
            ("\x1b[?62;4;22c", Answer::Attributes(vec![62, 4, 22])),
            ("\x1b[?c", Answer::Attributes(vec![0])),
            ("\x1b[>1;10;0c", Answer::Other),
            ("\x1b[6;16;8t", Answer::Cell(8, 16)),
            ("\x1b[6;0;0t", Answer::Other),
            ("\x1b[8;24;80t", Answer::Other),
            ("\x1bP>|XTerm(388)\x1b\\", Answer::Name("XTerm(388)".into())),
            ("\x1b_Gi=31;OK\x1b\\", Answer::Kitty(31, true)),
            ("\x1b_Gi=32,p=1;ENOTSUP:no\x1b\\", Answer::Kitty(32, false)),
            ("\x1b_Gx\x1b\\", Answer::Other),
            ("\x1b]11;rgb:0/0/0\x07", Answer::Other),
            ("\x1b[?2026;2$y", Answer::Other),
        ];
        for (text, answer) in answers {
            assert_eq!(Answer::read(text.as_bytes()), Some(answer), "{text:?}");
        }
        for key in ["\x1b", "a", "\x1b[A", "\x1b[1;2R", "\x1b[15~", "\x1bP", "\x1b_", "\x1b[<0;1;1M", "\x1b[97;5u", "\x1b[I"] {
            assert_eq!(Answer::read(key.as_bytes()), None, "{key:?}");
        }
    }
}
