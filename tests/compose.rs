//! Several predictions as one: anagrams, hybrids, and both with a model that enlarges.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::{DType, Device, Tensor, safetensors};
use darkroom::diffusion::{self, Noise, Use, View, bilinear, forward};
use darkroom::experiment::{self, Models, Outcome};
use darkroom::input::Inputs;
use darkroom::model::{Folder, Pipeline};
use darkroom::recipe::{Made, Recipe};
use image::RgbImage;
use std::{collections::HashMap, fs, ops::ControlFlow, path::Path};

fn recipe(experiment: &str, pairs: &[(&str, &str)]) -> Recipe {
    let pairs: Vec<_> = pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Recipe::parse(experiment, &pairs).unwrap()
}

fn run(recipe: &Recipe) -> (Vec<RgbImage>, Made) {
    let outcome = experiment::run(recipe, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).unwrap();
    let Outcome::Done(pictures, made) = outcome else { panic!("nobody broke it off") };
    assert_eq!(pictures.len(), recipe.pictures(), "a picture for every label");
    (pictures, made)
}

/// What the model said at the first step, and the last picture that the sampler left.
fn first_and_last(recipe: &Recipe) -> (Vec<f32>, Vec<f32>) {
    let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (mut first, mut last) = (None, Vec::new());
    let outcome = experiment::run(recipe, &mut Models::default(), None, &mut |step| {
        let inside = step.inside.as_ref().map(|inside| values(&inside.step.prediction.join().unwrap()));
        first = first.take().or(inside);
        last = values(step.x);
        Ok(ControlFlow::Continue(()))
    });
    assert!(matches!(outcome.unwrap(), Outcome::Done(..)));
    (first.unwrap(), last)
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

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

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(1.0, |largest, value| value.abs().max(largest))
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

/// A stage II folder in diffusers' layout: the recorded network, a scheduler beside it, and a text encoder that fits.
fn stage_two(folder: &Path, with_text: bool) -> String {
    let (cases, built_in) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/tiny-if"));
    let put = |from: &Path, to: &str| {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        put(&cases.join("if-unet-stage2").join(file), &format!("unet/{file}"));
    }
    put(&built_in.join("scheduler/scheduler_config.json"), "scheduler/scheduler_config.json");
    if with_text {
        put(&built_in.join("tokenizer/tokenizer.json"), "tokenizer/tokenizer.json");
        let config = fs::read_to_string(cases.join("t5-encoder/config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["vocab_size"] = 180.into();
        fs::create_dir_all(folder.join("text_encoder")).unwrap();
        fs::write(folder.join("text_encoder/config.json"), config.to_string()).unwrap();
        let weights: HashMap<String, Tensor> = safetensors::load(cases.join("t5-encoder/model.safetensors"), &Device::Cpu).unwrap();
        // The recorded encoder knows 60 tokens, the tokenizer more.
        let wide = |(name, tensor): (String, Tensor)| match tensor.dims().first() == Some(&60) {
            true => (name, Tensor::cat(&[&tensor, &tensor, &tensor], 0).unwrap()),
            false => (name, tensor),
        };
        let weights: HashMap<String, Tensor> = weights.into_iter().map(wide).collect();
        safetensors::save(&weights, folder.join("text_encoder/model.safetensors")).unwrap();
    }
    folder.to_string_lossy().into_owned()
}

#[test]
fn a_stage_two_model_enlarges_alone_in_views_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let model = stage_two(folder.path(), true);
    let (pictures, made) = run(&recipe("upscale", &[("model", &model), ("steps", "3")]));
    assert_eq!((made.size, pictures[0].dimensions(), pictures[1].dimensions()), ((16, 16), (16, 16), (16, 16)));
    let small = Inputs::default().photo(recipe("upscale", &[("model", &model)]).photo().unwrap(), 4).unwrap();
    assert_eq!(small.get_pixel(3, 0), pictures[1].get_pixel(15, 0), "the corners of the bilinear picture are the small one's");

    let (one, plain) = first_and_last(&recipe("upscale", &[("model", &model), ("steps", "3"), THREE]));
    for extra in [[("view", "identity,identity")], [("split", "frequency")]] {
        let (both, same) =
            first_and_last(&recipe("upscale", &[&[("model", model.as_str()), ("steps", "3"), THREE, THREE], &extra[..]].concat()));
        assert!(far(&one, &both) <= 1e-6 * largest(&one) && far(&plain, &same) <= 1e-4 * largest(&plain), "{extra:?}");
    }
    let turned = recipe("upscale", &[("model", &model), ("steps", "2"), THREE, ("prompt", "a nine"), ("view", "identity,rotate-180")]);
    let (pictures, _) = run(&turned);
    assert_eq!(image::imageops::rotate180(&pictures[0]), pictures[2]);
    let neither = recipe("upscale", &[("model", &model), ("steps", "2"), THREE, ("prompt", "a nine"), ("view", "flip,rotate-180")]);
    let (pictures, _) = run(&neither);
    assert_eq!(image::imageops::flip_vertical(&pictures[0]), pictures[2]);
    assert_eq!(image::imageops::rotate180(&pictures[0]), pictures[3]);
}

#[test]
fn a_view_in_stage_two_is_of_all_that_the_model_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let dir = stage_two(folder.path(), true);
    let asked = [("model", dir.as_str()), ("steps", "3"), ("seed", "5"), ("noise-level", "100"), THREE, ("prompt", "a nine")];
    let recipe = recipe("upscale", &[&asked[..], &[("view", "flip,rotate-180")]].concat());
    let (said, _) = first_and_last(&recipe);

    let side = 16;
    let model = Pipeline::load_stage_two(&Folder::find(&dir).unwrap(), &Folder::Embedded).unwrap();
    let small = Inputs::default().photo(recipe.photo().unwrap(), side as u32 / 4).unwrap();
    let levels = small.as_raw().iter().map(|level| f32::from(*level) / 127.5 - 1.0).collect();
    let small = Tensor::from_vec(levels, (1, side / 4, side / 4, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap();
    let noise = Noise { seed: 5 };
    let draw = |purpose| noise.normal(purpose, 0, 0, (1, 3, side, side)).unwrap();
    let large = bilinear(&small, side).unwrap();
    let drowned = forward(model.augmentation().unwrap(), &large, Some(100), &draw(Use::Known)).unwrap();
    let both = Tensor::cat(&[&draw(Use::Init), &drowned], 1).unwrap();
    let t = model.process.schedule.len() / 3 * 2;
    let in_view = |(view, prompt): (View, &str)| {
        let text = model.encode(&["", prompt]).unwrap();
        let seen = model.at_noise_level(100).predict_guided(&view.apply(&both).unwrap(), t, &text, 4.0).unwrap();
        seen.map(|noise| view.undo(noise), |variance| view.undo_places(variance)).unwrap()
    };
    let views = [View::flip(side).unwrap(), View::rotate(side, 2).unwrap()];
    let predictions: Vec<_> = views.into_iter().zip(recipe.prompts()).map(in_view).collect();
    let by_hand = diffusion::mean(&predictions).unwrap().join().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(far(&said, &by_hand) <= 1e-6 * largest(&said), "{}", far(&said, &by_hand));
}

#[test]
fn another_noise_level_makes_another_picture() {
    let folder = tempfile::tempdir().unwrap();
    let model = stage_two(folder.path(), true);
    let level = |level| first_and_last(&recipe("upscale", &[("model", &model), ("steps", "2"), ("noise-level", level)]));
    let ((low, low_end), (again, again_end), (high, high_end)) = (level("0"), level("0"), level("900"));
    assert_eq!((&low, &low_end), (&again, &again_end));
    assert!(far(&low, &high) > 1e-3 * largest(&low) && far(&low_end, &high_end) > 1e-3, "{}", far(&low, &high));
}

#[test]
fn models_of_the_wrong_stage_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let model = stage_two(folder.path(), false);
    let refused = |recipe: &Recipe| {
        let error = experiment::run(recipe, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).err().unwrap();
        format!("{error:#}")
    };
    let error = refused(&recipe("upscale", &[("model", &model)]));
    assert!(error.contains("encoder_hid_dim 32") && error.contains("d_model is 128"), "{error}");
    let error = refused(&recipe("upscale", &[("model", "tiny-if")]));
    assert!(error.contains("stage I") && error.contains("IF-II-L-v1.0"), "{error}");
    fs::write(folder.path().join("model_index.json"), "{}").unwrap();
    let error = refused(&recipe("sample", &[("model", &stage_two(folder.path(), true))]));
    assert!(error.contains("stage II") && error.contains("stage I model"), "{error}");
}

#[test]
fn a_prediction_of_nothing_is_an_error() {
    assert!(diffusion::mean(&[]).is_err() && diffusion::sum(&[]).is_err());
    let noise = Tensor::ones((1, 3, 2, 2), DType::F32, &Device::Cpu).unwrap();
    let one = diffusion::Prediction { noise, variance: None, halves: None };
    assert!(diffusion::mean(&[one.clone(), one]).unwrap().variance.is_none());
}
