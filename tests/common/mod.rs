//! What the tests of experiments share.

use darkroom::experiment::{self, Models, Outcome};
use darkroom::recipe::{Made, Recipe};
use image::RgbImage;
use std::ops::ControlFlow;

/// A recipe out of `field`, `value` pairs.
pub fn recipe(experiment: &str, pairs: &[(&str, &str)]) -> Recipe {
    let pairs: Vec<_> = pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Recipe::parse(experiment, &pairs).unwrap()
}

/// The pictures of a recipe, and what decided them.
pub fn run(recipe: &Recipe) -> (Vec<RgbImage>, Made) {
    let outcome = experiment::run(recipe, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(()))).unwrap();
    let Outcome::Done(pictures, made) = outcome else { panic!("nobody broke it off") };
    assert_eq!(pictures.len(), recipe.pictures(), "a picture for every label");
    (pictures, made)
}
