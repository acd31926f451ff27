//! Pictures and recipes copied out of the workspace.

use crate::atomic::{cannot_write, make_folder};
use crate::gallery::Gallery;
use crate::recipe::{Filter, Run};
use anyhow::{Result, anyhow, ensure};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// So many runs are looked at together.
const PAGE: u32 = 500;
/// The most letters of a prompt in a file's name.
const MAX_NAME: usize = 48;

/// What was copied.
#[derive(Default)]
pub(super) struct Copied {
    pub pictures: usize,
    pub runs: usize,
}

/// Copies the pictures of the runs that a filter lets through, byte for byte, and their recipes, into a folder.
///
/// # Errors
/// When a file is there already, or cannot be read or written; those before it stay.
pub(super) fn export(gallery: &Gallery, filter: &Filter, limit: Option<u32>, folder: &Path) -> Result<Copied> {
    make_folder(folder)?;
    let (mut copied, mut before, mut left) = (Copied::default(), None, limit.unwrap_or(u32::MAX));
    loop {
        let page = gallery.older(filter, before, left.min(PAGE))?.runs;
        let Some(last) = page.last() else { return Ok(copied) };
        (before, left) = (Some(last.id), left - page.len() as u32);
        for run in &page {
            copied.pictures += copy_run(gallery, run, folder)?;
            copied.runs += 1;
        }
    }
}

/// Copies one run; returns how many pictures it has.
fn copy_run(gallery: &Gallery, run: &Run, folder: &Path) -> Result<usize> {
    let name = format!("{:06}-{}", run.id.0, slug(&run.recipe.prompt()).unwrap_or_else(|| run.recipe.experiment().to_owned()));
    let pictures = run.recipe.pictures();
    for index in 0..pictures {
        let number = if pictures > 1 { format!("-{}", index + 1) } else { String::new() };
        let from = gallery.picture_path(run.id, index);
        let cannot = |error| anyhow!("cannot read the picture {}: {}", from.display(), crate::atomic::reason(&error));
        create(&folder.join(format!("{name}{number}.png")), &mut File::open(&from).map_err(cannot)?)?;
    }
    create(&folder.join(format!("{name}.toml")), &mut run.recipe.to_toml().as_bytes())?;
    Ok(pictures)
}

/// Writes a file that was not there; what is written half is taken away.
fn create(path: &Path, from: &mut dyn Read) -> Result<()> {
    let made = File::create_new(path);
    let is_there = made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
    ensure!(!is_there, "{} is there already; name a new folder", path.display());
    let mut file = made.map_err(|error| cannot_write(path, &error))?;
    io::copy(from, &mut file).map(|_| ()).map_err(|error| {
        let _ = fs::remove_file(path);
        cannot_write(path, &error)
    })
}

/// The letters and digits of a text, the gaps as `-`; none where it has none.
fn slug(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug: String = words.collect::<Vec<_>>().join("-").to_lowercase().chars().take(MAX_NAME).collect();
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}
