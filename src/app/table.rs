//! The table of a sweep: its cells by their values, one of them selected.

use super::keys::Action;
use super::peek::Before;
use super::{App, Effect, Tone};
use crate::link::Command;
use crate::recipe::{Cell, Export, MAX_CELLS, Run, RunId, State, Table};

/// A lone axis goes on in a new row after so many cells: all of them are in sight in eighty columns.
const COLUMNS: usize = 8;
/// How many rows a page key goes.
const PAGE: usize = 5;

/// The screen with the table of a sweep, while it is open.
pub struct Sweep {
    /// The run that it was opened with: a cell.
    pub of: RunId,
    /// What the engine says of the sweep, once it does.
    pub table: Option<Table>,
    /// Why there is no table.
    pub trouble: Option<String>,
    /// The place of the selected cell.
    pub at: usize,
    /// Whether the run of a cell has the screen; the table comes back behind it.
    pub peeking: bool,
    /// The ticket of the question that is not answered.
    asked: Option<u32>,
    /// The run that gets the screen once it is known.
    pub(super) opening: Option<RunId>,
    /// What it was opened from.
    pub(super) before: Before,
}

/// How the cells of a sweep are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Cells side by side.
    pub columns: usize,
    /// Rows of a table.
    pub rows: usize,
    /// Tables, one for each combination of the axes before the last two.
    pub tables: usize,
}

/// What a key can do to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnTable {
    Open,
    Close,
    Look,
    Mark,
    Export,
    TableBefore,
    TableAfter,
}

impl Sweep {
    /// How its cells are laid out: the last axis goes across, the one before it down.
    pub fn shape(&self) -> Shape {
        let lengths: Vec<_> = self.table.iter().flat_map(|table| &table.axes).map(|axis| axis.values.len()).collect();
        match lengths.as_slice() {
            [] => Shape { columns: 1, rows: 1, tables: 1 },
            [lone] => Shape { columns: COLUMNS.min(*lone), rows: lone.div_ceil(COLUMNS), tables: 1 },
            [leading @ .., rows, columns] => Shape { columns: *columns, rows: *rows, tables: leading.iter().product() },
        }
    }

    /// The selected cell.
    pub fn cell(&self) -> Option<Cell> {
        self.table.as_ref()?.cells.get(self.at).copied()
    }

    /// The table, row and column of the selected cell.
    pub fn place(&self) -> (usize, usize, usize) {
        let Shape { columns, rows, .. } = self.shape();
        (self.at / (rows * columns), self.at / columns % rows, self.at % columns)
    }

    /// Cells that have a picture.
    pub fn done(&self) -> usize {
        self.count(|state| state == State::Done)
    }

    /// Cells that still get one, without anybody asking.
    fn open(&self) -> usize {
        self.count(State::is_open)
    }

    fn count(&self, is: impl Fn(State) -> bool) -> usize {
        self.table.iter().flat_map(|table| &table.cells).filter_map(|cell| cell.state).filter(|state| is(*state)).count()
    }

    fn walk(&mut self, action: Action) {
        let Shape { columns, rows, .. } = self.shape();
        let (table, row, column) = self.place();
        let count = self.table.as_ref().map_or(0, |table| table.cells.len());
        let (row, column) = match action {
            // On a lone axis the next row goes on where the last one ends.
            Action::Left if self.is_lone() => return self.at = self.at.saturating_sub(1),
            Action::Right if self.is_lone() => return self.at = (self.at + 1).min(count.saturating_sub(1)),
            Action::Left => (row, column.saturating_sub(1)),
            Action::Right => (row, (column + 1).min(columns - 1)),
            Action::Up => (row.saturating_sub(1), column),
            Action::Down => (row + 1, column),
            Action::PageUp => (row.saturating_sub(PAGE), column),
            Action::PageDown => (row + PAGE, column),
            Action::First => (0, 0),
            _ => (rows - 1, columns - 1),
        };
        let at = (table * rows + row.min(rows - 1)) * columns + column;
        self.at = at.min(count.saturating_sub(1));
    }

    fn is_lone(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.axes.len() == 1)
    }

    fn step_table(&mut self, on: bool) {
        let Shape { columns, rows, tables } = self.shape();
        let (size, last) = (rows * columns, tables.saturating_sub(1));
        let table = if on { (self.at / size + 1).min(last) } else { (self.at / size).saturating_sub(1) };
        self.at = table * size + self.at % size;
    }
}

impl App {
    pub(super) fn on_table(&mut self, action: OnTable) {
        match action {
            OnTable::Open => match self.selected().map(|run| (run.id, run.grid)) {
                Some((run, Some(_))) => self.open_table(run),
                Some((run, None)) => {
                    let text = format!("{run} is no cell of a sweep; a list such as 1,3,5 in a number field makes one.");
                    self.say(Tone::Plain, text);
                }
                None => {}
            },
            OnTable::Close => self.sweep = None,
            OnTable::Look => self.look_at_cell(),
            OnTable::Mark => self.mark_cell(),
            OnTable::Export => self.export_table(),
            OnTable::TableBefore | OnTable::TableAfter => {
                if let Some(sweep) = &mut self.sweep {
                    sweep.step_table(action == OnTable::TableAfter);
                }
            }
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_table(&self, action: OnTable) -> bool {
        let cell = || self.sweep.as_ref().and_then(Sweep::cell).and_then(|cell| cell.state);
        match action {
            OnTable::Open => self.selected().is_some_and(|run| run.grid.is_some()),
            OnTable::Close => true,
            OnTable::Look => cell().is_some(),
            OnTable::Mark => cell() == Some(State::Done),
            OnTable::Export => self.sweep.as_ref().is_some_and(|sweep| sweep.done() > 0 && sweep.open() == 0),
            OnTable::TableBefore | OnTable::TableAfter => self.sweep.as_ref().is_some_and(|sweep| sweep.shape().tables > 1),
        }
    }

    /// The table that has the screen.
    pub fn shown_table(&self) -> Option<&Sweep> {
        self.sweep.as_ref().filter(|sweep| !sweep.peeking)
    }

    /// Shows the sweep that a run is a cell of.
    pub(super) fn open_table(&mut self, of: RunId) {
        // Who has come from the table goes back to it.
        let has = |table: &Table| table.cells.iter().any(|cell| cell.run == of);
        if self.sweep.as_ref().is_some_and(|sweep| sweep.peeking && sweep.table.as_ref().is_some_and(has)) {
            return self.end_peek();
        }
        let before = self.before_table();
        self.sweep = Some(Sweep { of, table: None, trouble: None, at: 0, peeking: false, asked: None, opening: None, before });
        self.ask_for_table();
    }

    /// Asks for the open sweep, again where the link was cut.
    pub(super) fn ask_for_table(&mut self) {
        if self.sweep.is_none() {
            return;
        }
        let ticket = self.ticket();
        if let Some(sweep) = &mut self.sweep {
            sweep.asked = Some(ticket);
            self.effects.push(Effect::Send(Command::Table { ticket, run: sweep.of }));
        }
    }

    pub(super) fn table_came(&mut self, ticket: u32, table: Table) {
        let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.asked == Some(ticket)) else { return };
        sweep.asked = None;
        if !is_sound(&table) {
            sweep.trouble = Some(format!("The sweep of {} cannot be shown: its lists do not make its cells.", sweep.of));
            return;
        }
        let at = table.cells.iter().position(|cell| cell.run == sweep.of);
        // Whoever has walked on stays where he is.
        if sweep.table.is_none() {
            sweep.at = at.unwrap_or(0);
        }
        sweep.at = sweep.at.min(table.cells.len() - 1);
        (sweep.table, sweep.trouble) = (Some(table), None);
    }

    pub(super) fn table_failed(&mut self, ticket: u32, text: &str) {
        let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.asked == Some(ticket)) else { return };
        sweep.asked = None;
        if sweep.table.is_none() {
            sweep.trouble = Some(text.to_owned());
        }
        self.log.push(self.now_ms, Tone::Bad, text.to_owned());
    }

    /// A run stands elsewhere than before, or is gone.
    pub(super) fn cell_stands(&mut self, run: RunId, state: Option<State>) {
        let table = self.sweep.as_mut().and_then(|sweep| sweep.table.as_mut());
        if let Some(cell) = table.and_then(|table| table.cells.iter_mut().find(|cell| cell.run == run)) {
            cell.state = state;
        }
    }

    pub(super) fn walk_table(&mut self, action: Action) -> bool {
        match self.sweep.as_mut().filter(|sweep| !sweep.peeking && self.compare.is_none()) {
            Some(sweep) if self.overlay.is_none() => {
                sweep.opening = None;
                sweep.walk(action);
                true
            }
            _ => false,
        }
    }

    /// A click selects a cell; on the selected one it shows its run.
    pub(super) fn click_cell(&mut self, at: usize) {
        let Some(sweep) = &mut self.sweep else { return };
        let count = sweep.table.as_ref().map_or(0, |table| table.cells.len());
        match sweep.at == at {
            true => self.look_at_cell(),
            false => sweep.at = at.min(count.saturating_sub(1)),
        }
    }

    fn mark_cell(&mut self) {
        if let Some(cell) = self.sweep.as_ref().and_then(Sweep::cell).filter(|cell| cell.state == Some(State::Done)) {
            self.toggle_mark(cell.run);
        }
    }

    fn export_table(&mut self) {
        let Some(sweep) = &self.sweep else { return };
        let Some(table) = &sweep.table else { return };
        let all = table.cells.len();
        // The first may be deleted.
        let done = table.cells.iter().find(|cell| cell.state == Some(State::Done)).map(|cell| cell.run);
        let run = match (done, sweep.open()) {
            (Some(run), 0) => run,
            (None, 0) => return self.say(Tone::Warning, "No cell has a picture to make a sheet of.".to_owned()),
            (_, open) => {
                let text = format!("{open} of the {all} cells wait or run; the sheet is made once they are over.");
                return self.say(Tone::Warning, text);
            }
        };
        self.effects.push(Effect::Send(Command::Export { run, what: Export::Table }));
        self.say(Tone::Plain, "The sheet of the sweep is made; the log says where it is.".to_owned());
        self.tell_wait();
    }

    /// The run of the selected cell, where it is known.
    pub(super) fn run_of_cell(&self) -> Option<&Run> {
        self.run(self.sweep.as_ref()?.cell()?.run)
    }
}

/// Whether the lists make the cells, and neither are more than any sweep has.
fn is_sound(table: &Table) -> bool {
    let cells = table.axes.iter().try_fold(1usize, |cells, axis| cells.checked_mul(axis.values.len()));
    !table.axes.is_empty() && (1..=MAX_CELLS).contains(&table.cells.len()) && cells == Some(table.cells.len())
}
