#![allow(clippy::unwrap_used)]
use super::*;
use crate::app::Source;
use crate::link::Picture;
use crate::link::{PictureHead, PictureOf};
use crate::preview::Arrangement;
use crate::preview::Slot;
use crate::recipe::RunId;

fn chess(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]))
}

#[test]
fn a_small_picture_is_enlarged_by_a_whole_factor_in_the_middle() {
    let paper = fit(&chess(2, 2), (7, 9), [9, 9, 9]);
    let row = |y: u32| (0..7).map(|x| paper.get_pixel(x, y)[0]).collect::<Vec<_>>();
    assert_eq!(row(0), [9; 7]);
    assert_eq!(row(1), [255, 255, 255, 0, 0, 0, 9]);
    assert_eq!(row(6), [0, 0, 0, 255, 255, 255, 9]);
    assert_eq!(row(7), [9; 7]);
}

#[test]
fn a_large_picture_is_made_smaller_and_keeps_its_shape() {
    let white = RgbImage::from_pixel(400, 100, Rgb([255; 3]));
    let paper = fit(&white, (40, 40), [0; 3]);
    let lit = paper.pixels().filter(|pixel| pixel[0] > 128).count();
    assert_eq!((paper.dimensions(), lit), ((40, 40), 40 * 10));
}

/// A wish for a picture of so many pixels a side, noise or not.
fn wish(graphics: Graphics, (side, noisy): (u32, bool), limit: Limit) -> Wish {
    let what = PictureOf::Frame { index: 0, t: 0 };
    let head = PictureHead { run: RunId(1), what, width: side, height: side };
    let noise = |at: u32| {
        let at = (at ^ at >> 7).wrapping_mul(0x9e37_79b9);
        ((at ^ at >> 15).wrapping_mul(0x85eb_ca6b) >> 13) as u8
    };
    let rgb = (0..side * side * 3).map(|at| if noisy { noise(at) } else { (at / (3 * side)) as u8 }).collect();
    let paper = Paper { graphics, font: (8, 16), tmux: false, compress: true, edge: [0; 3] };
    let sources = vec![Source::Frame { run: RunId(1), index: 0 }];
    let key = Key { slot: Slot::Preview, sources, arrangement: Arrangement::Rows(1), cells: Size::new(60, 30), paper };
    Wish { key, pictures: vec![Picture { head, rgb }], limit, turn: 3 }
}

const ALL: [Graphics; 4] = [Graphics::Kitty, Graphics::Sixel, Graphics::Iterm2, Graphics::HalfBlocks];

#[test]
fn a_picture_is_as_coarse_as_the_link_needs_and_no_coarser() {
    for graphics in ALL {
        let print = |limit| encode(wish(graphics, (64, true), limit)).unwrap().print;
        let full = print(Limit::NONE);
        assert!(!full.coarse, "{graphics:?}");
        let mut last = full.bytes();
        for part in [2, 6] {
            let limit = Limit { picture: full.bytes() / part, piece: usize::MAX };
            let less = print(limit);
            assert!(less.bytes() < last, "{graphics:?}: {} of {}", less.bytes(), limit.picture);
            last = less.bytes();
        }
        let least = print(Limit { picture: 0, piece: 0 });
        assert!(least.coarse && least.bytes() < full.bytes() / 3, "{graphics:?}: {} of {}", least.bytes(), full.bytes());
    }
}

#[test]
fn terminals_that_enlarge_get_the_pixels_that_there_are() {
    let native = |graphics, limit| {
        let print = encode(wish(graphics, (64, true), limit)).unwrap().print;
        assert!(!print.coarse && print.size == Size::new(60, 30), "{graphics:?}");
        assert!(print.bytes() < 64 * 64 * 3 * 4 / 3 + 2000, "{graphics:?}: {}", print.bytes());
    };
    native(Graphics::Kitty, Limit::NONE);
    // iTerm2 would blur them, and gets them enlarged where that costs nothing.
    native(Graphics::Iterm2, Limit { picture: 20_000, piece: usize::MAX });
    let large = encode(wish(Graphics::Kitty, (900, false), Limit::NONE)).unwrap().print;
    assert!(large.pieces[0].text.contains("s=480,v=480"), "more pixels than there is room for are of no use");
}

#[test]
fn pieces_are_small_where_keys_must_get_between_them() {
    for graphics in [Graphics::Kitty, Graphics::Sixel] {
        let limit = Limit { picture: usize::MAX, piece: 3000 };
        let encoded = encode(wish(graphics, (64, false), limit)).unwrap();
        assert!(encoded.print.largest() <= 3000, "{graphics:?}: {}", encoded.print.largest());
    }
}

#[test]
fn kitty_gets_chunks_and_then_the_place() {
    let encoded = encode(wish(Graphics::Kitty, (64, true), Limit { picture: 20_000, piece: 1000 })).unwrap();
    let pieces = &encoded.print.pieces;
    let id = Slot::Preview.kitty_id() | 4 << 24;
    assert!(pieces.len() > 10 && encoded.print.id == id);
    assert!(
        pieces[0].text.starts_with(&format!("\x1b_Gq=2,i={id},a=t,t=d,f=24,s=64,v=64,m=1;")),
        "noise is not packed: {}",
        pieces[0].text
    );
    assert!(pieces[1].text.starts_with("\x1b_Gq=2,m=1;"));
    let (chunk, place) = pieces.last().unwrap().text.split_once("\x1b\\").unwrap();
    assert!(chunk.starts_with("\x1b_Gq=2,m=0;"));
    assert_eq!(place, format!("\x1b_Gq=2,a=p,i={id},p=1,c=60,r=30,C=1\x1b\\"));
    let data: String = pieces.iter().map(|piece| piece.text.split_once(';').unwrap().1.split_once('\x1b').unwrap().0).collect();
    assert_eq!(STANDARD.decode(data).unwrap(), wish(Graphics::Kitty, (64, true), Limit::NONE).pictures[0].rgb[..]);
}

#[test]
fn in_tmux_placeholders_stand_for_kittys_picture() {
    let mut wish = wish(Graphics::Kitty, (64, false), Limit::NONE);
    wish.key.paper.tmux = true;
    let print = encode(wish).unwrap().print;
    let cells = print.cells.as_ref().unwrap();
    assert!(cells.content.iter().all(|cell| cell.symbol().starts_with('\u{10EEEE}')));
    assert!(print.pieces.iter().all(|piece| piece.text.starts_with("\x1bPtmux;\x1b\x1b_G") && !piece.text.contains("\x1b[")));
    assert!(print.pieces.last().unwrap().text.contains(",U=1,c=60,r=30"));
}

#[test]
fn a_sixel_in_bands_covers_the_whole_place() {
    let whole = encode(wish(Graphics::Sixel, (64, true), Limit::NONE)).unwrap().print;
    assert_eq!(whole.pieces.len(), 1);
    let limit = Limit { picture: usize::MAX, piece: whole.bytes() / 3 };
    let bands = encode(wish(Graphics::Sixel, (64, true), limit)).unwrap().print;
    let rows: Vec<_> = bands.pieces.iter().map(|piece| piece.row).collect();
    assert_eq!(rows, [0, 9, 18, 27]);
}

#[test]
fn a_sixel_is_no_larger_than_xterm_takes() {
    let paper = |graphics| Paper { graphics, font: (8, 16), tmux: false, compress: false, edge: [0; 3] };
    assert_eq!(paper(Graphics::Sixel).most(Size::new(198, 70)), Size::new(125, 62));
    assert_eq!(paper(Graphics::Sixel).most(Size::new(80, 20)), Size::new(80, 20));
    assert_eq!(paper(Graphics::Kitty).most(Size::new(198, 70)), Size::new(198, 70));
}
