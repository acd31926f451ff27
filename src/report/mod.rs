//! The parts of the course as pages: their figures, each from a recipe that lies beside it.

mod config;
mod math;
pub mod page;
pub mod part_a;
pub mod part_b;
pub mod plot;

use crate::model::Folder;
use crate::recipe::Recipe;
use anyhow::{Result, bail};
use std::path::Path;

/// What came of a report.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Recipes that were computed.
    pub computed: usize,
    /// Recipes whose results lay there already.
    pub kept: usize,
    /// What the page waits for: how long it takes, and the command that makes it.
    pub missing: Vec<String>,
    /// What went wrong, a sentence each; the rest of the page is there.
    pub failed: Vec<String>,
}

/// What happens while a report is made.
pub enum Progress<'a> {
    /// A recipe begins: its name, and how many there are before and in all.
    Begins(&'a str, usize, usize),
    /// It has made so many of its steps.
    Step(usize, usize),
}

/// Refuses the number of a figure that is on no page of this part.
fn check_known<'a>(ids: &[&str], spoken_of: impl IntoIterator<Item = &'a String>, only: Option<&str>) -> Result<()> {
    let is_unknown = |id: &&str| !ids.contains(id);
    if let Some(wrong) = spoken_of.into_iter().map(String::as_str).find(is_unknown) {
        bail!("report.toml speaks of a figure '{}'; there are {}", wrong.escape_debug(), ids.join(", "));
    }
    if let Some(wrong) = only.filter(is_unknown) {
        bail!("there is no figure '{}'; there are {}", wrong.escape_debug(), ids.join(", "));
    }
    Ok(())
}

/// The file of the whole page, or of the single figure that is asked for.
pub fn page_name(only: Option<&str>) -> String {
    only.map_or("index.html".to_owned(), |only| format!("{only}.html"))
}

/// The recipe as it stands beside the page: models and data by their names, not by where they lie on this machine.
fn published(recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    recipe.each_model(|model| *model = model_name(model));
    if let Some(data) = recipe.data_mut() {
        *data = last_part(data);
    }
    recipe
}

/// What a model is called on the page and in metadata.
fn model_name(model: &str) -> String {
    Folder::find(model).map_or_else(|_| last_part(model), |folder| folder.name())
}

/// What a file or folder is called, without where it lies.
fn last_part(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
