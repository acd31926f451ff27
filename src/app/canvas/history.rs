//! What was on the sheet before, and before that.

use super::sheet::Sheet;

/// The most bytes of earlier sheets that stay.
const BYTES: usize = 16 << 20;

/// Earlier sheets, and those that undo has left behind.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Sheet>,
    future: Vec<Sheet>,
}

impl History {
    /// A stroke is over that began on this sheet. What was undone cannot come back.
    pub fn record(&mut self, before: Sheet) {
        let (width, height) = before.size();
        let most = (BYTES / (width as usize * height as usize * 3)).max(1);
        self.future.clear();
        self.past.push(before);
        if self.past.len() > most {
            self.past.remove(0);
        }
    }

    /// The sheet before the last stroke; false where there is none.
    pub fn undo(&mut self, sheet: &mut Sheet) -> bool {
        step(&mut self.past, &mut self.future, sheet)
    }

    /// The sheet before the last undo; false where there is none.
    pub fn redo(&mut self, sheet: &mut Sheet) -> bool {
        step(&mut self.future, &mut self.past, sheet)
    }

    /// How many strokes can be undone and redone.
    pub fn depth(&self) -> (usize, usize) {
        (self.past.len(), self.future.len())
    }
}

fn step(from: &mut Vec<Sheet>, to: &mut Vec<Sheet>, sheet: &mut Sheet) -> bool {
    let Some(next) = from.pop() else { return false };
    to.push(std::mem::replace(sheet, next));
    true
}
