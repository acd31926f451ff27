//! Names of files as this process sees them, made whole for an engine that stands in another folder.

use crate::link::Command;
use crate::model::Folder;
use crate::recipe::{Image, Recipe};
use directories::BaseDirs;
use std::path::{Path, PathBuf, absolute};

/// A command with the whole paths of its models and pictures.
pub fn command(command: Command) -> Command {
    match command {
        Command::Submit { mut grid } => {
            grid.recipes = grid.recipes.into_iter().map(recipe).collect();
            Command::Submit { grid }
        }
        Command::Look { ticket, image, model, fit, background } => {
            let image = image.map(|text| text.parse().map_or(text, |parsed: Image| image_from(&parsed).to_string()));
            Command::Look { ticket, image, model: model_from(&model).unwrap_or(model), fit, background }
        }
        other => other,
    }
}

/// A recipe with the whole paths of its model and pictures.
pub fn recipe(mut recipe: Recipe) -> Recipe {
    for image in recipe.images_mut() {
        *image = image_from(image);
    }
    match model_from(recipe.model()) {
        Some(model) => recipe.with_model(&model),
        None => recipe,
    }
}

fn image_from(image: &Image) -> Image {
    let name = !image.is_built_in() && image.hash().is_none();
    let path = name.then(|| whole(image.as_str())).flatten().filter(|path| path.exists());
    path.map_or_else(|| image.clone(), |path| Image::file(&path))
}

/// The whole path of a model's folder; none for what is no folder here.
fn model_from(model: &str) -> Option<String> {
    let model = home(model).map_or(model.to_owned(), |path| path.to_string_lossy().into_owned());
    match Folder::find(&model) {
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

    #[test]
    fn what_lies_here_gets_its_whole_path_and_nothing_else_changes() {
        // Tests run in the package's folder.
        let fields = |image: &str| vec![("image".to_owned(), image.to_owned())];
        let image = |text: &str| recipe(Recipe::parse("forward", &fields(text)).unwrap()).images()[0].to_string();
        let whole = absolute("src/input/campanile.jpg").unwrap();
        assert_eq!(image("src/input/campanile.jpg"), whole.to_str().unwrap());
        for same in ["campanile", "nowhere.png", "https://example.org/a.png", "run:7@3", whole.to_str().unwrap()] {
            assert_eq!(image(same), same);
        }
    }
}
