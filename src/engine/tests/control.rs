//! Pause, one step, on.

use super::*;

#[tokio::test]
async fn a_run_is_put_aside_makes_one_step_and_goes_on_before_what_waits() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    viewer.say(Command::Pause { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 2);
    viewer.say(Command::Advance { run: RunId(1) });
    viewer.run_is(1, State::Running).await;
    engine.act(Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 3);
    viewer.say(prompts(&["two", "three"]));
    viewer.run_is(2, State::Running).await;
    viewer.say(Command::Pause { run: RunId(3) });
    viewer.run_is(3, State::Paused).await;
    viewer.say(Command::Resume { run: RunId(3) });
    viewer.run_is(3, State::Queued).await;
    viewer.say(Command::Resume { run: RunId(1) });
    viewer.run_is(1, State::Queued).await;
    engine.act(Act::Finish);
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    let begun: Vec<_> = engine.begun.iter().take(4).collect();
    assert_eq!(begun[1], ("one".into(), Some("2".into())));
    assert_eq!(begun[3], ("one".into(), Some("3".into())), "it went before the one that waited");
}

#[tokio::test]
async fn a_paused_run_is_still_paused_in_the_next_engine_and_can_be_cancelled() {
    let workspace = folder();
    Gallery::open(workspace.path()).unwrap().0.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    Gallery::open(workspace.path()).unwrap().0.set_state(RunId(1), State::Paused, None).unwrap();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["two"]));
    engine.act(Act::Finish);
    viewer.run_is(2, State::Done).await;
    assert!(viewer.error(Command::Advance { run: RunId(2) }).await.contains("single steps are for paused runs"));
    viewer.say(Command::Note { run: RunId(1), text: "too dark".into() });
    assert_eq!(viewer.run_is(1, State::Paused).await.note.as_deref(), Some("too dark"));
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.run_is(1, State::Cancelled).await;
}

#[tokio::test]
async fn a_run_that_begins_anew_each_time_still_goes_on_by_single_steps() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&[FORGETS]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    viewer.say(Command::Pause { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 2);
    for before in [2, 3] {
        viewer.say(Command::Advance { run: RunId(1) });
        (0..=before).for_each(|_| engine.act(Act::Step));
        assert_eq!(viewer.run_is(1, State::Paused).await.step, before + 1);
    }
}
