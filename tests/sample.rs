//! A recipe in, a picture out: what `darkroom run sample` promises.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::{self, Models, Outcome};
use darkroom::recipe::Recipe;
use image::RgbImage;
use std::{fs, ops::ControlFlow, path::Path, process::Command};

fn recipe(fields: &[(&str, &str)]) -> Recipe {
    let pairs: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Recipe::parse("sample", &pairs).unwrap()
}

fn develop(fields: &[(&str, &str)]) -> Vec<RgbImage> {
    match experiment::run(&recipe(fields), &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).unwrap() {
        Outcome::Done(pictures, _) => pictures,
        Outcome::Stopped => panic!("nobody stopped it"),
    }
}

/// Of the pixels that are unlike the background, the part in which `channel` is the strongest.
fn share(picture: &RgbImage, channel: usize) -> f64 {
    let corner = picture.get_pixel(0, 0).0;
    let unlike = |pixel: &&image::Rgb<u8>| pixel.0.iter().zip(corner).map(|(a, b)| a.abs_diff(b) as u32).sum::<u32>() > 150;
    let strokes: Vec<_> = picture.pixels().filter(unlike).collect();
    assert!((20..500).contains(&strokes.len()), "{} of 1024 pixels are unlike the background", strokes.len());
    let strongest = strokes.iter().filter(|pixel| pixel.0.iter().max() == Some(&pixel.0[channel])).count();
    strongest as f64 / strokes.len() as f64
}

#[test]
fn a_red_three_is_red_and_a_blue_three_is_blue() {
    let red = develop(&[("prompt", "a red three"), ("seed", "7")]);
    let blue = develop(&[("prompt", "a blue three"), ("seed", "7")]);
    assert!(share(&red[0], 0) > 0.6, "red: {}", share(&red[0], 0));
    assert!(share(&blue[0], 2) > 0.6, "blue: {}", share(&blue[0], 2));
}

#[test]
fn the_same_recipe_gives_the_same_bytes_with_any_number_of_threads_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, seed: &str, threads: &str| {
        let out = dir.path().join(name);
        let end = Command::new(env!("CARGO_BIN_EXE_darkroom"))
            .args(["run", "sample", "--steps", "3", "--seed", seed, "--out"])
            .arg(&out)
            .arg("--workspace")
            .arg(dir.path().join("workspace"))
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
        fs::read(out).unwrap()
    };
    let one = run("one.png", "7", "1");
    assert!(one == run("two.png", "7", "2"), "two threads");
    assert!(one == run("four.png", "7", "4"), "four threads");
    assert!(one != run("other.png", "8", "2"), "another seed");
}

#[test]
fn a_run_that_was_broken_off_and_goes_on_ends_with_the_same_picture() {
    let fields = [("steps", "4"), ("seed", "3"), ("count", "2")];
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = dir.path().join("checkpoint");
    let stopped = experiment::run(&recipe(&fields), &mut Models::default(), None, &mut |step| {
        fs::write(&checkpoint, step.checkpoint()?)?;
        Ok(if step.index == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    assert!(matches!(stopped.unwrap(), Outcome::Stopped));

    let mut seen = Vec::new();
    let resumed = experiment::run(&recipe(&fields), &mut Models::default(), Some(&checkpoint), &mut |step| {
        seen.push(step.index);
        Ok(ControlFlow::Continue(()))
    });
    assert_eq!(seen, [2, 3], "only the steps that were missing");
    let Outcome::Done(pictures, _) = resumed.unwrap() else { panic!("nobody stopped it") };
    assert!(pictures == develop(&fields));
}

#[test]
fn a_checkpoint_of_something_else_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint");
    fs::write(&path, b"no checkpoint").unwrap();
    let end = experiment::run(&recipe(&[("steps", "2")]), &mut Models::default(), Some(&path), &mut |_| Ok(ControlFlow::Continue(())));
    let error = format!("{:#}", end.err().unwrap());
    assert!(error.contains(&*Path::new(&path).to_string_lossy()), "{error}");
}

#[test]
fn guidance_of_one_is_the_conditional_prediction_and_of_zero_ignores_the_prompt() {
    let picture = |prompt: &str, guidance: &str| develop(&[("prompt", prompt), ("guidance", guidance), ("steps", "2")]);
    assert!(picture("a red three", "0") == picture("a blue dress", "0"));
    assert!(picture("a red three", "1") != picture("a blue dress", "1"));
    // The two halves of a batch are computed apart, so an empty prompt pulls nowhere.
    assert!(picture("", "1") == picture("", "0"));
}

#[test]
fn every_kind_of_timesteps_is_walked_to_its_end() {
    for (timesteps, len) in [("900,500,100", 3), ("999", 1), ("5,0", 2)] {
        let mut walked = Vec::new();
        let end = experiment::run(&recipe(&[("timesteps", timesteps)]), &mut Models::default(), None, &mut |step| {
            walked.push(step.t.to_string());
            assert_eq!(step.of, len);
            Ok(ControlFlow::Continue(()))
        });
        assert!(end.is_ok());
        assert_eq!(walked.join(","), timesteps);
    }
}
