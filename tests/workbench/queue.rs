//! The queue: runs change their places, wait by themselves or all together, and go on.

use super::bench::{Bench, run};
use super::screens::keep;
use darkroom::app::{Focus, Input, Target};
use darkroom::link::{Command, Event, News, Turn};
use darkroom::recipe::{Run, RunId, State};
use darkroom::ui;

/// One run develops, three wait; the second of these is selected, in the queue's pane.
fn four(bench: &mut Bench) {
    bench.develops(1, "one", 3);
    for (id, prompt) in [(2, "two"), (3, "three"), (4, "four")] {
        bench.event(Event::Run { run: run(id, prompt, State::Queued) });
    }
    bench.keys("<Tab><Tab><Tab><Down><Down>");
    bench.screen();
    bench.sent();
}

fn bench() -> Bench {
    let mut bench = Bench::with_engine(120, 40);
    four(&mut bench);
    bench
}

/// The runs in the pane, from above.
fn order(bench: &Bench) -> Vec<i64> {
    bench.app.queue.runs.iter().map(|run| run.id.0).collect()
}

fn moved(run: i64, to: Turn) -> Command {
    Command::Move { run: RunId(run), to }
}

/// Moves the mouse with its button down over these words.
fn drags(bench: &mut Bench, words: &str) {
    let at = bench.spot(words);
    let over = ui::target(&bench.app, bench.area(), at);
    bench.input(Input::Drag(over));
}

#[test]
fn a_run_changes_its_place_by_keys_once_the_engine_says_so() {
    let mut bench = bench();
    bench.keys("K");
    assert_eq!(bench.sent(), [moved(3, Turn::Earlier)]);
    assert_eq!(order(&bench), [1, 2, 3, 4], "the engine has not said so yet");
    bench.event(Event::Order { runs: [1, 3, 2, 4].map(RunId).to_vec() });
    assert_eq!(order(&bench), [1, 3, 2, 4]);
    assert!(bench.spot("3 three").y < bench.spot("2 two").y);
    bench.keys("J<Shift-Down><Shift-Up>><");
    let expected = [Turn::Later, Turn::Later, Turn::Earlier, Turn::Last, Turn::First].map(|to| moved(3, to));
    assert_eq!(bench.sent(), expected, "the selection stays on its run");
    bench.keys("<Down>");
    assert_eq!(bench.app.queue.selected().unwrap().id, RunId(2), "Down alone moves the selection");
    assert_eq!(bench.sent(), []);
}

#[test]
fn what_the_engine_does_not_name_stays_behind_the_others() {
    let mut bench = bench();
    bench.event(Event::Order { runs: vec![RunId(4), RunId(77), RunId(2)] });
    assert_eq!(order(&bench), [4, 2, 1, 3]);
    bench.event(Event::Order { runs: vec![] });
    assert_eq!(order(&bench), [4, 2, 1, 3]);
}

#[test]
fn what_runs_and_what_has_ended_cannot_be_moved_and_a_sentence_says_why() {
    let mut bench = bench();
    bench.event(Event::Run { run: run(5, "five", State::Failed) });
    bench.keys("<Up><Up>K<Down><Down><Down><Down>J");
    assert_eq!(bench.sent().iter().filter(|command| matches!(command, Command::Move { .. })).count(), 0);
    let lines: Vec<_> = bench.app.log.lines.iter().map(|line| line.text.as_str()).collect();
    assert!(lines.contains(&"1 runs already; only what waits can be moved."), "{lines:?}");
    assert!(lines.contains(&"5 failed and waits for nothing; Enter tries it again."), "{lines:?}");
    assert!(!bench.screen().lines().last().unwrap().contains("K earlier"), "the footer offers only what can be done");
}

#[test]
fn the_mouse_carries_a_run_to_another_place() {
    let mut bench = bench();
    bench.clicks("4 four");
    drags(&mut bench, "2 two");
    let screen = bench.screen();
    assert!(screen.contains("▸ 4 ╌╌╌"), "{screen}");
    assert!(bench.spot("▸ 4 ╌").y < bench.spot("2 two").y, "it would come before the one under the mouse");
    drags(&mut bench, "▸ 4 ╌");
    assert!(bench.screen().contains("▸ 4 ╌╌╌"), "the line does not flee from the mouse");
    assert_eq!(bench.sent(), [], "nothing moves before the button is let go of");
    bench.input(Input::Drop);
    assert_eq!(bench.sent(), [moved(4, Turn::At(RunId(2)))]);
    assert!(!bench.screen().contains("╌"));
    bench.clicks("2 two");
    drags(&mut bench, "3 three");
    assert!(bench.spot("▸ 2 ╌").y > bench.spot("3 three").y, "on its way down it comes behind it");
}

#[test]
fn it_can_be_carried_to_either_end_and_nowhere() {
    let mut bench = bench();
    bench.clicks("4 four");
    drags(&mut bench, "1 one");
    assert!(bench.spot("▸ 4 ╌").y < bench.spot("2 two").y, "nothing goes before what runs");
    bench.input(Input::Drop);
    bench.clicks("2 two");
    bench.input(Input::Drag(Some(Target::Pane(Focus::Queue))));
    assert!(bench.spot("▸ 2 ╌").y > bench.spot("4 four").y);
    bench.input(Input::Drop);
    assert_eq!(bench.sent(), [moved(4, Turn::First), moved(2, Turn::Last)]);
    for over in [None, Some(Target::Pane(Focus::Log)), Some(Target::Queued(RunId(3)))] {
        bench.clicks("3 three");
        bench.input(Input::Drag(Some(Target::Queued(RunId(2)))));
        bench.input(Input::Drag(over));
        bench.input(Input::Drop);
    }
    assert_eq!(bench.sent(), [], "beside the queue, or where it was, it stays");
}

#[test]
fn a_click_alone_selects_and_moves_nothing() {
    let mut bench = bench();
    bench.clicks("2 two");
    bench.input(Input::Drop);
    bench.input(Input::Drag(Some(Target::Queued(RunId(4)))));
    bench.input(Input::Drop);
    assert_eq!(bench.app.queue.selected().unwrap().id, RunId(2));
    assert!(bench.sent().iter().all(|command| !matches!(command, Command::Move { .. })), "the button was up");
    bench.clicks("2 two");
    bench.input(Input::Drag(Some(Target::Queued(RunId(4)))));
    bench.input(Input::News(News::Lost { reason: "The link is cut.".into() }));
    bench.sent();
    bench.input(Input::Drop);
    assert_eq!(bench.sent(), [], "what was carried is let go of with the link");
}

#[test]
fn the_queue_is_held_and_goes_on() {
    let mut bench = bench();
    bench.keys("P");
    assert_eq!(bench.sent(), [Command::HoldQueue { held: true }]);
    assert!(!bench.screen().contains("held"), "the engine has not said so yet");
    bench.event(Event::Held { held: true });
    let screen = bench.screen();
    assert!(screen.contains(" Queue held · P lets it go on"), "{screen}");
    assert!(screen.lines().next().unwrap().contains("queue held · P lets it go on"), "{screen}");
    bench.keys("<Esc>P");
    assert_eq!(bench.sent(), [Command::HoldQueue { held: false }]);
    bench.event(Event::Held { held: false });
    assert!(!bench.screen().contains("held"));
}

#[test]
fn an_empty_queue_that_is_held_says_so_too() {
    for (width, height) in [(60, 16), (80, 24), (120, 40)] {
        let mut bench = Bench::with_engine(width, height);
        bench.event(Event::Held { held: true });
        bench.keys("<Tab><Tab><Tab>");
        let screen = bench.screen();
        assert!(screen.contains("held · P lets it go on"), "{screen}");
        bench.keys("P");
        assert_eq!(bench.sent.last(), Some(&Command::HoldQueue { held: false }));
    }
}

#[test]
fn space_holds_a_job_that_waits_and_lets_it_go_on() {
    let mut bench = bench();
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(3) }]);
    assert!(bench.app.log.lines.iter().any(|line| line.text == "3 is held."));
    bench.event(Event::Run { run: run(3, "three", State::Paused) });
    let screen = bench.screen();
    assert!(screen.contains("‖ 3 three") && screen.contains("held") && screen.contains("Held. Space lets it go on."), "{screen}");
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(3) }]);
}

#[test]
fn after_a_crash_nothing_goes_on_unasked_and_the_pane_says_what_to_press() {
    let mut bench = bench();
    let lost = |id, step| Run { step, of: 34, ..run(id, "a grey one", State::Interrupted) };
    bench.event(Event::Queue { runs: vec![lost(1, 12), lost(2, 0)] });
    let screen = bench.screen();
    assert!(screen.contains("◌ 1 a grey") && screen.contains("12/34") && screen.contains("Broken off. Enter goes on."), "{screen}");
    bench.resize(200, 60);
    assert!(bench.screen().contains("The engine died with it. Enter goes on."));
    bench.keys("<Up><Enter>");
    assert_eq!(bench.sent().first(), Some(&Command::Resume { run: RunId(1) }));
}

#[test]
fn a_queue_that_is_held_with_a_run_on_its_way() {
    keep("a_queue_that_is_held", |bench| {
        four(bench);
        bench.event(Event::Held { held: true });
        bench.event(Event::Run { run: run(3, "three", State::Paused) });
        bench.event(Event::Run { run: Run { step: 12, of: 34, ..run(5, "five", State::Interrupted) } });
        bench.clicks("4 four");
        bench.input(Input::Drag(Some(Target::Queued(RunId(2)))));
    });
}
