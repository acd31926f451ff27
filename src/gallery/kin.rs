//! How runs belong together: what came of what, and sweeps.

use super::{Gallery, index};
use crate::recipe::{Axis, Bond, Cell, Kin, MAX_CELLS, Recipe, Relative, RunId, Table};
use anyhow::{Context, Result};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;

/// The most runs that are told to have been made from one.
const MOST: u32 = 100;

impl Gallery {
    /// The runs that one was made from, and those that were made from it; without those that were deleted.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn kin(&self, id: RunId) -> Result<Kin> {
        let from = "SELECT parent, how FROM kin JOIN runs ON runs.id = parent
            WHERE child = ?1 AND state <> 'trash' ORDER BY parent LIMIT ?2";
        let made = "SELECT child, how FROM kin JOIN runs ON runs.id = child
            WHERE parent = ?1 AND state <> 'trash' ORDER BY child DESC LIMIT ?2";
        self.look(|connection| {
            let read = |sql: &str| -> rusqlite::Result<Vec<Relative>> {
                let mut query = connection.prepare_cached(sql)?;
                let rows = query.query_map(params![id.0, MOST], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
                let rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
                let relative =
                    |(run, how): (i64, String)| Some(Relative { run: RunId(run), how: serde_json::from_str::<Bond>(&how).ok()? });
                Ok(rows.into_iter().filter_map(relative).collect())
            };
            Ok(Kin { from: read(from)?, made: read(made)? })
        })
    }

    /// The sweep that a run is a cell of; none where it is a single run, or its sweep has no lists.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn table(&self, id: RunId) -> Result<Option<Table>> {
        let grid = "SELECT grid FROM runs WHERE id = ?1";
        let first = self.look(|connection| connection.query_row(grid, [id.0], |row| row.get::<_, Option<i64>>(0)).optional())?;
        first.flatten().map_or(Ok(None), |first| self.sweep(RunId(first)))
    }

    /// The sweep that begins with a run, which may be gone.
    pub(super) fn sweep(&self, first: RunId) -> Result<Option<Table>> {
        let grid = "SELECT cells, axes FROM grids WHERE first = ?1";
        let cells = "SELECT id, state FROM runs WHERE grid = ?1";
        let row = |row: &rusqlite::Row| Ok((row.get::<_, usize>(0)?, row.get::<_, String>(1)?));
        let found = self.look(|connection| {
            let Some((count, axes)) = connection.query_row(grid, [first.0], row).optional()? else { return Ok(None) };
            let state = |row: &rusqlite::Row| Ok((row.get(0)?, index::state_of(&row.get::<_, String>(1)?)));
            let states: HashMap<i64, _> = connection.prepare_cached(cells)?.query_map([first.0], state)?.collect::<Result<_, _>>()?;
            Ok(Some((count, axes, states)))
        })?;
        let Some((count, axes, states)) = found else { return Ok(None) };
        let axes: Vec<Axis> = serde_json::from_str(&axes).with_context(|| format!("the lists of grid {first} cannot be read"))?;
        if axes.is_empty() {
            return Ok(None);
        }
        // The numbers of a sweep follow one another.
        let cells = (first.0..).take(count.min(MAX_CELLS)).map(|id| Cell { run: RunId(id), state: states.get(&id).copied().flatten() });
        Ok(Some(Table { first, axes, cells: cells.collect() }))
    }
}

/// Adds what a run is made from, in place of what was known of it.
pub(super) fn insert(transaction: &Transaction, child: RunId, recipe: &Recipe) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM kin WHERE child = ?1")?.execute([child.0])?;
    for Relative { run, how } in recipe.parents() {
        let sql = "INSERT OR REPLACE INTO kin (child, parent, how) VALUES (?1, ?2, ?3)";
        transaction.prepare_cached(sql)?.execute(params![child.0, run.0, index::json(&how)?])?;
    }
    Ok(())
}
