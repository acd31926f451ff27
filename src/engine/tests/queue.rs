//! The order of the queue, and holding it, as viewers see it.

use super::*;

/// The last order that was told.
fn order(events: &[Event]) -> Vec<i64> {
    let told = events.iter().rev().find_map(|event| if let Event::Order { runs } = event { Some(runs) } else { None });
    told.unwrap_or_else(|| panic!("no order in {events:?}")).iter().map(|run| run.0).collect()
}

#[tokio::test]
async fn a_run_that_is_moved_begins_in_its_new_turn_and_every_viewer_sees_it() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut viewer, mut other) = (engine.viewer().await, engine.viewer().await);
    viewer.say(prompts(&["one", "two", "three", "four"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Move { run: RunId(4), to: Turn::First });
    viewer.say(Command::Move { run: RunId(2), to: Turn::Later });
    for viewer in [&mut viewer, &mut other] {
        assert_eq!(order(&viewer.until(|event| matches!(event, Event::Order { .. })).await), [1, 4, 2, 3]);
        assert_eq!(order(&viewer.until(|event| matches!(event, Event::Order { .. })).await), [1, 4, 3, 2]);
    }
    let refused = viewer.error(Command::Move { run: RunId(1), to: Turn::Last }).await;
    assert_eq!(refused, "1 does not wait; only runs that wait have a place in the queue");
    assert_eq!(viewer.error(Command::Move { run: RunId(9), to: Turn::Last }).await, "there is no run 9");
    (0..4).for_each(|_| engine.act(Act::Finish));
    viewer.run_is(2, State::Done).await;
    let begun: Vec<_> = engine.begun.iter().take(4).map(|(prompt, _)| prompt).collect();
    assert_eq!(begun, ["one", "four", "three", "two"]);
}

#[tokio::test]
async fn a_held_queue_finishes_what_runs_begins_nothing_and_stays_so_in_the_next_engine() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut viewer, mut other) = (engine.viewer().await, engine.viewer().await);
    viewer.say(prompts(&["one", "two"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::HoldQueue { held: true });
    other.until(|event| *event == Event::Held { held: true }).await;
    viewer.say(prompts(&["three", "four"]));
    let wait = "3 to 4 wait: the queue is held; P lets it go on";
    other.until(|event| matches!(event, Event::Log { text, .. } if text == wait)).await;
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    viewer.settled().await;
    // Said twice, it is told once.
    viewer.say(Command::HoldQueue { held: true });
    let told = viewer.settled().await;
    assert!(!told.iter().any(|event| matches!(event, Event::Held { .. })), "{told:?}");
    viewer.say(Command::Stop { now: false });
    engine.ended().await;

    let engine = Engine::start(&workspace);
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    let wait = "3 runs wait: the queue is held; P lets it go on";
    let events = viewer.until(|event| matches!(event, Event::Log { text, .. } if text == wait)).await;
    assert_eq!(events[1], Event::Held { held: true });
    assert_eq!(engine.begun.try_iter().count(), 0);
    viewer.say(Command::HoldQueue { held: false });
    let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Running)).await;
    assert!(events.contains(&Event::Held { held: false }) && logged(&events, "the queue goes on"), "{events:?}");
    (0..3).for_each(|_| engine.act(Act::Finish));
    viewer.run_is(4, State::Done).await;
}

#[tokio::test]
async fn a_held_queue_does_not_keep_an_engine_that_nobody_watches() {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    gallery.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    gallery.hold_queue(true).unwrap();
    let engine = Engine::start_with(&workspace, |server| server.patience = Duration::ZERO);
    engine.ended().await;
    assert_eq!(gallery.queue().unwrap()[0].state, State::Queued);
}

#[tokio::test]
async fn a_job_that_was_held_before_it_began_goes_on_in_its_place() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two", "three", "four"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Pause { run: RunId(3) });
    viewer.run_is(3, State::Paused).await;
    viewer.say(Command::Resume { run: RunId(3) });
    assert_eq!(order(&viewer.settled().await), [1, 2, 3, 4]);
    engine.act(Act::Fail("out of memory"));
    viewer.run_is(1, State::Failed).await;
    viewer.say(Command::Resume { run: RunId(1) });
    assert_eq!(order(&viewer.settled().await), [2, 3, 4, 1], "one that has failed is tried again behind the others");
}
