//! The one table of keys.

use super::bench::{Bench, frame, run};
use crossterm::event::KeyEvent;
use darkroom::app::keys::{BINDINGS, Binding, Context};
use darkroom::app::{Focus, Input, Overlay};
use darkroom::link::{Command, Event, News};
use darkroom::recipe::{Run, RunId, State};

/// A workbench where a context holds.
fn within(context: Context) -> Bench {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.finishes(2, "two");
    let stopped = |bench: &mut Bench| bench.event(Event::Run { run: run(3, "three", State::Interrupted) });
    let script = match context {
        Context::Anywhere | Context::Field | Context::Prompt => "",
        Context::Outside => "<Esc>",
        Context::Parameters => "<Tab>",
        Context::Choice => "<Tab><Down><Down><Down><Down><Down>",
        Context::Image => {
            bench.takes_up("edit").types("image", "");
            ""
        }
        Context::Easel => {
            bench.draws("edit", "image", 32);
            ""
        }
        Context::Preview => "<Tab><Tab>",
        Context::Queue => "<Tab><Tab><Tab>",
        Context::Stopped => {
            stopped(&mut bench);
            "<Tab><Tab><Tab>"
        }
        Context::Log => "<Tab><Tab><Tab><Tab>",
        Context::History => "<Shift-Tab>",
        Context::Large => "<Shift-Tab><Enter>",
        Context::Help => "<F1>",
        Context::Picker => "<F2>",
        Context::Model => {
            bench.types("model", "");
            ""
        }
        Context::Models => "<F3>",
        Context::Gallery | Context::Picked | Context::Filtered | Context::Filter | Context::Single | Context::Tag => {
            super::gallery::opened(&mut bench, &super::gallery::runs(2));
            match context {
                Context::Filtered => "/two<Enter>",
                Context::Filter => "/",
                Context::Single => "<Enter>",
                Context::Tag => "t",
                _ => "",
            }
        }
        Context::Pull => "<F3>p",
        Context::Table => {
            bench.event(Event::Run { run: Run { grid: Some(RunId(4)), ..super::bench::done(4, "sample", &[]) } });
            "<Shift-Tab>v"
        }
        Context::Compare => "<Shift-Tab><Space><Right><Space>d",
        Context::Inspector => "<Tab><Tab>x",
        Context::Note => "<Esc>n",
        Context::Export => "<Esc>s",
        Context::Training | Context::Watch | Context::Curves => {
            for id in [3, 4] {
                bench.event(Event::Run { run: super::bench::done(id, "train-class", &[]) });
            }
            match context {
                Context::Training => "<Shift-Tab>",
                Context::Watch => "<Esc>w",
                _ => "<Esc>wo",
            }
        }
        Context::Question => {
            bench.develops(3, "three", 1);
            "<Ctrl-q>"
        }
    };
    bench.keys(script);
    bench
}

fn event(binding: &Binding) -> KeyEvent {
    KeyEvent::new(binding.code, binding.held)
}

#[test]
fn every_key_of_the_table_is_reached_where_it_says() {
    for binding in BINDINGS {
        let bench = within(binding.context);
        assert!(bench.app.contexts().contains(&binding.context), "{binding:?}");
        let found = bench.app.binding(event(binding));
        // Where the context is a wide one, a nearer one may have another use for the key.
        let narrow = !matches!(binding.context, Context::Anywhere | Context::Outside | Context::Field);
        assert!(found.is_some_and(|found| found.action == binding.action || !narrow), "{binding:?} {found:?}");
    }
}

#[test]
fn no_key_stands_twice_in_one_context() {
    for (at, one) in BINDINGS.iter().enumerate() {
        let twice = BINDINGS[at + 1..].iter().find(|other| event(other) == event(one) && other.context == one.context);
        assert!(twice.is_none(), "{one:?} {twice:?}");
    }
}

#[test]
fn the_help_has_every_key() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<F1>");
    let mut seen = String::new();
    for _ in 0..400 {
        seen += &bench.screen();
        bench.keys("<Down>");
    }
    for binding in BINDINGS {
        let line = seen.lines().find(|line| line.contains(&format!("  {} ", binding.key())) && line.contains(binding.words));
        assert!(line.is_some() && seen.contains(binding.context.title()), "{binding:?}");
    }
}

#[test]
fn the_footer_is_never_wrong() {
    for binding in BINDINGS {
        let mut bench = within(binding.context);
        let last = bench.screen().lines().last().unwrap().to_owned();
        assert!(last.contains("keys") || bench.app.overlay.is_some(), "{last}");
        for shown in bench.app.footer() {
            assert_eq!(bench.app.binding(event(shown)).map(|found| found.action), Some(shown.action), "{:?}", binding.context);
        }
    }
}

#[test]
fn tab_goes_round_and_shift_tab_back() {
    let mut bench = Bench::with_engine(80, 24);
    for pane in [Focus::Parameters, Focus::Preview, Focus::Queue, Focus::Log, Focus::History, Focus::Prompt] {
        bench.keys("<Tab>");
        assert_eq!((bench.app.focus, bench.app.editing), (pane, pane.is_field()));
        assert!(bench.screen().contains(pane.title()));
    }
    bench.keys("<Shift-Tab>");
    assert_eq!(bench.app.focus, Focus::History);
}

#[test]
fn a_recipe_on_a_small_screen_is_no_tab() {
    let mut bench = Bench::with_engine(80, 24);
    bench.finishes(1, "one");
    bench.keys("<Tab><Tab><Tab><Tab><Tab>");
    let screen = bench.screen();
    assert!(screen.contains(" Recipe ") && !screen.contains(" Log "), "{screen}");
    let title = ratatui::layout::Position::new(20, 6);
    assert_eq!(darkroom::ui::target(&bench.app, bench.area(), title), Some(darkroom::app::Target::Pane(Focus::Parameters)));
}

#[test]
fn letters_are_commands_only_outside_a_field() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("q?");
    assert!(!bench.left && bench.app.overlay.is_none() && bench.app.prompt.value().ends_with("q?"));
    bench.keys("<Esc>T?");
    assert_eq!((bench.app.theme, bench.app.overlay), (1, Some(Overlay::Help(0))));
    bench.keys("<Esc>i!");
    assert!(bench.app.prompt.value().ends_with("q?!"));
    bench.keys("<Esc>q");
    assert!(bench.left);
}

#[test]
fn leaving_asks_only_while_jobs_run() {
    for way in ["<Ctrl-q>", "<Ctrl-c>", "<Esc>q", "<F1><Esc><Ctrl-Q>", "<F1><Ctrl-q>", "<F1><Ctrl-c>"] {
        assert!(Bench::with_engine(120, 40).keys(way).left, "{way}");
        let mut bench = Bench::with_engine(120, 40);
        bench.develops(1, "one", 1);
        bench.event(Event::Run { run: run(2, "two", State::Queued) });
        assert!(!bench.keys(way).left, "{way}");
        assert!(bench.screen().contains("2 jobs go on in the engine; `darkroom` brings you back."));
        bench.keys("<Esc>");
        assert!(!bench.left && bench.app.overlay.is_none());
        bench.sent();
        assert!(bench.keys(way).keys("<Enter>").left);
        assert_eq!(bench.sent(), [], "leaving alone cancels nothing");
    }
}

#[test]
fn a_screen_that_is_too_small_still_asks() {
    let mut bench = Bench::with_engine(50, 12);
    bench.develops(1, "one", 1);
    bench.keys("<Ctrl-q>");
    let screen = bench.screen();
    assert!(screen.contains("1 job goes on in the engine") && screen.contains("[c] cancel it"), "{screen}");
}

#[test]
fn the_large_picture_takes_the_keys() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Esc>z");
    assert!(!bench.app.large && bench.app.focus == Focus::Prompt, "there is nothing to show");
    bench.finishes(1, "one");
    bench.keys("z");
    assert_eq!((bench.app.large, bench.app.focus), (true, Focus::Preview));
}

#[test]
fn enter_develops_in_an_empty_history() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<Shift-Tab><Enter>");
    assert!(bench.sent().iter().any(|command| matches!(command, Command::Submit { .. })));
}

#[test]
fn the_help_ends_where_its_last_line_is() {
    let mut bench = Bench::with_engine(120, 40);
    bench.keys("<F1>");
    bench.screen();
    bench.keys(&"<Down>".repeat(500));
    let end = bench.screen();
    bench.keys("<Up>");
    assert!(end.contains("the wheel scrolls") && bench.screen() != end, "{end}");
}

#[test]
fn leaving_can_cancel_every_job() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 1);
    bench.event(Event::Run { run: run(2, "two", State::Queued) });
    bench.event(Event::Run { run: run(3, "three", State::Failed) });
    bench.screen();
    bench.sent();
    bench.keys("<Ctrl-q>c");
    assert_eq!(bench.sent(), [Command::CancelAll]);
    assert!(bench.left);
}

#[test]
fn the_question_goes_away_with_the_last_job() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 1);
    bench.keys("<Ctrl-q>");
    bench.finishes(1, "one");
    assert_eq!(bench.app.overlay, None);
}

#[test]
fn c_cancels_the_selected_job_and_enter_resumes_a_stopped_one() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 1);
    bench.event(Event::Run { run: run(2, "two", State::Queued) });
    bench.event(Event::Run { run: run(3, "three", State::Interrupted) });
    bench.screen();
    bench.sent();
    bench.keys("<Tab><Tab><Tab>c<Down>c<Down>c");
    assert!(bench.app.log.lines.iter().any(|line| line.text == "1 is cancelled after this step."));
    assert_eq!(bench.sent(), [1, 2].map(|id| Command::Cancel { run: RunId(id) }), "a stopped run is not cancelled");
    assert!(bench.screen().lines().last().unwrap().contains("Enter resume"));
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [Command::Resume { run: RunId(3) }]);
}

#[test]
fn a_click_goes_to_a_pane_and_picks_what_lies_there() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.finishes(2, "two");
    bench.event(Event::Run { run: run(3, "three", State::Queued) });
    bench.event(Event::Run { run: run(4, "four", State::Queued) });
    for (words, focus) in [("Log", Focus::Log), ("four", Focus::Queue), ("guidance", Focus::Parameters), ("Preview", Focus::Preview)] {
        bench.clicks(words);
        assert_eq!(bench.app.focus, focus, "{words}");
    }
    assert_eq!(bench.app.queue.selected().unwrap().id, RunId(4));
    assert_eq!(bench.app.form.entry().unwrap().field.name, "guidance");
}

#[test]
fn theme_and_help_change_nothing_else() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    let before = bench.screen();
    bench.keys("<Esc>");
    let outside = bench.screen();
    bench.keys("TTTT?<Esc>");
    assert_eq!(bench.screen(), outside);
    bench.keys("i");
    assert_eq!(bench.screen(), before);
    assert!(bench.newest_frame(1).is_some());
    bench.input(Input::News(News::Picture(frame(1, 9))));
}
