//! Labelled pictures of one run on one sheet: what it made, or its steps.

use super::paint::{PAPER, TITLE, VALUE, hang, write};
use super::picture::shrink;
use super::sheet::{cell_limit, head, wrap};
use crate::recipe::{Grid, Recipe};
use image::RgbImage;

/// A picture's longer side is enlarged to at least so many pixels.
const CELL: u32 = 128;
/// The rim, the room between pictures, and between a label and its picture, in pixels.
const RIM: u32 = 20;
const GAP: u32 = 10;
const LABEL: u32 = 4;
/// Room for a title.
const MIN_WIDTH: u32 = 420;

/// One labelled sheet of pictures in rows of `columns`, under the run's prompt and facts.
pub fn contact_sheet(recipe: &Recipe, columns: usize, pictures: &[(String, RgbImage)]) -> RgbImage {
    let limit = cell_limit(pictures.len());
    let pictures: Vec<_> = pictures.iter().map(|(label, picture)| (label, shrink(picture.clone(), limit))).collect();
    let columns = columns.clamp(1, pictures.len().max(1));
    let longest = |side: fn(&RgbImage) -> u32| pictures.iter().map(|(_, picture)| side(picture)).max().unwrap_or(CELL).max(1);
    let (width, height) = (longest(RgbImage::width), longest(RgbImage::height));
    let scale = CELL.div_ceil(width.max(height)).min(limit / width.max(height)).max(1);
    let cell = width * scale;
    // Labels may be longer than pictures are wide: they take as many lines as they need.
    let labels: Vec<Vec<String>> = pictures.iter().map(|(label, _)| wrap(label, VALUE.columns(cell), 3)).collect();
    let lines = labels.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let pitch = (cell + GAP, lines * VALUE.height() + LABEL + height * scale + GAP);

    let page_width = (2 * RIM + columns as u32 * pitch.0 - GAP).max(MIN_WIDTH);
    let head = head(recipe, &Grid::one(recipe.clone()), page_width - 2 * RIM);
    let top = RIM + head.iter().map(|(_, ink)| ink.height() + LABEL).sum::<u32>() + if head.is_empty() { 0 } else { TITLE.height() / 2 };
    let rows = pictures.len().div_ceil(columns) as u32;
    let mut page = RgbImage::from_pixel(page_width, top + rows * pitch.1 + RIM - GAP, PAPER);
    let mut y = RIM;
    for (line, ink) in &head {
        write(&mut page, (RIM, y), line, *ink);
        y += ink.height() + LABEL;
    }
    for (place, ((_, picture), label)) in pictures.iter().zip(&labels).enumerate() {
        let (row, column) = ((place / columns) as u32, (place % columns) as u32);
        let at = (RIM + column * pitch.0, top + row * pitch.1);
        // The last line of every label stands on its picture.
        let first = at.1 + (lines - label.len() as u32) * VALUE.height();
        for (line, text) in (0..).zip(label) {
            write(&mut page, (at.0, first + line * VALUE.height()), text, VALUE);
        }
        hang(&mut page, (at.0, at.1 + lines * VALUE.height() + LABEL), picture, scale);
    }
    page
}
