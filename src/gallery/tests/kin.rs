//! What came of what, and sweeps.

use super::*;
use crate::recipe::{Axis, Bond, Cell, Kin, Relative, Table};

fn relative(run: i64, how: Bond) -> Relative {
    Relative { run: RunId(run), how }
}

/// A run, what was made from its second picture and from a step of it, and what was made from that.
fn family() -> (TempDir, Gallery) {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("prompt", "a red three"), ("count", "2")]));
    gallery.keep_step(RunId(1), (11, 34), || Ok(vec![7; 100])).unwrap();
    finish(&gallery, &grid_of("edit", &[("image", "run:1/2")]));
    finish(&gallery, &grid_of("edit", &[("image", "run:1")]));
    gallery.submit(&ask(&[("from", "run:1@12")])).unwrap();
    gallery.submit(&ask(&[("prompt", "nobody's child")])).unwrap();
    (folder, gallery)
}

#[test]
fn runs_know_where_they_came_from_and_what_came_of_them() {
    let (folder, gallery) = family();
    let check = |gallery: &Gallery| {
        let made = vec![relative(4, Bond::Step(12)), relative(3, Bond::Picture(1)), relative(2, Bond::Picture(2))];
        assert_eq!(gallery.kin(RunId(1)).unwrap(), Kin { from: vec![], made });
        assert_eq!(gallery.kin(RunId(2)).unwrap(), Kin { from: vec![relative(1, Bond::Picture(2))], made: vec![] });
        assert_eq!(gallery.kin(RunId(4)).unwrap().from, [relative(1, Bond::Step(12))]);
        assert_eq!(gallery.kin(RunId(5)).unwrap(), Kin::default());
        assert_eq!(gallery.kin(RunId(99)).unwrap(), Kin::default());
    };
    check(&gallery);
    rebuild(folder.path()).unwrap();
    check(&gallery);
    gallery.trash(&[RunId(1), RunId(3)]).unwrap();
    assert_eq!(gallery.kin(RunId(2)).unwrap().from, [], "a run in the trash is nobody's parent");
    gallery.restore(&[RunId(1)]).unwrap();
    assert_eq!(gallery.kin(RunId(1)).unwrap().made.len(), 2);
    gallery.purge().unwrap();
    assert_eq!(gallery.kin(RunId(1)).unwrap().made.len(), 2);
}

#[test]
fn a_trained_network_is_the_parent_of_what_is_drawn_with_it() {
    let (_folder, gallery) = workspace();
    let training = gallery.submit(&grid_of("train-class", &[("epochs", "9")])).unwrap().remove(0);
    gallery.logbook(&training).weights(5, b"weights").unwrap();
    gallery.submit(&grid_of("sample-digits", &[("run", "1@5")])).unwrap();
    assert_eq!(gallery.kin(RunId(1)).unwrap().made, [relative(2, Bond::Weights(5))]);
}

#[test]
fn a_file_that_is_called_like_a_step_makes_no_kin() {
    let (folder, gallery) = workspace();
    let file = folder.path().join("step 12 of 7");
    picture(1).save_with_format(&file, image::ImageFormat::Png).unwrap();
    let run = finish(&gallery, &grid_of("edit", &[("image", file.to_str().unwrap())])).remove(0);
    assert_eq!(run.recipe.images()[0].name(), "step 12 of 7");
    assert_eq!(gallery.kin(run.id).unwrap(), Kin::default());
}

#[test]
fn a_sweep_is_a_table_whichever_cell_is_asked() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a single run");
    let runs = gallery.submit(&ask(&[("guidance", "1,3"), ("seed", "1..3")])).unwrap();
    assert_eq!(gallery.table(RunId(1)).unwrap(), None);
    assert_eq!(gallery.table(RunId(99)).unwrap(), None);
    gallery.save(RunId(2), &made(), &[picture(1)], 5).unwrap();
    gallery.set_state(RunId(5), State::Failed, Some("no memory")).unwrap();
    let axis = |field: &str, values: &[&str]| Axis { field: field.into(), values: values.iter().map(|value| value.to_string()).collect() };
    let table = |states: [Option<State>; 6]| {
        let cells = runs.iter().zip(states).map(|(run, state)| Cell { run: run.id, state }).collect();
        Some(Table { first: RunId(2), axes: vec![axis("guidance", &["1", "3"]), axis("seed", &["1", "2", "3"])], cells })
    };
    use State::{Done, Failed, Interrupted, Queued};
    let queued = Some(Queued);
    for id in 2..=7 {
        assert_eq!(gallery.table(RunId(id)).unwrap(), table([Some(Done), queued, queued, Some(Failed), queued, queued]));
    }
    gallery.trash(&[RunId(2), RunId(5)]).unwrap();
    assert_eq!(gallery.table(RunId(2)).unwrap(), table([None, queued, queued, None, queued, queued]));
    // The first run kept the lists; another cell does once it is gone for good.
    gallery.purge().unwrap();
    assert_eq!(gallery.table(RunId(3)).unwrap(), table([None, queued, queued, None, queued, queued]));
    drop(gallery);
    for _ in 0..2 {
        std::fs::remove_file(folder.path().join("darkroom.db")).unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        let left = Some(Interrupted);
        assert_eq!(gallery.table(RunId(7)).unwrap(), table([None, left, left, None, left, left]));
        if gallery.run(RunId(3)).unwrap().is_some() {
            gallery.trash(&[RunId(3)]).unwrap();
            gallery.restore(&[RunId(3)]).unwrap();
        }
    }
}
