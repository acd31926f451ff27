//! The gallery looked through: which finished runs a filter lets through.

use super::{Gallery, index, schema};
use crate::recipe::{Filter, Quality, Run, RunId, Span, Term, What};
use anyhow::Result;
use rusqlite::{Connection, params_from_iter, types::Value};
use std::fmt::Display;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// A page of finished runs.
pub struct Page {
    /// Newest first.
    pub runs: Vec<Run>,
    /// How many match in all.
    pub total: u64,
}

impl Gallery {
    /// Finished runs that a filter lets through, without the first `from`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find(&self, filter: &Filter, from: u64, limit: u32) -> Result<Page> {
        let query = Query::new(filter);
        self.look(|connection| page(connection, &query, (None, from, limit)))
    }

    /// The same, but those older than a run: what is done meanwhile moves no page.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn older(&self, filter: &Filter, before: Option<RunId>, limit: u32) -> Result<Page> {
        let query = Query::new(filter);
        self.look(|connection| page(connection, &query, (before, 0, limit)))
    }
}

/// The number of all and some of the runs, as they are at one moment.
fn page(connection: &mut Connection, query: &Query, (before, from, limit): (Option<RunId>, u64, u32)) -> rusqlite::Result<Page> {
    let Query { table, id, matching, values } = query;
    let moment = connection.transaction()?;
    let total = format!("SELECT count(*) FROM {table} WHERE {matching}");
    let total = moment.prepare_cached(&total)?.query_row(params_from_iter(values), |row| row.get(0))?;
    let (older, before) = before.map_or((String::new(), None), |before| (format!("AND {id} < ?"), Some(Value::Integer(before.0))));
    let ids = format!("SELECT {id} FROM {table} WHERE {matching} {older} ORDER BY {id} DESC LIMIT ? OFFSET ?");
    let runs = format!("SELECT {} FROM runs WHERE id IN ({ids}) ORDER BY id DESC", index::COLUMNS);
    let place = [i64::from(limit), i64::try_from(from).unwrap_or(i64::MAX)].map(Value::Integer);
    let values = values.iter().cloned().chain(before).chain(place);
    let runs = moment.prepare_cached(&runs)?.query_map(params_from_iter(values), index::read)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Page { runs: runs.into_iter().flatten().collect(), total })
}

/// A filter as SQL over the narrow tables.
struct Query {
    table: &'static str,
    id: &'static str,
    matching: String,
    values: Vec<Value>,
}

impl Query {
    fn new(filter: &Filter) -> Query {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if let Some(words) = words(filter) {
            conditions.push("words MATCH ?".to_owned());
            values.push(Value::Text(words));
        }
        let by_words = !conditions.is_empty();
        for Term { not, what } in filter.terms() {
            let Some(holds) = condition(what, &mut values) else { continue };
            // What is unknown, such as the guidance of a run without any, is not so.
            conditions.push(if *not { format!("({holds}) IS NOT TRUE") } else { holds });
        }
        let (table, id) = match (by_words, conditions.len()) {
            // The words know which runs are in the gallery.
            (true, 1) => ("words", "rowid"),
            // In this order both tables are walked along their ids; SQLite's own choice looks every run up.
            (true, _) => ("words CROSS JOIN shelf ON shelf.id = words.rowid", "words.rowid"),
            (false, _) => ("shelf", "id"),
        };
        let matching = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
        Query { table, id, matching, values }
    }
}

/// All words as one FTS5 expression; none where the filter has none.
fn words(filter: &Filter) -> Option<String> {
    let (mut all, mut none) = (Vec::new(), Vec::new());
    for Term { not, what } in filter.terms() {
        if let What::Words { text, whole } = what {
            // In quotes no syntax is left. SQLite's texts end at a NUL.
            let quoted = format!("\"{}\"{}", text.replace('"', "\"\"").replace('\0', " "), if *whole { "" } else { "*" });
            if *not { none.push(quoted) } else { all.push(quoted) }
        }
    }
    if all.is_empty() && none.is_empty() {
        return None;
    }
    if all.is_empty() {
        all.push(format!("\"{}\"", schema::EVERY));
    }
    let all = all.join(" AND ");
    Some(if none.is_empty() { all } else { format!("({all}) NOT ({})", none.join(" OR ")) })
}

/// What a term asks of a row of `shelf`; none for words.
fn condition(what: &What, values: &mut Vec<Value>) -> Option<String> {
    let mut with = |sql: &str, value: Value| {
        values.push(value);
        Some(sql.to_owned())
    };
    match what {
        What::Words { .. } => None,
        What::Experiment(name) => with("experiment LIKE ? || '%'", Value::Text(name.clone())),
        What::Model(letters) => with("instr(model, ?) > 0", Value::Text(letters.clone())),
        // The same way from text to number as the column's: so the same text is the same number.
        What::Guidance(span) => Some(between("guidance", "CAST(? AS REAL)", span, values, |number| Value::Text(number.to_string()))),
        What::Seed(span) => Some(between("seed", "?", span, values, whole)),
        What::Steps(span) => Some(between("steps", "?", span, values, whole)),
        What::Rating(span) => Some(between("rating", "?", span, values, whole)),
        What::Run(span) => Some(between("shelf.id", "?", span, values, whole)),
        What::Since(day) => with("created_ms >= ?", Value::Integer(day.starts_ms)),
        What::Until(day) => with("created_ms < ?", Value::Integer(day.ends_ms())),
        What::Tag(tag) => with("shelf.id IN (SELECT run FROM tags WHERE tag = ?)", Value::Text(tag.clone())),
        What::Is(Quality::Starred) => Some("star".to_owned()),
        What::Is(Quality::Imported) => Some("foreigner".to_owned()),
        What::Is(Quality::Noted) => Some("noted".to_owned()),
        What::Is(Quality::Cell) => Some("cell".to_owned()),
        What::Is(Quality::Training) => Some("experiment LIKE 'train-%'".to_owned()),
    }
}

fn whole(number: &u64) -> Value {
    Value::Integer(i64::try_from(*number).unwrap_or(i64::MAX))
}

/// That a column lies within a span.
fn between<T: Display>(column: &str, value: &str, span: &Span<T>, values: &mut Vec<Value>, bind: impl Fn(&T) -> Value) -> String {
    let ends = [
        match &span.low {
            Included(low) => Some((">=", low)),
            Excluded(low) => Some((">", low)),
            Unbounded => None,
        },
        match &span.high {
            Included(high) => Some(("<=", high)),
            Excluded(high) => Some(("<", high)),
            Unbounded => None,
        },
    ];
    let end = |(sign, number)| {
        values.push(bind(number));
        format!("{column} {sign} {value}")
    };
    let ends: Vec<String> = ends.into_iter().flatten().map(end).collect();
    if ends.is_empty() { format!("{column} IS NOT NULL") } else { ends.join(" AND ") }
}
