//! A grid's pictures on one labelled sheet.

use super::paint::{FACTS, FIELD, Ink, PAPER, TITLE, VALUE, hang, write};
use super::picture::shrink;
use super::queue::fits;
use crate::recipe::{self, Axis, Grid, Recipe};
use image::RgbImage;

/// A picture's longer side is enlarged to at least so many pixels.
const CELL: u32 = 96;

/// The most pixels of pictures on a sheet.
const MAX_PIXELS: u32 = 48_000_000;

/// The rim of the sheet, the room between two pictures, and between a label and what it labels, in pixels.
const RIM: u32 = 20;
const GAP: u32 = 8;
const LABEL: u32 = 5;

/// A lone axis goes on in a new row after so many pictures.
const MAX_COLUMNS: usize = 10;

/// Room for a title: a sheet is at least so wide, in pixels.
const MIN_WIDTH: u32 = 420;

/// A label longer than this many characters is cut.
const MAX_LABEL: usize = 16;

/// What stands in the place of a cell.
#[derive(Clone, Debug)]
pub enum Content {
    /// Its picture.
    Picture(RgbImage),
    /// Why it has none, in a word.
    Word(&'static str),
}

/// One labelled sheet of a grid's pictures, first picture of each cell, in the grid's order.
///
/// One axis is a row; of two, the first goes down and the last across; with more, there is such a table for each
/// combination of the leading ones. A cell without a picture stays empty.
pub fn sheet(grid: &Grid, cells: &[Content]) -> RgbImage {
    let limit = cell_limit(cells.len());
    let shrunk = |cell: &Content| match cell {
        Content::Picture(picture) => Content::Picture(shrink(picture.clone(), limit)),
        Content::Word(word) => Content::Word(word),
    };
    let cells: Vec<_> = cells.iter().map(shrunk).collect();
    let plan = Plan::new(grid, &cells, limit);
    let (width, height) = plan.size();
    let mut page = RgbImage::from_pixel(width, height, PAPER);
    let mut y = RIM;
    for (line, ink) in &plan.head {
        write(&mut page, (RIM, y), line, *ink);
        y += ink.height() + LABEL;
    }
    for block in 0..plan.blocks() {
        plan.paint(&mut page, plan.block_at(block), block, &cells);
    }
    page
}

/// The longest side of a picture among so many, in pixels.
pub(super) fn cell_limit(cells: usize) -> u32 {
    let cells = u32::try_from(cells.max(1)).unwrap_or(u32::MAX);
    (MAX_PIXELS / cells).isqrt().clamp(16, 512)
}

impl Content {
    fn picture(&self) -> Option<&RgbImage> {
        match self {
            Content::Picture(picture) => Some(picture),
            Content::Word(_) => None,
        }
    }
}

/// Where everything goes. All lengths are in pixels.
struct Plan<'a> {
    grid: &'a Grid,
    /// The axes of which each combination has a table of its own.
    leading: &'a [Axis],
    down: Option<&'a Axis>,
    across: Option<&'a Axis>,
    head: Vec<(String, Ink)>,
    rows: usize,
    columns: usize,
    scale: u32,
    /// From one picture to the next.
    pitch: (u32, u32),
    /// The room for labels left of a table.
    gutter: u32,
}

impl<'a> Plan<'a> {
    fn new(grid: &'a Grid, contents: &[Content], limit: u32) -> Plan<'a> {
        // Lists that do not make the cells label nothing.
        let axes = if fits(&grid.axes, contents.len()) { grid.axes.as_slice() } else { &[] };
        let (leading, down, across) = match axes {
            [] => (&[][..], None, None),
            [across] => (&[][..], None, Some(across)),
            [leading @ .., down, across] => (leading, Some(down), Some(across)),
        };
        let cells = across.map_or(contents.len(), |axis| axis.values.len()).max(1);
        let columns = if down.is_some() { cells } else { cells.min(MAX_COLUMNS) };
        let rows = down.map_or(cells.div_ceil(columns), |axis| axis.values.len());
        let longest = |side: fn(&RgbImage) -> u32| contents.iter().filter_map(Content::picture).map(side).max().unwrap_or(CELL).max(1);
        let (width, height) = (longest(RgbImage::width), longest(RgbImage::height));
        let scale = CELL.div_ceil(width.max(height)).min(limit / width.max(height)).max(1);
        let widest = |axis: Option<&Axis>| axis.into_iter().flat_map(|axis| &axis.values).map(|value| VALUE.width(&cut(value))).max();
        let label = widest(across).unwrap_or(0);
        let above = if down.is_none() && across.is_some() { VALUE.height() + LABEL } else { 0 };
        let pitch = ((width * scale).max(label) + GAP, height * scale + GAP + above);
        let gutter = down.map_or(0, |axis| widest(down).unwrap_or(0).max(FIELD.width(&axis.field)) + GAP);
        let mut plan = Plan { grid, leading, down, across, head: Vec::new(), rows, columns, scale, pitch, gutter };
        plan.head = grid.recipes.first().map(|recipe| head(recipe, grid, plan.width() - 2 * RIM)).unwrap_or_default();
        plan
    }

    /// How many tables there are.
    fn blocks(&self) -> usize {
        self.leading.iter().map(|axis| axis.values.len()).product()
    }

    /// The lines above a table: its place on the leading axes, the name of the axis across, and that axis's values.
    fn block_head(&self) -> u32 {
        let line = FIELD.height() + LABEL;
        let lines = u32::from(!self.leading.is_empty()) + u32::from(self.across.is_some()) + u32::from(self.down.is_some());
        lines * line
    }

    fn block_size(&self) -> (u32, u32) {
        let width = self.gutter + self.columns as u32 * self.pitch.0 - GAP;
        (width, self.block_head() + self.rows as u32 * self.pitch.1 - GAP)
    }

    /// Tables stand side by side until the sheet is about as wide as high.
    fn blocks_across(&self) -> usize {
        let (width, height) = self.block_size();
        let all = self.blocks().max(1) as f64;
        ((all * f64::from(height) / f64::from(width)).sqrt().round() as usize).clamp(1, all as usize)
    }

    fn block_at(&self, block: usize) -> (u32, u32) {
        let (width, height) = self.block_size();
        let (row, column) = ((block / self.blocks_across()) as u32, (block % self.blocks_across()) as u32);
        (RIM + column * (width + RIM), self.top() + row * (height + RIM))
    }

    /// Where the tables begin.
    fn top(&self) -> u32 {
        let head: u32 = self.head.iter().map(|(_, ink)| ink.height() + LABEL).sum();
        RIM + head + if head > 0 { 2 * LABEL } else { 0 }
    }

    fn width(&self) -> u32 {
        let across = self.blocks_across() as u32;
        (across * (self.block_size().0 + RIM) + RIM).max(MIN_WIDTH)
    }

    fn size(&self) -> (u32, u32) {
        let down = self.blocks().div_ceil(self.blocks_across()) as u32;
        (self.width(), self.top() + down * (self.block_size().1 + RIM))
    }

    /// Paints one table.
    fn paint(&self, page: &mut RgbImage, (left, top): (u32, u32), block: usize, cells: &[Content]) {
        let line = FIELD.height() + LABEL;
        let mut y = top;
        if !self.leading.is_empty() {
            let labels = self.grid.labels(block * self.rows * self.columns);
            let words: Vec<_> = labels.iter().take(self.leading.len()).map(|(field, value)| format!("{field} {}", cut(value))).collect();
            write(page, (left, y), &words.join(" \u{b7} "), FIELD);
            y += line;
        }
        if let Some(across) = self.across {
            write(page, (left + self.gutter, y), &across.field, FIELD);
            y += line;
        }
        if let (Some(down), Some(across)) = (self.down, self.across) {
            write(page, (left, y), &down.field, FIELD);
            for (column, value) in across.values.iter().enumerate() {
                self.label(page, (left + self.gutter + column as u32 * self.pitch.0, y), value);
            }
            y += line;
        }
        for cell in 0..self.rows * self.columns {
            self.paint_cell(page, (left, y), (block, cell), cells);
        }
    }

    /// Paints the picture of one cell, with the label that only it has: its own on a lone axis, its row's in the first column.
    fn paint_cell(&self, page: &mut RgbImage, (left, top): (u32, u32), (block, cell): (usize, usize), cells: &[Content]) {
        let (row, column) = (cell / self.columns, cell % self.columns);
        let x = left + self.gutter + column as u32 * self.pitch.0;
        let mut y = top + row as u32 * self.pitch.1;
        match (self.down, self.across) {
            (Some(down), _) if column == 0 => {
                let value = cut(&down.values[row]);
                let middle = y + (self.pitch.1 - GAP).saturating_sub(VALUE.height()) / 2;
                let right = left + (self.gutter - GAP).saturating_sub(VALUE.width(&value));
                write(page, (right, middle), &value, VALUE);
            }
            (None, Some(across)) => {
                let Some(value) = across.values.get(cell) else { return };
                self.label(page, (x, y), value);
                y += VALUE.height() + LABEL;
            }
            _ => {}
        }
        match cells.get(block * self.rows * self.columns + cell) {
            Some(Content::Picture(picture)) => {
                let spare = (self.pitch.0 - GAP).saturating_sub(picture.width() * self.scale);
                hang(page, (x + spare / 2, y), picture, self.scale);
            }
            Some(Content::Word(word)) => {
                let below = (top + (row as u32 + 1) * self.pitch.1).saturating_sub(GAP + y);
                let spare = ((self.pitch.0 - GAP).saturating_sub(FACTS.width(word)), below.saturating_sub(FACTS.height()));
                write(page, (x + spare.0 / 2, y + spare.1 / 2), word, FACTS);
            }
            None => {}
        }
    }

    /// Writes a value in the middle of a column that begins at `x`.
    fn label(&self, page: &mut RgbImage, (x, y): (u32, u32), value: &str) {
        let value = cut(value);
        write(page, (x + (self.pitch.0 - GAP).saturating_sub(VALUE.width(&value)) / 2, y), &value, VALUE);
    }
}

/// The lines at the top: the prompt, then what else all cells have in common.
pub(super) fn head(recipe: &Recipe, grid: &Grid, width: u32) -> Vec<(String, Ink)> {
    let prompt = recipe.prompts().join(" / ");
    let title = match prompt.trim() {
        "" => recipe.experiment(),
        prompt => prompt,
    };
    let title = wrap(title, TITLE.columns(width), 3).into_iter().map(|line| (line, TITLE));
    let facts = wrap(&facts(recipe, grid), FACTS.columns(width), 2).into_iter().map(|line| (line, FACTS));
    title.chain(facts).collect()
}

/// The fields that are neither on an axis nor at their default, and always the model.
fn facts(recipe: &Recipe, grid: &Grid) -> String {
    let fields = recipe::fields(recipe.experiment()).unwrap_or_default();
    let default = |name: &str| fields.iter().find(|field| field.name == name).and_then(|field| field.default.clone());
    let same_number = |a: &str, b: &str| a.parse::<f64>().is_ok_and(|a| b.parse::<f64>().is_ok_and(|b| a == b));
    let shown = |field: &str, value: &str| {
        let on_axis = grid.axes.iter().any(|axis| axis.field == field);
        let is_default = default(field).is_some_and(|default| default == value || same_number(&default, value));
        field != "prompt" && field != "model" && !on_axis && !is_default
    };
    let mut facts = vec![recipe.experiment().to_owned()];
    // A sheet is shown around: it says what a picture or a model is called, not where it lies.
    let named = recipe.clone().named();
    let pairs = recipe.pairs().into_iter().zip(named.pairs()).filter(|((field, value), _)| shown(field, value));
    facts.extend(pairs.map(|(_, (field, name))| format!("{field} {name}")));
    facts.extend(Some(named.model().to_owned()).filter(|model| !model.is_empty()));
    facts.join(" \u{b7} ")
}

fn cut(value: &str) -> String {
    match value.chars().count() > MAX_LABEL {
        true => value.chars().take(MAX_LABEL - 2).chain("..".chars()).collect(),
        false => value.to_owned(),
    }
}

/// A text in at most `lines` lines of at most `columns` characters, broken between words where there are any.
pub(super) fn wrap(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let columns = columns.max(4);
    let mut wrapped: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match wrapped.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => *line = format!("{line} {word}"),
            _ => wrapped.push(word.to_owned()),
        }
        if wrapped.len() > lines {
            break;
        }
    }
    let more = wrapped.len() > lines;
    wrapped.truncate(lines);
    let last = wrapped.len().saturating_sub(1);
    for (index, line) in wrapped.iter_mut().enumerate() {
        if line.chars().count() > columns || (more && index == last) {
            *line = line.chars().take(columns - 2).chain("..".chars()).collect();
        }
    }
    wrapped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_names_without_folders_and_hashes() {
        let picture = format!("tower.jpg@sha256:{}", "a".repeat(64));
        let fields = [("image", picture.as_str()), ("model", "/home/me/IF-II/"), ("text-model", "/home/me/IF-I"), ("factor", "2")];
        let fields = fields.map(|(field, value)| (field.to_owned(), value.to_owned()));
        let recipe = Recipe::parse("upscale", &fields).unwrap();
        let dot = " \u{b7} ";
        let facts = facts(&recipe, &Grid::one(recipe.clone()));
        assert_eq!(facts.split(dot).collect::<Vec<_>>(), ["upscale", "image tower.jpg", "factor 2", "text-model IF-I", "IF-II"]);
    }
}
