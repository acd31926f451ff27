//! Everything at once, in any order.

use super::bench::{Bench, frame, run};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use darkroom::app::Input;
use darkroom::link::{Command, Doing, Event, Home, Model, News, Picture, PictureHead, PictureOf, PullEnd, Pulling};
use darkroom::recipe::{
    Axis, Bond, Cell, EXPERIMENTS, Foreign, Kin, Layer, LayerNumbers, Marks, Numbers, Point, Recipe, Relative, Run, RunId, State, Table,
};
use darkroom::ui;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ratatui::layout::Position;

const KEYS: [KeyCode; 19] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::F(1),
    KeyCode::F(2),
    KeyCode::F(3),
    KeyCode::F(4),
    KeyCode::Insert,
];
const STATES: [State; 7] = [State::Paused, State::Queued, State::Running, State::Done, State::Failed, State::Cancelled, State::Interrupted];
const TEXT: [char; 68] = [
    'P', 'K', 'J', '<', '>', 'd', 'd', 'v', 'v', ' ', '+', '-', '[', ']', 'w', 'w', 'o', 'd', 'l', 'o', 'f', 'z', ']', 'm', 'v', 'w', 'u',
    'U', '3', 'e', 'x', 'x', 'p', 'b', 'n', 's', 'N', 'q', 'c', 'r', 'T', '?', 'i', 'z', '0', '7', ',', '.', ' ', '赤', '\u{301}', '👩',
    '\u{1b}', 'g', 'g', 'g', '/', '#', 't', 'R', 'D', 'U', 'v', 'd', 'y', '*', '5', ' ',
];

fn key(rng: &mut ChaCha8Rng) -> KeyEvent {
    let held = [KeyModifiers::NONE, KeyModifiers::NONE, KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT];
    let code =
        if rng.random_bool(0.5) { KEYS[rng.random_range(0..KEYS.len())] } else { KeyCode::Char(TEXT[rng.random_range(0..TEXT.len())]) };
    KeyEvent::new(code, held[rng.random_range(0..held.len())])
}

/// Numbers as no engine would send them.
fn numbers(rng: &mut ChaCha8Rng, id: i64) -> Numbers {
    let value = |rng: &mut ChaCha8Rng| [0.0, -1e300, f64::NAN, f64::INFINITY, 0.5][rng.random_range(0..5)];
    let layers = (0..rng.random_range(0..8)).map(|at| LayerNumbers {
        layer: Layer::ALL[at % Layer::ALL.len()],
        min: value(rng),
        max: value(rng),
        mean: value(rng),
        std: value(rng),
    });
    let layers = layers.collect();
    let steps = (0..rng.random_range(0..9)).map(|_| rng.random_range(0..u32::MAX)).collect();
    Numbers { run: RunId(id), index: rng.random_range(0..4), t: 5, steps, thresholds: vec![1.5; rng.random_range(0..9)], layers }
}

/// A step as no training would make it.
fn point(rng: &mut ChaCha8Rng, step: u32) -> Point {
    let value = |rng: &mut ChaCha8Rng| [0.0, -1.0, f32::NAN, f32::INFINITY, 0.03, 0.5, 1e-30, 1e30][rng.random_range(0..8)];
    let step = [step, step, step, 1 << 20, u32::MAX][rng.random_range(0..5)];
    Point { step, epoch: rng.random_range(0..9), loss: value(rng), rate: value(rng), ms: value(rng) }
}

/// A sweep, now and then one as no engine would send it.
fn table(rng: &mut ChaCha8Rng) -> Table {
    let axis = |rng: &mut ChaCha8Rng| {
        let values = (0..rng.random_range(0..6)).map(|at| ["赤".repeat(at), "\u{1b}[2J".into(), "7".repeat(30)][at % 3].clone()).collect();
        Axis { field: ["seed", "赤\u{1b}", ""][rng.random_range(0..3)].into(), values }
    };
    let axes: Vec<Axis> = (0..rng.random_range(0..5)).map(|_| axis(rng)).collect();
    let count = axes.iter().map(|axis| axis.values.len()).product::<usize>();
    let count = if rng.random_bool(0.2) { rng.random_range(0..40) } else { count };
    let number = [1, 7, -1, i64::MAX / 700][rng.random_range(0..4)];
    let state = |rng: &mut ChaCha8Rng| (rng.random_range(0..9) < 7).then(|| STATES[rng.random_range(0..STATES.len())]);
    let cells = (1..=count as i64).map(|id| Cell { run: RunId(id * number), state: state(rng) }).collect();
    Table { first: RunId(number), axes, cells }
}

fn model(rng: &mut ChaCha8Rng, at: u32) -> Model {
    let home = [Home::BuiltIn, Home::Folder, Home::Cache][at as usize % 3];
    let name = format!("赤\u{1b}/{}", "x".repeat(rng.random_range(0..60)));
    let missing = vec!["text encoder".to_owned(); rng.random_range(0..3)];
    let side = rng.random_bool(0.5).then(|| rng.random());
    Model { path: name.repeat(9), name, home, bytes: rng.random(), side, enlarges: rng.random(), missing }
}

/// A download as no hub would make it.
fn pulling(rng: &mut ChaCha8Rng) -> Pulling {
    let bytes = |rng: &mut ChaCha8Rng| [0, 1, 1 << 30, u64::MAX][rng.random_range(0..4)];
    let all = [Doing::Asks, Doing::Fetches, Doing::Fetches, Doing::Waits("\u{1b}[2J".into()), Doing::Checks, Doing::Stops];
    Pulling {
        repository: ["a/b", "", "/", "赤/赤"][rng.random_range(0..4)].into(),
        file: "f".repeat(rng.random_range(0..90)),
        at: bytes(rng),
        size: bytes(rng),
        number: rng.random(),
        of: rng.random(),
        bytes: bytes(rng),
        total: bytes(rng),
        doing: all[rng.random_range(0..all.len())].clone(),
    }
}

fn news(rng: &mut ChaCha8Rng) -> News {
    let id = rng.random_range(1..30);
    let state = STATES[rng.random_range(0..STATES.len())];
    let (step, of) = (rng.random_range(0..40), rng.random_range(0..40));
    let recipe = recipe(EXPERIMENTS[of as usize % EXPERIMENTS.len()]);
    let some = |id| Run {
        recipe: recipe.clone(),
        step,
        of,
        took_ms: Some(5),
        error: (step % 2 == 0).then(|| "it broke".into()),
        grid: (step % 3 > 0).then_some(RunId(1)),
        ..run(id, "a 赤 three", state)
    };
    match rng.random_range(0..33) {
        0 => News::Lost { reason: "The engine stopped.".into() },
        1 => News::NoEngine { reason: "The disk is full.".into() },
        2 => News::Event(Event::Hello {
            protocol: 1 + step / 30,
            version: "9".into(),
            pid: 1,
            started_ms: 0,
            pace_ms: Some(2.0),
            places: vec![],
            workspace: "/work".into(),
            heard: None,
        }),
        3 => News::Event(Event::Queue { runs: (0..step as i64 / 4).map(|at| some(id + at)).collect() }),
        4 | 5 => News::Event(Event::Run { run: some(id) }),
        6 => {
            News::Event(Event::Step { run: RunId(id), index: step, of, t: 999, ms: [0.0, 3.0, f64::NAN, f64::INFINITY][step as usize % 4] })
        }
        7 => News::Event(Event::History { search: String::new(), runs: (1..id).rev().map(some).collect(), total: 10 }),
        8 => News::Event(Event::Error { text: "no such run\u{1b}[2J".into() }),
        9 => News::Picture(frame(id, step.min(33))),
        10 => {
            let head = PictureHead { run: RunId(id), what: PictureOf::Frame { index: step, t: 1 }, width: u32::MAX, height: step };
            News::Picture(Picture { head, rgb: vec![0; 9].into() })
        }
        11 | 12 => News::Event(Event::Numbers { numbers: numbers(rng, id) }),
        13 | 14 => {
            let layer = Layer::ALL[step as usize % Layer::ALL.len()];
            let what = PictureOf::Layer { index: step / 10, layer };
            let head = PictureHead { run: RunId(id), what, width: 8, height: 8 };
            News::Picture(Picture { head, rgb: vec![7; 192 - usize::from(step == 9)].into() })
        }
        // The first few requests of an easel have these numbers.
        15 | 16 => {
            let (width, height) = [(32, 32), (1, 1), (64, 40), (300, 200)][step as usize % 4];
            let head = PictureHead { run: RunId(0), what: PictureOf::Input { ticket: of % 8 }, width, height };
            News::Picture(Picture { head, rgb: vec![7; width as usize * height as usize * 3].into() })
        }
        17 => News::Event(Event::Kept { ticket: of % 8, image: format!("drawing@sha256:{}", "0a".repeat(32)) }),
        19 | 20 => {
            let point = point(rng, step);
            News::Event(Event::Taught { run: RunId(id), point, per_epoch: of * (step % 3), memory: Some(u64::from(step) << 28) })
        }
        21 => News::Event(Event::Sampled { run: RunId(id), index: [step, u32::MAX][of as usize % 2] }),
        22 | 23 => {
            let points = (0..step).map(|at| point(rng, at)).collect();
            News::Event(Event::Curve { run: RunId(id), points, more: of % 2 == 0 })
        }
        24 => {
            let what = PictureOf::Missing { index: step, side: darkroom::app::LARGE };
            let head = PictureHead { run: RunId(id), what, width: 0, height: 0 };
            News::Picture(Picture { head, rgb: [].into() })
        }
        25 => News::Event(Event::Models { models: (0..of).map(|at| model(rng, at)).collect() }),
        26 | 27 => News::Event(Event::Pulling { pull: pulling(rng) }),
        28 => {
            let end = [PullEnd::Done, PullEnd::Failed, PullEnd::Stopped][step as usize % 3];
            News::Event(Event::Pulled { repository: "a/b".into(), end, text: "no \u{1b}[2J such thing ".repeat(of as usize) })
        }
        // The first few questions for a table have these numbers.
        29 => News::Event(Event::Table { ticket: of % 8, table: table(rng) }),
        30 => News::Event(Event::Gone { runs: vec![RunId(id), RunId(step.into())] }),
        31 => News::Event(Event::Order { runs: (0..of as i64).map(|at| RunId(30 - at)).collect() }),
        32 => News::Event(Event::Held { held: step % 2 == 0 }),
        18 if step % 2 == 0 => News::Event(Event::Failed { ticket: of % 8, text: "no such picture".into() }),
        _ => News::Event(Event::Stopping),
    }
}

/// What is told of a gallery: answers to the last question, not always to the point.
fn gallery_news(rng: &mut ChaCha8Rng, tickets: [u32; 3]) -> Event {
    let stray = rng.random_bool(0.1).then(|| rng.random_range(0..9));
    let [ticket, of_kin, of_table] = tickets.map(|ticket| stray.unwrap_or(ticket));
    let number = |rng: &mut ChaCha8Rng| [0, 1, 20, 1000, u64::MAX][rng.random_range(0..5)];
    let foreign = Foreign { program: "\u{1b}[2J".into(), unmapped: vec!["赤: \u{7}".repeat(9); 30], ..Foreign::default() };
    let marks = Marks { star: rng.random(), rating: rng.random(), tags: vec!["赤\u{1b}".into(); rng.random_range(0..40)] };
    let kept = |id: i64| Run {
        recipe: recipe(EXPERIMENTS[id as usize % EXPERIMENTS.len()]),
        grid: (id % 3 == 0).then_some(RunId(id / 2)),
        foreign: (id % 5 == 0).then(|| Box::new(foreign.clone())),
        marks: if id % 2 == 0 { marks.clone() } else { Marks::default() },
        note: (id % 7 == 0).then(|| "a\nb\u{1b}".repeat(30)),
        created_ms: [0, i64::MAX, i64::MIN][id as usize % 3],
        ..run(id, "", State::Done)
    };
    match rng.random_range(0..9) {
        7 => Event::Table { ticket: of_table, table: table(rng) },
        0..4 => {
            let first = rng.random_range(1..60);
            let runs = (first..first + rng.random_range(0..30)).rev().map(kept).collect();
            Event::Found { ticket, from: if rng.random_bool(0.6) { 0 } else { number(rng) }, runs, total: number(rng) }
        }
        4 => kin_of(rng, of_kin),
        5 => Event::Failed { ticket, text: "'\u{1b}[2J' is no filter ".repeat(rng.random_range(1..20)) },
        6 => Event::Gone { runs: (0..rng.random_range(0..9)).map(|_| RunId(rng.random_range(0..60))).collect() },
        _ => Event::Run { run: kept(rng.random_range(1..60)) },
    }
}

fn kin_of(rng: &mut ChaCha8Rng, ticket: u32) -> Event {
    let relative = |rng: &mut ChaCha8Rng| Relative { run: RunId(rng.random_range(0..40)), how: Bond::Step(rng.random()) };
    let (from, made) = (rng.random_range(0..3), rng.random_range(0..30));
    let kin = Kin { from: (0..from).map(|_| relative(rng)).collect(), made: (0..made).map(|_| relative(rng)).collect() };
    Event::Kin { ticket, run: RunId(1), kin }
}

fn recipe(experiment: &str) -> Recipe {
    let fields = if experiment == "upscale" { vec![("model".to_owned(), "IF-II".to_owned())] } else { Vec::new() };
    Recipe::parse(experiment, &fields).unwrap()
}

#[test]
fn twenty_thousand_keys_clicks_and_resizes_do_no_harm() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut bench = Bench::with_engine(120, 40);
    let (mut tickets, mut grids, mut singles, mut tables) = ([0; 3], 0, 0, 0);
    for at in 0..20_000 {
        match rng.random_range(0..100) {
            0..70 => bench.input(Input::Key(key(&mut rng))),
            70..72 => {
                let kind = [
                    MouseEventKind::Down(MouseButton::Left),
                    MouseEventKind::Drag(MouseButton::Left),
                    MouseEventKind::Up(MouseButton::Left),
                ];
                let (column, row) = (rng.random_range(0..220), rng.random_range(0..70));
                let mouse = MouseEvent { kind: kind[rng.random_range(0..3)], column, row, modifiers: KeyModifiers::NONE };
                let stroke = ui::stroke(&bench.app, bench.area(), mouse);
                stroke.into_iter().for_each(|stroke| bench.input(Input::Stroke(stroke)));
            }
            // A drawing is begun, and begun again where the last was put aside.
            72 if bench.app.overlay.is_none() && !bench.app.is_covered() && !bench.app.gallery.open => {
                bench.takes_up("inpaint").types(["image", "mask"][at % 2], "").keys("<Ctrl-d>");
                bench.looks([32, 200][at % 2], |x, y| [x as u8, y as u8, 9]);
            }
            72..78 => {
                let spot = Position::new(rng.random_range(0..220), rng.random_range(0..70));
                let (area, down) = (bench.area(), rng.random());
                let click = ui::target(&bench.app, area, spot).map(Input::Click);
                let wheel = ui::pane(&bench.app, area, spot).map(|pane| Input::Wheel { pane, down });
                click.or(wheel).into_iter().for_each(|input| bench.input(input));
                // Now and then the mouse goes on with its button down.
                if rng.random_bool(0.3) {
                    let spot = Position::new(rng.random_range(0..220), rng.random_range(0..70));
                    bench.input(Input::Drag(ui::target(&bench.app, area, spot)));
                    if rng.random() {
                        bench.input(Input::Drop);
                    }
                }
            }
            78..80 => bench.resize(rng.random_range(1..210), rng.random_range(1..65)),
            80..82 => bench.input(Input::Paste("1..4\r\n赤\u{1b}[31m".into())),
            82..84 => bench.input(Input::Tick(rng.random())),
            84..90 => {
                bench.event(gallery_news(&mut rng, tickets));
                // Chance alone seldom gets further than the grid.
                if bench.app.gallery.open && rng.random_bool(0.5) {
                    bench.engine_starts();
                    bench.keys(["<Enter>", "v"][at % 2]);
                    let asked = bench.sent.iter().rev().find_map(|command| match command {
                        Command::Kin { ticket, .. } => Some(*ticket),
                        _ => None,
                    });
                    asked.into_iter().for_each(|ticket| bench.event(kin_of(&mut rng, ticket)));
                }
            }
            _ => bench.input(Input::News(news(&mut rng))),
        }
        if at % 20 == 0 {
            bench.draw();
        }
        if at % 200 == 0 {
            bench.answers();
        }
        for command in &bench.sent {
            match command {
                Command::Find { ticket, .. } => tickets[0] = *ticket,
                Command::Kin { ticket, .. } => tickets[1] = *ticket,
                Command::Table { ticket, .. } => tickets[2] = *ticket,
                _ => {}
            }
        }
        let gallery = &bench.app.gallery;
        grids += usize::from(gallery.open && gallery.pages.runs().count() > 1);
        tables += usize::from(bench.app.shown_table().is_some_and(|sweep| sweep.table.is_some()));
        singles += usize::from(gallery.open && gallery.relations().is_some());
        // A real engine would see these; what matters is that they do not pile up here.
        bench.sent.retain(|command| matches!(command, Command::Picture { .. }));
        if at % 1000 == 999 {
            // A fresh start now and then: a long prompt is slow to wrap, and that is all it would show.
            bench.app = Bench::with_engine(120, 40).app;
        }
    }
    assert!(grids > 300 && singles > 100, "the chaos was in the gallery {grids} and in one run {singles} times");
    assert!(tables > 20, "it was in the table of a sweep {tables} times");
}
