#![allow(clippy::unwrap_used)]
//! Facts as data in, text out.

use super::engine::{Engine, Greeting};
use super::gpu::{Card, Gpus};
use super::models::{Model, Models};
use super::terminal::{Around, Client, groups};
use super::told::{Fact, Group, Look, State};
use super::workspace::Workspace;
use super::*;
use crate::gallery::Journal;
use crate::terminal::ask::{Answers, Asked, Between, Facts};
use std::path::PathBuf;
use std::time::Duration;

const PLAIN: Look = Look { width: 80, colours: false };

fn text(groups: &[Group]) -> String {
    let mut out = Vec::new();
    groups.iter().for_each(|group| PLAIN.write(group, &mut out).unwrap());
    String::from_utf8(out).unwrap()
}

fn around(variables: &[(&str, &str)]) -> Around {
    Around::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

const XTERM: &[(&str, &str)] = &[("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8"), ("COLORTERM", "truecolor")];

fn asked(name: &str, graphics: Graphics, how: &str) -> Asked {
    let answers = Answers { status: true, font: Some((8, 16)), ..Answers::default() };
    let facts = Facts { name: name.into(), graphics, how: how.into(), advice: None, between: Between::Nothing, answers };
    Asked { facts, round_trip: Some(Duration::from_micros(420)), speed: Some(45e6) }
}

fn workspace() -> Workspace {
    Workspace {
        path: PathBuf::from("/home/ada/.local/share/darkroom"),
        is_there: true,
        kind: Some("ext4".into()),
        free: Some(300_000_000_000),
        written: Ok(()),
        journal: Some(Ok(Journal::Wal)),
    }
}

fn gpus() -> Gpus {
    let places = Ok(vec!["cpu f32".to_owned()]);
    Gpus { cuda: false, driver: None, cards: Vec::new(), visible: None, device: "auto".into(), places }
}

fn h100() -> Card {
    Card { name: "NVIDIA H100".into(), driver: "570.86.15".into(), memory: Some((85_500_000_000, 83_900_000_000)) }
}

#[test]
fn where_all_is_well_every_fact_is_one_line() {
    let [terminal, way] = groups(&Ok(asked("XTerm(388)", Graphics::Sixel, "it says that it shows sixels")), &around(XTERM));
    let places = Ok(vec!["cuda f16".to_owned(), "cuda f16".to_owned()]);
    let gpus = Gpus { cuda: true, driver: Some("570.86.15".into()), cards: vec![h100(), h100()], places, ..gpus() };
    let model = Model { name: "DeepFloyd/IF-I-M-v1.0".into(), bytes: 11_300_000_000, pulled: true, lacks: Vec::new() };
    let cache = Some(PathBuf::from("/home/ada/.cache/huggingface/hub"));
    let models = Models { others: vec![model], cache, is_there: true, free: Some(300_000_000_000) };
    let all = [
        terminal,
        way,
        Group::new("GPU", gpus.facts()),
        Group::new("Models", models.facts()),
        Group::new("Workspace", workspace().facts()),
        Group::new("Engine", Engine::Absent.facts()),
    ];
    assert!(all.iter().flat_map(|group| &group.facts).all(|fact| fact.state == State::Good && fact.advice.is_none()));
    insta::assert_snapshot!(text(&all));
}

#[test]
fn tmux_and_a_slow_link_get_the_lines_that_mend_them() {
    let mut asked = asked("tmux 3.3a", Graphics::HalfBlocks, "tmux does not let pictures pass");
    asked.facts.advice = Some("In kitty and Ghostty, start with --graphics kitty.".into());
    asked.facts.between = Between::Tmux { version: "3.3a".into(), passes: Some(false) };
    asked.facts.answers.font = None;
    (asked.round_trip, asked.speed) = (Some(Duration::from_millis(300)), Some(7_000.0));
    let mut around = around(&[("TERM", "tmux-256color"), ("COLORTERM", "truecolor"), ("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22")]);
    around.client = Some(Client { utf8: true, features: "256,clipboard,title".into(), name: "XTerm(388)".into() });
    insta::assert_snapshot!(text(&groups(&Ok(asked.clone()), &around)));

    around.client = Some(Client::default());
    asked.facts.between = Between::Tmux { version: String::new(), passes: None };
    let groups = groups(&Ok(asked), &around);
    assert_eq!(groups[0].wrong(), 1);
    let text = text(&groups);
    assert!(text.contains("tmux -u attach") && text.contains("tmux show -Apv allow-passthrough"), "{text}");
}

#[test]
fn what_lets_no_pictures_through_is_named() {
    let mut shown = asked("", Graphics::HalfBlocks, "GNU screen does not let pictures through");
    shown.facts.between = Between::Screen;
    let mut mosh = around(&[("TERM", "screen"), ("SSH_CONNECTION", "192.0.2.7 60001 192.0.2.1 22")]);
    mosh.mosh = true;
    insta::assert_snapshot!(text(&groups(&Ok(shown), &mosh)));
}

#[test]
fn colours_are_told_with_how_they_are_known() {
    let colours = |variables: &[(&str, &str)]| {
        let groups = groups(&Ok(asked("x", Graphics::HalfBlocks, "y")), &around(variables));
        let fact = groups[0].facts.iter().find(|fact| fact.name == "colours").unwrap().clone();
        (fact.state, fact.says)
    };
    assert_eq!(colours(&[("TERM", "xterm-kitty")]), (State::Good, "16.7 million: TERM is xterm-kitty".into()));
    assert_eq!(colours(&[("COLORTERM", "24bit")]), (State::Good, "16.7 million: COLORTERM is 24bit".into()));
    assert_eq!(colours(&[("TERM", "xterm")]), (State::Note, "256: neither COLORTERM nor TERM tells of more".into()));
    assert_eq!(colours(&[("NO_COLOR", "1"), ("COLORTERM", "24bit")]), (State::Note, "none, since NO_COLOR is set".into()));
}

#[test]
fn without_a_terminal_that_is_said_and_nothing_is_wrong() {
    let groups = groups(&Err("neither input nor output is one".into()), &around(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]));
    assert_eq!(groups.iter().map(Group::wrong).sum::<usize>(), 0);
    insta::assert_snapshot!(text(&groups));
}

#[test]
fn a_terminal_that_cannot_show_the_workbench_is_wrong() {
    let wrong = |term: &str| groups(&Ok(asked("", Graphics::HalfBlocks, "")), &around(&[("TERM", term)]))[0].wrong();
    assert_eq!(["dumb", "", "vt100"].map(wrong), [1, 1, 0]);
}

#[test]
fn a_disk_that_is_read_only_full_or_elsewhere_is_told_with_what_follows() {
    let read_only = Workspace { written: Err("Read-only file system".into()), journal: None, ..workspace() };
    let missing = Workspace { is_there: false, written: Err("Permission denied".into()), journal: None, ..workspace() };
    let far = Workspace { kind: Some("nfs4".into()), journal: Some(Ok(Journal::Rollback)), ..workspace() };
    let broken = Workspace { kind: Some("tmpfs".into()), free: Some(900), journal: Some(Err("disk I/O error".into())), ..workspace() };
    let titled = [("read-only", &read_only), ("missing", &missing), ("far", &far), ("broken", &broken)];
    let groups = titled.map(|(title, workspace)| Group::new(title, workspace.facts()));
    assert_eq!(groups.each_ref().map(Group::wrong), [1, 1, 0, 2]);
    insta::assert_snapshot!(text(&groups));
}

#[test]
fn a_workspace_is_looked_at_and_left_as_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let looked = Workspace::look(temp.path());
    assert!(looked.is_there && looked.written.is_ok() && looked.journal.is_some() && looked.free.is_some());
    let looked = Workspace::look(&temp.path().join("a/b"));
    assert!(!looked.is_there && looked.written.is_ok());
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
    let file = temp.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let looked = Workspace::look(&file);
    assert!(looked.written.is_err() && looked.journal.is_none());
    assert_eq!(Group::new("", looked.facts()).wrong(), 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_gpu_that_is_not_used_is_told_with_why() {
    let with = |cuda, driver: bool, cards: usize, places: &[&str]| Gpus {
        cuda,
        driver: driver.then(|| "570.86.15".into()),
        cards: vec![h100(); cards],
        places: Ok(places.iter().map(|place| (*place).to_owned()).collect()),
        ..gpus()
    };
    let refused = Gpus { device: "cuda:3".into(), places: Err("cuda:3 does not open".into()), ..gpus() };
    let hidden = Gpus { visible: Some("0".into()), ..with(true, true, 2, &["cuda f16"]) };
    let titled = [
        ("none at all", gpus()),
        ("built without CUDA", with(false, true, 1, &["cpu f32"])),
        ("no driver", with(true, false, 0, &["cpu f32"])),
        ("none opens", with(true, true, 1, &["cpu f32"])),
        ("one is hidden", hidden),
        ("named, and not there", refused),
    ];
    let groups = titled.map(|(title, gpus)| Group::new(title, gpus.facts()));
    assert_eq!(groups.each_ref().map(Group::wrong), [0, 0, 0, 1, 0, 1]);
    insta::assert_snapshot!(text(&groups));
}

#[test]
fn models_that_are_not_whole_and_a_cache_that_is_full_are_told() {
    let half = Model { name: "DeepFloyd/IF-I-M-v1.0".into(), bytes: 1_000, pulled: true, lacks: vec!["text encoder", "tokenizer"] };
    let own = Model { name: "mine".into(), bytes: 5_000_000, pulled: false, lacks: vec!["unet"] };
    let full = Models { others: vec![half, own], cache: Some("/cache".into()), is_there: true, free: Some(3_000_000_000) };
    let fresh = Models { others: Vec::new(), cache: Some("/cache".into()), is_there: false, free: None };
    insta::assert_snapshot!(text(&[
        Group::new("full", full.facts()),
        Group::new("fresh", fresh.facts()),
        Group::new("homeless", Models::default().facts()),
    ]));
}

#[test]
fn engines_here_and_there_say_what_they_are() {
    let greeting = Greeting {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: 4711,
        up_ms: 10_800e3,
        places: vec!["cuda f16".into()],
        workspace: "/home/ada/.local/share/darkroom".into(),
        took: Duration::from_millis(640),
    };
    let older = Engine::Answers(Greeting { version: "0.0.1".into(), ..greeting.clone() });
    let unreached = Engine::Unreached("ssh: connect to host box port 22: No route to host".into());
    let here = [Engine::Absent, Engine::Answers(greeting.clone()), Engine::Deaf(4711), unreached.clone()];
    assert_eq!(here.each_ref().map(|engine| Group::new("", engine.facts()).wrong()), [0, 0, 1, 1]);
    assert!(matches!(&older.facts()[0], Fact { state: State::Note, advice: Some(advice), .. } if advice.contains("darkroom stop")));
    let there = [Engine::Absent, Engine::Answers(greeting), unreached].map(|engine| Group::new("box", engine.facts_there("box")));
    assert_eq!(there.each_ref().map(Group::wrong), [0, 0, 1]);
    let here = here.map(|engine| Group::new("here", engine.facts()));
    let version = format!("darkroom {}", env!("CARGO_PKG_VERSION"));
    insta::assert_snapshot!((text(&here) + &text(&there)).replace(&version, "darkroom 1.2.3"));
}

#[test]
fn what_darkroom_says_on_another_machine_is_no_fault_of_the_way_there() {
    for reason in ["box: process 7 holds the workspace and does not listen", "the engine speaks version 1 of the link, this program 9"] {
        let told = text(&[Group::new("box", Engine::Unreached(reason.into()).facts_there("box"))]);
        assert!(told.contains("✓ connection   ssh reaches it") && told.contains("✗ engine"), "{told}");
        assert!(told.contains("ssh -t box darkroom stop") && !told.contains("none runs"), "{told}");
    }
}

#[tokio::test]
async fn an_engine_of_another_link_is_told_in_its_own_words() {
    use crate::engine::lock::Lock;
    use crate::link::codec::{Writer, encode};
    use crate::link::{Event, socket};
    let temp = tempfile::tempdir().unwrap();
    let path = socket::path(temp.path()).unwrap();
    let lock = Lock::take(temp.path(), &path).unwrap();
    let lock_file = std::fs::File::open(temp.path().join("engine.lock")).unwrap();
    assert_eq!(Engine::here(temp.path()).await, Engine::Starting(std::process::id()));
    assert_eq!(Group::new("", Engine::Starting(1).facts()).wrong(), 0);
    lock_file.set_modified(std::time::SystemTime::now() - Duration::from_secs(120)).unwrap();
    assert_eq!(Engine::here(temp.path()).await, Engine::Deaf(std::process::id()));
    let listener = socket::listen(&path).unwrap();
    let strange = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let reason = "this engine speaks version 99 of the link, the viewer 6".to_owned();
        let mut writer = Writer::new(stream);
        writer.send(encode(&Event::Refused { reason }).unwrap()).await.unwrap();
        // Held until it was read.
        writer
    });
    let found = Engine::here(temp.path()).await;
    assert!(matches!(&found, Engine::Unreached(reason) if reason.contains("version 99")), "{found:?}");
    drop((strange.await.unwrap(), lock));
    assert_eq!(Engine::here(temp.path()).await, Engine::Absent);
}

#[test]
fn lines_fit_and_nothing_from_outside_moves_the_cursor() {
    let fact = Fact::note(
        "na\x1b[2Jme",
        "a\x07b ".repeat(40),
        "words ".repeat(40) + "\n  a line to be copied that stays whole however long it may be, as it is here",
    );
    let text = text(&[Group::new("ti\x1btle", vec![fact])]);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(long.len() == 1 && long[0].ends_with("as it is here"), "{text}");
}
