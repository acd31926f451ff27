//! What a user can ask for, as plain data.
//!
//! Every experiment declares its parameters once, as a struct that derives `clap::Args` and `Serialize`; see
//! [`Sample`]. The command line, a TOML recipe, the form in the terminal, the link and the metadata of a picture all
//! enter by the same door: they become `--field=value` arguments for the same parser, so that defaults, ranges and
//! the words of an error are the same everywhere.

mod ask;
mod error;
mod form;
mod made;
mod number;
mod run;
mod sample;
mod timesteps;

pub use ask::{Ask, Axis, Grid, MAX_CELLS};
pub use error::RecipeError;
pub use form::{Field, fields};
pub use made::Made;
pub use run::{Run, RunId, State};
pub use sample::{Sample, Sampler};
pub use timesteps::{RESPACINGS, Timesteps};

use clap::{Args, Command, FromArgMatches};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The names of all experiments, in the order in which the workbench offers them.
pub const EXPERIMENTS: &[&str] = &["sample"];

/// One recipe: an experiment with every parameter set and checked.
///
/// A `Recipe` that exists is valid: deserializing one runs the same checks as the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub enum Recipe {
    /// Develop pictures from pure noise.
    Sample(Sample),
}

impl Recipe {
    /// The experiment's name on the command line.
    pub fn experiment(&self) -> &'static str {
        match self {
            Recipe::Sample(_) => "sample",
        }
    }

    /// The text that history search looks at, and that stands for the run in a list.
    pub fn prompt(&self) -> &str {
        match self {
            Recipe::Sample(sample) => &sample.prompt,
        }
    }

    /// The model as the user named it: the embedded one's name, or a folder.
    pub fn model(&self) -> &str {
        match self {
            Recipe::Sample(sample) => &sample.model,
        }
    }

    /// The same recipe with another name for its model.
    pub fn with_model(mut self, name: &str) -> Recipe {
        match &mut self {
            Recipe::Sample(sample) => sample.model = name.to_owned(),
        }
        self
    }

    /// How many pictures a run of this recipe makes.
    pub fn pictures(&self) -> usize {
        match self {
            Recipe::Sample(sample) => sample.count,
        }
    }

    /// How many times a run calls the model, where that is known without loading it.
    pub fn model_calls(&self) -> usize {
        match self {
            Recipe::Sample(sample) => sample.model_calls(),
        }
    }

    /// Parses `field`, `value` pairs; fields that are not named take their defaults.
    ///
    /// # Errors
    /// The first field that is unknown, malformed or out of range.
    pub fn parse(experiment: &str, pairs: &[(String, String)]) -> Result<Recipe, RecipeError> {
        ask::with_command(experiment, |command| Recipe::parse_with(command, pairs))
    }

    /// [`parse`](Recipe::parse) with a [`command`] at hand: building one costs more than using it, and a grid has many cells.
    fn parse_with(command: &mut Command, pairs: &[(String, String)]) -> Result<Recipe, RecipeError> {
        let args = pairs.iter().map(|(field, value)| format!("--{field}={value}"));
        let matches = command.try_get_matches_from_mut(args).map_err(|error| RecipeError::from_clap(command.get_name(), &error))?;
        let recipe = match command.get_name() {
            "sample" => Sample::from_arg_matches(&matches).map(Recipe::Sample),
            other => return Err(RecipeError::unknown_experiment(other)),
        };
        let recipe = recipe.map_err(|error| RecipeError::from_clap(command.get_name(), &error))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// What no single field can tell: do the fields agree with one another?
    fn check(&self) -> Result<(), RecipeError> {
        match self {
            Recipe::Sample(sample) => sample.check(),
        }
    }

    /// The recipe as `field`, `value` pairs: what a form shows, and [`Recipe::parse`] takes back.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let map: Map<String, Value> = self.clone().into();
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        map.into_iter().filter(|(field, _)| field != "experiment").map(|(field, value)| (field, text(value))).collect()
    }

    /// The recipe as a TOML document that `darkroom run FILE` takes.
    pub fn to_toml(&self) -> String {
        let map: Map<String, Value> = self.clone().into();
        toml::to_string(&map).unwrap_or_default()
    }
}

impl From<Recipe> for Map<String, Value> {
    fn from(recipe: Recipe) -> Self {
        let mut map = Map::new();
        map.insert("experiment".into(), recipe.experiment().into());
        let fields = match recipe {
            Recipe::Sample(sample) => serde_json::to_value(sample),
        };
        if let Ok(Value::Object(fields)) = fields {
            map.extend(fields);
        }
        map
    }
}

impl TryFrom<Map<String, Value>> for Recipe {
    type Error = RecipeError;

    fn try_from(map: Map<String, Value>) -> Result<Self, RecipeError> {
        let ask = Ask::from_map(map)?;
        Recipe::parse(&ask.experiment, &ask.fields)
    }
}

/// The clap command of one experiment, each field a `--field VALUE` that takes a single value.
///
/// # Errors
/// When there is no such experiment.
pub fn command(experiment: &str) -> Result<Command, RecipeError> {
    let name = EXPERIMENTS.iter().copied().find(|name| *name == experiment).ok_or_else(|| RecipeError::unknown_experiment(experiment))?;
    let bare = Command::new(name).disable_help_flag(true).no_binary_name(true);
    match name {
        "sample" => Ok(Sample::augment_args(bare)),
        other => Err(RecipeError::unknown_experiment(other)),
    }
}
