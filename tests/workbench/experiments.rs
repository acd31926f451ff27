//! One form an experiment.

use super::bench::{Bench, done, run};
use darkroom::app::{Focus, Input, LARGE, Overlay, Source, Target};
use darkroom::link::{Command, Event};
use darkroom::preview::Slot;
use darkroom::recipe::{EXPERIMENTS, Grid, Recipe, RunId, State};
use ratatui::layout::Position;

fn value(bench: &Bench, field: &str) -> String {
    bench.app.form.entries.iter().find(|entry| entry.field.name == field).unwrap().value().to_owned()
}

fn submitted(bench: &mut Bench) -> Grid {
    let mut grids = bench.sent().into_iter().filter_map(|command| match command {
        Command::Submit { grid } => Some(grid),
        _ => None,
    });
    grids.next_back().expect("Enter submits")
}

#[test]
fn every_experiment_is_in_the_list_and_runs_from_the_keys() {
    for experiment in EXPERIMENTS {
        let mut bench = Bench::with_engine(80, 24);
        bench.takes_up(experiment);
        assert_eq!((bench.app.form.experiment, bench.app.overlay), (*experiment, None));
        assert!(bench.screen().contains(&format!("{experiment} ▾")));
        if *experiment == "upscale" {
            bench.keys("<Enter>");
            assert_eq!(bench.app.form.entry().unwrap().field.name, "model", "the keys go to what is missing");
            bench.keys("IF-II");
        }
        bench.keys("<Enter>");
        assert_eq!(submitted(&mut bench).recipes[0].experiment(), *experiment);
    }
}

#[test]
fn the_list_says_what_each_experiment_does() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Esc>e<Down>");
    let screen = bench.screen();
    assert!(screen.contains("▸forward") && screen.contains("Add noise to a picture, as much as each timestep has."), "{screen}");
    assert!(screen.contains("Keep what the mask says to keep, and make the rest new"), "{screen}");
    bench.keys("<Esc>");
    assert_eq!((bench.app.form.experiment, bench.app.overlay), ("sample", None));
}

#[test]
fn the_mouse_opens_the_list_and_takes_from_it() {
    let mut bench = Bench::with_engine(120, 40);
    let click = |bench: &mut Bench, words: &str| {
        let screen = bench.screen();
        let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
        let x = line[..line.find(words).unwrap()].chars().count();
        let target = darkroom::ui::target(&bench.app, bench.area(), Position::new(x as u16, y as u16)).unwrap();
        bench.input(Input::Click(target));
    };
    click(&mut bench, "sample ▾");
    assert_eq!(bench.app.overlay, Some(Overlay::Experiments(0)));
    bench.input(Input::Wheel { pane: Focus::Preview, down: true });
    assert_eq!(bench.app.overlay, Some(Overlay::Experiments(1)));
    click(&mut bench, "hybrid ");
    assert_eq!((bench.app.form.experiment, bench.app.overlay), ("hybrid", None));
    bench.keys("<F2>");
    click(&mut bench, "History");
    assert_eq!((bench.app.form.experiment, bench.app.overlay), ("hybrid", None));
}

#[test]
fn what_was_typed_goes_along_where_it_means_the_same_and_is_kept_where_it_does_not() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Ctrl-a><Ctrl-k>a blue four").types("seed", "7").types("guidance", "3");
    bench.takes_up("edit").types("start", "5,9").types("image", "run:4");
    assert_eq!(
        (bench.app.prompt.value().as_str(), value(&bench, "seed"), value(&bench, "guidance")),
        ("a blue four", "7".into(), "3".into())
    );
    bench.takes_up("anagram");
    assert_eq!(bench.app.prompt.value(), "a white six\na white nine", "one prompt is not two");
    assert_eq!(value(&bench, "seed"), "7");
    bench.types("view", "identity,flip").takes_up("forward");
    assert_eq!((value(&bench, "seed"), value(&bench, "image")), ("7".into(), String::new()), "an anagram has no image to bring along");
    bench.takes_up("upscale");
    assert_eq!((value(&bench, "model"), value(&bench, "guidance")), (String::new(), String::new()), "another scale, another default");
    bench.takes_up("edit");
    assert_eq!((value(&bench, "start"), value(&bench, "image")), ("5,9".into(), "run:4".into()));
    bench.takes_up("blur");
    assert_eq!(value(&bench, "image"), "run:4");
    bench.takes_up("anagram");
    assert_eq!((value(&bench, "view"), bench.app.prompt.value().as_str()), ("identity,flip".into(), "a white six\na white nine"));
}

#[test]
fn the_prompt_is_passed_over_where_nobody_reads_it() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("forward");
    assert_eq!((bench.app.focus, bench.app.editing), (Focus::Parameters, true));
    assert!(bench.screen().contains("picture alone and reads no"));
    bench.keys("<Shift-Tab>");
    assert_eq!(bench.app.focus, Focus::History);
    bench.keys("<Tab>");
    assert_eq!(bench.app.focus, Focus::Parameters);
    bench.input(Input::Click(Target::Pane(Focus::Prompt)));
    bench.keys("x");
    assert_eq!((bench.app.focus, bench.app.prompt.value().as_str()), (Focus::Parameters, ""));
    bench.keys("<Backspace><Shift-Tab>");
    bench.input(Input::Paste("run:3".into()));
    assert_eq!(value(&bench, "image"), "run:3");
    bench.keys("<Enter>");
    assert!(submitted(&mut bench).recipes[0].prompts().is_empty());
}

#[test]
fn each_line_is_a_prompt_where_there_are_several() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("anagram").keys("<Alt-Enter><Alt-Enter>a white one");
    let screen = bench.screen();
    assert!(screen.contains("✗view") && screen.contains("┏ identity, rotate-180 "), "{screen}");
    bench.types("view", "identity, flip,negate<Enter>");
    let grid = submitted(&mut bench);
    assert_eq!(grid.recipes[0].prompts(), ["a white six", "a white nine", "a white one"]);
    assert_eq!(grid.recipes[0].views().len(), 3);
    bench.keys("<Esc>").takes_up("hybrid").types("split", "<Right>");
    let screen = bench.screen();
    assert!(screen.contains("Prompts: low, middle, high") && screen.contains("the prompts are wrong"), "{screen}");
    bench.keys("<Enter>");
    assert_eq!((bench.app.focus, bench.sent().len()), (Focus::Prompt, 0));
    bench.keys("<Alt-Enter>a white two<Enter>");
    assert_eq!(submitted(&mut bench).recipes[0].prompts().len(), 3);
}

#[test]
fn a_grid_may_lie_along_any_number_and_a_whole_that_is_wrong_says_so() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("inpaint").types("jump-count", "1,2,4");
    assert_eq!(bench.app.form.plan.clone().unwrap().runs, 3);
    bench.types("seed", "1..9999");
    let screen = bench.screen();
    assert!(screen.contains("a parameter is wrong") && screen.contains("the grid has more than"), "{screen}");
    assert!(bench.app.form.trouble().unwrap().contains("more than 10000 cells"));
}

#[test]
fn a_recipe_comes_back_into_the_form_of_its_experiment() {
    let recipes = [
        ("forward", vec![("t", "100,200"), ("seed", "3")]),
        ("anagram", vec![("prompt", "a"), ("prompt", "b"), ("view", "flip"), ("view", "negate")]),
        ("hybrid", vec![("prompt", "a"), ("reference", "campanile"), ("fixed", "2")]),
        ("inpaint", vec![("mask", "left"), ("jump-count", "3")]),
        ("edit", vec![("prompt", "two\nlines"), ("start", "4")]),
    ];
    for (experiment, fields) in recipes {
        let mut bench = Bench::with_engine(120, 40);
        bench.event(Event::Run { run: done(5, experiment, &fields) });
        bench.keys("<Shift-Tab>r<Enter>");
        assert_eq!(bench.app.form.experiment, experiment);
        assert_eq!(submitted(&mut bench).recipes, [bench.app.run(RunId(5)).unwrap().recipe.clone()]);
    }
}

#[test]
fn a_kept_picture_is_shown_by_its_name_and_replaced_as_a_whole() {
    let kept = format!("drawing@sha256:{}", "0a".repeat(32));
    let mut bench = Bench::with_engine(80, 24);
    bench.takes_up("edit").types("image", "");
    assert!(bench.app.form.image_field().is_some());
    bench.app.form.set_field("image", &kept);
    let screen = bench.screen();
    assert!(screen.contains("drawing") && !screen.contains("sha256"), "{screen}");
    bench.keys("x");
    assert_eq!(value(&bench, "image"), "x");
    bench.app.form.set_field("image", &kept);
    bench.keys("<Backspace>");
    assert_eq!(value(&bench, "image"), "");
    bench.types("start", "");
    assert!(bench.app.form.image_field().is_none());
}

#[test]
fn the_way_of_a_walk_that_jumps_is_drawn_before_it_is_gone() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("inpaint").types("steps", "250").types("jump-count", "10");
    let plan = bench.app.form.plan.clone().unwrap();
    assert_eq!((plan.steps, plan.calls), (2410, 4820), "both halves of guidance");
    let told = "Each stretch of 10 timesteps is walked 10 times: 2410 model calls instead of";
    let screen = bench.screen();
    assert!(screen.contains("1 picture, 2410 steps") || screen.contains("about 29 s"), "{screen}");
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        bench.resize(width, height);
        let screen = bench.screen();
        assert!(screen.contains(told.split_once(" is").unwrap().0) && screen.contains("model calls"), "{screen}");
    }
    bench.types("steps", "<Backspace><Backspace><Backspace>100");
    assert_eq!(bench.app.form.plan.clone().unwrap().steps, 910);
    bench.keys("<Enter>");
    assert!(!bench.screen().contains("is walked"), "the picture comes there");
    bench.develops(3, "three", 2);
    bench.types("jump-count", "0");
    assert!(!bench.screen().contains("is walked"), "what runs is looked at");
}

#[test]
fn a_way_of_a_hundred_thousand_steps_can_be_drawn() {
    let mut bench = Bench::with_engine(80, 24);
    bench.takes_up("inpaint").types("steps", "1000").types("jump-length", "1").types("jump-count", "100");
    assert_eq!(bench.app.form.plan.clone().unwrap().steps, 1000 + 999 * 99);
    assert!(bench.screen().contains("99901"), "{}", bench.screen());
}

#[test]
fn labelled_pictures_stand_apart_and_say_what_they_are() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: done(1, "one-step", &[]) });
    bench.answers();
    let screen = bench.screen();
    for t in [250, 500, 750] {
        assert!(screen.contains(&format!("estimate, t {t}")), "{screen}");
    }
    for index in 0..9 {
        let source = Source::Kept { run: RunId(1), index, side: LARGE };
        assert_eq!(bench.shelf.shown(Slot::Part(index as u16)), [source]);
    }
    bench.keys("<Tab><Tab><Down><Down><Down>");
    let screen = bench.screen();
    assert!(screen.contains("picture 3 of 9 · estimate, t 250"), "{screen}");
    assert_eq!(bench.shelf.shown(Slot::Preview), [Source::Kept { run: RunId(1), index: 2, side: LARGE }]);
}

#[test]
fn where_labels_have_no_room_the_pictures_stand_together() {
    let mut bench = Bench::with_engine(60, 16);
    let t = (0..64).map(|t| t.to_string()).collect::<Vec<_>>().join(",");
    bench.event(Event::Run { run: done(1, "one-step", &[("t", &t)]) });
    bench.answers();
    bench.answers();
    for _ in 0..20 {
        bench.answers();
    }
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview).len(), 3 * 64);
}

#[test]
fn a_paused_run_goes_on_with_enter() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: run(3, "three", State::Paused) });
    bench.keys("<Tab><Tab><Tab>");
    assert!(bench.screen().lines().last().unwrap().contains("Enter resume"));
    bench.sent();
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(3) }]);
}

#[test]
fn lists_name_the_prompts_in_one_line_or_the_picture() {
    let mut bench = Bench::with_engine(120, 40);
    let queued = |id, experiment, fields: &[(&str, &str)]| darkroom::recipe::Run { state: State::Queued, ..done(id, experiment, fields) };
    bench.event(Event::Run { run: queued(1, "anagram", &[("prompt", "six"), ("prompt", "nine")]) });
    bench.event(Event::Run { run: queued(2, "blur", &[("image", "/home/me/tower.jpg")]) });
    let screen = bench.screen();
    assert!(screen.contains("1 six / nine") && screen.contains("2 tower.jpg"), "{screen}");
    assert!(matches!(bench.app.queue.runs[1].recipe, Recipe::Blur(_)));
}
