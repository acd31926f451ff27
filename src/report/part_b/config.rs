//! What `report.toml` says of part B.

use crate::recipe::{Ask, MNIST, RunId};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that can be said in `report.toml`; what is left out is as by default.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of every recipe.
    pub seed: u32,
    /// What all of them learn from: `mnist`, or a folder.
    pub data: String,
    /// By the name of a recipe: other values for its fields, or the run of the gallery that stands for it.
    pub recipes: BTreeMap<String, toml::Table>,
    /// By the number of a figure.
    pub figures: BTreeMap<String, Extra>,
}

/// What belongs to one figure.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Extra {
    /// What was observed, in paragraphs.
    pub observations: String,
}

impl Default for Config {
    fn default() -> Self {
        Config { seed: 0, data: MNIST.to_owned(), recipes: BTreeMap::new(), figures: BTreeMap::new() }
    }
}

impl Config {
    /// The run that stands for a recipe, where one is named.
    ///
    /// # Errors
    /// When what is named is no number.
    pub fn run(&self, name: &str) -> Result<Option<RunId>> {
        match self.recipes.get(name).and_then(|recipe| recipe.get("run")) {
            None => Ok(None),
            Some(toml::Value::Integer(id)) => Ok(Some(RunId(*id))),
            Some(_) => bail!("run is a run's number, such as run = 12"),
        }
    }

    /// The fields that are given for a recipe, as they would be typed.
    ///
    /// # Errors
    /// When one is something that no field could take.
    pub fn fields(&self, name: &str, experiment: &str) -> Result<Vec<(String, String)>> {
        let mut given = self.recipes.get(name).cloned().unwrap_or_default();
        given.remove("run");
        ensure!(!given.contains_key("experiment"), "{name} is a {experiment}; name another recipe, or a run");
        given.insert("experiment".into(), experiment.into());
        Ok(Ask::from_toml(&given.to_string())?.fields)
    }
}

/// What stands at the head of a new `report.toml`.
pub(super) const HEAD: &str = "\
# What `darkroom report --part b` makes its page of. Change it and run the command again: only what changed is computed.
#
# data is mnist, which is built in, or a folder of IDX files or images.
#
# The recipes are noise-levels, denoiser, pure-noise, time-fa24, class-fa24, time-fa25, class-fa25 and constant-fa25. Each takes
# the fields of its experiment (darkroom run train-time --help), or the number of a run that stands for it:
#
#   [recipes.time-fa24]
#   epochs = 10
#
#   [recipes.class-fa25]
#   run = 142
#
# Observations belong to a figure:
#
#   [figures.\"2.5-fa24\"]
#   observations = \"The fours were last to become whole.\"

";
