//! A terminal that shows characters, counts pictures, and answers what it is asked once it has read it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What it can show.
#[derive(Clone, Copy, PartialEq)]
pub enum Graphics {
    HalfBlocks,
    Kitty,
    Sixel,
}

impl Graphics {
    pub const ALL: [Graphics; 3] = [Graphics::HalfBlocks, Graphics::Kitty, Graphics::Sixel];

    pub fn word(self) -> &'static str {
        match self {
            Graphics::HalfBlocks => "half-blocks",
            Graphics::Kitty => "kitty",
            Graphics::Sixel => "sixel",
        }
    }

    pub fn term(self) -> &'static str {
        if self == Graphics::Kitty { "xterm-kitty" } else { "xterm-256color" }
    }
}

/// Characters of a picture that changed within so short a time are of one frame.
const FRAME: Duration = Duration::from_millis(120);
/// Where the prompt stands at 120x40, and a row near the picture's end.
const PROMPT: (u16, u16, u16, u16) = (2, 1, 7, 31);

pub struct Terminal {
    graphics: Graphics,
    /// It answers what was read, and not what was written.
    honest: bool,
    screen: vt100::Parser,
    /// The sequence that is being read.
    sequence: Vec<u8>,
    bytes: u64,
    /// Pictures by where they were put, and frames of half-blocks.
    pictures: HashMap<(u16, u16), u64>,
    row: (Vec<vt100::Color>, Instant, u64),
    seen: Instant,
    /// The end of what was written before.
    written: Vec<u8>,
}

impl Terminal {
    pub fn new(graphics: Graphics, honest: bool) -> Terminal {
        let now = Instant::now();
        let screen = vt100::Parser::new(40, 120, 0);
        let (row, pictures) = ((Vec::new(), now, 0), HashMap::new());
        Terminal { graphics, honest, screen, sequence: Vec::new(), bytes: 0, pictures, row, seen: now, written: Vec::new() }
    }

    /// These bytes were written by the program; what a terminal answers that does not wait for them.
    pub fn written(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.honest {
            return Vec::new();
        }
        self.written.extend(bytes);
        let asked = self.written.windows(4).filter(|window| *window == b"\x1b[5n").count();
        let keep = self.written.len().saturating_sub(3);
        self.written.drain(..keep);
        b"\x1b[0n".repeat(asked)
    }

    /// These bytes have arrived; what they are answered with.
    pub fn shown(&mut self, bytes: &[u8], at: Instant) -> Vec<u8> {
        self.bytes += bytes.len() as u64;
        let mut answers = Vec::new();
        for byte in bytes {
            answers.extend(self.byte(*byte));
        }
        self.screen.process(bytes);
        self.seen = at;
        // Half-blocks may stand in for pixels.
        self.look(at);
        answers
    }

    fn byte(&mut self, byte: u8) -> Vec<u8> {
        let long = matches!(self.sequence.get(1), Some(b'_' | b'P'));
        if byte == 0x1b && !long {
            self.sequence = vec![byte];
            return Vec::new();
        }
        if self.sequence.is_empty() {
            return Vec::new();
        }
        // Of a picture the beginning says all.
        if self.sequence.len() < 64 || byte == 0x1b || byte == b'\\' {
            self.sequence.push(byte);
        }
        let ends = match self.sequence[..] {
            [_, b'_' | b'P', ..] => self.sequence.ends_with(b"\x1b\\"),
            [_, b'['] => false,
            _ => (0x40..=0x7e).contains(&byte),
        };
        if ends { self.whole() } else { Vec::new() }
    }

    fn whole(&mut self) -> Vec<u8> {
        let sequence = std::mem::take(&mut self.sequence);
        let text = String::from_utf8_lossy(&sequence).into_owned();
        let kitty = self.graphics == Graphics::Kitty;
        let answer: &str = match text.as_str() {
            "\x1b[5n" if self.honest => "\x1b[0n",
            "\x1b[c" if self.graphics == Graphics::Sixel => "\x1b[?62;4;22c",
            "\x1b[c" => "\x1b[?62;22c",
            "\x1b[16t" => "\x1b[6;16;8t",
            text if kitty && text.starts_with("\x1b_Gi=31") => "\x1b_Gi=31;OK\x1b\\",
            text if kitty && text.starts_with("\x1b_Gi=32") => "\x1b_Gi=32;OK\x1b\\",
            text => {
                let id = text.split_once("a=p,i=").and_then(|(_, rest)| rest.split(',').next()?.parse::<u32>().ok());
                let preview = id.is_some_and(|id| id & 0x00ff_ffff == 0x00da_0001);
                if preview || text.starts_with("\x1bP") {
                    *self.pictures.entry(if preview { (0, 0) } else { self.screen.screen().cursor_position() }).or_default() += 1;
                }
                ""
            }
        };
        answer.as_bytes().to_vec()
    }

    /// Counts a frame where the colours in the middle of the picture's lower half have changed.
    fn look(&mut self, at: Instant) {
        let screen = self.screen.screen();
        // Coarse ones are blanks on a colour.
        let colours = |column| screen.cell(20, column).map_or([vt100::Color::Default; 2], |cell| [cell.fgcolor(), cell.bgcolor()]);
        let row: Vec<_> = (55..70).flat_map(colours).collect();
        if row != self.row.0 {
            let new = at.saturating_duration_since(self.row.1) > FRAME;
            self.row = (row, at, self.row.2 + u64::from(new));
        }
    }

    /// Bytes, and frames of the large picture.
    pub fn count(&self) -> (u64, u64) {
        (self.bytes, self.frames())
    }

    pub fn frames(&self) -> u64 {
        // Of several places the preview is the one that changes most often.
        self.pictures.values().copied().max().unwrap_or(0).max(self.row.2)
    }

    /// When the last bytes came.
    pub fn seen(&self) -> Instant {
        self.seen
    }

    pub fn prompt(&self) -> String {
        let (top, left, bottom, right) = PROMPT;
        self.screen.screen().contents_between(top, left, bottom, right)
    }

    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn shows(&self, words: &str) -> bool {
        self.contents().contains(words)
    }
}
