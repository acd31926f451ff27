//! Watching a training: keys in, screen out.

use super::bench::{Bench, NOON, done, run};
use super::screens::keep;
use darkroom::app::{Focus, Input, LARGE, Source, Wide};
use darkroom::link::{Command, Event, News, POINTS, Picture, PictureHead, PictureOf};
use darkroom::preview::Slot;
use darkroom::recipe::{Point, Run, RunId, State};

/// Steps of an epoch.
const EPOCH: u32 = 469;
const MEMORY: Option<u64> = Some(1_240_000_000);

fn point(step: u32) -> Point {
    // A curve as they are: it falls fast, then slowly, and no batch is like the one before.
    let jitter = 1.0 + 0.25 * ((step.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5);
    let loss = (0.03 + 0.9 / (1.0 + step as f32 / 12.0)) * jitter;
    Point { step, epoch: (step - 1) / EPOCH + 1, loss, rate: 7.94e-4, ms: 970.0 }
}

fn points(steps: std::ops::RangeInclusive<u32>) -> Vec<Point> {
    steps.map(point).collect()
}

fn training(id: i64, fields: &[(&str, &str)], state: State, step: u32) -> Run {
    Run { state, step, of: 20 * EPOCH, took_ms: (state == State::Done).then_some(2_460_000), ..done(id, "train-class", fields) }
}

/// A step, as the engine tells it.
fn teaches(bench: &mut Bench, id: i64, step: u32) {
    bench.event(Event::Step { run: RunId(id), index: step - 1, of: 20 * EPOCH, t: point(step).epoch, ms: 970.0 });
    bench.event(Event::Taught { run: RunId(id), point: point(step), per_epoch: EPOCH, memory: MEMORY });
}

/// The batch of a step: what was seen, made of it, and true.
fn shows_batch(bench: &mut Bench, id: i64, step: u32) {
    let what = PictureOf::Frame { index: step - 1, t: point(step).epoch };
    bench.input(Input::News(News::Picture(sheet(id, what, (10, 3)))));
}

fn sheet(id: i64, what: PictureOf, (columns, rows): (u32, u32)) -> Picture {
    let (width, height) = (30 * columns - 2, 30 * rows - 2);
    let pixel = |at: u32| if at % width % 30 < 28 && at / width % 30 < 28 { [200; 3] } else { [90; 3] };
    Picture { head: PictureHead { run: RunId(id), what, width, height }, rgb: (0..width * height).flat_map(pixel).collect() }
}

/// What was asked of a curve since the last call: whose, and behind which step.
fn asked(bench: &mut Bench) -> Vec<(i64, u32)> {
    let (curves, rest): (Vec<_>, Vec<_>) = bench.sent().into_iter().partition(|command| matches!(command, Command::Curve { .. }));
    bench.sent = rest;
    let after = |command: Command| match command {
        Command::Curve { run, after } => (run.0, after),
        other => panic!("{other:?}"),
    };
    curves.into_iter().map(after).collect()
}

/// The engine answers every question for curves and samples, with what it has up to a step.
fn answers(bench: &mut Bench, last: u32) {
    bench.draw();
    for command in bench.sent() {
        match command {
            Command::Curve { run, after } => {
                let end = last.min(after + POINTS);
                bench.event(Event::Curve { run, points: points(after + 1..=end), more: end == after + POINTS });
                answers(bench, last);
            }
            Command::Picture { run, index, side } => {
                let picture = sheet(run.0, PictureOf::Kept { index, side }, (10, 4));
                bench.input(Input::News(News::Picture(picture)));
            }
            other => bench.sent.push(other),
        }
    }
}

/// A training in its third epoch, watched.
fn watched(bench: &mut Bench) {
    bench.event(Event::Run { run: training(142, &[], State::Running, 1203) });
    bench.event(Event::Log { time_ms: NOON - 1_200_000, text: "142 begins.".into() });
    bench.event(Event::Log { time_ms: NOON - 60_000, text: "142: the samples of epoch 2 are drawn.".into() });
    teaches(bench, 142, 1204);
    bench.keys("<Esc>w");
    answers(bench, 1203);
    teaches(bench, 142, 1205);
    shows_batch(bench, 142, 1205);
    answers(bench, 1205);
}

#[test]
fn a_training_that_runs() {
    keep("a_training_that_runs", watched);
}

#[test]
fn a_training_that_is_done() {
    keep("a_training_that_is_done", |bench| {
        bench.event(Event::Run { run: training(142, &[], State::Done, 20 * EPOCH) });
        bench.keys("<Esc>w");
        answers(bench, 20 * EPOCH);
        bench.keys("<Home><Right><Right><Right><Right>");
        answers(bench, 20 * EPOCH);
    });
}

#[test]
fn two_curves_laid_over_one_another() {
    keep("two_curves_laid_over_one_another", |bench| {
        bench.event(Event::Run { run: training(141, &[("schedule", "constant")], State::Done, 20 * EPOCH) });
        watched(bench);
        bench.keys("o<Space><Esc>");
        answers(bench, 2 * EPOCH);
    });
}

#[test]
fn curves_to_choose_from() {
    keep("curves_to_choose_from", |bench| {
        bench.event(Event::Run { run: training(139, &[("rate", "0.01"), ("epochs", "5")], State::Done, 20 * EPOCH) });
        bench.event(Event::Run { run: Run { of: 100, step: 100, ..done(140, "train-time", &[("edition", "fa25")]) } });
        bench.event(Event::Run { run: training(141, &[("schedule", "constant")], State::Done, 20 * EPOCH) });
        watched(bench);
        bench.keys("o<Space><Down>");
    });
}

#[test]
fn a_training_that_waits() {
    keep("a_training_that_waits", |bench| {
        bench.develops(141, "a red three", 3);
        bench.event(Event::Run { run: Run { of: 0, ..training(142, &[], State::Queued, 0) } });
        bench.keys("<Esc>w");
        answers(bench, 0);
    });
}

#[test]
fn the_workbench_while_a_training_runs() {
    keep("the_workbench_while_a_training_runs", |bench| {
        bench.event(Event::Run { run: training(141, &[("width", "8"), ("images", "2000")], State::Done, 20 * EPOCH) });
        watched(bench);
        bench.keys("<Esc>").takes_up("train-class");
        answers(bench, 1205);
    });
}

#[test]
fn the_workbench_with_a_training_that_is_done() {
    keep("the_workbench_with_a_training_that_is_done", |bench| {
        bench.event(Event::Run { run: training(141, &[("width", "8"), ("images", "2000")], State::Done, 20 * EPOCH) });
        bench.keys("<Shift-Tab>");
        for _ in 0..3 {
            answers(bench, 1205);
        }
    });
}

#[test]
fn the_samples_alone() {
    keep("the_samples_alone", |bench| {
        watched(bench);
        bench.keys("v");
        answers(bench, 1205);
    });
}

#[test]
fn the_smallest_screen_has_the_curve_and_the_facts() {
    let mut bench = Bench::with_engine(60, 16);
    watched(&mut bench);
    let screen = bench.screen();
    for words in ["Loss", "epoch", "3 of 20", "0.1", "steps", "Esc back", "? keys", "minutes"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    bench.keys("vv");
    assert!(bench.screen().contains("Batch of step 1 205"), "{}", bench.screen());
}

#[test]
fn w_opens_what_is_looked_at_or_what_runs_or_the_newest() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Esc>w");
    assert!(bench.app.watch.is_none(), "there is none");
    bench.event(Event::Run { run: training(3, &[], State::Done, 20 * EPOCH) });
    bench.event(Event::Run { run: training(4, &[], State::Done, 20 * EPOCH) });
    bench.develops(5, "five", 3);
    bench.finishes(5, "five");
    let opened = |bench: &mut Bench, keys: &str| {
        bench.keys(keys);
        let run = bench.app.watch.as_ref().map(|watch| watch.run.0);
        bench.keys("<Esc>");
        run
    };
    assert_eq!(opened(&mut bench, "w"), Some(4), "the newest");
    bench.event(Event::Run { run: training(6, &[], State::Running, 5) });
    assert_eq!(opened(&mut bench, "w"), Some(6), "the one that runs");
    assert_eq!(opened(&mut bench, "<Shift-Tab><Shift-Tab><Shift-Tab><Enter>"), Some(6), "Enter in the queue");
    bench.keys("<Tab><Tab><Right><Right>");
    assert_eq!(opened(&mut bench, "<Enter>"), Some(3), "Enter in the history");
    assert_eq!(opened(&mut bench, "w<Up><Up>"), Some(6), "up to newer ones");
    assert_eq!((bench.app.focus, bench.app.pinned), (Focus::History, Some(RunId(3))), "leaving loses nothing");
}

#[test]
fn a_curve_is_asked_for_in_pages_one_at_a_time() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(1, &[], State::Done, 20 * EPOCH) });
    bench.sent();
    bench.keys("<Esc>w");
    assert_eq!(asked(&mut bench), [(1, 0)]);
    bench.keys("zz<Left>");
    assert_eq!(asked(&mut bench), [], "one at a time");
    bench.event(Event::Curve { run: RunId(1), points: points(1..=POINTS), more: true });
    assert_eq!(asked(&mut bench), [(1, POINTS)]);
    bench.event(Event::Curve { run: RunId(1), points: points(POINTS + 1..=POINTS + 9), more: false });
    assert_eq!(asked(&mut bench), []);
    assert_eq!(bench.app.learnings.get(RunId(1)).unwrap().curve.last(), POINTS + 9);
    bench.keys("<Esc>w");
    assert_eq!(asked(&mut bench), [], "it is known");
}

#[test]
fn a_gap_behind_the_first_step_is_asked_for_until_it_is_filled() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(1, &[], State::Running, 99) });
    bench.keys("<Esc>w");
    asked(&mut bench);
    // The index is a second behind what is told.
    teaches(&mut bench, 1, 100);
    bench.event(Event::Curve { run: RunId(1), points: points(1..=90), more: false });
    let last = |bench: &Bench| bench.app.learnings.get(RunId(1)).unwrap().curve.last();
    assert_eq!((asked(&mut bench), last(&bench)), (vec![], 90), "not at once: it would be answered alike");
    teaches(&mut bench, 1, 101);
    assert_eq!(asked(&mut bench), [], "nor with the very next step");
    bench.input(Input::Tick(NOON + 500));
    teaches(&mut bench, 1, 102);
    assert_eq!(asked(&mut bench), [(1, 90)]);
    teaches(&mut bench, 1, 103);
    assert_eq!(asked(&mut bench), [], "one at a time");
    bench.event(Event::Curve { run: RunId(1), points: points(91..=99), more: false });
    assert_eq!((asked(&mut bench), last(&bench)), (vec![], 103), "what was told meanwhile joins on");
    bench.input(Input::Tick(NOON + 5000));
    teaches(&mut bench, 1, 104);
    assert_eq!((asked(&mut bench), last(&bench)), (vec![], 104));
}

#[test]
fn a_training_that_goes_on_from_a_checkpoint_is_told_again_from_there() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    teaches(&mut bench, 142, 939);
    assert_eq!(bench.app.learnings.get(RunId(142)).unwrap().curve.last(), 939);
    assert_eq!(asked(&mut bench), []);
    assert!(bench.screen().contains("939 of 9 380"));
}

#[test]
fn after_a_cut_the_screen_is_the_same_and_the_curve_is_asked_for_again() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    assert!(bench.screen().contains("engine lost") && bench.app.watch.is_some());
    assert_eq!(asked(&mut bench), [], "nobody would answer");
    bench.engine_starts();
    assert_eq!(asked(&mut bench), [(142, 1205)]);
    bench.event(Event::Run { run: training(142, &[], State::Running, 1204) });
    bench.event(Event::Curve { run: RunId(142), points: points(1206..=1300), more: false });
    assert_eq!(bench.app.learnings.get(RunId(142)).unwrap().curve.last(), 1300);
    teaches(&mut bench, 142, 1301);
    assert!(bench.screen().contains("1 301 of 9 380"));
}

#[test]
fn a_second_terminal_sees_what_the_first_does() {
    let mut first = Bench::with_engine(120, 40);
    first.event(Event::Run { run: training(142, &[], State::Running, 0) });
    (1..=1205).for_each(|step| teaches(&mut first, 142, step));
    first.keys("<Esc>w");
    answers(&mut first, 1205);
    let mut second = Bench::with_engine(120, 40);
    second.event(Event::Run { run: training(142, &[], State::Running, 1204) });
    second.keys("<Esc>w");
    teaches(&mut second, 142, 1205);
    answers(&mut second, 1204);
    assert_eq!(first.screen(), second.screen());
}

#[test]
fn a_second_terminal_learns_that_a_training_ends_early() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: Run { of: 3 * EPOCH, ..training(142, &[], State::Running, 3 * EPOCH) } });
    bench.keys("<Esc>w");
    answers(&mut bench, 3 * EPOCH);
    let screen = bench.screen();
    assert!(screen.contains("3 of 3") && screen.contains("draws its samples") && screen.contains("Samples of epoch 2"), "{screen}");
    assert!(!bench.app.footer().iter().any(|binding| binding.words == "finish epoch"), "it does already");
}

#[test]
fn the_slider_follows_the_newest_epoch_unless_it_was_moved() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    let kept = |index| Some(Source::Kept { run: RunId(142), index, side: LARGE });
    assert_eq!(bench.app.samples(), kept(1), "two epochs are over");
    assert_eq!(bench.shelf.shown(Slot::Part(0)), [kept(1).unwrap()]);
    bench.event(Event::Sampled { run: RunId(142), index: 2 });
    assert_eq!(bench.app.samples(), kept(2));
    bench.keys("<Left>");
    bench.event(Event::Sampled { run: RunId(142), index: 3 });
    assert_eq!(bench.app.samples(), kept(1), "who looks back is left there");
    bench.keys("<Home><Left>");
    assert_eq!(bench.app.samples(), kept(0));
    assert!(bench.screen().contains("Samples of epoch 1 ") && bench.screen().contains("→ 1 of 20"), "{}", bench.screen());
    bench.keys("<End>");
    bench.event(Event::Sampled { run: RunId(142), index: 4 });
    assert_eq!(bench.app.samples(), kept(4));
}

#[test]
fn samples_that_were_not_drawn_are_passed_over_until_they_are() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(1, &[], State::Cancelled, 2 * EPOCH + 1) });
    bench.keys("<Esc>w");
    let missing = |index| {
        let head = PictureHead { run: RunId(1), what: PictureOf::Missing { index, side: LARGE }, width: 0, height: 0 };
        Input::News(News::Picture(Picture { head, rgb: [].into() }))
    };
    let kept = |index| Some(Source::Kept { run: RunId(1), index, side: LARGE });
    assert_eq!(bench.app.samples(), kept(1));
    bench.input(missing(1));
    assert_eq!(bench.app.samples(), kept(0));
    bench.event(Event::Sampled { run: RunId(1), index: 1 });
    assert_eq!(bench.app.samples(), kept(1));
}

#[test]
fn space_pauses_and_goes_on_f_finishes_the_epoch_and_c_stops() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    bench.event(Event::Run { run: run(150, "another", State::Queued) });
    let id = RunId(142);
    bench.sent();
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Pause { run: id }]);
    bench.event(Event::Run { run: training(142, &[], State::Paused, 1205) });
    asked(&mut bench);
    assert!(bench.screen().contains("paused; Space goes on"), "{}", bench.screen());
    bench.sent();
    bench.keys("<Space>");
    assert_eq!(bench.sent(), [Command::Resume { run: id }]);
    bench.event(Event::Run { run: training(142, &[], State::Running, 1205) });
    bench.sent();
    bench.keys("ff");
    assert_eq!(bench.sent(), [Command::Finish { run: id }], "once is enough");
    teaches(&mut bench, 142, 1206);
    let screen = bench.screen();
    assert!(screen.contains("ends with this epoch") && screen.contains("3 of 3"), "{screen}");
    bench.sent();
    bench.keys("c");
    assert_eq!(bench.sent(), [Command::Cancel { run: id }]);
    bench.event(Event::Run { run: training(142, &[], State::Cancelled, 1206) });
    bench.sent();
    bench.keys("c<Space>");
    assert_eq!(
        bench.sent().iter().filter(|command| !matches!(command, Command::Curve { .. })).collect::<Vec<_>>(),
        [&Command::Resume { run: id }]
    );
}

#[test]
fn space_and_c_never_reach_a_run_that_is_not_watched() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(1, &[], State::Done, 20 * EPOCH) });
    bench.keys("<Esc>w");
    bench.develops(2, "two", 3);
    answers(&mut bench, 9);
    bench.sent();
    bench.keys("<Space>.fc");
    assert_eq!(bench.sent(), []);
    assert!(!bench.app.footer().iter().any(|binding| ["stop", "pause, go on", "finish epoch"].contains(&binding.words)));
}

#[test]
fn four_curves_are_as_many_as_stay_apart() {
    let mut bench = Bench::with_engine(120, 40);
    let runs = (1..=6).rev().map(|id| training(id, &[("seed", &id.to_string())], State::Done, 20 * EPOCH)).collect();
    bench.event(Event::History { search: String::new(), runs, total: 6 });
    bench.keys("<Esc>w");
    answers(&mut bench, 50);
    bench.keys("o<Space><Down><Space><Down><Space><Down><Space>");
    assert_eq!(bench.app.watch.as_ref().unwrap().runs(), [6, 5, 4, 3].map(RunId));
    assert_eq!(asked(&mut bench), [(5, 0), (4, 0), (3, 0)]);
    assert!(bench.screen().contains("Four curves are as many as stay apart."));
    bench.keys("<Home><Up><Up><Up><Space><Esc>");
    assert_eq!(bench.app.watch.as_ref().unwrap().runs(), [6, 4, 3].map(RunId));
    let screen = bench.screen();
    assert!(screen.contains("6 seed 6") && screen.contains("4 seed 4") && screen.contains("3 seed 3"), "{screen}");
}

#[test]
fn digits_are_drawn_with_the_network_of_the_sliders_epoch() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    bench.keys("<Left>d");
    assert!(bench.app.watch.is_none());
    let value = |name: &str| bench.app.form.entries.iter().find(|entry| entry.field.name == name).unwrap().value().to_owned();
    assert_eq!((bench.app.form.experiment, value("run"), value("epoch")), ("sample-digits", "142".into(), "1".into()));
    assert!(bench.app.form.plan.is_ok());
    bench.keys("<Enter>");
    assert!(bench.sent().iter().any(|command| matches!(command, Command::Submit { .. })));
}

#[test]
fn the_batch_is_asked_for_only_while_somebody_sees_it() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    let frames = |bench: &mut Bench| bench.sent().iter().filter(|command| **command == Command::NextFrame).count();
    frames(&mut bench);
    shows_batch(&mut bench, 142, 1206);
    bench.draw();
    assert_eq!(frames(&mut bench), 1, "it is on the screen");
    bench.keys("v");
    assert_eq!(bench.app.watch.as_ref().unwrap().wide, Wide::Samples);
    shows_batch(&mut bench, 142, 1207);
    bench.draw();
    assert_eq!(frames(&mut bench), 0, "the next would be for nobody");
    bench.keys("v");
    bench.draw();
    assert_eq!(frames(&mut bench), 1);
    bench.keys("v");
    shows_batch(&mut bench, 142, 1208);
    bench.event(Event::Run { run: training(142, &[], State::Paused, 1208) });
    bench.draw();
    assert_eq!(frames(&mut bench), 1, "another run may begin");
}

#[test]
fn a_loss_that_is_no_number_leaves_the_curve_as_it_was() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    let before = bench.app.learnings.get(RunId(142)).unwrap().curve.bins().len();
    for (step, loss) in (1206..).zip([f32::NAN, f32::INFINITY, 0.0, -1.0]) {
        let point = Point { loss, ms: f32::NAN, rate: f32::NAN, ..point(step) };
        bench.event(Event::Taught { run: RunId(142), point, per_epoch: 0, memory: None });
    }
    assert_eq!(bench.app.learnings.get(RunId(142)).unwrap().curve.bins().len(), before);
    bench.screen();
}

#[test]
fn empty_fields_show_what_the_edition_fills_in() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("train-class");
    let shown = |bench: &mut Bench, name: &str| {
        let screen = bench.screen();
        let line = screen.lines().find(|line| line.contains(&format!("┃ {name} "))).unwrap_or_else(|| panic!("{name}\n{screen}"));
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    bench.types("schedule", "");
    assert_eq!(
        (shown(&mut bench, "epochs"), shown(&mut bench, "batch"), shown(&mut bench, "rate")),
        ("20".into(), "128".into(), "0.001".into())
    );
    assert!(bench.screen().contains("20 epochs"), "{}", bench.screen());
    bench.types("edition", "<Right>").types("schedule", "");
    assert_eq!(
        (shown(&mut bench, "epochs"), shown(&mut bench, "batch"), shown(&mut bench, "rate")),
        ("10".into(), "64".into(), "0.01".into())
    );
    assert!(bench.screen().contains("10 epochs"));
    bench.types("schedule", "<Right>");
    assert!(bench.screen().contains("‹ cosine ›") || bench.screen().contains("‹ constant ›"), "the next after what the edition says");
}
