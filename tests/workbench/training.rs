//! Watching a training: keys in, screen out.

use super::bench::{Bench, NOON, done};
use super::screens::keep;
use darkroom::app::Input;
use darkroom::link::{Command, Event, News, POINTS, Picture, PictureHead, PictureOf};
use darkroom::recipe::{Point, Run, RunId, State};

/// Steps of an epoch.
pub const EPOCH: u32 = 469;
pub const MEMORY: Option<u64> = Some(1_240_000_000);

pub fn point(step: u32) -> Point {
    // A curve as they are: it falls fast, then slowly, and no batch is like the one before.
    let jitter = 1.0 + 0.25 * ((step.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5);
    let loss = (0.03 + 0.9 / (1.0 + step as f32 / 12.0)) * jitter;
    Point { step, epoch: (step - 1) / EPOCH + 1, loss, rate: 7.94e-4, ms: 970.0 }
}

pub fn points(steps: std::ops::RangeInclusive<u32>) -> Vec<Point> {
    steps.map(point).collect()
}

pub fn training(id: i64, fields: &[(&str, &str)], state: State, step: u32) -> Run {
    Run { state, step, of: 20 * EPOCH, took_ms: (state == State::Done).then_some(2_460_000), ..done(id, "train-class", fields) }
}

/// A step, as the engine tells it.
pub fn teaches(bench: &mut Bench, id: i64, step: u32) {
    bench.event(Event::Step { run: RunId(id), index: step - 1, of: 20 * EPOCH, t: point(step).epoch, ms: 970.0 });
    bench.event(Event::Taught { run: RunId(id), point: point(step), per_epoch: EPOCH, memory: MEMORY });
}

/// The batch of a step: what was seen, made of it, and true.
pub fn shows_batch(bench: &mut Bench, id: i64, step: u32) {
    let what = PictureOf::Frame { index: step - 1, t: point(step).epoch };
    bench.input(Input::News(News::Picture(sheet(id, what, (10, 3)))));
}

pub fn sheet(id: i64, what: PictureOf, (columns, rows): (u32, u32)) -> Picture {
    let (width, height) = (30 * columns - 2, 30 * rows - 2);
    let pixel = |at: u32| if at % width % 30 < 28 && at / width % 30 < 28 { [200; 3] } else { [90; 3] };
    Picture { head: PictureHead { run: RunId(id), what, width, height }, rgb: (0..width * height).flat_map(pixel).collect() }
}

/// What was asked of a curve since the last call: whose, and behind which step.
pub fn asked(bench: &mut Bench) -> Vec<(i64, u32)> {
    let (curves, rest): (Vec<_>, Vec<_>) = bench.sent().into_iter().partition(|command| matches!(command, Command::Curve { .. }));
    bench.sent = rest;
    let after = |command: Command| match command {
        Command::Curve { run, after } => (run.0, after),
        other => panic!("{other:?}"),
    };
    curves.into_iter().map(after).collect()
}

/// The engine answers every question for curves and samples, with what it has up to a step.
pub fn answers(bench: &mut Bench, last: u32) {
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
pub fn watched(bench: &mut Bench) {
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
