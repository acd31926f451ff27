//! A recipe of the table as it is wanted: whole or small, and how it is known again among the runs of a gallery.

use super::config::Config;
use super::table::{Entry, RECIPES};
use crate::here;
use crate::recipe::{self, Recipe};
use anyhow::{Context, Result};

/// How much is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// As the course asks for, or `report.toml`.
    Full,
    /// In a minute or so.
    Small,
}

/// The entry of this name.
///
/// # Errors
/// When there is none.
pub fn entry(name: &str) -> Result<&'static Entry> {
    let names = || RECIPES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let found = RECIPES.iter().find(|entry| entry.name == name);
    found.with_context(|| format!("report.toml speaks of a recipe '{}'; there are {}", name.escape_debug(), names()))
}

/// Its fields as they would be typed, those of `report.toml` before those of the table.
///
/// # Errors
/// When `report.toml` gives one something that no field could take.
pub fn fields(entry: &Entry, scale: Scale, config: &Config) -> Result<Vec<(String, String)>> {
    let small = if scale == Scale::Small { entry.quick } else { &[] };
    let table = entry.fields.iter().chain(small).map(|(field, value)| ((*field).to_owned(), (*value).to_owned()));
    let page = [("data".to_owned(), config.data.clone()), ("seed".to_owned(), config.seed.to_string())];
    let mut fields: Vec<(String, String)> = Vec::new();
    for (field, value) in table.chain(page).chain(config.fields(entry.name, entry.experiment)?) {
        match fields.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = value,
            None => fields.push((field, value)),
        }
    }
    Ok(fields)
}

/// The recipe, with the whole path of its data.
///
/// # Errors
/// When a field is refused.
pub fn recipe(entry: &Entry, scale: Scale, config: &Config) -> Result<Recipe> {
    Ok(here::recipe(Recipe::parse(entry.experiment, &fields(entry, scale, config)?)?))
}

/// The recipe with every number that decides its result, and none of those that do not: however it was asked for, the
/// same training is the same.
pub fn settled(recipe: &Recipe) -> Recipe {
    let Some(training) = recipe.training() else { return recipe.clone() };
    let mut pairs = recipe.pairs();
    pairs.extend(recipe.filled());
    let whole = training.last() == training.epochs;
    pairs.retain(|(field, _)| !matches!(field.as_str(), "edition" | "keep" | "checkpoint-minutes") && (field != "until" || !whole));
    Recipe::parse(recipe.experiment(), &pairs).unwrap_or_else(|_| recipe.clone())
}

/// What is small about a recipe beside the whole one.
pub fn smallness(entry: &Entry, small: &Recipe, full: &Recipe) -> Option<String> {
    let words: Vec<String> = differences(entry.quick.iter().map(|(field, _)| *field), [small, full])
        .map(|(field, [small, full])| format!("{field} {small} instead of {full}"))
        .collect();
    (!words.is_empty()).then(|| format!("Made small: {}.", words.join(", ")))
}

/// What the words of the page say of a training, beside what the table gives it.
const KIND: [&str; 3] = ["objective", "modulation", "pure-noise"];

/// Why a training cannot stand for one that the page speaks of.
pub fn mismatch(entry: &Entry, recipe: &Recipe, full: &Recipe) -> Option<String> {
    full.training()?;
    let decides = KIND.into_iter().chain(entry.fields.iter().map(|(field, _)| *field));
    let (field, [has, wanted]) = differences(decides, [recipe, full]).next()?;
    Some(format!("{field} {has}, and {} has {wanted}", entry.name))
}

/// Those of some fields that differ between two recipes, with both values.
fn differences<'a>(fields: impl Iterator<Item = &'a str>, recipes: [&Recipe; 2]) -> impl Iterator<Item = (&'a str, [String; 2])> {
    let pairs = recipes.map(|recipe| settled(recipe).pairs());
    let value = |pairs: &[(String, String)], field: &str| {
        pairs.iter().find(|(known, _)| known == field).map_or_else(|| "all".to_owned(), |(_, value)| value.clone())
    };
    let both = move |field| (field, pairs.each_ref().map(|pairs| value(pairs, field)));
    fields.map(both).filter(|(_, [one, other])| one != other)
}

/// The command that makes a recipe; `name` is how its data is called.
///
/// # Errors
/// As for [`fields`].
pub fn command(entry: &Entry, config: &Config, data: impl Fn(&str) -> String) -> Result<String> {
    let default = [("data".to_owned(), recipe::MNIST.to_owned()), ("seed".to_owned(), "0".to_owned())];
    let fields = fields(entry, Scale::Full, config)?.into_iter().filter(|field| !default.contains(field));
    let words = fields.map(|(field, value)| {
        let value = if field == "data" { data(&value) } else { value };
        format!(" --{field} {}", quoted(&value))
    });
    Ok(format!("darkroom run {}{}", entry.experiment, words.collect::<String>()))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:@+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(experiment: &str, fields: &[(&str, &str)]) -> Recipe {
        let fields: Vec<_> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        Recipe::parse(experiment, &fields).unwrap()
    }

    #[test]
    fn a_training_is_the_same_however_it_was_asked_for() {
        let short = parsed("train-time", &[("edition", "fa25")]);
        let long = parsed(
            "train-time",
            &[
                ("objective", "flow"),
                ("modulation", "multiply"),
                ("epochs", "10"),
                ("until", "10"),
                ("batch", "64"),
                ("rate", "0.01"),
                ("keep", "3"),
            ],
        );
        assert_eq!(settled(&short), settled(&long));
        for (field, value) in
            [("seed", "1"), ("width", "32"), ("until", "9"), ("images", "100"), ("schedule", "cosine"), ("data", "/other")]
        {
            let other = parsed("train-time", &[("edition", "fa25"), (field, value)]);
            assert_ne!(settled(&short), settled(&other), "{field}");
        }
        for experiment in ["train-denoiser", "train-class"] {
            let (one, other) = (parsed(experiment, &[]), parsed(experiment, &[("epochs", "3")]));
            assert_ne!(settled(&one), settled(&other));
        }
    }

    #[test]
    fn every_recipe_of_the_table_holds_whole_and_small() {
        for entry in &RECIPES {
            let [full, small] = [Scale::Full, Scale::Small].map(|scale| recipe(entry, scale, &Config::default()).unwrap());
            assert_eq!(smallness(entry, &small, &full).is_some(), full.training().is_some(), "{}", entry.name);
            assert!(smallness(entry, &full, &full).is_none());
            assert!(small.model_calls() * 50 <= full.model_calls(), "{}", entry.name);
        }
    }

    #[test]
    fn a_command_says_what_is_not_by_default_in_words_that_a_shell_takes() {
        let mut config = Config::default();
        let of = |name: &str, config: &Config| command(entry(name).unwrap(), config, str::to_owned).unwrap();
        assert_eq!(of("time-fa24", &config), "darkroom run train-time");
        assert_eq!(of("pure-noise", &config), "darkroom run train-denoiser --pure-noise true");
        config.data = "it's mine".into();
        assert_eq!(of("class-fa25", &config), r"darkroom run train-class --edition fa25 --data 'it'\''s mine'");
    }
}
