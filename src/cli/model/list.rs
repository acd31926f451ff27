//! `darkroom model list`.

use crate::model::hub::amount;
use crate::model::{Folder, Known, Shelf, known};
use anyhow::Result;
use std::io::Write;

/// The models that a recipe can name, the one that is built in first.
pub(super) fn list(out: &mut dyn Write) -> Result<()> {
    let (built_in, others): (Vec<_>, Vec<_>) = known().into_iter().partition(|model| model.shelf == Shelf::BuiltIn);
    for model in built_in {
        writeln!(out, "{}  built in", model.name)?;
    }
    let lines: Vec<[String; 4]> = others.iter().map(columns).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let [name, size, whole] = [0, 1, 2].map(width);
    for [a, b, c, path] in &lines {
        writeln!(out, "{a:<name$}  {b:>size$}  {c:<whole$}  {path}")?;
    }
    Ok(())
}

fn columns(model: &Known) -> [String; 4] {
    let path = match &model.folder {
        Folder::Embedded => String::new(),
        Folder::Dir(path) => path.display().to_string(),
    };
    [model.name.clone(), amount(model.bytes), state(&model.folder), path]
}

fn state(folder: &Folder) -> String {
    match folder.missing().as_slice() {
        [] => "whole".to_owned(),
        missing => format!("lacks {}", missing.join(", ")),
    }
}
