//! Pictures that other programs have made, and darkroom's own from another workspace. A picture's file is kept as it is, byte for
//! byte: one that is signed stays so.

mod a1111;
mod comfyui;
mod graph;
mod invokeai;
mod own;
mod png;
#[cfg(test)]
mod tests;
mod told;
mod workflow;

use super::{Gallery, index, now_ms, write_atomic};
use crate::recipe::{Foreign, Grid, Made, Recipe, Run, RunId, State};
use anyhow::{Context, Result};
use png::Png;
use rusqlite::params;
use std::fs;
use std::path::Path;

/// What became of a picture from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The run that it is now. Its [`Run::foreign`] says what could not be taken over.
    pub run: Run,
    /// The fields of its recipe that were taken over; the others are as a form begins with them.
    pub fields: Vec<String>,
    /// Whether the same picture was here already; then it is that run, and nothing is new.
    pub known: bool,
}

/// A picture that can be a run.
struct Found {
    recipe: Recipe,
    made: Made,
    foreign: Foreign,
    /// The files' bytes.
    pictures: Vec<Vec<u8>>,
    fields: Vec<String>,
    /// The run that has this picture already.
    known: Option<RunId>,
}

impl Gallery {
    /// Takes a picture into the gallery, as a finished run with the recipe that its file tells.
    ///
    /// # Errors
    /// When the file is no whole PNG, holds no recipe that is known, or cannot be kept; in one sentence with its name.
    pub fn import(&self, path: &Path) -> Result<Imported> {
        let found = self.read_import(path).and_then(|found| self.keep_import(found));
        found.with_context(|| format!("{} cannot be imported", path.display()))
    }

    fn read_import(&self, path: &Path) -> Result<Found> {
        let png = Png::read(path)?;
        if png.text("darkroom").is_some() {
            return own::read(self, path, png);
        }
        let told = read(&png)
            .context("it holds no recipe that is known; those of darkroom, A1111, stable-diffusion.cpp, ComfyUI and InvokeAI are read")?;
        let (program, model) = (told.program.to_owned(), told.model.clone());
        let told::Mapped { recipe, fields, unmapped } = told.map(png.size)?;
        let known = self.find_picture(&recipe, 0, &png.bytes)?;
        let foreign = Foreign { program, file: file_name(path), model, size: png.size, unmapped };
        let fields = fields.into_iter().map(str::to_owned).collect();
        Ok(Found { recipe, made: foreign.made(), foreign, pictures: vec![png.bytes], fields, known })
    }

    fn keep_import(&self, found: Found) -> Result<Imported> {
        let Found { recipe, made, foreign, pictures, fields, known } = found;
        if let Some(id) = known {
            let run = self.run(id)?.with_context(|| format!("run {id} was just deleted"))?;
            return Ok(Imported { run, fields, known: true });
        }
        let numbered = self.number(&Grid::one(recipe))?.pop().context("it got no number")?;
        let steps = made.timesteps.len() as u32;
        let run = Run { state: State::Done, step: steps, of: steps, foreign: Some(Box::new(foreign)), ..numbered };
        let kept = self.write_import(&run, &pictures).and_then(|()| self.insert_import(&run, &made));
        if kept.is_err() {
            let _ = fs::remove_dir_all(self.folder(run.id));
        }
        kept.map(|()| Imported { run, fields, known: false })
    }

    fn write_import(&self, run: &Run, pictures: &[Vec<u8>]) -> Result<()> {
        self.write_recipe(run)?;
        pictures.iter().enumerate().try_for_each(|(index, bytes)| write_atomic(&self.picture_path(run.id, index), bytes))
    }

    fn insert_import(&self, run: &Run, made: &Made) -> Result<()> {
        self.index(|connection| {
            let transaction = index::begin(connection)?;
            let beside = index::Beside { place: run.id.0, made: Some(made), ..index::Beside::default() };
            index::insert(&transaction, run, beside)?;
            // A rebuild that is under way must not take it for one that it has lost.
            transaction.execute("UPDATE runs SET ended_ms = ?2 WHERE id = ?1", params![run.id.0, now_ms()])?;
            transaction.commit()
        })
    }

    /// The finished run with these very bytes as one of its pictures. Only runs of the same recipe's kind and seed can be it.
    fn find_picture(&self, recipe: &Recipe, picture: usize, bytes: &[u8]) -> Result<Option<RunId>> {
        let sql = "SELECT id FROM shelf WHERE experiment = ?1 AND seed = ?2 ORDER BY id DESC";
        // As in the column, where a number that is too large for SQLite is the largest.
        let seed = i64::try_from(recipe.seed()).unwrap_or(i64::MAX);
        let ids: Vec<RunId> = self.index(|connection| {
            let mut query = connection.prepare_cached(sql)?;
            query.query_map(params![recipe.experiment(), seed], |row| row.get(0).map(RunId))?.collect()
        })?;
        let same = |id: &RunId| {
            let path = self.picture_path(*id, picture);
            fs::metadata(&path).is_ok_and(|file| file.len() == bytes.len() as u64) && fs::read(&path).is_ok_and(|kept| kept == bytes)
        };
        Ok(ids.into_iter().find(same))
    }
}

/// What the texts of a picture tell, whichever program has written them. One that several have written is told by the plainest.
fn read(png: &Png) -> Option<told::Told> {
    let text = |key: &str| png.text(key);
    let told = invokeai::read(text("invokeai_metadata"), text("sd-metadata"), text("Dream"));
    let told = told.or_else(|| text("parameters").and_then(a1111::read));
    told.or_else(|| comfyui::read(text("prompt"), text("workflow"))).filter(|told| !told.is_empty())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
