//! The order of what waits, and whether any of it may begin.

use super::queue::RECENT;
use super::{Gallery, index};
use crate::recipe::{RunId, Turn};
use anyhow::{Context, Result};
use rusqlite::{Connection, params};

/// Whether the queue is held, as an SQL condition.
pub(super) const HELD: &str = "EXISTS (SELECT value FROM settings WHERE name = 'held')";

/// The runs of [`Gallery::queue`], of those failed and cancelled the last [`RECENT`].
pub(super) const QUEUE: &str = "FROM runs WHERE state IN ('queued', 'running', 'paused', 'interrupted') OR id IN
        (SELECT id FROM runs WHERE state IN ('failed', 'cancelled') ORDER BY ended_ms DESC, id DESC LIMIT ?1)
    ORDER BY place, id";

/// What can be moved: it waits for a worker, or was put aside.
const MOVES: &str = "state IN ('paused', 'interrupted') OR (state = 'queued' AND owner IS NULL)";

impl Gallery {
    /// Changes the place of a run among those that wait or were put aside; the others keep their order.
    ///
    /// # Errors
    /// When the run is none of them, nor the one whose place it is to take.
    pub fn move_to(&self, id: RunId, turn: Turn) -> Result<()> {
        let sql = format!("SELECT id, place FROM runs WHERE {MOVES} ORDER BY place, id");
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let row = |row: &rusqlite::Row| Ok((RunId(row.get(0)?), row.get(1)?));
            let before: Vec<(RunId, i64)> = transaction.prepare_cached(&sql)?.query_map([], row)?.collect::<Result<_, _>>()?;
            let after = match moved(&before, id, turn) {
                Ok(after) => after,
                Err(why) => return Ok(Err(why)),
            };
            let mut change = transaction.prepare_cached("UPDATE runs SET place = ?2 WHERE id = ?1")?;
            for (id, place) in after.iter().filter(|place| !before.contains(place)) {
                change.execute(params![id.0, place])?;
            }
            drop(change);
            transaction.commit()?;
            Ok(Ok(()))
        })?
    }

    /// The numbers of [`Gallery::queue`], in its order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn order(&self) -> Result<Vec<RunId>> {
        let sql = format!("SELECT id {QUEUE}");
        let ids =
            |connection: &mut Connection| connection.prepare_cached(&sql)?.query_map([RECENT], |row| Ok(RunId(row.get(0)?)))?.collect();
        self.index(ids)
    }

    /// Holds the queue or lets it go on: while it is held, [`Gallery::take_next`] takes nothing. It is kept in the index.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn hold_queue(&self, held: bool) -> Result<()> {
        self.index(|connection| match held {
            true => hold(connection),
            false => connection.execute("DELETE FROM settings WHERE name = 'held'", []).map(|_| ()),
        })
    }

    /// Whether the queue is held.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_queue_held(&self) -> Result<bool> {
        self.index(|connection| connection.query_row(&format!("SELECT {HELD}"), [], |row| row.get(0)))
    }

    /// How many runs wait for a worker of the engine.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn waiting(&self) -> Result<u64> {
        self.index(|connection| waiting(connection))
    }
}

pub(super) fn hold(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('held', 'yes')", []).map(|_| ())
}

pub(super) fn waiting(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM runs WHERE state = 'queued' AND owner IS NULL", [], |row| row.get(0))
}

/// The places after a run has moved: those that there were, dealt out anew. Where two were the same they come apart.
fn moved(before: &[(RunId, i64)], id: RunId, turn: Turn) -> Result<Vec<(RunId, i64)>> {
    let at = |id: RunId| {
        let at = before.iter().position(|(other, _)| *other == id);
        at.with_context(|| format!("{id} does not wait; only runs that wait have a place in the queue"))
    };
    let (from, last) = (at(id)?, before.len() - 1);
    let to = match turn {
        Turn::First => 0,
        Turn::Earlier => from.saturating_sub(1),
        Turn::Later => last.min(from + 1),
        Turn::Last => last,
        Turn::At(other) => at(other)?,
    };
    let mut order: Vec<RunId> = before.iter().map(|(id, _)| *id).collect();
    let mover = order.remove(from);
    order.insert(to, mover);
    let mut least = i64::MIN;
    let places = before.iter().map(|(_, place)| {
        let place = least.max(*place);
        least = place.saturating_add(1);
        place
    });
    Ok(order.into_iter().zip(places).collect())
}
