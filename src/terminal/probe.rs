//! What the terminal can show: asked once, before the first key is read.

use crate::preview::{Graphics, Paper};
use anyhow::Result;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_image::picker::ProtocolType;
use ratatui_image::picker::cap_parser::{Parser, QueryStdioOptions, Response};
use rustix::termios::{self, OptionalActions, SpecialCodeIndex};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How long a terminal may take to answer. Every known one answers at once; the link to it may not.
const PATIENCE: Duration = Duration::from_millis(2000);
/// How long, once the user has begun to type.
const PATIENCE_OF_TYPISTS: Duration = Duration::from_millis(300);
/// Terminals that speak iTerm2's protocol and have no question for it.
const ITERM2: [&str; 9] = ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "Hyper", "rio", "Bobcat", "WarpTerminal"];

/// What came out of asking.
pub struct Answer {
    /// How pictures are made.
    pub paper: Paper,
    /// Keys that were typed while the terminal was asked.
    pub typed: Vec<KeyEvent>,
    /// Whether an answer may still come, and must not be taken for keys.
    pub late: bool,
}

/// Asks the terminal, unless half-blocks are wanted or the terminal is tmux, where pictures are for those who ask for
/// them: it loses some, and never tells its true size.
pub fn ask(wanted: Option<Graphics>) -> Answer {
    let tmux = variable("TMUX").is_some() || variable("TERM").is_some_and(|term| term.starts_with("tmux") || term.starts_with("screen"));
    let unasked = wanted.is_none() && tmux;
    if unasked || wanted == Some(Graphics::HalfBlocks) {
        return Answer { paper: Paper::HALF_BLOCKS, typed: Vec::new(), late: false };
    }
    if tmux {
        let _ = std::process::Command::new("tmux").args(["set", "-p", "allow-passthrough", "on"]).output();
    }
    let mut heard = Heard::default();
    // A terminal that cannot be asked gets what needs no answer.
    let _ = listen(tmux, &mut heard);
    let font = heard.font.or_else(font_of_window);
    let graphics = wanted.or_else(|| font.and(heard.graphics())).unwrap_or(Graphics::HalfBlocks);
    let paper = Paper { graphics, font: font.unwrap_or((10, 20)), tmux, compress: heard.compress, ..Paper::HALF_BLOCKS };
    Answer { paper, typed: heard.typed, late: !heard.done }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the terminal said, and what the user typed meanwhile.
#[derive(Default)]
struct Heard {
    parser: Parser,
    kitty: bool,
    sixel: bool,
    compress: bool,
    font: Option<(u16, u16)>,
    typed: Vec<KeyEvent>,
    inside: Inside,
    done: bool,
}

/// Whether a byte belongs to an answer or was typed.
#[derive(Clone, Copy, Default, PartialEq)]
enum Inside {
    #[default]
    Nothing,
    Escape,
    /// `ESC [` up to a letter.
    Control,
    /// `ESC _` and its kin up to `ESC \`.
    Text,
}

impl Heard {
    fn byte(&mut self, byte: u8) {
        self.inside = match (self.inside, byte) {
            (Inside::Nothing, 0x1b) => Inside::Escape,
            (Inside::Nothing, _) => {
                self.typed.extend(key(byte));
                return;
            }
            (Inside::Escape, b'[') => Inside::Control,
            (Inside::Escape, b'_' | b'P' | b']') => Inside::Text,
            (Inside::Escape, _) => Inside::Nothing,
            (Inside::Control, 0x40..=0x7e) => Inside::Nothing,
            (Inside::Text, b'\\' | 0x07) => Inside::Nothing,
            (inside, _) => inside,
        };
        for response in self.parser.push(char::from(byte)) {
            match response {
                Response::Kitty => self.kitty = true,
                Response::Sixel => self.sixel = true,
                Response::KittyCompression => self.compress = true,
                Response::CellSize(size) => self.font = size.or(self.font),
                Response::Status => self.done = true,
                _ => {}
            }
        }
    }

    fn graphics(&self) -> Option<Graphics> {
        let program = variable("TERM_PROGRAM").unwrap_or_default() + &variable("LC_TERMINAL").unwrap_or_default();
        match self {
            Heard { kitty: true, .. } => Some(Graphics::Kitty),
            Heard { sixel: true, .. } => Some(Graphics::Sixel),
            _ => ITERM2.iter().any(|known| program.contains(known)).then_some(Graphics::Iterm2),
        }
    }
}

/// A typed byte as a key. Only what a user may type blindly: text, Enter, Tab, Backspace.
fn key(byte: u8) -> Option<KeyEvent> {
    let code = match byte {
        b'\r' | b'\n' => KeyCode::Enter,
        b'\t' => KeyCode::Tab,
        0x7f => KeyCode::Backspace,
        0x20..=0x7e => KeyCode::Char(char::from(byte)),
        0x01..=0x1a => return Some(KeyEvent::new(KeyCode::Char(char::from(byte + b'a' - 1)), KeyModifiers::CONTROL)),
        _ => return None,
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Asks, and reads until the last answer. The reads wait in the terminal's own line discipline: a thread that waits
/// for a terminal which never answers would later eat the user's keys.
fn listen(tmux: bool, heard: &mut Heard) -> Result<()> {
    let misdrawn = variable("WEZTERM_EXECUTABLE").or(variable("KONSOLE_VERSION")).is_some();
    let blacklist_protocols = if misdrawn { vec![ProtocolType::Kitty, ProtocolType::Sixel] } else { Vec::new() };
    // Enlarged pixels shrink to a fraction, and the preview thread has the time.
    let options = QueryStdioOptions { blacklist_protocols, kitty_compression: true, ..QueryStdioOptions::default() };
    let stdin = rustix::stdio::stdin();
    let before = termios::tcgetattr(stdin)?;
    let mut patient = before.clone();
    patient.special_codes[SpecialCodeIndex::VMIN] = 0;
    patient.special_codes[SpecialCodeIndex::VTIME] = 1;
    termios::tcsetattr(stdin, OptionalActions::Now, &patient)?;
    let mut stdout = io::stdout();
    stdout.write_all(Parser::query(tmux, options).as_bytes())?;
    stdout.flush()?;
    let asked = Instant::now();
    let mut bytes = [0; 256];
    let patience = |heard: &Heard| if heard.typed.is_empty() { PATIENCE } else { PATIENCE_OF_TYPISTS };
    while !heard.done && asked.elapsed() < patience(heard) {
        match rustix::io::read(stdin, &mut bytes) {
            Ok(count) => bytes[..count].iter().for_each(|byte| heard.byte(*byte)),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    termios::tcsetattr(stdin, OptionalActions::Now, &before)?;
    Ok(())
}

fn font_of_window() -> Option<(u16, u16)> {
    let window = termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    let font = (window.ws_xpixel.checked_div(window.ws_col)?, window.ws_ypixel.checked_div(window.ws_row)?);
    (font.0 > 0 && font.1 > 0).then_some(font)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(text: &str) -> Heard {
        let mut heard = Heard::default();
        text.bytes().for_each(|byte| heard.byte(byte));
        heard
    }

    #[test]
    fn answers_are_understood_and_typed_keys_are_kept() {
        let heard = hear("a\x1b_Gi=31;OK\x1b\\ \x1b[?62;4;22cr\x1b[6;16;8te\x1b[0nd\r");
        let typed: String = heard.typed.iter().filter_map(|key| key.code.as_char()).collect();
        assert_eq!((heard.kitty, heard.sixel, heard.font, heard.done), (true, true, Some((8, 16)), true));
        assert_eq!(typed, "a red");
        assert_eq!(heard.typed.last().map(|key| key.code), Some(KeyCode::Enter));
        assert_eq!(heard.graphics(), Some(Graphics::Kitty));
    }

    #[test]
    fn a_refusal_and_noise_are_no_answers() {
        let heard = hear("\x1b_Gi=31;ENOTSUP\x1b\\\x1b[?1;2c\x1b[6;0;0t\x1b[999\x1b");
        assert_eq!((heard.kitty, heard.sixel, heard.font, heard.done), (false, false, None, false));
    }
}
