//! The pictures of one run side by side, each with its label.

use super::{Screen, text};
use crate::app::{App, Source};
use crate::preview::{Place, Slot};
use crate::recipe::{Recipe, Run};
use ratatui::{
    layout::{Alignment, Rect, Size},
    text::Line,
};
use std::ops::RangeInclusive;

/// Below so many columns a picture says nothing.
const LEAST: u16 = 8;

/// A picture's spot, and that of its label under it.
struct Cell {
    picture: Rect,
    label: Rect,
    words: String,
}

/// The spots for a run's pictures, where they have labels and there is room for these.
pub(super) fn places(app: &App, inner: Rect) -> Option<Vec<Place>> {
    let sources = app.view();
    let cells = cells(app, inner, sources.len())?;
    let sheet = app.on_view().is_some_and(|run| run.recipe.training().is_some());
    let place = |(at, (cell, source)): (u16, (Cell, Source))| {
        let sources = vec![source];
        Place { slot: Slot::Part(at), area: cell.picture, sources, arrangement: super::alone(sheet) }
    };
    Some((0..).zip(cells.into_iter().zip(sources)).map(place).collect())
}

/// The labels of a run's pictures, where they say more than a number does.
pub(super) fn labels(run: &Run) -> Option<Vec<String>> {
    let labels = run.recipe.labels();
    (labels.len() > 1 && labels.iter().any(|label| label.parse::<u32>().is_err())).then_some(labels)
}

fn cells(app: &App, inner: Rect, pictures: usize) -> Option<Vec<Cell>> {
    let run = app.on_view().filter(|_| app.alone.is_none())?;
    let labels = labels(run).filter(|labels| labels.len() == pictures)?;
    let (columns, size) = match run.recipe.training() {
        Some(_) => sheets(&run.recipe, labels.len(), inner)?,
        None => columns(&run.recipe, labels.len(), inner).map(|(columns, side)| (columns, Size::new(side, side / 2)))?,
    };
    let rows = labels.len().div_ceil(columns) as u16;
    let width = inner.width / columns as u16;
    let height = size.height + 1;
    // What is left over goes around the pictures.
    let spare = inner.height.saturating_sub(rows * height);
    let (top, gap) = (spare / 2, u16::from(spare >= rows));
    let top = top.saturating_sub(gap * (rows - 1) / 2);
    let left = (inner.width - width * columns as u16) / 2;
    let cell = |(at, words): (usize, String)| {
        let x = inner.x + left + (at % columns) as u16 * width;
        let y = inner.y + top + (at / columns) as u16 * (height + gap);
        let picture = Rect { x: x + (width - size.width) / 2, y, width: size.width, height: size.height };
        Cell { picture, label: Rect { x, y: picture.bottom(), width, height: 1 }, words }
    };
    Some(labels.into_iter().enumerate().map(cell).collect())
}

/// How many sheets of a training stand side by side, and the room for each: all that there is.
fn sheets(recipe: &Recipe, count: usize, inner: Rect) -> Option<(usize, Size)> {
    let columns = recipe.columns().clamp(1, count);
    let rows = count.div_ceil(columns) as u16;
    let size = Size::new((inner.width / columns as u16).saturating_sub(1), (inner.height / rows).saturating_sub(1));
    (size.width >= LEAST && 2 * size.height >= LEAST).then_some((columns, size))
}

/// How many pictures stand side by side, and how many columns each takes. Rows keep their meaning; a single row is
/// broken where the pictures become larger so.
fn columns(recipe: &Recipe, count: usize, inner: Rect) -> Option<(usize, u16)> {
    let asked = recipe.columns().min(count);
    let all = if asked == count { 1..=count } else { asked..=asked };
    best(all, count, inner).filter(|(_, side)| *side >= LEAST)
}

/// Of several numbers of columns the one that makes so many square pictures largest, and how many columns each takes then.
pub(super) fn best(all: RangeInclusive<usize>, count: usize, inner: Rect) -> Option<(usize, u16)> {
    let side = |columns: usize| {
        let rows = count.div_ceil(columns) as u16;
        // A column between pictures, a row for each label; a character is twice as high as wide.
        let wide = (inner.width / columns as u16).saturating_sub(1);
        wide.min(2 * (inner.height / rows).saturating_sub(1)) / 2 * 2
    };
    all.rev().map(|columns| (columns, side(columns))).max_by_key(|(_, side)| *side)
}

impl Screen<'_, '_> {
    /// The labels under the pictures of [`places`].
    pub(super) fn labels(&mut self, inner: Rect) {
        for cell in cells(self.app, inner, self.app.view().len()).unwrap_or_default() {
            let words = text::clip(&cell.words, usize::from(cell.label.width).saturating_sub(1));
            self.frame.render_widget(Line::styled(words, self.dim()).alignment(Alignment::Center), cell.label);
        }
    }
}
