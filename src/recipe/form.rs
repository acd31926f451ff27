//! The form of an experiment, read off the declaration of its arguments.

use super::{Ask, RecipeError};
use clap::Arg;
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
    /// Whether a list or a range makes a grid.
    pub number: bool,
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
        name: arg.get_id().to_string(),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        default: arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned()),
        choices: arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        range: arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default(),
        number: is_number(arg),
    }
}

impl Field {
    /// Checks what is typed so far, alone: how many values it makes.
    ///
    /// # Errors
    /// What is wrong with it, for the line below the field.
    pub fn check(&self, experiment: &str, text: &str) -> Result<usize, RecipeError> {
        let ask = Ask { experiment: experiment.to_owned(), fields: vec![(self.name.clone(), text.to_owned())] };
        match ask.expand() {
            Ok(grid) => Ok(grid.recipes.len()),
            // `steps` and `timesteps` are judged together, when the whole form is.
            Err(error) if error.field.as_deref() != Some(self.name.as_str()) => Ok(1),
            Err(error) => Err(error),
        }
    }
}

/// Whether an argument is a number, and so may be an axis of a grid.
pub(super) fn is_number(arg: &Arg) -> bool {
    let id = arg.get_value_parser().type_id();
    [TypeId::of::<f64>(), TypeId::of::<u64>(), TypeId::of::<usize>()].iter().any(|number| id == *number)
}
