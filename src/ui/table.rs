//! The table of a sweep: values as headings, a picture a cell.

use super::{Screen, text};
use crate::app::{App, LARGE, SMALL, Shape, Source, Sweep};
use crate::preview::{Place, Slot};
use crate::recipe::{Axis, Cell, Run, RunId, State, Table};
use ratatui::{
    layout::{Alignment, Constraint, Layout, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

/// The fewest columns of a cell.
const LEAST: u16 = 9;
/// From so many columns a cell's picture is asked for larger than the history's, and by how many pixels a side.
const ROOMY: (u16, u32) = (20, 256);
/// From so many columns the selected cell's picture stands large beside the table.
const WIDE: u16 = 100;
/// The columns that are left to the table then.
const TABLE: u16 = 76;
/// The most columns of the headings on the left.
const GUTTER: u16 = 16;

/// Where the parts are.
struct Parts {
    header: Rect,
    table: Rect,
    /// The selected cell's picture; empty where there is no room.
    detail: Rect,
    footer: Rect,
}

/// Where the cells are.
struct Frame {
    shape: Shape,
    /// Lines above the cells: the further axes, the names of the two, the values across.
    head: Rect,
    gutter: u16,
    cell: (u16, u16),
    /// The first row and column in sight, and how many are.
    first: (usize, usize),
    count: (usize, usize),
}

impl Parts {
    fn of(area: Rect) -> Parts {
        use Constraint::{Fill, Length};
        let [header, body, footer] = Layout::vertical([Length(1), Fill(1), Length(1)]).areas(area);
        let side = if body.width >= WIDE { (body.width * 2 / 5).min(2 * body.height).min(body.width - TABLE) } else { 0 };
        let [table, detail] = Layout::horizontal([Fill(1), Length(side)]).areas(body);
        Parts { header, table, detail, footer }
    }
}

impl Frame {
    fn of(sweep: &Sweep, table: &Table, inner: Rect) -> Frame {
        let (shape, (_, row, column)) = (sweep.shape(), sweep.place());
        let gutter = match axes(table).1 {
            Some(down) => {
                let widest = down.values.iter().map(|value| text::columns(value)).max().unwrap_or(0).max(text::columns(&down.field) + 2);
                (widest as u16 + 1).min(GUTTER).min(inner.width / 4)
            }
            None => 0,
        };
        let lines = u16::from(shape.tables > 1) + 1 + u16::from(gutter > 0);
        let head = Rect { height: lines.min(inner.height), ..inner };
        let room = (inner.width.saturating_sub(gutter), inner.height.saturating_sub(lines));
        // As large as lets all of them be seen, but never too small to be recognised; a label stands on each picture.
        let across = room.0 / (shape.columns as u16).max(1);
        let down = (2 * (room.1 / (shape.rows as u16).max(1)).saturating_sub(1)) + 1;
        let width = across.min(down).max(LEAST).min(room.0.max(1));
        let cell = (width, width.saturating_sub(1) / 2 + 1);
        let fit = |room: u16, side: u16, all: usize| usize::from(room / side.max(1)).clamp(1, all);
        let count = (fit(room.1, cell.1, shape.rows), fit(room.0, cell.0, shape.columns));
        // A page at a time, so that what is in sight stays where it is while one walks.
        let page = |at: usize, shown: usize, all: usize| (at / shown * shown).min(all - shown);
        let first = (page(row, count.0, shape.rows), page(column, count.1, shape.columns));
        Frame { shape, head, gutter, cell, first, count }
    }

    /// How much of the table is in sight, where that is not all.
    fn seen(&self) -> String {
        let part = |seen: usize, all: usize, thing: &str| (seen < all).then(|| format!("{seen} of {}", text::count(all, thing)));
        let parts = [part(self.count.1, self.shape.columns, "column"), part(self.count.0, self.shape.rows, "row")];
        let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        if parts.is_empty() { parts } else { format!("  {parts} in sight") }
    }

    /// The cells that are in sight, by their place, each with its area.
    fn cells(&self, sweep: &Sweep, inner: Rect) -> Vec<(usize, Rect)> {
        let Shape { columns, rows, .. } = self.shape;
        let (table, ..) = sweep.place();
        let spot = |row: usize, column: usize| {
            let x = inner.x + self.gutter + (column - self.first.1) as u16 * self.cell.0;
            let y = self.head.bottom() + (row - self.first.0) as u16 * self.cell.1;
            Rect { x, y, width: self.cell.0, height: self.cell.1 }.intersection(inner)
        };
        let rows_seen = self.first.0..self.first.0 + self.count.0;
        let all = rows_seen.flat_map(|row| (self.first.1..self.first.1 + self.count.1).map(move |column| (row, column)));
        all.map(|(row, column)| ((table * rows + row) * columns + column, spot(row, column))).collect()
    }
}

/// The axes before the last two, the one that goes down, and the one that goes across.
fn axes(table: &Table) -> (&[Axis], Option<&Axis>, Option<&Axis>) {
    match table.axes.as_slice() {
        [] => (&[], None, None),
        [lone] => (&[], None, Some(lone)),
        [leading @ .., down, across] => (leading, Some(down), Some(across)),
    }
}

/// The values of a cell, an axis each.
fn values(table: &Table, at: usize) -> Vec<(&Axis, usize)> {
    let mut rest = at;
    let place = |axis| {
        let axis: &Axis = axis;
        let value = rest % axis.values.len().max(1);
        rest /= axis.values.len().max(1);
        (axis, value)
    };
    let mut values: Vec<_> = table.axes.iter().rev().map(place).collect();
    values.reverse();
    values
}

/// The picture that stands for a cell: of a training the last samples.
fn source(app: &App, sweep: &Sweep, run: RunId, side: u32) -> (Source, bool) {
    let learns = |run: &Run| run.recipe.training().is_some();
    match app.run(run).or_else(|| app.run(sweep.of)).filter(|run| learns(run)) {
        Some(known) => {
            let index = (known.recipe.pictures() as u32).saturating_sub(1);
            (Source::Kept { run, index, side: LARGE }, true)
        }
        None => (Source::Kept { run, index: 0, side }, false),
    }
}

/// Below its label.
fn picture(cell: Rect) -> Rect {
    Rect { y: cell.y + 1, height: cell.height.saturating_sub(1), width: cell.width.saturating_sub(1), ..cell }
}

/// The spots for the pictures of the cells that are in sight, and for the selected one's.
pub(super) fn places(app: &App, sweep: &Sweep, area: Rect) -> Vec<Place> {
    let Some(table) = &sweep.table else { return Vec::new() };
    let parts = Parts::of(area);
    let inner = super::inset(Block::bordered().inner(parts.table));
    let frame = Frame::of(sweep, table, inner);
    let place = |slot, run, area: Rect, side| {
        let (source, sheet) = source(app, sweep, run, side);
        let there = !app.pictures.is_missing(source) && !area.is_empty();
        there.then(|| Place { slot, area, sources: vec![source], arrangement: super::alone(sheet) })
    };
    let done = |at: usize| table.cells.get(at).filter(|cell| cell.state == Some(State::Done)).map(|cell| cell.run);
    let side = if frame.cell.0 > ROOMY.0 { ROOMY.1 } else { SMALL };
    let selected = done(sweep.at).and_then(|run| place(Slot::Preview, run, Block::bordered().inner(parts.detail), LARGE));
    let cells = frame.cells(sweep, inner).into_iter();
    let cells = cells.filter_map(|(at, area)| place(Slot::Thumb(done(at)?), done(at)?, picture(area), side));
    selected.filter(|place| !place.area.is_empty()).into_iter().chain(cells).collect()
}

/// The cell at a spot.
pub(super) fn cell_at(sweep: &Sweep, area: Rect, at: Position) -> Option<usize> {
    let table = sweep.table.as_ref()?;
    let inner = super::inset(Block::bordered().inner(Parts::of(area).table));
    let cells = Frame::of(sweep, table, inner).cells(sweep, inner);
    cells.into_iter().find(|(place, area)| area.contains(at) && *place < table.cells.len()).map(|(place, _)| place)
}

impl Screen<'_, '_> {
    pub(super) fn table_of(&mut self, sweep: &Sweep, area: Rect) {
        let parts = Parts::of(area);
        self.table_header(sweep, parts.header);
        self.footer(parts.footer);
        let Some(table) = &sweep.table else {
            let inner = self.board(parts.table, "Sweep", "");
            let words = sweep.trouble.as_deref().unwrap_or("The cells of the sweep are on their way.");
            return self.sentence(inner, words);
        };
        let done = sweep.done();
        let title = format!("Sweep of {} · {done} of {} done", table.first, text::count(table.cells.len(), "cell"));
        let said = self.app.gallery.said.as_ref().map(|(_, said)| said.clone());
        let below = said.unwrap_or_else(|| told(self.app, table, sweep.at));
        let inner = super::inset(self.board(parts.table, &title, &below));
        let frame = Frame::of(sweep, table, inner);
        self.headings(sweep, table, &frame);
        for (at, area) in frame.cells(sweep, inner) {
            if let Some(cell) = table.cells.get(at) {
                self.cell(sweep, (table, at, cell), area);
            }
        }
        if !parts.detail.is_empty() {
            self.detail(sweep, parts.detail);
        }
    }

    fn table_header(&mut self, sweep: &Sweep, area: Rect) {
        let name = Span::styled(" darkroom   ", Style::new().add_modifier(Modifier::BOLD));
        let right = self.engine_words(usize::from(area.width / 2));
        let room = usize::from(area.width).saturating_sub(right.width() + 14);
        let title = self.app.run(sweep.of).map(|run| text::title(&run.recipe)).unwrap_or_default();
        self.frame.render_widget(Line::from(vec![name, Span::raw(text::clip(&title, room))]), area);
        self.frame.render_widget(right.alignment(Alignment::Right), area);
    }

    /// The further axes, the names of the two, and the values along both; each in its own room.
    fn headings(&mut self, sweep: &Sweep, table: &Table, frame: &Frame) {
        let (leading, down, across) = axes(table);
        let (_, row, column) = sweep.place();
        let (head, bold) = (frame.head, self.accent().add_modifier(Modifier::BOLD));
        let mut y = head.y;
        if !leading.is_empty() {
            let further = values(table, sweep.at).into_iter().take(leading.len());
            let words = further.map(|(axis, at)| format!("{} {} ({} of {})", axis.field, axis.values[at], at + 1, axis.values.len()));
            let words = words.collect::<Vec<_>>().join(" · ") + " · [ ] change it";
            self.heading(&words, bold, Rect { y, height: 1, ..head });
            y += 1;
        }
        let beside = Rect { x: head.x + frame.gutter, y, width: head.width.saturating_sub(frame.gutter), height: 1 };
        let seen = frame.seen();
        self.heading(&across.map(|axis| format!(" {} →{seen}", axis.field)).unwrap_or_default(), self.dim(), beside);
        let Some((down, across)) = down.zip(across) else { return };
        self.heading(&format!("{} ↓", down.field), self.dim(), Rect { width: frame.gutter.saturating_sub(1), y: y + 1, height: 1, ..head });
        for at in frame.first.1..frame.first.1 + frame.count.1 {
            let x = beside.x + (at - frame.first.1) as u16 * frame.cell.0;
            let area = Rect { x, y: y + 1, width: frame.cell.0.saturating_sub(1), height: 1 };
            self.heading(&format!(" {}", across.values[at]), if at == column { bold } else { Style::new() }, area);
        }
        for at in frame.first.0..frame.first.0 + frame.count.0 {
            let y = head.bottom() + (at - frame.first.0) as u16 * frame.cell.1 + frame.cell.1 / 2;
            let area = Rect { y, width: frame.gutter.saturating_sub(1), height: 1, ..head };
            self.heading(&down.values[at], if at == row { bold } else { Style::new() }, area);
        }
    }

    fn heading(&mut self, words: &str, style: Style, area: Rect) {
        let area = area.intersection(self.frame.area());
        self.frame.render_widget(Line::styled(text::clip(words, usize::from(area.width)), style), area);
    }

    fn cell(&mut self, sweep: &Sweep, (table, at, cell): (&Table, usize, &Cell), area: Rect) {
        let selected = at == sweep.at;
        let style = if selected { self.accent().add_modifier(Modifier::BOLD) } else { self.dim() };
        let name = match table.axes.as_slice() {
            [lone] => lone.values[at].clone(),
            _ => cell.run.to_string(),
        };
        let marked = if self.app.marked.contains(&cell.run) { super::history::MARKED } else { "" };
        let label = format!("{}{name}{marked}", if selected { "▸" } else { " " });
        self.heading(&label, style, Rect { height: area.height.min(1), width: area.width.saturating_sub(1), ..area });
        let picture = picture(area);
        if picture.is_empty() || cell.state == Some(State::Done) && self.show(Slot::Thumb(cell.run), picture) {
            return;
        }
        let (sign, words, tone) = self.standing(sweep, cell);
        let top = picture.height.saturating_sub(2) / 2;
        let width = usize::from(picture.width);
        let lines = vec![Line::styled(sign, tone), Line::styled(text::clip(&words, width), self.dim())];
        let middle = Rect { y: picture.y + top, height: picture.height - top, ..picture };
        self.frame.render_widget(Paragraph::new(lines).alignment(Alignment::Center), middle);
    }

    /// A cell without a picture: a sign, and a word or how far it is.
    fn standing(&self, sweep: &Sweep, cell: &Cell) -> (&'static str, String, Style) {
        let Some(state) = cell.state else { return ("×", "deleted".to_owned(), self.dim()) };
        let run = self.app.queue.get(cell.run).filter(|run| run.of > 0 && run.step > 0);
        let words = match (state, run) {
            (State::Done, _) if self.app.pictures.is_missing(source(self.app, sweep, cell.run, SMALL).0) => "unreadable".to_owned(),
            (State::Done, _) => String::new(),
            (State::Running | State::Paused | State::Interrupted, Some(run)) => format!("{}/{}", run.step, run.of),
            (State::Paused, None) => "held".to_owned(),
            (state, _) => state.word().to_owned(),
        };
        (self.sign(state), words, self.tone(state))
    }

    /// The selected cell's picture.
    fn detail(&mut self, sweep: &Sweep, area: Rect) {
        let Some(cell) = sweep.cell() else { return };
        let inner = self.board(area, &cell.run.to_string(), "");
        if cell.state == Some(State::Done) && self.show(Slot::Preview, inner) {
            return;
        }
        let words = match cell.state {
            None => format!("{} was deleted.", cell.run),
            Some(State::Done) if self.app.pictures.is_missing(source(self.app, sweep, cell.run, LARGE).0) => {
                format!("The picture of {} cannot be read.", cell.run)
            }
            Some(State::Done) => format!("The picture of {} is on its way.", cell.run),
            Some(State::Failed) => {
                let why = self.app.run(cell.run).and_then(|run| run.error.as_deref()).map(|why| format!(": {}", why.trim_end_matches('.')));
                format!("{} failed{}.", cell.run, why.unwrap_or_default())
            }
            Some(state) => format!("{} is {}.", cell.run, state.word()),
        };
        self.sentence(inner, &words);
    }
}

/// The selected cell in words: `guidance 7 · seed 3 · 0.6 s`.
fn told(app: &App, table: &Table, at: usize) -> String {
    let values = values(table, at).into_iter().map(|(axis, at)| format!("{} {}", axis.field, axis.values[at]));
    let took = table.cells.get(at).and_then(|cell| app.run(cell.run)).and_then(|run| run.took_ms);
    values.chain(took.map(|ms| text::duration(ms as f64))).collect::<Vec<_>>().join(" · ")
}
