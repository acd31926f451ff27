//! What can be made of a run that is kept: contact sheets, films of its steps, an anagram that turns.

use crate::experiment::trace;
use crate::gallery::{self, Gallery};
use crate::recipe::{Export, Layer, Run, RunId, State};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a step stands in a film.
const STEP: Duration = Duration::from_millis(120);
/// The most steps on a contact sheet, and how many stand side by side.
const SHEET_STEPS: usize = 36;
const SHEET_COLUMNS: usize = 9;
/// The largest picture of a film or sheet.
const MAX_SIDE: u32 = 512;

/// Makes it of a run, and writes it to `out`, or into the workspace's `exports`. Returns where it is.
///
/// # Errors
/// When there is no such run, nothing of it that is asked for was kept, or the file cannot be written.
pub fn export(gallery: &Gallery, id: RunId, (what, layer): (Export, Layer), out: Option<&Path>) -> Result<PathBuf> {
    let run = gallery.run(id)?.with_context(|| format!("there is no run {id}"))?;
    let (bytes, name) = match what {
        Export::Sheet => (sheet(gallery, &run, layer)?, "sheet.png"),
        Export::Gif => (gallery::gif(&gallery::film(&frames(gallery, &run, layer)?, STEP))?, "steps.gif"),
        Export::Apng => (gallery::apng(&gallery::film(&frames(gallery, &run, layer)?, STEP))?, "steps.png"),
        Export::Turning => (gallery::gif(&turning(gallery, &run)?)?, "turning.gif"),
    };
    let path = match out {
        Some(out) => out.to_owned(),
        None => gallery.export_path(&format!("{id:06}-{name}"))?,
    };
    gallery::write_atomic(&path, &bytes)?;
    Ok(path)
}

/// What a finished run made, with its labels, over its steps.
fn sheet(gallery: &Gallery, run: &Run, layer: Layer) -> Result<Vec<u8>> {
    let mut pictures = if run.state == State::Done { gallery.labelled(run, MAX_SIDE)? } else { Vec::new() };
    // One picture alone says little: how it came about says more.
    let columns = match pictures.len() {
        0 | 1 => {
            let steps = gallery.steps(run.id);
            let shown = spread(&steps, SHEET_STEPS);
            let of = run.of.max(steps.last().copied().unwrap_or(0));
            for step in shown {
                pictures.push((format!("step {step} of {of}"), layer_of(gallery, run.id, step, layer)?));
            }
            pictures.iter_mut().take(usize::from(run.state == State::Done)).for_each(|(label, _)| *label = "result".to_owned());
            pictures.rotate_left(usize::from(run.state == State::Done));
            SHEET_COLUMNS
        }
        _ => run.recipe.columns(),
    };
    ensure!(!pictures.is_empty(), "run {} has no pictures and no kept steps yet", run.id);
    gallery::encode(&gallery::contact_sheet(&run.recipe, columns, &pictures), &[])
}

/// The pictures of the kept steps.
fn frames(gallery: &Gallery, run: &Run, layer: Layer) -> Result<Vec<RgbImage>> {
    let steps = gallery.steps(run.id);
    ensure!(!steps.is_empty(), "run {} has no kept steps; only the newest runs keep them. Run its recipe again to have them", run.id);
    // A step of one kind may have another size or no such layer: a film keeps one size.
    let frames = steps.iter().map(|step| layer_of(gallery, run.id, *step, layer)).collect::<Result<Vec<_>>>()?;
    let size = frames.last().map(RgbImage::dimensions);
    Ok(frames.into_iter().filter(|frame| Some(frame.dimensions()) == size).collect())
}

fn layer_of(gallery: &Gallery, run: RunId, step: u32, layer: Layer) -> Result<RgbImage> {
    let picture = trace::picture(&gallery.step_path(run, step), layer);
    picture.with_context(|| format!("step {step} of run {run} cannot be shown"))
}

fn turning(gallery: &Gallery, run: &Run) -> Result<Vec<gallery::Shot>> {
    let views = run.recipe.views();
    let is_anagram = run.recipe.experiment() == "anagram" && views.len() > 1;
    ensure!(is_anagram, "run {} is no anagram; only those turn from view to view", run.id);
    ensure!(run.state == State::Done, "run {} is not done yet", run.id);
    let pictures = gallery.labelled(run, MAX_SIDE)?.into_iter().map(|(_, picture)| picture);
    Ok(gallery::turning(&views.iter().copied().zip(pictures).collect::<Vec<_>>()))
}

/// At most `count` of the items, evenly, with the first and the last.
fn spread(items: &[u32], count: usize) -> Vec<u32> {
    match items.len() <= count {
        true => items.to_vec(),
        false => (0..count).map(|i| items[i * (items.len() - 1) / (count - 1)]).collect(),
    }
}
