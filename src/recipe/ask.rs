//! What was typed, before it is a recipe: a number field may hold a list or a range, which makes a grid.

use super::error::toml_sentence;
use super::form::{Kind, kind, name};
use super::{EXPERIMENTS, Recipe, RecipeError};
use clap::Command;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

/// The most runs that one ask may make.
pub const MAX_CELLS: usize = 10_000;

/// An experiment and the fields that the user set, as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The experiment's name.
    pub experiment: String,
    /// `field`, `value` pairs in the order in which they were given; the fields left out take their defaults.
    pub fields: Vec<(String, String)>,
}

/// One field that takes several values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The field's name.
    pub field: String,
    /// Its values in order, as they would be typed.
    pub values: Vec<String>,
}

/// The recipes that an ask makes: one, or the cells of a grid with the last axis varying fastest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The fields with several values; empty for a single recipe.
    pub axes: Vec<Axis>,
    /// One recipe a cell.
    #[serde(deserialize_with = "few")]
    pub recipes: Vec<Recipe>,
}

impl Ask {
    /// Reads a TOML recipe: `experiment = "sample"` and its fields.
    ///
    /// # Errors
    /// When the text is no TOML, or holds something that no field could take.
    pub fn from_toml(text: &str) -> Result<Ask, RecipeError> {
        let wrong = |error| RecipeError::whole(format!("the recipe is no TOML: {}", toml_sentence(text, &error)));
        let table: toml::Table = toml::from_str(text).map_err(wrong)?;
        let plain = |value: toml::Value| match value {
            // JSON has no NaN: keep the word, for the field's own parser to refuse.
            toml::Value::Float(number) if !number.is_finite() => Value::String(number.to_string()),
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            other => serde_json::to_value(other).unwrap_or(Value::Null),
        };
        Ask::from_map(table.into_iter().map(|(field, value)| (field, plain(value))).collect())
    }

    pub(super) fn from_map(mut map: Map<String, Value>) -> Result<Ask, RecipeError> {
        let experiment = match map.shift_remove("experiment") {
            Some(Value::String(name)) => name,
            Some(_) => return Err(RecipeError::at("experiment", "experiment must be a name in quotes, such as \"sample\"")),
            None => return Err(RecipeError::at("experiment", "the recipe does not say which experiment; add experiment = \"sample\"")),
        };
        if !EXPERIMENTS.contains(&experiment.as_str()) {
            return Err(RecipeError::unknown_experiment(&experiment));
        }
        if let Some(field) = map.keys().find(|field| field.contains('=')) {
            return Err(RecipeError::at(field, format!("{experiment} has no field '{}'", field.escape_debug())));
        }
        let mut fields = Vec::new();
        for (field, value) in map {
            fields.extend(texts(&experiment, &field, value)?.into_iter().map(|text| (field.clone(), text)));
        }
        Ok(Ask { fields, experiment })
    }

    /// Every recipe that is asked for, each checked.
    ///
    /// # Errors
    /// The first value that its field refuses, or a grid of more than [`MAX_CELLS`] cells.
    pub fn expand(&self) -> Result<Grid, RecipeError> {
        let mut command = super::command(&self.experiment)?;
        let mut axes = Vec::new();
        for (field, value) in &self.fields {
            if command.get_arguments().any(|arg| name(arg) == field && kind(arg) == Kind::Number) {
                let values = values(value).map_err(|why| RecipeError::at(field, format!("{field}: '{}' {why}", value.escape_debug())))?;
                if values.len() > 1 {
                    axes.push(Axis { field: field.clone(), values });
                }
            }
        }
        let cells = axes.iter().try_fold(1usize, |cells, axis| cells.checked_mul(axis.values.len()));
        let cells = cells
            .filter(|cells| *cells <= MAX_CELLS)
            .ok_or_else(|| RecipeError::whole(format!("the grid has more than {MAX_CELLS} cells; shorten a list")))?;
        let recipes = (0..cells).map(|cell| Recipe::parse_with(&mut command, &self.cell(&axes, cell)));
        Ok(Grid { recipes: recipes.collect::<Result<_, _>>()?, axes })
    }

    /// The fields of one cell, the axes' values in place of their lists.
    fn cell(&self, axes: &[Axis], cell: usize) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        let mut rest = cell;
        for axis in axes.iter().rev() {
            let value = &axis.values[rest % axis.values.len()];
            rest /= axis.values.len();
            for (_, slot) in fields.iter_mut().filter(|(field, _)| *field == axis.field) {
                slot.clone_from(value);
            }
        }
        fields
    }
}

impl Grid {
    /// A single recipe.
    pub fn one(recipe: Recipe) -> Grid {
        Grid { axes: Vec::new(), recipes: vec![recipe] }
    }

    /// The values that mark one cell, an axis each: `[("guidance", "3"), ("seed", "1")]`.
    pub fn labels(&self, cell: usize) -> Vec<(&str, &str)> {
        let mut rest = cell;
        let mut labels: Vec<_> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let value = &axis.values[rest % axis.values.len()];
                rest /= axis.values.len();
                (axis.field.as_str(), value.as_str())
            })
            .collect();
        labels.reverse();
        labels
    }
}

/// Works with an experiment's clap command. The last one is kept: building it costs more than using it, and a grid has
/// many recipes.
pub(super) fn with_command<T>(experiment: &str, work: impl FnOnce(&mut Command) -> Result<T, RecipeError>) -> Result<T, RecipeError> {
    thread_local! {
        static LAST: Cell<Option<Command>> = const { Cell::new(None) };
    }
    let last = LAST.take().filter(|command| command.get_name() == experiment);
    let mut command = last.map_or_else(|| super::command(experiment), Ok)?;
    let done = work(&mut command);
    LAST.set(Some(command));
    done
}

/// At most [`MAX_CELLS`] recipes: each costs far more to check than to send.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Recipe>, D::Error> {
    struct Few;
    impl<'de> Visitor<'de> for Few {
        type Value = Vec<Recipe>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            write!(f, "at most {MAX_CELLS} recipes")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Recipe>, A::Error> {
            let mut recipes = Vec::new();
            while let Some(recipe) = items.next_element()? {
                recipes.push(recipe);
                if recipes.len() > MAX_CELLS {
                    return Err(A::Error::custom(format!("a grid has at most {MAX_CELLS} cells")));
                }
            }
            Ok(recipes)
        }
    }
    deserializer.deserialize_seq(Few)
}

/// A TOML or JSON value as it would be typed. A field that may be given several times takes a list so.
fn texts(experiment: &str, field: &str, value: Value) -> Result<Vec<String>, RecipeError> {
    let refuse = |what: &str| Err(RecipeError::at(field, format!("{field} cannot be {what}")));
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Number(number) => Ok(vec![number.to_string()]),
        Value::Bool(flag) => Ok(vec![flag.to_string()]),
        Value::Null => refuse("empty"),
        Value::Object(_) => refuse("a table"),
        Value::Array(items) => {
            let command = super::command(experiment)?;
            let kind = command.get_arguments().find(|arg| name(arg) == field).map(kind);
            if items.is_empty() || items.iter().any(|item| item.is_array()) {
                return refuse("a list");
            }
            let items: Vec<String> = items.into_iter().map(|item| texts(experiment, field, item)).collect::<Result<Vec<_>, _>>()?.concat();
            match kind {
                Some(Kind::Many) => Ok(items),
                // An unknown field is refused by its name, further on.
                Some(Kind::Number | Kind::List) | None => Ok(vec![items.join(",")]),
                Some(_) => refuse("a list"),
            }
        }
    }
}

/// `7`, `3,5,7`, `1..20`, `1..20:3` and lists of these, as the values that they stand for.
pub(super) fn values(text: &str) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once("..") {
            None => values.push(part.to_owned()),
            Some((first, rest)) => values.extend(range(first, rest)?),
        }
        if values.len() > MAX_CELLS {
            return Err(format!("has more than {MAX_CELLS} values"));
        }
    }
    // A value that is named twice is one cell.
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.clone()));
    Ok(values)
}

/// The range `first..rest`, where `rest` is `last` or `last:step`; both ends belong to it.
fn range(first: &str, rest: &str) -> Result<Vec<String>, String> {
    let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (Some(first), Some(last), Some(step)) = (number(first), number(last), number(step)) else {
        return Err("is no range; write for example 1..20 or 1..20:3".to_owned());
    };
    if step <= 0.0 || last < first {
        return Err("is an empty range; it goes upwards by a step above 0".to_owned());
    }
    let count = ((last - first) / step + 1e-9).floor();
    if count >= MAX_CELLS as f64 {
        return Err(format!("has more than {MAX_CELLS} values"));
    }
    // Nine decimals hide the binary noise of 0.1 + 0.2 and keep every value that a person would type.
    let shown = |value: f64| {
        let text = format!("{value:.9}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    Ok((0..=count as usize).map(|k| shown(first + k as f64 * step)).collect())
}
