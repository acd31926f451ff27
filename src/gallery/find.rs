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
        self.look(|connection| page(connection, filter, (None, from, limit)))
    }

    /// The same, but those older than a run: what is done meanwhile moves no page.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn older(&self, filter: &Filter, before: Option<RunId>, limit: u32) -> Result<Page> {
        self.look(|connection| page(connection, filter, (before, 0, limit)))
    }
}

/// The number of all and some of the runs, as they are at one moment.
fn page(connection: &mut Connection, filter: &Filter, (before, from, limit): (Option<RunId>, u64, u32)) -> rusqlite::Result<Page> {
    let moment = connection.transaction()?;
    let Query { table, id, matching, values } = Query::new(&moment, filter)?;
    let total = format!("SELECT count(*) FROM {table} WHERE {matching}");
    let total = moment.prepare_cached(&total)?.query_row(params_from_iter(&values), |row| row.get(0))?;
    let (older, before) = before.map_or((String::new(), None), |before| (format!("AND {id} < ?"), Some(Value::Integer(before.0))));
    let ids = format!("SELECT {id} FROM {table} WHERE {matching} {older} ORDER BY {id} DESC LIMIT ? OFFSET ?");
    let runs = format!("SELECT {} FROM runs WHERE id IN ({ids}) ORDER BY id DESC", index::COLUMNS);
    let place = [i64::from(limit), i64::try_from(from).unwrap_or(i64::MAX)].map(Value::Integer);
    let values = values.into_iter().chain(before).chain(place);
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
    fn new(moment: &Connection, filter: &Filter) -> rusqlite::Result<Query> {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if let Some(words) = words(filter) {
            conditions.push("words MATCH ?".to_owned());
            values.push(Value::Text(words));
        }
        let by_words = !conditions.is_empty();
        for Term { not, what } in filter.terms() {
            let spelled = if let What::Tag(tag) = what { spelled(moment, tag)? } else { Vec::new() };
            let Some(holds) = condition(what, spelled, &mut values) else { continue };
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
        Ok(Query { table, id, matching, values })
    }
}

/// The tags that are this one in whatever case: SQLite knows only that of ASCII, and steps over what differs in nothing else.
fn spelled(moment: &Connection, tag: &str) -> rusqlite::Result<Vec<String>> {
    let every = "WITH RECURSIVE every (tag) AS (
            SELECT min(tag) FROM tags
            UNION ALL SELECT (SELECT min(tag) FROM tags WHERE tags.tag > every.tag) FROM every WHERE every.tag IS NOT NULL)
        SELECT tag FROM every WHERE tag IS NOT NULL";
    let every: Vec<String> = moment.prepare_cached(every)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let tag = tag.to_lowercase();
    Ok(every.into_iter().filter(|own| own.to_lowercase() == tag).collect())
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
    // Whatever the index takes for a word, this is one; of "→" it keeps nothing.
    if !all.iter().any(|word| word.contains(|c: char| c.is_ascii_alphanumeric())) {
        all.push(format!("\"{}\"", schema::EVERY));
    }
    // With AND between them one of which the index keeps nothing would find nothing; in a row it says nothing.
    let all = all.join(" ");
    Some(if none.is_empty() { all } else { format!("({all}) NOT ({})", none.join(" OR ")) })
}

/// What a term asks of a row of `shelf`; none for words. `spelled` are the tags that it means.
fn condition(what: &What, spelled: Vec<String>, values: &mut Vec<Value>) -> Option<String> {
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
        What::Tag(_) => {
            let marks = vec!["?"; spelled.len()].join(", ");
            values.extend(spelled.into_iter().map(Value::Text));
            Some(format!("shelf.id IN (SELECT run FROM tags WHERE tag IN ({marks}))"))
        }
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
