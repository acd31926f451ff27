//! Disks that are full, indexes that are damaged, processes that die half-way.

use super::*;
use crate::recipe::Mark;
use std::fs;

fn index_of(folder: &Path) -> PathBuf {
    folder.join("darkroom.db")
}

/// A workspace with two finished runs, closed.
fn two_runs() -> TempDir {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("prompt", "a red three"), ("seed", "1,2")]));
    folder
}

#[test]
fn a_full_disk_is_told_with_the_path_and_what_to_do() {
    let error = write_atomic(Path::new("/dev/full"), b"bytes").unwrap_err().to_string();
    assert_eq!(error, "cannot write /dev/full: No space left on device; free some space and run it again");
}

#[test]
fn a_file_is_replaced_whole_or_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    write_atomic(&path, b"old").unwrap();
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let error = write_atomic(&path.join("b.png"), b"bytes").unwrap_err().to_string();
    assert!(error.contains("a.png/b.png: Not a directory"), "{error}");
    let error = write_atomic(folder.path(), b"bytes").unwrap_err().to_string();
    assert!(error.contains("it is a folder"), "{error}");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.png"], "no temporary file is left");
}

#[test]
fn a_file_is_replaced_through_a_link_and_a_device_stays_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write_atomic(&link, b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert!(link.is_symlink());
    write_atomic(Path::new("/dev/null"), b"bytes").unwrap();
    assert!(!Path::new("/dev/null").is_file());
}

#[test]
fn nothing_is_queued_when_its_recipe_cannot_be_written() {
    let (folder, gallery) = workspace();
    fs::remove_dir(folder.path().join("runs")).unwrap();
    fs::write(folder.path().join("runs"), "in the way").unwrap();
    let error = gallery.submit(&ask(&[("seed", "1,2")])).unwrap_err().to_string();
    assert!(error.contains("runs/000001: Not a directory; choose another path"), "{error}");
    assert_eq!(gallery.queue().unwrap(), []);
    fs::remove_file(folder.path().join("runs")).unwrap();
    assert_eq!(gallery.submit(&ask(&[])).unwrap().len(), 1);
}

#[test]
fn nothing_is_done_before_every_picture_is_written() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[("count", "2")])).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    fs::write(gallery.checkpoint_path(run.id), "half a picture").unwrap();
    fs::create_dir(gallery.picture_path(run.id, 1)).unwrap();
    let error = gallery.save(run.id, &made(), &[picture(1), picture(2)], 5).unwrap_err().to_string();
    assert!(error.contains("2.png: it is a folder"), "{error}");
    assert_eq!(gallery.run(run.id).unwrap().unwrap().state, State::Running);
    assert!(gallery.checkpoint_path(run.id).exists(), "what was computed is still there");
    // A rebuild in this moment does not take one picture of two for a result.
    assert_eq!(Gallery::rebuild(folder.path()).unwrap(), 1);
    assert_eq!(gallery.history("", None, 10).unwrap().total, 0);
    fs::remove_dir(gallery.picture_path(run.id, 1)).unwrap();
    assert_eq!(gallery.save(run.id, &made(), &[picture(1), picture(2)], 5).unwrap().state, State::Done);
}

#[test]
fn a_run_killed_between_its_pictures_and_its_mark_is_not_done() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[])).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    gallery.write_pictures(&run, &made(), &[picture(1)], 5).unwrap();
    drop(gallery);
    let gallery = open(folder.path());
    assert_eq!(gallery.history("", None, 10).unwrap().total, 0);
    assert_eq!(states(&gallery.recover().unwrap().interrupted), [(1, State::Interrupted)]);
    gallery.set_state(RunId(1), State::Queued, None).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    gallery.save(run.id, &made(), &[picture(1)], 5).unwrap();
    assert_eq!(gallery.history("", None, 10).unwrap().total, 1);
}

#[test]
fn a_run_whose_folder_is_gone_is_saved_all_the_same() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[])).unwrap();
    gallery.set_state(RunId(1), State::Running, None).unwrap();
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    gallery.save(RunId(1), &made(), &[picture(1)], 5).unwrap();
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 1, skipped: 0 });
}

#[test]
fn a_damaged_index_is_kept_aside_and_made_again() {
    let good = two_runs();
    let whole = fs::read(index_of(good.path())).unwrap();
    let noise: Vec<u8> = (0..9000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let scratched = {
        let mut bytes = whole.clone();
        bytes[4096..8192].copy_from_slice(&noise[..4096]);
        bytes
    };
    for damage in [b"not a database at all".as_slice(), &whole[..whole.len() / 2], &whole[..100], &noise, &scratched] {
        let folder = two_runs();
        fs::write(index_of(folder.path()), damage).unwrap();
        let (gallery, told) = Gallery::open(folder.path()).unwrap();
        assert!(told[0].starts_with("The index was damaged") && told[0].contains("darkroom.db.corrupt-1"), "{told:?}");
        assert_eq!(told[1], "The index was made again from the files: 2 runs.");
        assert_eq!(fs::read(folder.path().join("darkroom.db.corrupt-1")).unwrap(), damage);
        assert_eq!(ids(&gallery.history("three", None, 10).unwrap().runs), [2, 1]);
        drop(gallery);
        open(folder.path());
    }
}

#[test]
fn damaged_indexes_are_numbered_and_an_empty_one_is_only_filled() {
    let folder = two_runs();
    for _ in 0..2 {
        fs::write(index_of(folder.path()), "no database").unwrap();
        Gallery::open(folder.path()).unwrap();
    }
    assert!(folder.path().join("darkroom.db.corrupt-2").exists());
    fs::write(index_of(folder.path()), "").unwrap();
    let (gallery, told) = Gallery::open(folder.path()).unwrap();
    assert_eq!(told, ["The index was made again from the files: 2 runs."]);
    assert_eq!(gallery.history("", None, 10).unwrap().total, 2);
}

#[test]
fn another_programs_database_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(index_of(folder.path())).unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(other);
    let (_, told) = Gallery::open(folder.path()).unwrap();
    assert!(told[0].contains("another program's database"), "{told:?}");
    assert!(folder.path().join("darkroom.db.corrupt-1").exists());
}

#[test]
fn an_index_from_the_future_is_refused_and_left_as_it_is() {
    let folder = two_runs();
    let connection = Connection::open(index_of(folder.path())).unwrap();
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 5;").unwrap();
    drop(connection);
    let before = fs::read(index_of(folder.path())).unwrap();
    let error = Gallery::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("written by a newer darkroom (index 5, this one knows 4)"), "{error}");
    assert_eq!(fs::read(index_of(folder.path())).unwrap(), before);
    assert!(!folder.path().join("darkroom.db.corrupt-1").exists());
}

#[test]
fn damage_in_a_large_index_is_found_when_it_is_met_and_mended_at_the_next_start() {
    let folder = two_runs();
    let path = index_of(folder.path());
    let connection = Connection::open(&path).unwrap();
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'";
    let page: u64 = connection.query_row(page, [], |row| row.get(0)).unwrap();
    connection.execute_batch("CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(20000000));").unwrap();
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(page as usize - 1) * 4096..][..4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();

    let gallery = open(folder.path());
    let said = "darkroom.db is damaged; start darkroom again and it is made again from the files";
    assert!(gallery.history("", None, 10).err().unwrap().to_string().ends_with(said));
    assert!(gallery.examine().unwrap_err().to_string().ends_with(said));
    drop(gallery);
    let (gallery, told) = Gallery::open(folder.path()).unwrap();
    assert!(told[0].starts_with("The index was damaged"), "{told:?}");
    assert_eq!(gallery.history("", None, 10).unwrap().total, 2);
    gallery.examine().unwrap();
    assert!(!folder.path().join("darkroom.db.suspect").exists());
}

#[test]
fn processes_that_find_the_same_damage_mend_it_once() {
    let folder = two_runs();
    fs::write(index_of(folder.path()), "no database").unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let folder = folder.path().to_owned();
            std::thread::spawn(move || {
                let (gallery, _) = Gallery::open(&folder).unwrap();
                gallery.submit(&ask(&[])).unwrap();
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let gallery = open(folder.path());
    assert_eq!(gallery.history("", None, 10).unwrap().total, 2);
    assert_eq!(gallery.queue().unwrap().len(), 4);
    assert!(!folder.path().join("darkroom.db.corrupt-2").exists());
}

#[test]
fn one_odd_row_hides_no_other() {
    let (_folder, gallery) = workspace();
    gallery.submit(&ask(&[("seed", "1..3")])).unwrap();
    gallery.index(|connection| connection.execute("UPDATE runs SET steps = -1 WHERE id = 1", [])).unwrap();
    assert_eq!(ids(&gallery.queue().unwrap()), [2, 3]);
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(2));
    let state = "SELECT state FROM runs WHERE id = 1";
    assert_eq!(gallery.index(|connection| connection.query_row(state, [], |row| row.get::<_, String>(0))).unwrap(), "failed");
}

#[test]
fn a_rebuild_keeps_what_an_engine_does_meanwhile() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[("seed", "1,2")])).unwrap();
    let mut found = super::rebuild::scan(folder.path()).unwrap();
    for id in [1, 2] {
        gallery.take_next().unwrap();
        gallery.save(RunId(id), &made(), &[picture(1)], 5).unwrap();
    }
    gallery.submit(&ask(&[("seed", "3,4")])).unwrap();
    let write = |connection: &mut Connection| {
        let transaction = super::super::index::begin(connection)?;
        found.write(&transaction)?;
        transaction.commit()
    };
    gallery.index(write).unwrap();
    assert_eq!(gallery.history("", None, 10).unwrap().total, 2);
    assert!(gallery.sheet(RunId(1)).unwrap().is_some());
    for id in [3, 4] {
        gallery.take_next().unwrap();
        gallery.save(RunId(id), &made(), &[picture(1)], 5).unwrap();
    }
    assert!(gallery.sheet(RunId(3)).unwrap().is_some());
}

#[test]
fn a_rebuild_keeps_what_users_do_meanwhile() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..6")]));
    gallery.trash(&[RunId(3), RunId(4)]).unwrap();
    let mut found = super::rebuild::scan(folder.path()).unwrap();
    for mark in [Mark::Star(true), Mark::Rate(4), Mark::Tag("cat".into())] {
        gallery.mark(RunId(1), &mark).unwrap();
    }
    gallery.set_note(RunId(2), "too dark").unwrap();
    gallery.restore(&[RunId(3)]).unwrap();
    gallery.purge().unwrap();
    gallery.trash(&[RunId(5)]).unwrap();
    let before = gallery.history("", None, 10).unwrap().runs;
    assert_eq!(ids(&before), [6, 3, 2, 1]);
    let write = |connection: &mut Connection| {
        let transaction = super::super::index::begin(connection)?;
        found.write(&transaction)?;
        transaction.commit()
    };
    gallery.index(write).unwrap();
    assert_eq!(gallery.history("", None, 10).unwrap().runs, before);
    assert!(gallery.restore(&[RunId(4)]).is_err(), "it is gone for good");
    assert_eq!(gallery.restore(&[RunId(5)]).unwrap().len(), 1);
}

#[test]
fn the_trash_is_emptied_on_a_full_disk() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..3")]));
    fs::create_dir(folder.path().join("thumbs")).unwrap();
    gallery.trash(&[RunId(1), RunId(2)]).unwrap();
    // The index may not grow, and grows by what is deleted.
    let full = "CREATE TABLE ballast (bytes BLOB);
        CREATE TRIGGER grows BEFORE DELETE ON runs BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END;";
    gallery.index(|connection| connection.execute_batch(full)).unwrap();
    gallery.index(|connection| connection.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))).unwrap();
    let error = gallery.purge().unwrap_err().to_string();
    assert!(error.contains("darkroom.db: No space left on device; free some space"), "{error}");
    assert!(!folder.path().join("thumbs").exists());
    let left = |id: u32| fs::read_dir(folder.path().join(format!("trash/00000{id}"))).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!((left(1).collect::<Vec<_>>(), left(2).count()), (vec!["grid.toml".into()], 0), "the lists go to another cell");
    assert!(gallery.restore(&[RunId(2)]).unwrap_err().to_string().starts_with("run 2 is not in the trash any more"));
    gallery.index(|connection| connection.execute_batch("DROP TRIGGER grows")).unwrap();
    assert_eq!(gallery.purge().unwrap().runs, 2);
    assert_eq!(fs::read_dir(folder.path().join("trash")).unwrap().count(), 0);
    assert_eq!(gallery.table(RunId(3)).unwrap().unwrap().cells.len(), 3);
}

#[test]
fn a_draft_that_a_killed_process_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    // Process numbers are used again; the next drafts of this one are all taken.
    for number in 0..200 {
        fs::write(folder.path().join(format!(".darkroom-{}-{number}", std::process::id())), "").unwrap();
    }
    write_atomic(&folder.path().join("a.png"), b"bytes").unwrap();
}
