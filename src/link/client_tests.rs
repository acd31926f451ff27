//! A viewer through the lives and deaths of its engines. An engine is a listener in the test, or a script.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::client::{connect, reach, watch};
use super::codec::{Reader, Writer, encode};
use super::start::{Program, READY, start};
use super::*;
use crate::recipe::{Export, Grid, Recipe, RunId};
use std::path::{Path, PathBuf};
use std::{fs, process};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A program that can stand for darkroom. A shell writes it: were the file ever open for writing in this process, a
/// `fork` in another test could keep it so for a moment, and running it would fail.
fn script(folder: &TempDir, lines: &str) -> Program {
    let path = folder.path().join("darkroom");
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0.new" && chmod +x "$0.new" && mv "$0.new" "$0""#;
    assert!(process::Command::new("sh").arg("-c").arg(write).arg(&path).arg(lines).status().unwrap().success());
    path.into()
}

/// A workspace's socket with the test behind it; removed in the end.
struct Socket {
    path: PathBuf,
    listener: UnixListener,
}

impl Socket {
    fn of(workspace: &Path) -> Socket {
        let path = socket::path(workspace).unwrap();
        Socket { listener: socket::listen(&path).unwrap(), path }
    }

    async fn greet(&self) -> (Reader<OwnedReadHalf>, Writer<OwnedWriteHalf>) {
        self.greet_again(None).await
    }

    /// As an engine that has heard so much of the viewer.
    async fn greet_again(&self, heard: Option<u64>) -> (Reader<OwnedReadHalf>, Writer<OwnedWriteHalf>) {
        let (read, write) = self.listener.accept().await.unwrap().0.into_split();
        let (mut reader, mut writer) = (Reader::new(read), Writer::new(write));
        assert!(matches!(reader.next().await.unwrap(), Some(Command::Hello { .. })));
        let hello = Event::Hello {
            protocol: PROTOCOL,
            version: "0".into(),
            pid: 1,
            started_ms: 0,
            pace_ms: None,
            places: vec![],
            workspace: String::new(),
            heard,
        };
        writer.send(encode(&hello).unwrap()).await.unwrap();
        (reader, writer)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

fn cancel(run: i64) -> Command {
    Command::Cancel { run: RunId(run) }
}

fn submit() -> Command {
    Command::Submit { grid: Grid::one(Recipe::parse("sample", &[]).unwrap()) }
}

/// The next words about the link itself: `Ok` for lost, `Err` for none.
async fn fate(wire: &mut Wire) -> Result<String, String> {
    loop {
        match wire.news.recv().await.unwrap() {
            News::Lost { reason } => return Ok(reason),
            News::NoEngine { reason } => return Err(reason),
            _ => continue,
        }
    }
}

#[tokio::test]
async fn a_start_that_fails_is_told_and_tried_again_at_the_next_command() {
    let workspace = folder();
    let program = script(&workspace, "echo the disk is full\nexit 1");
    let mut wire = connect(workspace.path(), program);
    assert_eq!(fate(&mut wire).await, Err("the engine did not start: the disk is full".into()));
    script(&workspace, "exit 3");
    wire.commands.send(Command::NextFrame { run: RunId(1) }).unwrap();
    wire.commands.send(cancel(1)).unwrap();
    let reason = fate(&mut wire).await.unwrap_err();
    assert!(reason.contains("did not start (exit code 3)") && reason.contains("engine.log"), "{reason}");
    fs::remove_file(workspace.path().join("darkroom")).unwrap();
    wire.commands.send(cancel(2)).unwrap();
    assert!(fate(&mut wire).await.unwrap_err().contains("cannot be started"));
}

#[tokio::test]
async fn an_engine_is_started_for_its_workspace_and_writes_its_last_words_to_the_log() {
    let workspace = folder();
    let program = script(&workspace, "echo \"$@\" >&2\necho ready\nread nothing");
    let inside = workspace.path().join("new/workspace");
    assert!(start(&program, &inside).await.unwrap().is_some());
    let said = fs::read_to_string(inside.join("engine.log")).unwrap();
    assert_eq!(said, format!("engine --workspace {}\n", inside.display()));
}

#[tokio::test]
async fn how_a_child_ended_is_known() {
    let workspace = folder();
    for (last, words) in [("kill -9 $$", "killed, signal 9"), ("kill -11 $$", "ended by signal 11"), ("exit 101", "exit code 101")] {
        let program = script(&workspace, &format!("echo {READY}\n{last}"));
        let child = start(&program, workspace.path()).await.unwrap().unwrap();
        assert_eq!(child.ended().await.unwrap(), words);
    }
}

#[tokio::test]
async fn an_engine_that_another_process_is_starting_is_waited_for() {
    let workspace = folder();
    let program = script(&workspace, "echo busy\nexit 2");
    let path = workspace.path().to_owned();
    let viewer = tokio::spawn(async move { reach(&path, &program).await.map(|(_, child)| child.is_none()) });
    // It has asked at least once before anybody listens.
    while !workspace.path().join("engine.log").exists() {
        tokio::task::yield_now().await;
    }
    let _socket = Socket::of(workspace.path());
    assert!(viewer.await.unwrap().unwrap());
}

#[tokio::test]
async fn a_new_engine_gets_what_the_last_one_left_undone() {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let mut wire = connect(workspace.path(), PathBuf::from("/no/program").into());
    let (mut reader, mut writer) = engine.greet().await;
    wire.commands.send(cancel(1)).unwrap();
    assert_eq!(reader.next().await.unwrap(), Some(cancel(1)));
    writer.send(encode(&Event::Heard { number: 1 }).unwrap()).await.unwrap();
    drop((reader, writer));
    assert_eq!(fate(&mut wire).await, Ok("the connection to the engine broke".into()));
    wire.commands.send(cancel(2)).unwrap();
    wire.commands.send(cancel(3)).unwrap();
    let (mut reader, _writer) = engine.greet().await;
    for command in [cancel(2), cancel(3)] {
        assert_eq!(reader.next().await.unwrap(), Some(command));
    }
}

#[tokio::test]
async fn what_a_cut_connection_has_swallowed_is_said_again_to_the_same_engine_and_to_no_other() {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let mut wire = connect(workspace.path(), PathBuf::from("/no/program").into());
    let swallowed = async |(mut reader, writer): (Reader<OwnedReadHalf>, Writer<OwnedWriteHalf>), commands: &[Command]| {
        for command in commands {
            assert_eq!(reader.next().await.unwrap().as_ref(), Some(command));
        }
        drop(writer);
    };
    let connection = engine.greet().await;
    [cancel(1), cancel(2), submit()].into_iter().for_each(|command| wire.commands.send(command).unwrap());
    swallowed(connection, &[cancel(1), cancel(2), submit()]).await;
    fate(&mut wire).await.unwrap();
    wire.commands.send(cancel(3)).unwrap();
    swallowed(engine.greet_again(Some(1)).await, &[cancel(2), submit(), cancel(3)]).await;
    fate(&mut wire).await.unwrap();
    assert_eq!(wire.outgoing.unheard().unwrap(), "cancel 2, a run, cancel 3");
    let (mut reader, _writer) = engine.greet().await;
    let told = async |wire: &mut Wire| loop {
        if let News::Event(Event::Error { text }) = wire.news.recv().await.unwrap() {
            return text;
        }
    };
    let doubt = told(&mut wire).await;
    assert!(doubt.contains(": cancel 2, a run, cancel 3; look whether"), "{doubt}");
    wire.commands.send(cancel(4)).unwrap();
    assert_eq!(reader.next().await.unwrap(), Some(cancel(4)));
}

#[tokio::test]
async fn a_watcher_that_is_refused_waits_for_a_key() {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let mut wire = watch(workspace.path());
    let (_reader, mut writer) = engine.greet().await;
    writer.send(encode(&Event::Refused { reason: "not you".into() }).unwrap()).await.unwrap();
    assert_eq!(fate(&mut wire).await, Err("not you".into()));
    // Twice as long as it takes to look whether there is an engine.
    let again = tokio::time::timeout(std::time::Duration::from_secs(1), engine.greet()).await;
    assert!(again.is_err(), "it comes again by itself");
    let (wake, asked) = (wire.wake.clone(), std::time::Instant::now());
    wake.notify_waiters();
    engine.greet().await;
    assert!(asked.elapsed() >= std::time::Duration::from_millis(400));
}

#[tokio::test]
async fn an_engine_that_was_stopped_starts_again_only_for_work() {
    let run = RunId(1);
    let drawing = Command::Keep { ticket: 1, name: "drawing".into(), width: 1, height: 1, rgb: Bytes(vec![0; 3]) };
    let (advance, export) = (Command::Advance { run }, Command::Export { run, what: Export::Sheet });
    for work in [submit(), Command::Resume { run }, advance, Command::Note { run, text: "odd".into() }, drawing, export] {
        starts_only_for(work).await;
    }
}

async fn starts_only_for(work: Command) {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let program = script(&workspace, "echo no\nexit 1");
    let mut wire = connect(workspace.path(), program);
    let (_reader, mut writer) = engine.greet().await;
    writer.send(encode(&Event::Stopping).unwrap()).await.unwrap();
    drop((_reader, writer, engine));
    assert_eq!(fate(&mut wire).await, Ok("the engine was stopped".into()));
    wire.commands.send(cancel(1)).unwrap();
    wire.commands.send(work).unwrap();
    let Wire { commands, mut news, .. } = wire;
    drop(commands);
    // One start, for the work: had the first command made one too, there would be two.
    assert_eq!(news.recv().await, Some(News::NoEngine { reason: "the engine did not start: no".into() }));
    assert_eq!(news.recv().await, None);
}

#[tokio::test]
async fn an_engine_that_dies_again_and_again_is_left_alone_until_the_viewer_asks() {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let mut wire = connect(workspace.path(), PathBuf::from("/no/program").into());
    for _ in 0..3 {
        engine.greet().await;
        assert!(fate(&mut wire).await.is_ok());
    }
    assert!(fate(&mut wire).await.unwrap_err().contains("ended 3 times"));
    wire.commands.send(submit()).unwrap();
    let (mut reader, _writer) = engine.greet().await;
    assert_eq!(reader.next().await.unwrap(), Some(submit()));
}

#[tokio::test]
async fn an_engine_that_refuses_is_not_asked_over_and_over() {
    let workspace = folder();
    let engine = Socket::of(workspace.path());
    let mut wire = connect(workspace.path(), PathBuf::from("/no/program").into());
    let (_reader, mut writer) = engine.greet().await;
    writer.send(encode(&Event::Refused { reason: "not you".into() }).unwrap()).await.unwrap();
    assert_eq!(fate(&mut wire).await, Err("not you".into()));
}
