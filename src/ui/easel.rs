//! A drawing over the whole screen: the sheet in half-blocks, and beside it everything that can be done.

use super::{Screen, text};
use crate::app::canvas::{Canvas, Point, Rgb, Stroke, Tool, Touch, sheet::brightness};
use crate::app::keys::{Action, BINDINGS, Context};
use crate::app::{Drawing, Sketch};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    layout::{Alignment, Constraint, Layout, Position, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};

/// Columns for what can be done.
const SIDE: u16 = 21;
/// Columns for a colour of the palette: its key, two blocks, a gap.
const SWATCH: u16 = 4;
/// Colours in a row of the palette.
const SWATCHES: usize = 4;

/// Where the parts are.
struct Parts {
    header: Rect,
    sheet: Rect,
    side: Rect,
    footer: Rect,
}

impl Parts {
    fn of(area: Rect) -> Parts {
        let [header, body, footer] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let [sheet, side] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(SIDE)]).areas(body);
        Parts { header, sheet, side, footer }
    }
}

/// The part of a sheet that is in sight, and where.
struct View {
    /// Cells that show it, without the border.
    area: Rect,
    /// Columns for a pixel; half as many rows.
    zoom: u16,
    /// The pixel in the upper left corner.
    from: Point,
    /// Pixels across and down.
    size: (u16, u16),
}

impl View {
    fn of(canvas: &Canvas, room: Rect) -> View {
        let inner = Block::bordered().inner(room);
        let (columns, halves) = (inner.width, 2 * inner.height);
        let (width, height) = canvas.sheet.size();
        let (width, height) = (width.min(4096) as u16, height.min(4096) as u16);
        let fits = (columns / width).min(halves / height);
        let zoom = canvas.zoom.unwrap_or(fits).clamp(1, columns.min(halves).max(1));
        let size = (width.min(columns / zoom), height.min(halves / zoom));
        let from = Point { x: scroll(canvas.eye.x, size.0, width), y: scroll(canvas.eye.y, size.1, height) };
        let (wide, high) = (size.0 * zoom, (size.1 * zoom).div_ceil(2));
        let area = Rect { x: inner.x + (columns - wide) / 2, y: inner.y + (inner.height - high) / 2, width: wide, height: high };
        View { area, zoom, from, size }
    }

    /// The pixel at a half of a row, which lies in sight.
    fn pixel(&self, column: u16, half: u16) -> Option<Point> {
        let (x, y) = (column / self.zoom, half / self.zoom);
        (x < self.size.0 && y < self.size.1).then(|| Point { x: self.from.x + i32::from(x), y: self.from.y + i32::from(y) })
    }

    /// The pixel under a place on the screen; outside the area it may be one that is not there.
    fn under(&self, at: Position) -> Point {
        let column = i32::from(at.x) - i32::from(self.area.x);
        let half = 2 * (i32::from(at.y) - i32::from(self.area.y));
        let zoom = i32::from(self.zoom);
        Point { x: self.from.x + column.div_euclid(zoom), y: self.from.y + half.div_euclid(zoom) }
    }

    /// The first column and half row of a pixel that is in sight. The mouse may have led it out.
    fn corner(&self, at: Point) -> Option<(u16, u16)> {
        let (x, y) = (u16::try_from(at.x - self.from.x).ok()?, u16::try_from(at.y - self.from.y).ok()?);
        (x < self.size.0 && y < self.size.1).then_some((x * self.zoom, y * self.zoom))
    }
}

/// The first of `seen` pixels of `all` where the eye is among them: half of what is seen at a time, so that the sheet
/// does not slide under every move.
fn scroll(eye: i32, seen: u16, all: u16) -> i32 {
    let half = i32::from(seen / 2).max(1);
    (eye / half * half - half / 2).clamp(0, i32::from(all - seen.min(all)))
}

/// What the mouse does to a drawing on a screen of this size.
pub(super) fn stroke(drawing: &Drawing, area: Rect, mouse: MouseEvent) -> Option<Stroke> {
    let view = View::of(drawing.canvas.as_ref()?, Parts::of(area).sheet);
    let at = Position::new(mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) if view.area.contains(at) => Some(Stroke::Press(view.under(at))),
        MouseEventKind::Drag(MouseButton::Left) => Some(Stroke::Drag(view.under(at))),
        MouseEventKind::Up(MouseButton::Left) => Some(Stroke::Release),
        _ => None,
    }
}

/// What lies under the mouse beside the sheet.
pub(super) fn key_at(drawing: &Drawing, area: Rect, at: Position) -> Option<Sketch> {
    let side = Parts::of(area).side;
    let row = side.contains(at).then(|| usize::from(at.y - side.y))?;
    match rows(drawing.canvas.as_ref()?, side.height).get(row)? {
        Row::Key(Sketch::Touch(Touch::Brush(_)), _) if at.x < side.x + 2 => Some(Sketch::Touch(Touch::Brush(-1))),
        Row::Key(sketch, _) => Some(*sketch),
        Row::Swatches(first) => {
            let column = usize::from((at.x - side.x).saturating_sub(1) / SWATCH);
            (column < SWATCHES).then_some(Sketch::Touch(Touch::Pick(first + column)))
        }
        Row::Hint(_) | Row::Gap => None,
    }
}

/// A line beside the sheet.
enum Row {
    /// A key, and what it does or how that stands.
    Key(Sketch, String),
    /// Colours of the palette, from this one on.
    Swatches(usize),
    /// Words to read.
    Hint(&'static str),
    Gap,
}

/// The lines beside the sheet; where there are few rows, without the gaps, and the last of them in the list of keys.
fn rows(canvas: &Canvas, height: u16) -> Vec<Row> {
    let key = |touch, words: &str| Row::Key(Sketch::Touch(touch), words.to_owned());
    let mut rows = vec![Row::Hint(" ←↑↓→ move")];
    rows.extend(Tool::ALL.into_iter().map(|tool| key(Touch::Take(tool), tool.title())));
    rows.push(Row::Gap);
    if canvas.mask {
        rows.extend(canvas.palette().iter().enumerate().map(|(at, (name, _))| key(Touch::Pick(at), name)));
    } else {
        rows.push(key(Touch::Turn(1), canvas.palette().get(canvas.colour).map_or("", |(name, _)| name)));
        rows.extend((0..canvas.palette().len()).step_by(SWATCHES).map(Row::Swatches));
    }
    let (undo, redo) = canvas.depth();
    let zoom = canvas.zoom.map_or("pixels as fit".to_owned(), |zoom| format!("pixels ×{zoom}"));
    rows.extend([
        Row::Gap,
        key(Touch::Brush(1), &format!("brush {}", canvas.brush)),
        key(Touch::Solid, if canvas.solid { "shapes solid" } else { "shapes outlined" }),
        key(Touch::Mirror, if canvas.mirror { "mirror on" } else { "mirror off" }),
        key(Touch::Undo, &format!("undo {undo}")),
        key(Touch::Redo, &format!("redo {redo}")),
        key(Touch::Invert, if canvas.mask { "swap new, keep" } else { "invert" }),
        key(Touch::Clear, "wipe"),
        Row::Key(Sketch::Load, if canvas.mask { "load the mask" } else { "picture below" }.to_owned()),
        key(Touch::Zoom, &zoom),
    ]);
    let height = usize::from(height);
    while let Some(gap) = rows.iter().rposition(|row| matches!(row, Row::Gap)).filter(|_| rows.len() > height) {
        rows.remove(gap);
    }
    if rows.len() > height {
        rows.truncate(height.saturating_sub(1));
        rows.push(Row::Hint(" ?   more keys"));
    }
    rows
}

/// The key of the table that does this.
fn key_of(sketch: Sketch) -> String {
    let binding = BINDINGS.iter().find(|binding| binding.context == Context::Easel && binding.action == Action::Sketch(sketch));
    match sketch {
        Sketch::Touch(Touch::Brush(_)) => "[ ]".to_owned(),
        _ => binding.map(|binding| binding.key()).unwrap_or_default(),
    }
}

impl Screen<'_, '_> {
    pub(super) fn easel(&mut self, drawing: &Drawing, area: Rect) {
        let parts = Parts::of(area);
        self.easel_header(drawing, parts.header);
        match &drawing.canvas {
            Some(canvas) => {
                self.sheet_of(canvas, parts.sheet);
                self.side(canvas, parts.side);
            }
            None if drawing.trouble.is_some() => self.sentence(parts.sheet, "There is nothing to draw on; Esc goes back."),
            None if self.app.has_engine() => self.sentence(parts.sheet, "The sheet is on its way."),
            None => self.sentence(parts.sheet, "The sheet comes with the engine; Esc goes back."),
        }
        if let Some(trouble) = &drawing.trouble {
            self.easel_trouble(trouble, parts.sheet);
        }
        self.footer(parts.footer);
    }

    fn easel_header(&mut self, drawing: &Drawing, area: Rect) {
        let name = Span::styled(" darkroom", Style::new().add_modifier(Modifier::BOLD));
        let size = drawing.canvas.as_ref().map(|canvas| canvas.sheet.size());
        let size = size.map(|(width, height)| format!(" · {width}×{height}")).unwrap_or_default();
        let what = format!("   {} of {}{size}", drawing.field, self.app.form.experiment);
        let left = Line::from(vec![name, Span::styled(what, self.dim())]);
        let room = usize::from(area.width).saturating_sub(left.width() + 3);
        self.frame.render_widget(left, area);
        let words = match drawing.waits() {
            Some(waits) if !self.app.has_engine() => format!("{waits}; the engine is away"),
            Some(waits) => waits.to_owned(),
            None if drawing.mask => "white is made new, the rest stays".to_owned(),
            None => String::new(),
        };
        self.frame.render_widget(Line::styled(text::clip(&words, room) + " ", self.dim()).alignment(Alignment::Right), area);
    }

    /// What went wrong and what to do, whole, over the foot of the sheet until something else is done.
    fn easel_trouble(&mut self, trouble: &str, area: Rect) {
        let lines = text::wrap(trouble, usize::from(area.width).saturating_sub(2));
        let height = (lines.len() as u16).min(area.height);
        let foot = Rect { y: area.bottom() - height, height, ..area };
        let style = self.bad().bg(self.look.theme.roles.background).add_modifier(Modifier::BOLD);
        let lines: Vec<_> = lines.into_iter().map(|line| Line::from(format!(" {line}"))).collect();
        self.frame.render_widget(Clear, foot);
        self.frame.render_widget(Paragraph::new(lines).style(style), foot);
    }

    fn sheet_of(&mut self, canvas: &Canvas, room: Rect) {
        let (view, sheet) = (View::of(canvas, room), canvas.preview());
        let state = match (canvas.is_drawing(), canvas.tool) {
            (false, _) => "",
            (true, Tool::Pen | Tool::Eraser) => " is down",
            (true, _) => " begun: Space sets it",
        };
        let below = format!(" x {} y {} · {}{state} ", canvas.at.x, canvas.at.y, canvas.tool.title());
        let frame = Rect { x: view.area.x - 1, y: view.area.y - 1, width: view.area.width + 2, height: view.area.height + 2 };
        let border = Block::bordered().border_type(BorderType::Thick).border_style(self.accent());
        self.frame.render_widget(border, frame);
        // The words may be wider than a small sheet.
        let line = Rect { y: frame.bottom() - 1, height: 1, x: frame.x + 1, width: room.right().saturating_sub(frame.x + 1) };
        self.frame.render_widget(Line::styled(text::clip(&below, usize::from(line.width)), self.accent()), line);
        let seen = |at| sheet.get(at).map(|pixel| over(canvas, at, pixel));
        self.pixels(&view, |at| seen(at).map(|colour| if at == canvas.at && view.zoom == 1 { contrast(colour) } else { colour }));
        if let Some(colour) = seen(canvas.at) {
            self.cursor(canvas.at, colour, &view, frame);
        }
    }

    fn pixels(&mut self, view: &View, colour: impl Fn(Point) -> Option<Rgb>) {
        let background = self.look.theme.roles.background;
        let colour = |at: Option<Point>| at.and_then(&colour).map_or(background, rgb);
        let buffer = self.frame.buffer_mut();
        for row in 0..view.area.height {
            for column in 0..view.area.width {
                let (upper, lower) = (colour(view.pixel(column, 2 * row)), colour(view.pixel(column, 2 * row + 1)));
                if let Some(cell) = buffer.cell_mut((view.area.x + column, view.area.y + row)) {
                    cell.set_symbol("▀").set_style(Style::new().fg(upper).bg(lower));
                }
            }
        }
    }

    /// The pixel that the keys paint, marked so that its colour stays in sight and that it is found without colours.
    fn cursor(&mut self, at: Point, colour: Rgb, view: &View, frame: Rect) {
        let zoom = view.zoom;
        let Some((column, half)) = view.corner(at) else { return };
        let mark = self.accent().add_modifier(Modifier::BOLD);
        let buffer = self.frame.buffer_mut();
        buffer.set_string(view.area.x + column + (zoom - 1) / 2, frame.y, "▾", mark);
        buffer.set_string(frame.x, view.area.y + (half + zoom / 2) / 2, "▸", mark);
        if zoom > 1 {
            let style = Style::new().fg(rgb(contrast(colour))).bg(rgb(colour)).add_modifier(Modifier::BOLD);
            // The first row in which the pixel has both halves of the cells.
            let (x, y) = (view.area.x + column, view.area.y + half.div_ceil(2));
            buffer.set_string(x, y, "[", style);
            buffer.set_string(x + zoom - 1, y, "]", style);
        }
    }

    fn side(&mut self, canvas: &Canvas, area: Rect) {
        for (row, y) in rows(canvas, area.height).into_iter().zip(area.y..area.bottom()) {
            let line = match row {
                Row::Key(sketch, words) => {
                    let chosen = matches!(sketch, Sketch::Touch(Touch::Take(tool)) if tool == canvas.tool)
                        || sketch == Sketch::Touch(Touch::Pick(canvas.colour));
                    let style = if chosen { self.accent().add_modifier(Modifier::BOLD) } else { Style::new() };
                    let mark = if chosen { "▸" } else { " " };
                    Line::styled(format!("{mark}{:<4}{words}", key_of(sketch)), style)
                }
                Row::Swatches(first) => self.swatches(canvas, first),
                Row::Hint(words) => Line::styled(words, self.dim()),
                Row::Gap => Line::default(),
            };
            self.frame.render_widget(Paragraph::new(line), Rect { y, height: 1, ..area });
        }
    }

    fn swatches(&self, canvas: &Canvas, first: usize) -> Line<'static> {
        let colours = canvas.palette().iter().enumerate().skip(first).take(SWATCHES);
        let spans = colours.flat_map(|(at, (_, colour))| {
            let key = key_of(Sketch::Touch(Touch::Pick(at)));
            let (mark, style) = if at == canvas.colour { ("▸", self.accent()) } else { (key.as_str(), self.dim()) };
            let blocks = Style::new().fg(rgb(*colour)).bg(rgb(*colour));
            [Span::styled(format!("{mark:>1}"), style), Span::styled("▀▀", blocks), Span::raw(" ")]
        });
        Line::from([vec![Span::raw(" ")], spans.collect()].concat())
    }
}

/// What a pixel looks like: in a mask the picture lies below, dark where it is kept and light where it is made new.
fn over(canvas: &Canvas, at: Point, pixel: Rgb) -> Rgb {
    let Some(under) = canvas.under.as_ref().and_then(|under| under.get(at)) else { return pixel };
    let new = pixel != [0; 3];
    under.map(|value| if new { (0.25 * f32::from(value) + 0.75 * 255.0) as u8 } else { (0.45 * f32::from(value)) as u8 })
}

fn contrast(pixel: Rgb) -> Rgb {
    if brightness(pixel) < 128 { [255; 3] } else { [0; 3] }
}

fn rgb([r, g, b]: Rgb) -> Color {
    Color::Rgb(r, g, b)
}
