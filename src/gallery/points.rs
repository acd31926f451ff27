//! The points of trainings' curves, a row a step.

use super::{Gallery, index};
use crate::recipe::{Point, RunId};
use anyhow::Result;
use rusqlite::{Row, Transaction, params};

impl Gallery {
    /// Points of a training behind the step `after`, in the order of the steps, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn points(&self, run: RunId, after: u32, limit: u32) -> Result<Vec<Point>> {
        let sql = "SELECT step, epoch, loss, rate, ms FROM points WHERE run = ?1 AND step > ?2 ORDER BY step LIMIT ?3";
        self.index(|connection| connection.prepare_cached(sql)?.query_map(params![run.0, after, limit], read)?.collect())
    }

    /// The mean loss of every epoch of a training that is whole or begun, with its number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epoch_losses(&self, run: RunId) -> Result<Vec<(u32, f64)>> {
        let sql = "SELECT epoch, avg(loss) FROM points WHERE run = ?1 GROUP BY epoch ORDER BY epoch";
        self.index(|connection| connection.prepare_cached(sql)?.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
    }

    /// Takes in points; those of the same steps make way.
    pub(super) fn add_points(&self, run: RunId, points: &[Point]) -> Result<()> {
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            insert(&transaction, run, points)?;
            transaction.commit()
        })
    }

    /// Forgets the points from a step on: the training goes on before it.
    pub(super) fn cut_points(&self, run: RunId, from: u32) -> Result<()> {
        self.index(|connection| connection.execute("DELETE FROM points WHERE run = ?1 AND step >= ?2", params![run.0, from]).map(|_| ()))
    }
}

/// Adds points; those of the same steps make way.
pub(super) fn insert(transaction: &Transaction, run: RunId, points: &[Point]) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO points (run, step, epoch, loss, rate, ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = transaction.prepare_cached(sql)?;
    for Point { step, epoch, loss, rate, ms } in points {
        insert.execute(params![run.0, step, epoch, loss, rate, ms])?;
    }
    Ok(())
}

fn read(row: &Row) -> rusqlite::Result<Point> {
    let real = |column: &str| row.get::<_, f64>(column).map(|value| value as f32);
    Ok(Point { step: row.get("step")?, epoch: row.get("epoch")?, loss: real("loss")?, rate: real("rate")?, ms: real("ms")? })
}
