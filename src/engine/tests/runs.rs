//! What becomes of a run.

use super::*;

#[tokio::test]
async fn a_running_run_is_cancelled_at_its_next_step_and_a_waiting_one_at_once() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two", "three"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    viewer.say(Command::Cancel { run: RunId(2) });
    viewer.run_is(2, State::Cancelled).await;
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    viewer.run_is(1, State::Cancelled).await;
    engine.act(Act::Finish);
    viewer.run_is(3, State::Done).await;
    assert_eq!(engine.begun.iter().take(2).map(|(prompt, _)| prompt).collect::<Vec<_>>(), ["one", "three"]);
}

#[tokio::test]
async fn a_cancelled_run_goes_on_from_its_last_step_when_it_is_resumed() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    viewer.run_is(1, State::Cancelled).await;
    viewer.say(Command::Resume { run: RunId(1) });
    engine.act(Act::Step);
    let events = viewer.until(|event| step(event) == Some(2)).await;
    assert!(logged(&events, "1 goes on after step 2"));
    assert_eq!(engine.begun.iter().nth(1), Some(("one".into(), Some("2".into()))));
}

#[tokio::test]
async fn a_spoiled_checkpoint_costs_the_steps_and_not_the_run() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    engine.act(Act::Fail("out of luck"));
    assert_eq!(viewer.run_is(1, State::Failed).await.error.as_deref(), Some("out of luck"));
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    fs::write(gallery.checkpoint_path(RunId(1)), "spoiled").unwrap();
    viewer.say(Command::Resume { run: RunId(1) });
    engine.act(Act::Step);
    engine.act(Act::Finish);
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Done)).await;
    assert!(logged(&events, "1: its kept step cannot be used (this is no checkpoint"), "{events:?}");
}

#[tokio::test]
async fn a_good_checkpoint_outlives_a_failure_that_is_not_its_fault() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    // The model's folder is away for a while: with the kept step and without it.
    for _ in 0..3 {
        engine.act(Act::Fail("there is no model"));
    }
    viewer.run_is(1, State::Failed).await;
    viewer.say(Command::Resume { run: RunId(1) });
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Failed)).await;
    assert!(!logged(&events, "begins again"), "{events:?}");
    viewer.say(Command::Resume { run: RunId(1) });
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(1)).await;
}

#[tokio::test]
async fn a_run_whose_end_cannot_be_written_is_told_as_failed_and_can_be_cancelled() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.run_is(1, State::Running).await;
    let full = "CREATE TRIGGER disk BEFORE UPDATE OF state ON runs WHEN new.state = 'failed' BEGIN SELECT RAISE(ABORT, 'full'); END";
    rusqlite::Connection::open(workspace.path().join("darkroom.db")).unwrap().execute_batch(full).unwrap();
    engine.act(Act::Fail("out of luck"));
    assert_eq!(viewer.run_is(1, State::Failed).await.error.as_deref(), Some("out of luck"));
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.run_is(1, State::Cancelled).await;
}

#[tokio::test]
async fn a_run_of_another_process_is_neither_cancelled_nor_resumed_until_that_is_gone() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let process = Gallery::open(workspace.path()).unwrap().0;
    process.adopt(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    for command in [Command::Cancel { run: RunId(1) }, Command::Resume { run: RunId(1) }] {
        assert!(viewer.error(command).await.contains("belongs to a `darkroom run`"));
    }
    drop(process);
    viewer.say(Command::Resume { run: RunId(1) });
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn one_word_cancels_everything_and_what_was_said_before_it() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(prompts(&["three"]));
    viewer.say(Command::CancelAll);
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.id.0 == 3 && run.state == State::Cancelled)).await;
    let ours = Event::Submitted { first: RunId(3), last: RunId(3) };
    assert!(events.contains(&ours), "{events:?}");
    engine.act(Act::Step);
    viewer.run_is(1, State::Cancelled).await;
}

#[tokio::test]
async fn a_panic_fails_its_run_and_the_next_one_works() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two"]));
    engine.act(Act::Panic);
    let why = viewer.run_is(1, State::Failed).await.error.unwrap();
    assert!(why.contains("please report it: the numbers are gone"), "{why}");
    engine.act(Act::Finish);
    viewer.run_is(2, State::Done).await;
}

#[tokio::test]
async fn the_last_cell_of_a_grid_brings_the_sheet() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let ask = Ask { experiment: "sample".into(), fields: vec![("guidance".into(), "1,3".into())] };
    viewer.say(Command::Submit { grid: ask.expand().unwrap() });
    engine.act(Act::Finish);
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.id.0 == 1 && run.state == State::Done)).await;
    assert!(logged(&events, "1 to 2 wait: 2 runs") && !logged(&events, "the grid"));
    engine.act(Act::Finish);
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.id.0 == 2 && run.state == State::Done)).await;
    assert!(logged(&events, "the sheet of the grid of 1 is made: "), "{events:?}");
}

#[tokio::test]
async fn a_run_goes_on_without_the_look_into_it_when_there_is_no_room_for_that() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    // A run of a thousand steps keeps every eighth.
    let steps = workspace.path().join("runs/000001/steps");
    fs::create_dir_all(steps.join("0009.safetensors/taken")).unwrap();
    (0..8).for_each(|_| engine.act(Act::Step));
    let events = viewer.until(|event| step(event) == Some(8)).await;
    assert!(logged(&events, "1: its steps are not kept for the inspector, and those that were are deleted"), "{events:?}");
    assert!(!steps.exists());
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}
