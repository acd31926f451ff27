//! Prompts that were read elsewhere, as every student of the course holds them.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::{self, Models, Outcome};
use darkroom::gallery::Gallery;
use darkroom::recipe::{Grid, Made, Recipe};
use image::RgbImage;
use std::{fs, ops::ControlFlow, path::Path};

fn course() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/embeddings/course.pth")
}

fn recipe(fields: &[(&str, &str)]) -> Recipe {
    let fields: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Recipe::parse("sample", &fields).unwrap()
}

fn run(recipe: &Recipe, models: &mut Models) -> anyhow::Result<(Vec<RgbImage>, Made)> {
    match experiment::run(recipe, models, None, &mut |_| Ok(ControlFlow::Continue(())))? {
        Outcome::Done(pictures, made) => Ok((pictures, made)),
        Outcome::Stopped => panic!("nobody broke it off"),
    }
}

#[test]
fn a_dictionary_takes_the_text_encoders_place_and_the_workspace_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt_embeds_dict.pth");
    fs::copy(course(), &file).unwrap();
    let (gallery, _) = Gallery::open(&folder.path().join("workspace")).unwrap();
    let mut models = Models::with(gallery.inputs());
    let asked = [("prompt", "a red three"), ("steps", "8"), ("seed", "4")];
    let by_dictionary = recipe(&[&asked[..], &[("embeddings", file.to_str().unwrap())]].concat());
    let kept = gallery.adopt(&Grid::one(by_dictionary)).unwrap().remove(0).recipe;
    fs::remove_file(&file).unwrap();

    let (plain, own) = run(&recipe(&asked), &mut models).unwrap();
    let (pictures, made) = run(&kept, &mut models).unwrap();
    let far = plain[0].iter().zip(pictures[0].iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(far <= 8, "the dictionary holds the same states in half precision: {far} levels");
    assert_ne!(own.model_hash, made.model_hash, "what reads the prompts is no part of this model");

    let words = kept.clone().nameless().to_toml();
    assert!(words.contains("embeddings = \"input@sha256:") && !words.contains("prompt_embeds_dict"), "{words}");
    assert!(kept.named().to_toml().contains("embeddings = \"prompt_embeds_dict.pth\""));
}

#[test]
fn a_prompt_that_is_not_in_it_ends_the_run_with_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let (gallery, _) = Gallery::open(folder.path()).unwrap();
    let course = course();
    let asked = recipe(&[("prompt", "a dog"), ("steps", "2"), ("embeddings", course.to_str().unwrap())]);
    let kept = gallery.adopt(&Grid::one(asked)).unwrap().remove(0).recipe;
    let error = format!("{:#}", run(&kept, &mut Models::with(gallery.inputs())).err().unwrap());
    assert_eq!(error, "course.pth does not hold 'a dog'; it holds 'a red three'");
}

#[test]
fn what_is_no_dictionary_is_refused_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (gallery, _) = Gallery::open(folder.path()).unwrap();
    let lost = format!("mine.pth@sha256:{}", "a".repeat(64));
    for (file, why) in [
        ("/no/such.pth", "the file 'such.pth' cannot be read"),
        ("photo.png", "'photo.png' is no dictionary of prompts"),
        (&lost, "this workspace does not keep mine.pth"),
    ] {
        let error = format!("{:#}", gallery.adopt(&Grid::one(recipe(&[("embeddings", file)]))).unwrap_err());
        assert!(error.contains(why), "{error}");
    }
}
