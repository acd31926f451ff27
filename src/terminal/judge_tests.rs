#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::terminal::split::{Heard, Splitter};

/// What a terminal answers to all questions, as it was recorded or as its source says.
fn hear(recorded: &str) -> Answers {
    let mut answers = Answers::default();
    for heard in Splitter::default().push(recorded.as_bytes()) {
        match heard {
            Heard::Answer(answer) => answers.hear(&answer),
            Heard::Event(event) => panic!("{event:?} in {recorded:?}"),
        }
    }
    answers
}

fn about(variables: &[(&str, &str)]) -> About {
    About::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

const KITTY: &str = "\x1b_Gi=31;OK\x1b\\\x1b_Gi=32;OK\x1b\\\x1bP>|kitty(0.32.2)\x1b\\\x1b[6;18;9t\x1b[?62;c\x1b[0n";

/// A terminal, its environment, its answers, and what it gets.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str, Graphics);

const ALONE: [Row; 17] = [
    ("kitty", &[("TERM", "xterm-kitty")], KITTY, Graphics::Kitty),
    (
        "xterm with sixels",
        &[("TERM", "xterm-256color")],
        "\x1bP>|XTerm(390)\x1b\\\x1b[6;13;6t\x1b[?63;1;2;4;6;9;15;16;22;28c\x1b[0n",
        Graphics::Sixel,
    ),
    (
        "xterm without",
        &[("TERM", "xterm-256color")],
        "\x1bP>|XTerm(390)\x1b\\\x1b[6;13;6t\x1b[?64;1;2;6;9;15c\x1b[0n",
        Graphics::HalfBlocks,
    ),
    (
        "WezTerm",
        &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")],
        "\x1b_Gi=31;OK\x1b\\\x1b_Gi=32;OK\x1b\\\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\\x1b[6;20;10t\x1b[?65;4;6;18;22c\x1b[0n",
        Graphics::Iterm2,
    ),
    ("foot", &[("TERM", "foot")], "\x1bP>|foot(1.16.2)\x1b\\\x1b[6;21;11t\x1b[?62;4;22c\x1b[0n", Graphics::Sixel),
    (
        "iTerm2, over ssh",
        &[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")],
        "\x1bP>|iTerm2 3.4.23\x1b\\\x1b[?62;4c\x1b[0n",
        Graphics::Iterm2,
    ),
    (
        "Windows Terminal 1.22",
        &[("TERM", "xterm-256color"), ("WT_SESSION", "x")],
        "\x1b[6;20;10t\x1b[?61;4;6;7;14;21;22;23;24;28;32;42c\x1b[0n",
        Graphics::Sixel,
    ),
    (
        "Windows Terminal 1.21",
        &[("TERM", "xterm-256color"), ("WT_SESSION", "x")],
        "\x1b[?61;6;7;22;23;24;28;32;42c\x1b[0n",
        Graphics::HalfBlocks,
    ),
    (
        "Konsole",
        &[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "230800")],
        "\x1b_Gi=31;OK\x1b\\\x1bP>|Konsole 23.08.5\x1b\\\x1b[6;18;9t\x1b[?62;1;4c\x1b[0n",
        Graphics::Kitty,
    ),
    (
        "Konsole, over ssh and older",
        &[("TERM", "xterm-256color")],
        "\x1bP>|Konsole 22.03.0\x1b\\\x1b[6;18;9t\x1b[?62;1;4c\x1b[0n",
        Graphics::HalfBlocks,
    ),
    (
        "mintty",
        &[("TERM", "xterm"), ("TERM_PROGRAM", "mintty")],
        "\x1bP>|mintty 3.7.0\x1b\\\x1b[6;17;8t\x1b[?64;1;2;4;6;9;15;21;22;28;29c\x1b[0n",
        Graphics::Iterm2,
    ),
    (
        "VS Code with pictures",
        &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "vscode")],
        "\x1bP>|xterm.js(5.6.0)\x1b\\\x1b[6;18;9t\x1b[?62;4;9;22c\x1b[0n",
        Graphics::Iterm2,
    ),
    ("VS Code without", &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "vscode")], "\x1b[?1;2c\x1b[0n", Graphics::HalfBlocks),
    (
        "Ghostty",
        &[("TERM", "xterm-ghostty"), ("TERM_PROGRAM", "ghostty")],
        "\x1b_Gi=31;OK\x1b\\\x1b_Gi=32;OK\x1b\\\x1bP>|ghostty 1.1.3\x1b\\\x1b[6;22;10t\x1b[?62;22;52c\x1b[0n",
        Graphics::Kitty,
    ),
    ("Alacritty", &[("TERM", "alacritty")], "\x1b[?6c\x1b[0n", Graphics::HalfBlocks),
    ("mosh", &[("TERM", "xterm-256color")], "\x1b[?62c\x1b[0n", Graphics::HalfBlocks),
    ("a terminal that shows sixels of no known size", &[("TERM", "xterm")], "\x1b[?62;4c\x1b[0n", Graphics::HalfBlocks),
];

#[test]
fn every_known_terminal_gets_what_it_draws_well() {
    for (name, variables, recorded, graphics) in ALONE {
        let facts = judge(&hear(recorded), &about(variables), None);
        assert_eq!(facts.graphics, graphics, "{name}: {}", facts.how);
        assert!(!facts.how.is_empty() && !facts.name.is_empty(), "{name}");
        assert_eq!(facts.between, Between::Nothing, "{name}");
    }
    let kitty = judge(&hear(KITTY), &about(&[("TERM", "xterm-kitty")]), None);
    assert_eq!((kitty.name.as_str(), kitty.answers.font, kitty.answers.compress), ("kitty(0.32.2)", Some((9, 18)), true));
}

#[test]
fn letters_only_are_shown_by_those_who_know_no_more() {
    for term in ["linux", "vt100", "vt220", "dumb", "ansi", ""] {
        let about = about(&[("TERM", term)]);
        assert!(about.is_plain(), "{term}");
        assert_eq!(judge(&hear("\x1b[0n"), &about, None).graphics, Graphics::HalfBlocks, "{term}");
    }
    let mute = judge(&Answers::default(), &about(&[("TERM", "xterm")]), None);
    assert_eq!((mute.graphics, mute.how.as_str()), (Graphics::HalfBlocks, "it has not answered"));
}

/// tmux of a version, whether it lets pictures through, what came back, and what is shown.
const TMUX: [(&str, Option<bool>, &str, Graphics); 9] = [
    ("3.2a", Some(true), "\x1b[0n\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t", Graphics::Kitty),
    ("3.3a", Some(false), "\x1bP>|tmux 3.3a\x1b\\\x1b[0n", Graphics::HalfBlocks),
    ("3.3a", Some(true), "\x1bP>|tmux 3.3a\x1b\\\x1b[0n\x1b_Gi=31;OK\x1b\\\x1b_Gi=32;OK\x1b\\\x1b[6;18;9t", Graphics::Kitty),
    ("3.4", Some(true), "\x1bP>|tmux 3.4\x1b\\\x1b[0n\x1b[6;13;6t", Graphics::HalfBlocks),
    ("3.5a", Some(true), "\x1bP>|tmux 3.5a\x1b\\\x1b[0n\x1b_Gi=31;OK\x1b\\", Graphics::Kitty),
    ("3.6", Some(false), "\x1bP>|tmux 3.6\x1b\\\x1b[0n", Graphics::HalfBlocks),
    ("3.6", Some(true), "\x1bP>|tmux 3.6\x1b\\\x1b[0n\x1b_Gi=31;OK\x1b\\", Graphics::Kitty),
    ("3.7b", Some(true), "\x1bP>|tmux 3.7b\x1b\\\x1b[0n\x1b_Gi=31;OK\x1b\\", Graphics::HalfBlocks),
    ("3.7b", Some(false), "\x1bP>|tmux 3.7b\x1b\\\x1b[0n", Graphics::HalfBlocks),
];

#[test]
fn in_tmux_pictures_are_shown_where_they_pass_and_stay() {
    for (version, passes, recorded, graphics) in TMUX {
        let mut about = about(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0"), ("TERM_PROGRAM", "tmux")]);
        about.between = Between::Tmux { version: version.into(), passes };
        let facts = judge(&hear(recorded), &about, None);
        assert_eq!(facts.graphics, graphics, "tmux {version}: {}", facts.how);
        assert!(facts.in_tmux() && (graphics == Graphics::Kitty || facts.advice.is_some()), "tmux {version}");
    }
}

#[test]
fn behind_ssh_a_multiplexer_is_known_by_its_kind_or_its_name() {
    let inside = |term: &str, recorded: &str| judge(&hear(recorded), &about(&[("TERM", term)]), None);
    assert!(inside("tmux-256color", "\x1b[0n").in_tmux());
    let tmux = inside("screen-256color", "\x1bP>|tmux 3.4\x1b\\\x1b[0n");
    assert_eq!(tmux.between, Between::Tmux { version: "3.4".into(), passes: None });
    assert_eq!(tmux.graphics, Graphics::HalfBlocks);
    let screen = inside("screen.xterm-256color", "\x1b[0n");
    assert_eq!((screen.between, screen.graphics), (Between::Screen, Graphics::HalfBlocks));
    assert_eq!(about(&[("TERM", "xterm"), ("STY", "1.pts")]).between, Between::Screen);
}

#[test]
fn what_the_user_wants_is_what_he_gets() {
    for graphics in [Graphics::Kitty, Graphics::Sixel, Graphics::Iterm2, Graphics::HalfBlocks] {
        let facts = judge(&hear(KITTY), &about(&[("TERM", "linux")]), Some(graphics));
        assert_eq!((facts.graphics, facts.how.as_str()), (graphics, "you asked for it with --graphics"));
    }
}

#[test]
fn nothing_is_asked_that_would_be_printed() {
    use crate::terminal::ask::{STATUS, question};
    let asked = |variables: &[(&str, &str)]| String::from_utf8(question(&about(variables))).unwrap();
    assert_eq!(asked(&[("TERM", "linux")]).as_bytes(), STATUS);
    assert!(!asked(&[("TERM", "screen"), ("STY", "1")]).contains("_G"), "screen shows it in its status line");
    let tmux = asked(&[("TERM", "tmux-256color")]);
    assert!(tmux.contains("\x1bPtmux;\x1b\x1b_Gi=31") && tmux.ends_with("\x1b\\\x1b[5n"), "{tmux:?}");
    assert!(asked(&[("TERM", "xterm")]).starts_with("\x1b_Gi=31"));
}
