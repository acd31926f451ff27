//! Stars, ratings and tags.

use super::{Gallery, index, kept};
use crate::recipe::{Mark, Run, RunId};
use anyhow::{Context, Error, Result};
use rusqlite::{OptionalExtension, params};

impl Gallery {
    /// Changes the marks on a run.
    ///
    /// # Errors
    /// When there is no such run, the mark is none, or it cannot be written.
    pub fn mark(&self, id: RunId, mark: &Mark) -> Result<Run> {
        let find = format!("SELECT {} FROM runs WHERE id = ?1", index::COLUMNS);
        let sql = format!("UPDATE runs SET star = ?2, rating = ?3, tags = ?4 WHERE id = ?1 RETURNING {}", index::COLUMNS);
        // Under the write lock from the look at the old marks to the new file: two that mark at once must not undo one another.
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let run = transaction.query_row(&find, [id.0], index::read).optional()?.flatten();
            let marked = run.with_context(|| format!("there is no run {id}")).and_then(|run| {
                let marks = run.marks.with(mark).map_err(Error::msg)?;
                // The file first: the index can be made again from it.
                kept::keep_marks(&self.folder(id), &marks)?;
                Ok(marks)
            });
            let marks = match marked {
                Ok(marks) => marks,
                Err(error) => return Ok(Err(error)),
            };
            let values = params![id.0, marks.star, marks.rating, index::tags(&marks)?];
            let run = transaction.query_row(&sql, values, index::read)?;
            transaction.commit()?;
            Ok(run.with_context(|| format!("run {id} was made by a newer darkroom")))
        })?
    }
}
