//! What trainings leave: their curves, their checkpoints, and whose they are.

use super::*;
use crate::recipe::Point;
use std::fs;

fn training(seeds: &str) -> Grid {
    grid_of("train-class", &[("epochs", "9"), ("seed", seeds)])
}

fn point(step: u32, epoch: u32, loss: f32) -> Point {
    Point { step, epoch, loss, rate: 1e-3, ms: 5.0 }
}

/// The names of a run's checkpoints, in their order.
fn checkpoints(gallery: &Gallery, id: i64) -> Vec<String> {
    let name = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().replacen("epoch-", "", 1);
    gallery.checkpoints(RunId(id)).into_iter().rev().map(name).collect()
}

#[test]
fn a_training_that_is_done_leaves_the_others_of_its_process_to_it() {
    let (folder, process) = workspace();
    let runs = process.adopt(&training("1,2")).unwrap();
    let other = open(folder.path());
    process.claim(RunId(1)).unwrap().unwrap();
    process.logbook(&runs[0]).picture(0, &picture(1), &made()).unwrap();
    let done = process.finish(RunId(1), &made(), (1, 5)).unwrap();
    assert_eq!((done.state, done.recipe), (State::Done, runs[0].recipe.clone().until(1)));
    assert_eq!(other.release_orphans().unwrap(), []);
    assert!(process.claim(RunId(2)).unwrap().is_some());
    drop(process);
    assert_eq!(states(&other.release_orphans().unwrap()), [(2, State::Interrupted)]);
}

#[test]
fn a_run_is_taken_over_by_one_process_and_not_from_an_engine() {
    let (folder, one) = workspace();
    let other = open(folder.path());
    one.submit(&training("1")).unwrap();
    one.set_state(RunId(1), State::Paused, None).unwrap();
    assert_eq!(one.take_over(RunId(1), || true).unwrap().state, State::Queued);
    let said = other.take_over(RunId(1), || false).unwrap_err().to_string();
    assert_eq!(said, "run 1 belongs to a `darkroom run` in another terminal");
    // It failed, and its process still has it: the lock says so.
    one.set_state(RunId(1), State::Failed, Some("no memory")).unwrap();
    assert_eq!(other.take_over(RunId(1), || false).unwrap_err().to_string(), said);
    drop(one);
    assert_eq!(other.take_over(RunId(1), || false).unwrap().error, None);

    other.submit(&training("2")).unwrap();
    let asked = std::cell::Cell::new(0);
    let starts_meanwhile = || asked.replace(asked.get() + 1) > 0;
    assert!(other.take_over(RunId(2), starts_meanwhile).unwrap_err().to_string().starts_with("run 2 is queued in the engine"));
    assert_eq!(other.take_next().unwrap().unwrap().id, RunId(2), "it is the engine's as before");
}

#[test]
fn three_whole_epochs_and_the_best_stay_and_nothing_of_a_life_that_is_lost() {
    let (_folder, gallery) = workspace();
    let run = gallery.submit(&training("1")).unwrap().remove(0);
    let mut logbook = gallery.logbook(&run);
    for (epoch, loss) in [(1, 0.5), (2, 0.1), (3, 0.4), (4, 0.3), (5, 0.2)] {
        logbook.point(point(10 * epoch, epoch, loss)).unwrap();
        (1..6).for_each(|step| logbook.checkpoint((epoch as usize - 1, step), b"within").unwrap());
        logbook.checkpoint((epoch as usize, 0), b"whole").unwrap();
    }
    assert_eq!(checkpoints(&gallery, 1), ["0002", "0003", "0004", "0005"]);
    (1..6).for_each(|step| logbook.checkpoint((5, step), b"within").unwrap());
    let within = ["0005-step-000003", "0005-step-000004", "0005-step-000005"];
    assert_eq!(checkpoints(&gallery, 1), [&["0002", "0003", "0004", "0005"][..], &within].concat());
    assert_eq!(gallery.epoch(RunId(1)).unwrap(), 6);
    // Everything from the fourth epoch on was spoiled: a later life has come to its end again.
    gallery.logbook(&run).checkpoint((3, 2), b"within").unwrap();
    assert_eq!(checkpoints(&gallery, 1), ["0002", "0003", "0003-step-000002"]);
    assert_eq!(gallery.epoch(RunId(1)).unwrap(), 4);
}

#[test]
fn a_curve_outlives_its_index_and_is_not_lost_when_the_training_goes_on() {
    let (folder, gallery) = workspace();
    let run = gallery.submit(&training("1")).unwrap().remove(0);
    let points: Vec<Point> = (1..=5).map(|step| point(step, step.div_ceil(3), 1.0 / step as f32)).collect();
    let mut logbook = gallery.logbook(&run);
    points.iter().for_each(|point| logbook.point(*point).unwrap());
    logbook.flush().unwrap();
    drop(gallery);
    fs::remove_file(folder.path().join("darkroom.db")).unwrap();
    let (gallery, _) = Gallery::open(folder.path()).unwrap();
    assert_eq!(gallery.points(run.id, 0, 100).unwrap(), points);
    let found = gallery.run(run.id).unwrap().unwrap();
    assert_eq!((found.state, found.step, found.of), (State::Interrupted, 5, 3 * 9));

    // An index that has lost the curve finds it in the file before that is written anew.
    gallery.index(|connection| connection.execute("DELETE FROM points", [])).unwrap();
    let mut logbook = gallery.logbook(&run);
    logbook.point(point(5, 2, 7.0)).unwrap();
    logbook.flush().unwrap();
    let expected = [&points[..4], &[point(5, 2, 7.0)]].concat();
    assert_eq!(gallery.points(run.id, 0, 100).unwrap(), expected);
    assert_eq!(events::read(&gallery.folder(run.id).join("events")), expected);
}

#[test]
fn a_folder_of_checkpoints_that_cannot_be_listed_is_no_empty_one() {
    let (_folder, gallery) = workspace();
    let run = gallery.submit(&training("1")).unwrap().remove(0);
    assert_eq!(gallery.logbook(&run).checkpoints().unwrap(), Vec::<PathBuf>::new());
    fs::write(gallery.folder(run.id).join("checkpoints"), "in the way").unwrap();
    let error = gallery.logbook(&run).checkpoints().unwrap_err().to_string();
    assert!(error.ends_with("000001/checkpoints cannot be read"), "{error}");
}
