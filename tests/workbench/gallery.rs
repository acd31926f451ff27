//! What keys and news do on the gallery screen. The gallery itself is played by a list of runs.

use super::bench::{Bench, NOON, done, run};
use darkroom::app::{Focus, Overlay, Relation};
use darkroom::link::{Command, Event, News, Picture, PictureHead, PictureOf};
use darkroom::recipe::{Axis, Bond, Cell, Foreign, Kin, Mark, Marks, Recipe, Relative, Run, RunId, State, Table};
use proptest::prelude::*;

/// Finished runs, the newest first.
pub fn runs(count: i64) -> Vec<Run> {
    // A recipe takes longer to read than to copy.
    let prompts = ["a red three", "a blue seven on a green background", "赤い三"];
    let kinds = prompts.map(|prompt| Run { step: 34, of: 34, took_ms: Some(612), ..run(7, prompt, State::Done) });
    (1..=count).rev().map(|id| Run { id: RunId(id), ..kinds[id as usize % 3].clone() }).collect()
}

/// What the tests' engine lets through: a number of a run, or words of a prompt. Other fields say nothing.
fn lets(filter: &str, run: &Run) -> bool {
    match filter.strip_prefix("run:") {
        Some(number) => run.id.0.to_string() == number,
        None => filter.split(' ').filter(|word| !word.contains("guidance")).all(|word| run.recipe.prompt().contains(word)),
    }
}

/// The answer of a gallery that holds these runs.
fn answer(command: &Command, all: &[Run]) -> Option<Event> {
    match command {
        Command::Find { ticket, filter, .. } if filter.contains('!') => {
            Some(Event::Failed { ticket: *ticket, text: format!("'{filter}' is no filter; a word or a field like seed:7 is.") })
        }
        Command::Find { ticket, filter, from, limit, .. } => {
            let found: Vec<_> = all.iter().filter(|run| lets(filter, run)).collect();
            let runs = found.iter().skip(*from as usize).take(*limit as usize).map(|run| (*run).clone()).collect();
            Some(Event::Found { ticket: *ticket, from: *from, runs, total: found.len() as u64 })
        }
        Command::Kin { ticket, run } => Some(Event::Kin { ticket: *ticket, run: *run, kin: kin(*run) }),
        _ => None,
    }
}

/// 20 came from 12, and 31 was made from it.
fn kin(run: RunId) -> Kin {
    let relative = |run, how| vec![Relative { run: RunId(run), how }];
    match run.0 {
        20 => Kin { from: relative(12, Bond::Step(12)), made: relative(31, Bond::Picture(1)) },
        31 => Kin { from: relative(20, Bond::Picture(1)), made: vec![] },
        12 => Kin { from: vec![], made: relative(20, Bond::Step(12)) },
        _ => Kin::default(),
    }
}

/// Answers everything that is asked until nothing is, and returns what else was sent.
pub fn serve(bench: &mut Bench, all: &[Run]) -> Vec<Command> {
    let mut rest = Vec::new();
    for _ in 0..200 {
        bench.draw();
        let drawn = bench.sent.len();
        bench.answers();
        let sent = bench.sent();
        if drawn == 0 && sent.is_empty() {
            return rest;
        }
        for command in sent {
            match answer(&command, all) {
                Some(event) => bench.event(event),
                None => rest.push(command),
            }
        }
    }
    panic!("the workbench asks and asks");
}

/// The gallery of these runs, as it is after its first moments.
pub fn opened(bench: &mut Bench, all: &[Run]) {
    bench.event(Event::History { search: String::new(), runs: all.iter().take(100).cloned().collect(), total: all.len() as u64 });
    bench.keys("<Esc>g");
    serve(bench, all);
}

fn opening(width: u16, height: u16, all: &[Run]) -> Bench {
    let mut bench = Bench::with_engine(width, height);
    opened(&mut bench, all);
    bench
}

fn picked(bench: &Bench) -> i64 {
    bench.app.gallery.picked_id().map_or(0, |id| id.0)
}

fn finds(commands: &[Command]) -> Vec<(&str, u64, u32)> {
    let find = |command| match command {
        &Command::Find { ref filter, from, limit, .. } => Some((filter.as_str(), from, limit)),
        _ => None,
    };
    commands.iter().filter_map(find).collect()
}

#[test]
fn g_opens_it_from_outside_a_field_and_f4_from_anywhere() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<F4>");
    assert!(bench.app.gallery.open && bench.screen().contains("The gallery is on its way."));
    serve(&mut bench, &[]);
    assert!(bench.screen().contains("Every finished run is kept here"), "{}", bench.screen());
    bench.keys("<Esc>x");
    assert!(!bench.app.gallery.open && bench.app.prompt.value().ends_with('x'), "the prompt is as it was");
    bench.keys("<Esc>gg");
    assert!(!bench.app.gallery.open);
}

#[test]
fn arrows_pages_and_ends_move_the_selection_and_the_row_stays_in_sight() {
    let all = runs(1000);
    let mut bench = opening(80, 24, &all);
    let (columns, rows) = (7, 3);
    assert_eq!(bench.app.gallery.sight(), 0..columns * rows);
    let mut place = |keys: &str| {
        bench.keys(keys);
        serve(&mut bench, &all);
        let gallery = &bench.app.gallery;
        assert!(gallery.sight().contains(&gallery.at));
        assert_eq!(gallery.picked_id(), Some(all[gallery.at as usize].id));
        gallery.at
    };
    assert_eq!((place("<Right><Right>"), place("<Left>"), place("<Up>")), (2, 1, 1));
    assert_eq!((place("<Down>"), place("<PgDn>")), (8, 29));
    assert_eq!(bench.app.gallery.sight(), 21..42, "a page key turns the page");
    let mut place = |keys: &str| {
        bench.keys(keys);
        serve(&mut bench, &all);
        bench.app.gallery.at
    };
    assert_eq!(place("<PgUp>"), 8);
    assert_eq!((place("<End>"), place("<Right><Down><PgDn>"), place("<Up>")), (999, 999, 992));
    assert_eq!(place("<Down>"), 999, "a last row that is not full has its last run below");
    assert_eq!((place("<Home>"), place("<Left><PgUp>")), (0, 0));
    let screen = bench.screen();
    assert!(screen.contains("1 000 runs · 1–21") && screen.contains(" 1000 a blue seven"), "{screen}");
}

#[test]
fn only_what_is_in_sight_and_around_it_is_kept_and_asked_for() {
    let all = runs(5000);
    let mut bench = opening(80, 24, &all);
    let most = 5 * 21 + 7;
    for keys in ["<PgDn><PgDn><PgDn>", "<End>", "<PgUp><PgUp>", "<Home>", "<Down><Down><Down><Down><Down>"] {
        bench.keys(keys);
        let asked = bench.sent.clone();
        assert!(finds(&asked).iter().all(|(_, _, limit)| *limit <= 21), "{asked:?}");
        serve(&mut bench, &all);
        let here = bench.app.gallery.pages.runs().count();
        assert!((37..=most).contains(&here), "{here} runs stay after {keys}");
        let pictures = bench.app.gallery.sight().filter(|place| *place < 5000).all(|place| {
            let run = bench.app.gallery.pages.get(place).unwrap();
            bench.app.pictures.get(bench.app.gallery.thumb(run)).is_some()
        });
        assert!(pictures, "{}", bench.screen());
    }
}

#[test]
fn one_request_is_under_way_however_fast_one_scrolls_and_what_is_in_sight_comes_first() {
    let all = runs(5000);
    let mut bench = opening(80, 24, &all);
    bench.keys("<End>");
    bench.draw();
    let first = bench.sent();
    assert_eq!(finds(&first), [("", 4984, 16)], "the last row has two");
    bench.keys("<Home>");
    bench.keys(&"<PgDn>".repeat(40));
    bench.draw();
    assert_eq!(finds(&bench.sent()), [], "the last one is not answered");
    bench.event(answer(&first[0], &all).unwrap());
    let next = bench.sent();
    let sight = bench.app.gallery.sight();
    assert_eq!(finds(&next), [("", sight.start, 21)], "all that lay between is not asked for");
    assert!(bench.screen().contains('·'), "what is not here has a quiet place");
    bench.event(answer(&next[0], &all).unwrap());
    assert_eq!(picked(&bench), all[40 * 21].id.0);
}

#[test]
fn thumbnails_in_sight_are_asked_for_before_all_others() {
    let all = runs(5000);
    let mut bench = opening(80, 24, &all);
    bench.keys("<End>");
    bench.draw();
    let command = bench.sent().into_iter().find(|command| matches!(command, Command::Find { .. })).unwrap();
    bench.event(answer(&command, &all).unwrap());
    bench.draw();
    let sight = bench.app.gallery.sight();
    let asked: Vec<_> = bench
        .sent()
        .into_iter()
        .filter_map(|command| match command {
            Command::Picture { run, side, .. } => Some((run, side)),
            _ => None,
        })
        .collect();
    let first: Vec<_> = sight.take(16).map(|place| (all[place as usize].id, 64)).collect();
    assert_eq!(asked, first);
}

#[test]
fn a_search_answers_while_it_is_typed_and_stale_answers_are_not_heard() {
    let all = runs(90);
    let mut bench = opening(120, 40, &all);
    bench.keys("<Right><Right>/bl");
    let first = bench.sent();
    assert_eq!(finds(&first).first().map(|find| find.0), Some("b"), "typed before the answer: {first:?}");
    bench.event(answer(&first[0], &all).unwrap());
    let second = bench.sent();
    assert_eq!(finds(&second)[0].0, "bl");
    bench.event(answer(&first[0], &all[..5]).unwrap());
    assert_eq!(bench.app.gallery.pages.total(), Some(30), "an answer that comes twice changes nothing");
    bench.event(answer(&second[0], &all).unwrap());
    bench.keys("ue");
    serve(&mut bench, &all);
    let screen = bench.screen();
    assert!(screen.contains("Filter: blue") && screen.contains("30 of 90 runs"), "{screen}");
    assert_eq!(picked(&bench), 88, "the newest that matches is selected");
    bench.keys("<Enter><Esc>");
    serve(&mut bench, &all);
    assert!(bench.app.gallery.open && bench.screen().contains("90 runs"), "Esc shows all again");
    bench.keys("<Esc>");
    assert!(!bench.app.gallery.open);
}

#[test]
fn a_filter_that_cannot_be_read_says_why_and_the_runs_stay() {
    let all = runs(90);
    let mut bench = opening(120, 40, &all);
    bench.keys("/red");
    serve(&mut bench, &all);
    bench.keys("!");
    serve(&mut bench, &all);
    let screen = bench.screen();
    assert!(screen.contains("'red!' is no filter") && screen.contains("30 of 90 runs"), "{screen}");
    bench.keys("<Enter><End>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 3, "one goes on in what is shown");
    bench.keys("/<Backspace>");
    assert_eq!(bench.app.gallery.filter.trouble, None, "that is what is shown");
    bench.keys("zzz");
    serve(&mut bench, &all);
    assert!(bench.screen().contains("No run is like that."), "{}", bench.screen());
}

#[test]
fn the_filter_and_the_selection_are_there_again_the_next_time() {
    let mut all = runs(90);
    let mut bench = opening(120, 40, &all);
    bench.keys("/red");
    serve(&mut bench, &all);
    bench.keys("<Enter><Right><Right>");
    let before = picked(&bench);
    bench.keys("g");
    all.insert(0, Run { recipe: all[0].recipe.clone(), ..run(93, "a red three", State::Done) });
    all.insert(0, run(96, "a red three", State::Done));
    bench.keys("g");
    serve(&mut bench, &all);
    assert_eq!((picked(&bench), bench.app.gallery.at), (before, 4), "its run is found again behind two that are new");
    assert_eq!(bench.app.gallery.filter.shown, "red");
}

#[test]
fn new_runs_and_changed_marks_move_nothing_from_under_the_selection() {
    let mut all = runs(40);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Right><Right><Right>");
    let before = picked(&bench);
    for id in [41, 42, 43] {
        let new = Run { took_ms: Some(5), ..run(id, "a grey one", State::Done) };
        bench.event(Event::Run { run: Run { state: State::Running, ..new.clone() } });
        all.insert(0, new.clone());
        bench.event(Event::Run { run: new });
        assert_eq!((picked(&bench), bench.app.gallery.pages.total()), (before, Some(id as u64)));
    }
    assert_eq!(bench.app.gallery.at, 6);
    assert_eq!(finds(&serve(&mut bench, &all)), [], "their places are known");
    let marks = Marks { star: true, rating: 4, tags: vec!["good".into()] };
    bench.event(Event::Run { run: Run { marks, ..all[6].clone() } });
    let screen = bench.screen();
    assert!(screen.contains("★4") && screen.contains("★ starred · rated 4 of 5 · #good"), "{screen}");
}

#[test]
fn what_another_viewer_deletes_is_gone_and_the_next_run_is_selected() {
    let all = runs(40);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Right><Right> ");
    bench.event(Event::Gone { runs: vec![RunId(38), RunId(40)] });
    assert_eq!((picked(&bench), bench.app.gallery.at, bench.app.gallery.pages.total()), (37, 1, Some(38)));
    assert_eq!((bench.app.marked.len(), bench.app.history.runs.len(), bench.app.history.total), (0, 38, 38));
    let left: Vec<_> = all.into_iter().filter(|run| ![38, 40].contains(&run.id.0)).collect();
    serve(&mut bench, &left);
    bench.keys("<Enter>");
    bench.event(Event::Gone { runs: vec![RunId(37)] });
    serve(&mut bench, &left);
    assert_eq!(picked(&bench), 36, "the open run is followed by the next");
}

#[test]
fn a_deleted_run_comes_back() {
    let mut all = runs(40);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Right><Right>D");
    let gone = RunId(38);
    assert_eq!(bench.sent(), [Command::Delete { runs: vec![gone] }]);
    assert_eq!(picked(&bench), 37, "the next one is selected");
    assert!(bench.screen().contains("38 goes into the trash; u takes it back."), "{}", bench.screen());
    let kept = all.remove(2);
    bench.event(Event::Gone { runs: vec![gone] });
    serve(&mut bench, &all);
    assert_eq!((picked(&bench), bench.app.gallery.at), (37, 2));
    assert!(bench.screen().lines().last().unwrap().contains("u out of the trash"));
    bench.keys("u");
    assert!(bench.sent().contains(&Command::Restore { runs: vec![gone] }));
    all.insert(2, kept.clone());
    bench.event(Event::Run { run: kept });
    serve(&mut bench, &all);
    assert_eq!((picked(&bench), bench.app.gallery.at), (38, 2), "and is selected again");
    assert_eq!(bench.app.gallery.pages.total(), Some(40));
    bench.sent();
    bench.keys("u");
    assert_eq!(bench.sent(), [], "there is nothing else in the trash from here");
}

#[test]
fn held_down_the_trash_key_takes_one_run_after_the_other() {
    let all = runs(10);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Del><Del><Del>");
    let deleted = [10, 9, 8].map(|id| Command::Delete { runs: vec![RunId(id)] });
    assert_eq!(bench.sent(), deleted);
    bench.event(Event::Error { text: "The disk is full.".into() });
    assert!(!bench.app.gallery.is_leaving(RunId(9)) && bench.screen().contains("The disk is full."));
}

#[test]
fn keys_mean_the_marked_runs_or_the_selected_one() {
    let all = runs(10);
    let mut bench = opening(120, 40, &all);
    bench.keys("*");
    assert_eq!(bench.sent(), [Command::Mark { runs: vec![RunId(10)], mark: Mark::Star(true) }]);
    bench.keys("<Right> <Right> 4");
    let marked = vec![RunId(9), RunId(8)];
    assert_eq!(bench.sent(), [Command::Mark { runs: marked.clone(), mark: Mark::Rate(4) }]);
    let screen = bench.screen();
    assert!(screen.contains("2 marked: the keys mean them") && screen.contains("◆9"), "{screen}");
    for run in &all[1..3] {
        bench.event(Event::Run { run: Run { marks: Marks { star: true, ..Marks::default() }, ..run.clone() } });
    }
    bench.keys("*");
    assert_eq!(bench.sent(), [Command::Mark { runs: marked, mark: Mark::Star(false) }], "all have one");
    bench.keys("<Enter>");
    serve(&mut bench, &all);
    bench.keys("0");
    assert_eq!(bench.sent(), [Command::Mark { runs: vec![RunId(8)], mark: Mark::Rate(0) }], "the open run alone");
    bench.keys("<Esc>UD");
    assert_eq!(bench.sent(), [Command::Delete { runs: vec![RunId(8)] }], "none is marked any more");
}

#[test]
fn a_marked_run_stays_known_however_far_one_scrolls() {
    let all = runs(5000);
    let mut bench = opening(80, 24, &all);
    bench.keys("<PgDn><PgDn><PgDn><PgDn><PgDn><PgDn>");
    serve(&mut bench, &all);
    bench.keys(" ");
    let id = bench.app.marked[0];
    bench.keys("<End>");
    serve(&mut bench, &all);
    assert!(bench.app.gallery.pages.place(id).is_none() && bench.app.run(id).is_some());
}

#[test]
fn a_tag_is_typed_or_offered_put_on_and_taken_off() {
    let mut all = runs(10);
    all[3].marks.tags = vec!["good".into(), "digits".into()];
    all[4].marks.tags = vec!["good".into()];
    let mut bench = opening(120, 40, &all);
    bench.keys("t");
    assert!(bench.screen().contains("Tag of 10: #") && bench.screen().contains("Tab: good, digits"), "{}", bench.screen());
    bench.keys("two words<Enter>");
    assert!(bench.screen().contains("'two words' is no tag: a tag is one word"), "{}", bench.screen());
    bench.keys("<Esc>t<Tab><Tab><Tab><Enter>");
    let tag = |run, mark: fn(String) -> Mark| Command::Mark { runs: vec![RunId(run)], mark: mark("good".into()) };
    assert_eq!(bench.sent(), [tag(10, Mark::Tag)]);
    bench.keys("<Right><Right><Right>tgood");
    assert!(bench.screen().contains("Enter takes it off."));
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [tag(7, Mark::Untag)]);
    bench.keys("t#d<Tab><Enter>");
    assert_eq!(bench.sent(), [Command::Mark { runs: vec![RunId(7)], mark: Mark::Untag("digits".into()) }]);
}

#[test]
fn r_puts_the_recipe_into_the_form_and_leaves_the_gallery() {
    let all = runs(10);
    let mut bench = opening(120, 40, &all);
    bench.keys("<Right>r");
    assert!(!bench.app.gallery.open);
    assert_eq!((bench.app.focus, bench.app.prompt.value()), (Focus::Prompt, all[1].recipe.prompt()));
}

#[test]
fn another_seed_is_the_next_that_none_has_tried() {
    let with = |id, seed: &str| {
        let fields = [("prompt".to_owned(), "a red three".to_owned()), ("seed".to_owned(), seed.to_owned())];
        Run { recipe: Recipe::parse("sample", &fields).unwrap(), ..run(id, "", State::Done) }
    };
    let all = vec![with(5, "9"), with(4, "8"), with(3, "7"), done(2, "blur", &[("seed", "10")])];
    let mut bench = opening(120, 40, &all);
    bench.keys("<Right><Right>");
    let mut seeds = || {
        bench.keys("R");
        let sent = bench.sent();
        let [Command::Submit { grid }] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((grid.recipes.len(), grid.recipes[0].prompt()), (1, "a red three".to_owned()));
        grid.recipes[0].seed()
    };
    assert_eq!((seeds(), seeds()), (10, 11), "8 and 9 were tried, and 10 just now");
    assert!(bench.screen().contains("3 is run again with seed 11."));
    assert!(bench.app.log.lines.iter().any(|line| line.text == "3 is run again with seed 10."));
}

#[test]
fn b_looks_inside_the_run_where_a_branch_begins() {
    let mut all = runs(3000);
    all[2000] = done(1000, "train-class", &[]);
    let mut bench = opening(80, 24, &all);
    bench.keys("<End>");
    serve(&mut bench, &all);
    bench.keys("b");
    assert!(!bench.app.gallery.open);
    assert_eq!((bench.app.pinned, bench.app.on_view().map(|run| run.id)), (Some(RunId(1)), Some(RunId(1))), "far from the history");
    assert!(bench.sent().iter().any(|command| matches!(command, Command::Inspect { run: RunId(1), .. })));
    bench.keys("<Esc><F4>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 1);
}

#[test]
fn the_path_of_a_run_goes_to_the_clipboard() {
    let mut bench = opening(120, 40, &runs(142));
    bench.keys("y");
    assert_eq!(bench.copied, ["/work/runs/000142"]);
    assert!(bench.screen().contains("/work/runs/000142"));
    bench.input(darkroom::app::Input::News(News::Lost { reason: "The engine stopped.".into() }));
    bench.keys("y");
    assert_eq!(bench.copied.len(), 1);
}

#[test]
fn a_note_and_the_files_of_a_run_have_their_windows() {
    let all = runs(200);
    let mut bench = opening(80, 24, &all);
    bench.keys("<End>");
    serve(&mut bench, &all);
    bench.keys("nIt glows.<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(1), text: "It glows.".into() }]);
    assert!(bench.notes.iter().all(|note| note.run == RunId(1)));
    bench.event(Event::Run { run: Run { note: Some("It glows.".into()), ..all[199].clone() } });
    assert_eq!(bench.notes.last().unwrap().text, None, "the draft is done with");
    assert!(bench.screen().contains("✎"));
    bench.keys("s");
    assert_eq!(bench.app.overlay, Some(Overlay::Export(RunId(1))));
}

#[test]
fn enter_opens_a_run_its_relatives_open_and_one_comes_back() {
    let all = runs(40);
    let mut bench = opening(120, 40, &all);
    bench.keys("/run:20");
    serve(&mut bench, &all);
    bench.keys("<Enter><Enter>");
    serve(&mut bench, &all);
    let screen = bench.screen();
    for words in ["came from 12, step 12", "31 works on picture 1", "1 run was made from it", "gallery · 1 of 1"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    bench.keys("<Down><Enter>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 31);
    assert!(bench.screen().contains("gallery · 20 ▸ 31"), "{}", bench.screen());
    bench.keys("<Enter>");
    serve(&mut bench, &all);
    bench.clicks("came from 12");
    serve(&mut bench, &all);
    assert!(bench.screen().contains("gallery · 20 ▸ 31 ▸ 20 ▸ 12"), "{}", bench.screen());
    bench.keys("<Backspace><Esc>");
    assert_eq!(picked(&bench), 31);
    bench.keys("<Esc>");
    serve(&mut bench, &all);
    assert_eq!((picked(&bench), bench.app.gallery.single.is_some()), (20, true));
    bench.keys("<Esc>");
    assert!(bench.app.gallery.open && bench.app.gallery.single.is_none());
}

#[test]
fn a_relative_far_away_is_asked_for_and_one_in_the_trash_is_told() {
    let mut all = runs(4000);
    let mut bench = opening(80, 24, &all);
    bench.keys("/run:20");
    serve(&mut bench, &all);
    bench.keys("<Enter><Enter>");
    serve(&mut bench, &all);
    all.retain(|run| run.id.0 != 31);
    bench.keys("<Down><Enter>");
    assert_eq!(finds(&bench.sent), [("run:31", 0, 1)]);
    serve(&mut bench, &all);
    assert!(bench.screen().contains("31 is not in the gallery"), "{}", bench.screen());
    bench.keys("<Up><Enter>");
    serve(&mut bench, &all);
    assert_eq!(bench.app.gallery.picked().map(|run| run.id), Some(RunId(12)));
}

#[test]
fn left_and_right_go_through_the_order_with_one_question_at_a_time() {
    let all = runs(300);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Enter>");
    bench.sent();
    bench.keys(&"<Right>".repeat(30));
    let kin = |commands: &[Command]| commands.iter().filter(|command| matches!(command, Command::Kin { .. })).count();
    assert!(kin(&bench.sent()) == 0, "the first is not answered");
    bench.event(Event::Kin { ticket: 0, run: RunId(1), kin: Kin::default() });
    serve(&mut bench, &all);
    bench.draw();
    assert_eq!((picked(&bench), bench.app.gallery.at), (270, 30));
    bench.keys("<Left><End><Home>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 300);
}

#[test]
fn a_cell_names_its_sweep_and_an_imported_picture_its_program() {
    let mut all = runs(3);
    all[0].grid = Some(RunId(2));
    all[1].foreign = Some(Box::new(Foreign {
        program: "A1111".into(),
        file: "castle.png".into(),
        unmapped: vec!["Sampler: Euler a".into()],
        ..Foreign::default()
    }));
    let mut bench = opening(120, 40, &all);
    bench.keys("<Enter>");
    serve(&mut bench, &all);
    assert_eq!(bench.app.gallery.relations(), Some(vec![Relation::Sweep(RunId(2))]));
    bench.keys("<Right>");
    serve(&mut bench, &all);
    let screen = bench.screen();
    for words in ["Made by A1111", "castle.png", "Sampler: Euler a", "from A1111"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
}

#[test]
fn the_mouse_selects_opens_scrolls_and_filters() {
    let all = runs(200);
    let mut bench = opening(120, 40, &all);
    bench.clicks("195");
    assert_eq!(picked(&bench), 195);
    bench.wheels("195", true);
    assert_eq!(picked(&bench), 195 - 9);
    bench.wheels("195", false);
    bench.clicks("195 ");
    assert!(bench.app.gallery.single.is_some());
    bench.keys("<Esc>");
    bench.clicks("Filter:");
    assert!(bench.app.gallery.filter.typing);
    bench.input(darkroom::app::Input::Paste("red\n\u{1b}[2J three".into()));
    assert_eq!(bench.app.gallery.filter.text(), "red [2J three");
}

#[test]
fn a_new_engine_is_asked_again_and_a_lost_one_leaves_what_is_here() {
    let all = runs(60);
    let mut bench = opening(80, 24, &all);
    bench.keys("<PgDn>");
    bench.sent();
    bench.input(darkroom::app::Input::News(News::Lost { reason: "The engine stopped.".into() }));
    bench.keys("<Right>");
    assert_eq!(bench.sent(), []);
    let before = picked(&bench);
    bench.engine_starts();
    assert!(!finds(&bench.sent).is_empty());
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), before);
}

#[test]
fn an_engine_that_cannot_answer_is_asked_once_a_key() {
    let all = runs(500);
    let mut bench = opening(80, 24, &all);
    bench.keys("<End>");
    for _ in 0..5 {
        for command in bench.sent() {
            if let Command::Find { ticket, .. } = command {
                bench.event(Event::Failed { ticket, text: "The index cannot be read.".into() });
            }
        }
        bench.draw();
    }
    assert_eq!(finds(&bench.sent), []);
    assert!(bench.screen().contains("The index cannot be read."));
    bench.keys("<Left>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 2);
}

#[test]
fn a_picture_that_cannot_be_read_says_so() {
    let mut bench = Bench::with_engine(80, 24);
    bench.keys("<F4>");
    bench.draw();
    let all = runs(3);
    let sent = bench.sent();
    sent.iter().filter_map(|command| answer(command, &all)).for_each(|event| bench.event(event));
    let head = PictureHead { run: RunId(3), what: PictureOf::Missing { index: 0, side: 64 }, width: 0, height: 0 };
    bench.input(darkroom::app::Input::News(News::Picture(Picture { head, rgb: [].into() })));
    assert!(bench.screen().contains("no picture"), "{}", bench.screen());
}

/// What happens to a gallery that is looked at.
#[derive(Clone, Debug)]
enum Turn {
    Keys(&'static str),
    Comes,
    Goes(usize),
    Changes(usize),
    Elsewhere,
}

fn turn() -> impl Strategy<Value = Turn> {
    let keys = prop::sample::select(vec![
        "<Right>",
        "<Down>",
        "<PgDn>",
        "<End>",
        "<Home>",
        "<Up>",
        "/r",
        "<Esc>",
        "<Backspace>",
        "<Enter>",
        "z",
        "g",
        "<F4>",
    ]);
    prop_oneof![
        6 => keys.prop_map(Turn::Keys),
        2 => Just(Turn::Comes),
        2 => (0usize..200).prop_map(Turn::Goes),
        1 => (0usize..200).prop_map(Turn::Changes),
        1 => Just(Turn::Elsewhere),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: once all is answered, what is shown is what there is.
    #[test]
    fn the_screen_comes_to_show_the_gallery_as_it_is(turns in prop::collection::vec(turn(), 1..40)) {
        let mut all = runs(120);
        let mut bench = opening(80, 24, &all);
        for turn in turns {
            match turn {
                Turn::Keys(keys) => drop(bench.keys(keys)),
                Turn::Comes => {
                    let new = run(all.first().map_or(1, |run| run.id.0 + 1), "a red three", State::Running);
                    bench.event(Event::Run { run: new.clone() });
                    let new = Run { state: State::Done, ..new };
                    all.insert(0, new.clone());
                    bench.event(Event::Run { run: new });
                }
                Turn::Goes(at) if at < all.len() => {
                    let id = all.remove(at).id;
                    bench.event(Event::Gone { runs: vec![id] });
                }
                Turn::Changes(at) if at < all.len() => {
                    all[at].marks.star ^= true;
                    bench.event(Event::Run { run: all[at].clone() });
                }
                Turn::Goes(_) | Turn::Changes(_) => {}
                // Another program has written to the gallery, and nobody says so.
                Turn::Elsewhere => {
                    let id = all.first().map_or(1, |run| run.id.0 + 1);
                    all.insert(0, Run { created_ms: NOON, ..run(id, "a red three", State::Done) });
                }
            }
        }
        bench.app.gallery.open.then(|| bench.keys("<F4>"));
        bench.keys("<F4>");
        prop_assume!(bench.app.gallery.open);
        serve(&mut bench, &all);
        let gallery = &bench.app.gallery;
        let found: Vec<_> = all.iter().filter(|run| lets(&gallery.filter.shown, run)).collect();
        prop_assert_eq!(gallery.pages.total(), Some(found.len() as u64));
        prop_assert_eq!(&gallery.filter.text(), &gallery.filter.shown);
        for place in gallery.sight().filter(|place| *place < found.len() as u64) {
            prop_assert_eq!(gallery.pages.get(place), Some(found[place as usize]));
        }
        prop_assert_eq!(gallery.picked_id(), found.get(gallery.at as usize).map(|run| run.id));
    }
}

/// The gallery with six runs, of which 2 to 5 are the cells of a sweep.
fn with_a_sweep() -> (Bench, Vec<Run>) {
    let mut all = runs(6);
    all.iter_mut().filter(|run| (2..=5).contains(&run.id.0)).for_each(|run| run.grid = Some(RunId(2)));
    let mut bench = opening(120, 40, &all);
    bench.keys("<Right><Right>v");
    let ticket = bench.sent.iter().rev().find_map(|command| match command {
        Command::Table { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let axis = |field: &str, values: [&str; 2]| Axis { field: field.into(), values: values.map(str::to_owned).to_vec() };
    let cells = (2..=5).map(|id| Cell { run: RunId(id), state: Some(State::Done) }).collect();
    let table = Table { first: RunId(2), axes: vec![axis("guidance", ["1", "5"]), axis("seed", ["7", "8"])], cells };
    bench.event(Event::Table { ticket: ticket.unwrap(), table });
    serve(&mut bench, &all);
    (bench, all)
}

#[test]
fn a_cell_of_a_sweep_opens_in_the_gallery_and_one_comes_back_to_the_table() {
    let (mut bench, all) = with_a_sweep();
    let table = |bench: &Bench| bench.app.shown_table().map(|sweep| sweep.cell().unwrap().run.0);
    assert_eq!(table(&bench), Some(4), "v shows its place in the sweep");
    bench.keys("<Up><Right><Enter>");
    serve(&mut bench, &all);
    assert!(bench.app.gallery.open && bench.app.gallery.single.is_some());
    assert_eq!((picked(&bench), table(&bench)), (3, None));
    bench.keys("<Right>");
    serve(&mut bench, &all);
    assert_eq!(picked(&bench), 4, "beside it is the next cell");
    bench.keys("<Right><Right><Right>");
    assert_eq!(picked(&bench), 5, "and behind the last nothing");
    bench.keys("v");
    assert_eq!(table(&bench), Some(5), "v goes back as Esc does");
    bench.keys("<Enter><Home><Esc>");
    assert_eq!(table(&bench), Some(2));
    bench.keys("<Esc>");
    assert!(bench.app.gallery.open && bench.app.gallery.single.is_none() && bench.app.sweep.is_none());
    assert_eq!(picked(&bench), 4, "where it was opened");
}

#[test]
fn a_table_that_was_opened_from_one_run_leads_back_to_it() {
    let (mut bench, all) = with_a_sweep();
    bench.keys("<Esc><Enter>");
    serve(&mut bench, &all);
    bench.keys("<Enter>");
    assert_eq!(bench.app.shown_table().map(|sweep| sweep.of), Some(RunId(4)), "its sweep is its first relative");
    bench.keys("<Esc>");
    assert!(bench.app.sweep.is_none() && bench.app.gallery.single.is_some());
    assert_eq!(picked(&bench), 4);
}

#[test]
fn a_cell_that_is_deleted_leaves_the_table_and_the_gallery_goes_on() {
    let (mut bench, all) = with_a_sweep();
    bench.keys("<Up><Right><Enter>");
    serve(&mut bench, &all);
    bench.keys("D");
    assert_eq!(bench.app.shown_table().map(|sweep| sweep.cell().unwrap().run.0), Some(3));
    bench.event(Event::Gone { runs: vec![RunId(3)] });
    bench.keys("<Enter>");
    assert!(bench.screen().contains("3 was deleted."), "{}", bench.screen());
    bench.keys("<Left><Enter>g");
    assert!(bench.app.sweep.is_none() && !bench.app.gallery.open, "who leaves the gallery has left the table");
}

#[test]
fn too_few_marks_are_told_in_the_gallery() {
    let all = runs(5);
    let mut bench = opening(80, 24, &all);
    bench.keys("<Space>d");
    assert!(bench.app.compare.is_none());
    assert!(bench.screen().contains("Mark two or more finished runs to compare them: Space marks one."), "{}", bench.screen());
    bench.keys("<Right><Space>d<Esc>");
    serve(&mut bench, &all);
    assert!(bench.app.gallery.open && bench.app.compare.is_none(), "a comparison leads back to the gallery");
}
