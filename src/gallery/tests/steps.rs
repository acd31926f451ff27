//! Kept steps and their budget.

use super::*;

/// Keeps so many steps of a hundred bytes.
fn keep(gallery: &Gallery, id: i64, of: usize) {
    for index in 0..of {
        gallery.keep_step(RunId(id), (index, of), || Ok(vec![7; 100])).unwrap();
    }
}

#[test]
fn the_oldest_runs_that_are_over_lose_their_steps_first() {
    let (_folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..3")]));
    gallery.submit(&ask(&[("seed", "4,5")])).unwrap();
    gallery.set_state(RunId(4), State::Cancelled, None).unwrap();
    (1..=5).for_each(|id| keep(&gallery, id, 10));
    let left = |gallery: &Gallery| (1..=5).map(|id| gallery.steps(RunId(id)).len()).collect::<Vec<_>>();
    assert_eq!(gallery.steps_usage(), Usage { bytes: 5000, runs: 5 });
    gallery.trim_steps(5000).unwrap();
    assert_eq!(left(&gallery), [10; 5]);
    gallery.trim_steps(3500).unwrap();
    assert_eq!(left(&gallery), [0, 0, 10, 10, 10], "whole runs, the oldest first");
    gallery.trim_steps(0).unwrap();
    assert_eq!(left(&gallery), [0, 0, 0, 0, 10], "a run that waits keeps what it goes on with");
    assert!(gallery.run(RunId(1)).unwrap().is_some() && gallery.picture_path(RunId(1), 0).is_file());
}

#[test]
fn all_folders_are_looked_through_only_once() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..3")]));
    keep(&gallery, 1, 10);
    let usage = |gallery: &Gallery| (gallery.steps_usage().bytes, gallery.steps_usage().runs);
    assert_eq!(usage(&gallery), (1000, 1));
    keep(&open(folder.path()), 2, 10);
    assert_eq!(usage(&gallery), (1000, 1), "another process looks after its own");
    keep(&gallery, 3, 10);
    gallery.trash(&[RunId(1)]).unwrap();
    assert_eq!(usage(&gallery), (1000, 1));
    gallery.restore(&[RunId(1)]).unwrap();
    assert_eq!(usage(&gallery), (2000, 2));
    assert_eq!(usage(&open(folder.path())), (3000, 3));
}

#[test]
fn a_long_run_keeps_some_of_its_steps_evenly_and_the_last() {
    let (_folder, gallery) = workspace();
    gallery.submit(&ask(&[("steps", "1000")])).unwrap();
    keep(&gallery, 1, 1000);
    let steps = gallery.steps(RunId(1));
    assert!((100..=129).contains(&steps.len()), "{}", steps.len());
    assert_eq!((steps[0], steps[1], steps.last()), (1, 9, Some(&1000)));
}

#[test]
fn steps_are_kept_until_that_fails_once_and_no_failure_is_the_runs() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[])).unwrap();
    let mut kept = gallery.kept_steps(RunId(1));
    assert_eq!(kept.keep((0, 34), || Ok(vec![7; 100])), None);
    let why = kept.keep((1, 34), || anyhow::bail!("no numbers")).unwrap();
    assert!(why.starts_with("1: its steps are not kept") && why.contains("deleted to make room") && why.ends_with("no numbers"), "{why}");
    let left = fs::read_dir(folder.path().join("runs/000001")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["recipe.toml"]);
    assert_eq!(kept.keep((2, 34), || panic!("asked again")), None);
    assert_eq!(kept.trim(), None);
    Connection::open(folder.path().join("darkroom.db")).unwrap().execute_batch("ALTER TABLE runs RENAME TO gone").unwrap();
    fs::create_dir(folder.path().join("runs/000001/steps")).unwrap();
    fs::File::create(gallery.step_path(RunId(1), 1)).unwrap().set_len(BUDGET + 1).unwrap();
    gallery.look_for_steps(&[RunId(1)]);
    let why = kept.trim().unwrap();
    assert!(why.contains("cannot be looked through"), "{why}");
}
