//! The form of an experiment, read off the declaration of its arguments.

use super::number::{List, Reals};
use super::{RecipeError, Timesteps};
use clap::{Arg, ArgAction};
use std::any::TypeId;

/// One field of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The field's name, as on the command line without the dashes.
    pub name: String,
    /// One sentence on what it does.
    pub help: String,
    /// What an empty field means, where it means something.
    pub default: Option<String>,
    /// The words to choose from, where only some are possible.
    pub choices: Vec<String>,
    /// The range and unit, or the kind, of the value: `1..64 pictures`, `TEXT`.
    pub range: String,
    /// What kind of value it takes.
    pub kind: Kind,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// One of some words.
    Choice,
    /// A number; a list or a range makes a grid.
    Number,
    /// A list that belongs to one run.
    List,
    /// Several values: prompts, a line each, or views, with commas between them.
    Many,
    /// A picture.
    Image,
    /// A picture whose white is made new.
    Mask,
    /// A file that is no picture.
    File,
}

/// The fields of an experiment in the order of their declaration.
///
/// # Errors
/// When there is no such experiment.
pub fn fields(experiment: &str) -> Result<Vec<Field>, RecipeError> {
    let command = super::command(experiment)?;
    Ok(command.get_arguments().map(field).collect())
}

fn field(arg: &Arg) -> Field {
    Field {
        name: name(arg).to_owned(),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        default: default(arg),
        choices: arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        range: arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default(),
        kind: kind(arg),
    }
}

/// Several prompts are lines; other values have commas between them.
fn default(arg: &Arg) -> Option<String> {
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let between = if arg.get_id() == "prompt" { "\n" } else { "," };
    values.first().map(|_| values.join(between))
}

/// An argument's name as it is typed: `jump-count`, where its identifier is `jump_count`.
pub(super) fn name(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

/// What an argument takes.
pub(super) fn kind(arg: &Arg) -> Kind {
    let id = arg.get_value_parser().type_id();
    let is = |types: &[TypeId]| types.iter().any(|wanted| id == *wanted);
    match arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str()) {
        "IMAGE" => Kind::Image,
        "MASK" => Kind::Mask,
        "FILE" => Kind::File,
        _ if matches!(arg.get_action(), ArgAction::Append) => Kind::Many,
        _ if is(&[TypeId::of::<f64>(), TypeId::of::<u64>(), TypeId::of::<usize>()]) => Kind::Number,
        _ if is(&[TypeId::of::<List>(), TypeId::of::<Reals>(), TypeId::of::<Timesteps>()]) => Kind::List,
        _ if !arg.get_possible_values().is_empty() => Kind::Choice,
        _ => Kind::Text,
    }
}
