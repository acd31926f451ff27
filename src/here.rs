//! Names of files as this process sees them, made whole for an engine that stands in another folder.

use crate::link::Command;
use crate::model::Folder;
use crate::recipe::{Image, MNIST, Recipe};
use directories::BaseDirs;
use std::path::{Path, PathBuf, absolute};

/// A command with the whole paths of its models and pictures.
pub fn command(command: Command) -> Command {
    renamed(command, &HERE)
}

/// A command for an engine on another machine, whose own files are meant. What `~/` is, it knows: [`at_home`].
pub fn command_there(command: Command) -> Command {
    command
}

/// A command as its engine reads it: with the whole paths of what is named from the home folder.
pub fn at_home(command: Command) -> Command {
    renamed(command, &HOME)
}

/// A recipe with the whole paths of its models and pictures.
pub fn recipe(recipe: Recipe) -> Recipe {
    HERE.recipe(recipe)
}

/// How the two kinds of names are changed; none where they are right as they are.
struct Names {
    file: fn(&str) -> Option<PathBuf>,
    model: fn(&str) -> Option<String>,
}

const HERE: Names = Names { file: whole, model: model_here };
const HOME: Names = Names { file: home, model: |model| home(model).map(|path| path.to_string_lossy().into_owned()) };

fn renamed(command: Command, names: &Names) -> Command {
    match command {
        Command::Submit { mut grid } => {
            grid.recipes = grid.recipes.into_iter().map(|recipe| names.recipe(recipe)).collect();
            Command::Submit { grid }
        }
        Command::Look { ticket, image, model, fit, background } => {
            let image = image.map(|text| text.parse().map_or(text, |parsed: Image| names.image(&parsed).to_string()));
            Command::Look { ticket, image, model: (names.model)(&model).unwrap_or(model), fit, background }
        }
        other => other,
    }
}

/// What names no file: addresses, results, and what a report makes itself.
const NO_FILES: &[&str] = &["run:", "weights:", "sample:", "sketch:"];

impl Names {
    fn recipe(&self, mut recipe: Recipe) -> Recipe {
        for image in recipe.images_mut() {
            *image = self.image(image);
        }
        recipe.each_model(|model| {
            if let Some(name) = (self.model)(model) {
                *model = name;
            }
        });
        if let Some(data) = recipe.data_mut().filter(|data| *data != MNIST)
            && let Some(path) = (self.file)(data)
        {
            *data = path.to_string_lossy().into_owned();
        }
        recipe
    }

    fn image(&self, image: &Image) -> Image {
        let name = image.as_str();
        let elsewhere = name.contains("://") || NO_FILES.iter().any(|prefix| name.starts_with(prefix));
        if elsewhere || image.is_built_in() || image.hash().is_some() {
            return image.clone();
        }
        // One that is not there gets its whole path too: the engine must not find another of that name in its own folder.
        (self.file)(name).map_or_else(|| image.clone(), |path| Image::file(&path))
    }
}

/// The whole path of a model's folder; none for what is no folder here, and for a repository: what it is called, it is called
/// on every machine, and its folder is another after every pull.
fn model_here(model: &str) -> Option<String> {
    if model.is_empty() {
        return None;
    }
    let model = home(model).map_or(model.to_owned(), |path| path.to_string_lossy().into_owned());
    match Folder::find(&model) {
        Ok(folder) if folder.repository().is_some_and(|id| id.to_string() == model) => None,
        Ok(Folder::Dir(dir)) => Some(absolute(dir).ok()?.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// A path from here or from the home folder made whole; none for one that is.
fn whole(path: &str) -> Option<PathBuf> {
    home(path).or_else(|| Path::new(path).is_relative().then(|| absolute(path).ok()).flatten())
}

/// What no shell has done to a path that was typed into a form.
fn home(path: &str) -> Option<PathBuf> {
    Some(BaseDirs::new()?.home_dir().join(path.strip_prefix("~/")?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::recipe::{Colour, Fit, Grid};

    #[test]
    fn files_get_their_whole_path_and_nothing_else_changes() {
        // Tests run in the package's folder.
        let fields = |image: &str| vec![("image".to_owned(), image.to_owned())];
        let image = |text: &str| recipe(Recipe::parse("forward", &fields(text)).unwrap()).images()[0].to_string();
        for file in ["src/input/campanile.jpg", "nowhere.png"] {
            let whole = absolute(file).unwrap();
            assert_eq!([image(file), image(whole.to_str().unwrap())], [whole.to_str().unwrap(); 2]);
        }
        let kept = format!("nowhere.png@sha256:{}", "a".repeat(64));
        for same in ["campanile", "https://example.org/a.png", "run:7@3", "sample:a red three", "sketch:house", &kept] {
            assert_eq!(image(same), same);
        }
    }

    #[test]
    fn every_model_of_a_recipe_gets_its_whole_path() {
        // Any folder may be a model's.
        let fields = [("model", "src/"), ("text-model", "tests")].map(|(field, value)| (field.to_owned(), value.to_owned()));
        let recipe = recipe(Recipe::parse("upscale", &fields).unwrap());
        let Recipe::Upscale(upscale) = &recipe else { panic!("another recipe") };
        assert!(Path::new(&upscale.model).is_absolute());
        assert_eq!(upscale.text_model, absolute("tests").unwrap().to_str().unwrap());
    }

    #[test]
    fn files_on_another_machine_are_in_the_home_folder_there() {
        let home = BaseDirs::new().unwrap().home_dir().to_owned();
        let whole = |rest: &str| home.join(rest).to_string_lossy().into_owned();
        let pairs = [("image", "~/three.png"), ("model", "~/models/small")].map(|(field, value)| (field.to_owned(), value.to_owned()));
        let submit = Command::Submit { grid: Grid::one(Recipe::parse("edit", &pairs).unwrap()) };
        assert_eq!(command_there(submit.clone()), submit, "this machine's home is another");
        let Command::Submit { grid } = at_home(submit) else { panic!("another command") };
        assert_eq!(grid.recipes[0].images()[0].as_str(), whole("three.png"));
        assert_eq!(grid.recipes[0].model(), whole("models/small"));
        for same in ["src/input/campanile.jpg", "/data/three.png", "run:7", "~"] {
            let look = |image: &str| Command::Look {
                ticket: 1,
                image: Some(image.to_owned()),
                model: "src".to_owned(),
                fit: Fit::Crop,
                background: Colour([0; 3]),
            };
            assert_eq!(at_home(look(same)), look(same));
        }
    }
}
