//! Trainings: recipe in, network out; the same whatever happens in between.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::{self, Kept, Lesson, Next};
use darkroom::export::export;
use darkroom::gallery::Gallery;
use darkroom::recipe::{Export, Grid, Layer, Recipe, Run, State};
use darkroom::record::Record;
use image::{AnimationDecoder, codecs::gif::GifDecoder};
use std::fs;
use std::path::{Path, PathBuf};

/// A small training: 24 images, 5 steps an epoch, the last of 4 images.
fn recipe(experiment: &str, fields: &[(&str, &str)]) -> Recipe {
    let small = [("images", "24"), ("width", "2"), ("batch", "5"), ("epochs", "3")];
    let shown: &[(&str, &str)] = if experiment == "train-denoiser" { &[] } else { &[("count", "10"), ("timesteps", "4")] };
    let given = |name: &str| fields.iter().any(|(field, _)| *field == name);
    let all = small.iter().chain(shown).filter(|(name, _)| !given(name)).chain(fields);
    let pairs: Vec<_> = all.map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    Recipe::parse(experiment, &pairs).unwrap()
}

/// A training in a workspace of its own.
struct School {
    folder: tempfile::TempDir,
    run: Run,
}

impl School {
    fn new(recipe: &Recipe) -> School {
        let folder = tempfile::tempdir().unwrap();
        let run = Gallery::open(folder.path()).unwrap().0.submit(&Grid::one(recipe.clone())).unwrap().remove(0);
        School { folder, run }
    }

    /// A life of the training that ends when `next` says so; none when it came to its end.
    fn live(&self, mut next: impl FnMut(&Lesson) -> Next) -> Option<Run> {
        let (gallery, _) = Gallery::open(self.folder.path()).unwrap();
        let (mut record, kept) = Record::open(&gallery, &self.run);
        let end = experiment::train(&self.run.recipe, kept, &mut |lesson| {
            let next = next(lesson);
            record.write(lesson, next)?;
            Ok(next)
        });
        record.close(end).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("runs/000001").join(name)
    }

    /// Every file that a training leaves and that must be the same each time, with its bytes.
    fn left(&self) -> Vec<(String, Vec<u8>)> {
        let mut left = Vec::new();
        for folder in ["", "weights", "checkpoints"] {
            let entries = fs::read_dir(self.path(folder)).unwrap().map(|entry| entry.unwrap().path());
            let files = entries.filter(|path| path.extension().is_some_and(|kind| kind == "png" || kind == "safetensors"));
            left.extend(files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())));
        }
        left.sort();
        left
    }

    fn losses(&self) -> Vec<(u32, u32)> {
        let points = Gallery::open(self.folder.path()).unwrap().0.points(self.run.id, 0, 1000).unwrap();
        points.iter().map(|point| (point.step, point.loss.to_bits())).collect()
    }
}

fn step_of(lesson: &Lesson) -> Option<u32> {
    match lesson {
        Lesson::Step(step) => Some(step.point.step),
        _ => None,
    }
}

#[test]
fn a_training_leaves_samples_of_every_epoch_weights_checkpoints_and_a_point_a_step() {
    let school = School::new(&recipe("train-class", &[("keep", "1")]));
    let run = school.live(|_| Next::GoOn).unwrap();
    assert_eq!(run.state, State::Done);
    let names: Vec<String> = school.left().into_iter().map(|(name, _)| name).collect();
    let epochs = |kind: &[&str]| kind.iter().map(|epoch| format!("epoch-{epoch}.safetensors")).collect::<Vec<_>>();
    let pictures = ["1.png", "2.png", "3.png"].map(str::to_owned).to_vec();
    let mut expected = [pictures, epochs(&["0001", "0003"]), epochs(&["0001", "0002", "0003"])].concat();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(school.losses().iter().map(|(step, _)| *step).collect::<Vec<_>>(), (1..=15).collect::<Vec<_>>());
    assert!(school.path("events/events.out.tfevents.darkroom").is_file());
    let (gallery, _) = Gallery::open(school.folder.path()).unwrap();
    let film = export(&gallery, run.id, (Export::Gif, Layer::Clean), None).unwrap();
    let frames = GifDecoder::new(std::io::BufReader::new(fs::File::open(film).unwrap())).unwrap().into_frames().count();
    assert_eq!(frames, 3, "a film shows an epoch after the other");
}

#[test]
fn a_training_that_is_broken_off_anywhere_and_goes_on_ends_in_the_same_bytes() {
    for (experiment, fields) in [
        ("train-class", &[][..]),
        ("train-time", &[("edition", "fa25"), ("schedule", "cosine")]),
        ("train-denoiser", &[("pure-noise", "true")]),
    ] {
        let recipe = recipe(experiment, fields);
        let straight = School::new(&recipe);
        straight.live(|_| Next::GoOn).unwrap();
        // Stopped within epochs, at their ends, and killed without a last word in between.
        let broken = School::new(&recipe);
        for stop in [2, 5, 9] {
            assert!(broken.live(|lesson| if step_of(lesson) == Some(stop) { Next::Stop } else { Next::GoOn }).is_none());
        }
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            broken.live(|lesson| if step_of(lesson) == Some(13) { panic!("killed") } else { Next::GoOn })
        }));
        assert!(killed.is_err());
        broken.live(|_| Next::GoOn).unwrap();
        assert_eq!(broken.losses(), straight.losses(), "{experiment}");
        let of = |school: &School| school.left().into_iter().filter(|(name, _)| !name.contains("-step-")).collect::<Vec<_>>();
        let (ours, theirs) = (of(&broken), of(&straight));
        let last = |files: &[(String, Vec<u8>)]| files.iter().rev().find(|(name, _)| name.starts_with("epoch-0003")).cloned();
        assert!(last(&ours).is_some() && last(&ours) == last(&theirs), "{experiment}: the last checkpoint");
        for (name, bytes) in ours.iter().filter(|(name, _)| name.ends_with(".png")) {
            assert!(theirs.contains(&(name.clone(), bytes.clone())), "{experiment}: {name}");
        }
    }
}

#[test]
fn a_spoiled_checkpoint_is_told_and_the_one_before_it_is_used() {
    let recipe = recipe("train-time", &[]);
    let straight = School::new(&recipe);
    straight.live(|_| Next::GoOn).unwrap();
    let school = School::new(&recipe);
    school.live(|lesson| if step_of(lesson) == Some(12) { Next::Stop } else { Next::GoOn });
    let spoiled = school.path("checkpoints/epoch-0002-step-000002.safetensors");
    let bytes = fs::read(&spoiled).unwrap();
    fs::write(&spoiled, &bytes[..bytes.len() / 2]).unwrap();
    let (mut told, mut first) = (Vec::new(), None);
    school
        .live(|lesson| {
            match lesson {
                Lesson::Spoiled(why) => told.push(why.clone()),
                Lesson::Step(step) => _ = first.get_or_insert(step.point.step),
                _ => {}
            }
            Next::GoOn
        })
        .unwrap();
    assert_eq!((told.len(), first), (1, Some(11)), "{told:?}");
    assert!(told[0].contains("epoch-0002-step-000002.safetensors cannot be used"), "{told:?}");
    assert_eq!(school.losses(), straight.losses());
}

#[test]
fn a_training_that_is_told_to_finish_ends_with_its_epoch_and_its_recipe_says_so() {
    let asked = recipe("train-class", &[("epochs", "9")]);
    let school = School::new(&asked);
    let run = school.live(|lesson| if step_of(lesson) == Some(7) { Next::Finish } else { Next::GoOn }).unwrap();
    assert_eq!((run.recipe.labels(), run.recipe.clone()), (vec!["epoch 1".to_owned(), "epoch 2".to_owned()], asked.until(2)));
    // That recipe makes the same, byte for byte: the rates are those of nine epochs.
    let again = School::new(&run.recipe);
    again.live(|_| Next::GoOn).unwrap();
    assert_eq!(again.losses(), school.losses());
    let weights = |school: &School| fs::read(school.path("weights/epoch-0002.safetensors")).unwrap();
    assert_eq!(weights(&again), weights(&school));
}

#[test]
fn changed_data_are_refused_before_a_step_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let picture = |name: &str, level: u8| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_pixel(28, 28, image::Luma([level])).save(path).unwrap();
    };
    (0..6).for_each(|number| picture(&format!("a/{number}.png"), number * 40));
    let school = School::new(&recipe("train-time", &[("data", folder.path().to_str().unwrap())]));
    school.live(|lesson| if step_of(lesson) == Some(1) { Next::Stop } else { Next::GoOn });
    picture("a/3.png", 1);
    let kept = Kept { checkpoints: vec![school.path("checkpoints/epoch-0000-step-000001.safetensors")], pictures: 0 };
    let error = experiment::train(&school.run.recipe, kept, &mut |_| panic!("nothing is learned")).unwrap_err();
    assert!(error.to_string().contains("the data has changed since the training began"), "{error:#}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_says_where_and_leaves_what_was_kept() {
    let school = School::new(&recipe("train-time", &[]));
    school.live(|lesson| if step_of(lesson) == Some(7) { Next::Stop } else { Next::GoOn });
    // The numbers behind the head of a checkpoint go bad, as a broken memory would have it.
    let path = school.path("checkpoints/epoch-0001-step-000002.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[head..].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let (gallery, _) = Gallery::open(school.folder.path()).unwrap();
    let (mut record, kept) = Record::open(&gallery, &school.run);
    let end = experiment::train(&school.run.recipe, kept, &mut |lesson| record.write(lesson, Next::GoOn).map(|()| Next::GoOn));
    let error = record.close(end).unwrap_err();
    assert_eq!(error.to_string(), "the loss of step 8 is not a number; a lower rate may help");
    assert_eq!(gallery.points(school.run.id, 0, 100).unwrap().len(), 7);
    assert!(school.path("checkpoints/epoch-0001.safetensors").is_file());
}

#[test]
fn a_network_learns() {
    let school =
        School::new(&recipe("train-denoiser", &[("images", "200"), ("width", "4"), ("batch", "10"), ("rate", "0.01"), ("epochs", "2")]));
    school.live(|_| Next::GoOn).unwrap();
    let losses: Vec<f32> = school.losses().iter().map(|(_, bits)| f32::from_bits(*bits)).collect();
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(mean(&losses[30..]) < 0.5 * mean(&losses[..5]), "{losses:?}");
}

#[test]
fn weights_of_an_epoch_are_found_by_its_number() {
    let school = School::new(&recipe("train-class", &[("keep", "1")]));
    school.live(|_| Next::GoOn).unwrap();
    let (gallery, _) = Gallery::open(school.folder.path()).unwrap();
    let digits = |fields: &[(&str, &str)]| {
        let pairs: Vec<_> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        Recipe::parse("sample-digits", &pairs)
    };
    let develop = |recipe: Recipe| {
        let run = gallery.adopt(&Grid::one(recipe)).map_err(|error| error.to_string())?.remove(0);
        let mut models = experiment::Models::with(gallery.inputs());
        let outcome = experiment::run(&run.recipe, &mut models, None, &mut |_| Ok(std::ops::ControlFlow::Continue(())));
        match outcome.map_err(|error| format!("{error:#}"))? {
            experiment::Outcome::Done(pictures, _) => Ok(pictures),
            experiment::Outcome::Stopped => Err("stopped".to_owned()),
        }
    };
    let first = develop(digits(&[("run", "1"), ("epoch", "1"), ("count", "3")]).unwrap()).unwrap();
    let last = develop(digits(&[("run", "1"), ("count", "3")]).unwrap()).unwrap();
    assert_eq!((first.len(), first[0].dimensions()), (3, (28, 28)));
    assert_ne!(first, last);
    assert_eq!(first, develop(digits(&[("run", "weights:1@1"), ("count", "3")]).unwrap()).unwrap());
    let said = develop(digits(&[("run", "1"), ("epoch", "7")]).unwrap()).unwrap_err();
    assert_eq!(said, "run 1 keeps no weights of epoch 7; it keeps those of 1, 2, 3");
    assert!(develop(digits(&[("run", "1"), ("class", "12")]).unwrap()).unwrap_err().contains("there is no class 12"));
    assert!(develop(digits(&[("run", "1"), ("steps", "5")]).unwrap()).unwrap_err().contains("knows 4 timesteps"));
    assert!(develop(digits(&[("run", "9")]).unwrap()).unwrap_err().contains("run 9 keeps no weights"));
    assert!(digits(&[("run", "built-in"), ("epoch", "3")]).unwrap_err().to_string().contains("epoch 3 goes with the number of a run"));
    assert!(Path::new(&school.path("weights/epoch-0001.safetensors")).is_file());
}
