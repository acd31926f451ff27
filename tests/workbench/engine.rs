//! What the engine says, and what comes of it.

use super::bench::{Bench, frame, run};
use darkroom::app::{Engine, Input, LARGE, Source};
use darkroom::link::{Command, Event, Loading, News, PROTOCOL, Phase, Picture, PictureHead, PictureOf};
use darkroom::preview::{Graphics, Slot};
use darkroom::recipe::{Recipe, Run, RunId, State};
use darkroom::theme::Depth;

fn asked_for_frames(bench: &mut Bench) -> usize {
    bench.sent().iter().filter(|command| matches!(command, Command::NextFrame { .. })).count()
}

#[test]
fn a_viewer_asks_for_the_history_and_for_frames_of_the_run_that_develops() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Queue { runs: vec![run(1, "one", State::Running), run(2, "two", State::Queued)] });
    let sent = bench.sent();
    assert!(matches!(&sent[0], Command::History { before: None, search, .. } if search.is_empty()), "{sent:?}");
    assert_eq!(sent[1..], [Command::NextFrame { run: RunId(1) }]);
}

#[test]
fn the_next_frame_is_asked_for_once_the_last_is_on_the_screen() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: run(1, "one", State::Running) });
    assert_eq!(asked_for_frames(&mut bench), 1);
    bench.input(Input::News(News::Picture(frame(1, 0))));
    assert_eq!(asked_for_frames(&mut bench), 0);
    bench.draw();
    assert_eq!(asked_for_frames(&mut bench), 1);
    bench.draw();
    bench.input(Input::Shown(Source::Frame { run: RunId(1), index: 0 }));
    assert_eq!(asked_for_frames(&mut bench), 0, "one frame, one request");
}

#[test]
fn a_frame_that_nobody_would_see_is_not_asked_for() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.event(Event::Run { run: run(2, "two", State::Running) });
    bench.keys("<Shift-Tab>");
    bench.screen();
    bench.sent();
    bench.input(Input::News(News::Picture(frame(2, 0))));
    bench.screen();
    assert_eq!(asked_for_frames(&mut bench), 0, "the first run is looked at");
    bench.keys("N");
    bench.screen();
    assert_eq!(asked_for_frames(&mut bench), 1);
}

#[test]
fn old_frames_never_cover_newer_ones() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(2, "two", 0);
    bench.input(Input::News(News::Picture(frame(2, 5))));
    bench.draw();
    bench.sent();
    // A frame that is dropped is settled as well; that of another run is no answer.
    for (stale, asked) in [(frame(2, 4), 1), (frame(2, 5), 1), (frame(1, 30), 0)] {
        bench.input(Input::News(News::Picture(stale)));
        assert_eq!(bench.newest_frame(2), Some(Source::Frame { run: RunId(2), index: 5 }));
        assert_eq!(asked_for_frames(&mut bench), asked);
    }
    bench.finishes(2, "two");
    bench.screen();
    let kept = Source::Kept { run: RunId(2), index: 0, side: LARGE };
    assert_eq!(bench.shelf.shown(Slot::Preview), [kept]);
    bench.input(Input::News(News::Picture(frame(2, 33))));
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview), [kept], "the run is over");
}

#[test]
fn the_last_frame_stays_until_the_kept_picture_is_here() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    bench.screen();
    bench.event(Event::Run { run: Run { step: 34, of: 34, ..run(1, "one", State::Done) } });
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview), [Source::Frame { run: RunId(1), index: 2 }]);
    assert!(bench.sent().contains(&Command::Picture { run: RunId(1), index: 0, side: LARGE }));
}

#[test]
fn several_pictures_are_shown_together_and_one_by_one() {
    let mut bench = Bench::with_engine(120, 40);
    let recipe = Recipe::parse("sample", &[("count".into(), "3".into())]).unwrap();
    bench.event(Event::Run { run: Run { recipe, step: 34, of: 34, ..run(1, "", State::Done) } });
    bench.answers();
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview).len(), 3);
    bench.keys("<Tab><Tab><Down><Down>");
    let screen = bench.screen();
    assert!(screen.contains("picture 2 of 3"), "{screen}");
    assert_eq!(bench.shelf.shown(Slot::Preview), [Source::Kept { run: RunId(1), index: 1, side: LARGE }]);
    bench.keys("<Down><Down><Up><Up><Up>");
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview).len(), 3);
}

#[test]
fn a_picture_that_cannot_be_read_is_a_sentence() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: run(1, "one", State::Done) });
    bench.screen();
    let head = PictureHead { run: RunId(1), what: PictureOf::Missing { index: 0, side: LARGE }, width: 0, height: 0 };
    bench.input(Input::News(News::Picture(Picture { head, rgb: Vec::new().into() })));
    bench.sent();
    let screen = bench.screen();
    assert!(screen.contains("The picture of 1 cannot be read."), "{screen}");
    assert!(!bench.sent().contains(&Command::Picture { run: RunId(1), index: 0, side: LARGE }), "once is enough");
}

#[test]
fn a_picture_with_too_few_bytes_is_left_out() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: run(1, "one", State::Running) });
    let mut short = frame(1, 0);
    short.rgb = short.rgb[..100].into();
    bench.input(Input::News(News::Picture(short)));
    assert_eq!(bench.newest_frame(1), None);
    bench.screen();
}

#[test]
fn the_status_line_tells_step_time_and_what_is_left() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 13);
    for (width, height) in [(80, 24), (120, 40)] {
        bench.resize(width, height);
        let screen = bench.screen();
        assert!(screen.contains("t 630 · step 13 of 34 · 0.2 s + 0.4 s left"), "{screen}");
    }
}

#[test]
fn the_loading_of_the_model_is_no_pace() {
    let mut bench = Bench::with_engine(120, 40);
    let known = bench.app.pace_ms["tiny-if"];
    bench.event(Event::Run { run: run(1, "one", State::Running) });
    bench.event(Event::Step { run: RunId(1), index: 0, of: 34, t: 990, ms: 4000.0 });
    let left = |bench: &Bench| bench.app.queue.left_ms(bench.app.queue.current().unwrap());
    assert_eq!((bench.app.pace_ms["tiny-if"], left(&bench)), (known, None));
    bench.event(Event::Step { run: RunId(1), index: 1, of: 34, t: 960, ms: 20.0 });
    assert_eq!(left(&bench), Some(640.0));
    assert!(bench.app.pace_ms["tiny-if"] < 20.0);
}

#[test]
fn without_an_engine_no_run_shows_the_picture_of_another() {
    let mut bench = Bench::with_engine(120, 40);
    let runs = vec![run(2, "two", State::Done), run(1, "one", State::Done)];
    bench.event(Event::History { search: String::new(), runs, total: 2 });
    bench.answers();
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    bench.keys("<Shift-Tab>");
    bench.screen();
    assert_eq!(bench.shelf.shown(Slot::Preview), [Source::Kept { run: RunId(2), index: 0, side: LARGE }]);
    bench.keys("<Right>");
    let screen = bench.screen();
    assert!(bench.shelf.shown(Slot::Preview).is_empty() && screen.contains("The picture of 1 cannot be shown"), "{screen}");
}

#[test]
fn with_the_engine_goes_the_clock_and_jobs_wait() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 3);
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    assert_eq!((bench.app.queue.progress(RunId(1)), bench.app.queue.current()), (None, None));
    bench.keys("<Enter><Ctrl-q>");
    let screen = bench.screen();
    assert!(screen.contains("1 job waits for the next engine"), "{screen}");
    assert_eq!(bench.app.log.lines.back().unwrap().text, "Waits for the engine.");
}

#[test]
fn a_run_that_begins_again_shows_its_new_frames() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(1, "one", 20);
    bench.event(Event::Run { run: run(1, "one", State::Queued) });
    bench.develops(1, "one", 3);
    assert_eq!(bench.newest_frame(1), Some(Source::Frame { run: RunId(1), index: 2 }));
}

#[test]
fn a_reader_of_the_history_keeps_the_run_when_another_is_done() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.keys("<Shift-Tab>");
    bench.finishes(2, "two");
    bench.keys("r");
    assert_eq!(bench.app.prompt.value(), "one");
}

#[test]
fn the_preview_stands_still_only_while_the_history_is_read() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.develops(2, "two", 3);
    let footer = |bench: &mut Bench| bench.screen().lines().last().unwrap().to_owned();
    bench.resize(80, 24);
    bench.keys("<Shift-Tab>");
    assert!(footer(&mut bench).contains("N newest") && bench.app.on_view().unwrap().id == RunId(1));
    bench.keys("<Tab><Esc>");
    assert!(!footer(&mut bench).contains("N newest") && bench.app.on_view().unwrap().id == RunId(2));
}

#[test]
fn noise_comes_with_a_sentence() {
    let mut bench = Bench::with_engine(120, 40);
    bench.finishes(1, "one");
    bench.screen();
    bench.event(Event::Run { run: run(2, "two", State::Running) });
    let screen = bench.screen();
    assert!(screen.contains("2 begins from pure noise"), "{screen}");
    assert!(bench.shelf.shown(Slot::Preview).is_empty(), "the old run's picture is not the new run's");
}

#[test]
fn a_dead_engine_is_told_and_the_next_enter_works() {
    let mut bench = Bench::with_engine(120, 40);
    bench.develops(142, "a red three", 12);
    bench.input(Input::News(News::Lost { reason: "The engine stopped (killed, signal 9).".into() }));
    let screen = bench.screen();
    assert_eq!(screen.matches("killed, signal 9").count(), 2, "in the header and in the log\n{screen}");
    bench.sent();
    bench.keys("<Enter>");
    assert!(matches!(bench.sent()[..], [Command::Submit { .. }]));
    bench.engine_starts();
    assert!(matches!(bench.app.engine, Engine::Up { .. }));
    bench.event(Event::Run { run: run(142, "a red three", State::Running) });
    assert!(bench.sent().contains(&Command::NextFrame { run: RunId(142) }));
    bench.input(Input::News(News::NoEngine { reason: "The workspace is read-only.".into() }));
    assert!(bench.screen().contains("no engine: The workspace is read-only."));
}

#[test]
fn a_failed_run_is_a_row_with_its_reason_and_a_line_in_the_log() {
    let mut bench = Bench::with_engine(120, 40);
    let error = Some("the disk is full".to_owned());
    bench.event(Event::Run { run: run(7, "seven", State::Running) });
    for _ in 0..2 {
        bench.event(Event::Run { run: Run { error: error.clone(), ..run(7, "seven", State::Failed) } });
    }
    let screen = bench.screen();
    assert!(screen.contains("✗ 7 seven") && screen.contains("7 failed: the disk is full. In the queue, Enter"), "{screen}");
    assert_eq!(bench.app.log.lines.iter().filter(|line| line.text == "7 failed: the disk is full.").count(), 1);
}

#[test]
fn the_history_is_fetched_as_far_as_it_is_walked() {
    let mut bench = Bench::with_engine(120, 40);
    let page = |ids: std::ops::Range<i64>| ids.rev().map(|id| run(id, "x", State::Done)).collect::<Vec<_>>();
    bench.event(Event::History { search: String::new(), runs: page(151..251), total: 250 });
    bench.screen();
    bench.sent();
    bench.keys("<Shift-Tab><Right>");
    assert_eq!(bench.sent(), [], "not before it is near");
    bench.keys("<End><Left>");
    assert!(matches!(bench.sent()[..], [Command::History { before: Some(RunId(151)), .. }]), "asked once");
    bench.event(Event::History { search: String::new(), runs: page(51..151), total: 250 });
    assert_eq!((bench.app.history.runs.len(), bench.app.history.total), (200, 250));
    assert_eq!(bench.app.history.selected().unwrap().id, RunId(152), "the selection stays");
}

#[test]
fn only_pictures_in_sight_are_asked_for() {
    let mut bench = Bench::with_engine(120, 40);
    let runs = (1..=100).rev().map(|id| run(id, "x", State::Done)).collect();
    bench.event(Event::History { search: String::new(), runs, total: 100 });
    bench.sent();
    bench.draw();
    let asked = bench.sent().iter().filter(|command| matches!(command, Command::Picture { .. })).count();
    assert!((2..=16).contains(&asked), "{asked}");
}

#[test]
fn a_pixel_picture_is_not_drawn_under_an_overlay_and_comes_back() {
    for graphics in [Graphics::Kitty, Graphics::Sixel, Graphics::Iterm2] {
        let mut bench = Bench::with_engine(120, 40);
        bench.in_pixels(graphics);
        bench.develops(1, "one", 3);
        let drawn = |bench: &mut Bench| {
            bench.draw();
            let (places, cover) = (darkroom::ui::places(&bench.app, bench.area()), darkroom::ui::cover(&bench.app, bench.area()));
            places.iter().filter(|place| bench.shelf.get(place.slot, place.area, cover).is_some()).count()
        };
        assert_eq!(drawn(&mut bench), 1, "{graphics:?}");
        bench.keys("<F1>");
        assert_eq!(drawn(&mut bench), 0, "{graphics:?}");
        bench.keys("<Esc>");
        assert_eq!(drawn(&mut bench), 1, "{graphics:?}");
    }
}

#[test]
fn no_picture_touches_the_last_row() {
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let mut bench = Bench::with_engine(width, height);
        bench.develops(1, "one", 20);
        bench.finishes(2, "two");
        for place in darkroom::ui::places(&bench.app, bench.area()) {
            assert!(place.area.bottom() < height && place.area.right() <= width && !place.area.is_empty(), "{place:?}");
        }
    }
}

#[test]
fn a_roomy_screen_shows_about_every_fifth_step() {
    let mut bench = Bench::with_engine(200, 60);
    bench.develops(1, "one", 34);
    let screen = bench.screen();
    for t in [990, 840, 690, 540, 390, 240, 90, 0] {
        assert!(screen.contains(&format!("t {t}")), "t {t}\n{screen}");
    }
}

#[test]
fn a_step_changes_pictures_in_the_strip_and_no_spots() {
    let mut bench = Bench::with_engine(200, 60);
    let slots = |bench: &Bench| darkroom::ui::places(&bench.app, bench.area()).iter().map(|place| place.slot).collect::<Vec<_>>();
    bench.develops(1, "one", 12);
    let before = slots(&bench);
    bench.steps(1, 12);
    assert_eq!(slots(&bench), before);
    assert!(before.contains(&Slot::Step(3)), "{before:?}");
}

#[test]
fn without_colours_there_are_none() {
    let mut bench = Bench::with_engine(120, 40);
    bench.depth = Depth::Mono;
    bench.develops(1, "one", 3);
    let plain = |cell: &ratatui::buffer::Cell| cell.fg == ratatui::style::Color::Reset && cell.bg == ratatui::style::Color::Reset;
    assert!(bench.buffer().content.iter().all(plain));
    assert!(bench.screen().contains("┏") && bench.screen().contains('▒'), "weights and shades remain");
}

#[test]
fn while_the_model_is_loaded_it_is_told_how_far_it_is() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = Bench::with_engine(width, height);
        bench.event(Event::Run { run: Run { of: 0, ..run(1, "one", State::Running) } });
        let loads = |bench: &mut Bench, phase| {
            let loading = Loading { model: "IF-I-XL-v1.0".into(), phase };
            bench.event(Event::Loading { run: RunId(1), loading });
            bench.screen()
        };
        let screen = loads(&mut bench, Phase::TextEncoder(43));
        assert!(screen.contains("loading IF-I-XL-v1.0: text encoder 43 %") && screen.contains("● begins"), "{screen}");
        assert!(loads(&mut bench, Phase::Prompts).contains("loading IF-I-XL-v1.0: reading the prompt"));
        let screen = loads(&mut bench, Phase::Network(7));
        assert!(screen.contains("loading IF-I-XL-v1.0: network 7 %") && !screen.contains("43 %"), "{screen}");
        bench.steps(1, 0);
        assert!(!bench.screen().contains("loading"), "it is loaded");
        // Stage II has a model of its own.
        assert!(loads(&mut bench, Phase::Network(50)).contains("network 50 %"));
        bench.event(Event::Run { run: run(1, "one", State::Paused) });
        assert!(!bench.screen().contains("loading"));
    }
}

#[test]
fn a_loading_model_is_told_in_the_queue_too_and_a_strange_name_is_not_obeyed() {
    let mut bench = Bench::with_engine(120, 40);
    bench.event(Event::Run { run: run(1, "one", State::Running) });
    bench.event(Event::Run { run: run(2, "two", State::Running) });
    let loads = |id, percent| {
        let loading = Loading { model: "IF\u{1b}[2J".into(), phase: Phase::TextEncoder(percent) };
        Event::Loading { run: RunId(id), loading }
    };
    bench.event(loads(1, 7));
    bench.event(loads(2, 100));
    let screen = bench.screen();
    assert!(screen.contains("loading IF\\u{1b}[2J: text encoder 7 %") && screen.contains("│   text encoder 100 %"), "{screen}");
}

#[test]
fn the_header_says_where_the_engine_computes_where_there_is_room() {
    let header = |places: &[&str], (width, height): (u16, u16)| {
        let mut bench = Bench::with_engine(width, height);
        let places = places.iter().map(|place| place.to_string()).collect();
        let started_ms = super::bench::NOON - 3 * 3_600_000;
        bench.event(Event::Hello {
            protocol: PROTOCOL,
            version: "0.1.0".into(),
            pid: 7,
            started_ms,
            pace_ms: None,
            places,
            workspace: "/work".into(),
            heard: None,
        });
        bench.screen().lines().next().unwrap().to_owned()
    };
    assert!(header(&["cpu f32"], (120, 40)).contains("tiny-if · cpu f32 · engine up 3 h"));
    assert!(header(&["cuda f16", "cuda f16"], (120, 40)).contains(" · 2 × cuda f16 · "));
    assert!(header(&["cpu f32", "cuda f16", "cuda f16"], (120, 40)).contains(" · cpu f32 · 2 × cuda f16 · "));
    assert!(header(&["cuda f16", "cuda f16"], (80, 24)).contains(" · 2 × cuda f16 · "));
    let narrow = header(&["cuda f16", "cuda f16"], (60, 16));
    assert!(!narrow.contains("cuda") && narrow.contains("engine up 3 h"), "{narrow}");
}
