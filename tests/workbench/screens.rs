//! Whole screens, looked at by eye and kept.

use super::bench::{Bench, done, run};
use darkroom::app::Input;
use darkroom::link::{Event, News};
use darkroom::recipe::{Run, State};
use darkroom::theme::Depth;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Keeps the screens of a scene at every size.
pub fn keep(name: &str, scene: impl Fn(&mut Bench)) {
    for (width, height) in SIZES {
        let mut bench = Bench::with_engine(width, height);
        scene(&mut bench);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), bench.screen());
    }
}

fn history(bench: &mut Bench) {
    for id in 130..=141 {
        bench.finishes(id, ["a red three", "a blue seven on a green background", "赤い三"][id as usize % 3]);
    }
}

#[test]
fn fresh_start() {
    keep("fresh_start", |_| ());
}

#[test]
fn before_the_engine_answers() {
    insta::assert_snapshot!(Bench::new(80, 24).screen());
}

#[test]
fn developing() {
    keep("developing", |bench| {
        history(bench);
        bench.event(Event::Log { time_ms: super::bench::NOON, text: "tiny-if is ready after 40 ms, 15 MB.".into() });
        bench.event(Event::Log { time_ms: super::bench::NOON + 2000, text: "142 begins.".into() });
        bench.develops(142, "a red three on a black background", 13);
        bench.event(Event::Run { run: run(143, "six or nine", State::Queued) });
        bench.event(Event::Run { run: run(144, "a yellow two", State::Queued) });
        let error = Some("tiny-if/unet: config.json asks for attention_type 'gated', which darkroom does not build.".into());
        bench.event(Event::Run { run: Run { error, ..run(139, "a grey one", State::Failed) } });
        bench.event(Event::Run { run: Run { step: 12, of: 34, ..run(138, "a grey one", State::Interrupted) } });
    });
}

#[test]
fn history_with_a_recipe() {
    keep("history_with_a_recipe", |bench| {
        history(bench);
        bench.keys("<Shift-Tab><Right><Right>");
        bench.answers();
    });
}

#[test]
fn large_picture() {
    keep("large_picture", |bench| {
        history(bench);
        bench.keys("<Shift-Tab><Right><Enter>");
        bench.answers();
    });
}

#[test]
fn an_error_in_a_field() {
    keep("an_error_in_a_field", |bench| {
        bench.keys("<Tab>0<Down>1,3,x<Enter>");
    });
}

#[test]
fn a_grid() {
    keep("a_grid", |bench| {
        bench.keys("<Tab><Down>1,3,7<Down>1..4");
    });
}

#[test]
fn the_experiments() {
    keep("the_experiments", |bench| {
        bench.keys("<F2><Down><Down><Down>");
    });
}

#[test]
fn inpaint_with_its_schedule() {
    keep("inpaint_with_its_schedule", |bench| {
        bench.takes_up("inpaint").types("steps", "250").types("jump-count", "10");
    });
}

#[test]
fn an_anagram() {
    keep("an_anagram", |bench| {
        bench.event(Event::Run { run: done(7, "anagram", &[("count", "2")]) });
        bench.answers();
        bench.takes_up("anagram").types("view", "");
    });
}

#[test]
fn forward() {
    keep("forward", |bench| {
        bench.event(Event::Run { run: done(7, "forward", &[]) });
        bench.event(Event::Run { run: Run { state: State::Queued, ..done(8, "hybrid", &[]) } });
        bench.event(Event::Run { run: Run { state: State::Paused, ..done(9, "blur", &[("t", "500")]) } });
        bench.answers();
        bench.takes_up("forward");
    });
}

#[test]
fn a_drawing() {
    keep("a_drawing", |bench| {
        // Without colours the pixels are shades, which a snapshot can hold.
        bench.depth = Depth::Mono;
        bench.draws("edit", "image", 32);
        bench.keys("2f<Space>1o<PgUp><Home><Space><PgDn><PgDn><End><End>");
    });
}

#[test]
fn a_mask() {
    keep("a_mask", |bench| {
        bench.depth = Depth::Mono;
        bench.takes_up("inpaint").types("mask", "").keys("<Ctrl-d>").looks(64, |x, y| [4 * x as u8, 4 * y as u8, 128]);
        bench.keys("r<PgUp><Home><Space><PgDn><PgDn><End><Space>");
    });
}

#[test]
fn the_recipe_of_an_anagram() {
    keep("the_recipe_of_an_anagram", |bench| {
        bench.event(Event::Run { run: done(7, "anagram", &[]) });
        bench.answers();
        bench.keys("<Shift-Tab>");
    });
}

#[test]
fn help() {
    keep("help", |bench| {
        bench.keys("<F1>");
    });
}

#[test]
fn leaving_while_jobs_run() {
    keep("leaving_while_jobs_run", |bench| {
        bench.develops(142, "a red three", 5);
        bench.event(Event::Run { run: run(143, "six or nine", State::Queued) });
        bench.keys("<Esc>q");
    });
}

#[test]
fn the_engine_is_lost() {
    keep("the_engine_is_lost", |bench| {
        bench.develops(142, "a red three", 12);
        let reason = "The engine stopped (killed, signal 9). 142 was at step 12; Enter on it resumes.".into();
        bench.input(Input::News(News::Lost { reason }));
    });
}

#[test]
fn too_small() {
    insta::assert_snapshot!(Bench::with_engine(59, 15).screen());
}

#[test]
fn the_smallest() {
    insta::assert_snapshot!(Bench::with_engine(60, 16).screen());
}
