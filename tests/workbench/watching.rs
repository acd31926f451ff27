//! What keys and the mouse do while a training is watched.

use super::bench::{Bench, NOON, run};
use super::training::{EPOCH, answers, asked, shows_batch, teaches, training, watched};
use darkroom::app::{Focus, Input, LARGE, Source, Wide};
use darkroom::link::{Command, Event, News, PROTOCOL, Picture, PictureHead, PictureOf};
use darkroom::preview::Slot;
use darkroom::recipe::{Export, RunId, State};

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
    bench.keys("<Right>");
    assert_eq!(bench.app.samples(), kept(1), "who goes there is told");
    assert!(bench.screen().contains("There are no samples of this epoch"), "{}", bench.screen());
    bench.keys("<End>");
    assert_eq!(bench.app.samples(), kept(0), "the newest that are there");
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
    let said = |bench: &Bench| bench.app.log.lines.back().unwrap().text.clone();
    assert!(said(&bench).starts_with("The network of 142 after epoch 1: "), "{}", said(&bench));
    bench.keys("<Esc>wd");
    assert!(said(&bench).starts_with("The network of 142 after epoch 2, if its weights were kept: "), "{}", said(&bench));
}

#[test]
fn the_batch_is_asked_for_only_while_somebody_sees_it() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    let frames = |bench: &mut Bench| bench.sent().iter().filter(|command| matches!(command, Command::NextFrame { .. })).count();
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
    assert_eq!(frames(&mut bench), 1, "a single step is over before it could be asked for");
    bench.event(Event::Run { run: training(142, &[], State::Running, 1208) });
    assert_eq!(frames(&mut bench), 0, "it has been");
}

/// The epoch of the watched training, and the one that it is said to end after.
fn epochs(bench: &Bench) -> (u32, u32) {
    bench.app.watched().and_then(|run| bench.app.epochs(run)).unwrap()
}

#[test]
fn a_wish_to_finish_is_kept_over_a_pause_and_after_that_only_where_the_recipe_has_it() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    bench.keys("f");
    for state in [State::Paused, State::Queued, State::Running] {
        bench.event(Event::Run { run: training(142, &[], state, 1205) });
        assert_eq!(epochs(&bench), (3, 3), "{state:?}");
    }
    for state in [State::Cancelled, State::Failed, State::Interrupted] {
        bench.event(Event::Run { run: training(142, &[], state, 1205) });
        bench.event(Event::Run { run: training(142, &[], State::Running, 1205) });
        assert_eq!(epochs(&bench), (3, 20), "{state:?}");
        assert!(!bench.screen().contains("ends with this epoch"));
        bench.keys("f");
        assert_eq!(epochs(&bench), (3, 3));
    }
}

#[test]
fn an_engine_that_was_not_there_knows_the_wish_to_finish_from_the_recipe_alone() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    bench.keys("f");
    let goes_on = |bench: &mut Bench| bench.event(Event::Run { run: training(142, &[], State::Running, 1205) });
    bench.input(Input::News(News::Lost { reason: "The link is cut.".into() }));
    bench.engine_starts();
    goes_on(&mut bench);
    assert_eq!(epochs(&bench), (3, 3), "it is the same engine");
    bench.input(Input::News(News::Lost { reason: "The engine stopped (killed, signal 9).".into() }));
    bench.event(Event::Hello {
        protocol: PROTOCOL,
        version: "0.1.0".into(),
        pid: 8,
        started_ms: NOON,
        pace_ms: None,
        places: vec![],
        workspace: "/work".into(),
        heard: None,
    });
    goes_on(&mut bench);
    assert_eq!(epochs(&bench), (3, 20));
    bench.event(Event::Run { run: training(142, &[("until", "3")], State::Running, 1205) });
    assert_eq!(epochs(&bench), (3, 3));
}

#[test]
fn the_time_left_knows_how_long_samples_take_once_it_has_seen_some_drawn() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: training(142, &[], State::Running, 2 * EPOCH - 1) });
    bench.keys("<Esc>w");
    teaches(&mut bench, 142, 2 * EPOCH);
    let steps = 970.0 * f64::from(18 * EPOCH);
    let left = |bench: &Bench| bench.app.left_ms(bench.app.watched().unwrap());
    assert_eq!(left(&bench), Some(steps));
    bench.input(Input::Tick(NOON + 60_000));
    bench.event(Event::Sampled { run: RunId(142), index: 1 });
    assert_eq!(left(&bench), Some(steps + 18.0 * 60_000.0));
    bench.input(Input::Tick(NOON + 90_000));
    bench.event(Event::Sampled { run: RunId(142), index: 1 });
    assert_eq!(left(&bench), Some(steps + 18.0 * 60_000.0), "they were there");
}

#[test]
fn the_mouse_makes_pictures_wide_and_turns_the_epochs_and_the_log() {
    let mut bench = Bench::with_engine(120, 40);
    watched(&mut bench);
    let wide = |bench: &Bench| bench.app.watch.as_ref().unwrap().wide;
    for (words, part) in [("Samples of", Wide::Samples), ("Batch of", Wide::Batch)] {
        bench.clicks(words);
        assert_eq!(wide(&bench), part);
        bench.clicks(words);
        assert_eq!(wide(&bench), Wide::Curve);
    }
    bench.wheels("Samples of epoch 2", false);
    assert!(bench.screen().contains("Samples of epoch 1"));
    bench.wheels("Loss,", true);
    assert!(bench.screen().contains("Samples of epoch 2"));
    bench.wheels("Log", false);
    assert_eq!(bench.app.log.back, 1);
    bench.wheels("Log", true);
    assert_eq!(bench.app.log.back, 0);
    let facts = bench.spot("learning rate");
    assert_eq!(darkroom::ui::target(&bench.app, bench.area(), facts), None, "there is nothing to do with the facts");
}

#[test]
fn s_makes_a_film_of_the_epochs() {
    let mut bench = Bench::with_engine(80, 24);
    watched(&mut bench);
    bench.keys("s");
    assert!(bench.screen().contains("film of its steps (GIF)"));
    bench.sent();
    bench.keys("g");
    assert_eq!(bench.sent(), [Command::Export { run: RunId(142), what: Export::Gif }]);
    assert!(bench.app.watch.is_some() && bench.screen().contains("142: the GIF is"), "{}", bench.screen());
}

#[test]
fn what_ends_a_training_is_seen_on_a_small_screen() {
    let mut bench = Bench::with_engine(80, 24);
    watched(&mut bench);
    let footer = bench.screen().lines().last().unwrap().to_owned();
    assert!(["Space pause, go on", "f finish epoch", "c stop", "? keys"].iter().all(|key| footer.contains(key)), "{footer}");
}
