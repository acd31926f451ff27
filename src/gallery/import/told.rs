//! What a picture tells of how it was made, and what of that is a recipe here.

use crate::recipe::Recipe;
use anyhow::Result;
use serde_json::Value;
use std::borrow::Cow;

/// The most that is listed of what has no place here, and the longest value in characters.
const MAX_REST: usize = 100;
const MAX_VALUE: usize = 2000;
/// The longest prompt, in bytes.
const MAX_PROMPT: usize = 64 << 10;
/// The most values in a JSON text that is read: each takes some hundred bytes, and no more than three in the text.
const MAX_VALUES: usize = 100_000;

/// What a picture tells, in the words of its program.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// What the program is called.
    pub program: &'static str,
    pub prompt: Option<String>,
    pub seed: Option<String>,
    pub steps: Option<String>,
    pub guidance: Option<String>,
    pub model: Option<String>,
    /// The size that was asked for, where it is told.
    pub size: Option<(u64, u64)>,
    /// What else is told.
    pub rest: Vec<(String, String)>,
}

/// A recipe that tells the same, as far as one can.
#[derive(Debug)]
pub(super) struct Mapped {
    pub recipe: Recipe,
    /// The fields that were told and are in it.
    pub fields: Vec<&'static str>,
    /// What is not in it, `name: value` each.
    pub unmapped: Vec<String>,
}

impl Told {
    /// By a program of this name.
    pub fn by(program: &'static str) -> Told {
        Told { program, ..Told::default() }
    }

    /// Something that has no field here; nothing where it has no value.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if !value.trim().is_empty() {
            self.rest.push((name, value));
        }
    }

    /// Whether anything is told that is worth a recipe.
    pub fn is_empty(&self) -> bool {
        [&self.prompt, &self.seed, &self.steps, &self.guidance].iter().all(|field| field.is_none())
    }

    /// The recipe of a picture of this size: a value that its field does not take is none of it.
    pub fn map(mut self, size: (u32, u32)) -> Result<Mapped> {
        let told =
            [("prompt", self.prompt.take()), ("seed", self.seed.take()), ("steps", self.steps.take()), ("guidance", self.guidance.take())];
        // Nothing stands for a prompt that is not told, and surely not the one that a form begins with.
        let mut pairs = vec![("prompt".to_owned(), String::new())];
        let (mut fields, mut refused) = (Vec::new(), Vec::new());
        for (field, value) in told {
            let Some(value) = value else { continue };
            let pair = (field.to_owned(), value.clone());
            match value.len() <= MAX_PROMPT && Recipe::parse("sample", std::slice::from_ref(&pair)).is_ok() {
                true => {
                    pairs.retain(|(known, _)| known != field);
                    pairs.push(pair);
                    fields.push(field);
                }
                false => refused.push((field.to_owned(), value)),
            }
        }
        // Both are the model's here.
        refused.extend(self.model.take().map(|model| ("model".to_owned(), model)));
        let (width, height) = self.size.unwrap_or((size.0.into(), size.1.into()));
        refused.push(("size".to_owned(), format!("{width}x{height}")));
        refused.append(&mut self.rest);
        Ok(Mapped { recipe: Recipe::parse("sample", &pairs)?, fields, unmapped: listed(&refused) })
    }
}

/// A line each; of a long list the last line says how many more there were.
fn listed(pairs: &[(String, String)]) -> Vec<String> {
    let shown = if pairs.len() > MAX_REST { MAX_REST - 1 } else { pairs.len() };
    let more = (pairs.len() > shown).then(|| format!("… and {} more", pairs.len() - shown));
    pairs.iter().take(shown).map(|(name, value)| format!("{name}: {}", cut(value))).chain(more).collect()
}

/// A long value ends with a sign that there was more.
fn cut(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        None => value.to_owned(),
        Some((at, _)) => format!("{}…", &value[..at]),
    }
}

/// JSON as programs in Python write it, where a number may be `NaN`; none where it is no JSON, nested too deep, or of too many
/// values.
pub(super) fn json(text: &str) -> Option<Value> {
    if most_values(text) > MAX_VALUES {
        return None;
    }
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_nan(text)).ok())
}

/// At most so many values stand in a JSON text: the first, and one behind every bracket and comma.
fn most_values(text: &str) -> usize {
    let (mut values, mut quoted, mut escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values
}

/// The text with `null` in place of what is no JSON outside of its strings.
fn without_nan(text: &str) -> String {
    let (mut plain, mut rest, mut quoted) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        let odd = ["NaN", "-Infinity", "Infinity"].into_iter().find(|odd| !quoted && rest.starts_with(odd));
        let taken = match (c, odd) {
            (_, Some(odd)) => odd.len(),
            ('\\', None) if quoted => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => c.len_utf8(),
        };
        plain.push_str(if odd.is_some() { "null" } else { &rest[..taken] });
        quoted ^= c == '"';
        rest = &rest[taken..];
    }
    plain
}

/// A text or number as it would be typed.
pub(super) fn word(value: &Value) -> Option<String> {
    text(value).map(Cow::into_owned)
}

/// As [`word`]: a text is borrowed.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(flag) => Some(flag.to_string().into()),
        _ => None,
    }
}

/// Any value in few words: what is nested as JSON, nothing for what is empty.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        value => word(value).unwrap_or_else(|| value.to_string()),
    }
}
