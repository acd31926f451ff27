//! Notes on runs, and an index from before there were any.

use super::*;
use crate::recipe::Point;

#[test]
fn a_note_is_found_with_the_words_of_the_prompt_and_survives_a_rebuild() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    assert_eq!(gallery.set_note(RunId(1), " richer detail\n").unwrap().note.as_deref(), Some("richer detail"));
    let found = |search: &str| gallery.history(search, None, 10).unwrap().total;
    assert_eq!((found("richer three"), found("poorer")), (1, 0));
    Gallery::rebuild(folder.path()).unwrap();
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().note.as_deref(), Some("richer detail"));
    gallery.set_note(RunId(1), "").unwrap();
    assert_eq!((found("richer"), found("three")), (0, 1));
    assert!(gallery.set_note(RunId(1), &"x".repeat(70_000)).unwrap_err().to_string().contains("at most 64 kB"));
    assert_eq!(gallery.set_note(RunId(9), "x").unwrap_err().to_string(), "there is no run 9");
}

#[test]
fn an_index_of_version_1_gets_notes() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    drop(gallery);
    let old = "DROP TABLE points; DROP TRIGGER runs_insert; DROP TRIGGER runs_delete; DROP TRIGGER runs_note; DROP TABLE prompts;
        ALTER TABLE runs DROP COLUMN note;
        CREATE VIRTUAL TABLE prompts USING fts5 (prompt, content = 'runs', content_rowid = 'id');
        CREATE TRIGGER runs_insert AFTER INSERT ON runs BEGIN INSERT INTO prompts (rowid, prompt) VALUES (new.id, new.prompt); END;
        CREATE TRIGGER runs_delete AFTER DELETE ON runs BEGIN
            INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.id, old.prompt); END;
        PRAGMA user_version = 1;";
    Connection::open(folder.path().join("darkroom.db")).unwrap().execute_batch(old).unwrap();
    let gallery = open(folder.path());
    gallery.set_note(RunId(1), "too dark").unwrap();
    assert_eq!(gallery.history("red dark", None, 10).unwrap().total, 1);
}

#[test]
fn an_index_of_version_2_gets_points() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    drop(gallery);
    let old = "DROP TABLE points; PRAGMA user_version = 2;";
    Connection::open(folder.path().join("darkroom.db")).unwrap().execute_batch(old).unwrap();
    let gallery = open(folder.path());
    let point = Point { step: 3, epoch: 1, loss: 0.25, rate: 1e-3, ms: 7.5 };
    gallery.add_points(RunId(1), &[point, Point { step: 4, ..point }]).unwrap();
    assert_eq!(gallery.points(RunId(1), 0, 9).unwrap()[0], point);
    assert_eq!(gallery.points(RunId(1), 3, 9).unwrap().len(), 1);
    gallery.cut_points(RunId(1), 4).unwrap();
    assert_eq!(gallery.epoch_losses(RunId(1)).unwrap(), [(1, 0.25)]);
    assert_eq!(gallery.history("three", None, 10).unwrap().total, 1);
}
