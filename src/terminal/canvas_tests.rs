#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use ratatui::style::{Color, Style};

fn page(rows: &[&str]) -> Buffer {
    Buffer::with_lines(rows.iter().copied())
}

/// What a terminal of this size shows after these bytes.
fn shows(terminal: &mut vt100::Parser, bytes: &[u8]) -> String {
    terminal.process(bytes);
    terminal.screen().rows(0, 12).map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn all(canvas: &mut Canvas) -> Vec<u8> {
    let mut out = Vec::new();
    let places = canvas.pick(|_, _| true, usize::MAX);
    canvas.write(&places, &mut out).unwrap();
    canvas.write_cursor(&mut out).unwrap();
    out
}

#[test]
fn what_a_key_has_changed_is_written_alone_and_the_rest_later() {
    let mut terminal = vt100::Parser::new(2, 8, 0);
    let mut canvas = Canvas::default();
    canvas.want(&page(&["step  1 ", "prompt  "]), None, false);
    assert_eq!(shows(&mut terminal, &all(&mut canvas)), "step  1\nprompt");
    assert!(canvas.is_done());
    canvas.want(&page(&["step  2 ", "prompt  "]), None, false);
    canvas.want(&page(&["step  2 ", "prompt x"]), Some(Position { x: 7, y: 1 }), true);
    let mut out = Vec::new();
    let keyed = canvas.keyed(|_, _| true);
    canvas.write(&keyed, &mut out).unwrap();
    canvas.write_cursor(&mut out).unwrap();
    assert_eq!(shows(&mut terminal, &out), "step  1\nprompt x");
    assert_eq!(terminal.screen().cursor_position(), (1, 7));
    assert!(!canvas.is_done() && canvas.keyed(|_, _| true).is_empty());
    assert_eq!(shows(&mut terminal, &all(&mut canvas)), "step  2\nprompt x");
    assert!(canvas.is_done() && all(&mut canvas).is_empty(), "what is shown is not written again");
}

#[test]
fn what_was_covered_or_forgotten_is_written_again() {
    let mut canvas = Canvas::default();
    canvas.want(&page(&["abcd", "efgh"]), None, false);
    all(&mut canvas);
    canvas.cover(Rect::new(1, 0, 2, 2));
    assert_eq!(canvas.pick(|_, _| true, usize::MAX).len(), 4);
    assert!(!canvas.is_shown(Rect::new(0, 0, 2, 1)) && canvas.is_shown(Rect::new(3, 0, 1, 2)));
    canvas.forget();
    assert_eq!(canvas.pick(|_, _| true, usize::MAX).len(), 8);
}

proptest! {
    /// In whatever parts and order it is written, wide characters among it, in the end the terminal shows the page.
    #[test]
    fn any_parts_make_the_page(
        pages in prop::collection::vec(prop::collection::vec("[a-c 赤é]{0,6}", 4), 1..6),
        budgets in prop::collection::vec(60usize..200, 1..40),
        odd in any::<bool>(),
    ) {
        let mut terminal = vt100::Parser::new(4, 12, 0);
        let mut canvas = Canvas::default();
        let mut budgets = budgets.iter().cycle();
        for (number, rows) in pages.iter().enumerate() {
            let mut next = Buffer::empty(Rect::new(0, 0, 12, 4));
            for (y, row) in rows.iter().enumerate() {
                next.set_string(0, y as u16, row, Style::new().fg(Color::Indexed(number as u8)));
            }
            canvas.want(&next, None, number % 2 == 1);
            // The first part may be of odd rows only.
            for round in 0..200 {
                let places = canvas.pick(|at, _| round > 9 || !odd || at.y % 2 == 1, *budgets.next().unwrap());
                let mut out = Vec::new();
                canvas.write(&places, &mut out).unwrap();
                terminal.process(&out);
            }
            let mut out = Vec::new();
            canvas.write_cursor(&mut out).unwrap();
            prop_assert!(canvas.is_done());
            let shown: Vec<_> = terminal.screen().rows(0, 12).map(|row| row.trim_end().to_owned()).collect();
            let wanted: Vec<_> = rows.iter().map(|row| row.trim_end().to_owned()).collect();
            prop_assert_eq!(shown, wanted);
        }
    }
}
