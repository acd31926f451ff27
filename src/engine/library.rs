//! What the engine needs of the models on disk and at the hub, and no more: so its tests need neither.

use crate::link::{Home, Model};
use crate::model::hub::{self, Ask, Hub, Id, Tell};
use crate::model::{Folder, Known, Shelf, known};
use anyhow::Result;

/// Where models are found, and how they get there.
pub trait Library: Send + Sync {
    /// Every model that a recipe can name here; may take its time.
    fn models(&self) -> Vec<Model>;

    /// Downloads a model, and says in a sentence what came of it.
    ///
    /// # Errors
    /// Why it could not be had and what to do, or what `tell` returned.
    fn pull(&self, id: &Id, tell: Tell) -> Result<String>;
}

/// The user's own folders, and the hub that the environment names.
pub struct OfUser;

impl Library for OfUser {
    fn models(&self) -> Vec<Model> {
        known().into_iter().map(model).collect()
    }

    fn pull(&self, id: &Id, tell: Tell) -> Result<String> {
        let ask = Ask { id: id.clone(), revision: "main".to_owned(), text_encoder: true };
        Ok(hub::pull(&Hub::of_user()?, &ask, tell)?.sentence(id))
    }
}

fn model(known: Known) -> Model {
    let missing = known.folder.missing().into_iter().map(str::to_owned).collect();
    let path = match known.folder {
        Folder::Embedded => String::new(),
        Folder::Dir(path) => path.display().to_string(),
    };
    let home = match known.shelf {
        Shelf::BuiltIn => Home::BuiltIn,
        Shelf::Models => Home::Folder,
        Shelf::Cache => Home::Cache,
    };
    let Known { name, bytes, size, enlarges, .. } = known;
    Model { name, home, path, bytes, side: size.and_then(|size| size.try_into().ok()), enlarges, missing }
}
