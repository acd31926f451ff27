//! Marked runs beside one another, by turns, and as what differs between two.

use super::bench::{Bench, done, run};
use super::screens::keep;
use darkroom::app::{Focus, Input, LARGE, Source, Way};
use darkroom::link::{Command, Event, News, Picture, PictureHead, PictureOf};
use darkroom::preview::Slot;
use darkroom::recipe::{Run, RunId, State};

/// Finished runs of these recipes, numbered from 1, the newest selected in the history.
fn with(bench: &mut Bench, recipes: &[(&str, &[(&str, &str)])]) {
    for (id, (experiment, fields)) in (1..).zip(recipes) {
        bench.event(Event::Run { run: Run { of: 34, ..done(id, experiment, fields) } });
    }
    bench.answers();
    bench.keys("<Shift-Tab>");
}

/// Three samples that differ in guidance and prompt.
fn three(bench: &mut Bench) {
    with(
        bench,
        &[
            ("sample", &[("prompt", "a red three on a black background"), ("guidance", "5")]),
            ("sample", &[("prompt", "a blue three on a black background"), ("guidance", "7")]),
            ("sample", &[("prompt", "a red three on a white background"), ("guidance", "9")]),
        ],
    );
}

fn bench(scene: impl Fn(&mut Bench)) -> Bench {
    let mut bench = Bench::with_engine(120, 40);
    scene(&mut bench);
    bench
}

/// The large picture of a run comes, in one colour.
fn comes(bench: &mut Bench, run: i64, side: u32, colour: u8) {
    let head = PictureHead { run: RunId(run), what: PictureOf::Kept { index: 0, side: LARGE }, width: side, height: side };
    bench.input(Input::News(News::Picture(Picture { head, rgb: vec![colour; (side * side * 3) as usize].into() })));
}

fn kept(run: i64, index: u32) -> Source {
    Source::Kept { run: RunId(run), index, side: LARGE }
}

#[test]
fn space_marks_a_finished_run_and_d_compares_those_that_are_marked() {
    let mut bench = bench(three);
    bench.keys("d");
    assert!(bench.app.compare.is_none());
    assert!(bench.app.log.lines.back().unwrap().text.starts_with("Mark two or more finished runs"));
    bench.keys("<Space>d");
    assert!(bench.app.compare.is_none(), "one alone differs from nothing");
    bench.keys("<Right><Right><Space>");
    assert_eq!(bench.app.marked, [RunId(3), RunId(1)], "in the order of marking");
    let screen = bench.screen();
    assert!(screen.contains("▸1◆") && screen.contains(" 3◆") && screen.contains("2 marked, d compares them"), "{screen}");
    bench.keys("<Space><Space>d");
    assert_eq!(bench.app.compare.as_ref().unwrap().way, Way::Beside);
    bench.answers();
    let screen = bench.screen();
    assert!(screen.contains("▸3 · a red three") && screen.contains(" 1 · a red three"), "{screen}");
    assert_eq!((bench.shelf.shown(Slot::Part(0)), bench.shelf.shown(Slot::Part(1))), (&[kept(3, 0)][..], &[kept(1, 0)][..]));
    bench.keys("<Esc>");
    assert_eq!((bench.app.compare.is_none(), bench.app.focus), (true, Focus::History), "back to where one was");
}

#[test]
fn space_on_a_finished_run_pauses_nothing() {
    let mut bench = bench(three);
    bench.develops(9, "nine", 2);
    bench.keys("<Shift-Tab><Shift-Tab><Tab><Tab>");
    bench.sent();
    bench.keys("<Space>");
    assert_eq!((bench.sent(), bench.app.marked.as_slice()), (vec![], &[RunId(3)][..]));
}

#[test]
fn one_place_shows_one_after_the_other() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space><Right><Space>df");
    bench.answers();
    let shown = |bench: &mut Bench| {
        let screen = bench.screen();
        (bench.shelf.shown(Slot::Preview).to_vec(), screen)
    };
    let all = vec![kept(3, 0), kept(2, 0), kept(1, 0)];
    for (key, title) in [
        ("", "╭ 3 · a red"),
        ("<Space>", "╭ 2 · a blue"),
        ("<Right>", "╭ 1 · a red"),
        ("<Space>", "╭ 3 · a red"),
        ("<Left>", "╭ 1 · a red"),
    ] {
        bench.keys(key);
        let (sources, screen) = shown(&mut bench);
        assert!(screen.contains(title), "{key} {screen}");
        assert_eq!(sources, all, "all take turns in one place");
    }
}

#[test]
fn pictures_take_turns_at_the_same_place_whatever_their_size() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>df");
    comes(&mut bench, 3, 8, 200);
    comes(&mut bench, 2, 32, 200);
    let picture = |bench: &mut Bench| {
        let screen = bench.screen();
        screen.lines().map(|line| line.find('▄').or(line.find('▀'))).collect::<Vec<_>>()
    };
    let small = picture(&mut bench);
    assert!(bench.screen().contains("1 of 2 · 3 enlarged 4 times"), "{}", bench.screen());
    bench.keys("<Space>");
    assert_eq!(picture(&mut bench), small);
    assert!(!bench.screen().contains("enlarged"));
}

#[test]
fn a_difference_is_amplified_and_told_in_numbers() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space><Right><Space>dd");
    for (run, colour) in [(3, 100), (2, 110), (1, 100)] {
        comes(&mut bench, run, 16, colour);
    }
    let screen = bench.screen();
    assert!(screen.contains("What differs between 3 and 2") && screen.contains("×4 · mean 10.0, most 10 of 255"), "{screen}");
    bench.keys("++");
    assert!(bench.screen().contains("×16 · mean 10.0"));
    bench.keys("-----------");
    assert!(bench.screen().contains("×1 · mean 10.0"));
    bench.keys("<Space>");
    let screen = bench.screen();
    assert!(screen.contains("What differs between 3 and 1") && screen.contains("mean 0.0, most 0 of 255"), "{screen}");
    bench.keys("<Space>");
    assert!(bench.screen().contains("What differs between 3 and 2"), "the first differs in nothing from itself");
}

#[test]
fn a_smaller_picture_is_enlarged_to_be_compared_and_that_is_said() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>dd");
    comes(&mut bench, 3, 8, 50);
    comes(&mut bench, 2, 32, 60);
    let screen = bench.screen();
    assert!(screen.contains("mean 10.0, most 10 of 255 · 3 enlarged 4 times"), "{screen}");
    assert!(screen.contains("8 by 8 → 32 by 32"), "{screen}");
    comes(&mut bench, 3, 9, 50);
    assert!(bench.screen().contains("3 scaled from 9 by 9"));
}

#[test]
fn what_differs_is_told_in_words() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space><Right><Space>d");
    let screen = bench.screen();
    assert!(screen.contains("The same recipe but for the prompt and the guidance."), "{screen}");
    assert!(screen.contains("guidance  9.0 → 7.0 → 5.0") && !screen.contains("eta"), "{screen}");
    let odd = |bench: &mut Bench, words: &str| {
        let at = bench.spot(words);
        bench.buffer()[at].modifier.contains(ratatui::style::Modifier::BOLD)
    };
    for (word, expected) in [("blue three", true), ("white background", true), ("three on a white", false)] {
        let in_words = bench.spot("prompt  ").y;
        let screen: Vec<_> = bench.screen().lines().map(str::to_owned).collect();
        let line = (usize::from(in_words)..screen.len()).find(|y| screen[*y].contains(word)).unwrap();
        let column = screen[line][..screen[line].find(word).unwrap()].chars().count() as u16;
        let cell = bench.buffer()[(column, line as u16)].clone();
        assert_eq!(cell.modifier.contains(ratatui::style::Modifier::BOLD), expected, "{word}");
    }
    assert!(!odd(&mut bench, "guidance  9"), "only words of prompts are noticed so");
}

#[test]
fn runs_of_one_recipe_and_of_another_experiment_are_told_apart() {
    let seeds: [(&str, &[(&str, &str)]); 2] = [("sample", &[("seed", "1")]), ("sample", &[("seed", "2")])];
    let mut one = bench(|bench| with(bench, &seeds));
    one.keys("<Space><Right><Space>d");
    assert!(one.screen().contains("The same recipe but for the seed."));
    let mut same = bench(|bench| with(bench, &[seeds[0], seeds[0]]));
    same.keys("<Space><Right><Space>d");
    assert!(same.screen().contains("The same recipe."));
    let mut other = bench(|bench| with(bench, &[("sample", &[]), ("forward", &[])]));
    other.keys("<Space><Right><Space>d");
    let screen = other.screen();
    assert!(screen.contains("Runs of different experiments.") && screen.contains("forward → sample"), "{screen}");
}

#[test]
fn the_pictures_of_runs_with_several_are_stepped_through_together() {
    let anagram: (&str, &[(&str, &str)]) = ("anagram", &[]);
    let mut bench = bench(|bench| with(bench, &[anagram, ("sample", &[("count", "3")])]));
    bench.keys("<Space><Right><Space>d");
    for (key, shown) in [("", [0, 0]), ("<Down>", [1, 1]), ("<Down>", [2, 1]), ("<Down>", [2, 1]), ("<Up>", [1, 1]), ("<Up><Up>", [0, 0])] {
        bench.keys(key);
        bench.answers();
        bench.screen();
        assert_eq!(bench.shelf.shown(Slot::Part(0)), [kept(2, shown[0])], "{key}");
        assert_eq!(bench.shelf.shown(Slot::Part(1)), [kept(1, shown[1])], "{key}");
    }
    let screen = bench.screen();
    assert!(screen.contains("2 · picture 1 of 3") && screen.contains("(1 of 2)"), "{screen}");
}

#[test]
fn x_takes_all_marks_off_and_goes_back() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>dx");
    assert!(bench.app.compare.is_none() && bench.app.marked.is_empty());
    assert!(!bench.screen().contains('◆'));
}

#[test]
fn what_is_deleted_is_compared_no_more() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space><Right><Space>df<Left>");
    bench.event(Event::Gone { runs: vec![RunId(1)] });
    assert_eq!(bench.app.marked, [RunId(3), RunId(2)]);
    assert!(bench.screen().contains("2 of 2"), "{}", bench.screen());
    bench.event(Event::Gone { runs: vec![RunId(3)] });
    assert!(bench.app.compare.is_none(), "one alone differs from nothing");
}

#[test]
fn a_marked_run_that_no_list_has_is_asked_for_and_does_not_spoil_the_history() {
    let mut bench = Bench::with_engine(120, 40);
    let page = (101..=103).rev().map(|id| run(id, "a new one", State::Done)).collect();
    bench.event(Event::History { search: String::new(), runs: page, total: 90 });
    // Another screen has marked a run that the history has not read back to.
    bench.app.marked = vec![RunId(7)];
    bench.keys("<Shift-Tab><Space>");
    bench.keys("d");
    let screen = bench.screen();
    assert!(screen.contains("The recipe of 7 is on its") && screen.contains("The recipes are on their way."), "{screen}");
    crate::table::finds(&mut bench, "run:7", vec![run(7, "an old seven", State::Done)]);
    bench.answers();
    assert!(bench.screen().contains("7 · an old seven"));
    let history: Vec<_> = bench.app.history.runs.iter().map(|run| run.id.0).collect();
    assert_eq!(history, [103, 102, 101], "those between would be left out for ever");
}

#[test]
fn a_picture_that_cannot_be_read_is_a_sentence_in_every_way() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>d");
    comes(&mut bench, 3, 8, 50);
    let head = PictureHead { run: RunId(2), what: PictureOf::Missing { index: 0, side: LARGE }, width: 0, height: 0 };
    bench.input(Input::News(News::Picture(Picture { head, rgb: [].into() })));
    for key in ["", "f<Space>", "d"] {
        bench.keys(key);
        assert!(bench.screen().contains("The picture of 2 cannot be read."), "{key} {}", bench.screen());
    }
    assert!(bench.shelf.shown(Slot::Part(0)).is_empty() && bench.shelf.shown(Slot::Preview).is_empty());
}

#[test]
fn more_than_fit_are_compared_a_screen_at_a_time() {
    let mut bench = Bench::with_engine(60, 16);
    let plain: (&str, &[(&str, &str)]) = ("sample", &[]);
    with(&mut bench, &[plain; 20]);
    bench.keys(&"<Space><Right>".repeat(20)).keys("d");
    let screen = bench.screen();
    assert!(screen.contains("The first 12 of 20 marked runs") && screen.contains("of 12 · → shows the others"), "{screen}");
    let first = screen;
    bench.keys(&"<Right>".repeat(11));
    assert!(bench.screen().contains("to 12 of 12") && bench.screen() != first, "{}", bench.screen());
}

#[test]
fn nothing_develops_on_a_screen_of_finished_runs() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>d");
    bench.sent();
    bench.develops(9, "nine", 3);
    bench.screen();
    assert!(bench.sent().iter().all(|command| !matches!(command, Command::NextFrame { .. })));
    bench.keys("<Esc>N");
    assert_eq!(bench.sent().last(), Some(&Command::NextFrame { run: RunId(9) }));
}

#[test]
fn recall_takes_the_recipe_that_is_shown() {
    let mut bench = bench(three);
    bench.keys("<Space><Right><Space>df<Space>r");
    assert!(bench.app.compare.is_none());
    assert_eq!(bench.app.prompt.value(), "a blue three on a black background");
}

#[test]
fn side_by_side() {
    keep("a_comparison_side_by_side", |bench| {
        three(bench);
        bench.keys("<Space><Right><Space><Right><Space>d<Right>");
        bench.answers();
    });
}

#[test]
fn by_turns() {
    keep("a_comparison_by_turns", |bench| {
        three(bench);
        bench.keys("<Space><Right><Space><Right><Space>df<Space>");
        bench.answers();
    });
}

#[test]
fn a_difference() {
    keep("a_comparison_as_a_difference", |bench| {
        three(bench);
        bench.keys("<Space><Right><Space>dd");
        bench.answers();
    });
}
