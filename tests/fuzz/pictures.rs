//! Files that should be pictures.

use super::chunks::{self, WORDS};
use super::messages::recipe;
use super::mutate::Mutator;
use super::target::Target;
use darkroom::gallery::{encode_png, load, read_png_recipe};
use darkroom::input::decode;
use darkroom::recipe::Made;
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use std::fs;
use std::io::Cursor;

/// What a decoder may take, 1 GiB, and beside it the 64 million pixels that it hands over, four bytes each.
const DECODED: usize = (1 << 30) + 4 * 64_000_000 + (1 << 20);

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn any_format() -> Vec<Vec<u8>> {
    let rgb: DynamicImage = RgbImage::from_fn(17, 9, |x, y| image::Rgb([(x * 15) as u8, (y * 28) as u8, 128])).into();
    let rgba: DynamicImage = RgbaImage::from_fn(9, 17, |x, y| image::Rgba([(x * 15) as u8, 7, 128, (y * 15) as u8])).into();
    let mut all: Vec<_> =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif].map(|format| written(&rgb, format)).into();
    all.extend([ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif].map(|format| written(&rgba, format)));
    all.push(written(&rgb.to_luma8().into(), ImageFormat::Jpeg));
    all.push(written(&rgb.to_luma_alpha16().into(), ImageFormat::Png));
    // A phone's picture lies on its side: an Exif segment behind the first marker.
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut phone = written(&rgb, ImageFormat::Jpeg);
    phone.splice(2..2, exif.iter().copied());
    all.push(phone);
    all
}

#[test]
fn input_picture() {
    let markers: &[&[u8]] = &[
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xc0",
        b"\xff\xc2",
        b"\xff\xc4",
        b"\xff\xda",
        b"\xff\xdb",
        b"\xff\xe1",
        b"\xff\xe2ICC_PROFILE\0\x01\x01",
        b"Exif\0\0MM\0*",
        b"RIFF",
        b"WEBP",
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"ALPH",
        b"ANIM",
        b"ANMF",
        b"EXIF",
        b"GIF89a",
        b"\x21\xf9\x04",
        b"\x2c\0\0\0\0\xff\xff\xff\xff",
        b"\x21\xff\x0bNETSCAPE2.0",
        b"\x3b",
    ];
    let words: Vec<&[u8]> = WORDS.iter().chain(markers).copied().collect();
    Target {
        name: "input_picture",
        few: 600,
        seeds: any_format(),
        words: &words,
        change: &chunks::change,
        bound: &|_| DECODED,
        read: &mut |bytes| decode(bytes, "picture").is_ok(),
    }
    .fuzz();
}

/// A picture as the gallery keeps it.
pub fn kept(experiment: &str) -> Vec<u8> {
    let made = Made { model: "tiny-if".into(), size: (8, 8), timesteps: vec![990, 500, 0], ..Made::default() };
    encode_png(&RgbImage::new(8, 8), &recipe(experiment), &made, 0).unwrap()
}

/// The file after some changes; of the text that holds the recipe, often within it.
pub fn change_recipe(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    let key = b"darkroom\0\0\0\0\0";
    let at = bytes.windows(key.len()).position(|window| window == key).filter(|_| mutator.once_in(2));
    let Some(at) = at else { return chunks::change(mutator, bytes) };
    let begin = at + key.len();
    let end = at + u32::from_be_bytes(bytes[at - 8..at - 4].try_into().unwrap()) as usize;
    let text = mutator.change(bytes[begin..end].to_vec());
    let chunk = (*b"iTXt", [&key[..], &text].concat());
    let one = chunks::join(&[chunk]);
    let mut all = bytes;
    all.splice(at - 8..end + 4, one[8..].iter().copied());
    all
}

#[test]
fn gallery_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.png");
    let words: Vec<&[u8]> = WORDS.iter().chain(super::texts::JSON).copied().collect();
    Target {
        name: "gallery_picture",
        few: 600,
        seeds: ["sample", "anagram", "train-time"].map(kept).into(),
        words: &words,
        change: &change_recipe,
        // The picture itself, made small afterwards; the texts in it, 16 MiB as they are and as values.
        bound: &|_| DECODED,
        read: &mut |bytes| {
            fs::write(&path, bytes).unwrap();
            let shown = load(&path, 64);
            assert!(shown.as_ref().is_ok_and(|picture| picture.width().max(picture.height()) <= 64) || shown.is_err());
            let told = read_png_recipe(&path);
            shown.is_ok() && told.is_ok()
        },
    }
    .fuzz();
}
