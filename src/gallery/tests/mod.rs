//! What a workspace promises: nothing is lost, nothing is marked before it is there, everything is found again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod files;
mod find;
mod index;
mod inputs;
mod kin;
mod marks;
mod notes;
mod older;
mod order;
mod sheets;
mod steps;
mod thumbs;
mod trainings;
mod trash;

use super::*;
use crate::recipe::{Ask, Image, Recipe, State};
use image::Rgb;
use tempfile::TempDir;

fn ask(fields: &[(&str, &str)]) -> Grid {
    grid_of("sample", fields)
}

fn grid_of(experiment: &str, fields: &[(&str, &str)]) -> Grid {
    let fields = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Ask { experiment: experiment.into(), fields }.expand().unwrap()
}

fn recipe(fields: &[(&str, &str)]) -> Recipe {
    ask(fields).recipes.remove(0)
}

fn made() -> Made {
    Made {
        model: "tiny-if".into(),
        model_hash: "0123456789abcdef0123456789abcdef".into(),
        data_hash: None,
        size: (32, 32),
        timesteps: (0..34).rev().map(|t| t * 30).collect(),
        rng: "ChaCha12".into(),
        device: "cpu".into(),
        dtype: "f32".into(),
        stage_two: None,
    }
}

/// A picture with something in it, different for each `seed`.
fn picture(seed: u8) -> RgbImage {
    RgbImage::from_fn(32, 32, |x, y| Rgb([seed.wrapping_mul(40), (x * 8) as u8, (y * 8) as u8]))
}

fn workspace() -> (TempDir, Gallery) {
    let folder = tempfile::tempdir().unwrap();
    let gallery = open(folder.path());
    (folder, gallery)
}

/// Opens a workspace in which there is nothing to mend.
fn open(folder: &Path) -> Gallery {
    let (gallery, told) = Gallery::open(folder).unwrap();
    assert_eq!(told, Vec::<String>::new());
    gallery
}

/// Submits a grid and finishes all its runs, the way the engine does.
fn finish(gallery: &Gallery, grid: &Grid) -> Vec<Run> {
    let runs = gallery.submit(grid).unwrap();
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let done = ids.iter().map(|id| {
        let run = gallery.take_next().unwrap().unwrap();
        assert_eq!(run.id, *id);
        let pictures: Vec<_> = (0..run.recipe.pictures()).map(|index| picture(index as u8 + id.0 as u8)).collect();
        gallery.save(*id, &made(), &pictures, 700 + id.0 as u64).unwrap()
    });
    done.collect()
}

fn finish_one(gallery: &Gallery, prompt: &str) -> Run {
    finish(gallery, &ask(&[("prompt", prompt)])).remove(0)
}

fn ids(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.id.0).collect()
}

fn states(runs: &[Run]) -> Vec<(i64, State)> {
    runs.iter().map(|run| (run.id.0, run.state)).collect()
}
