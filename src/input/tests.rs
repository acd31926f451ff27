//! Pictures of all kinds, good and bad, on their way in.

use super::*;
use crate::recipe::{CAMPANILE, Colour, Fit, MASKS};
use image::{ImageFormat, Rgb, Rgba};

fn image(text: &str) -> Image {
    text.parse().unwrap()
}

fn photo(text: &str, fit: Fit) -> Photo {
    Photo { image: image(text), fit, background: Colour([255; 3]) }
}

fn file(picture: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Left half red, right half blue.
fn flag(width: u32, height: u32) -> image::DynamicImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) }).into()
}

/// A workspace with a file in it.
fn with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Inputs, Image) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let inputs = Inputs::of(&folder.path().join("workspace"));
    (folder, inputs, image(path.to_str().unwrap()))
}

#[test]
fn every_format_is_known_by_its_content_whatever_its_name() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let (_folder, inputs, image) = with("picture.txt", &file(&flag(8, 4), format));
        let picture = inputs.open(&image).unwrap();
        assert_eq!(picture.dimensions(), (8, 4), "{format:?}");
        let left = picture.get_pixel(0, 1);
        assert!(left[0] > 200 && left[2] < 60 && left[3] == 255, "{format:?}: {left:?}");
    }
    for depth in [image::DynamicImage::from(flag(6, 6).into_rgb16()), flag(6, 6).into_luma8().into(), flag(6, 6).into_luma_alpha16().into()]
    {
        let (_folder, inputs, image) = with("deep.png", &file(&depth, ImageFormat::Png));
        assert_eq!(inputs.open(&image).unwrap().dimensions(), (6, 6));
    }
}

#[test]
fn a_turned_photo_stands_upright() {
    // Exif's orientation 6: what is stored on its side is to be turned clockwise.
    let exif: &[u8] = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let jpeg = file(&flag(32, 16), ImageFormat::Jpeg);
    let picture = decode(&with_segment(&jpeg, 0xe1, exif), "turned.jpg").unwrap();
    assert_eq!(picture.dimensions(), (16, 32));
    assert!(picture.get_pixel(8, 2)[0] > 200 && picture.get_pixel(8, 30)[2] > 200, "the left edge is on top");
}

#[test]
fn what_is_no_picture_is_refused_in_one_sentence_that_names_it() {
    let png = file(&flag(40, 40), ImageFormat::Png);
    let mut empty = png.clone();
    empty[16..24].fill(0);
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff]);
    let mut wide = png.clone();
    wide[16..20].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    // A header whose checksum is wrong would be refused for that alone.
    for header in [&mut empty, &mut bomb, &mut wide] {
        let mut crc = crc32(&header[12..29]).to_be_bytes();
        header[29..33].swap_with_slice(&mut crc);
    }
    for (name, bytes, words) in [
        ("text.png", b"not a picture at all".to_vec(), "is no picture"),
        ("empty.png", Vec::new(), "is no picture"),
        ("short.png", png[..png.len() / 2].to_vec(), "cannot be read"),
        ("short.jpg", file(&flag(64, 64), ImageFormat::Jpeg)[..100].to_vec(), "cannot be read"),
        ("none.png", empty, "cannot be read"),
        ("bomb.png", bomb, "pixels are too many"),
        ("wide.png", wide, "16384 pixels"),
        ("new\u{1b}[2J.png", b"x".to_vec(), "\\u{1b}[2J"),
    ] {
        let (_folder, inputs, image) = with(name, &bytes);
        let error = format!("{:#}", inputs.keep(&image).unwrap_err());
        assert!(error.contains(words) && error.lines().count() == 1, "{name}: {error}");
        assert!(inputs.folder().unwrap().read_dir().is_err(), "nothing is kept of {name}");
    }
}

#[test]
fn a_picture_that_is_cut_short_is_refused_in_every_format() {
    let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, (x * 7 + y * 13) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = file(&noise.clone().into(), format);
        assert!(decode(&whole, "whole").is_ok());
        for part in [whole.len() / 3, whole.len() / 2, whole.len() * 9 / 10] {
            assert!(decode(&whole[..part], "part").is_err(), "{format:?} cut to {part} of {} bytes", whole.len());
        }
    }
}

/// A JPEG with a segment behind its first mark.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &[0xff, marker], ((content.len() + 2) as u16).to_be_bytes().as_slice(), content, &jpeg[2..]].concat()
}

#[test]
fn a_photo_with_a_film_behind_it_is_whole_and_a_thumbnail_inside_does_not_make_one_whole() {
    let noise = RgbImage::from_fn(64, 64, |x, y| Rgb([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, (x * 7 + y * 13) as u8]));
    let jpeg = file(&noise.into(), ImageFormat::Jpeg);
    for film in [&[0xff, 0xda][..], b"ftypmp42\xff\xda\0\x08 \xff\xd9 \xff\xda", &[0xff]] {
        assert!(decode(&[&jpeg, film].concat(), "motion.jpg").is_ok());
    }
    let thumbnail = file(&flag(8, 8), ImageFormat::Jpeg);
    let photo = with_segment(&jpeg, 0xe1, &[b"Exif\0\0", thumbnail.as_slice()].concat());
    assert!(decode(&photo, "photo.jpg").is_ok());
    // Cut where the thumbnail's end is the last in the file, and the thumbnail's scan too.
    for part in [photo.len() - jpeg.len() + 2, photo.len() / 2, photo.len() - 2] {
        let error = format!("{:#}", decode(&photo[..part], "photo.jpg").unwrap_err());
        assert!(error.contains("cut short"), "{part}: {error}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn no_bytes_behind_the_mark_of_a_jpeg_are_too_much(bytes in proptest::collection::vec(
        proptest::prop_oneof![proptest::prelude::any::<u8>(), proptest::prelude::Just(0xff), 0xd0u8..=0xdd, 0u8..4], 0..200,
    )) {
        let _ = decode(&[&[0xff, 0xd8, 0xff][..], &bytes].concat(), "bytes.jpg");
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg())))
}

#[test]
fn a_name_that_leads_nowhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = Inputs::of(folder.path());
    for (text, words) in [
        ("/nowhere/tower.png", "No such file"),
        ("/tmp", "is a folder"),
        ("/dev/zero", "is no file"),
        ("ftp://example.org/x.png", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("run:12", "run 12 has no picture"),
        ("run:12/3", "run 12 has no picture 3"),
        ("run:../../etc/passwd", "names no result"),
        ("run:12@4", "'run:12@4' is a kept step and no picture"),
        (&format!("tower.png@sha256:{}", "a".repeat(64)), "does not keep tower.png (aaaaaaaaaaaa"),
    ] {
        let error = format!("{:#}", inputs.keep(&image(text)).unwrap_err());
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_kept_picture_outlives_its_file_and_is_kept_once() {
    let (folder, inputs, original) = with("tower.png", &file(&flag(8, 8), ImageFormat::Png));
    let kept = inputs.keep(&original).unwrap();
    assert_eq!(kept.name(), "tower.png");
    let before = inputs.open(&original).unwrap();
    fs::remove_file(folder.path().join("tower.png")).unwrap();
    assert_eq!(inputs.open(&kept).unwrap(), before);
    assert_eq!(inputs.keep(&kept).unwrap(), kept);
    let drawn = inputs.keep_pixels("drawing", &flag(8, 8).into_rgb8()).unwrap();
    assert_eq!(inputs.open(&drawn).unwrap(), before);
    assert_eq!(inputs.folder().unwrap().read_dir().unwrap().count(), 1 + usize::from(drawn.hash() != kept.hash()));
    assert_eq!(inputs.keep(&image(CAMPANILE)).unwrap(), image(CAMPANILE), "what is built in needs no file");
}

#[test]
fn a_result_goes_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/000142");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("2.png"), file(&flag(8, 8), ImageFormat::Png)).unwrap();
    let inputs = Inputs::of(folder.path());
    let kept = inputs.keep(&image("run:142/2")).unwrap();
    assert_eq!(kept.name(), "run:142/2");
    assert_eq!(inputs.open(&kept).unwrap().dimensions(), (8, 8));
}

#[test]
fn a_step_is_no_picture_and_a_picture_no_step() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/000142");
    fs::create_dir_all(run.join("steps")).unwrap();
    fs::write(run.join("1.png"), file(&flag(8, 8), ImageFormat::Png)).unwrap();
    fs::write(step_file(&run, 12), "tensors").unwrap();
    let inputs = Inputs::of(folder.path());
    let picture = inputs.keep(&image("run:142")).unwrap();
    let step = inputs.keep_step(&image("run:142@12")).unwrap();
    assert_eq!((step.name(), inputs.keep_step(&step).unwrap()), ("step 12 of 142", step.clone()));
    for (wrong, name) in [(&image("run:142@12"), "'run:142@12'"), (&step, "'step 12 of 142'")] {
        let error = inputs.keep(wrong).unwrap_err().to_string();
        assert_eq!(error, format!("{name} is a kept step and no picture; run:142 names a result"));
    }
    for wrong in [&image("run:142"), &picture, &image(CAMPANILE)] {
        let error = inputs.keep_step(wrong).unwrap_err().to_string();
        assert!(error.ends_with("is no kept step; write for example run:142@12"), "{error}");
    }
    let gone = inputs.keep_step(&image("run:142@13")).unwrap_err().to_string();
    assert_eq!(gone, "step 13 of run 142 is not kept in this workspace");
}

#[test]
fn a_picture_becomes_a_square_by_cutting_or_by_filling() {
    let (_folder, inputs, wide) = with("wide.png", &file(&flag(64, 32), ImageFormat::Png));
    let cut = inputs.photo(&photo(wide.as_str(), Fit::Crop), 16).unwrap();
    assert_eq!((cut.dimensions(), cut.get_pixel(0, 0).0, cut.get_pixel(15, 15).0), ((16, 16), [255, 0, 0], [0, 0, 255]));
    let whole = inputs.photo(&photo(wide.as_str(), Fit::Letterbox), 16).unwrap();
    assert_eq!((whole.get_pixel(0, 0).0, whole.get_pixel(0, 8).0), ([255; 3], [255, 0, 0]));
    let same = inputs.photo(&photo(wide.as_str(), Fit::Crop), 32).unwrap();
    assert_eq!(same.get_pixel(15, 3).0, [255, 0, 0], "a picture of the right size is not touched");
}

#[test]
fn transparent_pixels_show_the_background() {
    let glass = RgbaImage::from_fn(4, 4, |x, _| Rgba([10, 20, 30, if x < 2 { 0 } else { 255 }]));
    let (_folder, inputs, glass) = with("glass.png", &file(&glass.into(), ImageFormat::Png));
    let on_red = Photo { image: glass.clone(), fit: Fit::Crop, background: Colour([255, 0, 0]) };
    let picture = inputs.photo(&on_red, 4).unwrap();
    assert_eq!((picture.get_pixel(0, 0).0, picture.get_pixel(3, 3).0), ([255, 0, 0], [10, 20, 30]));
    assert!(inputs.mask(&glass, Fit::Crop, 4).unwrap().pixels().all(|pixel| pixel[0] == 0), "what is transparent or dark is kept");
}

#[test]
fn masks_are_white_or_black_and_cover_what_their_name_says() {
    let inputs = Inputs::default();
    let share = |name: &str| {
        let mask = inputs.mask(&image(name), Fit::Crop, 32).unwrap();
        assert!(mask.pixels().all(|pixel| pixel[0] == 0 || pixel[0] == 255));
        mask.pixels().filter(|pixel| pixel[0] == 255).count() as f64 / 1024.0
    };
    assert_eq!(MASKS.iter().map(|name| share(name)).collect::<Vec<_>>(), [0.25, 0.5, 0.5, 0.5, 0.5]);
    let (_folder, inputs, grey) = with("grey.png", &file(&flag(9, 9).grayscale().brighten(150), ImageFormat::Png));
    assert!(inputs.mask(&grey, Fit::Crop, 32).unwrap().pixels().all(|pixel| pixel[0] == 0 || pixel[0] == 255));
}

#[test]
fn a_mask_lies_on_its_photo_whichever_way_both_become_square() {
    // White where the photo is red; the bars of a letterbox are kept.
    let white = image::DynamicImage::from(RgbaImage::from_fn(64, 32, |x, _| Rgba([if x < 32 { 255 } else { 0 }; 4])));
    let (_folder, inputs, wide) = with("mask.png", &file(&white, ImageFormat::Png));
    let new = |fit| {
        let mask = inputs.mask(&wide, fit, 16).unwrap();
        [(0, 0), (0, 8), (7, 4), (8, 8), (15, 15)].map(|(x, y)| mask.get_pixel(x, y)[0])
    };
    assert_eq!(new(Fit::Crop), [255, 255, 255, 0, 0]);
    assert_eq!(new(Fit::Letterbox), [0, 255, 255, 0, 0]);
}

#[test]
fn the_campanile_is_built_in() {
    let tower = Inputs::default().open(&image(CAMPANILE)).unwrap();
    assert_eq!(tower.dimensions(), (264, 264));
    assert_eq!(Inputs::default().photo(&photo(CAMPANILE, Fit::Crop), 32).unwrap().dimensions(), (32, 32));
}
