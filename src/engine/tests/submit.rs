//! Grids whose pictures take their time.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// A grid with a picture from an address, which answers once the test says so.
fn slow() -> (Command, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/photo.png", listener.local_addr().unwrap());
    let (answer, may_answer) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 2048]).unwrap();
        if may_answer.recv().is_ok() {
            let png = crate::gallery::encode(&RgbImage::new(8, 8), &[]).unwrap();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", png.len()).unwrap();
            stream.write_all(&png).unwrap();
        }
    });
    let fields = [("image".into(), address), ("start".into(), "5".into())];
    (Command::Submit { grid: Grid::one(Recipe::parse("edit", &fields).unwrap()) }, answer)
}

fn submitted(event: &Event) -> Option<i64> {
    match event {
        Event::Submitted { first, .. } => Some(first.0),
        _ => None,
    }
}

#[tokio::test]
async fn a_slow_address_holds_up_only_what_its_viewer_asks_for_after_it() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut patient, mut other) = (engine.viewer().await, engine.viewer().await);
    let (grid, answer) = slow();
    patient.say(grid);
    patient.say(prompts(&["after it"]));
    patient.settled().await;
    other.say(prompts(&["one"]));
    engine.act(Act::Finish);
    other.run_is(1, State::Done).await;
    answer.send(()).unwrap();
    for number in [2, 3] {
        let events = patient.until(|event| submitted(event).is_some()).await;
        assert_eq!(events.last().and_then(submitted), Some(number));
    }
    engine.act(Act::Finish);
    engine.act(Act::Finish);
    other.run_is(3, State::Done).await;
    let begun: Vec<_> = engine.begun.iter().take(3).map(|(prompt, _)| prompt).collect();
    assert_eq!((begun[0].as_str(), begun[2].as_str()), ("one", "after it"));
}

#[tokio::test]
async fn everything_is_cancelled_at_once_and_what_is_on_its_way_as_soon_as_it_comes() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut patient, mut other) = (engine.viewer().await, engine.viewer().await);
    let (grid, answer) = slow();
    patient.say(grid);
    patient.say(prompts(&["after it"]));
    patient.settled().await;
    other.say(prompts(&["one", "two"]));
    other.run_is(1, State::Running).await;
    other.say(Command::CancelAll);
    other.run_is(2, State::Cancelled).await;
    engine.act(Act::Step);
    other.run_is(1, State::Cancelled).await;
    // Said after it, and so not meant by it.
    other.say(prompts(&["three"]));
    other.run_is(3, State::Running).await;
    answer.send(()).unwrap();
    patient.run_is(4, State::Cancelled).await;
    patient.run_is(5, State::Cancelled).await;
    engine.act(Act::Finish);
    other.run_is(3, State::Done).await;
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_refuses_its_grid_and_no_other() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let (grid, answer) = slow();
    drop(answer);
    viewer.say(grid);
    viewer.say(prompts(&["after it"]));
    let events = viewer.until(|event| submitted(event) == Some(1)).await;
    assert!(events.iter().any(|event| matches!(event, Event::Error { text } if text.contains("cannot be fetched"))), "{events:?}");
}

#[tokio::test]
async fn an_engine_that_ends_says_which_grids_it_leaves_behind() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let (grid, answer) = slow();
    viewer.say(grid);
    viewer.say(prompts(&["after it"]));
    viewer.settled().await;
    viewer.say(Command::Stop { now: true });
    let events = viewer.until(|event| *event == Event::Stopping).await;
    let told = events.iter().any(|event| matches!(event, Event::Error { text } if text.contains("2 of what you asked for is not queued")));
    assert!(told, "{events:?}");
    drop(answer);
}

#[tokio::test]
async fn everything_is_cancelled_though_whoever_said_it_has_left_before_it_could_be() {
    let workspace = folder();
    Gallery::open(workspace.path()).unwrap().0.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    let (enters, may_enter) = mpsc::channel::<()>();
    let engine = Engine::start_with(&workspace, |server| {
        server.entering = 1;
        let work = move || Ok(may_enter.recv().map(|()| vec![])?);
        server.beside(work, |submitted| Input::Submitted(9, submitted));
    });
    let (mut leaving, mut other) = (engine.viewer().await, engine.viewer().await);
    leaving.say(Command::CancelAll);
    leaving.settled().await;
    drop(leaving);
    // So that the engine knows that it is gone.
    for _ in 0..20 {
        other.settled().await;
    }
    enters.send(()).unwrap();
    other.run_is(1, State::Cancelled).await;
}
