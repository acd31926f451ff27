#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;

/// An IDX file: a magic number, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let head = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    head.chain(bytes.iter().copied()).collect()
}

fn images(count: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count).flat_map(|image| vec![(image % 256) as u8; PIXELS]).collect();
    idx(0x803, &[count, SIDE as u32, SIDE as u32], &pixels)
}

fn labels(count: u32) -> Vec<u8> {
    idx(0x801, &[count], &(0..count).map(|label| (label % 3) as u8).collect::<Vec<_>>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

fn whole() -> Vec<(&'static str, Vec<u8>)> {
    vec![(TRAIN[0], images(7)), (TRAIN[1], labels(7)), (TEST[0], images(4)), (TEST[1], labels(4))]
}

fn load(files: &[(&str, Vec<u8>)]) -> Result<Data> {
    Data::load(folder(files).path().to_str().unwrap())
}

/// What is said of a folder of which one file is another.
fn wrong(name: &str, bytes: Vec<u8>) -> String {
    let mut files = whole();
    files.iter_mut().find(|(file, _)| *file == name).unwrap().1 = bytes;
    format!("{:#}", load(&files).unwrap_err())
}

#[test]
fn mnist_is_there_without_a_network() {
    let data = Data::load("mnist").unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.classes.len()), (60_000, 10_000, 10));
    assert_eq!(data.train.classes(&[0, 1, 2, 3, 4]), [5, 0, 4, 1, 9]);
    let mean = data.train.mean().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
}

#[test]
fn a_folder_of_idx_files_is_the_same_gzipped_and_not() {
    let plain = load(&whole()).unwrap();
    let zipped: Vec<_> = whole().into_iter().map(|(name, bytes)| (format!("{name}.gz"), gzip(&bytes))).collect();
    let zipped: Vec<_> = zipped.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    assert_eq!(plain, load(&zipped).unwrap());
    assert_eq!((plain.train.len(), plain.test.len(), plain.classes.len()), (7, 4, 3));
    let picked = plain.train.pick(&[6, 0]).unwrap();
    assert_eq!(picked.dims(), [2, SIDE, SIDE, 1]);
    let sums: Vec<f32> = picked.flatten_from(1).unwrap().mean(1).unwrap().to_vec1().unwrap();
    assert!((sums[0] - 6.0 / 255.0).abs() < 1e-6 && sums[1] == 0.0);
    assert!(plain.train.pick(&[7]).unwrap_err().to_string().contains("there is no image 8; there are 7"));
}

#[test]
fn a_broken_file_is_named_with_what_is_wrong_with_it() {
    for (name, bytes, why) in [
        (TRAIN[0], labels(7), "it begins with 0x00000801 where 0x00000803 belongs"),
        (TRAIN[1], labels(6), "7 images"),
        (TEST[0], images(4)[..3000].to_vec(), "it is cut short: 2984 of 3136 bytes are there"),
        (TEST[1], [labels(4), vec![0]].concat(), "it has 1 bytes more than its sizes say"),
        (TRAIN[0], vec![0, 0], "it ends within its head"),
        (TRAIN[0], gzip(&images(7))[..40].to_vec(), "it cannot be unpacked"),
        (TRAIN[0], idx(0x803, &[u32::MAX; 3], &[]), "beyond reason"),
        (TRAIN[0], idx(0x803, &[7, 2, 2], &[0; 28]), "2x2 pixels"),
    ] {
        let said = wrong(name, bytes);
        assert!(said.contains(name) && said.contains(why), "{said}");
    }
    let missing = load(&whole()[..3]).unwrap_err().to_string();
    assert!(missing.starts_with("t10k-labels-idx1-ubyte is missing in"), "{missing}");
}

#[test]
fn a_folder_of_images_has_a_class_a_subfolder_and_every_tenth_for_tests() {
    let png = |level: u8, alpha: u8| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbaImage::from_pixel(40, 30, image::Rgba([level, level, level, alpha]))
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    let names: Vec<String> = (0..12).map(|number| format!("cats/{number:02}.png")).collect();
    let mut files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), png(255, 255))).collect();
    files.extend([("dogs/a.PNG", png(255, 0)), ("dogs/readme.txt", b"no picture".to_vec()), (".hidden/b.png", png(1, 1))]);
    let data = load(&files).unwrap();
    assert_eq!((data.classes.clone(), data.train.len(), data.test.len()), (vec!["cats".to_owned(), "dogs".to_owned()], 12, 1));
    let mean = |image: usize| data.train.pick(&[image]).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    assert_eq!([mean(0), mean(11)], [1.0, 0.0], "what is transparent is black");

    let broken = load(&[("cats/a.png", b"no picture".to_vec())]).unwrap_err();
    assert!(format!("{broken:#}").contains("a.png' is no picture"), "{broken:#}");
    assert!(load(&[("readme.txt", vec![])]).unwrap_err().to_string().contains("neither IDX files nor subfolders"));
    assert!(Data::load("/nowhere").unwrap_err().to_string().contains("there is no data '/nowhere'"));
}

#[test]
fn images_that_are_learned_from_stand_in_for_those_of_a_test_where_there_are_none() {
    let mut files = whole();
    (files[2].1, files[3].1) = (images(0), labels(0));
    let data = load(&files).unwrap();
    assert_eq!(data.test, data.train);
    let large = vec![0; crate::input::MAX_BYTES as usize + 1];
    assert!(load(&[("cats/a.png", large)]).unwrap_err().to_string().contains("a.png' is larger than 64 MB"));
}

#[test]
fn fewer_images_are_the_first_ones() {
    let data = load(&whole()).unwrap();
    assert_eq!(data.clone().first(3).train.classes(&[0, 1, 2, 3]), [0, 1, 2]);
    assert_eq!(data.clone().first(3).test, data.test);
    assert_eq!(data.clone().first(1000).train, data.train);
}
