//! Looking inside a run, and moving it step by step.

use super::bench::{Bench, NOON, run};
use darkroom::app::{Focus, Input, Source};
use darkroom::link::{Command, Event, News, Picture, PictureHead, PictureOf};
use darkroom::preview::Slot;
use darkroom::recipe::{Layer, LayerNumbers, Numbers, Recipe, Run, RunId, State};

/// The last of the 34 steps has no variance.
const LAST: u32 = 33;

fn numbers(id: i64, index: u32, steps: &[u32]) -> Numbers {
    let has = |layer: &Layer| *layer != Layer::Picture && (index < LAST || *layer != Layer::Variance);
    let layers = Layer::ALL.into_iter().filter(has);
    let numbers = |layer| match layer {
        Layer::Variance => LayerNumbers { layer, min: 0.0621, max: 0.0934, mean: 0.0712, std: 0.0081 },
        Layer::Clean => LayerNumbers { layer, min: -1.0, max: 1.0, mean: -0.4127, std: 0.5502 },
        layer => LayerNumbers { layer, min: -3.4159, max: 3.2718, mean: 0.0113, std: 1.0042 },
    };
    let layers = layers.map(numbers).collect();
    Numbers { run: RunId(id), index, t: 990 - 30 * index, steps: steps.to_vec(), thresholds: vec![1.5213], layers }
}

/// What the inspector has asked for since the last call.
fn asked(bench: &mut Bench) -> Vec<(u32, Layer)> {
    let inspect = |command: &Command| match command {
        Command::Inspect { index, layer, .. } => Some((*index, *layer)),
        _ => None,
    };
    bench.sent().iter().filter_map(inspect).collect()
}

/// The engine answers as the real one does: with the nearest kept step, and x̂₀ where it lacks the layer.
fn answer(bench: &mut Bench, id: i64, (index, layer): (u32, Layer), kept: &[u32]) {
    let index = kept.iter().copied().min_by_key(|step| step.abs_diff(index)).unwrap();
    let numbers = numbers(id, index, kept);
    let layer = if numbers.layers.iter().any(|has| has.layer == layer) { layer } else { Layer::Clean };
    bench.event(Event::Numbers { numbers });
    let head = PictureHead { run: RunId(id), what: PictureOf::Layer { index, layer }, width: 8, height: 8 };
    let rgb: Vec<u8> = (0..192).map(|at| (at * 37 + index * 11) as u8).collect();
    bench.input(Input::News(News::Picture(Picture { head, rgb: rgb.into() })));
}

/// Answers until nothing is asked for.
fn settle(bench: &mut Bench, id: i64, kept: &[u32]) -> Vec<(u32, Layer)> {
    let mut all = Vec::new();
    loop {
        let wishes = asked(bench);
        assert!(wishes.len() <= 1, "one request at a time: {wishes:?}");
        let Some(wish) = wishes.first() else { return all };
        all.push(*wish);
        answer(bench, id, *wish, kept);
    }
}

fn shown(bench: &mut Bench) -> Source {
    bench.screen();
    bench.shelf.shown(Slot::Preview)[0]
}

fn layer(run: i64, index: u32, layer: Layer) -> Source {
    Source::Layer { run: RunId(run), index, layer }
}

/// A finished run, looked into from the history.
fn inside(bench: &mut Bench) -> Vec<u32> {
    let kept: Vec<u32> = (0..=LAST).collect();
    bench.finishes(141, "a blue seven");
    bench.finishes(142, "a red three");
    bench.sent();
    bench.keys("<Shift-Tab>x");
    settle(bench, 142, &kept);
    kept
}

#[test]
fn the_steps_of_a_finished_run_are_walked_and_its_layers_shown() {
    let mut bench = Bench::with_engine(120, 40);
    let kept = inside(&mut bench);
    assert_eq!(shown(&mut bench), layer(142, 33, Layer::Clean), "the newest step first");
    bench.keys("<Left>");
    settle(&mut bench, 142, &kept);
    bench.keys("x");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 32, Layer::Noisy));
    let screen = bench.screen();
    assert!(screen.contains("x_t · t 30 · step 33 of 34"), "{screen}");
    assert!(screen.contains("-3.42") && screen.contains("threshold s 1.52") && screen.contains("x_t is what the model was"), "{screen}");
    bench.keys("<Home><Left>");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 0, Layer::Noisy), "there is none before the first");
    bench.keys("<Esc>");
    bench.answers();
    assert_eq!(shown(&mut bench), Source::Kept { run: RunId(142), index: 0, side: darkroom::app::LARGE });
    assert_eq!((bench.app.focus, bench.app.pinned), (Focus::Preview, Some(RunId(142))));
}

#[test]
fn a_step_that_lacks_the_layer_shows_the_clean_picture_and_the_next_has_it_again() {
    let mut bench = Bench::with_engine(120, 40);
    let kept = inside(&mut bench);
    bench.keys("<Left>");
    settle(&mut bench, 142, &kept);
    bench.keys("xxxxx");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 32, Layer::Variance));
    bench.keys("<Right>");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 33, Layer::Clean));
    bench.keys("<Left>");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 32, Layer::Variance));
}

#[test]
fn held_keys_ask_for_where_they_end() {
    let mut bench = Bench::with_engine(120, 40);
    let kept = inside(&mut bench);
    bench.keys("<Left><Left><Left><Left>");
    assert_eq!(settle(&mut bench, 142, &kept), [(32, Layer::Clean), (29, Layer::Clean)]);
}

#[test]
fn arrows_on_the_picture_look_inside_from_either_end() {
    for (key, index) in [("<Left>", 33), ("<Right>", 0)] {
        let mut bench = Bench::with_engine(120, 40);
        bench.finishes(1, "one");
        bench.keys("<Tab><Tab>");
        bench.sent();
        bench.keys(key);
        settle(&mut bench, 1, &(0..=LAST).collect::<Vec<_>>());
        assert_eq!(shown(&mut bench), layer(1, index, Layer::Clean));
        bench.keys("<Esc>");
        assert_eq!(bench.app.pinned, None, "as it was before");
    }
}

#[test]
fn played_steps_follow_the_clock_and_end_with_the_last() {
    let mut bench = Bench::with_engine(120, 40);
    let kept = inside(&mut bench);
    bench.keys("p");
    settle(&mut bench, 142, &kept);
    assert_eq!(shown(&mut bench), layer(142, 0, Layer::Clean), "from the end it begins at the first");
    bench.input(Input::Tick(NOON + 60));
    assert_eq!(asked(&mut bench), []);
    for step in 1..=LAST {
        bench.input(Input::Tick(NOON + 125 * i64::from(step)));
        assert_eq!(settle(&mut bench, 142, &kept), [(step, Layer::Clean)]);
    }
    bench.input(Input::Tick(NOON + 125 * 40));
    assert!(!bench.app.inspector.as_ref().unwrap().playing);
    bench.keys("p<Right>");
    assert!(!bench.app.inspector.as_ref().unwrap().playing, "a step by hand stops it");
}

#[test]
fn the_newest_step_of_a_running_run_is_followed() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    bench.keys("<Esc>x");
    settle(&mut bench, 1, &[0, 1, 2]);
    bench.steps(1, 3);
    settle(&mut bench, 1, &[0, 1, 2, 3]);
    assert_eq!(shown(&mut bench), layer(1, 3, Layer::Clean));
    bench.keys("<Left>");
    settle(&mut bench, 1, &[0, 1, 2, 3]);
    bench.steps(1, 4);
    assert_eq!(asked(&mut bench), [], "who walks back stays there");
}

#[test]
fn an_answer_that_never_comes_is_not_waited_for_forever() {
    let mut bench = Bench::with_engine(120, 40);
    inside(&mut bench);
    bench.keys("<Left>");
    assert_eq!(asked(&mut bench).len(), 1);
    bench.input(Input::Tick(NOON + 3000));
    bench.keys("<Left>");
    assert_eq!(asked(&mut bench), [(31, Layer::Clean)]);
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    bench.engine_starts();
    assert_eq!(asked(&mut bench), [(31, Layer::Clean)], "a new engine is asked again");
}

#[test]
fn a_run_whose_steps_were_not_kept_says_so_in_its_place() {
    let mut bench = Bench::with_engine(80, 24);
    bench.finishes(1, "one");
    bench.keys("<Shift-Tab>x");
    let sent = bench.sent();
    let ticket = sent.iter().find_map(|command| if let Command::Inspect { ticket, .. } = command { Some(*ticket) } else { None }).unwrap();
    bench.event(Event::Error { text: "photo.png cannot be fetched".into() });
    assert!(!bench.screen().contains("photo.png cannot"), "that is about something else");
    bench.event(Event::Failed { ticket, text: "1 has no kept steps; only the newest runs keep them".into() });
    let screen = bench.screen();
    assert!(screen.contains("1 has no kept steps"), "{screen}");
    bench.keys("<Esc>");
    assert!(bench.app.inspector.is_none());
}

#[test]
fn another_pane_or_another_run_ends_the_look() {
    for key in ["<Tab>", "N<Shift-Tab>", "<Enter>"] {
        let mut bench = Bench::with_engine(120, 40);
        inside(&mut bench);
        bench.keys(key);
        assert!(bench.app.inspector.is_none(), "{key}");
    }
}

#[test]
fn a_branch_goes_on_from_the_step_that_is_shown() {
    let mut bench = Bench::with_engine(120, 40);
    let kept = inside(&mut bench);
    bench.keys("<Home>");
    settle(&mut bench, 142, &kept);
    bench.keys("<Right><Right>");
    settle(&mut bench, 142, &kept);
    bench.keys("b");
    assert_eq!(bench.app.focus, Focus::Prompt);
    bench.keys("<Ctrl-u> with a hat<Enter>");
    let sent = bench.sent();
    let Some(Command::Submit { grid }) = sent.last() else { panic!("{sent:?}") };
    let pairs = grid.recipes[0].pairs();
    assert!(pairs.contains(&("from".into(), "run:142@3".into())), "{pairs:?}");
    assert!(pairs.contains(&("seed".into(), "142".into())), "{pairs:?}");
}

#[test]
fn what_has_no_steps_to_go_on_from_is_not_branched() {
    let mut bench = Bench::with_engine(120, 40);
    let recipe = Recipe::parse("blur", &[]).unwrap();
    bench.event(Event::Run { run: Run { recipe, step: 3, of: 3, ..run(1, "", State::Done) } });
    bench.sent();
    bench.keys("<Tab><Tab>x");
    settle(&mut bench, 1, &[0, 1, 2]);
    bench.keys("b");
    assert_eq!(bench.app.focus, Focus::Preview);
    assert!(bench.app.log.lines.back().unwrap().text.starts_with("1 cannot be branched"));
}

#[test]
fn a_step_without_a_model_call_says_why_it_is_bare() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.keys("<Tab><Tab>x");
    asked(&mut bench);
    let mut bare = numbers(1, LAST, &[32, 33]);
    bare.layers.truncate(1);
    bench.event(Event::Numbers { numbers: bare });
    let head = PictureHead { run: RunId(1), what: PictureOf::Layer { index: LAST, layer: Layer::Clean }, width: 8, height: 8 };
    bench.input(Input::News(News::Picture(Picture { head, rgb: vec![7; 192].into() })));
    assert!(bench.screen().contains("The model was not called in"));
    bench.keys("x");
    assert_eq!(asked(&mut bench), [], "there is no other layer");
}

fn footer(bench: &mut Bench) -> String {
    bench.screen().lines().last().unwrap().to_owned()
}

#[test]
fn space_pauses_and_goes_on_and_a_full_stop_makes_one_step() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys(" .");
    assert!(bench.app.prompt.value().ends_with(" ."), "in a field they are text");
    bench.keys("<Esc>");
    assert!(!footer(&mut bench).contains("pause"), "nothing runs");
    bench.develops(1, "one", 3);
    bench.event(Event::Run { run: run(2, "two", State::Queued) });
    assert!(footer(&mut bench).contains("Space pause, go on"));
    bench.sent();
    bench.keys(" ");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(1) }]);
    bench.event(Event::Run { run: Run { step: 4, of: 34, ..run(1, "one", State::Paused) } });
    bench.event(Event::Run { run: run(2, "two", State::Running) });
    assert_eq!(bench.app.on_view().unwrap().id, RunId(1), "the next run does not take its place");
    bench.sent();
    bench.keys(".");
    assert_eq!(bench.sent(), [Command::Advance { run: RunId(1) }]);
    bench.keys(" ");
    let other = Command::NextFrame { run: RunId(2) };
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(1) }, other], "the other is seen while it waits");
}

#[test]
fn a_full_stop_on_a_running_run_pauses_it_first() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    bench.keys("<Esc>");
    bench.sent();
    bench.keys(".");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(1) }]);
}

#[test]
fn the_frame_of_a_single_step_comes_behind_the_pause() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    bench.screen();
    bench.event(Event::Step { run: RunId(1), index: 3, of: 34, t: 900, ms: 18.0 });
    bench.event(Event::Run { run: Run { step: 4, of: 34, ..run(1, "one", State::Paused) } });
    bench.input(Input::News(News::Picture(super::bench::frame(1, 3))));
    assert_eq!(shown(&mut bench), Source::Frame { run: RunId(1), index: 3 });
}

#[test]
fn a_paused_run_is_no_accident() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: Run { step: 4, of: 34, ..run(1, "one", State::Paused) } });
    let screen = bench.screen();
    assert!(screen.contains("‖ 1 one") && screen.contains("Paused. Space goes on.") && !screen.contains("died"), "{screen}");
    bench.sent();
    bench.keys("<Tab><Tab><Tab><Enter>");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(1) }], "Enter in the queue goes on as well");
}

#[test]
fn inside_a_step() {
    super::screens::keep("inside_a_step", |bench| {
        let kept = inside(bench);
        bench.keys("<Home>");
        settle(bench, 142, &kept);
        bench.keys("<Right><Right>xx");
        settle(bench, 142, &kept);
    });
}

#[test]
fn a_paused_run() {
    super::screens::keep("a_paused_run", |bench| {
        bench.develops(142, "a red three", 12);
        bench.event(Event::Run { run: run(143, "six or nine", State::Queued) });
        bench.keys("<Esc> ");
        bench.event(Event::Run { run: Run { step: 12, of: 34, ..run(142, "a red three", State::Paused) } });
    });
}

#[test]
fn pressed_twice_space_lets_the_run_go_on_and_never_means_another_run() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(6, "six", 3);
    bench.event(Event::Run { run: run(7, "seven", State::Queued) });
    bench.sent();
    bench.keys("<Esc> ");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(6) }]);
    bench.keys(" ");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(6) }]);
    bench.keys(" ");
    bench.event(Event::Run { run: Run { step: 3, of: 34, ..run(6, "six", State::Paused) } });
    bench.sent();
    bench.keys(" ");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(6) }]);
    // The waiting run that is picked in the queue.
    bench.event(Event::Run { run: Run { step: 3, of: 34, ..run(6, "six", State::Running) } });
    bench.keys("<Tab><Tab><Tab><Down>");
    bench.sent();
    bench.keys(".");
    assert_eq!(bench.sent(), []);
    bench.keys(" ");
    assert_eq!(bench.sent(), [Command::Pause { run: RunId(7) }]);
}
