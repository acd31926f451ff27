//! Several runs that develop at once: one of them is looked at.

use super::bench::{Bench, frame, run};
use super::training::{EPOCH, training};
use darkroom::app::{Input, Source, Target};
use darkroom::link::{Command, Event, News};
use darkroom::preview::Slot;
use darkroom::recipe::{Run, RunId, State};

/// Two runs that have begun, the first of them first.
fn two() -> Bench {
    let mut bench = Bench::with_engine(120, 40);
    for (id, prompt) in [(1, "one"), (2, "two")] {
        bench.event(Event::Run { run: Run { of: 34, ..run(id, prompt, State::Running) } });
    }
    bench
}

/// What the engine makes of a wish: a frame of the run that it names.
fn develops(bench: &mut Bench, id: i64, index: u32) {
    bench.event(Event::Step { run: RunId(id), index, of: 34, t: 990 - 30 * index, ms: 18.0 });
    // The last wish counts.
    let asked = bench.sent.iter().rfind(|command| matches!(command, Command::NextFrame { .. }));
    if asked == Some(&Command::NextFrame { run: RunId(id) }) {
        bench.sent.clear();
        bench.input(Input::News(News::Picture(frame(id, index))));
    }
}

fn shown(bench: &mut Bench) -> Vec<Source> {
    bench.screen();
    bench.shelf.shown(Slot::Preview).to_vec()
}

fn frame_of(run: i64, index: u32) -> Source {
    Source::Frame { run: RunId(run), index }
}

#[test]
fn the_frames_of_the_run_that_is_looked_at_are_shown_and_no_others_are_asked_for() {
    let mut bench = two();
    for index in 0..4 {
        develops(&mut bench, 2, index);
        develops(&mut bench, 1, index);
        assert_eq!(shown(&mut bench), [frame_of(1, index)], "it was there first, and stays");
    }
    assert!(bench.screen().contains("step 4 of 34"));
    bench.input(Input::Click(Target::Queued(RunId(2))));
    assert_eq!(bench.sent.last(), Some(&Command::NextFrame { run: RunId(2) }));
    // One more of the first was under way.
    bench.input(Input::News(News::Picture(frame(1, 4))));
    for index in 4..8 {
        develops(&mut bench, 1, index);
        develops(&mut bench, 2, index);
        assert_eq!(shown(&mut bench), [frame_of(2, index)]);
    }
    bench.input(Input::Click(Target::Queued(RunId(1))));
    assert_eq!(shown(&mut bench), [frame_of(1, 4)], "what was seen of it is still there");
}

#[test]
fn the_next_is_looked_at_once_the_first_is_done() {
    let mut bench = two();
    develops(&mut bench, 1, 0);
    bench.event(Event::Run { run: run(3, "three", State::Queued) });
    bench.finishes(1, "one");
    assert_eq!(bench.app.on_view().unwrap().id, RunId(2), "it runs already");
    bench.event(Event::Run { run: run(3, "three", State::Running) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(2));
    bench.event(Event::Run { run: run(2, "two", State::Failed) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(3));
    bench.finishes(3, "three");
    assert_eq!(bench.app.on_view().unwrap().id, RunId(3), "nothing else is to be seen");
}

#[test]
fn what_was_asked_for_here_is_looked_at_when_it_begins() {
    let mut bench = two();
    bench.event(Event::Run { run: run(3, "three", State::Queued) });
    bench.event(Event::Run { run: run(4, "four", State::Queued) });
    bench.event(Event::Submitted { first: RunId(4), last: RunId(4) });
    bench.finishes(2, "two");
    bench.event(Event::Run { run: run(3, "three", State::Running) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(1), "another viewer's");
    bench.event(Event::Run { run: run(4, "four", State::Running) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(4));
}

#[test]
fn a_terminal_that_connects_again_looks_at_the_same_run() {
    let mut bench = two();
    bench.event(Event::Submitted { first: RunId(2), last: RunId(2) });
    bench.event(Event::Run { run: run(2, "two", State::Paused) });
    bench.event(Event::Run { run: run(2, "two", State::Running) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(2));
    bench.input(Input::News(News::Lost { reason: "The link is cut.".into() }));
    bench.sent();
    bench.engine_starts();
    bench.event(Event::Queue { runs: vec![run(1, "one", State::Running), run(2, "two", State::Running)] });
    let wishes = bench.sent().into_iter().filter(|command| matches!(command, Command::NextFrame { .. }));
    assert_eq!(wishes.collect::<Vec<_>>(), [Command::NextFrame { run: RunId(2) }]);
}

#[test]
fn keys_act_on_the_run_that_is_looked_at() {
    let mut bench = two();
    bench.keys("<Esc>");
    bench.sent();
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(1) }]);
    bench.input(Input::Click(Target::Queued(RunId(2))));
    bench.sent();
    bench.keys("<Space>c");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(2) }, Command::Cancel { run: RunId(2) }]);
    assert_eq!(bench.app.log.lines.back().unwrap().text, "2 is cancelled after this step.");
    bench.input(Input::Click(Target::Queued(RunId(1))));
    bench.sent();
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(1) }], "pressed again it means the opposite, for each of them");
}

#[test]
fn each_run_has_its_own_pace_and_the_header_counts_them() {
    let mut bench = two();
    for index in 0..3 {
        bench.event(Event::Step { run: RunId(1), index, of: 34, t: 990 - 30 * index, ms: 100.0 });
        bench.event(Event::Step { run: RunId(2), index, of: 34, t: 990 - 30 * index, ms: 1000.0 });
    }
    let left = |bench: &Bench, id| bench.app.left_ms(bench.app.run(RunId(id)).unwrap());
    assert_eq!((left(&bench, 1), left(&bench, 2)), (Some(3100.0), Some(31_000.0)));
    let screen = bench.screen();
    assert!(screen.lines().next().unwrap().contains("● 2 running"), "{screen}");
    assert!(screen.contains("3.1 s") && screen.contains(" 31 s"), "{screen}");
    bench.event(Event::Run { run: run(1, "one", State::Cancelled) });
    assert!(bench.screen().lines().next().unwrap().contains("● 3/34"));
    assert_eq!(left(&bench, 1), None);
}

#[test]
fn w_finds_the_training_among_what_runs() {
    let mut bench = two();
    bench.event(Event::Run { run: training(3, &[], State::Running, EPOCH) });
    bench.keys("<Esc>w");
    assert_eq!(bench.app.watched().unwrap().id, RunId(3));
    assert_eq!(bench.sent.last(), Some(&Command::NextFrame { run: RunId(3) }), "its batch is on the screen");
}

#[test]
fn a_run_that_stopped_unseen_says_of_which_step_its_picture_is() {
    let mut bench = two();
    bench.input(Input::Click(Target::Queued(RunId(2))));
    develops(&mut bench, 2, 0);
    bench.input(Input::Click(Target::Queued(RunId(1))));
    for index in 1..10 {
        develops(&mut bench, 2, index);
    }
    bench.event(Event::Run { run: Run { step: 10, of: 34, ..run(2, "two", State::Paused) } });
    bench.input(Input::Click(Target::Queued(RunId(2))));
    assert_eq!(shown(&mut bench), [frame_of(2, 0)]);
    assert!(bench.screen().contains("at step 10 of 34 · seen at step 1"));
}
