//! darkroom's own pictures, from another workspace: the recipe and all that it resolved to are in the file.

use super::png::Png;
use super::{Found, file_name};
use crate::gallery::Gallery;
use crate::gallery::picture::read_png_recipe;
use crate::recipe::{Foreign, Made, Recipe};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The most files that are looked at for the other pictures of a run.
const MAX_FILES: usize = 4096;

/// A picture of a run, whose other pictures lie beside it.
///
/// # Errors
/// When it cannot be read, or one of the run's pictures is missing.
pub(super) fn read(gallery: &Gallery, path: &Path, png: Png) -> Result<Found> {
    // It names the file too, and whoever imports it has done so already.
    let (recipe, made, index) = read_png_recipe(path).map_err(|error| anyhow::anyhow!("{}", reason(&error, path)))?;
    ensure!(recipe.training().is_none(), "it is a sample of a training, which is more than its pictures; copy its folder instead");
    let count = recipe.pictures();
    ensure!(index < count, "it says that it is picture {} of {count}", index + 1);
    let size = png.size;
    let known = gallery.find_picture(&recipe, index, &png.bytes)?;
    let pictures = match known {
        Some(_) => Vec::new(),
        None => pictures(path, (&recipe, &made, index), png)?,
    };
    let missing = recipe.images().into_iter().filter(|image| image.hash().is_some() && gallery.inputs().path(image).is_err());
    let unmapped = missing.map(|image| format!("a picture that went in: {} is not in this workspace", image.name())).collect();
    let foreign = Foreign { program: "darkroom".to_owned(), file: file_name(path), model: Some(made.model.clone()), size, unmapped };
    let fields = recipe.pairs().into_iter().map(|(field, _)| field).collect();
    Ok(Found { recipe, made, foreign, pictures, fields, known })
}

fn reason(error: &anyhow::Error, path: &Path) -> String {
    let text = error.to_string();
    let prefix = format!("cannot read a recipe from {}: ", path.display());
    text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
}

/// The pictures of the run that one is of, in their order.
fn pictures(path: &Path, (recipe, made, index): (&Recipe, &Made, usize), png: Png) -> Result<Vec<Vec<u8>>> {
    let mut all: Vec<Option<Vec<u8>>> = vec![None; recipe.pictures()];
    let count = all.len();
    all[index] = Some(png.bytes);
    let (scanned, cut) = if count > 1 { beside(path) } else { (Vec::new(), false) };
    for other in named(path, index, count).into_iter().chain(scanned) {
        if all.iter().all(Option::is_some) {
            break;
        }
        let Ok((its, its_made, at)) = read_png_recipe(&other) else { continue };
        if its == *recipe && its_made == *made && all.get(at).is_some_and(Option::is_none) {
            all[at] = Some(Png::read(&other).with_context(|| format!("picture {} of its run, {}", at + 1, file_name(&other)))?.bytes);
        }
    }
    match all.iter().position(Option::is_none) {
        Some(missing) if cut => bail!(
            "it is picture {} of {count} of its run, and picture {} is not among the {MAX_FILES} pictures beside it that were looked at; \
            move those of its run into a folder of their own",
            index + 1,
            missing + 1
        ),
        Some(missing) => bail!("it is picture {} of {count} of its run, and picture {} is not beside it", index + 1, missing + 1),
        None => Ok(all.into_iter().flatten().collect()),
    }
}

/// Where the run's pictures are if they have the names that darkroom gives them: `2.png`, `guidance-3-2.png`.
fn named(path: &Path, index: usize, count: usize) -> Vec<PathBuf> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_suffix(&(index + 1).to_string()));
    let stem = stem.filter(|stem| stem.is_empty() || stem.ends_with('-'));
    stem.map_or(Vec::new(), |stem| (1..=count).map(|number| path.with_file_name(format!("{stem}{number}.png"))).collect())
}

/// The first pictures in the folder, and whether there are more.
fn beside(path: &Path) -> (Vec<PathBuf>, bool) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files = files.filter(|file| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")));
    let first = files.by_ref().take(MAX_FILES).collect();
    (first, files.next().is_some())
}
