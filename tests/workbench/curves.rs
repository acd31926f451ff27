//! The curves of trainings: asked for, told, laid over one another.

use super::bench::{Bench, NOON, done};
use super::training::{EPOCH, answers, asked, point, points, teaches, training, watched};
use darkroom::app::Input;
use darkroom::link::{Event, News, POINTS};
use darkroom::recipe::{Point, RunId, State};

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
fn the_last_steps_are_those_of_the_watched_training_however_long_the_others_are() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(141, &[("schedule", "constant")], State::Done, 20 * EPOCH) });
    watched(&mut bench);
    bench.keys("o<Space><Esc>");
    answers(&mut bench, 20 * EPOCH);
    let steps =
        |bench: &mut Bench| bench.screen().lines().find(|line| line.contains(" steps │")).unwrap().split("││").next().unwrap().to_owned();
    assert!(steps(&mut bench).contains("8 000"), "all of both");
    bench.keys("z");
    let shown = steps(&mut bench);
    assert!(shown.contains("1 150") && !shown.contains("9 "), "{shown}");
    let dots = bench.screen().chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(dots > 40, "its curve is there");
}

#[test]
fn a_click_on_a_training_of_the_list_lays_it_over_and_takes_it_away() {
    let mut bench = Bench::with_engine(120, 40);
    for id in [139, 140, 141] {
        bench.event(Event::Run { run: training(id, &[("seed", &id.to_string())], State::Done, 20 * EPOCH) });
    }
    watched(&mut bench);
    let runs = |bench: &Bench| bench.app.watch.as_ref().unwrap().runs();
    bench.keys("o").clicks("139 seed 139").clicks("140 seed 140");
    assert_eq!(runs(&bench), [142, 139, 140].map(RunId));
    assert!(bench.screen().contains("▸[x] ╍╍╍ 140 seed 140"), "{}", bench.screen());
    bench.clicks("[x] ━ ━ 139");
    assert_eq!(runs(&bench), [142, 140].map(RunId));
    bench.clicks("Log");
    assert_eq!((bench.app.overlay, runs(&bench)), (None, [142, 140].map(RunId).to_vec()), "a click beside the list closes it");
}

#[test]
fn a_training_has_no_fields_that_its_experiment_does_not_have() {
    let mut bench = Bench::with_engine(200, 60);
    bench.event(Event::Run { run: done(140, "train-denoiser", &[]) });
    bench.keys("<Shift-Tab>");
    let screen = bench.screen();
    assert!(screen.contains("width") && screen.contains("schedule"), "{screen}");
    assert!(!screen.contains("objective") && !screen.contains("modulation"), "{screen}");
    bench.event(Event::Run { run: done(141, "train-time", &[]) });
    assert!(bench.keys("<Left>").screen().contains("modulation"));
}
