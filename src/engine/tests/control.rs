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

/// A workspace with runs called one, two and so on, all paused.
fn paused(words: &[&str]) -> TempDir {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    let Command::Submit { grid } = prompts(words) else { panic!("no grid") };
    for run in gallery.submit(&grid).unwrap() {
        gallery.set_state(run.id, State::Paused, None).unwrap();
    }
    workspace
}

#[tokio::test]
async fn two_runs_that_are_to_make_one_step_each_make_one_step_each() {
    let workspace = paused(&["one", "two"]);
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["three"]));
    viewer.run_is(3, State::Running).await;
    viewer.say(Command::Advance { run: RunId(1) });
    viewer.say(Command::Advance { run: RunId(2) });
    viewer.settled().await;
    engine.act(Act::Finish);
    engine.act(Act::Step);
    engine.act(Act::Step);
    // The one that was told last goes first.
    assert_eq!(viewer.run_is(2, State::Paused).await.step, 1);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 1);
}

#[tokio::test]
async fn a_run_that_is_started_after_it_was_to_make_one_step_makes_all() {
    let workspace = paused(&["one"]);
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["two"]));
    viewer.run_is(2, State::Running).await;
    for command in [Command::Advance { run: RunId(1) }, Command::Pause { run: RunId(1) }, Command::Resume { run: RunId(1) }] {
        viewer.say(command);
    }
    viewer.settled().await;
    engine.act(Act::Finish);
    engine.act(Act::Step);
    engine.act(Act::Step);
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn a_run_that_is_to_make_one_step_is_paused_in_the_next_engine() {
    let workspace = paused(&["one", "two"]);
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Advance { run: RunId(1) });
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Advance { run: RunId(2) });
    viewer.run_is(2, State::Queued).await;
    engine.inputs.send(Input::Signal).await.unwrap_or_else(|_| panic!("it has ended"));
    viewer.settled().await;
    engine.act(Act::Step);
    assert_eq!(viewer.run_is(1, State::Paused).await.step, 1);
    engine.ended().await;
    let left: Vec<_> = Gallery::open(workspace.path()).unwrap().0.queue().unwrap().iter().map(|run| run.state).collect();
    assert_eq!(left, [State::Paused, State::Paused]);
}

#[tokio::test]
async fn what_is_said_last_of_a_slow_step_counts_but_a_cancelled_run_stays_so() {
    let (pause, cancel, resume) = (Command::Pause { run: RunId(1) }, Command::Cancel { run: RunId(1) }, Command::Resume { run: RunId(1) });
    for (first, then) in [(&cancel, &pause), (&pause, &cancel), (&cancel, &resume)] {
        let workspace = folder();
        let engine = Engine::start(&workspace);
        let mut viewer = engine.viewer().await;
        viewer.say(prompts(&["one"]));
        viewer.run_is(1, State::Running).await;
        viewer.say(first.clone());
        viewer.say(then.clone());
        let told = viewer.settled().await;
        assert_eq!(told.iter().any(|event| matches!(event, Event::Error { .. })), *first == cancel, "{told:?}");
        engine.act(Act::Step);
        viewer.run_is(1, State::Cancelled).await;
    }
}

#[tokio::test]
async fn a_run_that_is_about_to_be_paused_goes_on_when_it_is_resumed() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Pause { run: RunId(1) });
    viewer.say(Command::Resume { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    engine.act(Act::Step);
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    assert_eq!(engine.begun.try_iter().count(), 1);
}

#[tokio::test]
async fn a_run_that_makes_a_single_step_goes_on_after_it_when_it_is_resumed() {
    let workspace = paused(&["one"]);
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Advance { run: RunId(1) });
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Resume { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Step);
    engine.act(Act::Step);
    engine.act(Act::Finish);
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Done)).await;
    assert!(logged(&events, "1 goes on after step 1"), "{events:?}");
}
