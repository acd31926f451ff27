//! Indexes that an older darkroom has left.

use super::*;
use crate::recipe::{Bond, Filter, Point, Relative, Today};

/// What version 3 had in place of what version 4 has.
const BACK_TO_3: &str = "
    DROP TRIGGER runs_insert; DROP TRIGGER runs_update; DROP TRIGGER runs_tags; DROP TRIGGER runs_delete;
    DROP VIEW finished; DROP TABLE shelf; DROP TABLE words; DROP TABLE tags; DROP TABLE kin; DROP TABLE settings;
    ALTER TABLE runs DROP COLUMN star; ALTER TABLE runs DROP COLUMN rating; ALTER TABLE runs DROP COLUMN tags;
    ALTER TABLE runs DROP COLUMN origin; ALTER TABLE runs DROP COLUMN was; ALTER TABLE runs DROP COLUMN trashed_ms;
    ALTER TABLE runs ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
    CREATE VIRTUAL TABLE prompts USING fts5 (prompt, note, content = 'runs', content_rowid = 'id');
    CREATE TRIGGER runs_insert AFTER INSERT ON runs BEGIN
        INSERT INTO prompts (rowid, prompt, note) VALUES (new.id, new.prompt, new.note);
    END;
    CREATE TRIGGER runs_delete AFTER DELETE ON runs BEGIN
        INSERT INTO prompts (prompts, rowid, prompt, note) VALUES ('delete', old.id, old.prompt, old.note);
    END;
    CREATE TRIGGER runs_note AFTER UPDATE OF note ON runs BEGIN
        INSERT INTO prompts (prompts, rowid, prompt, note) VALUES ('delete', old.id, old.prompt, old.note);
        INSERT INTO prompts (rowid, prompt, note) VALUES (new.id, new.prompt, new.note);
    END;
    INSERT INTO prompts (prompts) VALUES ('rebuild');
    PRAGMA user_version = 3;
";
const BACK_TO_2: &str = "DROP TABLE points; PRAGMA user_version = 2;";
const BACK_TO_1: &str = "
    DROP TRIGGER runs_insert; DROP TRIGGER runs_delete; DROP TRIGGER runs_note; DROP TABLE prompts;
    ALTER TABLE runs DROP COLUMN note;
    CREATE VIRTUAL TABLE prompts USING fts5 (prompt, content = 'runs', content_rowid = 'id');
    CREATE TRIGGER runs_insert AFTER INSERT ON runs BEGIN INSERT INTO prompts (rowid, prompt) VALUES (new.id, new.prompt); END;
    CREATE TRIGGER runs_delete AFTER DELETE ON runs BEGIN
        INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.id, old.prompt); END;
    PRAGMA user_version = 1;
";

/// The tables, views, indexes and triggers of an index, each as it was written.
fn schema(folder: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(folder.join("darkroom.db")).unwrap();
    let sql = "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE name <> 'runs' ORDER BY name";
    connection.prepare(sql).unwrap().query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The columns of the table of runs, by their names.
fn columns(folder: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(folder.join("darkroom.db")).unwrap();
    let sql = "SELECT name, type || \"notnull\" || coalesce(dflt_value, '') FROM pragma_table_info('runs') ORDER BY name";
    connection.prepare(sql).unwrap().query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

/// A workspace with a finished run, one made from it and a queued one, whose index an older darkroom has left.
fn left(back: &[&str]) -> TempDir {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    finish(&gallery, &grid_of("edit", &[("image", "run:1"), ("guidance", "3.3"), ("seed", "4294967295")]));
    gallery.submit(&ask(&[("prompt", "a blue three")])).unwrap();
    drop(gallery);
    let connection = Connection::open(folder.path().join("darkroom.db")).unwrap();
    back.iter().for_each(|sql| connection.execute_batch(sql).unwrap());
    folder
}

#[test]
fn an_older_index_stays_as_it_is_while_its_engine_is_at_work() {
    let folder = left(&[BACK_TO_3]);
    let before = schema(folder.path());
    let lock = std::fs::File::create(folder.path().join("engine.lock")).unwrap();
    lock.lock().unwrap();
    for process in ["", "1\n/run/socket\n"] {
        std::fs::write(folder.path().join("engine.lock"), process).unwrap();
        let said = Gallery::open(folder.path()).err().unwrap().to_string();
        assert!(said.ends_with("of an older darkroom, whose engine is still at work; end it with `darkroom stop` and try again"), "{said}");
        assert_eq!(schema(folder.path()), before);
    }
    // An engine of today takes its lock first.
    std::fs::write(folder.path().join("engine.lock"), std::process::id().to_string()).unwrap();
    open(folder.path());
    assert_ne!(schema(folder.path()), before);
}

#[test]
fn an_older_index_becomes_one_of_today() {
    let fresh = workspace();
    for back in [&[BACK_TO_3][..], &[BACK_TO_3, BACK_TO_2], &[BACK_TO_3, BACK_TO_2, BACK_TO_1]] {
        let folder = left(back);
        let gallery = open(folder.path());
        assert_eq!(schema(folder.path()), schema(fresh.0.path()));
        assert_eq!(columns(folder.path()), columns(fresh.0.path()));
        let found = |text: &str| {
            let filter = Filter::parse(text, Today { now_ms: 0, utc_offset_s: 0 }).unwrap();
            ids(&gallery.find(&filter, 0, 10).unwrap().runs)
        };
        assert_eq!(found("three"), [1]);
        assert_eq!(found("guidance:3.3"), [2]);
        assert_eq!(found("seed:4294967295 experiment:edit"), [2]);
        assert_eq!(gallery.kin(RunId(2)).unwrap().from, [Relative { run: RunId(1), how: Bond::Picture(1) }]);
        gallery.set_note(RunId(1), "too dark").unwrap();
        assert_eq!(found("dark three"), [1]);
        assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(3));
        gallery.save(RunId(3), &made(), &[picture(3)], 5).unwrap();
        assert_eq!(found("three"), [3, 1]);
        let point = Point { step: 3, epoch: 1, loss: 0.25, rate: 1e-3, ms: 7.5 };
        gallery.add_points(RunId(1), &[point, Point { step: 4, ..point }]).unwrap();
        assert_eq!(gallery.points(RunId(1), 0, 9).unwrap()[0], point);
        gallery.cut_points(RunId(1), 4).unwrap();
        assert_eq!(gallery.epoch_losses(RunId(1)).unwrap(), [(1, 0.25)]);
    }
}
