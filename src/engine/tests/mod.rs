//! A whole engine with a lab whose steps the test makes, over links in memory.
#![allow(clippy::unwrap_used, clippy::panic)]

mod browse;
mod control;
mod life;
mod pull;
mod queue;
mod runs;
mod several;
mod submit;
mod training;
mod viewers;
mod watching;

use super::server::{Input, Server};
use super::worker;
use super::*;
use crate::experiment::{Broken, Outcome};
use crate::link::codec::{MAX_PACKET, Reader, Writer, encode};
use crate::link::{Command, Event, Loading, News, PROTOCOL, Phase, Picture, PictureOf, Turn, Wire, over};
use crate::model::OnLoading;
use crate::recipe::{Ask, Grid, Made, Recipe, Run, RunId, State};
use image::RgbImage;
use std::future::pending;
use std::sync::{Mutex, mpsc};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// What the test makes the lab do next.
enum Act {
    /// So much of its network is loaded.
    Loads(u8),
    Step,
    Finish,
    Fail(&'static str),
    /// Its device fails.
    Break,
    Panic,
}

/// The run that is on in the lab, as the test sees it: its prompt and the checkpoint that it began from.
type Begun = (String, Option<String>);

/// A lab that waits for the test before every step.
struct Puppet {
    acts: Arc<Mutex<mpsc::Receiver<Act>>>,
    begun: mpsc::Sender<Begun>,
    hears: OnLoading,
}

struct Place(usize);

const OF: usize = 1000;
/// The prompt of a run that takes no notice of its checkpoint.
const FORGETS: &str = "forgets";

impl Moment for Place {
    fn place(&self) -> (usize, usize, usize) {
        (self.0, OF, OF - self.0)
    }
    fn frame(&self) -> Result<RgbImage> {
        Ok(RgbImage::from_pixel(100, 80, image::Rgb([self.0 as u8; 3])))
    }
    fn checkpoint(&self) -> Result<Vec<u8>> {
        Ok((self.0 + 1).to_string().into_bytes())
    }
    fn trace(&self) -> Result<Vec<u8>> {
        Ok(format!("inside {}", self.0).into_bytes())
    }
}

impl Lab for Puppet {
    fn run(&mut self, recipe: &Recipe, checkpoint: Option<&Path>, on_step: &mut Hook) -> Result<Outcome> {
        let kept = checkpoint.map(|path| fs::read_to_string(path).unwrap());
        self.begun.send((recipe.prompt().to_owned(), kept.clone())).unwrap();
        // Some experiments begin anew, whatever was kept.
        let kept = kept.filter(|_| recipe.prompt() != FORGETS);
        let mut index = kept.map_or(Ok(0), |kept| kept.parse()).context("this is no checkpoint")?;
        let acts = self.acts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            match acts.recv()? {
                Act::Loads(percent) => {
                    let loading = Loading { model: "puppet".into(), phase: Phase::Network(percent) };
                    if (self.hears)(&loading).is_break() {
                        return Ok(Outcome::Stopped);
                    }
                }
                Act::Step if on_step(&Place(index))?.is_break() => return Ok(Outcome::Stopped),
                Act::Step => index += 1,
                Act::Finish => return Ok(Outcome::Done(vec![RgbImage::new(8, 8)], made())),
                Act::Fail(why) => anyhow::bail!(why),
                Act::Break => return Err(anyhow::anyhow!("CUDA_ERROR_ILLEGAL_ADDRESS").context(Broken)),
                Act::Panic => panic!("the numbers are gone"),
            }
        }
    }

    fn on_loading(&mut self, hears: OnLoading) {
        self.hears = hears;
    }
}

fn made() -> Made {
    Made {
        model: "puppet".into(),
        model_hash: "0".into(),
        data_hash: None,
        size: (8, 8),
        timesteps: vec![],
        rng: "none".into(),
        device: "cpu".into(),
        dtype: "f32".into(),
        stage_two: None,
    }
}

/// An engine in the hands of a test.
struct Engine {
    inputs: Sender<Input>,
    /// To the lab of each worker.
    acts: Vec<mpsc::Sender<Act>>,
    begun: mpsc::Receiver<Begun>,
    server: JoinHandle<()>,
}

impl Engine {
    fn start(workspace: &TempDir) -> Engine {
        Engine::start_with(workspace, |_| ())
    }

    fn start_with(workspace: &TempDir, change: impl FnOnce(&mut Server)) -> Engine {
        Engine::start_many(workspace, 1, change)
    }

    /// One with so many workers.
    fn start_many(workspace: &TempDir, workers: usize, change: impl FnOnce(&mut Server)) -> Engine {
        let gallery = Arc::new(Gallery::open(workspace.path()).unwrap().0);
        let (tell_begun, begun) = mpsc::channel();
        let (tell, facts) = unbounded_channel();
        let (acts, workers): (Vec<_>, Vec<_>) = (0..workers)
            .map(|_| {
                let (acts, lab) = puppet(tell_begun.clone());
                (acts, worker::spawn(gallery.clone(), lab, tell.clone()).unwrap())
            })
            .unzip();
        drop(tell);
        let (mut server, inputs, heard) = Server::new(gallery, Bench::new(workers));
        server.recover().unwrap();
        change(&mut server);
        Engine { inputs, acts, begun, server: tokio::spawn(server.serve(heard, facts)) }
    }

    /// A connection that has said nothing yet.
    async fn stream(&self, buffer: usize) -> DuplexStream {
        let (near, far) = duplex(buffer);
        self.inputs.send(Input::Arrived(Box::new(far))).await.unwrap_or_else(|_| panic!("the engine has ended"));
        near
    }

    async fn viewer(&self) -> Viewer {
        let mut viewer = Viewer(over(self.stream(1 << 16).await));
        viewer.until(|event| matches!(event, Event::Queue { .. })).await;
        viewer
    }

    fn act(&self, act: Act) {
        self.act_at(0, act);
    }

    /// Of several workers, this one acts.
    fn act_at(&self, worker: usize, act: Act) {
        self.acts[worker].send(act).unwrap();
    }

    async fn ended(self) {
        self.server.await.unwrap();
    }
}

/// A lab in the hands of a test, and what moves it.
fn puppet(begun: mpsc::Sender<Begun>) -> (mpsc::Sender<Act>, Maker<impl Fn() -> Puppet + Send + 'static>) {
    let (acts, to_do) = mpsc::channel();
    let to_do = Arc::new(Mutex::new(to_do));
    let make = move || Puppet { acts: to_do.clone(), begun: begun.clone(), hears: Box::new(|_| panic!("nobody waits")) };
    (acts, Maker { place: "puppet f32".into(), make })
}

/// The wish for a frame of a run.
fn next_frame(run: i64) -> Command {
    Command::NextFrame { run: RunId(run) }
}

struct Viewer(Wire);

impl Viewer {
    fn say(&self, command: Command) {
        self.0.commands.send(command).unwrap();
    }

    async fn news(&mut self) -> News {
        self.0.news.recv().await.unwrap()
    }

    /// Every event up to the first that is wanted.
    async fn until(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.news().await {
                News::Event(event) => events.push(event),
                News::Picture(_) => continue,
                other => panic!("{other:?} after {events:?}"),
            }
            if events.last().is_some_and(&mut wanted) {
                return events;
            }
        }
    }

    async fn run_is(&mut self, id: i64, state: State) -> Run {
        let events = self.until(|event| matches!(event, Event::Run { run } if run.id.0 == id && run.state == state)).await;
        match events.into_iter().next_back() {
            Some(Event::Run { run }) => run,
            other => panic!("{other:?}"),
        }
    }

    /// When this returns, the engine has done everything that this viewer has said before; and what it told meanwhile.
    async fn settled(&mut self) -> Vec<Event> {
        self.say(Command::History { search: String::new(), before: None, limit: 1 });
        self.until(|event| matches!(event, Event::History { .. })).await
    }

    async fn error(&mut self, command: Command) -> String {
        self.say(command);
        match self.until(|event| matches!(event, Event::Error { .. })).await.pop() {
            Some(Event::Error { text }) => text,
            other => panic!("{other:?}"),
        }
    }

    async fn picture(&mut self) -> Picture {
        loop {
            if let News::Picture(picture) = self.news().await {
                return picture;
            }
        }
    }
}

fn prompts(words: &[&str]) -> Command {
    let recipe = |word: &&str| Recipe::parse("sample", &[("prompt".into(), word.to_string())]).unwrap();
    Command::Submit { grid: Grid { axes: vec![], recipes: words.iter().map(recipe).collect() } }
}

fn step(event: &Event) -> Option<u32> {
    match event {
        Event::Step { index, .. } => Some(*index),
        _ => None,
    }
}

fn logged(events: &[Event], words: &str) -> bool {
    events.iter().any(|event| matches!(event, Event::Log { text, .. } if text.contains(words)))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
