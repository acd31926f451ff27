#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

const WHITE: Rgb = [255; 3];

fn canvas() -> Canvas {
    Canvas::new(Sheet::new(9, 5, WHITE))
}

/// A row of text a row of pixels: `#` where there is no paper.
fn picture(canvas: &Canvas) -> Vec<String> {
    let (width, height) = canvas.sheet.size();
    let mark = |x, y| if canvas.sheet.get(Point { x, y }) == Some(WHITE) { '.' } else { '#' };
    (0..height as i32).map(|y| (0..width as i32).map(|x| mark(x, y)).collect()).collect()
}

fn touches(canvas: &mut Canvas, touches: &[Touch]) {
    touches.iter().for_each(|touch| canvas.touch(*touch));
}

#[test]
fn the_pen_draws_where_it_goes_until_it_is_lifted() {
    let mut canvas = canvas();
    touches(&mut canvas, &[Touch::Press, Touch::Move(1, 0), Touch::Move(1, 1), Touch::Press, Touch::Move(1, 0)]);
    assert_eq!(picture(&canvas), [".........", ".........", "....##...", "......#..", "........."]);
    canvas.touch(Touch::Undo);
    assert_eq!(canvas.painted(), 0, "one stroke is one undo");
    canvas.touch(Touch::Redo);
    assert_eq!(canvas.painted(), 3);
}

#[test]
fn a_shape_is_seen_before_it_is_drawn_and_can_be_given_up() {
    let mut canvas = canvas();
    touches(&mut canvas, &[Touch::Take(Tool::Rectangle), Touch::Leap(-1, -1), Touch::Press, Touch::Move(3, 2)]);
    assert_eq!((canvas.painted(), canvas.preview().differ_from(WHITE)), (0, 10));
    assert!(canvas.let_go() && canvas.depth() == (0, 0));
    touches(&mut canvas, &[Touch::Leap(-1, -1), Touch::Press, Touch::Move(3, 2), Touch::Press]);
    assert_eq!(picture(&canvas), ["####.....", "#..#.....", "####.....", ".........", "........."]);
}

#[test]
fn the_mirror_doubles_every_tool() {
    let mut canvas = canvas();
    touches(&mut canvas, &[Touch::Mirror, Touch::Leap(-1, -1), Touch::Press, Touch::Move(0, 4), Touch::Press]);
    assert_eq!(picture(&canvas), ["#.......#"; 5]);
    touches(&mut canvas, &[Touch::Take(Tool::Line), Touch::Move(2, 0), Touch::Press, Touch::Leap(0, -1), Touch::Press]);
    assert_eq!(picture(&canvas), ["#.#...#.#"; 5]);
    touches(&mut canvas, &[Touch::Take(Tool::Fill), Touch::Move(-1, 0), Touch::Press]);
    assert_eq!(picture(&canvas), ["###...###"; 5]);
}

#[test]
fn the_mouse_draws_without_gaps_however_fast_it_is() {
    let mut canvas = canvas();
    canvas.stroke(Stroke::Press(Point { x: 0, y: 0 }));
    canvas.stroke(Stroke::Drag(Point { x: 8, y: 4 }));
    canvas.stroke(Stroke::Release);
    assert_eq!(picture(&canvas), ["#........", ".##......", "...##....", ".....##..", ".......##"]);
    canvas.stroke(Stroke::Drag(Point { x: 0, y: 4 }));
    assert_eq!((canvas.painted(), canvas.depth()), (9, (1, 0)), "a released mouse draws nothing");
}

#[test]
fn the_eraser_leaves_paper_and_a_loaded_picture_is_a_stroke() {
    let mut canvas = canvas();
    canvas.touch(Touch::Press);
    assert!(canvas.load(Sheet::new(9, 5, [1, 2, 3])) && canvas.painted() == 45);
    assert_eq!(canvas.sheet.get(canvas.at), Some([0; 3]), "it lies under what was drawn before");
    assert!(!canvas.load(Sheet::new(9, 5, [4, 5, 6])), "no paper is bare");
    assert!(!canvas.load(Sheet::new(5, 9, [1, 2, 3])), "another size");
    touches(&mut canvas, &[Touch::Take(Tool::Eraser), Touch::Brush(2), Touch::Press, Touch::Press]);
    assert_eq!(canvas.painted(), 45 - 9, "a brush of three pixels reaches its corners, whose middles lie in the circle");
    touches(&mut canvas, &[Touch::Undo, Touch::Undo, Touch::Undo]);
    assert_eq!(canvas.painted(), 0);
}

#[test]
fn the_mouse_beside_the_sheet_is_nothing_to_a_shape_of_the_keys() {
    let mut canvas = canvas();
    touches(&mut canvas, &[Touch::Take(Tool::Rectangle), Touch::Press, Touch::Move(2, 1)]);
    canvas.stroke(Stroke::Drag(Point { x: 0, y: 0 }));
    canvas.stroke(Stroke::Release);
    assert_eq!((canvas.is_drawing(), canvas.painted(), canvas.at), (true, 0, Point { x: 6, y: 3 }));
}

#[test]
fn undo_takes_back_the_shape_that_was_begun_and_nothing_more() {
    let mut canvas = canvas();
    touches(&mut canvas, &[Touch::Press, Touch::Press, Touch::Take(Tool::Ellipse), Touch::Press, Touch::Move(2, 1), Touch::Undo]);
    assert_eq!((canvas.painted(), canvas.is_drawing()), (1, false));
    canvas.touch(Touch::Undo);
    assert_eq!(canvas.painted(), 0);
}

#[test]
fn a_large_solid_shape_under_a_thick_brush_is_its_outline_filled() {
    let mut canvas = Canvas::mask_over(Sheet::new(256, 256, [9; 3]));
    touches(&mut canvas, &[Touch::Take(Tool::Ellipse), Touch::Brush(15)]);
    (0..15).for_each(|_| canvas.touch(Touch::Leap(-1, -1)));
    canvas.touch(Touch::Press);
    (0..30).for_each(|_| canvas.touch(Touch::Leap(1, 1)));
    let places = canvas.shape(Point { x: 8, y: 8 });
    assert!(places.len() < 256 * 256, "each place once: {}", places.len());
    canvas.touch(Touch::Press);
    let round = std::f64::consts::PI * (127.5f64 + 0.5).powi(2);
    assert!((canvas.painted() as f64 - round).abs() < 0.03 * round, "{}", canvas.painted());
}

fn any_touch() -> impl Strategy<Value = Touch> {
    let by = -2i8..3;
    prop_oneof![
        6 => (by.clone(), by.clone()).prop_map(|(x, y)| Touch::Move(x, y)),
        6 => Just(Touch::Press),
        3 => (0..Tool::ALL.len()).prop_map(|at| Touch::Take(Tool::ALL[at])),
        2 => (0usize..20).prop_map(Touch::Pick),
        1 => by.prop_map(Touch::Brush),
        1 => Just(Touch::Mirror),
        1 => Just(Touch::Solid),
        1 => Just(Touch::Invert),
        1 => Just(Touch::Clear),
        1 => Just(Touch::Turn(-1)),
    ]
}

proptest! {
    #[test]
    fn undo_walks_back_through_every_sheet_and_redo_forth(all in prop::collection::vec(any_touch(), 0..60)) {
        let mut canvas = canvas();
        let mut sheets = vec![canvas.sheet.clone()];
        for touch in all {
            // A stroke in progress ends by itself before what is none of its own, and is a step of its own.
            if !matches!(touch, Touch::Press | Touch::Move(..)) {
                canvas.let_go();
                if sheets.last() != Some(&canvas.sheet) {
                    sheets.push(canvas.sheet.clone());
                }
            }
            canvas.touch(touch);
            if !canvas.is_drawing() && sheets.last() != Some(&canvas.sheet) {
                sheets.push(canvas.sheet.clone());
            }
        }
        canvas.let_go();
        if sheets.last() != Some(&canvas.sheet) {
            sheets.push(canvas.sheet.clone());
        }
        for earlier in sheets.iter().rev().skip(1) {
            canvas.touch(Touch::Undo);
            prop_assert_eq!(&canvas.sheet, earlier);
        }
        canvas.touch(Touch::Undo);
        prop_assert_eq!(canvas.depth(), (0, sheets.len() - 1));
        for later in sheets.iter().skip(1) {
            canvas.touch(Touch::Redo);
            prop_assert_eq!(&canvas.sheet, later);
        }
    }

    #[test]
    fn an_inverted_mask_inverted_is_the_mask(all in prop::collection::vec(any_touch(), 0..40)) {
        let mut canvas = Canvas::mask_over(Sheet::new(9, 5, [9; 3]));
        touches(&mut canvas, &all);
        canvas.let_go();
        let mask = canvas.sheet.clone();
        canvas.touch(Touch::Invert);
        prop_assert_eq!(canvas.painted(), 45 - mask.differ_from([0; 3]), "white for black");
        canvas.touch(Touch::Invert);
        prop_assert_eq!(canvas.sheet, mask);
    }
}
