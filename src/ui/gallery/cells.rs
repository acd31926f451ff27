//! How the grid of thumbnails is laid out: as many as fit, with the room that is left over between them.

use ratatui::layout::Rect;

/// The grid.
pub(super) struct Cells {
    area: Rect,
    pub columns: u16,
    pub rows: u16,
    /// Rows of a cell, its label among them.
    height: u16,
}

impl Cells {
    pub fn of(area: Rect, large: bool) -> Cells {
        // A picture of so many rows is told from another; where there is more room it may be larger.
        let least = (area.height / 6).clamp(4, 8) * if large { 2 } else { 1 };
        let rows = (area.height / (least + 1)).max(1);
        let height = (area.height / rows).max(2);
        let columns = (area.width / (width(height) + 1)).max(1);
        Cells { area, columns, rows, height }
    }

    /// The cells in the order of reading.
    pub fn all(&self) -> impl Iterator<Item = Rect> {
        let step = self.area.width / self.columns;
        let (area, height) = (self.area, self.height);
        let cell = move |row: u16, column: u16| Rect { x: area.x + column * step, y: area.y + row * height, width: step, height };
        let columns = self.columns;
        (0..self.rows).flat_map(move |row| (0..columns).map(move |column| cell(row, column).intersection(area)))
    }

    /// The longest side in pixels that a picture can use: what is sent for nothing takes time on a slow link.
    pub fn side(&self) -> u32 {
        match width(self.height) {
            ..=12 => 64,
            13..=24 => 128,
            _ => 256,
        }
    }
}

/// Columns of a picture. Characters are about twice as high as wide, so that it is square.
fn width(height: u16) -> u16 {
    2 * (height - 1)
}

/// Where the picture of a cell is: under its label.
pub(super) fn picture(cell: Rect) -> Rect {
    let height = cell.height.saturating_sub(1);
    Rect { y: cell.y + 1, height, width: (2 * height).min(cell.width.saturating_sub(1)), ..cell }
}
