//! What a terminal can show, by what it answered and what the environment says of it.

use super::answer::Answer;
use crate::preview::Graphics;

/// Numbers of the pictures that kitty's protocol is asked with: a plain one, and a compressed one.
pub const PLAIN: u32 = 31;
/// See [`PLAIN`].
pub const PACKED: u32 = 32;
/// Terminals that speak iTerm2's protocol and have no question for it, by what they call themselves.
const ITERM2: [&str; 9] = ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "Hyper", "rio", "Bobcat", "WarpTerminal"];
/// Terminals that know letters and nothing else: any other question would be printed.
const PLAIN_TERMS: [&str; 8] = ["linux", "vt1", "vt2", "vt5", "dumb", "ansi", "cons25", "sun"];

/// What the environment says of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `TERM`.
    pub term: String,
    /// `TERM_PROGRAM` and what other terminals say in its place; empty where none does.
    pub program: String,
    /// What stands between this program and the terminal.
    pub between: Between,
    /// Which terminal tmux shows this program on, where it says so.
    pub client: String,
}

/// A program that shows ours inside its own screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Between {
    /// Nothing that is known of.
    #[default]
    Nothing,
    /// tmux.
    Tmux {
        /// As tmux itself tells it, as in `3.3a`; empty where it cannot be asked, as on another machine.
        version: String,
        /// Whether pictures pass through it.
        passes: Option<bool>,
    },
    /// GNU screen.
    Screen,
}

impl About {
    /// What these variables say. Whether tmux lets pictures through, only tmux knows.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> About {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let marks = [("WEZTERM_EXECUTABLE", "WezTerm"), ("KONSOLE_VERSION", "Konsole"), ("WT_SESSION", "Windows Terminal")];
        let marked = marks.iter().find(|(name, _)| variable(name).is_some()).map(|(_, program)| (*program).to_owned());
        let program = variable("LC_TERMINAL").or_else(|| variable("TERM_PROGRAM")).filter(|program| program != "tmux").or(marked);
        let between = match variable("TMUX") {
            Some(_) => Between::Tmux { version: String::new(), passes: None },
            None if term.starts_with("tmux") => Between::Tmux { version: String::new(), passes: None },
            None if variable("STY").is_some() || term.starts_with("screen") => Between::Screen,
            None => Between::Nothing,
        };
        About { term, program: program.unwrap_or_default(), between, client: String::new() }
    }

    /// A terminal that prints what it does not know.
    pub fn is_plain(&self) -> bool {
        self.term.is_empty() || PLAIN_TERMS.iter().any(|plain| self.term.starts_with(plain))
    }
}

/// What the terminal has answered so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// It answered at all.
    pub status: bool,
    /// What it calls itself.
    pub name: Option<String>,
    /// It says that it can show sixels.
    pub sixel: bool,
    /// It speaks kitty's protocol.
    pub kitty: bool,
    /// And takes compressed pictures.
    pub compress: bool,
    /// The size of a character in pixels.
    pub font: Option<(u16, u16)>,
}

impl Answers {
    /// Takes in an answer.
    pub fn hear(&mut self, answer: &Answer) {
        match answer {
            Answer::Status => self.status = true,
            // The first number is the terminal's kind.
            Answer::Attributes(list) => self.sixel = list.iter().skip(1).any(|number| *number == 4),
            Answer::Cell(width, height) => self.font = Some((*width, *height)),
            Answer::Name(name) => self.name = Some(name.clone()),
            Answer::Kitty(PLAIN, well) => self.kitty = *well,
            Answer::Kitty(PACKED, well) => self.compress = *well,
            Answer::Kitty(..) | Answer::Other => {}
        }
    }
}

/// What is known of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it calls itself, or the environment calls it.
    pub name: String,
    /// How pictures are shown.
    pub graphics: Graphics,
    /// How that was found out: a sentence.
    pub how: String,
    /// What would give better pictures: a sentence.
    pub advice: Option<String>,
    /// What stands between.
    pub between: Between,
    /// What it answered.
    pub answers: Answers,
}

impl Facts {
    /// Whether pictures have to be wrapped for tmux.
    pub fn in_tmux(&self) -> bool {
        matches!(self.between, Between::Tmux { .. })
    }
}

/// What a terminal is and can. What the user wants is taken as it is.
pub fn judge(answers: &Answers, about: &About, wanted: Option<Graphics>) -> Facts {
    let said = answers.name.clone();
    let between = match (&about.between, said.as_deref()) {
        // Seen from another machine only the name tells tmux from screen.
        (Between::Nothing | Between::Screen, Some(name)) if name.starts_with("tmux ") => {
            Between::Tmux { version: name[5..].to_owned(), passes: None }
        }
        (between, _) => between.clone(),
    };
    let name = said.filter(|_| between == Between::Nothing).unwrap_or_else(|| match about.program.is_empty() {
        true => about.term.clone(),
        false => about.program.clone(),
    });
    let known = Facts { name, graphics: Graphics::HalfBlocks, how: String::new(), advice: None, between, answers: answers.clone() };
    let (graphics, how, advice) = match wanted {
        Some(graphics) => (graphics, "you asked for it with --graphics".to_owned(), None),
        None => find(&known, about),
    };
    Facts { graphics, how, advice, ..known }
}

type Finding = (Graphics, String, Option<String>);

fn find(known: &Facts, about: &About) -> Finding {
    let half_blocks = |how: &str| (Graphics::HalfBlocks, how.to_owned(), None);
    match &known.between {
        Between::Tmux { version, passes } => tmux(known, version, *passes),
        Between::Screen => half_blocks("GNU screen does not let pictures through"),
        Between::Nothing if about.is_plain() => half_blocks(&format!("a terminal of the kind '{}' shows letters only", about.term)),
        Between::Nothing => alone(known, about),
    }
}

fn alone(known: &Facts, about: &About) -> Finding {
    let Facts { name, answers, .. } = known;
    let is = |part: &str| name.contains(part) || about.program.contains(part);
    let found = |graphics, how: String| (graphics, how, None);
    // It speaks all three, and draws only iTerm2's without fault.
    let trusted = if is("WezTerm") { None } else { Some(()) };
    // Its pictures can be turned off, which only sixels tell.
    let iterm2 = ITERM2.iter().any(|known| is(known)) && (!is("vscode") || answers.sixel);
    match answers {
        Answers { kitty: true, .. } if trusted.is_some() => found(Graphics::Kitty, "it answered a question in kitty's protocol".to_owned()),
        _ if iterm2 => found(Graphics::Iterm2, format!("{name} is known to speak iTerm2's protocol")),
        // Its sixels leave traces of the picture before.
        Answers { sixel: true, font: Some(_), .. } if trusted.is_some() && !is("Konsole") => {
            found(Graphics::Sixel, "it says that it shows sixels".to_owned())
        }
        Answers { sixel: true, font: None, .. } => {
            let how = "it shows sixels, but does not say how large a character is".to_owned();
            (Graphics::HalfBlocks, how, Some("--graphics sixel tries characters of 10 by 20 pixels.".to_owned()))
        }
        Answers { status: true, .. } => found(Graphics::HalfBlocks, "it answered, and named no protocol for pictures".to_owned()),
        _ => found(Graphics::HalfBlocks, "it has not answered".to_owned()),
    }
}

fn tmux(known: &Facts, version: &str, passes: Option<bool>) -> Finding {
    let half_blocks = |how: String, advice: Option<&str>| (Graphics::HalfBlocks, how, advice.map(str::to_owned));
    match passes {
        // yazi's and tmux's trackers tell of pictures that it drops.
        _ if version.starts_with("3.7") => half_blocks(
            format!("tmux {version} loses pictures that pass through it"),
            Some("--graphics kitty shows them all the same, for as long as they last."),
        ),
        _ if known.answers.kitty => {
            (Graphics::Kitty, "a question in kitty's protocol was answered through tmux, which lets pictures pass".to_owned(), None)
        }
        Some(false) => half_blocks(
            "tmux does not let pictures pass".to_owned(),
            Some("In kitty and Ghostty, put 'set -g allow-passthrough on' into tmux.conf, or start with --graphics kitty."),
        ),
        _ => half_blocks(
            "no question was answered through tmux, and it would erase other pictures".to_owned(),
            Some("Outside tmux the terminal may show them; --graphics says so inside."),
        ),
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
