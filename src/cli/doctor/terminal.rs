//! The terminal: what it is, what it can show, and how far away it is.

use super::asked::said;
use super::engine::milliseconds;
use super::told::{Fact, Group, State};
use crate::model::hub::amount;
use crate::preview::Graphics;
use crate::terminal::ask::{self, Answers, Asked, Between};
use crate::theme::Depth;
use std::fs;
use std::io::{IsTerminal, stdin, stdout};
use std::time::Duration;

/// A round trip that is felt at every key.
const FAR: Duration = Duration::from_millis(150);
/// A link that pictures in pixels are slow on, in bytes a second.
const SLOW: f64 = 250e3;
/// Faster is not told: the measurement is too short to tell it.
const FAST: f64 = 10e6;

/// What the environment says beside what the terminal answers.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// `TERM`.
    pub term: String,
    /// `COLORTERM`, where it is set.
    pub colorterm: Option<String>,
    /// How many colours are drawn.
    pub depth: Depth,
    /// The locale's value and the variable that it is in; none where there is neither.
    pub locale: Option<(&'static str, String)>,
    /// What ssh says of the connection.
    pub ssh: Option<String>,
    /// Whether the shell was started by mosh.
    pub mosh: bool,
    /// The terminal that tmux shows this on.
    pub client: Option<Client>,
}

/// What tmux takes the terminal for that it shows this on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Client {
    pub utf8: bool,
    /// All that it can do, with commas between: `RGB` is among it where it has all colours.
    pub features: String,
    /// What it calls itself.
    pub name: String,
}

impl Client {
    const QUESTION: &str = "#{client_utf8} #{client_termfeatures} #{client_termtype}";

    fn read(told: &str) -> Option<Client> {
        let [utf8, features, name] = told.trim_end().splitn(3, ' ').collect::<Vec<_>>().try_into().ok()?;
        Some(Client { utf8: utf8 == "1", features: features.to_owned(), name: name.to_owned() })
    }
}

/// Asks the terminal, where there is one.
pub(super) fn look(wanted: Option<Graphics>) -> [Group; 2] {
    let around = Around::of(|name| std::env::var(name).ok()).with_processes();
    let here = stdin().is_terminal() || stdout().is_terminal();
    let asked = match here {
        true => ask::facts(wanted).map_err(|error| format!("{error:#}")),
        false => Err("neither input nor output is one".to_owned()),
    };
    groups(&asked, &around)
}

/// What is known of it, as lines.
pub(super) fn groups(asked: &Result<Asked, String>, around: &Around) -> [Group; 2] {
    let mut facts = match asked {
        Ok(asked) => known(asked, around),
        Err(reason) => {
            let advice = "Start it in a terminal, or over ssh with\n  ssh -t MACHINE darkroom doctor";
            vec![Fact::note("terminal", format!("none was asked: {reason}"), advice)]
        }
    };
    if asked.is_ok() {
        facts.push(around.colours());
    }
    facts.push(around.locale());
    let mut link: Vec<Fact> = asked.as_ref().map(way).into_iter().flatten().collect();
    link.insert(0, around.ssh());
    [Group::new("Terminal", facts), Group::new("Way to the terminal", link)]
}

fn known(Asked { facts, .. }: &Asked, around: &Around) -> Vec<Fact> {
    let term = if around.term.is_empty() { "TERM is not set".to_owned() } else { format!("TERM is {}", around.term) };
    let name = match &around.client {
        Some(client) if !client.name.is_empty() => format!("{}, behind tmux; {term}", client.name),
        _ if facts.name.is_empty() || facts.name == around.term => format!("it does not tell its name; {term}"),
        _ => format!("{}; {term}", facts.name),
    };
    let mut all = vec![match around.term.as_str() {
        "" | "dumb" => {
            Fact::wrong("terminal", name, "The workbench needs one that can move its cursor, as xterm; `darkroom run` needs none.")
        }
        _ => Fact::good("terminal", name),
    }];
    let says = format!("{}: {}", facts.graphics.word(), facts.how);
    all.push(match (&facts.advice, &facts.between) {
        // What to do is told with tmux.
        (Some(_), Between::Tmux { passes: Some(false), .. }) => Fact { state: State::Note, ..Fact::good("graphics", says) },
        (Some(advice), _) => Fact::note("graphics", says, advice),
        (None, _) => Fact::good("graphics", says),
    });
    all.extend(between(&facts.between));
    all.push(match facts.answers {
        Answers { font: Some((width, height)), .. } => Fact::good("character", format!("{width} by {height} pixels")),
        Answers { .. } if facts.graphics == Graphics::HalfBlocks => {
            Fact::good("character", "of unknown size, which half-blocks do not need")
        }
        Answers { .. } => Fact::note(
            "character",
            "of unknown size; 10 by 20 pixels are assumed",
            "Pictures may be stretched. --graphics half-blocks does without.",
        ),
    });
    all
}

/// What stands between this program and the terminal.
fn between(between: &Between) -> Option<Fact> {
    match between {
        Between::Nothing => None,
        Between::Screen => {
            let advice = "Outside of it, or in tmux, the terminal may show pixels.";
            Some(Fact::note("GNU screen", "lets no pictures through, only characters", advice))
        }
        Between::Tmux { version, passes } => Some(tmux(version, *passes)),
    }
}

fn tmux(version: &str, passes: Option<bool>) -> Fact {
    let version = if version.is_empty() { "of unknown version" } else { version };
    let line = "  set -g allow-passthrough on";
    match passes {
        Some(true) => Fact::good("tmux", format!("{version}, allow-passthrough on")),
        Some(false) => {
            let advice = format!(
                "For pictures in kitty or Ghostty, start with --graphics kitty, or put this line into ~/.tmux.conf and start tmux anew:\n{line}"
            );
            Fact::note("tmux", format!("{version}, allow-passthrough off: it keeps pictures from the terminal"), advice)
        }
        None => {
            let advice = format!(
                "Where it runs, `tmux show -Apv allow-passthrough` tells. For pictures in kitty and Ghostty its ~/.tmux.conf needs\n{line}"
            );
            Fact::note("tmux", format!("{version}; it cannot be asked from here for allow-passthrough"), advice)
        }
    }
}

/// How far the terminal is.
fn way(asked: &Asked) -> Vec<Fact> {
    let closer = "From the machine that you sit at, with darkroom there, only small pictures travel:\n  darkroom --host MACHINE";
    let behind = if asked.facts.in_tmux() { " to tmux; what lies behind it is not measured" } else { "" };
    let round = match asked.round_trip {
        Some(time) if time > FAR => Fact::note("round trip", milliseconds(time) + behind, closer),
        Some(time) => Fact::good("round trip", milliseconds(time) + behind),
        None => Fact::note("round trip", "the terminal does not answer", "Pictures are shown with half-blocks; --graphics says otherwise."),
    };
    let speed = asked.speed.map(|speed| match speed {
        speed if speed < SLOW => {
            Fact::note("speed", format!("{}/s: pictures are shown coarser than the terminal could", amount(speed as u64)), closer)
        }
        speed if speed > FAST => Fact::good("speed", format!("more than {:.0} MB/s", FAST / 1e6)),
        speed => Fact::good("speed", format!("{}/s", amount(speed as u64))),
    });
    [round].into_iter().chain(speed).collect()
}

impl Around {
    /// What these variables say, and whose child we are.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Around {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Around {
            term: set("TERM").unwrap_or_default(),
            colorterm: set("COLORTERM"),
            depth: Depth::detect(&variable),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| Some((*name, set(name)?))),
            ssh: set("SSH_CONNECTION"),
            mosh: false,
            client: None,
        }
    }

    /// With what only the system knows.
    fn with_processes(mut self) -> Around {
        self.mosh = ancestors().iter().any(|name| name == "mosh-server");
        if std::env::var_os("TMUX").is_some() {
            self.client = said("tmux", &["display-message", "-p", Client::QUESTION]).and_then(|told| Client::read(&told));
        }
        self
    }

    fn colours(&self) -> Fact {
        const NAME: &str = "colours";
        let rgb = self.client.as_ref().map(|client| client.features.split(',').any(|feature| feature == "RGB"));
        match (self.depth, &self.colorterm, rgb) {
            (Depth::Mono, ..) => Fact::note(NAME, "none, since NO_COLOR is set", "Without it there are colours:\n  unset NO_COLOR"),
            (Depth::True, _, Some(false)) => {
                let advice = "If the terminal shows more, put this line into ~/.tmux.conf and start tmux anew:\n  set -as terminal-features ',*:RGB'";
                Fact::note(NAME, "all are drawn, and tmux brings them down to the 256 that it thinks the terminal has", advice)
            }
            (Depth::True, Some(colorterm), _) if colorterm.contains("truecolor") || colorterm.contains("24bit") => {
                Fact::good(NAME, format!("16.7 million: COLORTERM is {colorterm}"))
            }
            (Depth::True, ..) => Fact::good(NAME, format!("16.7 million: TERM is {}", self.term)),
            (Depth::Indexed, ..) => {
                let advice = "If the terminal shows more, which ssh does not pass on, put this line into your shell's start-up file:\n  export COLORTERM=truecolor";
                Fact::note(NAME, "256: neither COLORTERM nor TERM tells of more", advice)
            }
        }
    }

    fn locale(&self) -> Fact {
        const NAME: &str = "characters";
        if self.client.as_ref().is_some_and(|client| !client.utf8) {
            return Fact::wrong(
                NAME,
                "tmux shows underscores for lines and half-blocks: it does not know of UTF-8",
                "Attach with UTF-8:\n  tmux -u attach",
            );
        }
        let says = match &self.locale {
            Some((name, value)) => format!("{name} is {value}"),
            None => "LANG is not set".to_owned(),
        };
        let value = self.locale.as_ref().map_or(String::new(), |(_, value)| value.to_lowercase());
        match value.contains("utf-8") || value.contains("utf8") {
            true => Fact::good(NAME, format!("UTF-8: {says}")),
            false => {
                let advice = "darkroom writes UTF-8 all the same; where lines look broken, put this into your shell's start-up file:\n  export LANG=C.UTF-8";
                Fact::note(NAME, format!("{says}: nothing tells of UTF-8"), advice)
            }
        }
    }

    fn ssh(&self) -> Fact {
        let from = self.ssh.as_ref().map(|connection| connection.split(' ').next().unwrap_or_default().to_owned());
        match (self.mosh, from) {
            (true, _) => Fact::note("mosh", "draws the screen itself and passes no pictures on", "Over ssh the terminal may show pixels."),
            (false, Some(from)) => Fact::good("connection", format!("ssh, from {from}")),
            (false, None) => Fact::good("connection", "on this machine: there is no SSH_CONNECTION"),
        }
    }
}

/// The names of the processes that this one descends from; none where the system does not say.
fn ancestors() -> Vec<String> {
    let mut names = Vec::new();
    let mut pid = std::process::id();
    // The name is in brackets and may hold any character; behind it stand the state and the parent.
    while let Some(stat) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().filter(|_| pid > 1) {
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { break };
        names.push(name.to_owned());
        let Some(parent) = rest.split_whitespace().nth(1).and_then(|parent| parent.parse().ok()) else { break };
        pid = parent;
    }
    names
}
