//! The part A page: every figure of the course, whole in itself, and computed once.
#![allow(clippy::unwrap_used)]

use darkroom::gallery::Gallery;
use darkroom::report::{Summary, config, figures, page, report};
use std::fs;
use std::path::Path;

fn make(folder: &Path, only: Option<&str>) -> anyhow::Result<Summary> {
    let (gallery, _) = Gallery::open(&folder.join("workspace"))?;
    report(&folder.join("out"), only, &gallery, &mut |_| {})
}

#[test]
fn every_figure_of_the_course_is_in_the_table_with_recipes_that_hold() {
    let figures = figures::figures(&config::Config::default());
    assert_eq!(figures.iter().map(|figure| figure.id).collect::<Vec<_>>(), figures::IDS);
    for figure in &figures {
        assert!(!figure.parts.is_empty() && !figure.text.is_empty(), "{}", figure.id);
        for part in &figure.parts {
            // Pictures that the report makes itself are no names that a recipe knows.
            let fields = part.fields.iter().filter(|(name, _)| *name != "image").map(|(name, value)| ((*name).to_owned(), value.clone()));
            darkroom::recipe::Recipe::parse(part.experiment, &fields.collect::<Vec<_>>()).unwrap();
        }
    }
}

#[test]
fn a_figure_is_computed_once_and_again_only_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let summary = |computed, kept| Summary { computed, kept, failed: vec![] };
    assert_eq!(make(folder.path(), Some("1.3")).unwrap(), summary(1, 0));
    let first = fs::read(folder.path().join("out/1.3-a-3.png")).unwrap();
    assert_eq!(make(folder.path(), Some("1.3")).unwrap(), summary(0, 1));
    let broken = folder.path().join("out/1.3-a-2.png");
    fs::write(&broken, &fs::read(&broken).unwrap()[..80]).unwrap();
    assert_eq!(make(folder.path(), Some("1.3")).unwrap(), summary(1, 0), "a picture that is cut short is made again");
    assert_eq!(fs::read(folder.path().join("out/1.3-a-3.png")).unwrap(), first);
    let config = folder.path().join("out/report.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap().replace("seed = 7", "seed = 8")).unwrap();
    assert_eq!(make(folder.path(), Some("1.3")).unwrap(), summary(1, 0));
    assert_ne!(fs::read(folder.path().join("out/1.3-a-3.png")).unwrap(), first);
    assert!(fs::read_to_string(folder.path().join("out/1.3-a.toml")).unwrap().contains("seed = 8"));
}

#[test]
fn the_page_needs_nothing_but_itself_and_shows_every_picture() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    let said = "[figures.\"1.1\"]\nobservations = \"At 750 <nothing> is left & \\\"all\\\" is noise.\"\n";
    fs::write(folder.path().join("out/report.toml"), said).unwrap();
    make(folder.path(), Some("1.1")).unwrap();
    let html = fs::read_to_string(folder.path().join("out/1.1.html")).unwrap();
    assert_eq!((html.matches("<img ").count(), html.matches("src=\"data:image/png;base64,").count()), (4, 4));
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"), "nothing is fetched and nothing runs");
    assert!(html.contains("<math display=\"block\">") && html.contains("t 750") && html.contains("seed 7"));
    assert!(html.contains("&lt;nothing&gt; is left &amp; &quot;all&quot;"), "what the user writes is text");
}

#[test]
fn what_is_published_names_models_without_their_folders() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(&out).unwrap();
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model/tiny-if/");
    fs::write(out.join("report.toml"), format!("model = {model:?}\n")).unwrap();
    assert_eq!(make(folder.path(), Some("1.2")).unwrap().failed, [""; 0]);
    assert!(fs::read_to_string(out.join("1.2-a.toml")).unwrap().contains("model = \"tiny-if\""));
    assert!(!fs::read_to_string(out.join("1.2.html")).unwrap().contains("src/model"));
    assert_eq!(make(folder.path(), Some("1.2")).unwrap().kept, 1, "the name does not make it another recipe");
}

#[test]
fn a_run_of_the_gallery_takes_a_figures_place_with_its_note() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("out")).unwrap();
    let (gallery, _) = Gallery::open(&folder.path().join("workspace")).unwrap();
    let recipe = darkroom::recipe::Recipe::parse("forward", &[("t".into(), "100".into())]).unwrap();
    gallery.submit(&darkroom::recipe::Grid::one(recipe.clone())).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    let mut models = darkroom::experiment::Models::with(gallery.inputs());
    let go = &mut |_: &darkroom::experiment::Step| Ok(std::ops::ControlFlow::Continue(()));
    let outcome = darkroom::experiment::run(&recipe, &mut models, None, go).unwrap();
    let darkroom::experiment::Outcome::Done(pictures, made) = outcome else { unreachable!("nobody broke it off") };
    gallery.save(run.id, &made, &pictures, 5).unwrap();
    gallery.set_note(run.id, "still a tower").unwrap();
    fs::write(folder.path().join("out/report.toml"), "[figures.\"1.1\"]\nrun = [1]\n").unwrap();
    assert_eq!(make(folder.path(), Some("1.1")).unwrap(), Summary::default());
    let html = fs::read_to_string(folder.path().join("out/1.1.html")).unwrap();
    assert!(html.contains("still a tower") && html.contains("t 100"));
}

#[test]
fn what_is_wrong_with_report_toml_is_said_and_one_bad_figure_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(&out).unwrap();
    let refused = |text: &str| {
        fs::write(out.join("report.toml"), text).unwrap();
        format!("{:#}", make(folder.path(), Some("1.1")).unwrap_err())
    };
    assert!(refused("sead = 3").contains("sead"));
    assert!(refused("[figures.\"1.11\"]").contains("there are 0, 1.1"));
    fs::write(out.join("report.toml"), "photo = \"/nowhere.png\"").unwrap();
    let made = make(folder.path(), Some("1.2")).unwrap();
    assert!(made.failed[0].contains("1.2-a cannot be made") && made.failed[0].contains("/nowhere.png"), "{made:?}");
    assert!(fs::read_to_string(out.join("1.2.html")).unwrap().contains("cannot be made"));
    assert!(make(folder.path(), Some("2.1")).is_err());
    assert!(page::page("a <b>", "", &[]).contains("<title>a &lt;b&gt;</title>"));
}
