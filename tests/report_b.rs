//! The part B page: every figure of both editions, of trainings that the gallery keeps, each made once.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::Models;
use darkroom::experiment::{self, Lesson, Next};
use darkroom::gallery::Gallery;
use darkroom::recipe::{Grid, Recipe, RunId, State};
use darkroom::record::Record;
use darkroom::report::part_b::{How, report, table};
use darkroom::report::{Progress, Summary};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// What makes each training one of a second or two, its samples of two steps.
const TINY: &str = "epochs = 2\nimages = 32\nbatch = 16\nwidth = 1\n";

/// A `report.toml` with tiny trainings.
fn tiny() -> String {
    let recipe = |entry: &table::Entry| {
        let drawn = if entry.experiment == "train-denoiser" { "" } else { "timesteps = 2\ncount = 10\n" };
        format!("[recipes.{}]\n{TINY}{drawn}", entry.name)
    };
    table::RECIPES.iter().filter(|entry| entry.experiment.starts_with("train-")).map(recipe).collect()
}

fn folder(said: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/report.toml"), said).unwrap();
    folder
}

fn gallery(folder: &TempDir) -> Gallery {
    Gallery::open(&folder.path().join("workspace")).unwrap().0
}

/// Makes the page, and returns what was done and what it says.
fn make(folder: &TempDir, how: How) -> anyhow::Result<(Summary, String)> {
    let out = folder.path().join("out");
    let gallery = gallery(folder);
    let summary = report(&out, &how, (&gallery, Models::with(gallery.inputs())), &mut |_| {})?;
    let name = how.only.map_or("index.html".to_owned(), |only| format!("{only}.html"));
    Ok((summary, fs::read_to_string(out.join(name)).unwrap()))
}

const TRAIN: How = How { only: None, quick: false, train: true };
const LOOK: How = How { only: None, quick: false, train: false };
const QUICK: How = How { only: None, quick: true, train: false };

fn embedded(path: &Path) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(fs::read(path).unwrap())
}

/// The part of the page that one figure is.
fn section<'a>(html: &'a str, id: &str) -> &'a str {
    html.split(&format!("<section id=\"f{id}\">")).nth(1).unwrap().split("</section>").next().unwrap()
}

#[test]
fn every_recipe_of_the_table_is_shown_and_every_figure_shows_something_under_a_number_of_its_own() {
    let shown: BTreeSet<&str> = table::FIGURES.iter().flat_map(|figure| figure.shows).flat_map(|show| show.names()).copied().collect();
    assert_eq!(shown, table::RECIPES.iter().map(|entry| entry.name).collect());
    assert_eq!(table::ids().iter().collect::<BTreeSet<_>>().len(), table::FIGURES.len());
    assert!(table::FIGURES.iter().all(|figure| !figure.shows.is_empty() && !figure.text.is_empty()));
}

/// What the course asks for, written down by hand.
#[test]
fn figures_show_the_epochs_and_the_noise_that_the_course_asks_for() {
    let asked: [(&str, &str, &[usize]); 7] = [
        ("1.2.1", "denoiser", &[1, 5]),
        ("1.2.3", "pure-noise", &[1, 5]),
        ("2.3-fa24", "time-fa24", &[5, 20]),
        ("2.5-fa24", "class-fa24", &[5, 20]),
        ("2.3-fa25", "time-fa25", &[1, 5, 10]),
        ("2.6-fa25", "class-fa25", &[1, 5, 10]),
        ("2.6-rate", "constant-fa25", &[1, 5, 10]),
    ];
    let samples = |figure: &table::Figure| {
        let of = |show: &table::Show| if let table::Show::Samples(name, epochs) = *show { Some((figure.id, name, epochs)) } else { None };
        figure.shows.iter().find_map(of)
    };
    assert_eq!(table::FIGURES.iter().filter_map(samples).collect::<Vec<_>>(), asked);
    let recipe = |name: &str| {
        let entry = table::RECIPES.iter().find(|entry| entry.name == name).unwrap();
        let fields: Vec<_> = entry.fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        Recipe::parse(entry.experiment, &fields).unwrap()
    };
    for (_, name, epochs) in asked {
        assert_eq!(recipe(name).training().unwrap().last(), *epochs.last().unwrap(), "{name} ends with the last that is shown");
    }
    let sigmas =
        |name| recipe(name).pairs().into_iter().filter(|(field, _)| field == "sigmas").map(|(_, sigmas)| sigmas).collect::<Vec<_>>();
    for name in ["noise-levels", "denoiser"] {
        assert_eq!(sigmas(name), ["0,0.2,0.4,0.5,0.6,0.8,1"], "{name}");
    }
}

#[test]
fn the_whole_page_shows_every_figure_and_a_second_time_nothing_is_trained() {
    let folder = folder(&tiny());
    let (summary, html) = make(&folder, TRAIN).unwrap();
    assert_eq!(summary, Summary { computed: 8, ..Summary::default() });
    for figure in &table::FIGURES {
        let section = section(&html, figure.id);
        let curves = figure.shows.iter().filter(|show| matches!(show, table::Show::Curves(_))).count();
        assert_eq!(section.matches("<svg ").count(), curves, "{}", figure.id);
        let pictures = figure.shows.iter().any(|show| !matches!(show, table::Show::Curves(_)));
        assert_eq!(section.contains("src=\"data:image/png;base64,"), pictures, "{}", figure.id);
        assert_eq!(section.matches("<math ").count(), figure.math.len(), "{}", figure.id);
    }
    let gallery = gallery(&folder);
    let runs = gallery.history("", None, 100).unwrap().runs;
    assert_eq!(runs.len(), 8);
    for run in runs.iter().filter(|run| run.recipe.training().is_some()) {
        assert_eq!((gallery.points(run.id, 0, 100).unwrap().len(), gallery.checkpoints(run.id).len()), (4, 2), "{:?}", run.recipe);
    }
    let out = folder.path().join("out");
    let sheets =
        ["denoiser-1", "denoiser-2", "denoiser-3", "pure-noise-3", "time-fa24-2", "class-fa25-1", "constant-fa25-2", "noise-levels-21"];
    assert!(sheets.iter().all(|name| html.contains(&embedded(&out.join(format!("{name}.png"))))));
    assert!(fs::read_to_string(out.join("time-fa25.toml")).unwrap().contains("edition = \"fa25\""));
    assert!(!html.contains("Made small") && !html.contains("<script") && !html.contains("https://"));
    let (summary, again) = make(&folder, TRAIN).unwrap();
    assert_eq!(summary, Summary { kept: 8, ..Summary::default() });
    assert_eq!(make(&folder, QUICK).unwrap().0, summary, "small ones are only made where the whole ones are not there");
    assert!(again == html, "the same runs make the same page");
}

#[test]
fn curves_of_two_trainings_lie_over_one_another_with_axes_that_say_what_they_are() {
    let folder = folder(&tiny());
    let (_, html) = make(&folder, How { only: Some("2.6-rate"), ..TRAIN }).unwrap();
    for colour in ["#A85A00", "#0A6E82"] {
        assert_eq!(
            html.matches(&format!("<polyline fill=\"none\" opacity=\"1\" stroke=\"{colour}\"")).count(),
            2,
            "the curve and its legend"
        );
    }
    assert!(!html.contains("stroke=\"#823C96\""), "as many as there are trainings");
    for words in
        ["mean squared error, log", "steps of the optimizer, 2 an epoch", "rate of 0.01, falling to a tenth", "rate of 0.002, constant"]
    {
        assert!(html.contains(words), "{words}");
    }
    let svg = fs::read_to_string(folder.path().join("out/2.6-rate.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && html.contains(&svg));
}

#[test]
fn what_is_missing_is_named_with_its_command_and_how_long_that_takes_and_nothing_is_trained() {
    let folder = folder("");
    let (summary, html) = make(&folder, LOOK).unwrap();
    assert_eq!((summary.computed, summary.missing.len(), summary.failed.len()), (1, 7, 0), "noise-levels takes no training");
    assert!(
        summary.missing.iter().any(|words| words.ends_with("darkroom run train-class --edition fa25 --schedule constant --rate 0.002"))
    );
    assert!(summary.missing.iter().all(|words| words.contains(" on two cores: darkroom run train-")), "{:?}", summary.missing);
    assert!(section(&html, "2.2-fa24").contains("<code>darkroom run train-time</code>"));
    assert!(section(&html, "1.2.3").contains("<code>darkroom run train-denoiser --pure-noise true</code>"));
    assert!(gallery(&folder).queue().unwrap().is_empty());
}

#[test]
fn a_training_that_is_under_way_is_told_of() {
    let folder = folder("");
    let gallery = gallery(&folder);
    let recipe = darkroom::recipe::Recipe::parse("train-time", &[("epochs".into(), "20".into())]).unwrap();
    gallery.submit(&darkroom::recipe::Grid::one(recipe)).unwrap();
    gallery.take_next().unwrap().unwrap();
    gallery.set_step(RunId(1), 300, 9380).unwrap();
    let (summary, _) = make(&folder, How { only: Some("2.3-fa24"), ..LOOK }).unwrap();
    assert!(summary.missing[0].contains("run 1 of it is running, at step 300 of 9380"), "{:?}", summary.missing);
}

/// A training that its process has left after three of its four steps.
fn begins(gallery: &Gallery) {
    let fields = [("epochs", "2"), ("images", "32"), ("batch", "16"), ("width", "1"), ("timesteps", "2"), ("count", "10")];
    let recipe = Recipe::parse("train-time", &fields.map(|(field, value)| (field.into(), value.into()))).unwrap();
    let run = gallery.adopt(&Grid::one(recipe)).unwrap().remove(0);
    gallery.claim(run.id).unwrap().unwrap();
    let (mut record, kept) = Record::open(gallery, &run);
    let end = experiment::train(&run.recipe, kept, &mut |lesson| {
        let stops = matches!(lesson, Lesson::Step(step) if step.point.step == 3);
        let next = if stops { Next::Stop } else { Next::GoOn };
        record.write(lesson, next)?;
        Ok(next)
    });
    assert!(record.close(end).unwrap().is_none());
}

#[test]
fn a_training_that_runs_elsewhere_is_left_alone_and_one_that_was_left_goes_on() {
    let folder = folder(&tiny());
    let how = How { only: Some("2.3-fa24"), ..TRAIN };
    let elsewhere = gallery(&folder);
    begins(&elsewhere);
    let (summary, _) = make(&folder, how).unwrap();
    assert_eq!((summary.computed, summary.missing.len()), (0, 1));
    assert!(summary.missing[0].contains("run 1 of it is running"), "{summary:?}");
    drop(elsewhere);
    assert_eq!(make(&folder, how).unwrap().0, Summary { computed: 1, ..Summary::default() });
    let kept = gallery(&folder);
    assert_eq!(kept.history("", None, 9).unwrap().runs.iter().map(|run| run.id).collect::<Vec<_>>(), [RunId(1)]);
    let steps: Vec<_> = kept.points(RunId(1), 0, 100).unwrap().iter().map(|point| point.step).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
}

#[test]
fn a_recipe_that_stands_whole_in_one_figure_and_small_in_another_is_counted_once() {
    let folder = folder(&tiny());
    make(&folder, How { only: Some("2.6-fa25"), ..TRAIN }).unwrap();
    let mut told = Vec::new();
    let gallery = gallery(&folder);
    let with = (&gallery, Models::with(gallery.inputs()));
    let summary = report(&folder.path().join("out"), &QUICK, with, &mut |progress| {
        if let Progress::Begins(_, at, of) = progress {
            told.push((at, of));
        }
    });
    assert_eq!(summary.unwrap(), Summary { computed: 7, kept: 1, ..Summary::default() });
    assert_eq!((told.last(), told.iter().all(|(at, of)| at <= of)), (Some(&(8, 8)), true), "{told:?}");
}

#[test]
fn small_trainings_stand_for_whole_ones_and_say_what_is_small() {
    let folder = folder("[recipes.class-fa24]\nepochs = 1\nimages = 32\nwidth = 1\ntimesteps = 2\ncount = 10\n");
    let how = How { only: Some("2.5-fa24"), ..QUICK };
    let (summary, html) = make(&folder, how).unwrap();
    assert_eq!(summary, Summary { computed: 1, ..Summary::default() });
    assert!(html.contains("Made small: batch 32 instead of 128, rate 0.003 instead of 0.001, beta-start 0.0006 instead of 0.0001"));
    assert!(html.contains("small ones stand in their place") && folder.path().join("out/class-fa24-small-1.png").is_file());
    assert_eq!(make(&folder, how).unwrap().0, Summary { kept: 1, ..Summary::default() });
    assert_eq!(make(&folder, How { quick: false, ..how }).unwrap().0.missing.len(), 1, "a small one is not what the course asks for");
}

#[test]
fn a_run_of_the_gallery_stands_for_a_recipe_with_its_note_which_is_text() {
    let folder = folder(&tiny());
    let how = How { only: Some("2.2-fa25"), ..TRAIN };
    make(&folder, how).unwrap();
    gallery(&folder).set_note(RunId(1), "it <b>learns</b> & learns").unwrap();
    let report_toml = folder.path().join("out/report.toml");
    fs::write(&report_toml, "[recipes.time-fa25]\nrun = 1\n[figures.\"2.2-fa25\"]\nobservations = \"<i>steep</i>\"\n").unwrap();
    let (summary, html) = make(&folder, LOOK).map(|(summary, html)| (summary, section(&html, "2.2-fa25").to_owned())).unwrap();
    assert_eq!((summary.computed, summary.kept), (1, 1));
    assert!(html.contains("it &lt;b&gt;learns&lt;/b&gt; &amp; learns") && html.contains("&lt;i&gt;steep&lt;/i&gt;"));
    assert!(html.contains("<svg ") && html.contains("32 images, 2 epochs"));
    fs::write(&report_toml, "[recipes.class-fa25]\nrun = 1\n[recipes.time-fa25]\nrun = 9\n").unwrap();
    let failed = make(&folder, LOOK).unwrap().0.failed;
    assert!(failed.iter().any(|why| why == "class-fa25 cannot be made: run 1 is a train-time and no train-class"), "{failed:?}");
    assert!(failed.iter().any(|why| why == "time-fa25 cannot be made: there is no run 9 in this workspace"), "{failed:?}");
    fs::write(&report_toml, "[recipes.time-fa24]\nrun = 1\n").unwrap();
    let failed = make(&folder, LOOK).unwrap().0.failed;
    assert_eq!(failed, ["time-fa24 cannot be made: run 1 was trained with objective flow, and time-fa24 has ddpm"]);
}

#[test]
fn the_page_names_the_data_that_its_runs_have_learned_from() {
    let folder = folder("");
    let shapes = folder.path().join("shapes");
    for (class, level) in [("black", 0), ("white", 255)] {
        fs::create_dir_all(shapes.join(class)).unwrap();
        for at in 0..16 {
            let name = shapes.join(class).join(format!("{at}.png"));
            image::GrayImage::from_pixel(28, 28, image::Luma([level])).save(name).unwrap();
        }
    }
    let how = How { only: Some("1.2.1"), ..TRAIN };
    let report_toml = folder.path().join("out/report.toml");
    fs::write(&report_toml, format!("data = {shapes:?}\n[recipes.denoiser]\n{TINY}")).unwrap();
    make(&folder, how).unwrap();
    fs::write(&report_toml, "[recipes.denoiser]\nrun = 1\n").unwrap();
    let (summary, html) = make(&folder, how).unwrap();
    assert_eq!(summary, Summary { kept: 1, ..Summary::default() });
    assert!(html.contains("Trained on shapes.") && html.contains("and data of that name."), "{html}");
}

#[test]
fn data_with_a_hostile_name_is_text_and_goes_without_its_folder() {
    let folder = folder("data = \"/secret/<script>'\"\n");
    let (summary, html) = make(&folder, How { only: Some("1.2.1"), ..LOOK }).unwrap();
    assert!(
        html.contains("--data &#39;&lt;script&gt;&#39;\\&#39;&#39;&#39;") && !html.contains("<script") && !html.contains("secret"),
        "{html}"
    );
    assert!(summary.missing[0].ends_with(r"--data '/secret/<script>'\'''"), "{:?}", summary.missing);
    let (summary, html) = make(&folder, How { only: Some("1.2.1"), ..TRAIN }).unwrap();
    assert!(summary.failed[0].contains("there is no data '/secret/<script>") && html.contains("cannot be made"), "{summary:?}");
    let run = gallery(&folder).run(RunId(1)).unwrap().unwrap();
    assert_eq!(run.state, State::Failed, "it is kept as what it was");
}

#[test]
fn what_is_wrong_with_report_toml_is_said() {
    let folder = folder("");
    let refused = |text: &str| {
        fs::write(folder.path().join("out/report.toml"), text).unwrap();
        format!("{:#}", make(&folder, LOOK).unwrap_err())
    };
    assert!(refused("photo = \"campanile\"").contains("part B: ") && refused("photo = 1").contains("line 1: unknown field `photo`"));
    assert!(refused("[recipes.\"time\"]\n").contains("a recipe 'time'; there are noise-levels, denoiser"));
    assert!(refused("[figures.\"2.2\"]\n").contains("a figure '2.2'; there are 1.2, 1.2.1"));
    fs::write(folder.path().join("out/report.toml"), "[recipes.denoiser]\nepochs = 0\n[recipes.pure-noise]\nrun = \"one\"\n").unwrap();
    let failed = make(&folder, LOOK).unwrap().0.failed;
    assert!(failed[0].contains("denoiser cannot be made: ") && failed[0].contains("epochs"), "{failed:?}");
    assert!(failed[1].contains("run is a run's number"), "{failed:?}");
}
