//! The table of a sweep: cells by their values, walked through, looked at, compared and exported.

use super::bench::{Bench, run};
use super::screens::keep;
use darkroom::app::{Focus, Input, LARGE, Overlay, Source};
use darkroom::link::{Command, Event, News};
use darkroom::preview::Slot;
use darkroom::recipe::{Axis, Cell, Export, Run, RunId, State, Table};

fn axis(field: &str, values: &[&str]) -> Axis {
    Axis { field: field.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// A sweep whose cells are all done, numbered from 1.
fn table(axes: Vec<Axis>) -> Table {
    let cells = axes.iter().map(|axis| axis.values.len()).product::<usize>() as i64;
    let cells = (1..=cells).map(|id| Cell { run: RunId(id), state: Some(State::Done) }).collect();
    Table { first: RunId(1), axes, cells }
}

fn three_by_four() -> Table {
    table(vec![axis("guidance", &["1", "5", "9"]), axis("seed", &["7", "8", "9", "10"])])
}

/// A finished cell.
fn cell(id: i64) -> Run {
    Run { grid: Some(RunId(1)), step: 34, of: 34, took_ms: Some(612), ..run(id, "a red three", State::Done) }
}

/// The ticket of the last question for a table.
fn ticket(bench: &Bench) -> u32 {
    let asked = bench.sent.iter().rev().find_map(|command| match command {
        Command::Table { ticket, .. } => Some(*ticket),
        _ => None,
    });
    asked.unwrap()
}

/// Opens a sweep on one of its cells, which the history has, and lets the pictures in sight come.
fn opens(bench: &mut Bench, table: Table) {
    bench.event(Event::Run { run: cell(1) });
    bench.keys("<Shift-Tab>v");
    assert!(bench.sent.iter().any(|command| matches!(command, Command::Table { run: RunId(1), .. })));
    let ticket = ticket(bench);
    bench.event(Event::Table { ticket, table });
    bench.answers();
}

fn open(table: Table) -> Bench {
    let mut bench = Bench::with_engine(120, 40);
    opens(&mut bench, table);
    bench
}

fn selected(bench: &Bench) -> i64 {
    bench.app.sweep.as_ref().unwrap().cell().unwrap().run.0
}

#[test]
fn v_shows_the_sweep_of_a_cell_as_a_table() {
    let mut bench = open(three_by_four());
    let screen = bench.screen();
    assert!(screen.contains("Sweep of 1 · 12 of 12 cells done"), "{screen}");
    let columns = ["7", "8", "9", "10"].map(|value| {
        let line = screen.lines().nth(3).unwrap();
        line.find(&format!(" {value} ")).unwrap_or_else(|| panic!("{line}"))
    });
    assert!(columns.is_sorted(), "the last axis goes across");
    for words in ["seed →", "guidance ↓", "▸1", " 12 ", "guidance 1 · seed 7 · 0.6 s"] {
        assert!(screen.contains(words), "{words} {screen}");
    }
    assert_eq!(bench.shelf.shown(Slot::Thumb(RunId(12))).len(), 1);
    assert_eq!(bench.shelf.shown(Slot::Preview), [Source::Kept { run: RunId(1), index: 0, side: LARGE }]);
    bench.keys("<Esc>");
    assert!(bench.app.sweep.is_none());
    assert_eq!(bench.app.focus, Focus::History);
}

#[test]
fn arrows_walk_and_stop_at_the_edges() {
    let mut bench = open(three_by_four());
    for (keys, cell) in [
        ("<Left><Up>", 1),
        ("<Right><Down>", 6),
        ("<Right><Right><Right>", 8),
        ("<PgDn>", 12),
        ("<Down>", 12),
        ("<PgUp>", 4),
        ("<End>", 12),
        ("<Home>", 1),
        ("]", 1),
    ] {
        bench.keys(keys);
        assert_eq!(selected(&bench), cell, "{keys}");
    }
}

#[test]
fn a_lone_axis_goes_on_in_the_next_row_and_has_its_values_as_labels() {
    let values: Vec<_> = (0..23).map(|seed| (100 + seed).to_string()).collect();
    let mut bench = open(table(vec![Axis { field: "seed".into(), values }]));
    let screen = bench.screen();
    assert!(screen.contains("▸100") && screen.contains(" 122"), "{screen}");
    assert!(bench.spot(" 108").y > bench.spot(" 107").y, "eight stand in a row");
    for (keys, cell) in [
        ("<Left>", 1),
        ("<End>", 23),
        ("<Right>", 23),
        ("<Up>", 15),
        ("<Left><Left><Left><Left><Left><Left><Left>", 8),
        ("<Right>", 9),
        ("<Down><Down>", 17),
    ] {
        bench.keys(keys);
        assert_eq!(selected(&bench), cell, "{keys}");
    }
}

#[test]
fn further_axes_are_chosen_one_value_at_a_time() {
    let mut bench = open(table(vec![axis("eta", &["0", "1"]), axis("guidance", &["1", "5", "9"]), axis("seed", &["7", "8"])]));
    assert!(bench.screen().contains("eta 0 (1 of 2) · [ ] change it"), "{}", bench.screen());
    bench.keys("<Down><Right>]");
    assert!(bench.screen().contains("eta 1 (2 of 2)"), "{}", bench.screen());
    assert_eq!(selected(&bench), 10, "the same place in the next table");
    bench.keys("]");
    assert_eq!(selected(&bench), 10);
    bench.keys("[[");
    assert_eq!(selected(&bench), 4);
    bench.keys("<PgDn><End>");
    assert_eq!(selected(&bench), 6, "a table is left only by its own keys");
}

#[test]
fn of_ten_thousand_cells_only_those_in_sight_are_asked_for() {
    let many: Vec<_> = (0..100).map(|value| value.to_string()).collect();
    let axes = ["guidance", "seed"].map(|field| Axis { field: field.into(), values: many.clone() });
    let mut bench = Bench::with_engine(80, 24);
    bench.event(Event::Run { run: cell(1) });
    bench.keys("<Shift-Tab>v");
    let ticket = ticket(&bench);
    bench.event(Event::Table { ticket, table: table(axes.to_vec()) });
    bench.sent();
    let mut asked = Vec::new();
    for _ in 0..4 {
        bench.draw();
        asked.extend(bench.sent.iter().filter_map(|command| match command {
            Command::Picture { run, .. } => Some(run.0),
            _ => None,
        }));
        bench.answers();
    }
    asked.sort_unstable();
    let rows: Vec<_> = asked.iter().filter(|run| (**run - 1) % 100 == 0).collect();
    assert!(asked.len() < 40 && rows.len() >= 3, "{asked:?}");
    let before = bench.screen();
    bench.keys("<Right>");
    assert_eq!(headings(&bench.screen()), headings(&before), "what is in sight stays where it is");
    bench.keys(&"<Right>".repeat(50)).keys(&"<PgDn>".repeat(20));
    let screen = bench.screen();
    assert!(screen.contains("guidance 99 · seed 51"), "{screen}");
}

/// The line of the values that go across.
fn headings(screen: &str) -> String {
    screen.lines().nth(3).unwrap().to_owned()
}

#[test]
fn headings_that_do_not_fit_are_cut_and_never_run_into_one_another() {
    let long = |letter: &str| letter.repeat(40);
    let across: Vec<_> = ["a", "b", "c", "d"].map(long).to_vec();
    let down: Vec<_> = ["x", "y"].map(long).to_vec();
    for (width, height) in [(60, 16), (80, 24), (200, 60)] {
        let mut bench = Bench::with_engine(width, height);
        let axes = vec![Axis { field: long("f"), values: down.clone() }, Axis { field: long("g"), values: across.clone() }];
        opens(&mut bench, table(axes));
        let screen = bench.screen();
        for letter in ["a", "b", "c"] {
            let words: Vec<_> = headings(&screen).split([' ', '│']).filter(|word| word.starts_with(letter)).map(str::to_owned).collect();
            assert!(matches!(words.as_slice(), [word] if word.ends_with('…') || word.len() == 40), "{letter} {screen}");
        }
        assert!(screen.contains("x…") || screen.contains("xx"), "{screen}");
    }
}

#[test]
fn cells_fill_as_the_engine_works() {
    let mut sweep = three_by_four();
    for (cell, state) in sweep.cells.iter_mut().skip(1).zip([
        Some(State::Running),
        Some(State::Queued),
        Some(State::Failed),
        Some(State::Cancelled),
        Some(State::Paused),
        None,
    ]) {
        cell.state = state;
    }
    let mut bench = open(sweep);
    bench.develops(2, "a red three", 12);
    let screen = bench.screen();
    for words in ["6 of 12 cells done", "12/34", "queued", "failed", "cancelled", "held", "deleted"] {
        assert!(screen.contains(words), "{words} {screen}");
    }
    bench.finishes(2, "a red three");
    let screen = bench.screen();
    assert!(screen.contains("7 of 12 cells done") && !screen.contains("12/34"), "{screen}");
    assert_eq!(bench.shelf.shown(Slot::Thumb(RunId(2))).len(), 1, "its picture is there");
    bench.event(Event::Gone { runs: vec![RunId(2)] });
    assert!(bench.screen().contains("6 of 12 cells done"));
}

#[test]
fn enter_shows_the_run_large_and_esc_comes_back_to_its_cell() {
    let mut bench = open(three_by_four());
    bench.event(Event::Run { run: cell(6) });
    bench.keys("<Down><Right><Enter>");
    assert!(bench.app.large && bench.app.on_view().unwrap().id == RunId(6) && bench.app.shown_table().is_none());
    bench.answers();
    assert!(bench.screen().contains("Preview ━ 6 · a red three"), "{}", bench.screen());
    bench.keys("<Esc>");
    assert!(bench.screen().contains("Sweep of 1 ·") && !bench.app.large);
    assert_eq!(selected(&bench), 6);
    bench.keys("<Esc>");
    assert_eq!((bench.app.focus, bench.app.pinned), (Focus::History, Some(RunId(1))), "where it was opened");
}

#[test]
fn who_leaves_the_large_picture_for_another_pane_has_left_the_table() {
    for keys in ["<Enter><Tab>", "<Enter>N", "<Enter>r", "r"] {
        let mut bench = open(three_by_four());
        bench.keys(keys);
        assert!(bench.app.sweep.is_none() && !bench.app.large, "{keys}");
    }
}

/// Answers the last search, which was for this.
pub fn finds(bench: &mut Bench, wanted: &str, runs: Vec<Run>) {
    let asked = bench.sent.iter().rev().find_map(|command| match command {
        Command::Find { ticket, filter, .. } => Some((*ticket, filter.clone())),
        _ => None,
    });
    let (ticket, filter) = asked.unwrap();
    assert_eq!(filter, wanted);
    let total = runs.len() as u64;
    bench.event(Event::Found { ticket, from: 0, runs, total });
}

#[test]
fn a_cell_of_an_old_sweep_is_asked_for_and_then_shown() {
    let mut bench = open(three_by_four());
    bench.keys("<Right><Enter>");
    assert!(bench.app.shown_table().is_some(), "the table stays until it is here");
    finds(&mut bench, "run:2", vec![cell(2)]);
    assert!(bench.app.large && bench.app.on_view().unwrap().id == RunId(2));
    assert_eq!(bench.app.history.runs.len(), 1, "the history takes it for no page");
    bench.keys("<Esc><Right><Enter><Right>");
    finds(&mut bench, "run:3", vec![cell(3)]);
    assert!(bench.app.shown_table().is_some(), "who has walked on meanwhile is not thrown back");
    bench.keys("<Enter>");
    finds(&mut bench, "run:4", vec![]);
    assert!(bench.screen().contains("4 is not in the gallery: it is in the trash, or did not end well."), "{}", bench.screen());
    assert!(bench.app.shown_table().is_some());
}

#[test]
fn a_cell_without_a_run_says_why() {
    let mut sweep = three_by_four();
    (sweep.cells[1].state, sweep.cells[2].state) = (None, Some(State::Failed));
    let mut bench = open(sweep);
    bench.keys("<Right><Enter>");
    assert_eq!(bench.app.log.lines.back().unwrap().text, "2 was deleted.");
    bench.keys("<Right><Enter>");
    assert_eq!(bench.app.log.lines.back().unwrap().text, "3 is failed, and the queue's list has it no more.");
    assert!(bench.app.shown_table().is_some());
    bench.event(Event::Run { run: Run { error: Some("out of memory".into()), ..run(3, "a red three", State::Failed) } });
    assert!(bench.screen().contains("3 failed: out of memory."), "{}", bench.screen());
}

#[test]
fn space_marks_finished_cells_to_compare_them() {
    let mut sweep = three_by_four();
    sweep.cells[2].state = Some(State::Queued);
    let mut bench = open(sweep);
    bench.event(Event::Run { run: cell(2) });
    bench.keys("<Space><Right><Space><Right><Space>");
    assert_eq!(bench.app.marked, [RunId(1), RunId(2)], "what has no picture is not marked");
    assert!(bench.screen().contains("2◆"));
    bench.keys("d");
    assert!(bench.screen().contains("The same recipe but for the seed."), "{}", bench.screen());
    bench.keys("<Esc>");
    assert!(bench.screen().contains("Sweep of 1 ·"), "back to the table");
}

#[test]
fn s_makes_the_sheet_once_no_cell_waits_any_more() {
    let mut bench = open(three_by_four());
    bench.sent();
    bench.keys("s");
    assert_eq!(bench.sent(), [Command::Export { run: RunId(1), what: Export::Table }]);
    bench.event(Event::Gone { runs: vec![RunId(1)] });
    bench.event(Event::Run { run: Run { grid: Some(RunId(1)), ..run(5, "a red three", State::Queued) } });
    bench.sent();
    bench.keys("s");
    assert_eq!(bench.sent(), []);
    assert!(bench.screen().contains("1 of the 12 cells wait or run; the sheet is made once they are over."), "{}", bench.screen());
    bench.event(Event::Run { run: Run { grid: Some(RunId(1)), ..run(5, "a red three", State::Failed) } });
    bench.sent();
    bench.keys("s");
    assert_eq!(bench.sent(), [Command::Export { run: RunId(2), what: Export::Table }], "of what is there; the first is deleted");
}

#[test]
fn the_list_of_files_offers_the_sheet_of_a_cells_sweep() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(9, "alone");
    bench.keys("<Shift-Tab>s");
    assert!(!bench.screen().contains("sheet of its whole sweep"));
    bench.keys("v<Esc>");
    bench.event(Event::Run { run: cell(10) });
    bench.keys("<Left>s");
    assert!(bench.screen().contains("sheet of its whole sweep"));
    bench.sent();
    bench.keys("v");
    assert_eq!(bench.sent().first(), Some(&Command::Export { run: RunId(10), what: Export::Table }));
    assert_eq!(bench.app.overlay, None::<Overlay>);
}

#[test]
fn a_run_of_no_sweep_has_no_table() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Esc>v");
    bench.finishes(1, "alone");
    bench.keys("<Esc>v");
    assert!(bench.app.sweep.is_none());
    assert!(bench.app.log.lines.back().unwrap().text.starts_with("1 is no cell of a sweep;"));
}

#[test]
fn a_queued_cell_opens_its_sweep_too() {
    let mut bench = Bench::with_engine(120, 40);
    for id in [1, 2] {
        bench.event(Event::Run { run: Run { grid: Some(RunId(1)), ..run(id, "a red three", State::Queued) } });
    }
    bench.keys("<Tab><Tab><Tab><Down>v");
    assert!(bench.sent().iter().any(|command| matches!(command, Command::Table { run: RunId(2), .. })));
}

#[test]
fn what_is_no_table_is_a_sentence() {
    let sound = three_by_four();
    let short = Table { cells: sound.cells[..11].to_vec(), ..sound.clone() };
    let bare = Table { axes: vec![], cells: sound.cells[..1].to_vec(), ..sound.clone() };
    let hollow = Table { axes: vec![axis("seed", &[])], cells: vec![], ..sound.clone() };
    let vast = Table { axes: vec![axis("seed", &["1"; 70_000]); 5], ..sound };
    for odd in [short, bare, hollow, vast] {
        let mut bench = open(odd);
        let screen = bench.screen();
        assert!(screen.contains("The sweep of 1 cannot be shown"), "{screen}");
        bench.keys("<Down><Right>]<Enter><Space>s");
        assert!(bench.app.marked.is_empty());
    }
}

#[test]
fn an_answer_to_another_question_is_not_taken_and_a_refusal_is_told() {
    let mut bench = Bench::with_engine(80, 24);
    bench.event(Event::Run { run: cell(1) });
    bench.keys("<Shift-Tab>v");
    let ticket = ticket(&bench);
    bench.event(Event::Table { ticket: ticket.wrapping_sub(1), table: three_by_four() });
    assert!(bench.screen().contains("The cells of the sweep are on their way."));
    bench.event(Event::Failed { ticket, text: "The lists of grid 1 cannot be read.".into() });
    assert!(bench.screen().contains("The lists of grid 1 cannot be read."));
}

#[test]
fn after_a_cut_the_table_is_asked_for_again_and_the_selection_stays() {
    let mut bench = open(three_by_four());
    bench.keys("<Down>");
    bench.input(Input::News(News::Lost { reason: "The link is cut.".into() }));
    bench.sent();
    bench.engine_starts();
    let again = ticket(&bench);
    let mut sweep = three_by_four();
    sweep.cells[11].state = None;
    bench.event(Event::Table { ticket: again, table: sweep });
    assert_eq!(selected(&bench), 5);
    assert!(bench.screen().contains("11 of 12 cells done"));
}

#[test]
fn a_click_selects_a_cell_and_another_opens_it_and_the_wheel_walks() {
    let mut bench = open(three_by_four());
    bench.event(Event::Run { run: cell(7) });
    bench.clicks(" 11 ");
    assert_eq!(selected(&bench), 11);
    bench.wheels("▸11", false);
    assert_eq!(selected(&bench), 7);
    bench.wheels("▸7", true);
    bench.wheels("▸11", false);
    bench.clicks("▸7");
    assert!(bench.app.large && bench.app.on_view().unwrap().id == RunId(7));
}

#[test]
fn a_sweep_that_is_half_done() {
    keep("a_sweep_that_is_half_done", |bench| {
        let mut sweep = three_by_four();
        for (at, cell) in sweep.cells.iter_mut().enumerate().skip(7) {
            cell.state = [Some(State::Running), Some(State::Queued), None, Some(State::Failed), Some(State::Queued)][at - 7];
        }
        bench.event(Event::Run { run: Run { grid: Some(RunId(1)), ..run(8, "a red three", State::Queued) } });
        bench.develops(8, "a red three", 12);
        opens(bench, sweep);
        bench.keys("<Down><Space><Right>");
        bench.answers();
    });
}

#[test]
fn a_sweep_of_three_lists() {
    keep("a_sweep_of_three_lists", |bench| {
        let seeds: Vec<_> = (1..=12).map(|seed| seed.to_string()).collect();
        let axes = vec![
            axis("eta", &["0", "0.5", "1"]),
            axis("guidance", &["1", "3", "5", "7", "9", "11", "13"]),
            Axis { field: "seed".into(), values: seeds },
        ];
        opens(bench, table(axes));
        bench.keys("]<Down><Right><Right>");
        for _ in 0..9 {
            bench.answers();
        }
    });
}
