//! Thumbnails and what is kept of them.

use super::*;
use std::fs;

/// A run whose picture is larger than a thumbnail.
fn large() -> (TempDir, Gallery) {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[])).unwrap();
    gallery.take_next().unwrap();
    gallery.save(RunId(1), &made(), &[shaded(300, 600, 0)], 5).unwrap();
    (folder, gallery)
}

fn shaded(width: u32, height: u32, blue: u8) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x / 2) as u8, (y / 3) as u8, blue]))
}

fn kept(folder: &TempDir) -> Vec<PathBuf> {
    fs::read_dir(folder.path().join("thumbs")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_large_picture_is_made_small_once() {
    let (folder, gallery) = large();
    let thumb = gallery.thumbnail(RunId(1), 0, 256).unwrap();
    assert_eq!(thumb, load(&gallery.picture_path(RunId(1), 0), 256).unwrap());
    assert_eq!(kept(&folder).len(), 1);
    // It is read from there: whoever changes the pixels behind its back sees them.
    let path = &kept(&folder)[0];
    let mut bytes = fs::read(path).unwrap();
    let info = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap().info().clone();
    let source = info.uncompressed_latin1_text.iter().find(|chunk| chunk.keyword == "source").unwrap().text.clone();
    fs::write(path, encode(&RgbImage::new(128, 256), &[("source", &source)]).unwrap()).unwrap();
    assert_eq!(gallery.thumbnail(RunId(1), 0, 256).unwrap(), RgbImage::new(128, 256));
    assert_eq!(gallery.thumbnail(RunId(1), 0, 64).unwrap().dimensions(), (32, 64));
    assert_eq!(gallery.thumbnail(RunId(1), 0, 257).unwrap().dimensions(), (128, 257), "more than is kept");
    // What is damaged there, or another picture's, is made again.
    for junk in [&b"no picture"[..], &bytes.split_off(bytes.len() / 2), &encode(&RgbImage::new(9, 9), &[("source", "2/0")]).unwrap()] {
        fs::write(path, junk).unwrap();
        assert_eq!(gallery.thumbnail(RunId(1), 0, 256).unwrap(), thumb);
    }
}

#[test]
fn a_picture_that_is_written_again_has_a_new_thumbnail() {
    let (_folder, gallery) = large();
    let before = gallery.thumbnail(RunId(1), 0, 200).unwrap();
    for blue in 1..20 {
        let again = shaded(300, 600, blue);
        write_atomic(&gallery.picture_path(RunId(1), 0), &encode_png(&again, &recipe(&[]), &made(), 0).unwrap()).unwrap();
        let thumb = gallery.thumbnail(RunId(1), 0, 200).unwrap();
        assert_eq!(thumb.get_pixel(0, 0)[2], blue);
        assert_eq!(thumb.dimensions(), before.dimensions());
    }
}

#[test]
fn small_pictures_are_not_kept_twice_and_a_full_disk_costs_only_time() {
    let (folder, gallery) = large();
    finish_one(&gallery, "a red three");
    assert_eq!(gallery.thumbnail(RunId(2), 0, 256).unwrap(), picture(2));
    assert_eq!(gallery.thumbnail(RunId(2), 0, 16).unwrap().dimensions(), (16, 16));
    assert!(kept(&folder).is_empty());
    fs::write(folder.path().join("thumbs"), "in the way").unwrap();
    assert_eq!(gallery.thumbnail(RunId(1), 0, 256).unwrap().dimensions(), (128, 256));
    let said = gallery.thumbnail(RunId(9), 0, 256).unwrap_err().to_string();
    assert!(said.contains("runs/000009/1.png: No such file"), "{said}");
}

#[test]
fn thumbnails_take_a_bounded_room_and_leave_with_their_run() {
    let (folder, gallery) = large();
    gallery.thumbnail(RunId(1), 0, 256).unwrap();
    let (small, path) = (encode(&RgbImage::new(300, 2), &[]).unwrap(), |id| gallery.picture_path(RunId(id), 0));
    for id in [4097, 8193] {
        fs::create_dir_all(path(id).parent().unwrap()).unwrap();
        fs::write(path(id), &small).unwrap();
        assert_eq!(gallery.thumbnail(RunId(id), 0, 256).unwrap().width(), 256);
        assert_eq!(kept(&folder).len(), 1, "it has taken another one's place");
    }
    let first = gallery.thumbnail(RunId(1), 0, 256).unwrap();
    assert_eq!(first.dimensions(), (128, 256));
    gallery.trash(&[RunId(1)]).unwrap();
    assert!(gallery.thumbnail(RunId(1), 0, 256).is_err());
    gallery.restore(&[RunId(1)]).unwrap();
    assert_eq!(gallery.thumbnail(RunId(1), 0, 256).unwrap(), first);
    gallery.trash(&[RunId(1)]).unwrap();
    gallery.purge().unwrap();
    assert!(kept(&folder).is_empty());
}
