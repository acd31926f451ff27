//! A model that enlarges: alone, and behind the one that has made the small picture.
#![allow(clippy::unwrap_used, clippy::panic)]

use candle_core::{Device, Tensor, safetensors};
use darkroom::diffusion::{self, Noise, Use, View, bilinear, forward};
use darkroom::experiment::{self, Models, Outcome};
use darkroom::input::Inputs;
use darkroom::model::{Cache, Loading, Phase, Place};
use darkroom::recipe::Recipe;
use std::sync::{Arc, Mutex};
use std::{collections::HashMap, fs, ops::ControlFlow, path::Path};

mod common;
#[path = "common/numbers.rs"]
mod numbers;

use common::{recipe, run};
use numbers::{far, first_and_last, largest};

const THREE: (&str, &str) = ("prompt", "a red three");

/// A stage II folder: see [`stage`].
fn stage_two(folder: &Path, with_text: bool) -> String {
    stage(folder, "if-unet-stage2", with_text)
}

/// A folder in diffusers' layout: a recorded network, a scheduler beside it, and a text encoder that fits.
fn stage(folder: &Path, network: &str, with_text: bool) -> String {
    let (cases, built_in) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/tiny-if"));
    let put = |from: &Path, to: &str| {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        put(&cases.join(network).join(file), &format!("unet/{file}"));
    }
    for file in ["scheduler/scheduler_config.json", "model_index.json"] {
        put(&built_in.join(file), file);
    }
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
    let Recipe::Upscale(upscale) = &recipe else { unreachable!() };
    let mut models = Models::default();
    let model = models.stage_two(upscale).unwrap();
    let small = Inputs::default().photo(recipe.photo().unwrap(), side as u32 / 4).unwrap();
    let levels = small.as_raw().iter().map(|level| f32::from(*level) / 127.5 - 1.0).collect();
    let small = Tensor::from_vec(levels, (1, side / 4, side / 4, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap();
    let noise = Noise { seed: 5 };
    let draw = |purpose| noise.normal(purpose, 0, 0, (1, 3, side, side)).unwrap();
    let large = bilinear(&small, side).unwrap();
    let drowned = forward(model.design.augmentation.as_ref().unwrap(), &large, Some(100), &draw(Use::Known)).unwrap();
    let both = Tensor::cat(&[&draw(Use::Init), &drowned], 1).unwrap();
    let t = model.design.process.schedule.len() / 3 * 2;
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
    assert!(error.contains("encoder_hid_dim 32") && error.contains("gives 128"), "{error}");
    let error = refused(&recipe("upscale", &[("model", "tiny-if")]));
    assert!(error.contains("stage I") && error.contains("IF-II-L-v1.0"), "{error}");
    let error = refused(&recipe("sample", &[("model", &stage_two(folder.path(), true))]));
    assert!(error.contains("stage II") && error.contains("stage I model"), "{error}");
}

/// A stage I folder and a stage II folder that enlarges its pictures of 8 pixels to 16.
fn both_stages() -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) =
        (stage(&folder.path().join("one"), "if-unet-stage1", true), stage(&folder.path().join("two"), "if-unet-stage2", false));
    (folder, one, two)
}

#[test]
fn both_stages_are_one_run_with_both_results() {
    let (_folder, one, two) = both_stages();
    let small = [("model", one.as_str()), ("steps", "4"), ("seed", "3"), ("count", "2")];
    let large = [("stage-two", two.as_str()), ("stage-two-steps", "3"), ("noise-level", "100")];
    let (alone, made) = run(&recipe("sample", &small));
    assert_eq!(made.stage_two, None);

    let asked = recipe("sample", &[&small[..], &large[..]].concat());
    let (pictures, made) = run(&asked);
    assert_eq!(asked.labels(), ["1", "2", "1, enlarged", "2, enlarged"]);
    assert_eq!(pictures[..2], alone, "the small pictures are those of stage I alone");
    assert!(pictures[2..].iter().all(|picture| picture.dimensions() == (16, 16)));
    assert_ne!(pictures[2], pictures[3]);
    let second = made.stage_two.unwrap();
    assert_eq!((made.timesteps.len(), second.timesteps.len(), second.size), (4, 3, (16, 16)));
    assert_ne!(made.model_hash, second.model_hash);

    let (mut steps, mut seen) = (Vec::new(), Vec::new());
    experiment::run(&asked, &mut Models::default(), None, &mut |step| {
        steps.push((step.index, step.of));
        seen.push(step.x.dims()[3]);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(steps, (0..7).map(|index| (index, 7)).collect::<Vec<_>>());
    assert_eq!(seen, [8, 8, 8, 8, 16, 16, 16]);
    assert_eq!(asked.model_calls(), 2 * 2 * 7, "two pictures, both halves of guidance, seven steps");
}

#[test]
fn anagrams_and_hybrids_are_enlarged_with_their_views_and_parts() {
    let (_folder, one, two) = both_stages();
    let asked = [
        ("model", one.as_str()),
        ("steps", "2"),
        ("stage-two", &two),
        ("stage-two-steps", "2"),
        ("prompt", "a red three"),
        ("prompt", "a nine"),
    ];
    let (pictures, _) = run(&recipe("anagram", &[&asked[..], &[("view", "identity,flip")]].concat()));
    assert_eq!(pictures.len(), 4);
    for pair in pictures.chunks(2) {
        assert_eq!(image::imageops::flip_vertical(&pair[0]), pair[1]);
    }
    let hybrid = recipe("hybrid", &[&asked[..5], &[("reference", "campanile"), ("split", "frequency")]].concat());
    let (pictures, _) = run(&hybrid);
    assert_eq!(pictures.iter().map(|picture| picture.width()).collect::<Vec<_>>(), [8, 8, 8, 16, 16, 16]);
}

#[test]
fn a_run_of_both_stages_goes_on_after_any_step_with_the_same_bytes() {
    let (folder, one, two) = both_stages();
    let file = folder.path().join("checkpoint");
    for timesteps in [("steps", "3"), ("timesteps", "900,500,100")] {
        let asked = recipe("sample", &[("model", one.as_str()), timesteps, ("stage-two", &two), ("stage-two-steps", "2"), ("count", "2")]);
        let (straight, _) = run(&asked);
        for stop in 0..5 {
            let stopped = experiment::run(&asked, &mut Models::default(), None, &mut |step| {
                fs::write(&file, step.checkpoint()?)?;
                Ok(if step.index == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            });
            assert!(matches!(stopped.unwrap(), Outcome::Stopped));
            let mut first = None;
            let resumed = experiment::run(&asked, &mut Models::default(), Some(&file), &mut |step| {
                first.get_or_insert(step.index);
                Ok(ControlFlow::Continue(()))
            });
            let Outcome::Done(pictures, _) = resumed.unwrap() else { panic!("nobody broke it off") };
            assert_eq!((pictures, first), (straight.clone(), (stop < 4).then_some(stop + 1)), "after step {stop}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_second_stage_is_told_before_the_first_one_begins() {
    let (_folder, one, two) = both_stages();
    let refused = |fields: &[(&str, &str)]| {
        let recipe = recipe("sample", &[&[("model", one.as_str()), ("steps", "2")], fields].concat());
        let mut begun = false;
        let end = experiment::run(&recipe, &mut Models::default(), None, &mut |_| {
            begun = true;
            Ok(ControlFlow::Continue(()))
        });
        assert!(!begun);
        format!("{:#}", end.err().unwrap())
    };
    assert!(refused(&[("stage-two", "/no/such")]).contains("there is no model '/no/such'"));
    assert!(refused(&[("stage-two", &one)]).contains("is of stage I; name a stage II model"));
    let unasked = Recipe::parse("sample", &[("noise-level".to_owned(), "5".to_owned())]).unwrap_err().to_string();
    assert!(unasked.contains("noise-level goes with a stage II model; name one with stage-two"), "{unasked}");
    let own = Recipe::parse("sample", &[("stage-two".to_owned(), two)]).unwrap();
    let error = experiment::run(&own, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).err().unwrap();
    assert!(format!("{error:#}").contains("is no multiple of 32"), "{error:#}");
}

/// What is told while a recipe's models are loaded, until `goes_on` has enough of it; and how the run ends.
fn told(models: &mut Models, recipe: &Recipe, goes_on: fn(&Loading) -> bool) -> (Vec<Loading>, Outcome) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    models.on_loading(Box::new(move |loading| {
        hears.lock().unwrap().push(loading.clone());
        if goes_on(loading) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }));
    let outcome = experiment::run(recipe, models, None, &mut |_| Ok(ControlFlow::Continue(()))).unwrap();
    let told = told.lock().unwrap().clone();
    (told, outcome)
}

#[test]
fn who_waits_for_a_model_hears_how_far_each_part_of_it_is_and_hears_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let model = stage_two(folder.path(), true);
    let asked = recipe("upscale", &[("model", &model), ("steps", "2")]);
    let cache = tempfile::tempdir().unwrap();
    let mut models = Models::default().at(Place::cpu(), Cache::at(cache.path().to_owned()));
    let (heard, outcome) = told(&mut models, &asked, |_| true);
    assert!(matches!(outcome, Outcome::Done(..)));
    let name = folder.path().file_name().unwrap().to_string_lossy();
    assert!(heard.iter().all(|loading| loading.model == name), "{heard:?}");
    let phases: Vec<Phase> = heard.iter().map(|loading| loading.phase).collect();
    let reads = phases.iter().position(|phase| *phase == Phase::Prompts).unwrap();
    assert_eq!(phases[reads + 1], Phase::Files);
    let text = phases[..reads].iter().map(|phase| if let Phase::TextEncoder(percent) = phase { *percent } else { panic!("{phases:?}") });
    let network = phases[reads + 2..].iter().map(|phase| if let Phase::Network(percent) = phase { *percent } else { panic!("{phases:?}") });
    for percents in [text.collect::<Vec<_>>(), network.collect()] {
        assert!(percents.is_sorted_by(|one, next| one < next) && percents.last() == Some(&100) && percents.len() > 3, "{percents:?}");
    }
    let (heard, _) = told(&mut models, &asked, |_| true);
    assert_eq!(heard, [], "it is there, and knows the prompt");
    let other = recipe("upscale", &[("model", &model), ("steps", "2"), ("prompt", "a nine")]);
    let (heard, _) = told(&mut models, &other, |_| true);
    assert_eq!(heard.iter().map(|loading| loading.phase).collect::<Vec<_>>(), [Phase::Prompts]);
    let (heard, _) = told(&mut Models::default(), &recipe("sample", &[("steps", "2")]), |_| true);
    assert_eq!(heard, [], "what is built in is there at once");
}

#[test]
fn a_run_that_nobody_waits_for_is_broken_off_while_its_model_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let model = stage_two(folder.path(), true);
    let asked = recipe("upscale", &[("model", &model), ("steps", "2")]);
    let mut models = Models::default();
    for goes_on in [
        |loading: &Loading| !matches!(loading.phase, Phase::TextEncoder(percent) if percent >= 50),
        |loading: &Loading| loading.phase != Phase::Prompts,
        |loading: &Loading| loading.phase != Phase::Files,
        |loading: &Loading| !matches!(loading.phase, Phase::Network(percent) if percent >= 50),
    ] {
        let (heard, outcome) = told(&mut models, &asked, goes_on);
        assert!(matches!(outcome, Outcome::Stopped) && !goes_on(heard.last().unwrap()), "{heard:?}");
    }
    let (heard, outcome) = told(&mut models, &asked, |_| true);
    assert!(matches!(outcome, Outcome::Done(..)) && heard.last().unwrap().phase == Phase::Network(100));
}
