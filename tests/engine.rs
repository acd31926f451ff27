//! The engine as a process: it outlives its viewers, and its runs outlive it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use darkroom::gallery::Gallery;
use darkroom::link::{Bytes, Command, Event, News, Picture, PictureHead, PictureOf, Wire, client, over};
use darkroom::recipe::{Colour, Export, Fit, Grid, Layer, Recipe, Run, RunId, State};
use rustix::process::{Pid, Signal, getsid, kill_process};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{self, Output, Stdio};
use std::time::Duration;
use std::{fs, os::unix::net::UnixStream};
use tempfile::TempDir;
use tokio::time::timeout;

const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");

/// A workspace whose engine ends with it.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        Workspace(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, args: &[&str]) -> process::Command {
        let mut command = process::Command::new(DARKROOM);
        command.arg("--workspace").arg(self.path()).args(args).stdin(Stdio::null());
        command
    }

    fn darkroom(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn says(&self, args: &[&str]) -> String {
        let output = self.darkroom(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A training from the command line that has told something, and goes on.
    fn training(&self, fields: &[String], told: &str) -> process::Child {
        let mut command = self.command(&["run", "train-class", "--json"]);
        let mut training = command.args(fields).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(training.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(told)), "it ended without {told}");
        training
    }

    fn viewer(&self) -> Viewer {
        Viewer { wire: client::connect(self.path(), PathBuf::from(DARKROOM).into()), engine: None }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.darkroom(&["stop", "--now"]);
    }
}

struct Viewer {
    wire: Wire,
    /// The process that greeted last.
    engine: Option<Pid>,
}

impl Viewer {
    fn say(&self, command: Command) {
        self.wire.commands.send(command).unwrap();
    }

    fn submit(&self, fields: &[(&str, &str)]) {
        let pairs: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        self.say(Command::Submit { grid: Grid::one(Recipe::parse("sample", &pairs).unwrap()) });
    }

    /// What `wanted` finds in the news.
    async fn until<T>(&mut self, mut wanted: impl FnMut(News) -> Option<T>) -> T {
        loop {
            let news = timeout(Duration::from_secs(120), self.wire.news.recv()).await.unwrap().unwrap();
            if let News::Event(Event::Hello { pid, .. }) = &news {
                self.engine = Pid::from_raw(*pid as i32);
            }
            if let Some(found) = wanted(news) {
                return found;
            }
        }
    }

    async fn step(&mut self) -> u32 {
        self.until(|news| if let News::Event(Event::Step { index, .. }) = news { Some(index) } else { None }).await
    }

    async fn run_is(&mut self, id: i64, state: State) -> Run {
        let right = |run: &Run| run.id == RunId(id) && run.state == state;
        self.until(|news| match news {
            News::Event(Event::Run { run }) if right(&run) => Some(run),
            News::Event(Event::Queue { runs }) => runs.into_iter().find(right),
            _ => None,
        })
        .await
    }

    async fn input(&mut self, ticket: u32) -> Picture {
        let right = PictureOf::Input { ticket };
        self.until(|news| if let News::Picture(picture) = news { (picture.head.what == right).then_some(picture) } else { None }).await
    }

    async fn lost(&mut self) -> String {
        self.until(|news| if let News::Lost { reason } = news { Some(reason) } else { None }).await
    }

    fn kill(&self, signal: Signal) {
        kill_process(self.engine.unwrap(), signal).unwrap();
    }
}

#[tokio::test]
async fn a_killed_engine_leaves_its_queue_and_its_viewer_and_nothing_goes_on_unasked() {
    let workspace = Workspace::new();
    let mut viewer = workspace.viewer();
    viewer.submit(&[("steps", "1000")]);
    let before = viewer.step().await;
    let first = viewer.engine;
    viewer.kill(Signal::KILL);
    assert_eq!(viewer.lost().await, "the engine stopped (killed, signal 9)");
    let left = viewer.run_is(1, State::Interrupted).await;
    assert_ne!(viewer.engine, first);
    assert!(left.step > before);
    assert_eq!(left.error, Some(format!("the engine died at step {}; Enter goes on", left.step)));
    viewer.submit(&[("steps", "1")]);
    viewer.run_is(2, State::Done).await;
    viewer.say(Command::Resume { run: RunId(1) });
    assert!(viewer.step().await >= left.step);

    // With another in the queue, that waits too.
    viewer.submit(&[("steps", "1")]);
    viewer.run_is(3, State::Queued).await;
    viewer.kill(Signal::KILL);
    viewer.until(|news| (news == News::Event(Event::Held { held: true })).then_some(())).await;
    viewer.run_is(1, State::Interrupted).await;
    assert!(workspace.says(&["status"]).contains("\nthe queue is held: nothing begins until P"));
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.say(Command::HoldQueue { held: false });
    viewer.run_is(3, State::Done).await;
}

#[tokio::test]
async fn a_run_that_lost_its_engine_ends_in_the_same_picture() {
    let (workspace, quiet) = (Workspace::new(), Workspace::new());
    let mut viewer = workspace.viewer();
    viewer.submit(&[("prompt", "a red three"), ("seed", "7"), ("steps", "12")]);
    viewer.step().await;
    viewer.step().await;
    viewer.kill(Signal::KILL);
    viewer.run_is(1, State::Interrupted).await;
    viewer.say(Command::Resume { run: RunId(1) });
    viewer.run_is(1, State::Done).await;
    let out = quiet.path().join("out.png");
    quiet.says(&["run", "sample", "--prompt", "a red three", "--seed", "7", "--steps", "12", "--out", out.to_str().unwrap()]);
    let kept = fs::read(workspace.path().join("runs/000001/1.png")).unwrap();
    assert!(kept == fs::read(out).unwrap(), "the pictures differ");
}

#[tokio::test]
async fn a_run_that_was_paused_at_step_12_outlives_its_engine_and_ends_in_the_same_picture() {
    let (workspace, quiet) = (Workspace::new(), Workspace::new());
    let mut viewer = workspace.viewer();
    viewer.submit(&[("prompt", "a red three"), ("seed", "7")]);
    while viewer.step().await < 10 {}
    viewer.say(Command::Pause { run: RunId(1) });
    let mut paused = viewer.run_is(1, State::Paused).await;
    while paused.step < 12 {
        viewer.say(Command::Advance { run: RunId(1) });
        viewer.run_is(1, State::Running).await;
        paused = viewer.run_is(1, State::Paused).await;
    }
    let at = paused.step;
    viewer.kill(Signal::KILL);
    viewer.lost().await;
    assert_eq!(viewer.run_is(1, State::Paused).await.step, at, "the next engine leaves it paused");
    viewer.say(Command::Resume { run: RunId(1) });
    assert_eq!(viewer.step().await, at, "it goes on after the step that was kept");
    viewer.run_is(1, State::Done).await;
    let out = quiet.path().join("out.png");
    quiet.says(&["run", "sample", "--prompt", "a red three", "--seed", "7", "--out", out.to_str().unwrap()]);
    assert!(fs::read(workspace.path().join("runs/000001/1.png")).unwrap() == fs::read(out).unwrap(), "the pictures differ");

    // Another run goes on from its step 12, under another prompt; the steps before are the same.
    let branch = ["run", "sample", "--prompt", "a blue seven", "--seed", "7", "--from", "run:1@12", "--json"];
    let told = workspace.says(&branch);
    assert!(told.lines().next().unwrap().contains("\"index\":12,\"of\":34"), "{told}");
    viewer.say(Command::Inspect { ticket: 1, run: RunId(1), index: 11, layer: Layer::Unconditional });
    let numbers = viewer.until(|news| if let News::Event(Event::Numbers { numbers }) = news { Some(numbers) } else { None }).await;
    assert_eq!((numbers.index, numbers.t, numbers.steps.len(), numbers.thresholds.len()), (11, 660, 34, 1));
    assert_eq!(numbers.layers.len(), 6);
    assert!(workspace.says(&["export", "1", "gif"]).trim().ends_with("000001-steps.gif"));
}

#[tokio::test]
async fn a_drawing_is_kept_and_is_an_input_of_the_run() {
    let workspace = Workspace::new();
    let mut viewer = workspace.viewer();
    let look = |ticket, image: Option<&str>| Command::Look {
        ticket,
        image: image.map(str::to_owned),
        model: "tiny-if".to_owned(),
        fit: Fit::Crop,
        background: Colour([255; 3]),
    };
    viewer.say(look(5, None));
    let sheet = viewer.input(5).await;
    assert_eq!((sheet.head.width, sheet.head.height, sheet.rgb.iter().all(|value| *value == 255)), (32, 32, true));
    viewer.say(look(6, Some("campanile")));
    assert!(viewer.input(6).await.rgb.iter().any(|value| *value < 100), "a tower");
    for (wrong, words) in
        [(look(7, Some("nowhere.png")), "nowhere.png"), (keep(8, &[0; 9], "drawing"), "whole"), (keep(9, &[0; 3072], "x"), "called")]
    {
        viewer.say(wrong);
        let text = viewer.until(|news| if let News::Event(Event::Failed { text, .. }) = news { Some(text) } else { None }).await;
        assert!(text.contains(words), "{text}");
    }

    let drawn: Vec<u8> = (0..3072u32).map(|at| (at * 7) as u8).collect();
    viewer.say(keep(10, &drawn, "drawing"));
    let kept = |news| if let News::Event(Event::Kept { ticket: 10, image }) = news { Some(image) } else { None };
    let image = viewer.until(kept).await;
    viewer.say(look(11, Some(&image)));
    assert_eq!(viewer.input(11).await.rgb.as_ref(), drawn, "pixel for pixel");
    let edit = Recipe::parse("edit", &[("image".into(), image), ("start".into(), "20".into())]).unwrap();
    viewer.say(Command::Submit { grid: Grid::one(edit) });
    let run = viewer.run_is(1, State::Done).await;
    viewer.say(Command::Export { run: run.id, what: Export::Sheet });
    let log = |news| {
        if let News::Event(Event::Log { text, .. }) = news { text.strip_prefix("1: /").map(|path| format!("/{path}")) } else { None }
    };
    let sheet = viewer.until(log).await;
    assert!(Path::new(&sheet).is_file(), "{sheet}");
    viewer.say(Command::Inspect { ticket: 12, run: run.id, index: 900, layer: Layer::Picture });
    let layer = |news| match news {
        News::Picture(Picture { head: PictureHead { what: PictureOf::Layer { layer, .. }, .. }, .. }) => Some(layer),
        _ => None,
    };
    assert_eq!(viewer.until(layer).await, Layer::Clean, "a layer that the step does not have gives way");
}

fn keep(ticket: u32, rgb: &[u8], name: &str) -> Command {
    Command::Keep { ticket, name: name.to_owned(), width: 32, height: 32, rgb: Bytes(rgb.to_vec()) }
}

#[tokio::test]
async fn a_run_goes_on_when_its_viewer_leaves_and_when_the_system_ends_the_engine() {
    let workspace = Workspace::new();
    let mut viewer = workspace.viewer();
    viewer.submit(&[("steps", "1000")]);
    let before = viewer.step().await;
    let engine = viewer.engine;
    drop(viewer);
    let mut viewer = workspace.viewer();
    assert!(viewer.step().await > before);
    assert_eq!(viewer.engine, engine);
    assert_eq!(getsid(engine).unwrap(), engine.unwrap(), "the engine would end with the terminal");
    viewer.kill(Signal::HUP);
    viewer.step().await;
    viewer.kill(Signal::TERM);
    let kept = viewer.run_is(1, State::Queued).await;
    assert_eq!(viewer.lost().await, "the engine was stopped");
    // An engine that was stopped on purpose comes back for work.
    viewer.submit(&[("steps", "1")]);
    assert!(viewer.step().await >= kept.step);
}

#[tokio::test]
async fn a_workspace_has_one_engine() {
    let workspace = Workspace::new();
    let mut viewer = workspace.viewer();
    viewer.until(|news| if let News::Event(Event::Queue { .. }) = news { Some(()) } else { None }).await;
    let pid = viewer.engine.unwrap().as_raw_nonzero();
    let second = workspace.darkroom(&["engine"]);
    assert_eq!(second.status.code(), Some(2));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains(&format!("an engine (process {pid}) already serves this workspace")), "{words}");
    assert!(workspace.says(&["status"]).contains(&format!("the engine is process {pid}")));
}

#[test]
fn the_commands_find_start_and_end_the_engine() {
    let workspace = Workspace::new();
    assert_eq!(workspace.says(&["stop"]), "no engine runs in this workspace\n");
    assert_eq!(workspace.says(&["status", "--json"]), "{\"pid\":null,\"held\":false,\"runs\":[]}\n");
    let watching = workspace.darkroom(&["--watch", "submit", "sample"]);
    assert_eq!(watching.status.code(), Some(2));
    assert_eq!(watching.stderr, b"darkroom: --watch is for the workbench; leave it out for `darkroom submit`\n");
    let queued = workspace.says(&["submit", "sample", "--json", "--steps", "1000", "--seed", "1,2"]);
    assert_eq!(queued, "{\"event\":\"queued\",\"run\":1}\n{\"event\":\"queued\",\"run\":2}\n");
    let status = workspace.says(&["status", "--json"]);
    assert!(status.contains("{\"id\":1,\"state\":\"running\"") && status.contains("{\"id\":2,\"state\":\"queued\""), "{status}");
    assert!(workspace.says(&["stop", "--now"]).ends_with("the engine has ended\n"));
    assert_eq!(
        workspace.says(&["status", "--json"]),
        "{\"pid\":null,\"held\":false,\"runs\":[{\"id\":2,\"state\":\"queued\",\"step\":0,\"of\":0}]}\n"
    );
    assert!(!workspace.path().join("engine.lock").exists());
}

#[tokio::test]
async fn a_viewer_elsewhere_reaches_the_engine_over_standard_input_and_output() {
    let workspace = Workspace::new();
    let (near, far) = UnixStream::pair().unwrap();
    let (stdin, stdout): (OwnedFd, OwnedFd) = (far.try_clone().unwrap().into(), far.into());
    let mut relay = workspace.command(&["attach", "--stdio"]).stdin(stdin).stdout(stdout).spawn().unwrap();
    near.set_nonblocking(true).unwrap();
    let mut viewer = Viewer { wire: over(tokio::net::UnixStream::from_std(near).unwrap()), engine: None };
    viewer.submit(&[("steps", "1")]);
    viewer.run_is(1, State::Done).await;
    drop(viewer);
    // The link closes on this thread, which must not wait.
    assert!(tokio::task::spawn_blocking(move || relay.wait()).await.unwrap().unwrap().success());
    assert!(workspace.says(&["status"]).contains("the engine is process"));
}

#[test]
fn a_start_that_cannot_be_is_told_in_a_sentence() {
    let workspace = Workspace::new();
    let file = workspace.path().join("file");
    fs::write(&file, "").unwrap();
    let output = process::Command::new(DARKROOM).arg("--workspace").arg(&file).args(["submit", "sample"]).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains(file.to_str().unwrap()) && words.lines().count() == 1, "{words}");
}

/// A training that is long enough to be killed in the middle.
const TRAINING: &[(&str, &str)] =
    &[("images", "300"), ("width", "2"), ("batch", "20"), ("epochs", "6"), ("count", "4"), ("timesteps", "3"), ("keep", "6")];

#[tokio::test]
async fn a_training_whose_engine_is_killed_goes_on_and_ends_in_the_same_bytes() {
    let (workspace, straight) = (Workspace::new(), Workspace::new());
    let mut viewer = workspace.viewer();
    let pairs: Vec<_> = TRAINING.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    viewer.say(Command::Submit { grid: Grid::one(Recipe::parse("train-class", &pairs).unwrap()) });
    // In the middle of the third epoch, which then begins again.
    let middle = |news| if let News::Event(Event::Step { index: 35.., .. }) = news { Some(()) } else { None };
    viewer.until(middle).await;
    viewer.kill(Signal::KILL);
    viewer.run_is(1, State::Interrupted).await;
    viewer.say(Command::Resume { run: RunId(1) });
    viewer.run_is(1, State::Done).await;

    let fields: Vec<String> = TRAINING.iter().map(|(field, value)| format!("--{field}={value}")).collect();
    straight.says(&[&["run", "train-class"][..], &fields.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    for file in ["weights/epoch-0006.safetensors", "checkpoints/epoch-0006.safetensors", "1.png", "3.png", "6.png"] {
        let bytes = |workspace: &Workspace| fs::read(workspace.path().join("runs/000001").join(file)).unwrap();
        assert!(bytes(&workspace) == bytes(&straight), "{file}");
    }
}

#[test]
fn an_unfinished_training_goes_on_from_the_command_line() {
    let workspace = Workspace::new();
    let fields: Vec<String> = TRAINING.iter().map(|(field, value)| format!("--{field}={value}")).collect();
    let mut first = workspace.training(&fields, "\"sampled\",\"run\":1,\"index\":1");
    first.kill().unwrap();
    first.wait().unwrap();
    let told = workspace.says(&["run", "--resume", "1", "--json"]);
    let first_step = told.lines().find(|line| line.contains("\"taught\"")).unwrap();
    assert!(!first_step.contains("\"step\":1,"), "{first_step}");
    assert!(told.contains("\"done\""), "{told}");
    let again = workspace.darkroom(&["run", "--resume", "1"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("run 1 is done"));
    let both = workspace.darkroom(&["run", "--resume", "1", "recipe.toml"]);
    assert!(String::from_utf8_lossy(&both.stderr).contains("cannot be used with"), "{both:?}");
}

#[test]
fn a_run_whose_kept_step_is_spoiled_begins_again_from_the_command_line_and_says_so() {
    let workspace = Workspace::new();
    let (gallery, _) = Gallery::open(workspace.path()).unwrap();
    gallery.submit(&Grid::one(Recipe::parse("sample", &[("steps".into(), "2".into())]).unwrap())).unwrap();
    gallery.set_state(RunId(1), State::Paused, None).unwrap();
    fs::write(gallery.checkpoint_path(RunId(1)), "half a step").unwrap();
    let output = workspace.darkroom(&["run", "--resume", "1"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && words.contains("1: its kept step cannot be used"), "{words}");
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().state, State::Done);
}

#[test]
fn a_training_that_the_system_ends_keeps_what_it_has() {
    let workspace = Workspace::new();
    let fields = ["--images=300", "--width=2", "--batch=20", "--epochs=1000", "--count=4", "--timesteps=3"].map(str::to_owned);
    for (run, signal, code) in [(1, Signal::TERM, 143), (2, Signal::INT, 130)] {
        let training = workspace.training(&fields, "\"taught\"");
        kill_process(Pid::from_child(&training), signal).unwrap();
        let output = training.wait_with_output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words}");
        assert_eq!(words, format!("darkroom: run {run} is broken off and kept; `darkroom run --resume {run}` goes on with it\n"));
        let kept = fs::read_dir(workspace.path().join(format!("runs/00000{run}/checkpoints"))).unwrap();
        assert!(kept.count() > 0);
    }
    assert!(workspace.says(&["status", "--json"]).contains("{\"id\":1,\"state\":\"paused\""));
}
