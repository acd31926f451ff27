//! The command line of `run` and `submit`: an experiment with its fields, or a recipe file.

use crate::here;
use crate::recipe::{self, Ask, EXPERIMENTS, Grid, RecipeError};
use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command, parser::ValueSource};
use std::{fs, path::Path};

/// A recipe file larger than this is none.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

/// Adds the experiments as subcommands and `RECIPE` as an argument. Number fields take lists and ranges.
pub fn with_experiments(command: Command) -> Command {
    let file = Arg::new("recipe").value_name("RECIPE").help("A recipe in TOML, as the gallery keeps one beside every picture");
    let experiments = EXPERIMENTS.iter().filter_map(|name| recipe::command(name).ok());
    experiments.fold(command.arg(file).arg_required_else_help(true), |command, experiment| {
        // The values are parsed once for all ways in, by `Ask::expand`; here they are still text. Words to choose from stay
        // for the help and the completions.
        let lenient = experiment.disable_help_flag(false).no_binary_name(false).mut_args(|arg| {
            let arg = arg.allow_hyphen_values(true);
            if arg.get_possible_values().is_empty() { arg.value_parser(clap::value_parser!(String)) } else { arg }
        });
        command.args_conflicts_with_subcommands(true).subcommand(
            lenient.after_help("A number field also takes a list or a range (1,3,7 or 1..20:3): that makes a grid, a run each."),
        )
    })
}

/// What the command line asks for, every recipe checked, and every model folder named so that the engine finds it too.
///
/// # Errors
/// When the recipe file cannot be read, or a field is refused.
pub fn grid(matches: &ArgMatches) -> Result<Grid> {
    let ask = match matches.subcommand() {
        Some((experiment, fields)) => typed(experiment, fields)?,
        None => file(Path::new(matches.get_one::<String>("recipe").context("name an experiment or a recipe file")?))?,
    };
    let Grid { axes, recipes } = ask.expand()?;
    Ok(Grid { axes, recipes: recipes.into_iter().map(here::recipe).collect() })
}

fn typed(experiment: &str, matches: &ArgMatches) -> Result<Ask, RecipeError> {
    let mut ask = Ask { experiment: experiment.to_owned(), fields: Vec::new() };
    for field in recipe::fields(experiment)? {
        if matches.value_source(&field.name) == Some(ValueSource::CommandLine) {
            let values = matches.get_raw(&field.name).into_iter().flatten();
            ask.fields.extend(values.map(|value| (field.name.clone(), value.to_string_lossy().into_owned())));
        }
    }
    Ok(ask)
}

fn file(path: &Path) -> Result<Ask> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("there is no experiment and no recipe file '{name}'"))?.len();
    anyhow::ensure!(size <= MAX_RECIPE_BYTES, "{name} is too large to be a recipe");
    let text = fs::read_to_string(path).with_context(|| format!("{name} cannot be read as text"))?;
    Ask::from_toml(&text).with_context(|| format!("{name} is no recipe"))
}
