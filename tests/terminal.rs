//! The workbench in a terminal that comes and goes, changes its size, its kind and its mind.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "terminal/seat.rs"]
mod seat;

use seat::{DARKROOM, KITTY, MUTE, Seat, XTERM};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A workspace whose engine ends with it.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Workspace {
        Workspace(tempfile::tempdir().unwrap())
    }

    /// With a finished run.
    fn with_a_run() -> Workspace {
        let workspace = Workspace::new();
        workspace.says(&["run", "sample", "--prompt=a red three", "--steps=2"]);
        workspace
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = Command::new(DARKROOM).args(arguments).arg("--workspace").arg(self.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = Command::new(DARKROOM).args(["stop", "--now", "--workspace"]).arg(self.path()).output();
    }
}

/// The terminal is as it was before the workbench.
fn is_restored(seat: &Seat) {
    seat.wait("the shell's screen", |screen| {
        let off = screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None && !screen.bracketed_paste();
        !screen.alternate_screen() && !screen.hide_cursor() && off
    });
    assert_eq!(seat.settings(), seat.before);
}

#[test]
fn keys_work_while_a_terminal_answers_late_and_its_answers_are_no_keys() {
    let workspace = Workspace::with_a_run();
    let mut seat = Seat::workbench(workspace.path(), MUTE);
    seat.shows("Prompt");
    seat.types("\x01\x0bearly ");
    seat.shows("early");
    seat.answers(KITTY);
    seat.writes("a=p,i=");
    seat.types("late");
    seat.shows("early late");
    assert!(!seat.contents().contains("OK"), "{}", seat.contents());
    seat.types("\x11");
    assert_eq!(seat.ends(), 0);
    is_restored(&seat);
}

#[test]
fn a_signal_ends_it_with_the_terminal_as_it_was() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
        let workspace = Workspace::new();
        let mut seat = Seat::workbench(workspace.path(), XTERM);
        seat.shows("engine ready");
        seat.signal(signal);
        assert_eq!(seat.ends(), code, "{signal}");
        is_restored(&seat);
        assert!(workspace.says(&["status"]).contains("engine"), "the engine goes on");
    }
}

#[test]
fn a_terminal_that_is_gone_ends_it_and_not_the_engine() {
    let workspace = Workspace::new();
    let mut seat = Seat::workbench(workspace.path(), XTERM);
    seat.shows("engine ready");
    seat.hangs_up();
    assert_eq!(seat.ends(), 129);
    assert!(workspace.says(&["status"]).contains("engine"));
}

#[test]
fn the_shell_has_the_terminal_until_the_workbench_is_brought_back() {
    let workspace = Workspace::with_a_run();
    let mut seat = Seat::start(&["bash", "--norc", "--noprofile", "-i"], KITTY);
    seat.shows("shell>");
    seat.types(&format!("{DARKROOM} --workspace {}\n", workspace.path().display()));
    seat.writes("a=p,i=");
    seat.types("\x01\x0bwords that stay");
    seat.shows("words that stay");
    for _ in 0..2 {
        seat.types("\x1a");
        seat.shows("Stopped");
        seat.wait("the shell's screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
        // What comes next is all new: the shell may have written anywhere, and the terminal may be another one.
        seat.becomes(KITTY);
        seat.types("\nfg\n");
        seat.wait("the workbench", |screen| screen.alternate_screen() && screen.contents().contains("words that stay"));
        seat.writes("a=p,i=");
    }
    seat.types("\x11");
    seat.wait("the shell", |screen| !screen.alternate_screen());
    seat.types("exit\n");
    seat.ends();
}

#[test]
fn without_a_shell_it_does_not_stop() {
    let workspace = Workspace::new();
    let mut seat = Seat::workbench(workspace.path(), XTERM);
    seat.shows("engine ready");
    seat.types("\x1a\x01\x0bstill here");
    seat.shows("still here");
    // Somebody else may stop it and let it go on.
    let raw = seat.settings();
    seat.signal("-STOP");
    seat.becomes(XTERM);
    seat.is_set_by_a_shell();
    assert_ne!(seat.settings(), raw);
    seat.signal("-CONT");
    seat.shows("still here");
    seat.wait("the screen", |screen| screen.alternate_screen());
    assert_eq!(seat.settings(), raw);
}

#[test]
fn after_any_changes_of_size_the_screen_is_what_a_new_one_would_be() {
    let workspace = Workspace::with_a_run();
    let mut seat = Seat::workbench(workspace.path(), KITTY);
    seat.writes("a=p,i=");
    workspace.says(&["submit", "sample", "--prompt=a red three", "--steps=2"]);
    for (columns, rows) in [(80, 24), (120, 40), (60, 16), (20, 5), (133, 37), (100, 30)] {
        seat.resize(columns, rows);
        seat.wait("its size", |screen| screen.contents().contains(if columns < 60 { "needs" } else { "History" }));
    }
    seat.types("\x01\x0bsettled");
    // A screen comes from its top to its end, in as many pieces as the link wants: the last corner of each change.
    let last_words = ["settled", "2 done in", "done · 2 steps", "2          1", "Ctrl-Q leave"];
    seat.wait("the end", |screen| last_words.iter().all(|words| screen.contents().contains(words)));
    // The clock goes on.
    let words = |contents: String| contents.lines().filter(|line| !line.contains("engine")).collect::<Vec<_>>().join("\n");
    seat.signal("-STOP");
    let before = words(seat.contents());
    seat.becomes(KITTY);
    seat.signal("-CONT");
    seat.wait(&format!("the same screen, drawn anew, as\n{before}\n"), |screen| words(screen.contents()) == before);
    seat.writes("a=p,i=");
}

#[test]
fn a_terminal_of_another_kind_gets_its_own_pictures() {
    let workspace = Workspace::with_a_run();
    let mut seat = Seat::workbench(workspace.path(), XTERM);
    seat.shows("▀");
    // tmux tells that it shows its screen somewhere else by the focus, or by another size.
    seat.becomes(KITTY);
    seat.types("\x1b[I");
    seat.writes("a=p,i=");
    seat.becomes(XTERM);
    seat.resize(120, 40);
    seat.shows("▀");
}
