#![allow(clippy::unwrap_used)]
use super::*;
use crate::preview::{Piece, Print};
use crate::recipe::RunId;
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
    style::{Color, Style},
};
use std::sync::Arc;

const AREA: Rect = Rect::new(0, 1, 40, 10);

/// A screen of a line of words and a picture under it, on a terminal that answers when the test says so.
struct Scene {
    painter: Painter,
    now: Instant,
    index: u32,
    speed: u64,
    /// Bytes that are not answered yet.
    written: u64,
    /// When the answers to what was written will come, where they are not waited for.
    flight: VecDeque<Instant>,
    free: Instant,
    /// What kitty knows its pictures by.
    id: u32,
}

impl Scene {
    /// A link of so many bytes a second, at a distance of 100 ms.
    fn new(speed: u64) -> Scene {
        let mut scene = Scene::of(Painter::default(), speed);
        scene.painter.ask(&mut Vec::new(), (STATUS, scene.now), Mark::Nothing).unwrap();
        scene.answer();
        while scene.painter.link().speed().is_none() {
            scene.painter.ask(&mut Vec::new(), (&[0; 4096], scene.now), Mark::Nothing).unwrap();
            scene.written = 4096;
            scene.answer();
        }
        let found = scene.painter.link().speed().unwrap() / speed as f64;
        assert!((0.7..1.4).contains(&found), "{found}");
        scene
    }

    fn of(painter: Painter, speed: u64) -> Scene {
        let now = Instant::now();
        Scene { painter, now, index: 0, speed, written: 0, flight: VecDeque::new(), free: now, id: 0 }
    }

    fn says(&mut self, words: &str, keyed: bool) {
        let mut page = Buffer::empty(Rect::new(0, 0, 40, 12));
        page.set_string(0, 0, words, Style::new());
        if let Some(spot) = self.painter.wall.wanted(Slot::Preview).cloned() {
            spot.print.render(spot.area, &mut page);
        }
        self.painter.canvas.want(&page, None, keyed);
    }

    /// A new picture, of characters or in pieces of so many bytes.
    fn shows(&mut self, pieces: Option<(usize, usize)>) -> Source {
        self.index += 1;
        let source = Source::Frame { run: RunId(1), index: self.index };
        let cells = pieces.is_none().then(|| {
            let mut cells = Buffer::empty(Rect::new(0, 0, 40, 10));
            for (at, cell) in (0..).zip(&mut cells.content) {
                cell.set_symbol("▀").set_fg(Color::Rgb(at as u8, self.index as u8, 7)).set_bg(Color::Rgb(1, at as u8, 9));
            }
            cells
        });
        let piece = |at: usize, bytes: usize| Piece { row: 0, text: format!("<{at:0>width$}>", width = bytes - 2) };
        let pieces = pieces.map_or_else(Vec::new, |(count, bytes)| (0..count).map(|at| piece(at, bytes)).collect());
        let print = Print { size: Size::new(40, 10), cells, pieces, id: self.id, coarse: false };
        self.painter.hang(vec![Spot { slot: Slot::Preview, area: AREA, print: Arc::new(print) }], Some(source));
        source
    }

    /// What is written now.
    fn paint(&mut self) -> String {
        let mut out = Vec::new();
        self.painter.paint(&mut out, self.now).unwrap();
        self.written += out.len() as u64;
        String::from_utf8(out).unwrap()
    }

    /// Writes, and 5 ms pass: no answer is waited for. What one that came meanwhile means.
    fn go_on(&mut self) -> Option<Source> {
        let out = self.paint();
        if !out.is_empty() {
            self.free = self.free.max(self.now) + Duration::from_secs_f64(out.len() as f64 / self.speed as f64);
            let questions = out.matches("\x1b[5n").count();
            self.flight.extend(std::iter::repeat_n(self.free + Duration::from_millis(100), questions));
        }
        self.now += Duration::from_millis(5);
        let mut told = None;
        while self.flight.front().is_some_and(|at| *at <= self.now) {
            self.flight.pop_front();
            if let Mark::Whole(source) = self.painter.answered(self.now) {
                told = Some(source);
            }
        }
        told
    }

    /// The link brings the answer to all that was written.
    fn answer(&mut self) -> Mark {
        self.now += Duration::from_millis(100) + Duration::from_secs_f64(self.written as f64 / self.speed as f64);
        self.written = 0;
        let mut mark = Mark::Nothing;
        while !self.painter.link().is_quiet() {
            let next = self.painter.answered(self.now);
            mark = if next == Mark::Nothing { mark } else { next };
        }
        mark
    }

    /// Writes and answers until all is there; what was written, and the pictures that were told of.
    fn settle(&mut self) -> (Vec<String>, Vec<Source>) {
        let (mut writes, mut told) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            let out = self.paint();
            if !out.is_empty() {
                writes.push(out);
            }
            if let Mark::Whole(source) = self.answer() {
                told.push(source);
            }
        }
        assert!(self.painter.is_done());
        (writes, told)
    }
}

#[test]
fn a_picture_is_told_of_once_when_the_answer_after_its_last_piece_comes() {
    for pieces in [None, Some((9, 400))] {
        let mut scene = Scene::new(7000);
        let source = scene.shows(pieces);
        scene.says("step 1", false);
        let (writes, told) = scene.settle();
        assert!(writes.len() > 3 && told == [source], "{told:?}");
        let bracketed = |out: &String| out.starts_with("\x1b[?2026h") && out.ends_with("\x1b[?2026l\x1b[5n");
        assert!(writes.iter().all(|out| bracketed(out) || out == "\x1b[5n"), "{writes:?}");
        scene.says("step 2", false);
        let (writes, told) = scene.settle();
        assert!(told.is_empty() && writes.concat().len() < 100, "an unchanged picture is not sent again: {writes:?}");
    }
}

#[test]
fn no_write_is_longer_than_the_link_can_take_between_two_keys() {
    for (speed, pieces) in [(7000, None), (7000, Some((30, 300))), (125_000, None), (125_000, Some((60, 4000)))] {
        let mut scene = Scene::new(speed);
        scene.shows(pieces);
        scene.says("a line of words", false);
        let most = speed as usize * 16 / 100 * 14 / 10;
        let (writes, _) = scene.settle();
        let longest = writes.iter().map(String::len).max().unwrap();
        assert!(longest <= most.max(400), "{speed} B/s: {longest} of {most}");
    }
}

#[test]
fn a_key_goes_before_the_picture_and_does_not_wait_for_room() {
    for pieces in [None, Some((100, 300))] {
        let mut scene = Scene::new(7000);
        scene.shows(pieces);
        scene.says("prompt", false);
        while !scene.paint().is_empty() {}
        scene.says("prompt x", true);
        let out = scene.paint();
        assert!(out.contains('x') && out.len() < 120, "{out:?}");
    }
}

#[test]
fn words_that_change_all_the_time_leave_room_for_the_picture() {
    let mut scene = Scene::new(7000);
    let source = scene.shows(None);
    let mut told = None;
    for step in 0..400 {
        scene.says(&format!("{step:0>40}"), false);
        scene.paint();
        if let Mark::Whole(shown) = scene.answer() {
            told = told.or(Some((shown, step)));
        }
    }
    assert!(told.is_some_and(|(shown, step)| shown == source && step < 100), "{told:?}");
}

#[test]
fn words_that_change_all_the_time_do_not_keep_those_below_them_away() {
    let mut scene = Scene::new(7000);
    for step in 0..100 {
        let mut page = Buffer::empty(Rect::new(0, 0, 40, 12));
        for row in 0..11 {
            page.set_string(0, row, ["one", "two", "six", "ten", "nil"][step % 5].repeat(9), Style::new());
        }
        page.set_string(0, 11, if step == 0 { "" } else { "the last line" }, Style::new());
        scene.painter.canvas.want(&page, None, false);
        scene.paint();
        scene.answer();
    }
    assert!(scene.painter.canvas.is_shown(Rect::new(0, 11, 40, 1)));
}

#[test]
fn a_picture_in_pixels_stands_on_blanks_and_gives_way_to_words() {
    let mut scene = Scene::new(1_000_000);
    scene.says("words", false);
    scene.settle();
    scene.shows(Some((2, 50)));
    scene.says("words", false);
    let (writes, _) = scene.settle();
    assert_eq!(writes.concat().matches("<0").count(), 2);
    // Something lies over it: its place is written anew, and once that is gone, so is the picture.
    scene.painter.hang(Vec::new(), None);
    scene.says("words", true);
    let (writes, _) = scene.settle();
    assert!(writes.concat().len() > 400, "400 blank characters: {writes:?}");
    scene.shows(Some((2, 50)));
    let (writes, told) = scene.settle();
    assert_eq!((writes.concat().matches("<0").count(), told.len()), (2, 1));
}

#[test]
fn pieces_for_which_there_is_never_room_pass_between_words_that_change_all_the_time() {
    for piece in [3500, 4096, 12_000] {
        let mut scene = Scene::new(90_000);
        scene.free = scene.now;
        let source = scene.shows(Some((6, piece)));
        let told = (0..2000).find_map(|step| {
            scene.says(&format!("{step:0>40}"), false);
            scene.go_on()
        });
        assert_eq!(told, Some(source), "pieces of {piece}");
    }
}

#[test]
fn a_key_waits_for_a_tenth_of_a_second_at_most_whatever_is_under_way() {
    let pictures = [None, Some((9, 256)), Some((40, 256)), Some((2, 600))];
    for (speed, picture) in [7000, 125_000].into_iter().flat_map(|speed| pictures.map(|picture| (speed, picture))) {
        let mut scene = Scene::new(speed);
        scene.free = scene.now;
        let (mut worst, mut whole) = (Duration::ZERO, 0);
        scene.shows(picture);
        for step in 0..4000 {
            if step % 20 == 0 {
                scene.says(&format!("{step:0>40}"), false);
            }
            if scene.go_on().is_some() {
                whole += 1;
                scene.shows(picture);
            }
            worst = worst.max(scene.free.saturating_duration_since(scene.now));
        }
        let piece = Duration::from_secs_f64(picture.map_or(0, |(_, bytes)| bytes) as f64 / speed as f64);
        assert!(worst <= Duration::from_millis(85).max(piece + Duration::from_millis(50)), "{speed} B/s, {picture:?}: {worst:?}");
        assert!(whole > 2, "{speed} B/s, {picture:?}: {whole} pictures in 20 s");
    }
}

#[test]
fn a_question_does_not_come_between_the_chunks_of_a_picture() {
    let mut scene = Scene::new(7000);
    scene.id = 7;
    scene.shows(Some((9, 400)));
    scene.says("words", false);
    while !scene.paint().contains("<0") {
        scene.answer();
    }
    let mut out = Vec::new();
    scene.painter.ask_what(&mut out, (b"?\x1b[5n", scene.now)).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("\x1b_Gq=2,m=0;\x1b\\") && out.ends_with("?\x1b[5n"), "{out:?}");
    let (writes, told) = scene.settle();
    assert_eq!((writes.concat().matches("<0").count(), told.len()), (9, 1), "it is sent again from its beginning");
    // Nor is one that was half sent taken for the beginning of the next.
    scene.shows(Some((9, 400)));
    while !scene.paint().contains("<0") {
        scene.answer();
    }
    let mut out = Vec::new();
    scene.painter.forget(&mut out).unwrap();
    assert!(out.starts_with(b"\x1b_Gq=2,m=0;\x1b\\"));
}

#[test]
fn a_terminal_that_never_answers_gets_all_at_once() {
    let mut painter = Painter::default();
    let now = Instant::now();
    painter.ask(&mut Vec::new(), (STATUS, now), Mark::Nothing).unwrap();
    assert!(painter.look(now).is_empty() && !painter.mute);
    painter.look(now + Duration::from_secs(60));
    assert!(painter.mute);
    let mut scene = Scene::of(painter, 1);
    let source = scene.shows(Some((100, 4000)));
    scene.says("words", false);
    let mut out = Vec::new();
    let painted = scene.painter.paint(&mut out, now).unwrap();
    assert_eq!(painted.unasked, Some(source));
    assert!(painted.bytes > 400_000 && !out.ends_with(STATUS));
    assert_eq!(scene.painter.limit(), Limit::NONE);
}
