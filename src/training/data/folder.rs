//! Folders of images with a subfolder for each class.

use super::{Data, Images, PIXELS, SIDE};
use crate::input;
use anyhow::{Context, Result, ensure};
use image::imageops::FilterType;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every so manieth image of a class is kept for tests.
const TEST: usize = 10;
/// The most images of a folder.
const MAX_IMAGES: usize = 1_000_000;

/// The classes in the order of their names, the images in the order of theirs.
pub(super) fn load(folder: &Path) -> Result<Data> {
    let classes: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    let none = || format!("{} has neither IDX files nor subfolders of images", folder.display());
    ensure!(!classes.is_empty(), none());
    ensure!(classes.len() <= 256, "{} has {} subfolders; up to 256 classes can be learned", folder.display(), classes.len());
    let (mut train, mut test, mut all) = (Images::default(), Images::default(), 0);
    for (class, path) in classes.iter().enumerate() {
        let files: Vec<_> = entries(path)?.into_iter().filter(|path| is_image(path)).collect();
        all += files.len();
        ensure!(all <= MAX_IMAGES, "{} has more than {MAX_IMAGES} images", folder.display());
        for (number, file) in files.iter().enumerate() {
            let images = if number % TEST == TEST - 1 { &mut test } else { &mut train };
            images.pixels.extend(pixels(file)?);
            images.classes.push(class as u8);
        }
    }
    ensure!(!train.is_empty(), none());
    let names = classes.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    Data::new(train, test, names.collect())
}

/// What is in a folder, by name, without hidden files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("{} cannot be read", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(cannot)?;
    paths.retain(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    path.is_file() && extension.is_some_and(|extension| ["png", "jpg", "jpeg", "webp", "gif"].contains(&extension.as_str()))
}

/// An image as a grey square: the middle of its longer side, the transparent parts black.
fn pixels(path: &Path) -> Result<Vec<u8>> {
    let name = path.display().to_string();
    let mut picture = input::decode(&input::read(path, &name, input::MAX_BYTES)?, &name)?;
    for pixel in picture.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let over_black = |level: u8| (u16::from(level) * u16::from(alpha) / 255) as u8;
        pixel.0 = [over_black(red), over_black(green), over_black(blue), 255];
    }
    let side = SIDE as u32;
    let grey = image::DynamicImage::from(picture).resize_to_fill(side, side, FilterType::CatmullRom).into_luma8().into_raw();
    ensure!(grey.len() == PIXELS, "{name} cannot be made a square");
    Ok(grey)
}
