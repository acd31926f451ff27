//! `darkroom.db`: how it is opened, and how a row is a run.

use super::kin;
use super::schema::{self, VERSION};
use crate::atomic::write_soon;
use crate::recipe::{Axis, Made, Marks, Run, RunId, State};
use anyhow::{Context, Error, Result, anyhow, bail};
use rusqlite::{Connection, ErrorCode, Row, Transaction, TransactionBehavior, params};
use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is said of a disk that is full, and of one that takes no more of this user's.
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];
/// How long another process may keep the index to itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// An index up to this size is looked through whole whenever it is opened, in bytes: that takes some 50 ms, and time grows with it.
const SMALL: u64 = 8 << 20;

/// Turns the write-ahead log on where the file system allows it, and tells which journal it is now.
pub(super) const WAL: &str = "PRAGMA journal_mode = WAL";

/// What lies where the index should be.
pub(super) enum Index {
    /// An index that can be used.
    Ready(Connection),
    /// Nothing yet; [`schema::create`] makes the tables.
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
        // It goes on with the tables as it found them.
        Ok((_, 1..VERSION)) if is_served(path) => {
            bail!("{} is of an older darkroom, whose engine is still at work; end it with `darkroom stop` and try again", path.display())
        }
        Ok((mut connection, 1..VERSION)) => match schema::migrate(&mut connection) {
            Ok(()) => Ok(Index::Ready(connection)),
            Err(error) => Err(sentence(path, &error)),
        },
        Ok((connection, _)) => Ok(Index::Ready(connection)),
        Err(error) if is_damage(&error) => Ok(Index::Damaged(error.to_string())),
        Err(error) => Err(sentence(path, &error)),
    }
}

/// Whether an engine in another process serves the workspace. Its lock file begins with its process's number.
fn is_served(path: &Path) -> bool {
    let Ok(mut lock) = File::open(path.with_file_name("engine.lock")) else { return false };
    let mut text = String::new();
    let is_locked = matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock));
    let process = lock.read_to_string(&mut text).ok().and_then(|_| text.lines().next()?.parse().ok());
    is_locked && process != Some(std::process::id())
}

/// Opens a connection and tells the schema's version; whatever is no index of ours is reported as corrupt.
fn look(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    // A row that is replaced must leave the search too.
    connection.pragma_update(None, "recursive_triggers", true)?;
    let suspect = suspect(path);
    if suspect.exists() || fs::metadata(path).is_ok_and(|file| file.len() <= SMALL) {
        check(&connection)?;
        let _ = fs::remove_file(suspect);
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Ok((connection, version));
    }
    // Refused on network file systems, where the rollback journal stays; refused while another process is just doing the same.
    let _ = connection.query_row(WAL, [], |row| row.get::<_, String>(0));
    // In one transaction: another process may be making the tables just now.
    let reads = connection.unchecked_transaction()?;
    let version: i64 = reads.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('runs', 'grids')";
    let tables: i64 = reads.query_row(tables, [], |row| row.get(0))?;
    let all: i64 = reads.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    reads.finish()?;
    match (version, tables, all) {
        (0, _, 0) | (1..=VERSION, 2, _) => Ok((connection, version)),
        _ => Err(corrupt("it is another program's database")),
    }
}

fn corrupt(why: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(why.to_owned()))
}

/// Looks through the whole file.
fn check(connection: &Connection) -> rusqlite::Result<()> {
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))? {
        said if said == "ok" => Ok(()),
        said => Err(corrupt(&said)),
    }
}

/// The file that says that the index was found damaged: who opens it next looks through all of it.
fn suspect(path: &Path) -> PathBuf {
    path.with_extension("db.suspect")
}

/// Looks through an index of any size, which may take seconds for a large one.
pub(super) fn examine(path: &Path) -> rusqlite::Result<()> {
    check(&reader(path)?)
}

/// A connection that only reads. In SQLite's write-ahead log it waits for nobody, and nobody for it.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A transaction that holds the write lock from its start, so that it cannot fail half-way for want of it.
pub(super) fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether an error says that the disk is full, be it a file's or the index's: both are told in the system's words.
pub(super) fn is_full(error: &Error) -> bool {
    let said = error.to_string();
    FULL.iter().any(|full| said.contains(full))
}

/// SQLite's error as one sentence: which file, why not, what to do. Damage is remembered for whoever opens it next.
pub(super) fn sentence(path: &Path, error: &rusqlite::Error) -> Error {
    if is_damage(error) {
        let _ = write_soon(&suspect(path), b"");
    }
    let path = path.display();
    match error.sqlite_error_code() {
        _ if is_damage(error) => anyhow!("{path} is damaged; start darkroom again and it is made again from the files"),
        Some(ErrorCode::DiskFull) => anyhow!("cannot write {path}: {}; free some space and run it again", FULL[0]),
        Some(ErrorCode::ReadOnly) => anyhow!("cannot write {path}: it is read-only; allow writing or choose another --workspace"),
        Some(ErrorCode::CannotOpen) => anyhow!("cannot open {path}; allow reading and writing there or choose another --workspace"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            anyhow!("{path} has been kept locked by another program for 10 s; end that one and try again")
        }
        _ => anyhow!("{path}: {error}; if it stays so, make the index again with darkroom history --rebuild"),
    }
}

/// The columns that [`read`] takes.
pub(super) const COLUMNS: &str = "id, recipe, state, step, steps, created_ms, took_ms, error, grid, note, star, rating, tags, origin";

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
        marks: Marks { star: row.get("star")?, rating: row.get("rating")?, tags: from_json(row, "tags")?.unwrap_or_default() },
        foreign: from_json(row, "origin")?,
    })
}

/// A column of JSON text that may be empty.
fn from_json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

pub(super) fn state_of(word: &str) -> Option<State> {
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
    /// When it was put into the trash, where it is there.
    pub trashed_ms: Option<i64>,
}

/// Adds a run under the number it has, in place of one that a rebuild found there.
pub(super) fn insert(transaction: &Transaction, run: &Run, beside: Beside) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO runs (id, experiment, model, prompt, recipe, state, step, steps, created_ms, took_ms, error, grid,
            owner, place, made, note, star, rating, tags, origin, was, trashed_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, iif(?6 IS NULL, ?7, 'trash'), ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
            iif(?6 IS NULL, NULL, ?7), ?6)";
    transaction.prepare_cached(sql)?.execute(params![
        run.id.0,
        run.recipe.experiment(),
        model(run),
        run.recipe.prompt(),
        json(&run.recipe)?,
        beside.trashed_ms,
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
        run.marks.star,
        run.marks.rating,
        tags(&run.marks)?,
        run.foreign.as_ref().map(json).transpose()?,
    ])?;
    kin::insert(transaction, run.id, &run.recipe)
}

/// The model that made its pictures: of what was brought in from another program that one's.
fn model(run: &Run) -> &str {
    let foreign = run.foreign.as_ref().and_then(|foreign| foreign.model.as_deref());
    foreign.unwrap_or_else(|| run.recipe.model())
}

/// The column of tags; none where there are none.
pub(super) fn tags(marks: &Marks) -> rusqlite::Result<Option<String>> {
    (!marks.tags.is_empty()).then(|| json(&marks.tags)).transpose()
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
