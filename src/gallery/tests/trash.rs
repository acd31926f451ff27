//! What is deleted, comes back, and is deleted for good.

use super::*;
use crate::recipe::Mark;
use std::fs;

/// A workspace with three finished runs, a failed, a queued and a running one.
fn six() -> (TempDir, Gallery) {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("prompt", "a red three"), ("seed", "1..3")]));
    gallery.submit(&ask(&[("seed", "4..6")])).unwrap();
    gallery.set_state(RunId(4), State::Failed, Some("no memory")).unwrap();
    gallery.set_state(RunId(6), State::Running, None).unwrap();
    (folder, gallery)
}

fn all(gallery: &Gallery) -> Vec<i64> {
    ids(&gallery.history("", None, 100).unwrap().runs)
}

#[test]
fn what_is_deleted_is_nowhere_and_comes_back_as_it_was() {
    let (folder, gallery) = six();
    gallery.mark(RunId(2), &Mark::Tag("cat".into())).unwrap();
    gallery.set_note(RunId(2), "too dark").unwrap();
    let before: Vec<_> = [2, 4].map(|id| gallery.run(RunId(id)).unwrap().unwrap()).into();
    assert_eq!(gallery.trash(&[RunId(2), RunId(4), RunId(2)]).unwrap(), [RunId(2), RunId(4)]);
    assert_eq!(gallery.trash(&[RunId(2)]).unwrap(), [], "it is there already");
    assert_eq!((all(&gallery), ids(&gallery.queue().unwrap())), (vec![3, 1], vec![5, 6]));
    assert_eq!(gallery.history("dark", None, 9).unwrap().total, 0);
    assert!(!folder.path().join("runs/000002").exists() && folder.path().join("trash/000002/1.png").exists());
    for error in [
        gallery.set_note(RunId(2), "x").unwrap_err(),
        gallery.mark(RunId(2), &Mark::Star(true)).unwrap_err(),
        gallery.set_state(RunId(2), State::Queued, None).unwrap_err(),
        gallery.take_over(RunId(2), || false).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "there is no run 2");
    }
    assert!(gallery.submit(&grid_of("edit", &[("image", "run:2")])).unwrap_err().to_string().contains("run 2 has no picture"));
    assert_eq!(gallery.restore(&[RunId(4), RunId(2)]).unwrap(), [before[1].clone(), before[0].clone()]);
    assert_eq!((all(&gallery), ids(&gallery.queue().unwrap())), (vec![3, 2, 1], vec![4, 5, 6]));
    assert_eq!(gallery.history("dark", None, 9).unwrap().total, 1);
    assert_eq!(gallery.restore(&[RunId(2)]).unwrap_err().to_string(), "run 2 is not in the trash");
}

#[test]
fn what_runs_or_waits_is_not_deleted_nor_anything_with_it() {
    let (folder, gallery) = six();
    for (id, said) in [
        (5, "run 5 is queued; cancel it before you delete it"),
        (6, "run 6 is running; cancel it before you delete it"),
        (9, "there is no run 9"),
    ] {
        assert_eq!(gallery.trash(&[RunId(1), RunId(id)]).unwrap_err().to_string(), said);
    }
    assert_eq!(all(&gallery), [3, 2, 1]);
    assert!(folder.path().join("runs/000001").is_dir());
    // Nor where a folder cannot be moved.
    fs::create_dir_all(folder.path().join("trash")).unwrap();
    fs::write(folder.path().join("trash/000002"), "in the way").unwrap();
    assert!(gallery.trash(&[RunId(1), RunId(2), RunId(3)]).unwrap_err().to_string().contains("trash/000002: Not a directory"));
    assert_eq!(all(&gallery), [3, 2, 1]);
    assert!((1..=3).all(|id| gallery.picture_path(RunId(id), 0).is_file()));
}

#[test]
fn the_first_run_of_a_process_is_not_deleted_before_the_others_are_over() {
    let (folder, process) = workspace();
    process.adopt(&ask(&[("seed", "1..3")])).unwrap();
    process.claim(RunId(1)).unwrap();
    process.save(RunId(1), &made(), &[picture(1)], 5).unwrap();
    let other = open(folder.path());
    let said = other.trash(&[RunId(1)]).unwrap_err().to_string();
    assert_eq!(said, "run 1 is the first of a `darkroom run` that computes others yet; delete it once that is over");
    assert_eq!(other.release_orphans().unwrap(), [], "its lock says that the process lives");
    process.claim(RunId(2)).unwrap();
    process.save(RunId(2), &made(), &[picture(2)], 5).unwrap();
    assert_eq!(other.trash(&[RunId(2)]).unwrap(), [RunId(2)]);
    // It dies before the last one is over.
    drop(process);
    assert_eq!(other.trash(&[RunId(1)]).unwrap(), [RunId(1)]);
    assert_eq!(states(&other.release_orphans().unwrap()), [(3, State::Interrupted)]);
}

#[test]
fn a_run_of_which_two_folders_hold_the_same_goes_and_comes_as_often_as_one_likes() {
    let (folder, gallery) = six();
    for times in 1..4 {
        gallery.trash(&[RunId(2)]).unwrap();
        // Somebody writes where it was.
        fs::create_dir_all(folder.path().join("runs/000002")).unwrap();
        fs::write(folder.path().join("runs/000002/note.txt"), format!("note {times}")).unwrap();
        gallery.restore(&[RunId(2)]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("runs/000002/note.txt")).unwrap(), format!("note {times}"));
        assert!(gallery.picture_path(RunId(2), 0).is_file());
    }
}

#[test]
fn runs_that_can_neither_go_nor_come_back_are_told() {
    let (folder, gallery) = six();
    fs::create_dir_all(folder.path().join("trash")).unwrap();
    fs::write(folder.path().join("trash/000002"), "in the way").unwrap();
    let stays = "CREATE TRIGGER stays BEFORE UPDATE OF state ON runs WHEN old.state = 'trash' BEGIN SELECT RAISE(ABORT, 'no'); END";
    gallery.index(|connection| connection.execute_batch(stays)).unwrap();
    let error = gallery.trash(&[RunId(1), RunId(2)]).unwrap_err();
    assert!(error.to_string().ends_with("; what was to be deleted is in the trash all the same, `u` takes it out"), "{error}");
    assert_eq!(error.downcast_ref::<Stuck>().unwrap().runs, [RunId(1), RunId(2)]);
    assert_eq!(all(&gallery), [3]);
    gallery.index(|connection| connection.execute_batch("DROP TRIGGER stays")).unwrap();
    gallery.restore(&[RunId(1), RunId(2)]).unwrap();
    assert!((1..=3).all(|id| gallery.picture_path(RunId(id), 0).is_file()));
}

#[test]
fn what_was_written_of_a_run_while_it_was_in_the_trash_hides_nothing_of_it() {
    let (folder, gallery) = six();
    gallery.set_note(RunId(1), "before").unwrap();
    gallery.trash(&[RunId(1)]).unwrap();
    let run = folder.path().join("runs/000001");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("marks.toml"), "star = true").unwrap();
    gallery.restore(&[RunId(1)]).unwrap();
    assert!(["1.png", "recipe.toml", "note.txt", "marks.toml"].iter().all(|name| run.join(name).is_file()));
    assert!(!folder.path().join("trash/000001").exists());
    // Nor does a note make a folder for one that is on its way there.
    std::thread::scope(|scope| {
        scope.spawn(|| (0..30).for_each(|_| _ = gallery.trash(&[RunId(1)]).and_then(|_| gallery.restore(&[RunId(1)]))));
        let other = open(folder.path());
        (0..30).for_each(|_| _ = other.set_note(RunId(1), "meanwhile"));
    });
    gallery.trash(&[RunId(1)]).unwrap();
    assert!(!run.exists() && folder.path().join("trash/000001/1.png").is_file());
}

#[test]
fn lists_of_a_sweep_that_somebody_wrote_are_no_trouble() {
    let (folder, gallery) = six();
    let axes = "[[axes]]\nfield = \"seed\"\nvalues = [\"1\", \"2\"]\n";
    for kept in [
        "cells = 9223372036854775807\naxes = []\n".to_owned(),
        format!("first = 9223372036854775807\ncells = 2\n{axes}"),
        format!("first = -9223372036854775808\ncells = 2\n{axes}"),
        format!("first = 7\ncells = 2\n{axes}"),
    ] {
        fs::write(folder.path().join("runs/000001/grid.toml"), kept).unwrap();
        assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 6, skipped: 1 });
    }
    fs::write(folder.path().join("runs/000001/grid.toml"), "cells = 9223372036854775807\naxes = []\n").unwrap();
    gallery.trash(&[RunId(1)]).unwrap();
    assert_eq!(gallery.purge().unwrap().runs, 1);
}

#[test]
fn a_rebuild_knows_the_trash() {
    let (folder, gallery) = six();
    gallery.mark(RunId(3), &Mark::Rate(5)).unwrap();
    let before = gallery.run(RunId(3)).unwrap();
    gallery.trash(&[RunId(3), RunId(4)]).unwrap();
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 4, skipped: 0 });
    assert_eq!((all(&gallery), ids(&gallery.queue().unwrap())), (vec![2, 1], vec![5, 6]));
    assert_eq!(gallery.restore(&[RunId(4)]).unwrap()[0].error.as_deref(), Some("no memory"), "what only the old index knew");
    gallery.trash(&[RunId(4)]).unwrap();
    drop(gallery);
    fs::remove_file(folder.path().join("darkroom.db")).unwrap();
    let (gallery, _) = Gallery::open(folder.path()).unwrap();
    assert_eq!((all(&gallery), ids(&gallery.queue().unwrap())), (vec![2, 1], vec![5, 6]));
    assert_eq!(gallery.restore(&[RunId(3)]).unwrap(), Vec::from_iter(before));
    assert_eq!(states(&gallery.restore(&[RunId(4)]).unwrap()), [(4, State::Interrupted)]);
    assert_eq!(gallery.sheet(RunId(1)).unwrap(), Some(folder.path().join("sheets/000001.png")), "the sweep is whole again");
}

#[test]
fn the_trash_is_emptied_for_good_and_nothing_else_is_touched() {
    let (folder, gallery) = six();
    gallery.submit(&grid_of("edit", &[("image", "run:1")])).unwrap();
    let bytes = |id: u32| {
        let files = fs::read_dir(folder.path().join(format!("runs/00000{id}"))).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>()
    };
    assert_eq!(gallery.purge().unwrap(), Purged::default());
    let freed = bytes(1) + bytes(3);
    gallery.trash(&[RunId(1), RunId(3)]).unwrap();
    assert_eq!(gallery.purge().unwrap(), Purged { runs: 2, bytes: freed });
    assert_eq!(fs::read_dir(folder.path().join("trash")).unwrap().count(), 0);
    assert_eq!(all(&gallery), [2]);
    assert!(gallery.restore(&[RunId(1)]).unwrap_err().to_string().contains("run 1 is not in the trash"));
    let edit = gallery.run(RunId(7)).unwrap().unwrap();
    assert!(gallery.inputs().open(&edit.recipe.images()[0]).is_ok(), "what went into other runs is a copy");
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 5, skipped: 0 });
}

#[test]
fn the_number_of_a_run_that_was_deleted_for_good_is_not_used_again() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..3")]));
    gallery.trash(&[RunId(2), RunId(3)]).unwrap();
    gallery.purge().unwrap();
    drop(gallery);
    for expected in [4, 5] {
        fs::remove_file(folder.path().join("darkroom.db")).unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(expected));
        gallery.set_state(RunId(expected), State::Cancelled, None).unwrap();
        gallery.trash(&[RunId(expected)]).unwrap();
        gallery.purge().unwrap();
        assert_eq!(fs::read_dir(folder.path().join("trash")).unwrap().count(), 0);
    }
    // Nor one that an index gives out which does not know of it.
    let gallery = open(folder.path());
    gallery.index(|connection| connection.execute("UPDATE sqlite_sequence SET seq = 1", [])).unwrap();
    assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(6));
}

#[test]
fn a_process_that_dies_while_it_deletes_leaves_a_run_in_the_trash() {
    let (folder, gallery) = six();
    // The row says so, the folder has not moved yet.
    gallery.trash(&[RunId(1), RunId(2)]).unwrap();
    for id in [1, 2] {
        fs::rename(folder.path().join(format!("trash/00000{id}")), folder.path().join(format!("runs/00000{id}"))).unwrap();
    }
    assert_eq!(all(&gallery), [3]);
    assert_eq!(states(&gallery.restore(&[RunId(1)]).unwrap()), [(1, State::Done)]);
    assert_eq!(gallery.purge().unwrap().runs, 1);
    assert!(!folder.path().join("runs/000002").exists() && folder.path().join("runs/000001/1.png").exists());
    // The row is gone, the folder not yet.
    fs::create_dir_all(folder.path().join("trash/000002")).unwrap();
    fs::write(folder.path().join("trash/000002/1.png"), "bytes").unwrap();
    assert_eq!(gallery.purge().unwrap(), Purged { runs: 1, bytes: 5 });
}

#[test]
fn a_folder_that_somebody_took_out_of_the_trash_is_told() {
    let (folder, gallery) = six();
    gallery.trash(&[RunId(1), RunId(2)]).unwrap();
    fs::remove_dir_all(folder.path().join("trash/000002")).unwrap();
    let said = gallery.restore(&[RunId(1), RunId(2)]).unwrap_err().to_string();
    assert!(
        said.starts_with("run 2 is not in the trash any more: what its folder") && said.ends_with("trash/000002 held is gone"),
        "{said}"
    );
    assert!(folder.path().join("trash/000001").is_dir(), "either all come back or none");
    assert_eq!(gallery.purge().unwrap().runs, 2);
}
