//! What is wrong with a recipe, in one sentence that names the field.

use super::EXPERIMENTS;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A recipe that cannot be: which field, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RecipeError {
    /// The field to look at, where one is to blame.
    pub field: Option<String>,
    /// One sentence for a person.
    pub message: String,
}

impl RecipeError {
    pub(super) fn at(field: &str, message: impl Into<String>) -> Self {
        RecipeError { field: Some(field.to_owned()), message: message.into() }
    }

    pub(super) fn whole(message: impl Into<String>) -> Self {
        RecipeError { field: None, message: message.into() }
    }

    pub(super) fn unknown_experiment(name: &str) -> Self {
        RecipeError::whole(format!("there is no experiment '{}'; there is {}", name.escape_debug(), EXPERIMENTS.join(", ")))
    }

    /// clap's error in our words: `steps: 0 is not a whole number from 1 to 1000`.
    pub(super) fn from_clap(experiment: &str, error: &clap::Error) -> Self {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
            _ => None,
        };
        // clap names an argument `--steps <1..1000>`.
        let argument = text(ContextKind::InvalidArg).unwrap_or_default();
        let field = argument.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default().to_owned();
        let value = text(ContextKind::InvalidValue).unwrap_or_default().escape_debug().to_string();
        let message = match error.kind() {
            ErrorKind::UnknownArgument => {
                let near = text(ContextKind::SuggestedArg);
                let near = near.map(|near| format!("; did you mean '{}'?", near.trim_start_matches('-'))).unwrap_or_default();
                format!("{experiment} has no field '{}'{near}", field.escape_debug())
            }
            ErrorKind::ValueValidation => {
                let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                format!("{field}: '{value}' {why}")
            }
            ErrorKind::InvalidValue if value.is_empty() => format!("{field} needs a value"),
            ErrorKind::InvalidValue => {
                format!("{field}: '{value}' is none of {}", text(ContextKind::ValidValue).unwrap_or_default())
            }
            ErrorKind::ArgumentConflict => format!("{field} is given twice"),
            _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        RecipeError { field: Some(field), message }
    }
}

/// What is wrong with a TOML text, and in which line: `line 41: invalid type: string "x", expected u32`.
pub fn toml_sentence(text: &str, error: &toml::de::Error) -> String {
    let why = error.message().lines().next().unwrap_or_default();
    let before = error.span().and_then(|span| text.as_bytes().get(..span.start));
    match before {
        Some(before) => format!("line {}: {why}", before.iter().filter(|byte| **byte == b'\n').count() + 1),
        None => why.to_owned(),
    }
}
