//! The experiments on a photo: noise goes in, noise comes out, and what must stay stays.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::Tensor;
use darkroom::diffusion::{Noise, Rule, Use, ddpm::deviation, forward};
use darkroom::experiment::{self, Models, Outcome, trace};
use darkroom::input::Inputs;
use darkroom::model::{Design, Folder};
use darkroom::recipe::{Model, Photo, Recipe};
use image::RgbImage;
use std::{fs, ops::ControlFlow};

mod common;

use common::{recipe, run};

fn campanile(side: u32) -> RgbImage {
    let Recipe::Forward(recipe) = recipe("forward", &[]) else { unreachable!() };
    Inputs::default().photo(&Photo { ..recipe.photo }, side).unwrap()
}

fn distance(a: &RgbImage, b: &RgbImage) -> f64 {
    let squares = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    (squares.sum::<f64>() / a.as_raw().len() as f64).sqrt()
}

/// Runs it straight, then broken off after every step of `stops` and taken up again; the bytes are the same.
fn resumes(recipe: &Recipe, stops: &[usize]) {
    let (straight, _) = run(recipe);
    let folder = tempfile::tempdir().unwrap();
    for stop in stops {
        let file = folder.path().join("checkpoint");
        let stopped = experiment::run(recipe, &mut Models::default(), None, &mut |step| {
            fs::write(&file, step.checkpoint()?)?;
            Ok(if step.index == *stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert!(matches!(stopped.unwrap(), Outcome::Stopped), "step {stop}");
        let mut first = None;
        let outcome = experiment::run(recipe, &mut Models::default(), Some(&file), &mut |step| {
            first.get_or_insert(step.index);
            assert!(step.index < step.of);
            Ok(ControlFlow::Continue(()))
        });
        let Outcome::Done(pictures, _) = outcome.unwrap() else { panic!("nobody broke it off") };
        assert_eq!(first, Some(stop + 1));
        assert_eq!(pictures, straight, "broken off after step {stop}");
    }
}

#[test]
fn the_forward_process_has_the_mean_and_variance_of_the_paper() {
    let schedule = Design::read(&Folder::Embedded).unwrap().process.schedule;
    let abar = schedule.alpha_bar(Some(500));
    let clean = Tensor::full(0.6f32, (1, 3, 64, 64), &candle_core::Device::Cpu).unwrap();
    let noise = Noise { seed: 7 }.normal(Use::Known, 0, 0, clean.shape()).unwrap();
    let noisy = forward(&schedule, &clean, Some(500), &noise).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let n = noisy.len() as f64;
    let mean = noisy.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    let variance = noisy.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
    // Four standard errors.
    assert!((mean - abar.sqrt() * 0.6).abs() < 4.0 * ((1.0 - abar) / n).sqrt(), "mean {mean}");
    assert!((variance - (1.0 - abar)).abs() < 4.0 * (1.0 - abar) * (2.0 / n).sqrt(), "variance {variance}");
}

#[test]
fn more_noise_leaves_less_of_the_picture() {
    let (pictures, made) = run(&recipe("forward", &[("t", "0,250,500,750,999")]));
    assert_eq!(pictures[0], campanile(32), "the original comes first");
    let away: Vec<_> = pictures[1..].iter().map(|noisy| distance(noisy, &pictures[0])).collect();
    assert!(away.windows(2).all(|pair| pair[0] < pair[1]) && away[0] < 6.0, "{away:?}");
    assert_eq!(made.timesteps, [0, 250, 500, 750, 999]);
}

#[test]
fn a_blur_takes_noise_away_but_one_prediction_takes_more() {
    let (blurred, _) = run(&recipe("blur", &[("t", "250")]));
    let (estimated, _) = run(&recipe("one-step", &[("t", "250")]));
    let original = &estimated[0];
    assert_eq!(blurred[0], estimated[1], "both meet the same noise");
    let [noisy, blur, estimate] = [&estimated[1], &blurred[1], &estimated[2]].map(|picture| distance(picture, original));
    assert!(blur < noisy && estimate < noisy, "noisy {noisy}, blurred {blur}, estimate {estimate}");
}

#[test]
fn the_iterative_run_keeps_every_fifth_noisy_picture_and_resumes() {
    let recipe = recipe("iterative", &[("start", "21"), ("seed", "3")]);
    assert_eq!(recipe.labels(), ["index 21", "index 26", "index 31", "original", "iterative", "one step", "blurred"]);
    let (pictures, _) = run(&recipe);
    let away: Vec<_> = pictures.iter().map(|picture| distance(picture, &pictures[3])).collect();
    assert!(away[0] > away[1] && away[1] > away[2], "it comes nearer on the way: {away:?}");
    resumes(&recipe, &[0, 1, 7, 12]);
}

#[test]
fn a_single_step_that_is_not_clipped_tells_no_threshold() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (recipe, unclipped) in
        [(recipe("one-step", &[("guidance", "1")]), 3), (recipe("iterative", &[("start", "30"), ("guidance", "1")]), 1)]
    {
        let end = experiment::run(&recipe, &mut Models::default(), None, &mut |step| {
            fs::write(&file, step.trace()?)?;
            let cut = step.inside.is_some() && step.index >= unclipped;
            assert_eq!(trace::numbers(file.path())?.thresholds.len(), usize::from(cut), "{} step {}", recipe.experiment(), step.index);
            Ok(ControlFlow::Continue(()))
        });
        assert!(matches!(end.unwrap(), Outcome::Done(..)));
    }
}

#[test]
fn an_iterative_run_that_goes_on_under_another_seed_blurs_the_noisy_picture_that_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let asked = |seed| recipe("iterative", &[("start", "21"), ("guidance", "1"), ("seed", seed)]);
    let (straight, _) = run(&asked("3"));
    for index in [0, 4] {
        let file = kept(&asked("3"), index, folder.path());
        let end = experiment::run(&asked("9"), &mut Models::default(), Some(&file), &mut |_| Ok(ControlFlow::Continue(())));
        let Outcome::Done(pictures, _) = end.unwrap() else { panic!("nobody broke it off") };
        assert_eq!([&pictures[0], &pictures[5], &pictures[6]], [&straight[0], &straight[5], &straight[6]], "noisy, one step, blurred");
        assert_ne!(pictures[4], straight[4], "from there on the noise is another");
    }
}

#[test]
fn an_edit_from_a_late_start_is_nearly_the_picture_and_resumes_in_every_pass() {
    let late = run(&recipe("edit", &[("start", "5,31")])).0;
    assert_eq!(late[2], campanile(32));
    assert!(distance(&late[1], &late[2]) < 20.0 && distance(&late[0], &late[2]) > distance(&late[1], &late[2]));
    // Two passes of three steps for each of two starts.
    resumes(&recipe("edit", &[("start", "31,30"), ("repeats", "2"), ("prompt", "a red three")]), &[0, 2, 4, 5, 6, 8, 9, 11]);
    resumes(&recipe("edit", &[("start", "1,2"), ("steps", "4"), ("guidance", "1")]), &[0, 2, 3]);
}

/// The fresh noise z of every step above timestep 0, by its timestep.
fn fresh_noise(recipe: &Recipe) -> Vec<(usize, Vec<f32>)> {
    let mut all = Vec::new();
    let end = experiment::run(recipe, &mut Models::default(), None, &mut |step| {
        let Some(inside) = step.inside.as_ref() else { return Ok(ControlFlow::Continue(())) };
        let (step, process) = (inside.step, inside.process.unwrap());
        if let Some(sigma) = deviation(process, step.jump, step.prediction)? {
            let still = Rule::Ddpm.step(process, step.jump, step.before, step.prediction, &Tensor::zeros_like(step.x)?)?.prev;
            all.push((step.jump.from, (step.x - still)?.broadcast_div(&sigma)?.flatten_all()?.to_vec1()?));
        }
        Ok(ControlFlow::Continue(()))
    });
    assert!(matches!(end.unwrap(), Outcome::Done(..)));
    all
}

#[test]
fn no_two_passes_of_an_edit_and_no_two_starts_meet_the_same_noise() {
    let noise = fresh_noise(&recipe("edit", &[("start", "30,31"), ("repeats", "2"), ("guidance", "1")]));
    assert_eq!(noise.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [90, 60, 30, 90, 60, 30, 60, 30, 60, 30]);
    for (i, (_, z)) in noise.iter().enumerate() {
        let variance = z.iter().map(|z| z * z).sum::<f32>() / z.len() as f32;
        assert!((variance - 1.0).abs() < 0.1, "step {i}: {variance}");
        for (j, (_, other)) in noise[..i].iter().enumerate() {
            let same = z.iter().zip(other).map(|(a, b)| a * b).sum::<f32>() / z.len() as f32;
            assert!(same.abs() < 0.1, "steps {j} and {i} meet the same noise: {same}");
        }
    }
}

#[test]
fn inpainting_keeps_what_the_mask_keeps_bit_for_bit() {
    let (pictures, _) = run(&recipe("inpaint", &[("mask", "right"), ("prompt", "a red three"), ("count", "2"), ("steps", "8")]));
    let original = campanile(32);
    for picture in &pictures {
        let kept = picture.enumerate_pixels().filter(|(x, _, _)| *x < 16);
        assert!(kept.clone().count() == 512 && kept.into_iter().all(|(x, y, pixel)| pixel == original.get_pixel(x, y)));
        assert!(distance(picture, &original) > 10.0, "the rest is new");
    }
    assert_ne!(pictures[0], pictures[1]);
}

#[test]
fn repaint_calls_the_model_as_often_as_it_announces_and_resumes() {
    let recipe = recipe("inpaint", &[("steps", "12"), ("jump-length", "3"), ("jump-count", "3"), ("guidance", "1")]);
    let announced = recipe.model_calls();
    assert_eq!(announced, 12 + 3 * 2 * 3);
    let (mut calls, mut back) = (0, Vec::new());
    let outcome = experiment::run(&recipe, &mut Models::default(), None, &mut |step| {
        calls += usize::from(step.inside.is_some());
        back.extend(step.inside.as_ref().and_then(|inside| inside.step.jump.back));
        assert_eq!(step.of, announced);
        Ok(ControlFlow::Continue(()))
    });
    assert!(matches!(outcome.unwrap(), Outcome::Done(..)));
    assert_eq!((calls, back.len()), (announced, 6));
    resumes(&recipe, &[4, 5, 17]);
}

#[test]
fn a_guidance_of_one_is_the_conditional_prediction_bit_for_bit() {
    let mut models = Models::default();
    let model = models.get(&Model { name: "tiny-if".into(), embeddings: None }, &["a red three"]).unwrap();
    let text = model.encode(&["", "a red three"]).unwrap();
    let x = Noise { seed: 1 }.normal(Use::Init, 0, 0, (1, 3, 32, 32)).unwrap();
    let numbers = |prediction: darkroom::diffusion::Prediction| prediction.join().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (guidance, row) in [(1.0, 1), (0.0, 0)] {
        let guided = numbers(model.predict_guided(&x, 500, &text, guidance).unwrap());
        assert_eq!(guided, numbers(model.predict(&x, 500, &text.one(row).unwrap()).unwrap()));
    }
}

#[test]
fn the_same_recipe_gives_the_same_bytes_and_another_seed_others() {
    for experiment in ["forward", "blur", "one-step"] {
        let [first, again, other] = ["1", "1", "2"].map(|seed| run(&recipe(experiment, &[("seed", seed)])).0);
        assert_eq!(first, again, "{experiment}");
        assert_ne!(first, other, "{experiment}");
    }
}

/// A file of what step `index` of a recipe kept.
fn kept(recipe: &Recipe, index: usize, folder: &std::path::Path) -> std::path::PathBuf {
    let file = folder.join(format!("{}-{index}", recipe.experiment()));
    let stopped = experiment::run(recipe, &mut Models::default(), None, &mut |step| {
        fs::write(&file, step.checkpoint()?)?;
        Ok(if step.index == index { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    assert!(matches!(stopped.unwrap(), Outcome::Stopped));
    file
}

#[test]
fn a_kept_step_that_does_not_fit_the_recipe_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let sample = recipe("sample", &[("guidance", "1")]);
    let iterative = recipe("iterative", &[("start", "20")]);
    let (early, late) = (kept(&sample, 5, folder.path()), kept(&sample, 12, folder.path()));
    let on_the_way = kept(&iterative, 4, folder.path());
    for (file, experiment, fields, words) in [
        (&late, "sample", &[("steps", "10")][..], "is number 13, but this recipe has 10 steps"),
        (
            &early,
            "sample",
            &[("steps", "10")],
            "left a picture at timestep 810, but after 6 steps this recipe has a picture at timestep 300",
        ),
        (&early, "edit", &[("start", "10")], "left a picture at timestep 810, but after 6 steps this recipe has a picture at timestep 510"),
        (&late, "edit", &[("start", "30")], "is number 13, but this recipe has 4 steps"),
        (&early, "iterative", &[("start", "1")], "holds 0 finished pictures, but this recipe has 2 by then"),
        (
            &on_the_way,
            "iterative",
            &[("start", "10")],
            "left a picture at timestep 270, but after 5 steps this recipe has a picture at timestep 570",
        ),
        (&early, "inpaint", &[("jump-length", "3"), ("jump-count", "2")], "left a picture at timestep 810"),
    ] {
        let end = experiment::run(&recipe(experiment, fields), &mut Models::default(), Some(file), &mut |_| Ok(ControlFlow::Break(())));
        let error = end.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.contains(words), "{experiment} {fields:?}: {error}");
    }
}
