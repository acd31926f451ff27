#![allow(clippy::unwrap_used)]
use super::*;

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

#[test]
fn the_thread_makes_the_newest_wish_and_ends_with_its_owner() {
    let (sender, made) = std::sync::mpsc::channel();
    let encoder = Encoder::spawn(move |encoded| drop(sender.send(encoded))).unwrap();
    let head =
        |run| crate::link::PictureHead { run: RunId(run), what: crate::link::PictureOf::Frame { index: 0, t: 0 }, width: 2, height: 2 };
    let wish = |run| {
        let sources = vec![Source::Frame { run: RunId(run), index: 0 }];
        let key = Key { slot: Slot::Preview, sources, columns: 1, sheet: false, cells: Size::new(4, 2), paper: Paper::HALF_BLOCKS };
        Wish { key, pictures: vec![Picture { head: head(run), rgb: vec![7; 12].into() }] }
    };
    for run in 1..=100 {
        encoder.wish(vec![wish(run)]);
    }
    let last = made.iter().find(|encoded| encoded.key.sources == [Source::Frame { run: RunId(100), index: 0 }]);
    assert!(last.is_some());
    drop(encoder);
    assert!(made.iter().next().is_none());
}

#[test]
fn kitty_places_the_picture_itself_but_in_tmux() {
    let paper = |tmux| Paper { graphics: Graphics::Kitty, font: (8, 16), tmux, compress: true, edge: [0; 3] };
    let picture = || DynamicImage::ImageRgb8(chess(80, 80));
    let Some(Protocol::Sixel(placed)) = kitty(picture(), Size::new(10, 5), Slot::Preview, paper(false)) else { unreachable!() };
    assert!(placed.data.starts_with("\x1b_Gq=2,i=14286849,a=T,p=1,C=1,") && !placed.data.contains("U=1"), "{:?}", placed.data);
    assert!(placed.data.ends_with("\x1b\\"));
    assert!(matches!(kitty(picture(), Size::new(10, 5), Slot::Preview, paper(true)), Some(Protocol::Kitty(_))));
}

#[test]
fn of_a_sheet_only_whole_images_are_shown_and_as_many_as_can_be_told_apart() {
    let sheet = chess(10 * 30 - 2, 4 * 30 - 2);
    assert_eq!(first_images(&sheet, (80, 40), 7).dimensions(), (298, 118), "all of them fit");
    assert_eq!(first_images(&sheet, (48, 14), 7).dimensions(), (6 * 30 - 2, 2 * 30 - 2));
    assert_eq!(first_images(&sheet, (1, 1), 7).dimensions(), (28, 28), "never less than one");
    assert_eq!(first_images(&chess(5, 3), (1, 1), 7).dimensions(), (5, 3), "what is no sheet stays whole");
}

#[test]
fn a_sixel_is_no_larger_than_xterm_takes() {
    let paper = |graphics| Paper { graphics, font: (8, 16), tmux: false, compress: false, edge: [0; 3] };
    assert_eq!(paper(Graphics::Sixel).most(Size::new(198, 70)), Size::new(125, 62));
    assert_eq!(paper(Graphics::Sixel).most(Size::new(80, 20)), Size::new(80, 20));
    assert_eq!(paper(Graphics::Kitty).most(Size::new(198, 70)), Size::new(198, 70));
}
