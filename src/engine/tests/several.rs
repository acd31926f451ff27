//! Several workers: as many runs at once, and none of them another's business.

use super::*;

/// An engine of two workers, and a viewer that has seen the first two of these runs begin: one at each.
async fn two(workspace: &TempDir, words: &[&str]) -> (Engine, Viewer) {
    let engine = Engine::start_many(workspace, 2, |_| ());
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(words));
    viewer.run_is(1, State::Running).await;
    viewer.run_is(2, State::Running).await;
    (engine, viewer)
}

/// A worker makes a step of a run.
async fn makes_step(engine: &Engine, viewer: &mut Viewer, (worker, id): (usize, i64)) {
    engine.act_at(worker, Act::Step);
    viewer.until(|event| matches!(event, Event::Step { run, .. } if run.0 == id)).await;
}

fn states(workspace: &TempDir) -> Vec<(State, u32)> {
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    gallery.queue().unwrap().iter().map(|run| (run.state, run.step)).collect()
}

#[tokio::test]
async fn two_runs_develop_at_once_and_a_third_waits_for_the_first_worker_that_is_free() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    makes_step(&engine, &mut viewer, (0, 1)).await;
    makes_step(&engine, &mut viewer, (1, 2)).await;
    makes_step(&engine, &mut viewer, (0, 1)).await;
    assert_eq!(states(&workspace), [(State::Running, 2), (State::Running, 1), (State::Queued, 0)]);
    engine.act_at(1, Act::Finish);
    viewer.run_is(2, State::Done).await;
    viewer.run_is(3, State::Running).await;
    engine.act_at(1, Act::Finish);
    viewer.run_is(3, State::Done).await;
    engine.act_at(0, Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn a_run_is_cancelled_and_the_other_is_not() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two"]).await;
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.settled().await;
    makes_step(&engine, &mut viewer, (1, 2)).await;
    engine.act_at(0, Act::Step);
    viewer.run_is(1, State::Cancelled).await;
    makes_step(&engine, &mut viewer, (1, 2)).await;
    engine.act_at(1, Act::Finish);
    viewer.run_is(2, State::Done).await;
}

#[tokio::test]
async fn a_run_that_is_put_aside_makes_room_for_the_next() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    viewer.say(Command::Pause { run: RunId(1) });
    viewer.settled().await;
    engine.act_at(0, Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 1);
    viewer.run_is(3, State::Running).await;
    // One that is about to be put aside goes on when it is resumed, whatever the others do.
    viewer.say(Command::Pause { run: RunId(2) });
    viewer.say(Command::Resume { run: RunId(2) });
    viewer.settled().await;
    makes_step(&engine, &mut viewer, (1, 2)).await;
    engine.act_at(0, Act::Finish);
    viewer.run_is(3, State::Done).await;
    viewer.say(Command::Advance { run: RunId(1) });
    viewer.run_is(1, State::Running).await;
    engine.act_at(0, Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 2);
    engine.act_at(1, Act::Finish);
    viewer.run_is(2, State::Done).await;
}

#[tokio::test]
async fn a_panic_costs_its_own_run_alone() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two"]).await;
    engine.act_at(0, Act::Panic);
    viewer.run_is(1, State::Failed).await;
    makes_step(&engine, &mut viewer, (1, 2)).await;
    viewer.say(prompts(&["three"]));
    viewer.run_is(3, State::Running).await;
    engine.act_at(0, Act::Finish);
    viewer.run_is(3, State::Done).await;
    engine.act_at(1, Act::Finish);
    viewer.run_is(2, State::Done).await;
}

#[tokio::test]
async fn what_runs_goes_on_in_the_next_engine_however_many_workers_that_has() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    engine.inputs.send(Input::Signal).await.unwrap_or_else(|_| panic!("it has ended"));
    viewer.settled().await;
    engine.act_at(1, Act::Step);
    viewer.run_is(2, State::Queued).await;
    engine.act_at(0, Act::Step);
    viewer.run_is(1, State::Queued).await;
    engine.ended().await;
    assert_eq!(states(&workspace), [(State::Queued, 1), (State::Queued, 1), (State::Queued, 0)]);
    let next = Engine::start(&workspace);
    let mut viewer = next.viewer().await;
    for id in 1..=3 {
        next.act(Act::Finish);
        viewer.run_is(id, State::Done).await;
    }
    let kept = |prompt: &str, step: Option<&str>| (prompt.to_owned(), step.map(str::to_owned));
    assert_eq!(next.begun.iter().take(3).collect::<Vec<_>>(), [kept("one", Some("1")), kept("two", Some("1")), kept("three", None)]);
}

#[tokio::test]
async fn an_engine_that_is_stopped_waits_for_every_run_and_one_that_must_stop_now_cancels_all() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    viewer.say(Command::Stop { now: false });
    viewer.settled().await;
    engine.act_at(0, Act::Finish);
    viewer.run_is(1, State::Done).await;
    viewer.say(Command::Stop { now: true });
    viewer.settled().await;
    engine.act_at(1, Act::Step);
    viewer.run_is(2, State::Cancelled).await;
    viewer.until(|event| *event == Event::Stopping).await;
    engine.ended().await;
    assert_eq!(states(&workspace), [(State::Cancelled, 1), (State::Queued, 0)]);
}

#[tokio::test]
async fn one_word_cancels_everything_that_runs() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    viewer.say(Command::CancelAll);
    viewer.run_is(3, State::Cancelled).await;
    for (worker, id) in [(1, 2), (0, 1)] {
        engine.act_at(worker, Act::Step);
        viewer.run_is(id, State::Cancelled).await;
    }
}

#[tokio::test]
async fn a_frame_is_taken_of_the_run_that_is_looked_at_and_of_no_other() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    let frame = |run, index| (RunId(run), PictureOf::Frame { index, t: 1000 - index });
    viewer.say(next_frame(1));
    viewer.say(next_frame(2));
    viewer.settled().await;
    engine.act_at(0, Act::Step);
    engine.act_at(1, Act::Step);
    let picture = viewer.picture().await;
    assert_eq!((picture.head.run, picture.head.what), frame(2, 0), "who looks elsewhere waits for the first no more");
    viewer.say(next_frame(1));
    viewer.settled().await;
    engine.act_at(1, Act::Step);
    engine.act_at(0, Act::Step);
    let picture = viewer.picture().await;
    assert_eq!((picture.head.run, picture.head.what), frame(1, 1));
    // A run that waits has a frame as soon as it runs.
    viewer.say(next_frame(3));
    viewer.settled().await;
    engine.act_at(0, Act::Finish);
    viewer.run_is(3, State::Running).await;
    engine.act_at(0, Act::Step);
    let picture = viewer.picture().await;
    assert_eq!((picture.head.run, picture.head.what), frame(3, 0));
}

#[tokio::test]
async fn a_run_goes_to_the_worker_that_has_its_model() {
    let workspace = folder();
    let engine = Engine::start_many(&workspace, 2, |_| ());
    let mut viewer = engine.viewer().await;
    let of = |model: &str| {
        let recipe = Recipe::parse("sample", &[("model".into(), model.into())]).unwrap();
        Command::Submit { grid: Grid::one(recipe) }
    };
    for (id, model, worker) in [(1, "first", 0), (2, "second", 0), (3, "first", 0)] {
        viewer.say(of(model));
        viewer.run_is(id, State::Running).await;
        engine.act_at(worker, Act::Finish);
        viewer.run_is(id, State::Done).await;
    }
    viewer.say(of("first"));
    viewer.say(of("second"));
    viewer.run_is(5, State::Running).await;
    for (id, worker) in [(4, 0), (5, 1)] {
        engine.act_at(worker, Act::Finish);
        viewer.run_is(id, State::Done).await;
    }
    viewer.say(of("second"));
    engine.act_at(1, Act::Finish);
    viewer.run_is(6, State::Done).await;
}

#[tokio::test]
async fn a_viewer_is_told_where_an_engine_computes() {
    let workspace = folder();
    let engine = Engine::start_many(&workspace, 2, |_| ());
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    let News::Event(Event::Hello { places, .. }) = viewer.news().await else { panic!("no greeting") };
    assert_eq!(places, ["puppet f32", "puppet f32"]);
}

#[tokio::test]
async fn a_device_that_has_failed_gets_no_more_runs_and_what_waits_waits_for_another() {
    let workspace = folder();
    let (engine, mut viewer) = two(&workspace, &["one", "two", "three"]).await;
    engine.act_at(0, Act::Break);
    let failed = viewer.run_is(1, State::Failed).await;
    assert_eq!(failed.error.as_deref(), Some("the GPU has failed: CUDA_ERROR_ILLEGAL_ADDRESS"));
    viewer.settled().await;
    assert_eq!(states(&workspace), [(State::Failed, 0), (State::Running, 0), (State::Queued, 0)]);
    engine.act_at(1, Act::Finish);
    viewer.run_is(2, State::Done).await;
    viewer.run_is(3, State::Running).await;
    engine.act_at(1, Act::Break);
    viewer.run_is(3, State::Failed).await;
    // With no device left they wait for the next engine.
    viewer.say(prompts(&["four"]));
    viewer.run_is(4, State::Queued).await;
    viewer.settled().await;
    viewer.say(Command::Stop { now: true });
    engine.ended().await;
    let next = Engine::start(&workspace);
    let mut viewer = next.viewer().await;
    next.act(Act::Finish);
    viewer.run_is(4, State::Done).await;
}
