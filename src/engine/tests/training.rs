//! Trainings in the engine: real ones, of a few images and a narrow network.

use super::*;
use crate::recipe::{Axis, Point};

fn training(fields: &[(&str, &str)]) -> Command {
    let small = [("images", "24"), ("width", "2"), ("batch", "6"), ("epochs", "3"), ("count", "2"), ("timesteps", "2")];
    let given = |name: &str| fields.iter().any(|(field, _)| *field == name);
    let all = small.iter().filter(|(name, _)| !given(name)).chain(fields);
    let pairs: Vec<_> = all.map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    Command::Submit { grid: Grid::one(Recipe::parse("train-class", &pairs).unwrap()) }
}

fn point(event: &Event) -> Option<Point> {
    match event {
        Event::Taught { point, .. } => Some(*point),
        _ => None,
    }
}

async fn curve(viewer: &mut Viewer, after: u32) -> Vec<Point> {
    viewer.say(Command::Curve { run: RunId(1), after });
    match viewer.until(|event| matches!(event, Event::Curve { .. })).await.pop() {
        Some(Event::Curve { points, more: false, .. }) => points,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_viewer_hears_every_step_and_every_epochs_samples_and_another_finds_the_curve() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(training(&[]));
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Done)).await;
    let points: Vec<Point> = events.iter().filter_map(point).collect();
    assert_eq!(
        points.iter().map(|point| (point.step, point.epoch)).collect::<Vec<_>>(),
        (1..=12).map(|step| (step, (step - 1) / 4 + 1)).collect::<Vec<_>>()
    );
    let told = |event: &Event| matches!(event, Event::Log { text, .. } if text.contains("trained on the CPU"));
    assert!(events.iter().any(told), "the puppet computes elsewhere");
    let sampled = events.iter().filter_map(|event| match event {
        Event::Sampled { index, .. } => Some(*index),
        _ => None,
    });
    assert_eq!(sampled.collect::<Vec<_>>(), [0, 1, 2]);
    let mut late = engine.viewer().await;
    assert_eq!(curve(&mut late, 0).await, points);
    assert_eq!(curve(&mut late, 10).await, points[10..]);
    late.say(Command::Picture { run: RunId(1), index: 2, side: 64 });
    assert!(late.picture().await.head.width > 0);
}

#[tokio::test]
async fn a_training_is_paused_between_steps_and_goes_on_where_it_was() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(training(&[("epochs", "50")]));
    viewer.until(|event| point(event).is_some_and(|point| point.step == 5)).await;
    viewer.say(Command::Pause { run: RunId(1) });
    let paused = viewer.run_is(1, State::Paused).await;
    viewer.say(Command::Advance { run: RunId(1) });
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Paused)).await;
    let steps: Vec<u32> = events.iter().filter_map(point).map(|point| point.step).collect();
    assert_eq!(steps, [paused.step + 1]);
    viewer.say(Command::Finish { run: RunId(1) });
    let done = viewer.run_is(1, State::Done).await;
    assert_eq!(done.recipe.pictures() as u32, (paused.step + 1).div_ceil(4), "it ended with the epoch that it was in");
    assert_eq!(curve(&mut viewer, 0).await.len() as u32, 4 * done.recipe.pictures() as u32);
}

#[tokio::test]
async fn a_training_that_is_told_to_finish_ends_with_its_epoch() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(training(&[("epochs", "500"), ("images", "200")]));
    viewer.until(|event| point(event).is_some_and(|point| point.step == 2)).await;
    viewer.say(Command::Finish { run: RunId(1) });
    let done = viewer.run_is(1, State::Done).await;
    assert!(done.recipe.pictures() < 10, "{} epochs", done.recipe.pictures());
    viewer.say(prompts(&["no training"]));
    viewer.run_is(2, State::Running).await;
    let error = viewer.error(Command::Finish { run: RunId(2) }).await;
    assert_eq!(error, "2 is no training; only trainings have epochs to finish");
    assert_eq!(viewer.error(Command::Finish { run: RunId(7) }).await, "there is no run 7");
}

#[tokio::test]
async fn a_training_that_is_told_to_finish_and_paused_still_ends_with_its_epoch_in_another_engine() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(training(&[("epochs", "50"), ("images", "3000")]));
    viewer.until(|event| point(event).is_some_and(|point| point.step == 2)).await;
    viewer.say(Command::Finish { run: RunId(1) });
    viewer.say(Command::Pause { run: RunId(1) });
    let paused = viewer.run_is(1, State::Paused).await;
    assert_eq!((paused.recipe.pictures(), paused.step < 500), (1, true), "{}", paused.step);
    viewer.say(Command::Stop { now: false });
    engine.ended().await;
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Resume { run: RunId(1) });
    assert_eq!(viewer.run_is(1, State::Done).await.step, 500);
}

#[tokio::test]
async fn a_grid_of_trainings_gets_its_sheet() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    let Command::Submit { grid } = training(&[("epochs", "1")]) else { panic!("it is a submit") };
    let axes = vec![Axis { field: "seed".to_owned(), values: vec!["0".to_owned(), "0".to_owned()] }];
    viewer.say(Command::Submit { grid: Grid { axes, recipes: [grid.recipes.clone(), grid.recipes].concat() } });
    viewer.run_is(2, State::Done).await;
    assert!(folder.path().join("sheets/000001.png").is_file());
}

#[tokio::test]
async fn a_training_without_its_data_fails_with_a_sentence() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(training(&[("data", "/nowhere/at/all")]));
    let failed = viewer.run_is(1, State::Failed).await;
    assert_eq!(failed.error.as_deref(), Some("there is no data '/nowhere/at/all'; name a folder of IDX files or images, or mnist"));
}

#[tokio::test]
async fn who_watches_a_training_sees_its_batch() {
    let folder = folder();
    let engine = Engine::start(&folder);
    let mut viewer = engine.viewer().await;
    viewer.say(next_frame(1));
    viewer.say(training(&[]));
    let picture = viewer.picture().await;
    // Three rows of six images: what the network saw, what it made of them, what they are.
    assert_eq!((picture.head.width, picture.head.height), (6 * 28 + 5 * 2, 3 * 28 + 2 * 2));
    assert!(matches!(picture.head.what, PictureOf::Frame { t: 1, .. }));
}
