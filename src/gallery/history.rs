//! Finished runs, found again by the words of their prompts and notes.

use super::{Gallery, index};
use crate::recipe::{Run, RunId};
use anyhow::Result;
use rusqlite::params;

/// Among so many of the last runs there is one that has called the model.
const RECENT: u32 = 50;
/// The most words of a search that are looked at; their time grows with the square of their number.
const MAX_WORDS: usize = 64;

/// A page of finished runs.
pub struct Page {
    /// Newest first.
    pub runs: Vec<Run>,
    /// How many match in all.
    pub total: u64,
}

impl Gallery {
    /// Finished runs whose prompt or note holds every word of `search`, or a word that begins with it, older than `before`.
    pub fn history(&self, search: &str, before: Option<RunId>, limit: u32) -> Result<Page> {
        let matching = "state = 'done' AND (?1 = '' OR id IN (SELECT rowid FROM prompts WHERE prompts MATCH ?1))";
        let page = format!("SELECT {} FROM runs WHERE {matching} AND id < coalesce(?2, id + 1) ORDER BY id DESC LIMIT ?3", index::COLUMNS);
        let total = format!("SELECT count(*) FROM runs WHERE {matching}");
        let query = query(search);
        self.index(|connection| {
            let runs: Vec<_> = connection
                .prepare_cached(&page)?
                .query_map(params![query, before.map(|id| id.0), limit], index::read)?
                .collect::<Result<_, _>>()?;
            let total = connection.query_row(&total, [&query], |row| row.get(0))?;
            Ok(Page { runs: runs.into_iter().flatten().collect(), total })
        })
    }

    /// Milliseconds a model call took in the last finished run with this model, as its recipe names it.
    pub fn pace_ms(&self, model: &str) -> Result<Option<f64>> {
        let sql = format!(
            "SELECT {} FROM runs WHERE state = 'done' AND model = ?1 AND took_ms IS NOT NULL ORDER BY id DESC LIMIT {RECENT}",
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

/// The user's words as an FTS5 expression: each in quotes, where no syntax is left, and a prefix.
fn query(search: &str) -> String {
    let words = search.split(|c: char| c.is_whitespace() || c.is_control());
    // A word of nothing but punctuation stands in no index; it would find nothing for ever.
    let words = words.filter(|word| word.chars().any(|c| c.is_alphanumeric() || !c.is_ascii()));
    words.take(MAX_WORDS).map(|word| format!("\"{}\"*", word.replace('"', "\"\""))).collect::<Vec<_>>().join(" ")
}
