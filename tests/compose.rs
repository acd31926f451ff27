//! Several predictions as one: anagrams and hybrids.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::{DType, Device, Tensor};
use darkroom::diffusion;
use darkroom::experiment::{self, Models, Outcome};
use image::RgbImage;
use std::{fs, ops::ControlFlow};

mod common;
#[path = "common/numbers.rs"]
mod numbers;

use common::{recipe, run};
use numbers::{far, first_and_last, largest};

const THREE: (&str, &str) = ("prompt", "a red three");
const STEPS: (&str, &str) = ("steps", "10");

#[test]
fn two_identity_views_of_one_prompt_are_a_plain_picture() {
    let (plain, picture) = first_and_last(&recipe("sample", &[THREE, STEPS]));
    let (both, anagram) = first_and_last(&recipe("anagram", &[THREE, THREE, STEPS, ("view", "identity,identity")]));
    assert!(far(&plain, &both) <= 1e-6 && far(&picture, &anagram) <= 1e-4, "{} {}", far(&plain, &both), far(&picture, &anagram));
}

#[test]
fn a_hybrid_of_one_prompt_with_itself_is_a_plain_picture() {
    let (plain, picture) = first_and_last(&recipe("sample", &[THREE, STEPS]));
    for split in ["frequency", "colour", "motion", "scale"] {
        let (both, hybrid) = first_and_last(&recipe("hybrid", &[THREE, THREE, STEPS, ("split", split)]));
        let (noise, end) = (far(&plain, &both), far(&picture, &hybrid));
        assert!(noise <= 1e-6 * largest(&plain) && end <= 1e-4, "{split}: {noise} {end}");
    }
    let (three, _) = first_and_last(&recipe("hybrid", &[THREE, THREE, THREE, STEPS, ("split", "three-bands")]));
    assert!(far(&plain, &three) <= 1e-6 * largest(&plain));
}

#[test]
fn the_pictures_of_an_anagram_are_its_views_and_in_turn_costs_half() {
    let asked = [("prompt", "a white six"), ("prompt", "a white nine"), ("view", "identity,rotate-180"), STEPS, ("count", "2")];
    let recipe_of_mean = recipe("anagram", &asked);
    let (pictures, _) = run(&recipe_of_mean);
    let turned = image::imageops::rotate180(&pictures[2]);
    assert_eq!(turned, pictures[3]);
    assert_ne!(pictures[0], pictures[2]);
    let neither = run(&recipe("anagram", &[("prompt", "a six"), ("prompt", "a nine"), ("view", "flip,rotate-180"), ("steps", "2")])).0;
    assert_eq!(image::imageops::flip_vertical(&neither[0]), neither[1], "the picture itself comes first");
    assert_eq!(image::imageops::rotate180(&neither[0]), neither[2]);
    let in_turn = recipe("anagram", &[&asked[..], &[("reduce", "alternate")]].concat());
    assert_eq!(in_turn.model_calls() * 2, recipe_of_mean.model_calls());
    assert_ne!(run(&in_turn).0, pictures);
}

#[test]
fn a_reference_gives_its_part_and_the_seed_the_rest() {
    let asked = [("prompt", "a white shirt"), ("reference", "campanile"), STEPS, ("split", "colour")];
    let [one, again, other] = ["1", "1", "2"].map(|seed| run(&recipe("hybrid", &[&asked[..], &[("seed", seed)]].concat())).0);
    assert_eq!(one, again, "the same seed gives the same bytes");
    assert_ne!(one, other);
    let grey = |picture: &RgbImage| image::DynamicImage::from(picture.clone()).into_luma8();
    let photo = run(&recipe("forward", &[])).0.remove(0);
    let off = grey(&one[1]).pixels().zip(grey(&photo).pixels()).map(|(a, b)| f64::from(a[0].abs_diff(b[0]))).sum::<f64>() / 1024.0;
    let unlike = grey(&run(&recipe("sample", &[("prompt", "a white shirt"), STEPS])).0[0])
        .pixels()
        .zip(grey(&photo).pixels())
        .map(|(a, b)| f64::from(a[0].abs_diff(b[0])))
        .sum::<f64>()
        / 1024.0;
    assert!(off < unlike / 2.0, "the grey part is that of the photo: {off} of {unlike}");
}

#[test]
fn the_part_that_a_reference_gives_is_its_own_to_the_last() {
    let photo = run(&recipe("forward", &[])).0.remove(0);
    let levels = photo.as_raw().iter().map(|level| f32::from(*level) / 127.5 - 1.0).collect();
    let photo = Tensor::from_vec(levels, (1, 32, 32, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    for (name, kind) in [("colour", diffusion::Parts::Colour), ("scale", diffusion::Parts::Scale)] {
        for fixed in [1, 2] {
            let asked = [("prompt", "a white shirt"), ("reference", "campanile"), ("steps", "5"), ("guidance", "1"), ("split", name)];
            let (pictures, _) = run(&recipe("hybrid", &[&asked[..], &[("fixed", fixed.to_string().as_str())]].concat()));
            let part = diffusion::Split { kind, kernel: 33, sigma: 2.0 }.part(&photo, fixed - 1).unwrap();
            let part = part.permute((0, 2, 3, 1)).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let away = |(level, value): (&u8, &f32)| (f32::from(*level) - ((value + 1.0) * 127.5).clamp(0.0, 255.0)).abs();
            let off = pictures[fixed].as_raw().iter().zip(&part).map(away).fold(0.0, f32::max);
            assert!(off <= 1.0, "part {fixed} of {name} is {off} levels away from the photo's");
        }
    }
}

#[test]
fn a_reference_becomes_square_as_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wide.png");
    RgbImage::from_pixel(64, 32, image::Rgb([128; 3])).save(&file).unwrap();
    let asked = [THREE, ("reference", file.to_str().unwrap()), ("split", "scale"), ("steps", "1"), ("guidance", "1")];
    let top = |more: &[(&str, &str)]| *run(&recipe("hybrid", &[&asked[..], more].concat())).0[1].get_pixel(16, 0);
    assert_eq!(top(&[]).0, [128; 3], "cropped unless asked otherwise");
    assert_eq!(top(&[("fit", "letterbox")]).0, [255; 3]);
    assert_eq!(top(&[("fit", "letterbox"), ("background", "#204060")]).0, [0x20, 0x40, 0x60]);
}

#[test]
fn composed_runs_go_on_where_they_were_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    for recipe in [recipe("anagram", &[STEPS, ("reduce", "alternate")]), recipe("hybrid", &[STEPS, ("reference", "campanile"), THREE])] {
        let (straight, _) = run(&recipe);
        let stopped = experiment::run(&recipe, &mut Models::default(), None, &mut |step| {
            fs::write(&file, step.checkpoint()?)?;
            Ok(if step.index == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert!(matches!(stopped.unwrap(), Outcome::Stopped));
        let resumed = experiment::run(&recipe, &mut Models::default(), Some(&file), &mut |_| Ok(ControlFlow::Continue(())));
        let Outcome::Done(pictures, _) = resumed.unwrap() else { panic!("nobody broke it off") };
        assert_eq!(pictures, straight, "{}", recipe.experiment());
    }
}

#[test]
fn a_view_that_does_not_fit_the_model_is_refused_by_its_name() {
    let recipe = recipe("anagram", &[THREE, THREE, ("view", "identity,patch-permute:5")]);
    let error = experiment::run(&recipe, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).err().unwrap();
    assert!(format!("{error:#}").contains("patch-permute:5 does not fit the model's pictures: a picture of 32 pixels"), "{error:#}");
}

#[test]
fn a_prediction_of_nothing_is_an_error() {
    assert!(diffusion::mean(&[]).is_err() && diffusion::sum(&[]).is_err());
    let noise = Tensor::ones((1, 3, 2, 2), DType::F32, &Device::Cpu).unwrap();
    let one = diffusion::Prediction { noise, variance: None, halves: None };
    assert!(diffusion::mean(&[one.clone(), one]).unwrap().variance.is_none());
}
