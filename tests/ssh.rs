//! The link over ssh, through a real sshd on this machine, cut in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/pty.rs"]
mod pty;
#[path = "common/sshd.rs"]
mod sshd;

use darkroom::link::remote::{Remote, There};
use darkroom::link::{Command, Event, News, PictureOf, Wire, client};
use darkroom::recipe::{Grid, Recipe, Run, RunId, State};
use pty::Seat;
use sshd::Sshd;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process};
use tempfile::TempDir;
use tokio::time::timeout;

const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");
/// Long enough that a cut falls into the middle.
const LONG: &[(&str, &str)] = &[("prompt", "a red three"), ("seed", "7"), ("steps", "300")];

/// A workspace whose engine ends with it.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        Workspace(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn says(&self, args: &[&str]) -> process::Output {
        process::Command::new(DARKROOM).arg("--workspace").arg(self.path()).args(args).output().unwrap()
    }

    fn there(&self, watches: bool) -> There {
        let workspace = Some(self.path().to_str().unwrap().to_owned());
        There { program: DARKROOM.to_owned(), workspace, arguments: vec![OsString::from("--device=cpu")], watches }
    }

    fn remote(&self, sshd: &Sshd) -> Remote {
        Remote::new("box", &self.there(false)).unwrap().by(&sshd.ssh())
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.says(&["stop", "--now"]);
    }
}

fn submit(fields: &[(&str, &str)]) -> Command {
    let pairs: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Command::Submit { grid: Grid::one(Recipe::parse("sample", &pairs).unwrap()) }
}

async fn until<T>(wire: &mut Wire, mut wanted: impl FnMut(News) -> Option<T>) -> T {
    loop {
        let news = timeout(Duration::from_secs(120), wire.news.recv()).await.unwrap().unwrap();
        if let Some(found) = wanted(news) {
            return found;
        }
    }
}

async fn step(wire: &mut Wire) -> u32 {
    until(wire, |news| if let News::Event(Event::Step { index, .. }) = news { Some(index) } else { None }).await
}

async fn greeted(wire: &mut Wire) {
    until(wire, |news| matches!(news, News::Event(Event::Hello { .. })).then_some(())).await;
}

async fn lost(wire: &mut Wire) -> String {
    until(wire, |news| if let News::Lost { reason } = news { Some(reason) } else { None }).await
}

async fn is(wire: &mut Wire, id: i64, state: State) -> Run {
    until(wire, |news| match news {
        News::Event(Event::Run { run }) if run.id == RunId(id) && run.state == state => Some(run),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_connection_that_is_cut_comes_back_by_itself_and_the_run_ends_in_the_same_bytes() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (workspace, quiet) = (Workspace::new(), Workspace::new());
    let mut wire = client::connect_to(workspace.remote(&sshd)).await.unwrap();
    wire.commands.send(submit(LONG)).unwrap();
    step(&mut wire).await;
    wire.commands.send(Command::NextFrame { run: RunId(1) }).unwrap();
    let frame = until(&mut wire, |news| if let News::Picture(picture) = news { Some(picture) } else { None }).await;
    assert!(matches!(frame.head.what, PictureOf::Frame { .. }));
    assert_eq!((frame.head.width, frame.rgb.len()), (32, 32 * 32 * 3), "as small as the model makes it");

    sshd.cut();
    let reason = lost(&mut wire).await;
    assert!(reason.starts_with("connection lost, trying again (ssh: "), "{reason}");
    // It goes on without us: somebody at the machine itself sees it, and puts it aside, so that it is not over before we are back.
    let mut beside = client::connect(workspace.path(), PathBuf::from(DARKROOM).into());
    let before = step(&mut beside).await;
    assert!(step(&mut beside).await > before);
    beside.commands.send(Command::Pause { run: RunId(1) }).unwrap();
    is(&mut beside, 1, State::Paused).await;
    // It is tried again and again, and what is asked meanwhile is kept.
    wire.commands.send(Command::Note { run: RunId(1), text: "written while cut".into() }).unwrap();
    wire.commands.send(submit(&[("steps", "1")])).unwrap();
    sshd.knocked().await;
    sshd.knocked().await;
    sshd.open();
    greeted(&mut wire).await;
    wire.commands.send(Command::Resume { run: RunId(1) }).unwrap();
    let (mut goes_on, mut done) = (false, Vec::new());
    until(&mut wire, |news| {
        match news {
            News::Event(Event::Step { run: RunId(1), index, .. }) => goes_on |= index > before,
            News::Event(Event::Run { run }) if run.state == State::Done => done.push((run.id.0, run.note)),
            _ => {}
        }
        (done.len() == 2).then_some(())
    })
    .await;
    done.sort();
    assert!(goes_on);
    assert_eq!(done, [(1, Some("written while cut".to_owned())), (2, None)]);

    let out = quiet.path().join("out.png");
    let fields: Vec<String> = LONG.iter().map(|(field, value)| format!("--{field}={value}")).collect();
    let mut words = vec!["run", "sample", "--device=cpu", "--out", out.to_str().unwrap()];
    words.extend(fields.iter().map(String::as_str));
    assert!(quiet.says(&words).status.success());
    assert!(fs::read(workspace.path().join("runs/000001/1.png")).unwrap() == fs::read(out).unwrap(), "the pictures differ");
}

#[tokio::test]
async fn what_is_said_into_a_dead_connection_is_said_again_over_the_next_one_and_done_once() {
    let Some(mut sshd) = Sshd::start() else { return };
    let workspace = Workspace::new();
    let mut wire = client::connect_to(workspace.remote(&sshd)).await.unwrap();
    wire.commands.send(submit(&[("steps", "1")])).unwrap();
    is(&mut wire, 1, State::Done).await;
    sshd.freezes();
    wire.commands.send(submit(&[("steps", "2")])).unwrap();
    wire.commands.send(Command::Note { run: RunId(1), text: "into the void".into() }).unwrap();
    let frozen = Instant::now();
    let reason = lost(&mut wire).await;
    assert!(frozen.elapsed() < Duration::from_secs(30), "ssh and the link both notice it by themselves: {reason}");
    greeted(&mut wire).await;
    is(&mut wire, 2, State::Done).await;
    wire.commands.send(submit(&[("steps", "3")])).unwrap();
    is(&mut wire, 3, State::Done).await;
    assert_eq!(wire.outgoing.unheard(), None);
    assert_eq!(fs::read_to_string(workspace.path().join("runs/000001/note.txt")).unwrap().trim(), "into the void");
    assert!(!workspace.path().join("runs/000004").exists(), "what was done is not done again");
}

#[tokio::test]
async fn what_keeps_ssh_or_the_program_there_from_it_is_told_in_a_sentence() {
    let Some(mut sshd) = Sshd::start() else { return };
    let workspace = Workspace::new();
    let fails = async |remote: Remote| client::connect_to(remote).await.err().expect("it connects").to_string();
    let with = |there: There| Remote::new("box", &there).unwrap().by(&sshd.ssh());
    let program = |program: &str| with(There { program: program.to_owned(), ..workspace.there(false) });

    assert!(fails(program("/no/darkroom")).await.starts_with("box: darkroom is not found there; name its program with --there"));
    let garbage = fails(program("echo")).await;
    assert!(garbage.contains("the shell on that machine must not write anything"), "{garbage}");
    let file = workspace.path().join("a file's $(touch name)");
    fs::write(&file, "").unwrap();
    let taken = fails(with(There { workspace: Some(file.to_str().unwrap().to_owned()), ..workspace.there(false) })).await;
    assert!(taken.starts_with("box: ") && taken.contains("a file's $(touch name)"), "{taken}");
    let nowhere = program(DARKROOM).by(Path::new("/no/ssh"));
    assert!(fails(nowhere).await.starts_with("/no/ssh cannot be started"));

    // A connection that had been made: what it then needs a person for is not tried over and over.
    let mut wire = client::connect_to(workspace.remote(&sshd)).await.unwrap();
    greeted(&mut wire).await;
    sshd.cut();
    lost(&mut wire).await;
    sshd.forget_user();
    sshd.open();
    let reason = until(&mut wire, |news| if let News::NoEngine { reason } = news { Some(reason) } else { None }).await;
    assert!(reason.starts_with("ssh: ") && reason.contains("Permission denied (publickey)"), "{reason}");
    assert!(reason.contains("leave and start again"), "{reason}");
    sshd.changes_key();
    let reason = fails(workspace.remote(&sshd)).await;
    assert!(reason.contains("Host key verification failed"), "{reason}");
    sshd.prefer("Host box\n  Port 1");
    let reason = fails(workspace.remote(&sshd)).await;
    assert_eq!(reason, "ssh: connect to host 127.0.0.1 port 1: Connection refused");
}

#[tokio::test]
async fn who_watches_over_ssh_starts_no_engine_and_waits_for_one() {
    let Some(mut sshd) = Sshd::start() else { return };
    let workspace = Workspace::new();
    let remote = || Remote::new("box", &workspace.there(true)).unwrap().by(&sshd.ssh());
    let mut wire = client::connect_to(remote()).await.unwrap();
    let none = until(&mut wire, |news| if let News::NoEngine { reason } = news { Some(reason) } else { None }).await;
    assert!(none.contains("there is no engine to watch"), "{none}");
    // It looks again by itself, after ten seconds; a key makes it look now.
    sshd.forget_knocks();
    let looked = Instant::now();
    loop {
        wire.wake.notify_waiters();
        if timeout(Duration::from_millis(100), sshd.knocked()).await.is_ok() {
            break;
        }
    }
    assert!(looked.elapsed() < Duration::from_secs(9), "it has looked by itself");
    assert!(String::from_utf8(workspace.says(&["status"]).stdout).unwrap().contains("no engine runs"));
    assert!(workspace.says(&["submit", "sample", "--steps", "1000"]).status.success());
    step(&mut wire).await;
}

#[tokio::test]
async fn the_doctor_says_whether_the_machine_is_reached_and_starts_nothing_there() {
    let Some(mut sshd) = Sshd::start() else { return };
    let workspace = Workspace::new();
    let path = env::join_paths([sshd.bin()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let doctor = || {
        let mut command = process::Command::new(DARKROOM);
        command.args(["--host", "box", "--there", DARKROOM, "--workspace", workspace.path().to_str().unwrap(), "doctor"]);
        let output = command.env("PATH", &path).stdin(process::Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, none) = doctor();
    assert!(code == Some(0) && none.contains("\nbox\n") && none.contains("✓ engine       none runs"), "{none}");
    assert!(none.contains("ssh -t box darkroom doctor") && !none.contains("\nGPU\n"), "{none}");
    assert!(String::from_utf8(workspace.says(&["status"]).stdout).unwrap().contains("no engine runs"));
    assert!(workspace.says(&["--device", "cpu", "submit", "sample", "--steps", "1"]).status.success());
    let (code, runs) = doctor();
    assert!(code == Some(0) && runs.contains("✓ computes on  cpu f32") && runs.contains("ssh reaches it"), "{runs}");
    sshd.cut();
    let (code, cut) = doctor();
    assert!(code == Some(1) && cut.contains("✗ connection   ssh: "), "{cut}");
}

#[tokio::test]
async fn at_the_screen_nothing_that_was_typed_is_lost() {
    let Some(mut sshd) = Sshd::start() else { return };
    let (workspace, home) = (Workspace::new(), tempfile::tempdir().unwrap());
    let workspace_there = workspace.path().to_str().unwrap();
    let arguments = ["--host", "box", "--there", DARKROOM, "--workspace", workspace_there, "--device", "cpu", "--graphics", "half-blocks"];
    let mut seat = Seat::take(DARKROOM, &arguments, |command| {
        let path = env::join_paths([sshd.bin()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
        command.env("PATH", path);
        for (name, folder) in [("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")] {
            command.env(name, home.path().join(folder));
        }
    });
    seat.shows("engine ready");
    seat.shows("on box");
    seat.types(" one");
    seat.shows("background one");
    sshd.cut();
    seat.shows("connection lost, trying again");
    seat.types(" two\r");
    seat.shows("background one two");
    sshd.knocked().await;
    sshd.open();
    seat.shows("background one two");
    seat.shows("1 · a red three");
    seat.until("the run, finished", |_| workspace.path().join("runs/000001/1.png").is_file().then_some(()));
    seat.shows("done · 34 steps");
    sshd.cut();
    seat.shows("connection lost, trying again");
    // Nothing runs, so that it leaves without a question; what was asked for is named when the screen is gone.
    seat.types(" three\r\x11");
    seat.shows("not have reached the engine: a run");
    seat.until("end", |seen| seen.over.then_some(()));
    assert!(seat.child.wait().unwrap().success());
    let kept = home.path().join("state/darkroom/hosts");
    assert_eq!(fs::read_dir(kept).unwrap().count(), 1, "what this terminal keeps for itself is here");
}
