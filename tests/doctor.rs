//! `darkroom doctor` as it is started: without a terminal, in one, and what it ends with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/pty.rs"]
mod pty;

use pty::Seat;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, str};

const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");

fn doctor(workspace: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(DARKROOM);
    command.arg("--workspace").arg(workspace).args(["--device", "cpu", "doctor"]).args(arguments);
    command.stdin(Stdio::null()).env("LANG", "C.UTF-8").env_remove("TMUX").output().unwrap()
}

fn text(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn without_a_terminal_none_is_asked_and_that_alone_is_no_fault() {
    let temp = tempfile::tempdir().unwrap();
    let output = doctor(temp.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output);
    assert!(said.contains("! terminal     none was asked: neither input nor output is one"), "{said}");
    for title in ["Terminal", "Way to the terminal", "GPU", "Models", "Workspace", "Engine"] {
        assert!(said.lines().any(|line| line == title), "{title}:\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours go into a file");
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn what_matters_and_is_wrong_makes_the_exit_code_1() {
    // No user can make a folder there, not even root.
    let output = doctor(Path::new("/proc/darkroom"), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(str::from_utf8(&output.stderr).unwrap(), "darkroom: one thing is wrong\n");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["wrong"], 1);
    let facts = told["groups"].as_array().unwrap().iter().flat_map(|group| group["facts"].as_array().unwrap());
    let wrong: Vec<_> = facts.filter(|fact| fact["state"] == "wrong").collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!((&wrong[0]["name"], wrong[0]["advice"].is_string()), (&Value::from("folder"), true), "{told}");
}

#[test]
fn a_command_that_cannot_be_understood_is_another_exit_code() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(doctor(temp.path(), &["--yaml"]).status.code(), Some(2));
}

#[test]
fn a_terminal_is_asked_and_left_as_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let workspace = temp.path().to_str().unwrap();
    let script = "before=$(stty -g); \"$@\"; echo ended with $?; test \"$before\" = \"$(stty -g)\" && echo as it was";
    let arguments = ["-c", script, "sh", DARKROOM, "--workspace", workspace, "--device", "cpu", "--graphics", "sixel", "doctor"];
    let mut seat = Seat::take("sh", &arguments, |command| {
        command.env("LANG", "C.UTF-8");
        command.env("COLORTERM", "truecolor");
    });
    let asked = |seen: &pty::Seen| seen.bytes.windows(4).any(|bytes| bytes == b"\x1b[5n").then_some(());
    seat.until("question", asked);
    seat.types("\x1bP>|Test(1)\x1b\\\x1b[6;16;8t\x1b[?62;4c\x1b[0n");
    // It asks twice more for the round trip, then for the speed.
    for count in 2..=4 {
        let again = |seen: &pty::Seen| (seen.bytes.windows(4).filter(|bytes| *bytes == b"\x1b[5n").count() >= count).then_some(());
        seat.until("question for the time", again);
        seat.types("\x1b[0n");
    }
    seat.shows("as it was");
    seat.until("end", |seen| seen.over.then_some(()));
    assert!(seat.child.wait().unwrap().success(), "the terminal's settings are as they were");
    let all = seat.until("text", |seen| Some(String::from_utf8_lossy(&seen.bytes).into_owned()));
    assert!(all.contains("Test(1); TERM is xterm-256color") && all.contains("8 by 16 pixels"), "{all}");
    assert!(all.contains("ended with 0"), "{all}");
}
