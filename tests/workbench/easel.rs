//! Drawing: keys and the mouse in, pixels out.

use super::bench::{Bench, NOON};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use darkroom::app::canvas::{Sheet, Tool, Touch};
use darkroom::app::{App, Draft, Input, Sketch, Start, Target};
use darkroom::link::{Command, Event, News};
use darkroom::recipe::{Colour, Fit};
use darkroom::ui;
use ratatui::{layout::Position, style::Color};

const HASH: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

fn value(bench: &Bench, name: &str) -> String {
    bench.app.form.entries.iter().find(|entry| entry.field.name == name).unwrap().value().to_owned()
}

fn sheet(bench: &Bench) -> &Sheet {
    &bench.app.easel.open.as_ref().unwrap().canvas.as_ref().unwrap().sheet
}

/// The pixels of a sheet a character each: `.` for the grey that a test's sheet begins with.
fn pixels(rgb: &[u8], width: usize) -> Vec<String> {
    let mark = |pixel: &[u8; 3]| match pixel {
        [128, 128, 128] => '.',
        [0, 0, 0] => '#',
        [255, 255, 255] => '+',
        _ => '?',
    };
    rgb.as_chunks::<3>().0.chunks(width).map(|row| row.iter().map(mark).collect()).collect()
}

fn ticket(command: &Command) -> u32 {
    match command {
        Command::Look { ticket, .. } | Command::Keep { ticket, .. } => *ticket,
        other => panic!("{other:?} has no ticket"),
    }
}

fn mouse(bench: &mut Bench, kind: MouseEventKind, (column, row): (u16, u16)) {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let stroke = ui::stroke(&bench.app, bench.area(), event);
    let click = || ui::target(&bench.app, bench.area(), Position::new(column, row)).map(Input::Click);
    stroke.map(Input::Stroke).or_else(click).into_iter().for_each(|input| bench.input(input));
}

/// Where a text stands on the screen.
fn find(bench: &mut Bench, words: &str) -> (u16, u16) {
    let screen = bench.screen();
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
    (line[..line.find(words).unwrap()].chars().count() as u16, row as u16)
}

#[test]
fn keys_draw_what_the_field_then_names() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("edit").types("image", "").keys("<Ctrl-d>");
    let asked = bench.sent().pop().unwrap();
    let Command::Look { image: None, model, background: Colour([255, 255, 255]), .. } = asked.clone() else { panic!("{asked:?}") };
    assert_eq!(model, "tiny-if");
    bench.sent.push(asked);
    bench.looks(8, |_, _| [128; 3]);
    // From the middle: a line right, a rectangle's corner, a fill.
    bench.keys("<Space><Right><Right><Space>r<Left><Left><Left><Left><Up><Up><Space><Down><Right><Space>2f<PgUp><Space><Enter>");
    let kept = bench.sent().pop().unwrap();
    let Command::Keep { name, width: 8, height: 8, rgb, .. } = &kept else { panic!("{kept:?}") };
    assert_eq!(name, "drawing");
    assert_eq!(pixels(&rgb.0, 8), ["++++++++", "++++++++", "++##++++", "++##++++", "++++###+", "++++++++", "++++++++", "++++++++"]);
    assert!(bench.screen().contains("is being saved"));
    bench.keys("p<Space>");
    assert_eq!(sheet(&bench).to_rgb(), rgb.0, "what is on its way is not drawn on");
    let image = format!("drawing@sha256:{HASH}");
    bench.event(Event::Kept { ticket: ticket(&kept), image: image.clone() });
    assert!(bench.app.easel.open.is_none());
    assert_eq!(value(&bench, "image"), image);
    assert!(bench.drafts.iter().all(|draft| draft.sheet.is_some()), "a form is gone with its terminal");
    bench.keys("<Enter>");
    assert_eq!(bench.drafts.last().unwrap().sheet, None, "a run has it");
    assert!(matches!(bench.sent().pop(), Some(Command::Submit { .. })));
    bench.keys("<Ctrl-d>");
    assert!(matches!(bench.sent().pop(), Some(Command::Look { image: Some(again), .. }) if again == image), "it is gone on with");
}

#[test]
fn a_mask_is_painted_over_the_photo_and_begins_as_the_field_says() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("inpaint").types("fit", "<Space>").types("mask", "left").keys("<Ctrl-d>");
    let asked = bench.sent().pop().unwrap();
    let Command::Look { image: Some(photo), fit: Fit::Letterbox, .. } = &asked else { panic!("{asked:?}") };
    assert_eq!(photo, "campanile");
    bench.sent.push(asked);
    bench.looks(8, |_, _| [128; 3]);
    let asked = bench.sent().pop().unwrap();
    assert!(matches!(&asked, Command::Look { image: Some(mask), background: Colour([0, 0, 0]), .. } if mask == "left"), "{asked:?}");
    bench.sent.push(asked);
    bench.looks(8, |x, _| [if x < 4 { 255 } else { 0 }; 3]);
    bench.keys("v2r<Up><Home><Space><Right><Space><Enter>");
    let kept = bench.sent().pop().unwrap();
    let Command::Keep { name, rgb, .. } = &kept else { panic!("{kept:?}") };
    assert_eq!((name.as_str(), pixels(&rgb.0, 8)), ("mask", vec!["####++++".to_owned(); 8]), "keeping what is kept already");
    bench.event(Event::Kept { ticket: ticket(&kept), image: format!("mask@sha256:{HASH}") });
    assert!(value(&bench, "mask").starts_with("mask@"));
}

#[test]
fn esc_gives_up_the_shape_then_leaves_a_draft_that_is_found_again() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8).keys("l<Space><Right><Esc>");
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8), vec![".".repeat(8); 8]);
    bench.keys("<Space><Right><Space><Esc>");
    assert!(bench.app.easel.open.is_none() && bench.app.log.lines.iter().any(|line| line.text.contains("waits as a draft")));
    bench.keys("<Ctrl-d>").looks(8, |_, _| [128; 3]);
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4], ".....##.");
    bench.keys("u");
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4], "........", "with all that can be undone");
    bench.keys("<Esc><Ctrl-d>").looks(16, |_, _| [128; 3]);
    assert_eq!(sheet(&bench).size(), (16, 16), "a draft of another size is not stretched");
}

#[test]
fn every_stroke_is_safe_when_the_pen_is_lifted() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8).keys("<Space><Right>");
    assert_eq!(bench.drafts, [], "the stroke is in progress");
    bench.keys("<Space>");
    let drafts = std::mem::take(&mut bench.drafts);
    let [Draft { place, sheet: Some(drawn) }] = drafts.as_slice() else { panic!("{drafts:?}") };
    assert_eq!((place.experiment.as_str(), place.field.as_str(), place.size), ("edit", "image", (8, 8)));
    assert_eq!(pixels(&drawn.to_rgb(), 8)[4], "....##..");
    bench.keys("<Up>]");
    assert_eq!(bench.drafts, [], "nothing was drawn");

    let mut after = Bench::with_engine(120, 40);
    after.app = App::new(Start { themes: vec!["one".into()], drafts: drafts.clone(), ..Start::default() });
    after.input(Input::Tick(NOON));
    after.engine_starts();
    after.draws("edit", "image", 8);
    assert_eq!(Some(sheet(&after)), drafts[0].sheet.as_ref(), "after a kill");
    after.keys("<Esc>");
    assert_eq!(after.drafts, []);
    after.keys("<Ctrl-d>").looks(8, |_, _| [128; 3]);
    assert_eq!(Some(sheet(&after)), drafts[0].sheet.as_ref(), "looking alone does not throw it away");
}

#[test]
fn the_mouse_draws_and_takes_tools_and_colours() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8);
    // The marks on the border lead to the cursor; a pixel is nine columns wide and four and a half rows high.
    let (x, y) = (find(&mut bench, "▾").0, find(&mut bench, "▸▀▀▀▀").1);
    for (kind, at) in [(MouseEventKind::Down(MouseButton::Left), (x + 9, y)), (MouseEventKind::Drag(MouseButton::Left), (x + 27, y + 5))] {
        mouse(&mut bench, kind, at);
    }
    mouse(&mut bench, MouseEventKind::Up(MouseButton::Left), (0, 0));
    mouse(&mut bench, MouseEventKind::Drag(MouseButton::Left), (x, y));
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4..6], [".....#..", "......##"]);
    let line = find(&mut bench, "line");
    mouse(&mut bench, MouseEventKind::Down(MouseButton::Left), line);
    let white = find(&mut bench, "2▀▀");
    mouse(&mut bench, MouseEventKind::Down(MouseButton::Left), white);
    let canvas = bench.app.easel.open.as_ref().unwrap().canvas.as_ref().unwrap();
    assert_eq!((canvas.tool, canvas.colour), (Tool::Line, 1));
    // A drag that leaves the sheet ends at its edge.
    mouse(&mut bench, MouseEventKind::Down(MouseButton::Left), (x, y));
    mouse(&mut bench, MouseEventKind::Drag(MouseButton::Left), (0, y));
    mouse(&mut bench, MouseEventKind::Up(MouseButton::Left), (0, y));
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4], "+++++#..");
    let header = ui::target(&bench.app, bench.area(), Position::new(2, 0));
    assert_eq!(header, None, "the panes behind are out of reach");
}

/// The engine cannot do what was asked for last.
fn fails(bench: &mut Bench, text: &str) {
    let ticket = bench.sent.iter().rev().find(|command| matches!(command, Command::Look { .. } | Command::Keep { .. })).map(ticket);
    bench.event(Event::Failed { ticket: ticket.unwrap(), text: text.into() });
}

#[test]
fn trouble_is_told_whole_and_costs_nothing() {
    let mut bench = Bench::with_engine(80, 24);
    bench.draws("inpaint", "mask", 8).keys("<Space><Space>i");
    bench.event(Event::Error { text: "1 cannot be cancelled.".into() });
    let long = "The picture 'a-rather-long-name-of-a-picture.png' cannot be read: No such file or directory; name another.";
    fails(&mut bench, long);
    let screen = bench.screen().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("No such file or directory; name another."), "{screen}");
    bench.keys("<Up>");
    assert!(!bench.screen().contains("No such file"), "until something else is done");
    bench.input(Input::Unsaved("The drawing is only on this screen: the disk is full.".into()));
    assert!(bench.screen().contains("only on this screen"));

    // What the field names cannot be read: one begins with an empty mask.
    let mut bench = Bench::with_engine(80, 24);
    bench.takes_up("inpaint").types("mask", "no.png");
    bench.keys("<Ctrl-d>").looks(8, |_, _| [128; 3]);
    fails(&mut bench, "There is no picture 'no.png'.");
    assert!(bench.screen().contains("There is no picture 'no.png'.") && bench.app.easel.open.as_ref().unwrap().canvas.is_some());

    let mut bench = Bench::with_engine(80, 24);
    bench.takes_up("inpaint").types("image", "no.png").types("mask", "").keys("<Ctrl-d>");
    fails(&mut bench, "There is no picture 'no.png'.");
    let screen = bench.screen();
    assert!(screen.contains("There is no picture 'no.png'.") && screen.contains("Esc goes back"), "{screen}");
    bench.keys("<Space><Enter>i<Esc>");
    assert!(bench.app.easel.open.is_none());
}

#[test]
fn what_the_engine_was_asked_before_it_went_is_asked_again_when_it_is_back() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8).keys("<Space><Space><Enter>");
    let first = bench.sent().pop().unwrap();
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    assert!(bench.screen().contains("is being saved; the engine is away"));
    bench.engine_starts();
    let again = bench.sent().into_iter().find(|command| matches!(command, Command::Keep { .. })).unwrap();
    assert!(ticket(&again) != ticket(&first));
    bench.event(Event::Kept { ticket: ticket(&first), image: "late".into() });
    assert!(bench.app.easel.open.is_some(), "that answer is to nobody");
    bench.event(Event::Kept { ticket: ticket(&again), image: format!("drawing@sha256:{HASH}") });
    assert!(bench.app.easel.open.is_none() && value(&bench, "image").starts_with("drawing@"));
    // What was put to use comes back with all that can be undone, until the field names another.
    bench.keys("<Ctrl-d>").looks(8, |_, _| [1; 3]);
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4], "....#...");
    bench.keys("<Esc>").app.form.set_field("image", &format!("drawing@sha256:{}", HASH.replace('0', "b")));
    bench.keys("<Ctrl-d>").looks(8, |_, _| [255; 3]);
    assert_eq!(pixels(&sheet(&bench).to_rgb(), 8)[4], "++++++++");
}

#[test]
fn an_answer_that_comes_late_is_to_nobody() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("edit").types("image", "").keys("<Ctrl-d><Esc>");
    let late = bench.sent();
    bench.keys("<Ctrl-d>");
    let now = bench.sent();
    bench.sent = late;
    bench.looks(8, |_, _| [1; 3]);
    assert!(bench.app.easel.open.as_ref().unwrap().canvas.is_none());
    bench.sent = now;
    bench.looks(16, |_, _| [1; 3]);
    assert_eq!(sheet(&bench).size(), (16, 16));
}

#[test]
fn text_and_letters_do_not_reach_the_form_behind() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8);
    bench.input(Input::Paste("qqq".into()));
    bench.keys("x<Backspace><Tab>Ty");
    assert_eq!((value(&bench, "image").as_str(), bench.app.theme), ("", 0));
    bench.keys("?");
    assert!(bench.screen().contains("Keys"));
    bench.keys("<Esc><Ctrl-q>");
    assert!(bench.left);
}

#[test]
fn the_cursor_is_in_sight_wherever_it_goes() {
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        for side in [1, 7, 32, 64, 256] {
            let mut bench = Bench::with_engine(width, height);
            bench.draws("edit", "image", side);
            for (keys, times) in [("<PgUp><Home>", 33), ("<Down><Right>", 70), ("<PgDn><End>", 33), ("z", 5), ("<Up>", 9)] {
                for _ in 0..times {
                    bench.keys(keys);
                }
                let screen = bench.screen();
                assert!(screen.contains('▾') && screen.contains('▸') && screen.contains("pen"), "{side} at {width}x{height}\n{screen}");
            }
        }
    }
}

#[test]
fn what_the_side_offers_does_what_it_says() {
    let mut bench = Bench::with_engine(80, 24);
    bench.draws("edit", "image", 8).keys("<Space><Space>");
    for (words, sketch) in [
        ("brush 1", Touch::Brush(1)),
        ("shapes outlined", Touch::Solid),
        ("mirror off", Touch::Mirror),
        ("undo 1", Touch::Undo),
        ("redo 1", Touch::Redo),
        ("invert", Touch::Invert),
        ("wipe", Touch::Clear),
        ("pixels as fit", Touch::Zoom),
    ] {
        let (x, y) = find(&mut bench, words);
        let target = ui::target(&bench.app, bench.area(), Position::new(x, y)).unwrap();
        assert_eq!(target, Target::Sketch(Sketch::Touch(sketch)), "{words}");
        bench.input(Input::Click(target));
    }
    assert!(bench.screen().contains("brush 2") && bench.screen().contains("pixels ×1"));
}

#[test]
fn a_mask_that_is_only_looked_at_is_no_draft() {
    let mut bench = Bench::with_engine(120, 40);
    bench.takes_up("inpaint").types("mask", "left").keys("<Ctrl-d>").looks(8, |_, _| [128; 3]);
    bench.keys("<Space><Enter>");
    assert!(!bench.sent.iter().any(|command| matches!(command, Command::Keep { .. })), "there is nothing to save yet");
    bench.looks(8, |x, _| [if x < 4 { 255 } else { 0 }; 3]).keys("<Esc>");
    assert_eq!(bench.drafts, []);
    bench.types("mask", "<Backspace><Backspace><Backspace><Backspace>top").keys("<Ctrl-d>").looks(8, |_, _| [128; 3]);
    assert!(matches!(bench.sent().pop(), Some(Command::Look { image: Some(mask), .. }) if mask == "top"));
}

#[test]
fn leaving_in_the_middle_of_a_line_keeps_the_line() {
    let mut bench = Bench::with_engine(120, 40);
    bench.draws("edit", "image", 8).keys("<Space><Right><Right>");
    bench.input(Input::End);
    let drawn = bench.drafts.pop().unwrap().sheet.unwrap();
    assert_eq!(pixels(&drawn.to_rgb(), 8)[4], "....###.");
}

#[test]
fn the_colours_on_the_screen_are_those_of_the_drawing() {
    let mut bench = Bench::with_engine(80, 24);
    bench.draws("edit", "image", 8).keys("3r<Space><Right><Right><Down>");
    let (x, y) = (find(&mut bench, "▾").0, find(&mut bench, "┏").1);
    let buffer = bench.buffer();
    let columns: Vec<_> = (0..80).filter(|x| buffer[(*x, y + 2)].fg == Color::Rgb(128, 128, 128)).collect();
    assert!(columns.len() > 8, "paper");
    let red = buffer.content.iter().filter(|cell| cell.fg == Color::Rgb(230, 30, 30) && cell.symbol() == "▀").count();
    assert!(red > 8, "a shape that is begun is seen: {red} at {x}");

    bench.keys("<Esc><Esc>").takes_up("inpaint").types("mask", "").keys("<Ctrl-d>").looks(8, |_, _| [100; 3]);
    bench.keys("<Space><Space><Up><Up>");
    let buffer = bench.buffer();
    let has = |colour| buffer.content.iter().any(|cell| cell.symbol() == "▀" && cell.fg == colour);
    assert!(has(Color::Rgb(45, 45, 45)) && has(Color::Rgb(216, 216, 216)), "dark is kept, light is made new");
}

#[test]
fn over_a_drawing_the_list_of_keys_opens_at_drawing_and_a_click_closes_it() {
    let mut bench = Bench::with_engine(80, 24);
    bench.draws("edit", "image", 8).keys("?");
    let screen = bench.screen();
    assert!(screen.contains("Drawing") && screen.contains("draw, end"), "{screen}");
    let pane = ui::pane(&bench.app, bench.area(), Position::new(40, 10)).unwrap();
    bench.input(Input::Wheel { pane, down: true });
    assert_ne!(bench.screen(), screen);
    mouse(&mut bench, MouseEventKind::Down(MouseButton::Left), (40, 10));
    assert!(bench.app.overlay.is_none() && bench.app.easel.open.is_some());
    assert_eq!(bench.drafts, [], "and draws nothing");
}

#[test]
fn a_kept_drawing_in_the_form_goes_only_when_it_is_meant() {
    let mut bench = Bench::with_engine(80, 24);
    bench.takes_up("edit").types("image", "");
    let kept = format!("drawing@sha256:{HASH}");
    bench.app.form.set_field("image", &kept);
    bench.keys("<Ctrl-a><Ctrl-e><Ctrl-f><Ctrl-k><Left><Home>");
    assert_eq!(value(&bench, "image"), kept);
    bench.input(Input::Paste("photo.png".into()));
    assert_eq!(value(&bench, "image"), "photo.png");
}
