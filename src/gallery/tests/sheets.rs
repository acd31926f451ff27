//! The labelled sheet of a grid.

use super::*;
use crate::recipe::Axis;
use proptest::prelude::*;

/// Whether the picture, enlarged by `scale`, stands somewhere on the sheet.
fn holds(page: &RgbImage, picture: &RgbImage, scale: u32) -> bool {
    let (width, height) = (picture.width() * scale, picture.height() * scale);
    let at = |left: u32, top: u32| {
        let same = |x: u32, y: u32| page.get_pixel(left + x, top + y) == picture.get_pixel(x / scale, y / scale);
        (0..height).all(|y| (0..width).all(|x| same(x, y)))
    };
    (0..=page.height() - height).any(|top| (0..=page.width() - width).any(|left| at(left, top)))
}

#[test]
fn a_grid_gets_its_sheet_when_its_last_cell_is_done() {
    let (folder, gallery) = workspace();
    let grid = ask(&[("guidance", "1,3"), ("seed", "1..2")]);
    gallery.submit(&grid).unwrap();
    for id in 1..=4 {
        assert_eq!(gallery.sheet(RunId(1)).unwrap(), None);
        gallery.save(RunId(id), &made(), &[picture(id as u8)], 1).unwrap();
    }
    let path = gallery.sheet(RunId(1)).unwrap().unwrap();
    assert_eq!(path, folder.path().join("sheets/000001.png"));
    let page = load(&path, u32::MAX).unwrap();
    assert_eq!(page, sheet(&grid, &[1, 2, 3, 4].map(|id| Content::Picture(picture(id)))), "the same every time");
    for id in 1..=4 {
        assert!(holds(&page, &picture(id), 3), "each picture at three times its size");
    }
    assert_eq!(gallery.sheet(RunId(2)).unwrap(), None, "a cell is no grid");
}

#[test]
fn a_sheet_without_one_of_its_pictures_says_which() {
    let (_folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1,2")]));
    std::fs::remove_file(gallery.picture_path(RunId(2), 0)).unwrap();
    let error = gallery.sheet(RunId(1)).unwrap_err().to_string();
    assert!(error.contains("runs/000002/1.png: No such file"), "{error}");
}

#[test]
fn a_sheet_has_a_word_in_the_place_of_what_does_not_come_any_more() {
    let (_folder, gallery) = workspace();
    let grid = ask(&[("guidance", "1,3"), ("seed", "1..2")]);
    gallery.submit(&grid).unwrap();
    for id in [1, 2, 4] {
        gallery.save(RunId(id), &made(), &[picture(id as u8)], 1).unwrap();
    }
    assert_eq!(gallery.sheet(RunId(1)).unwrap(), None, "3 waits");
    gallery.set_state(RunId(3), State::Failed, Some("no memory")).unwrap();
    gallery.trash(&[RunId(1)]).unwrap();
    let page = load(&gallery.sheet(RunId(1)).unwrap().unwrap(), u32::MAX).unwrap();
    let cells = [Content::Word("deleted"), Content::Picture(picture(2)), Content::Word("failed"), Content::Picture(picture(4))];
    assert_eq!(page, sheet(&grid, &cells));
    assert!(holds(&page, &picture(2), 3) && holds(&page, &picture(4), 3) && !holds(&page, &picture(1), 3));
    gallery.trash(&[RunId(2), RunId(4)]).unwrap();
    assert_eq!(gallery.sheet(RunId(1)).unwrap(), None, "a sheet of nothing is none");
}

#[test]
fn a_sheet_is_made_though_the_first_of_its_cells_is_gone_for_good() {
    let (_folder, gallery) = workspace();
    let grid = ask(&[("seed", "1..3")]);
    finish(&gallery, &grid);
    gallery.trash(&[RunId(1)]).unwrap();
    gallery.purge().unwrap();
    let page = load(&gallery.sheet(RunId(1)).unwrap().unwrap(), u32::MAX).unwrap();
    assert_eq!(page, sheet(&grid, &[Content::Word("deleted"), Content::Picture(picture(2)), Content::Picture(picture(3))]));
}

#[test]
fn labels_tell_the_cells_apart() {
    let pictures: Vec<_> = (0..3).map(|id| Content::Picture(picture(id))).collect();
    let one = sheet(&ask(&[("seed", "1,2,3")]), &pictures);
    assert_ne!(one, sheet(&ask(&[("seed", "1,2,4")]), &pictures));
    assert_ne!(one, sheet(&ask(&[("guidance", "1,2,3")]), &pictures));
    assert_ne!(one, sheet(&ask(&[("seed", "1,2,3"), ("prompt", "a blue three")]), &pictures));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_shape_of_grid_is_too_odd(
        lengths in prop::collection::vec(0usize..5, 0..4), value in any::<String>(), prompt in any::<String>(),
        sides in prop::collection::vec((1u32..140, 1u32..140), 0..9),
    ) {
        let recipe = Recipe::parse("sample", &[("prompt".into(), prompt)]).unwrap();
        let cells = lengths.iter().product();
        let content = |width, height| if width % 5 == 0 { Content::Word("failed") } else { Content::Picture(RgbImage::new(width, height)) };
        let axis = |length: &usize| Axis { field: value.clone(), values: vec![value.clone(); *length] };
        let grid = Grid { axes: lengths.iter().map(axis).collect(), recipes: vec![recipe; cells] };
        let pictures: Vec<_> = sides.iter().map(|(width, height)| content(*width, *height)).collect();
        let page = sheet(&grid, &pictures);
        prop_assert!(page.width() >= 420 && page.height() > 0);
    }
}
