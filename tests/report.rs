//! The part A page: every figure of the course, whole in itself, and computed once.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::experiment::Models;
use darkroom::gallery::{self, Gallery};
use darkroom::model::{Cache, Folder, Words};
use darkroom::recipe::{Made, Recipe};
use darkroom::report::part_a::{config, figures, report};
use darkroom::report::{Summary, page};
use image::RgbImage;
use std::fs;
use std::path::Path;

fn make(folder: &Path, only: Option<&str>) -> anyhow::Result<Summary> {
    let (gallery, _) = Gallery::open(&folder.join("workspace"))?;
    report(&folder.join("out"), only, (&gallery, Models::with(gallery.inputs())), &mut |_| {})
}

#[test]
fn every_figure_of_the_course_is_in_the_table_with_recipes_that_hold() {
    let figures = figures::figures(&config::Config::default());
    assert_eq!(figures.len(), 13);
    for figure in &figures {
        assert!(!figure.parts.is_empty() && !figure.words.text.is_empty(), "{}", figure.words.id);
        for part in &figure.parts {
            // Pictures that the report makes itself are no names that a recipe knows.
            let fields = part.fields.iter().filter(|(name, _)| *name != "image").map(|(name, value)| ((*name).to_owned(), value.clone()));
            Recipe::parse(part.experiment, &fields.collect::<Vec<_>>()).unwrap();
        }
    }
}

#[test]
fn a_figure_is_computed_once_and_again_only_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let summary = |computed, kept| Summary { computed, kept, ..Summary::default() };
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

/// Makes one figure of a `report.toml`, and returns what was done and the page.
fn make_of(folder: &Path, said: &str, figure: &str) -> (Summary, String) {
    let out = folder.join("out");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("report.toml"), said).unwrap();
    let summary = make(folder, Some(figure)).unwrap();
    (summary, fs::read_to_string(out.join(format!("{figure}.html"))).unwrap())
}

fn embedded(picture: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(picture)
}

#[test]
fn a_sample_is_developed_before_the_figures_that_show_it_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let said = "photo = \"sample:a red three\"";
    let (summary, html) = make_of(folder.path(), said, "1.1");
    assert_eq!(summary, Summary { computed: 2, ..Summary::default() });
    let out = folder.path().join("out");
    let names = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let own: Vec<_> = names.filter(|name| name.starts_with("own-a-red-three-") && name.ends_with("-1.png")).collect();
    let [own] = &own[..] else { panic!("{own:?}") };
    let sample = image::open(out.join(own)).unwrap().into_rgb8();
    assert!(image::open(out.join("1.1-a-1.png")).unwrap().into_rgb8() == sample, "the first picture is the clean one");
    assert!(html.contains("a sample of a red three"));
    assert_eq!(make_of(folder.path(), said, "1.1").0, Summary { kept: 2, ..Summary::default() });
}

#[test]
fn a_sketch_is_drawn_and_one_that_is_unknown_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (summary, html) = make_of(folder.path(), "photo = \"sketch:house\"", "1.1");
    assert!(summary.failed.is_empty() && html.contains("sketch that ships with darkroom"));
    let house = image::open(folder.path().join("out/1.1-a-1.png")).unwrap().into_rgb8();
    assert!(house.get_pixel(2, 2)[2] > 200 && house.get_pixel(2, 30)[1] > 120, "sky above, grass below");
    let (summary, _) = make_of(folder.path(), "photo = \"sketch:boat\"", "1.1");
    assert!(summary.failed[0].ends_with("there is no sketch 'boat'; there are house and face"), "{summary:?}");
}

#[test]
fn an_inpainting_stands_beside_its_original_and_its_mask() {
    let folder = tempfile::tempdir().unwrap();
    // There is no such sketch, so that only one of the three is computed.
    let said = "own = [\"sketch:boat\", \"sketch:boat\"]\nmasks = [\"left\", \"left\", \"left\"]";
    let (summary, html) = make_of(folder.path(), said, "1.7.2");
    assert_eq!((summary.computed, summary.failed.len()), (1, 2));
    let out = folder.path().join("out");
    let [original, mask, result] = ["original", "mask", "1"].map(|name| out.join(format!("1.7.2-a-{name}.png")));
    let places = [&original, &mask, &result].map(|path| html.find(&embedded(&fs::read(path).unwrap())).unwrap());
    assert!(places.is_sorted() && html.contains("--columns: 3"));
    let [original, mask, result] = [original, mask, result].map(|path| image::open(path).unwrap().into_rgb8());
    assert_eq!((mask.get_pixel(0, 9)[0], mask.get_pixel(31, 9)[0]), (255, 0));
    assert!(original.get_pixel(31, 9) == result.get_pixel(31, 9) && original.get_pixel(0, 9) != result.get_pixel(0, 9));
}

/// A page's folder in which the pictures of every recipe lie already, a small one each, so that none is computed.
fn finished() -> (tempfile::TempDir, usize) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(&out).unwrap();
    let two = || ["campanile", "campanile"].map(str::to_owned);
    let said = config::Config { own: two(), web: "campanile".into(), drawings: two(), ..config::Config::default() };
    fs::write(out.join("report.toml"), toml::to_string(&said).unwrap()).unwrap();
    let made = Made {
        model: "tiny-if".into(),
        model_hash: Folder::Embedded.hash(Words::Own, &Cache::default()).unwrap(),
        data_hash: None,
        size: (2, 2),
        timesteps: vec![990, 0],
        rng: "ChaCha12".into(),
        device: "cpu".into(),
        dtype: "f32".into(),
        stage_two: None,
    };
    let mut count = 0;
    for figure in figures::figures(&said) {
        for (part, letter) in figure.parts.iter().zip('a'..) {
            let mut fields: Vec<_> = part.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            fields.extend([("seed".to_owned(), "7".to_owned())]);
            let recipe = Recipe::parse(part.experiment, &fields).unwrap();
            for index in 0..recipe.pictures() {
                let picture = RgbImage::from_pixel(2, 2, image::Rgb([count as u8, index as u8, 9]));
                let bytes = gallery::encode_png(&picture, &recipe, &made, index).unwrap();
                fs::write(out.join(format!("{}-{letter}-{}.png", figure.words.id, index + 1)), bytes).unwrap();
            }
            count += 1;
        }
    }
    (folder, count)
}

#[test]
fn the_whole_page_is_index_html_with_every_figure_and_every_picture_that_lies_there() {
    let (folder, recipes) = finished();
    assert_eq!(make(folder.path(), None).unwrap(), Summary { kept: recipes, ..Summary::default() });
    let out = folder.path().join("out");
    let html = fs::read_to_string(out.join("index.html")).unwrap();
    for id in figures::ids() {
        assert!(html.contains(&format!("<a href=\"#f{id}\">{id}</a>")) && html.contains(&format!("<section id=\"f{id}\">")), "{id}");
    }
    let names = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let pictures: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "png")).collect();
    assert!(pictures.len() > 100 && pictures.iter().all(|path| html.contains(&embedded(&fs::read(path).unwrap()))));
    assert!(html.contains("class=\"instead\"") && html.contains("in the workspace that keeps the pictures"));
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n") && !html.contains("cannot be made"));
}

#[test]
fn a_hybrid_stands_beside_itself_at_half_its_size() {
    let (folder, _) = finished();
    make(folder.path(), Some("1.9")).unwrap();
    let out = folder.path().join("out");
    let html = fs::read_to_string(out.join("1.9.html")).unwrap();
    let hybrid = embedded(&fs::read(out.join("1.9-a-1.png")).unwrap());
    let labels: Vec<_> = html.split("<img alt=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).take(4).collect();
    assert_eq!(labels, ["hybrid", "half size", "low", "high"]);
    assert!(html.contains(&format!("alt=\"half size\" src=\"data:image/png;base64,{hybrid}\"")), "the page makes it small");
    assert!(html.contains("--columns: 4"));
}

#[test]
fn a_run_of_the_gallery_takes_a_figures_place_with_its_note() {
    let folder = tempfile::tempdir().unwrap();
    let (gallery, _) = Gallery::open(&folder.path().join("workspace")).unwrap();
    let recipe = Recipe::parse("forward", &[("t".into(), "100".into())]).unwrap();
    gallery.submit(&darkroom::recipe::Grid::one(recipe.clone())).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    let mut models = Models::with(gallery.inputs());
    let go = &mut |_: &darkroom::experiment::Step| Ok(std::ops::ControlFlow::Continue(()));
    let outcome = darkroom::experiment::run(&recipe, &mut models, None, go).unwrap();
    let darkroom::experiment::Outcome::Done(pictures, made) = outcome else { unreachable!("nobody broke it off") };
    gallery.save(run.id, &made, &pictures, 5).unwrap();
    gallery.set_note(run.id, "still a tower").unwrap();
    let (summary, html) = make_of(folder.path(), "[figures.\"1.8\"]\nrun = [1]\n", "1.8");
    assert_eq!(summary, Summary::default());
    assert!(html.contains("still a tower") && html.contains("t 100"));
    assert!(!html.contains("class=\"instead\""), "the run's prompts are the user's own choice");
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
    assert!(refused("sead = 3").contains("line 1: unknown field `sead`"));
    assert!(refused("# The seed.\nseed = \"seven\"\n").ends_with("line 2: invalid type: string \"seven\", expected u32"));
    assert!(refused("[prompts]\n\nsamples = [\n  \"one\",\n]\n").contains("line 3: "));
    assert!(refused("[figures.\"1.11\"]").contains("there are 0, 1.1"));
    fs::write(out.join("report.toml"), "photo = \"/nowhere.png\"").unwrap();
    let made = make(folder.path(), Some("1.2")).unwrap();
    assert!(made.failed[0].contains("1.2-a cannot be made") && made.failed[0].contains("/nowhere.png"), "{made:?}");
    assert!(fs::read_to_string(out.join("1.2.html")).unwrap().contains("cannot be made"));
    assert!(make(folder.path(), Some("2.1")).is_err());
    assert!(page::page("a <b>", "", page::MODEL, &[]).contains("<title>a &lt;b&gt;</title>"));
}
