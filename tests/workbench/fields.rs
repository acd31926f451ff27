//! Typing.

use super::bench::{Bench, run, screen};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use darkroom::app::{Focus, Input};
use darkroom::link::{Command, Event};
use darkroom::recipe::{RunId, State};

fn submitted(bench: &mut Bench) -> darkroom::recipe::Grid {
    let mut grids = bench.sent().into_iter().filter_map(|command| match command {
        Command::Submit { grid } => Some(grid),
        _ => None,
    });
    grids.next_back().expect("Enter submits")
}

#[test]
fn a_focused_field_takes_every_printable_key() {
    let printable: String = (' '..='~').collect();
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Ctrl-a><Ctrl-k>");
    for c in printable.chars() {
        bench.input(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
    }
    assert_eq!(bench.app.prompt.value(), printable);
    for at in 0..bench.app.form.entries.len() {
        bench.app = Bench::with_engine(120, 40).app;
        bench.keys("<Tab>");
        bench.keys(&"<Down>".repeat(at));
        if bench.app.form.is_choice() {
            continue;
        }
        for c in printable.chars() {
            bench.input(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
        assert_eq!(bench.app.form.entries[at].value(), printable);
        assert!(!bench.left && bench.app.overlay.is_none());
    }
}

#[test]
fn enter_runs_the_example_at_once() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Enter>");
    let grid = submitted(&mut bench);
    assert_eq!((grid.recipes.len(), grid.recipes[0].prompt().as_str()), (1, "a red three on a black background"));
}

#[test]
fn alt_enter_is_a_new_line_and_nothing_else_is() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Ctrl-a><Ctrl-k>one<Alt-Enter>two<Ctrl-m>");
    assert_eq!(bench.app.prompt.value(), "one\ntwo");
    bench.keys("<Enter>");
    assert_eq!(submitted(&mut bench).recipes[0].prompt(), "one\ntwo");
}

#[test]
fn up_and_down_walk_earlier_prompts_from_the_first_and_last_line() {
    let mut bench = Bench::with_engine(120, 40);
    let runs = vec![run(9, "nine", State::Done), run(8, "eight", State::Done), run(7, "nine", State::Done)];
    bench.event(Event::History { search: String::new(), runs, total: 3 });
    bench.screen();
    bench.keys("<Ctrl-a><Ctrl-k>ten<Enter><Ctrl-a><Ctrl-k>draft<Alt-Enter>below");
    let value = |bench: &Bench| bench.app.prompt.value();
    bench.screen();
    bench.keys("<Up>");
    assert_eq!(value(&bench), "draft\nbelow");
    for expected in ["ten", "nine", "eight", "eight"] {
        bench.keys("<Up>");
        bench.screen();
        assert_eq!(value(&bench), expected);
    }
    for expected in ["nine", "ten", "draft\nbelow", "draft\nbelow"] {
        bench.keys("<Down>");
        bench.screen();
        assert_eq!(value(&bench), expected);
    }
}

#[test]
fn pasted_text_goes_to_the_prompt_without_what_no_prompt_means() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Ctrl-a><Ctrl-k><Shift-Tab>");
    bench.input(Input::Paste("a\tred\r\nthree\u{1b}[31m\u{7}".into()));
    assert_eq!((bench.app.focus, bench.app.prompt.value().as_str()), (Focus::Prompt, "a red\nthree[31m"));
}

#[test]
fn a_list_makes_a_grid_and_says_so_before_enter() {
    let script = "<Tab><Down>1,3,7<Down>1..4";
    let shown = screen(script);
    // Three guidances by four seeds, of 33 calls each, doubled but where guidance is 1; 6 ms a call.
    assert!(shown.contains("12 pictures, about 4 s"), "{shown}");
    let mut bench = Bench::with_engine(120, 40);
    bench.keys(script).keys("<Enter>");
    let grid = submitted(&mut bench);
    assert_eq!((grid.recipes.len(), grid.axes.len()), (12, 2));
}

#[test]
fn the_time_is_left_out_while_nobody_knows_it() {
    let shown = Bench::new(120, 40).screen();
    assert!(shown.contains("1 picture ") && !shown.contains("about"), "{shown}");
}

#[test]
fn an_error_is_shown_at_its_field_as_it_is_typed_and_goes_when_it_is_mended() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Tab>0");
    let shown = bench.screen();
    assert!(shown.contains("✗steps") && shown.contains("'0' is not a whole"), "{shown}");
    bench.keys("<Enter>");
    assert!(!bench.sent().iter().any(|command| matches!(command, Command::Submit { .. })));
    assert!(bench.app.log.lines.iter().any(|line| line.text.contains("steps")));
    bench.keys("<Backspace>5");
    assert!(!bench.screen().contains('✗'));
}

#[test]
fn fields_that_disagree_are_told_at_the_one_to_change() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Tab>50<Down><Down><Down><Down>smart50");
    assert!(bench.screen().contains("✗steps"), "{}", bench.screen());
    bench.keys("<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>");
    assert!(!bench.screen().contains('✗'), "{}", bench.screen());
}

#[test]
fn a_choice_is_stepped_through_and_takes_no_text() {
    let mut bench = Bench::with_engine(120, 40);
    let at = bench.app.form.entries.iter().position(|entry| entry.field.name == "sampler").unwrap();
    bench.keys("<Tab>");
    bench.keys(&"<Down>".repeat(at));
    bench.keys("q x");
    assert_eq!(bench.app.form.entries[at].value(), "ddim");
    bench.keys("<Right>");
    assert_eq!(bench.app.form.entries[at].value(), "ddpm");
    bench.keys("<Left>");
    assert_eq!(bench.app.form.entries[at].value(), "ddim");
    bench.keys("<Backspace>");
    assert_eq!(bench.app.form.entries[at].value(), "");
    assert!(!bench.left);
}

#[test]
fn a_recipe_comes_back_into_the_form_and_runs_as_it_was() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(5, "a blue five");
    bench.keys("<Shift-Tab>r");
    assert_eq!((bench.app.focus, bench.app.editing, bench.app.prompt.value().as_str()), (Focus::Prompt, true, "a blue five"));
    bench.keys("<Enter>");
    let grid = submitted(&mut bench);
    assert_eq!(grid.recipes, [bench.app.run(RunId(5)).unwrap().recipe.clone()]);
}

#[test]
fn strange_prompts_do_not_break_the_screen() {
    let strange =
        ["赤い三".repeat(40), "e\u{301}\u{327}".repeat(60), "👩‍👩‍👧‍👦🏳️‍🌈".repeat(20), "a\u{1b}[2Jb\u{7}\n\tc\u{202e}d".to_owned(), String::new()];
    for prompt in strange {
        for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
            let mut bench = Bench::with_engine(width, height);
            bench.develops(1, &prompt, 2);
            bench.finishes(1, &prompt);
            bench.keys("<Shift-Tab>");
            let reading = bench.screen();
            bench.keys("r");
            let screen = bench.screen();
            assert!(!screen.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !reading.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{screen}");
            let buffer = bench.buffer();
            let corner = &buffer[(width - 1, 1)];
            assert!(["╮", "┓"].contains(&corner.symbol()), "{width}: {:?}\n{screen}", corner.symbol());
            if prompt.contains('\u{1b}') {
                assert!(reading.contains("\\u{1b}"), "{reading}");
                assert!(screen.contains("3 hidden"), "{screen}");
            }
        }
    }
}

#[test]
fn a_long_range_is_counted_without_making_its_recipes() {
    let planned = |script: &str| Bench::with_engine(120, 40).keys(script).app.form.plan.clone();
    let plan = planned("<Tab>1..100<Down>2..5<Down>1..25").unwrap();
    assert_eq!((plan.runs, plan.pictures, plan.calls), (10_000, 10_000, 4 * 25 * 5050 * 2));
    assert!(planned("<Tab><Down>1..2<Down>1..10000").unwrap_err().message.contains("more than 10000 cells"));
    let wrong = planned("<Tab>1..2000").unwrap_err();
    assert_eq!(wrong.field.as_deref(), Some("steps"));
}
