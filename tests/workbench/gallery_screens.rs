//! The gallery screen at every size, looked at by eye and kept.

use super::gallery::{opened, runs, serve};
use super::screens::keep;
use darkroom::recipe::{Foreign, Marks, Recipe, Run, RunId, State};

/// A gallery with everything that can be told apart.
fn mixed(count: i64) -> Vec<Run> {
    let mut all = runs(count);
    let marks = |star, rating, tags: &[&str]| Marks { star, rating, tags: tags.iter().map(|tag| (*tag).to_owned()).collect() };
    all[1].marks = marks(true, 0, &[]);
    all[2].marks = marks(true, 5, &["good", "digits"]);
    all[3].marks = marks(false, 3, &["good"]);
    all[2].note = Some("The stroke is whole at guidance 7.".into());
    for at in 4..8 {
        all[at].grid = Some(all[7].id);
    }
    let unmapped = ["Sampler: Euler a", "Clip skip: 2"].map(str::to_owned).to_vec();
    let model = Some("dreamshaper_8".to_owned());
    all[8].foreign =
        Some(Box::new(Foreign { program: "A1111".into(), file: "castle-00042.png".into(), model, size: (512, 768), unmapped }));
    let training = Recipe::parse("train-class", &[]).unwrap();
    all[9] = Run { recipe: training, of: 9380, step: 9380, ..all[9].clone() };
    all
}

#[test]
fn an_empty_gallery() {
    keep("an_empty_gallery", |bench| opened(bench, &[]));
}

#[test]
fn a_full_gallery() {
    keep("a_full_gallery", |bench| {
        let all = mixed(100_000);
        opened(bench, &all);
        bench.keys("<Right><Right> <Right> <Left>");
        serve(bench, &all);
    });
}

#[test]
fn a_filtered_gallery() {
    keep("a_filtered_gallery", |bench| {
        let all = mixed(400);
        opened(bench, &all);
        bench.keys("/blue");
        serve(bench, &all);
        bench.keys("<Enter><Down>");
        serve(bench, &all);
    });
}

#[test]
fn a_filter_being_typed() {
    keep("a_filter_being_typed", |bench| {
        let all = mixed(400);
        opened(bench, &all);
        bench.keys("/");
    });
}

#[test]
fn a_filter_in_error() {
    keep("a_filter_in_error", |bench| {
        let all = mixed(400);
        opened(bench, &all);
        bench.keys("/blue");
        serve(bench, &all);
        bench.keys(" guidance:>!");
        serve(bench, &all);
    });
}

#[test]
fn nothing_found() {
    keep("nothing_found", |bench| {
        let all = mixed(400);
        opened(bench, &all);
        bench.keys("/a green elephant<Enter>");
        serve(bench, &all);
    });
}

#[test]
fn one_run_with_kin() {
    keep("one_run_with_kin", |bench| {
        let mut all = mixed(40);
        all[20] = Run { marks: all[2].marks.clone(), note: all[2].note.clone(), grid: Some(RunId(18)), ..all[20].clone() };
        opened(bench, &all);
        bench.keys("/run:20");
        serve(bench, &all);
        bench.keys("<Enter><Enter><Down>");
        serve(bench, &all);
    });
}

#[test]
fn an_imported_run() {
    keep("an_imported_run", |bench| {
        let all = mixed(40);
        opened(bench, &all);
        bench.keys(&"<Right>".repeat(8)).keys("<Enter>");
        serve(bench, &all);
    });
}

#[test]
fn a_training_in_the_gallery() {
    keep("a_training_in_the_gallery", |bench| {
        let all = mixed(40);
        opened(bench, &all);
        bench.keys(&"<Right>".repeat(9)).keys("<Enter>");
        serve(bench, &all);
    });
}

#[test]
fn a_tag_being_typed() {
    keep("a_tag_being_typed", |bench| {
        let all = mixed(40);
        opened(bench, &all);
        bench.keys("tgo");
    });
}

#[test]
fn runs_that_are_not_here_yet() {
    keep("runs_that_are_not_here_yet", |bench| {
        let all = mixed(4000);
        opened(bench, &all);
        bench.keys("<PgDn><PgDn><PgDn>");
    });
}

#[test]
fn larger_thumbnails() {
    keep("larger_thumbnails", |bench| {
        let all = mixed(400);
        opened(bench, &all);
        bench.keys("z<Right>");
        serve(bench, &all);
    });
}

#[test]
fn a_run_on_its_way_into_the_trash() {
    keep("a_run_on_its_way_into_the_trash", |bench| {
        let all = mixed(40);
        opened(bench, &all);
        bench.keys("D");
    });
}

#[test]
fn the_keys_of_the_gallery() {
    keep("the_keys_of_the_gallery", |bench| {
        opened(bench, &mixed(40));
        bench.keys("?");
    });
}

#[test]
fn a_run_that_is_not_known_yet() {
    keep("a_run_that_is_not_known_yet", |bench| {
        let all: Vec<_> = runs(400).into_iter().map(|run| Run { state: State::Done, ..run }).collect();
        opened(bench, &all);
        bench.keys("<Enter><End>");
    });
}
