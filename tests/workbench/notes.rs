//! Notes on runs, and files made of them.

use super::bench::{Bench, run};
use darkroom::app::{App, Input, NoteDraft, Overlay, Start};
use darkroom::link::{Command, Event};
use darkroom::recipe::{Export, Recipe, Run, RunId, State};

fn noted(note: &str) -> Run {
    Run { step: 34, of: 34, took_ms: Some(612), note: Some(note.into()), ..run(1, "one", State::Done) }
}

#[test]
fn a_note_is_written_shown_and_changed() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.sent();
    bench.keys("<Shift-Tab>nq? richer<Alt-Enter>detail<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(1), text: "q? richer\ndetail".into() }]);
    assert!(bench.app.overlay.is_none() && !bench.left);
    bench.event(Event::Run { run: noted("q? richer\ndetail") });
    let screen = bench.screen();
    assert!(screen.contains("✎ q? richer") && screen.contains("1✎"), "{screen}");
    bench.keys("n!<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(1), text: "q? richer\ndetail!".into() }]);
}

#[test]
fn a_draft_waits_for_its_run() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.finishes(2, "two");
    bench.sent();
    bench.keys("<Shift-Tab>nhalf a thought<Esc><Right>nother<Esc><Left>n");
    assert!(bench.screen().contains("half a thought"));
    bench.keys("<Ctrl-q>");
    assert!(bench.left, "and the way out is open");
    bench.sent();
    bench.keys("<Esc>n<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(2), text: "half a thought".into() }]);
    bench.keys("<Right>n<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(1), text: "other".into() }]);
}

#[test]
fn a_note_is_safe_before_it_is_saved_and_until_the_gallery_has_it() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.keys("<Shift-Tab>nricher<Esc>");
    let draft = |text: Option<&str>| NoteDraft { run: RunId(1), text: text.map(str::to_owned) };
    assert_eq!(bench.notes, [draft(Some("richer"))]);
    bench.keys("n in detail");
    assert_eq!(bench.notes.last(), Some(&draft(Some("richer in "))), "a word at a time");
    bench.input(Input::End);
    assert_eq!(bench.notes.last(), Some(&draft(Some("richer in detail"))), "a hangup");
    bench.keys("n<Enter>");
    bench.event(Event::Error { text: "The disk is full.".into() });
    let drafts = std::mem::take(&mut bench.notes);
    bench.keys("n");
    assert!(bench.screen().contains("richer in detail"), "it was not saved");

    // After a kill it is there again, until the gallery has it.
    let notes = vec![drafts.last().unwrap().clone()];
    bench.app = App::new(Start { themes: vec!["one".into()], notes, ..Start::default() });
    bench.engine_starts();
    bench.finishes(1, "one");
    bench.keys("<Shift-Tab>n");
    assert!(bench.screen().contains("richer in detail"));
    bench.keys("<Enter>");
    bench.event(Event::Run { run: noted("richer in detail") });
    assert_eq!(bench.notes, [draft(None)]);
    bench.event(Event::Run { run: noted("changed elsewhere") });
    bench.keys("n<Esc>n");
    assert!(bench.screen().contains("changed elsewhere"), "a note that was only looked at is no draft");
}

#[test]
fn a_note_takes_pasted_text_and_no_stray_click() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.sent();
    bench.keys("<Esc>n");
    bench.input(Input::Paste("two\r\nlines\u{1b}[2J".into()));
    bench.input(Input::Click(darkroom::app::Target::Finished(RunId(1))));
    assert_eq!(bench.app.overlay, Some(Overlay::Note));
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [Command::Note { run: RunId(1), text: "two\nlines[2J".into() }]);
}

#[test]
fn the_menu_offers_what_can_be_made() {
    for (key, what) in [("s", Export::Sheet), ("g", Export::Gif), ("a", Export::Apng)] {
        let mut bench = Bench::with_engine(120, 40);
        bench.finishes(1, "one");
        bench.sent();
        bench.keys("<Shift-Tab>s");
        assert!(!bench.screen().contains("turning"));
        bench.keys("t");
        assert_eq!(bench.sent(), [], "one picture has nothing to turn to");
        bench.keys(key);
        assert_eq!((bench.sent(), bench.app.overlay), (vec![Command::Export { run: RunId(1), what }], None));
    }
}

#[test]
fn an_anagram_turns() {
    let mut bench = Bench::with_engine(120, 40);
    let pairs = [("prompt", "six"), ("prompt", "nine"), ("view", "identity"), ("view", "rotate-180")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let recipe = Recipe::parse("anagram", &pairs).unwrap();
    bench.event(Event::Run { run: Run { recipe, step: 34, of: 34, ..run(1, "", State::Done) } });
    bench.sent();
    bench.keys("<Shift-Tab>s");
    assert!(bench.screen().contains("turning from view to view"));
    bench.keys("t");
    assert_eq!(bench.sent().last(), Some(&Command::Export { run: RunId(1), what: Export::Turning }));
}

#[test]
fn a_note_being_written() {
    super::screens::keep("a_note_being_written", |bench| {
        bench.event(Event::Run { run: noted("steps 34: the three leans to the left") });
        bench.answers();
        bench.keys("<Shift-Tab>n, as it does with 50");
    });
}

#[test]
fn the_files_of_a_run() {
    super::screens::keep("the_files_of_a_run", |bench| {
        bench.event(Event::Run { run: noted("steps 34: the three leans to the left") });
        bench.answers();
        bench.keys("<Shift-Tab>s");
    });
}
