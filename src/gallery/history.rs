//! The strip of finished runs, and how long they took.

use super::{Gallery, Page, index};
use crate::recipe::{Filter, Run, RunId};
use anyhow::Result;

/// Among so many of the last runs with a model there is one that has called it, and so many numbers back it is looked for: every
/// viewer that comes asks, and a model may have made none.
const RECENT: u32 = 50;
const BACK: u32 = 5000;

impl Gallery {
    /// Finished runs that hold every word of `search`, or a word that begins with it, older than `before`.
    pub fn history(&self, search: &str, before: Option<RunId>, limit: u32) -> Result<Page> {
        self.older(&Filter::words(search), before, limit)
    }

    /// Milliseconds a model call took in the last finished run with this model, as its recipe names it; none where that is long ago.
    pub fn pace_ms(&self, model: &str) -> Result<Option<f64>> {
        let sql = format!(
            "SELECT {} FROM runs WHERE state = 'done' AND id > (SELECT max(id) FROM runs) - {BACK} AND model = ?1
                AND took_ms IS NOT NULL ORDER BY id DESC LIMIT {RECENT}",
            index::COLUMNS
        );
        let pace = |run: Run| Some(run.took_ms? as f64 / run.recipe.model_calls() as f64).filter(|pace| pace.is_finite());
        self.index(|connection| {
            let mut query = connection.prepare(&sql)?;
            let runs = query.query_map([model], index::read)?.collect::<Result<Vec<_>, _>>()?;
            Ok(runs.into_iter().flatten().find_map(pace))
        })
    }
}
