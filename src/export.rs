//! What can be made of a run that is kept: contact sheets, films of its steps, an anagram that turns.

use crate::experiment::trace;
use crate::gallery::{self, Gallery};
use crate::recipe::{Export, Layer, Run, RunId, State};
use anyhow::{Context, Result, ensure};
use image::RgbImage;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a step stands in a film.
const STEP: Duration = Duration::from_millis(120);
/// How long the samples of an epoch stand: there are few, with much on each.
const EPOCH: Duration = Duration::from_millis(700);
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
    let pace = if run.recipe.training().is_some() { EPOCH } else { STEP };
    let (bytes, name) = match what {
        Export::Sheet => (sheet(gallery, &run, layer)?, "sheet.png"),
        Export::Gif => (gallery::gif(&gallery::film(&frames(gallery, &run, layer)?, pace))?, "steps.gif"),
        Export::Apng => (gallery::apng(&gallery::film(&frames(gallery, &run, layer)?, pace))?, "steps.png"),
        Export::Turning => (gallery::gif(&turning(gallery, &run)?)?, "turning.gif"),
        Export::Table => (table(gallery, &run)?, "table.png"),
    };
    // All cells share one sheet, which the first names.
    let named = if what == Export::Table { run.grid.unwrap_or(id) } else { id };
    let path = match out {
        Some(out) => out.to_owned(),
        None => gallery.export_path(&format!("{named:06}-{name}"))?,
    };
    gallery::write_atomic(&path, &bytes)?;
    Ok(path)
}

/// The labelled sheet of the sweep that the run is a cell of.
fn table(gallery: &Gallery, run: &Run) -> Result<Vec<u8>> {
    let first =
        run.grid.with_context(|| format!("run {} is no cell of a sweep; a list such as 1,3,5 in a number field makes one", run.id))?;
    let sheet = gallery.sheet(first)?;
    let sheet = sheet.with_context(|| {
        format!("cells of the sweep of {first} wait or run, or none has a picture; its sheet can be made once they are over")
    })?;
    fs::read(&sheet).with_context(|| format!("{} cannot be read", sheet.display()))
}

/// What a finished run made, with its labels, over its steps.
fn sheet(gallery: &Gallery, run: &Run, layer: Layer) -> Result<Vec<u8>> {
    let mut pictures = if run.state == State::Done { gallery.labelled(run, MAX_SIDE)? } else { Vec::new() };
    // One picture alone says little: how it came about says more.
    let columns = match pictures.len() {
        0 | 1 => {
            let steps = steps(gallery, run, layer)?;
            let of = run.of.max(steps.last().map_or(0, |(step, _)| *step));
            let label = |step| if run.recipe.training().is_some() { format!("epoch {step}") } else { format!("step {step} of {of}") };
            pictures.iter_mut().for_each(|(label, _)| *label = "result".to_owned());
            pictures.extend(spread(steps, SHEET_STEPS).into_iter().map(|(step, picture)| (label(step), picture)));
            SHEET_COLUMNS
        }
        _ => run.recipe.columns(),
    };
    ensure!(!pictures.is_empty(), "run {} has no pictures and no kept steps yet", run.id);
    gallery::encode(&gallery::contact_sheet(&run.recipe, columns, &pictures), &[])
}

/// The pictures of the kept steps, all of one size.
fn frames(gallery: &Gallery, run: &Run, layer: Layer) -> Result<Vec<RgbImage>> {
    let frames = steps(gallery, run, layer)?;
    ensure!(!frames.is_empty() || run.recipe.training().is_none(), "run {} has drawn no samples yet", run.id);
    ensure!(!frames.is_empty(), "run {} has no kept steps; only the newest runs keep them. Run its recipe again to have them", run.id);
    // Where every step adds a picture, the first ones are smaller; a film keeps one size.
    let longest = |side: fn(&RgbImage) -> u32| frames.iter().map(|(_, frame)| side(frame)).max().unwrap_or(0);
    let size = (longest(RgbImage::width), longest(RgbImage::height));
    Ok(frames.into_iter().map(|(_, frame)| laid_on(size, frame)).collect())
}

/// The kept steps that have the layer, with their numbers; empty where none are kept. Of a training, the samples of its epochs.
fn steps(gallery: &Gallery, run: &Run, layer: Layer) -> Result<Vec<(u32, RgbImage)>> {
    if let Some(training) = run.recipe.training() {
        let epochs = gallery.picture_count(run.id).min(training.last());
        return (0..epochs).map(|index| Ok((index as u32 + 1, gallery::load(&gallery.picture_path(run.id, index), MAX_SIDE)?))).collect();
    }
    let kept = gallery.steps(run.id);
    let mut steps = Vec::new();
    for step in &kept {
        let picture = trace::find(&gallery.step_path(run.id, *step), layer);
        let picture = picture.with_context(|| format!("step {step} of run {} cannot be shown", run.id))?;
        steps.extend(picture.map(|picture| (*step, picture)));
    }
    ensure!(kept.is_empty() || !steps.is_empty(), "no kept step of run {} has {}; choose another layer", run.id, layer.title());
    Ok(steps)
}

/// The picture in the upper left corner of a black one.
fn laid_on(size: (u32, u32), picture: RgbImage) -> RgbImage {
    if picture.dimensions() == size {
        return picture;
    }
    let mut canvas = RgbImage::new(size.0, size.1);
    image::imageops::replace(&mut canvas, &picture, 0, 0);
    canvas
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
fn spread<T>(items: Vec<T>, count: usize) -> Vec<T> {
    let last = items.len().saturating_sub(1);
    let is_shown = |place: usize| last < count || (0..count).any(|i| i * last / (count - 1) == place);
    items.into_iter().enumerate().filter(|(place, _)| is_shown(*place)).map(|(_, item)| item).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::experiment::{self, Models, Outcome};
    use crate::recipe::{Grid, Recipe};
    use image::AnimationDecoder;
    use image::codecs::gif::GifDecoder;
    use std::io::Cursor;
    use std::ops::ControlFlow;

    /// A workspace in which this recipe was run, with its steps.
    fn with(experiment: &str, fields: &[(&str, &str)]) -> (tempfile::TempDir, Gallery, RunId) {
        let folder = tempfile::tempdir().unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        let fields: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        let recipe = Recipe::parse(experiment, &fields).unwrap();
        let run = gallery.adopt(&Grid::one(recipe.clone())).unwrap().remove(0);
        let outcome = experiment::run(&recipe, &mut Models::with(gallery.inputs()), None, &mut |step| {
            assert_eq!(gallery.kept_steps(run.id).keep((step.index, step.of), || step.trace()), None);
            Ok(ControlFlow::Continue(()))
        });
        let Outcome::Done(pictures, made) = outcome.unwrap() else { panic!("nobody broke it off") };
        gallery.save(run.id, &made, &pictures, 5).unwrap();
        (folder, gallery, run.id)
    }

    fn film(gallery: &Gallery, id: RunId, layer: Layer) -> Vec<image::Frame> {
        let path = export(gallery, id, (Export::Gif, layer), None).unwrap();
        GifDecoder::new(Cursor::new(fs::read(path).unwrap())).unwrap().into_frames().collect_frames().unwrap()
    }

    #[test]
    fn steps_without_the_layer_are_left_out_and_only_a_run_without_it_is_refused() {
        let (_folder, gallery, id) = with("sample", &[("guidance", "1")]);
        assert_eq!(film(&gallery, id, Layer::Clean).len(), 34);
        assert_eq!(film(&gallery, id, Layer::Noisy).len(), 33, "the last of the strided timesteps calls no model");
        for what in [Export::Apng, Export::Sheet] {
            export(&gallery, id, (what, Layer::Variance), None).unwrap();
        }
        for what in [Export::Gif, Export::Apng, Export::Sheet] {
            let error = export(&gallery, id, (what, Layer::Picture), None).unwrap_err();
            assert_eq!(error.to_string(), format!("no kept step of run {id} has pictures; choose another layer"));
        }
    }

    #[test]
    fn a_film_of_pictures_that_become_more_shows_every_step_in_the_size_of_the_last() {
        for experiment in ["blur", "forward"] {
            let (_folder, gallery, id) = with(experiment, &[("t", "250,500,750")]);
            let frames = film(&gallery, id, Layer::Clean);
            assert_eq!(frames.len(), 3, "{experiment}");
            assert!(frames.iter().all(|frame| frame.buffer().dimensions() == (256, 256)));
            let below = |frame: usize| frames[frame].buffer().get_pixel(20, 200).0;
            assert_eq!(below(0), [0, 0, 0, 255], "what is not there yet is black");
            assert_ne!(below(2), below(0));
        }
    }

    #[test]
    fn the_sheet_of_a_sweep_is_made_from_any_of_its_cells_once_all_are_done() {
        let folder = tempfile::tempdir().unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        let fields = [("t", "500"), ("seed", "1,2,3")].map(|(field, value)| (field.to_owned(), value.to_owned()));
        let grid = crate::recipe::Ask { experiment: "forward".to_owned(), fields: fields.to_vec() }.expand().unwrap();
        let runs = gallery.adopt(&grid).unwrap();
        let made = |run: &Run| {
            let outcome = experiment::run(&run.recipe, &mut Models::with(gallery.inputs()), None, &mut |_| Ok(ControlFlow::Continue(())));
            let Outcome::Done(pictures, made) = outcome.unwrap() else { panic!("nobody broke it off") };
            gallery.save(run.id, &made, &pictures, 5).unwrap();
        };
        runs[..2].iter().for_each(made);
        let table = |id, out| export(&gallery, id, (Export::Table, Layer::Clean), out);
        let error = table(runs[1].id, None).unwrap_err().to_string();
        assert_eq!(error, "cells of the sweep of 1 wait or run, or none has a picture; its sheet can be made once they are over");
        made(&runs[2]);
        let path = table(runs[1].id, None).unwrap();
        assert!(path.ends_with("exports/000001-table.png"), "{}", path.display());
        assert_eq!(fs::read(&path).unwrap(), fs::read(gallery.sheet(runs[0].id).unwrap().unwrap()).unwrap());
        let named = folder.path().join("sheet.png");
        assert_eq!(table(runs[2].id, Some(&named)).unwrap(), named);
        let (_folder, gallery, alone) = with("forward", &[("t", "500")]);
        let error = export(&gallery, alone, (Export::Table, Layer::Clean), None).unwrap_err().to_string();
        assert!(error.starts_with("run 1 is no cell of a sweep"), "{error}");
    }

    #[test]
    fn few_of_many_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread((1..=9).collect(), 3), [1, 5, 9]);
        assert_eq!(spread(vec![1, 2, 3], 3), [1, 2, 3]);
        assert_eq!(spread((1..=128).collect::<Vec<u32>>(), 36).len(), 36);
        assert!(spread(Vec::<u32>::new(), 3).is_empty());
    }
}
