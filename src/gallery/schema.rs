//! The tables of `darkroom.db`, and how those of an older darkroom become them.

use super::{index, kin};
use crate::recipe::Run;
use rusqlite::{Connection, Transaction};

/// The version of the tables, kept in the file's `user_version`.
pub(super) const VERSION: i64 = 4;

/// `place` orders the queue. `owner` is the first run of those that a process of its own computes: no engine takes them. A run
/// in the trash has the state `trash`, which is no state of a run, so that no query finds it that does not look for it; `was` is
/// the one that it had.
const RUNS: &str = "
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        experiment TEXT NOT NULL,
        model TEXT NOT NULL,
        prompt TEXT NOT NULL,
        recipe TEXT NOT NULL,
        state TEXT NOT NULL,
        step INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        took_ms INTEGER,
        error TEXT,
        grid INTEGER,
        owner INTEGER,
        place INTEGER NOT NULL,
        made TEXT,
        note TEXT,
        star INTEGER NOT NULL DEFAULT 0,
        rating INTEGER NOT NULL DEFAULT 0,
        tags TEXT,
        origin TEXT,
        was TEXT,
        trashed_ms INTEGER
    ) STRICT;
    CREATE INDEX runs_by_state ON runs (state, id);
    CREATE INDEX runs_by_place ON runs (place);
    CREATE INDEX runs_by_grid ON runs (grid);
    CREATE TABLE grids (first INTEGER PRIMARY KEY, cells INTEGER NOT NULL, axes TEXT NOT NULL) STRICT;
    INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', 0);
";

/// A row a step of a training.
const POINTS: &str = "
    CREATE TABLE points (
        run INTEGER NOT NULL,
        step INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        loss REAL NOT NULL,
        rate REAL NOT NULL,
        ms REAL NOT NULL,
        PRIMARY KEY (run, step)
    ) STRICT, WITHOUT ROWID;
";

/// What is true of the whole workspace.
const SETTINGS: &str = "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT) STRICT;";

/// What the gallery is looked through by: a narrow row and the words of every run in it. Triggers keep both in step with `runs`,
/// whoever changes those.
///
/// `every` holds the same word for every run, for a search that only says what must not be there. In the search, symbols and
/// characters newer than SQLite's tables count as letters, so that an emoji is a word.
const SHELF: &str = "
    CREATE TABLE shelf (
        id INTEGER PRIMARY KEY,
        experiment TEXT NOT NULL,
        model TEXT NOT NULL,
        seed INTEGER,
        guidance REAL,
        steps INTEGER,
        created_ms INTEGER NOT NULL,
        star INTEGER NOT NULL,
        rating INTEGER NOT NULL,
        noted INTEGER NOT NULL,
        foreigner INTEGER NOT NULL,
        cell INTEGER NOT NULL
    ) STRICT;
    CREATE VIRTUAL TABLE words USING fts5 (
        prompt, note, tags, every, content = '', contentless_delete = 1, prefix = '1 2',
        tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Cn So'\"
    );
    CREATE TABLE tags (
        tag TEXT NOT NULL COLLATE NOCASE, run INTEGER NOT NULL, PRIMARY KEY (tag, run)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE kin (
        child INTEGER NOT NULL, parent INTEGER NOT NULL, how TEXT NOT NULL, PRIMARY KEY (child, parent, how)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX kin_by_parent ON kin (parent, child);

    CREATE VIEW finished AS SELECT
        id, experiment,
        lower(model || ' ' || coalesce(origin ->> '$.model', '')) AS model,
        CAST(recipe ->> '$.seed' AS INTEGER) AS seed,
        CAST(recipe ->> '$.guidance' AS REAL) AS guidance,
        CAST(coalesce(nullif(steps, 0), recipe ->> '$.steps') AS INTEGER) AS steps,
        created_ms, star, rating,
        note IS NOT NULL AS noted, origin IS NOT NULL AS foreigner, grid IS NOT NULL AS cell
        FROM runs WHERE state = 'done' AND json_valid(recipe);

    CREATE TRIGGER runs_insert AFTER INSERT ON runs BEGIN
        INSERT INTO shelf SELECT * FROM finished WHERE id = new.id;
        INSERT OR IGNORE INTO tags SELECT value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER runs_update AFTER UPDATE OF state, recipe, note, star, rating, tags ON runs
    WHEN 'done' IN (old.state, new.state) BEGIN
        DELETE FROM shelf WHERE id = old.id;
        INSERT INTO shelf SELECT * FROM finished WHERE id = new.id;
    END;
    CREATE TRIGGER runs_tags AFTER UPDATE OF tags ON runs BEGIN
        DELETE FROM tags WHERE run = old.id AND tag IN (SELECT value FROM json_each(old.tags));
        INSERT OR IGNORE INTO tags SELECT value, new.id FROM json_each(new.tags);
    END;
    CREATE TRIGGER runs_delete AFTER DELETE ON runs BEGIN
        DELETE FROM shelf WHERE id = old.id;
        DELETE FROM tags WHERE run = old.id AND tag IN (SELECT value FROM json_each(old.tags));
        DELETE FROM kin WHERE child = old.id;
    END;
    CREATE TRIGGER shelf_insert AFTER INSERT ON shelf BEGIN
        INSERT INTO words (rowid, prompt, note, tags, every) SELECT id, prompt, note, tags, char(57344) FROM runs WHERE id = new.id;
    END;
    CREATE TRIGGER shelf_delete AFTER DELETE ON shelf BEGIN
        DELETE FROM words WHERE rowid = old.id;
    END;
";

/// The word of `every`: of the characters that nobody types, one that counts as a letter.
pub(super) const EVERY: char = '\u{e000}';

/// From version 1, which had no notes.
const TO_2: &str = "ALTER TABLE runs ADD COLUMN note TEXT;";

/// From version 3, which searched all runs by their words alone and counted how often a run's engine had died.
const TO_4: &str = "
    DROP TRIGGER runs_insert;
    DROP TRIGGER runs_delete;
    DROP TRIGGER IF EXISTS runs_note;
    DROP TABLE prompts;
    ALTER TABLE runs DROP COLUMN deaths;
    ALTER TABLE runs ADD COLUMN star INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN tags TEXT;
    ALTER TABLE runs ADD COLUMN origin TEXT;
    ALTER TABLE runs ADD COLUMN was TEXT;
    ALTER TABLE runs ADD COLUMN trashed_ms INTEGER;
";

/// Makes the tables and fills them in one transaction; does nothing where another process was first.
pub(super) fn create(connection: &mut Connection, fill: impl FnOnce(&Transaction) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let transaction = index::begin(connection)?;
    if version(&transaction)? == 0 {
        for tables in [RUNS, POINTS, SETTINGS, SHELF] {
            transaction.execute_batch(tables)?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
        fill(&transaction)?;
    }
    transaction.commit()
}

/// Brings an older index up to date, unless another process was first.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = index::begin(connection)?;
    let version = version(&transaction)?;
    if version < 2 {
        transaction.execute_batch(TO_2)?;
    }
    if version < 3 {
        transaction.execute_batch(POINTS)?;
    }
    if version < VERSION {
        for change in [TO_4, SETTINGS, SHELF, "INSERT INTO shelf SELECT * FROM finished"] {
            transaction.execute_batch(change)?;
        }
        find_kin(&transaction)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Only what the workspace keeps can have come from another run.
fn find_kin(transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM runs WHERE recipe LIKE '%@sha256:%'", index::COLUMNS);
    let mut query = transaction.prepare(&sql)?;
    for run in query.query_map([], index::read)? {
        let Some(Run { id, recipe, .. }) = run? else { continue };
        kin::insert(transaction, id, &recipe)?;
    }
    Ok(())
}
