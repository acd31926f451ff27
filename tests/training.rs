//! Trainings: recipe in, network out; the same whatever happens in between.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::{self, Kept, Lesson, Next};
use darkroom::export::export;
use darkroom::gallery::Gallery;
use darkroom::recipe::{Export, Grid, Layer, Recipe, Run, State};
use darkroom::record::Record;
use image::{AnimationDecoder, codecs::gif::GifDecoder};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = darkroom::memory::ALLOCATOR;

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

    /// A life that is killed where `at` says so, before that is written down.
    fn die(&self, mut at: impl FnMut(&Lesson) -> bool) {
        let life = || self.live(|lesson| if at(lesson) { panic!("killed") } else { Next::GoOn });
        assert!(catch_unwind(AssertUnwindSafe(life)).is_err());
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
            left.extend(files.map(|path| (path.strip_prefix(self.path("")).unwrap().display().to_string(), fs::read(path).unwrap())));
        }
        left.sort();
        left
    }

    fn left_the_same_as(&self, other: &School) {
        let (ours, theirs) = (self.left(), other.left());
        let names = |left: &[(String, Vec<u8>)]| left.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&theirs));
        for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            assert!(ours == theirs, "{name} of {}", self.run.recipe.experiment());
        }
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
    let checkpoints = [1, 2, 3].map(|epoch| format!("checkpoints/epoch-000{epoch}.safetensors"));
    let weights = [1, 3].map(|epoch| format!("weights/epoch-000{epoch}.safetensors"));
    assert_eq!(names, [&["1.png", "2.png", "3.png"].map(str::to_owned)[..], &checkpoints, &weights].concat());
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
        broken.die(|lesson| step_of(lesson) == Some(13));
        broken.live(|_| Next::GoOn).unwrap();
        assert_eq!(broken.losses(), straight.losses(), "{experiment}");
        broken.left_the_same_as(&straight);
    }
}

#[test]
fn what_a_last_word_or_a_kill_leaves_at_the_end_of_an_epoch_is_made_up_for() {
    let recipe = recipe("train-denoiser", &[("keep", "1")]);
    let straight = School::new(&recipe);
    straight.live(|_| Next::GoOn).unwrap();
    let broken = School::new(&recipe);
    // Stopped with the last step of an epoch, killed as its samples come, and once more with the very last step.
    assert!(broken.live(|lesson| if step_of(lesson) == Some(5) { Next::Stop } else { Next::GoOn }).is_none());
    assert!(!broken.path("weights").exists());
    broken.die(|lesson| matches!(lesson, Lesson::Samples { index: 1, .. }));
    assert!(broken.path("weights/epoch-0001.safetensors").is_file());
    assert!(broken.live(|lesson| if step_of(lesson) == Some(15) { Next::Stop } else { Next::GoOn }).is_none());
    broken.live(|_| Next::GoOn).unwrap();
    broken.left_the_same_as(&straight);
}

#[test]
fn a_training_that_hears_of_its_end_while_it_draws_keeps_its_last_weights() {
    let school = School::new(&recipe("train-class", &[("keep", "9")]));
    let run = school.live(|lesson| if matches!(lesson, Lesson::Drawing) { Next::Finish } else { Next::GoOn }).unwrap();
    assert_eq!(run.recipe.pictures(), 1);
    assert!(school.path("weights/epoch-0001.safetensors").is_file());
}

#[test]
fn the_picture_of_an_end_that_was_none_is_not_taken_for_an_epochs() {
    let recipe = recipe("train-denoiser", &[("keep", "1,2")]);
    let straight = School::new(&recipe);
    straight.live(|_| Next::GoOn).unwrap();
    let school = School::new(&recipe);
    // Told to finish, it is killed before it can say that it has.
    let (gallery, _) = Gallery::open(school.folder.path()).unwrap();
    let (mut record, kept) = Record::open(&gallery, &school.run);
    let finish = |lesson: &Lesson| if matches!(lesson, Lesson::Epoch { epoch: 2, .. }) { Next::Finish } else { Next::GoOn };
    experiment::train(&recipe, kept, &mut |lesson| record.write(lesson, finish(lesson)).map(|()| finish(lesson))).unwrap();
    drop(record);
    assert!(school.path("3.png").is_file() && !school.path("4.png").exists());
    school.live(|_| Next::GoOn).unwrap();
    school.left_the_same_as(&straight);
}

#[test]
fn a_curve_is_found_again_without_the_index() {
    let school = School::new(&recipe("train-class", &[]));
    school.live(|lesson| if step_of(lesson) == Some(7) { Next::Stop } else { Next::GoOn });
    let points = |school: &School| Gallery::open(school.folder.path()).unwrap().0.points(school.run.id, 0, 100).unwrap();
    let before = points(&school);
    assert_eq!(before.len(), 7);
    fs::remove_file(school.folder.path().join("darkroom.db")).unwrap();
    assert_eq!(points(&school), before);
    let done = school.live(|_| Next::GoOn).unwrap();
    let before = points(&school);
    assert_eq!(before.len(), 15);
    fs::remove_file(school.folder.path().join("darkroom.db")).unwrap();
    assert_eq!(points(&school), before);
    let found = Gallery::open(school.folder.path()).unwrap().0.run(school.run.id).unwrap().unwrap();
    assert_eq!(found, Run { step: 15, of: 15, ..done });
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
fn a_checkpoint_without_numbers_is_spoiled_and_where_all_are_the_curve_stays() {
    let school = School::new(&recipe("train-time", &[]));
    school.live(|lesson| if step_of(lesson) == Some(7) { Next::Stop } else { Next::GoOn });
    let spoil = |name: &str| {
        let path = school.path(name);
        let mut bytes = fs::read(&path).unwrap();
        let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[head..].fill(0xff);
        fs::write(&path, &bytes).unwrap();
    };
    spoil("checkpoints/epoch-0001-step-000002.safetensors");
    let mut told = Vec::new();
    school.live(|lesson| match lesson {
        Lesson::Spoiled(why) => {
            told.push(why.clone());
            Next::GoOn
        }
        lesson => {
            if step_of(lesson) == Some(6) {
                Next::Stop
            } else {
                Next::GoOn
            }
        }
    });
    assert!(told.len() == 1 && told[0].contains("finite"), "{told:?}");
    let kept = || Gallery::open(school.folder.path()).unwrap().0.checkpoints(school.run.id);
    assert_eq!(kept().len(), 2, "the spoiled one lies ahead, and is gone");
    ["checkpoints/epoch-0001.safetensors", "checkpoints/epoch-0001-step-000001.safetensors"].into_iter().for_each(spoil);
    let checkpoints = Ok(kept());
    let error = experiment::train(&school.run.recipe, Kept { checkpoints, pictures: 1 }, &mut |_| Ok(Next::GoOn)).unwrap_err();
    assert!(error.to_string().contains("000001/checkpoints can be used; delete that folder to begin anew"), "{error:#}");
    assert_eq!(school.losses().len(), 6);
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
    let kept = Kept { checkpoints: Ok(vec![school.path("checkpoints/epoch-0000-step-000001.safetensors")]), pictures: 0 };
    let error = experiment::train(&school.run.recipe, kept, &mut |_| panic!("nothing is learned")).unwrap_err();
    assert!(error.to_string().contains("the data has changed since the training began"), "{error:#}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_says_where_and_leaves_what_was_kept() {
    let school = School::new(&recipe("train-time", &[]));
    school.live(|lesson| if step_of(lesson) == Some(7) { Next::Stop } else { Next::GoOn });
    // The numbers behind the head of a checkpoint are as large as numbers can be: the next ones are none.
    let path = school.path("checkpoints/epoch-0001-step-000002.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[head..].fill(0x7e);
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
            experiment::Outcome::Done(pictures, made) => Ok((pictures, made.timesteps)),
            experiment::Outcome::Stopped => Err("stopped".to_owned()),
        }
    };
    let first = develop(digits(&[("run", "1"), ("epoch", "1"), ("count", "3")]).unwrap()).unwrap();
    let last = develop(digits(&[("run", "1"), ("count", "3")]).unwrap()).unwrap();
    assert_eq!((first.0.len(), first.0[0].dimensions()), (3, (28, 28)));
    assert_ne!(first, last);
    let few = develop(digits(&[("run", "1"), ("count", "3"), ("steps", "2")]).unwrap()).unwrap();
    assert_eq!((last.1, few.1), (vec![3, 2, 1, 0], vec![3, 0]), "a picture tells the timesteps that it came by");
    assert_eq!(first, develop(digits(&[("run", "weights:1@1"), ("count", "3")]).unwrap()).unwrap());
    let said = develop(digits(&[("run", "1"), ("epoch", "7")]).unwrap()).unwrap_err();
    assert_eq!(said, "run 1 keeps no weights of epoch 7; it keeps those of 1, 2, 3");
    assert!(develop(digits(&[("run", "1"), ("class", "12")]).unwrap()).unwrap_err().contains("there is no class 12"));
    assert!(develop(digits(&[("run", "1"), ("steps", "5")]).unwrap()).unwrap_err().contains("knows 4 timesteps"));
    assert!(develop(digits(&[("run", "9")]).unwrap()).unwrap_err().contains("run 9 keeps no weights"));
    assert!(digits(&[("run", "built-in"), ("epoch", "3")]).unwrap_err().to_string().contains("epoch 3 goes with the number of a run"));
    assert!(Path::new(&school.path("weights/epoch-0001.safetensors")).is_file());
}
