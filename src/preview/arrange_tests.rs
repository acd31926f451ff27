#![allow(clippy::unwrap_used)]
use super::*;
use crate::link::{PictureHead, PictureOf};
use crate::recipe::RunId;
use proptest::prelude::*;

fn chess(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]))
}

/// A picture whose pixels follow from `seed`.
fn picture((width, height): (u32, u32), seed: u8) -> Picture {
    let head = PictureHead { run: RunId(1), what: PictureOf::Kept { index: 0, side: 64 }, width, height };
    let rgb = (0..width * height * 3).map(|at| (at as u8).wrapping_mul(37).wrapping_add(seed)).collect();
    Picture { head, rgb }
}

fn arranged(pictures: &[Picture], arrangement: Arrangement) -> (RgbImage, Option<Difference>) {
    arrange(pictures, arrangement, ((80, 40), 7)).unwrap()
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
fn a_small_picture_is_as_large_as_the_large_one_it_takes_turns_with() {
    let pictures = [picture((2, 2), 0), picture((8, 8), 5)];
    let (small, _) = arranged(&pictures, Arrangement::Turn(0));
    assert_eq!(small.dimensions(), (8, 8));
    let pixel = |x, y| small.get_pixel(x, y).0;
    assert_eq!([pixel(0, 0), pixel(3, 3), pixel(4, 3), pixel(7, 7)], [[0, 37, 74], [0, 37, 74], [111, 148, 185], [77, 114, 151]]);
    assert_eq!(arranged(&pictures, Arrangement::Turn(1)).0.into_raw(), pictures[1].rgb.to_vec(), "the large one stays as it is");
    assert!(arrange(&pictures, Arrangement::Turn(2), ((80, 40), 7)).is_none());
}

#[test]
fn enlargements_are_whole_or_none() {
    let to = |size| enlargement((64, 64), size);
    assert_eq!([to((64, 64)), to((256, 256)), to((256, 128)), to((100, 100)), to((32, 32))], [Some(1), Some(4), None, None, None]);
    assert_eq!(enlargement((0, 0), (64, 64)), None);
}

#[test]
fn a_difference_is_the_distance_of_every_colour_told_and_amplified() {
    let one = Picture { rgb: vec![10, 20, 30].into(), ..picture((1, 1), 0) };
    let other = Picture { rgb: vec![13, 20, 130].into(), ..picture((1, 1), 0) };
    let (shown, difference) = arranged(&[one, other], Arrangement::Difference(4));
    assert_eq!(shown.into_raw(), [12, 0, 255]);
    assert_eq!(difference, Some(Difference { mean: 103.0 / 3.0, most: 100 }));
    assert!(arrange(&[picture((1, 1), 0)], Arrangement::Difference(4), ((1, 1), 1)).is_none(), "one alone differs from nothing");
}

proptest! {
    #[test]
    fn pictures_of_any_sizes_can_be_compared((a, b) in ((1u32..40, 1u32..40), (1u32..40, 1u32..40)), times in any::<u8>()) {
        let pair = [picture(a, 1), picture(b, 90)];
        let (shown, there) = arranged(&pair, Arrangement::Difference(times));
        let (_, back) = arranged(&[pair[1].clone(), pair[0].clone()], Arrangement::Difference(times));
        prop_assert_eq!(shown.dimensions(), (a.0.max(b.0), a.1.max(b.1)));
        prop_assert_eq!(there, back);
        prop_assert!(there.unwrap().mean <= f64::from(there.unwrap().most));
    }

    #[test]
    fn a_picture_differs_from_itself_in_nothing(size in (1u32..40, 1u32..40), seed in any::<u8>(), times in any::<u8>()) {
        let (shown, difference) = arranged(&[picture(size, seed), picture(size, seed)], Arrangement::Difference(times));
        prop_assert_eq!(difference, Some(Difference { mean: 0.0, most: 0 }));
        prop_assert!(shown.pixels().all(|pixel| pixel.0 == [0; 3]));
    }
}
