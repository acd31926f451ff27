//! An engine on another machine, and a terminal that only watches.

use crate::bench::{Bench, NOON, key};
use darkroom::app::{App, Engine, Focus, Input, Start};
use darkroom::link::{Command, Event, News};
use darkroom::recipe::{RunId, State};

fn begins(host: Option<&str>, watches: bool) -> Bench {
    let mut bench = Bench::new(80, 24);
    let start = Start { themes: bench.app.themes.clone(), host: host.map(str::to_owned), watches, ..Start::default() };
    bench.app = App::new(start);
    bench.input(Input::Tick(NOON));
    bench
}

fn lost(reason: &str) -> Input {
    Input::News(News::Lost { reason: reason.to_owned() })
}

#[test]
fn a_connection_that_is_lost_says_so_and_what_was_typed_and_asked_meanwhile_is_still_there() {
    let mut bench = begins(Some("ada@box"), false);
    bench.engine_starts();
    bench.develops(1, "a red three", 3);
    assert!(bench.screen().lines().next().unwrap().contains("on ada@box"), "{}", bench.screen());
    bench.input(lost("connection lost, trying again (ssh: Connection reset by peer)"));
    bench.keys(" and a blue seven<Enter>");
    let screen = bench.screen();
    insta::assert_snapshot!(screen);
    assert!(matches!(&bench.sent()[..], [.., Command::Submit { .. }]), "the wire keeps it");
    bench.engine_starts();
    assert!(matches!(bench.app.engine, Engine::Up { .. }));
    assert!(bench.app.log.lines.iter().any(|line| line.text == "The connection to ada@box is there again."));
    assert!(bench.screen().contains("and a blue seven"));
}

#[test]
fn a_terminal_that_only_watches_sees_everything_and_changes_nothing() {
    let mut bench = begins(None, true);
    bench.engine_starts();
    bench.develops(1, "a red three", 12);
    bench.input(Input::News(News::Picture(crate::bench::frame(1, 11))));
    insta::assert_snapshot!(bench.screen());
    bench.sent();
    for keys in ["<Enter>", "c", "<Space>", ".", "n", "s", "i", "x<Enter>", "w", "mp", "<Esc><Tab><Tab><Tab>", "c", "rabc<Enter>"] {
        bench.keys(keys);
        bench.screen();
    }
    bench.input(Input::Paste("a prompt".into()));
    let changes: Vec<_> = bench.sent().into_iter().filter(Command::changes).collect();
    assert_eq!(changes, []);
    assert!(bench.app.log.lines.iter().any(|line| line.text.contains("only watches")));
    bench.keys("<Esc><Esc><Tab><Enter>");
    assert!(!bench.app.editing);
    bench.keys("<Esc>q");
    assert!(bench.left, "and leaves without a question, though a run goes on");
}

#[test]
fn in_the_gallery_it_looks_and_changes_nothing() {
    let mut bench = begins(None, true);
    bench.engine_starts();
    let all: Vec<_> = (1..=5).rev().map(|id| crate::bench::run(id, "a red three", State::Done)).collect();
    crate::gallery::opened(&mut bench, &all);
    assert!(bench.app.gallery.open && bench.app.gallery.picked().is_some());
    for keys in ["*", "5", "t", "<Tab>", "D", "<Del>", "u", "R", "n", "s", "<Enter>*5tDuRns<Esc>"] {
        bench.keys(keys);
        let gallery = &bench.app.gallery;
        assert!(gallery.tagging.is_none() && all.iter().all(|run| !gallery.is_leaving(run.id)), "{keys}");
        assert!(bench.app.overlay.is_none(), "{keys}");
    }
    bench.keys("*");
    assert!(bench.screen().contains("This terminal only watches"), "{}", bench.screen());
    assert_eq!(bench.sent().into_iter().filter(Command::changes).count(), 0);
    bench.keys("<Space><Right><Space>d");
    assert!(bench.app.compare.is_some(), "what is looked at is its own");
    bench.keys("<Esc>/");
    bench.input(Input::Paste("seven".into()));
    assert_eq!(bench.app.gallery.filter.text(), "seven");
    bench.keys("<Esc><Esc>g<Tab>");
    for id in [1, 2] {
        bench.event(Event::Run { run: crate::bench::run(id + 10, "a blue four", State::Queued) });
    }
    while bench.app.focus != Focus::Queue {
        bench.keys("<Tab>");
    }
    bench.sent();
    bench.keys("JKP");
    bench.input(Input::Click(darkroom::app::Target::Queued(RunId(11))));
    assert_eq!(bench.app.queue.drag, None);
    assert_eq!(bench.sent().into_iter().filter(Command::changes).count(), 0);
}

/// Nothing is left to the last sieve, behind which the terminal's own state would already be another.
#[test]
fn no_key_of_the_table_gets_as_far_as_a_command_that_changes_something() {
    let all: Vec<_> = (1..=5).rev().map(|id| crate::bench::run(id, "a red three", State::Done)).collect();
    let mut bench = begins(None, true);
    bench.engine_starts();
    bench.develops(9, "a red three", 3);
    bench.event(Event::Run { run: crate::bench::run(10, "a blue four", State::Failed) });
    crate::gallery::opened(&mut bench, &all);
    bench.keys("<Space><Right><Space>");
    for open in ["", "<Tab><Tab><Tab>", "g", "g<Enter>", "gd", "x", "m"] {
        for binding in darkroom::app::keys::BINDINGS {
            bench.keys(&"<Esc>".repeat(6)).keys(open);
            let key = crossterm::event::KeyEvent::new(binding.code, binding.held);
            let for_others = bench.app.binding(key).is_none_or(|meant| !bench.app.has_use(meant.action));
            let told = |bench: &Bench| bench.app.log.lines.iter().filter(|line| line.text.contains("only watches")).count();
            let before = told(&bench);
            bench.input(Input::Key(key));
            assert!(told(&bench) == before || for_others, "{open} {:?}", binding.action);
            assert_eq!(bench.sent().into_iter().filter(Command::changes).count(), 0);
        }
    }
}

#[test]
fn its_footer_and_its_panes_offer_only_what_it_can_do() {
    let mut bench = begins(None, true);
    bench.engine_starts();
    bench.develops(1, "a red three", 2);
    for pane in [Focus::Prompt, Focus::Parameters, Focus::Preview, Focus::Queue, Focus::Log, Focus::History] {
        while bench.app.focus != pane {
            bench.keys("<Tab>");
        }
        let offered: Vec<_> = bench.app.footer().iter().map(|binding| binding.words).collect();
        for not in ["develop", "type", "cancel the selected job", "pause, go on", "note", "new line"] {
            assert!(!offered.contains(&not), "{pane:?}: {not}");
        }
        assert!(offered.contains(&"leave") && offered.contains(&"next pane"), "{pane:?}");
    }
}

#[test]
fn without_an_engine_it_waits_for_one() {
    let mut bench = begins(None, true);
    bench.input(Input::News(News::NoEngine { reason: "there is no engine to watch; this terminal waits for one".into() }));
    let screen = bench.screen();
    assert!(screen.lines().next().unwrap().contains("there is no engine to watch; this terminal waits for one"), "{screen}");
    bench.input(Input::Key(key("Enter")));
    assert_eq!(bench.sent().iter().filter(|command| command.changes()).count(), 0);
    bench.engine_starts();
    assert!(bench.screen().lines().next().unwrap().contains("watching"));
    bench.event(Event::Step { run: RunId(1), index: 0, of: 34, t: 990, ms: 1.0 });
    assert_eq!(bench.app.queue.runs.iter().filter(|run| run.state == State::Running).count(), 0);
}
