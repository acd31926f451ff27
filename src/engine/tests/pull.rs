//! Downloads, with a hub whose words the test says.

use super::*;
use crate::engine::library::Library;
use crate::link::{Doing, Home, Model, PullEnd, Pulling};
use crate::model::hub::{Id, Progress, Tell};

/// What the test makes the hub say next.
enum Word {
    Says(Progress<'static>),
    Done,
    Fail(&'static str),
    Panic,
}

/// A hub that waits for the test before every word.
struct Puppets(Mutex<mpsc::Receiver<Word>>);

impl Library for Puppets {
    fn models(&self) -> Vec<Model> {
        let (name, path) = ("tiny-if".to_owned(), String::new());
        vec![Model { name, home: Home::BuiltIn, path, bytes: 7, side: Some(32), enlarges: false, missing: vec![] }]
    }

    fn pull(&self, id: &Id, tell: Tell) -> Result<String> {
        let words = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            match words.recv()? {
                Word::Says(progress) => tell(progress)?,
                Word::Done => return Ok(format!("{id}: 2 files")),
                Word::Fail(why) => anyhow::bail!(why),
                Word::Panic => panic!("the hub is gone"),
            }
        }
    }
}

/// An engine, and what makes its hub speak.
fn start(workspace: &TempDir, change: impl FnOnce(&mut Server)) -> (Engine, mpsc::Sender<Word>) {
    let (say, words) = mpsc::channel();
    let engine = Engine::start_with(workspace, |server| {
        server.library = Arc::new(Puppets(Mutex::new(words)));
        server.pace = Duration::ZERO;
        change(server);
    });
    (engine, say)
}

const ASKED: &str = "DeepFloyd/IF-I-XL-v1.0";

fn ask() -> Command {
    Command::Pull { repository: ASKED.into() }
}

fn says(hub: &mpsc::Sender<Word>, words: &[Progress<'static>]) {
    words.iter().for_each(|word| hub.send(Word::Says(*word)).unwrap());
}

impl Viewer {
    /// The first word of a download that is so far.
    async fn pull_is(&mut self, wanted: impl Fn(&Pulling) -> bool) -> Pulling {
        let events = self.until(|event| matches!(event, Event::Pulling { pull } if wanted(pull))).await;
        match events.into_iter().next_back() {
            Some(Event::Pulling { pull }) => pull,
            other => panic!("{other:?}"),
        }
    }

    /// How a download ended, and everything that was told until then.
    async fn pulled(&mut self) -> (PullEnd, String, Vec<Event>) {
        let events = self.until(|event| matches!(event, Event::Pulled { .. })).await;
        match events.last() {
            Some(Event::Pulled { end, text, .. }) => (*end, text.clone(), events),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_models_are_those_of_the_engine() {
    let workspace = folder();
    let (engine, _hub) = start(&workspace, |_| ());
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Models);
    let told = viewer.until(|event| matches!(event, Event::Models { .. })).await.pop();
    assert!(matches!(&told, Some(Event::Models { models }) if models[0].name == "tiny-if"), "{told:?}");
}

#[tokio::test]
async fn a_download_is_told_to_every_viewer_and_to_one_that_comes_in_the_middle() {
    let workspace = folder();
    let (engine, hub) = start(&workspace, |_| ());
    let mut first = engine.viewer().await;
    first.say(ask());
    assert_eq!(first.pull_is(|_| true).await.doing, Doing::Asks);
    says(&hub, &[Progress::Chosen(3, 60), Progress::WasThere("model_index.json", 10), Progress::Begins("unet/config.json", 20)]);
    says(&hub, &[Progress::At(20), Progress::Checks]);
    let how = first.pull_is(|pull| pull.doing == Doing::Checks).await;
    assert_eq!((how.number, how.of, how.bytes, how.total, how.at, how.size), (1, 3, 30, 60, 20, 20));
    says(&hub, &[Progress::Ends, Progress::Begins("unet/weights", 30), Progress::At(7)]);
    let how = first.pull_is(|pull| pull.at == 7).await;
    let mut late = Viewer(over(engine.stream(1 << 16).await));
    let events = late.until(|event| matches!(event, Event::Pulling { .. })).await;
    assert!(matches!(events[0], Event::Hello { .. }), "{events:?}");
    assert_eq!(events.last(), Some(&Event::Pulling { pull: how.clone() }));
    assert_eq!((how.file.as_str(), how.number, how.bytes, how.repository.as_str()), ("unet/weights", 2, 37, ASKED));
    says(&hub, &[Progress::BrokeOff("no connection"), Progress::At(9)]);
    hub.send(Word::Done).unwrap();
    for viewer in [&mut first, &mut late] {
        viewer.pull_is(|pull| pull.doing == Doing::Waits("no connection".into())).await;
        viewer.pull_is(|pull| pull.at == 9 && pull.doing == Doing::Fetches).await;
        let (end, text, events) = viewer.pulled().await;
        assert_eq!((end, text.as_str()), (PullEnd::Done, "DeepFloyd/IF-I-XL-v1.0: 2 files"));
        assert!(logged(&events, &text), "{events:?}");
    }
}

#[tokio::test]
async fn a_second_download_is_refused_until_the_first_is_over() {
    let workspace = folder();
    let (engine, hub) = start(&workspace, |_| ());
    let mut viewer = engine.viewer().await;
    let other = || Command::Pull { repository: "a/b".into() };
    assert_eq!(viewer.error(Command::StopPull).await, "nothing is being downloaded");
    viewer.say(ask());
    for again in [other(), ask()] {
        let why = viewer.error(again).await;
        assert!(why.starts_with(ASKED) && why.contains("one download at a time"), "{why}");
    }
    hub.send(Word::Done).unwrap();
    viewer.pulled().await;
    let wrong = viewer.error(Command::Pull { repository: "../b".into() }).await;
    assert!(wrong.contains("write owner/name"), "{wrong}");
    viewer.say(other());
    assert_eq!(viewer.pull_is(|_| true).await.repository, "a/b");
}

#[tokio::test]
async fn a_download_that_is_broken_off_ends_at_its_next_word_and_can_be_asked_for_again() {
    let workspace = folder();
    let (engine, hub) = start(&workspace, |_| ());
    let mut viewer = engine.viewer().await;
    viewer.say(ask());
    says(&hub, &[Progress::Begins("unet/weights", 30), Progress::At(7)]);
    viewer.pull_is(|pull| pull.at == 7).await;
    viewer.say(Command::StopPull);
    viewer.pull_is(|pull| pull.doing == Doing::Stops).await;
    assert!(viewer.error(ask()).await.contains("one download at a time"), "it is not over yet");
    says(&hub, &[Progress::At(8)]);
    let (end, text, events) = viewer.pulled().await;
    assert_eq!(end, PullEnd::Stopped);
    assert!(text.contains("broken off") && text.contains("what has arrived is kept") && logged(&events, &text), "{text}");
    assert!(!events.iter().any(|event| matches!(event, Event::Pulling { .. })), "{events:?}");
    viewer.say(ask());
    viewer.pull_is(|pull| pull.doing == Doing::Asks).await;
}

#[tokio::test]
async fn a_failure_is_told_whole_and_also_to_a_viewer_that_comes_after_it() {
    let workspace = folder();
    let (engine, hub) = start(&workspace, |_| ());
    let mut viewer = engine.viewer().await;
    const WHY: &str = "a/b is gated: accept its licence at https://hub/a/b, then set HF_TOKEN to a token and pull again";
    viewer.say(ask());
    hub.send(Word::Fail(WHY)).unwrap();
    let (end, text, events) = viewer.pulled().await;
    assert!(end == PullEnd::Failed && text.starts_with(WHY) && text.contains("`darkroom stop`"), "{text}");
    assert!(logged(&events, &text));
    let (end, told, _) = Viewer(over(engine.stream(1 << 16).await)).pulled().await;
    assert_eq!((end, told), (PullEnd::Failed, text));
    viewer.say(ask());
    hub.send(Word::Panic).unwrap();
    let (end, text, _) = viewer.pulled().await;
    assert!(end == PullEnd::Failed && text.contains("please report it: the hub is gone"), "{text}");
}

#[tokio::test]
async fn an_engine_waits_with_its_end_for_a_download_while_nobody_watches() {
    let workspace = folder();
    let (engine, hub) = start(&workspace, |server| {
        server.patience = Duration::ZERO;
        server.pull(ASKED).unwrap();
    });
    drop(engine.viewer().await);
    hub.send(Word::Done).unwrap();
    engine.ended().await;
}

#[tokio::test]
async fn an_engine_that_is_stopped_waits_for_no_download() {
    let workspace = folder();
    let (engine, _hub) = start(&workspace, |_| ());
    let mut viewer = engine.viewer().await;
    viewer.say(ask());
    viewer.say(Command::Stop { now: false });
    let events = viewer.until(|event| *event == Event::Stopping).await;
    assert!(logged(&events, "is broken off"), "{events:?}");
    engine.ended().await;
}
