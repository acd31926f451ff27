//! `darkroom.db`: its schema, how it is opened, and how a row is a run.

use crate::recipe::{Axis, Made, Marks, Run, RunId, State};
use anyhow::{Context, Error, Result, anyhow, bail};
use rusqlite::{Connection, ErrorCode, Row, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

/// The version of [`SCHEMA`], kept in the file's `user_version`.
const VERSION: i64 = 3;

/// `place` orders the queue. `owner` is the first run of those that a process of its own computes: no engine takes them.
///
/// In the search, symbols and characters newer than SQLite's tables count as letters, so that an emoji is a word.
const SCHEMA: &str = "
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
        deaths INTEGER NOT NULL DEFAULT 0,
        made TEXT,
        note TEXT
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
    PRAGMA user_version = 3;
";

/// The search, over prompts and notes.
const SEARCH: &str = "
    CREATE VIRTUAL TABLE prompts USING fts5 (
        prompt, note, content = 'runs', content_rowid = 'id',
        tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Cn So'\"
    );
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
";

/// From version 1, which had no notes.
const TO_2: &str = "
    ALTER TABLE runs ADD COLUMN note TEXT;
    DROP TRIGGER runs_insert;
    DROP TRIGGER runs_delete;
    DROP TABLE prompts;
";

/// What lies where the index should be.
pub(super) enum Index {
    /// An index that can be used.
    Ready(Connection),
    /// Nothing yet; [`create`] makes the tables.
    New(Connection),
    /// Something that is no index, and how that shows.
    Damaged(String),
}

/// Looks at the index without changing what it holds.
pub(super) fn open(path: &Path) -> Result<Index> {
    match look(path) {
        Ok((_, version)) if version > VERSION => bail!(
            "{} was written by a newer darkroom (index {version}, this one knows {VERSION}); use that one, or another --workspace",
            path.display()
        ),
        Ok((connection, 0)) => Ok(Index::New(connection)),
        Ok((mut connection, 1 | 2)) => match migrate(&mut connection) {
            Ok(()) => Ok(Index::Ready(connection)),
            Err(error) => Err(sentence(path, &error)),
        },
        Ok((connection, _)) => Ok(Index::Ready(connection)),
        Err(error) if is_damage(&error) => Ok(Index::Damaged(error.to_string())),
        Err(error) => Err(sentence(path, &error)),
    }
}

/// Opens a connection and tells the schema's version; whatever is no index of ours is reported as corrupt.
fn look(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let corrupt = |why: &str| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(rusqlite::Error::SqliteFailure(code, Some(why.to_owned())))
    };
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // A row that is replaced must leave the search too.
    connection.pragma_update(None, "recursive_triggers", true)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return corrupt(&check);
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Ok((connection, version));
    }
    // Refused on network file systems, where the rollback journal stays; refused while another process is just doing the same.
    let _ = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    // In one transaction: another process may be making the tables just now.
    let reads = connection.unchecked_transaction()?;
    let version: i64 = reads.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('runs', 'grids', 'prompts')";
    let tables: i64 = reads.query_row(tables, [], |row| row.get(0))?;
    let all: i64 = reads.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    reads.finish()?;
    match (version, tables, all) {
        (0, _, 0) | (1..=VERSION, 3, _) => Ok((connection, version)),
        _ => corrupt("it is another program's database"),
    }
}

/// Makes the tables and fills them in one transaction; does nothing where another process was first.
pub(super) fn create(connection: &mut Connection, fill: impl FnOnce(&Transaction) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.execute_batch(SEARCH)?;
        transaction.execute_batch(POINTS)?;
        fill(&transaction)?;
    }
    transaction.commit()
}

/// Brings an older index up to date, unless another process was first.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 1 {
        transaction.execute_batch(TO_2)?;
        transaction.execute_batch(SEARCH)?;
        transaction.execute("INSERT INTO prompts (prompts) VALUES ('rebuild')", [])?;
    }
    if version < VERSION {
        transaction.execute_batch(POINTS)?;
    }
    transaction.commit()
}

/// A transaction that holds the write lock from its start, so that it cannot fail half-way for want of it.
pub(super) fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// SQLite's error as one sentence: which file, why not, what to do.
pub(super) fn sentence(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    match error.sqlite_error_code() {
        _ if is_damage(error) => anyhow!("{path} is damaged; start darkroom again and it is made again from the files"),
        Some(ErrorCode::DiskFull) => anyhow!("cannot write {path}: No space left on device; free some space and run it again"),
        Some(ErrorCode::ReadOnly) => anyhow!("cannot write {path}: it is read-only; allow writing or choose another --workspace"),
        Some(ErrorCode::CannotOpen) => anyhow!("cannot open {path}; allow reading and writing there or choose another --workspace"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            anyhow!("{path} has been kept locked by another program for 10 s; end that one and try again")
        }
        _ => anyhow!("{path}: {error}; if it stays so, make the index again with darkroom history --rebuild"),
    }
}

/// The columns that [`read`] takes.
pub(super) const COLUMNS: &str = "id, recipe, state, step, steps, created_ms, took_ms, error, grid, note";

/// A row as a run; `None` where it holds what this darkroom does not know, such as the recipe of a newer one.
pub(super) fn read(row: &Row) -> rusqlite::Result<Option<Run>> {
    // One odd row must not hide the others.
    Ok(run(row).ok())
}

fn run(row: &Row) -> Result<Run> {
    let (recipe, state): (String, String) = (row.get("recipe")?, row.get("state")?);
    Ok(Run {
        id: RunId(row.get("id")?),
        recipe: serde_json::from_str(&recipe)?,
        state: state_of(&state).context("an unknown state")?,
        step: row.get("step")?,
        of: row.get("steps")?,
        created_ms: row.get("created_ms")?,
        took_ms: row.get("took_ms")?,
        error: row.get("error")?,
        grid: row.get::<_, Option<i64>>("grid")?.map(RunId),
        note: row.get("note")?,
        marks: Marks::default(),
        foreign: None,
    })
}

fn state_of(word: &str) -> Option<State> {
    use State::*;
    [Queued, Running, Done, Failed, Cancelled, Paused, Interrupted].into_iter().find(|state| state.word() == word)
}

/// What a row holds beside its run.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// Where it stands in the queue.
    pub place: i64,
    /// The first run of those that a process of its own computes.
    pub owner: Option<RunId>,
    /// What decided its pictures, once they are there.
    pub made: Option<&'a Made>,
}

/// Adds a run under the number it has, in place of one that a rebuild found there.
pub(super) fn insert(transaction: &Transaction, run: &Run, beside: Beside) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO runs (id, experiment, model, prompt, recipe, state, step, steps, created_ms, took_ms, error, grid, owner, place, made, note)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    transaction.prepare_cached(sql)?.execute(params![
        run.id.0,
        run.recipe.experiment(),
        run.recipe.model(),
        run.recipe.prompt(),
        json(&run.recipe)?,
        run.state.word(),
        run.step,
        run.of,
        run.created_ms,
        run.took_ms,
        run.error,
        run.grid.map(|grid| grid.0),
        beside.owner.map(|owner| owner.0),
        beside.place,
        beside.made.map(json).transpose()?,
        run.note,
    ])?;
    Ok(())
}

/// Adds the axes of a grid that begins with the run `first`.
pub(super) fn insert_grid(transaction: &Transaction, first: RunId, axes: &[Axis], cells: usize) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO grids (first, cells, axes) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![first.0, cells, json(axes)?])?;
    Ok(())
}

/// A value as a column of JSON text.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
