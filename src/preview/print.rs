//! A picture → the characters, or the pieces of an escape sequence, that show it.
//!
//! On a slow link a picture is made as coarse as it must be: fewer pixels first, which the terminal enlarges where it can.

use super::{Encoded, Graphics, Key, Limit, Paper, Wish, arrange, kitty};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::{Position, Rect, Size},
    style::Color,
    widgets::Widget,
};
use ratatui_image::Image;
use ratatui_image::protocol::{Protocol, halfblocks::Halfblocks, sixel::Sixel};
use std::io::Cursor;
use std::sync::Arc;

/// A picture is made coarser until its shorter side has so many pixels.
const COARSEST: u32 = 8;

/// A picture as the terminal takes it.
#[derive(Clone, Debug)]
pub struct Print {
    /// The characters that it takes up.
    pub size: Size,
    /// It as characters; none where it is pixels over blank ones.
    pub cells: Option<Buffer>,
    /// What is written for it, in this order; between two pieces other text may be.
    pub pieces: Vec<Piece>,
    /// kitty's number for it.
    pub id: u32,
    /// It is coarser than the place allows.
    pub coarse: bool,
}

/// A part of what is written for a picture.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The row, from the picture's first, at whose beginning it is written.
    pub row: u16,
    /// What is written.
    pub text: String,
}

impl Print {
    /// Bytes in all.
    pub fn bytes(&self) -> usize {
        let cells = self.cells.as_ref().map_or(0, |cells| {
            let rows = cells.content.chunks(usize::from(cells.area.width).max(1));
            rows.map(|row| row.iter().scan(None, |last, cell| Some(weight(last.replace(cell), cell))).sum::<usize>()).sum()
        });
        cells + self.pieces.iter().map(|piece| piece.text.len()).sum::<usize>()
    }

    /// Bytes of the largest piece.
    pub fn largest(&self) -> usize {
        self.pieces.iter().map(|piece| piece.text.len()).max().unwrap_or(0)
    }

    /// Where it stands inside a place: in the middle.
    pub fn within(&self, area: Rect) -> Rect {
        let (width, height) = (self.size.width.min(area.width), self.size.height.min(area.height));
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
    }

    /// Puts it back where another was put of the same size, but not over what lies over that one.
    pub fn stay(&self, other: &Print, area: Rect, buffer: &mut Buffer) {
        let (Some(cells), Some(others)) = (&self.cells, &other.cells) else { return };
        for at in cells.area.positions() {
            let place = Position { x: area.x + at.x, y: area.y + at.y };
            if let (Some(cell), Some(shown)) = (cells.cell(at), buffer.cell_mut(place))
                && others.cell(at) == Some(shown)
            {
                shown.clone_from(cell);
            }
        }
    }

    /// Puts it where it belongs: its characters, or blank ones under its pixels.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        for (y, x) in (0..area.height).flat_map(|y| (0..area.width).map(move |x| (y, x))) {
            let Some(cell) = buffer.cell_mut((area.x + x, area.y + y)) else { continue };
            match self.cells.as_ref().and_then(|cells| cells.cell((x, y))) {
                Some(shown) => *cell = shown.clone(),
                None => {
                    cell.set_symbol(" ");
                }
            }
        }
    }
}

/// About as many bytes as a character costs behind another one.
pub fn weight(last: Option<&Cell>, cell: &Cell) -> usize {
    // `ESC[38;2;255;255;255;48;2;255;255;255m`, and perhaps a place to go to.
    let colours = if cell.fg == Color::Reset { 22 } else { 36 };
    let changed = |last: &Cell| if (last.fg, last.bg) == (cell.fg, cell.bg) { 0 } else { colours };
    cell.symbol().len() + last.map_or(colours + 8, changed)
}

/// Makes one picture; none where the protocol refuses it.
pub fn encode(wish: Wish) -> Option<Encoded> {
    let Wish { key, pictures, limit, turn } = wish;
    let cells = key.paper.most(key.cells);
    let room = key.paper.pixels(cells);
    let (picture, difference) = arrange::arrange(&pictures, key.arrangement, (room, key.paper.least()))?;
    let press = Press { key: &key, cells, room, limit, turn };
    let mut print = press.best(&picture)?;
    let mut by = 1;
    while print.bytes() > limit.picture || print.largest() > limit.piece {
        let Some(coarser) = press.coarse(&picture, by) else { break };
        by *= 2;
        if coarser.bytes() < print.bytes() {
            print = coarser;
        }
    }
    Some(Encoded { key, print: Arc::new(print), limit, difference })
}

/// What all prints of one wish share.
struct Press<'a> {
    key: &'a Key,
    cells: Size,
    room: (u32, u32),
    limit: Limit,
    turn: u8,
}

impl Press<'_> {
    fn paper(&self) -> Paper {
        self.key.paper
    }

    /// The picture as well as it can be shown. kitty enlarges its pixels to sharp squares; iTerm2 and its kin blur them.
    fn best(&self, picture: &RgbImage) -> Option<Print> {
        let smaller = picture.width() <= self.room.0 && picture.height() <= self.room.1;
        let native = self.paper().graphics == Graphics::Kitty && smaller;
        native.then(|| self.coarse(picture, 1)).flatten().or_else(|| self.full(picture))
    }

    /// The picture with pixels as large as fit, whole and square.
    fn full(&self, picture: &RgbImage) -> Option<Print> {
        let paper = self.paper();
        self.print(fit(picture, self.room, paper.edge), self.cells)
    }

    /// The picture with a so many-th part of its pixels a side; the first is as many as it has. None where there are
    /// too few already.
    fn coarse(&self, picture: &RgbImage, by: u32) -> Option<Print> {
        let (width, height) = inside((picture.width(), picture.height()), self.room);
        let native = (picture.width().min(width), picture.height().min(height));
        let (width, height) = (native.0 / by, native.1 / by);
        if width.min(height) < COARSEST {
            return None;
        }
        let small = imageops::resize(picture, width, height, imageops::FilterType::Triangle);
        let print = match self.paper().graphics {
            Graphics::Kitty | Graphics::Iterm2 => self.print(small, self.size(native))?,
            Graphics::Sixel => self.full(&small)?,
            Graphics::HalfBlocks => plain(self.full(&small)?),
        };
        // All the pixels that there are, enlarged by the terminal, are as good as larger ones.
        Some(Print { coarse: by > 1 || !matches!(self.paper().graphics, Graphics::Kitty | Graphics::Iterm2), ..print })
    }

    /// The characters that a picture of this shape fills, where the terminal enlarges it.
    fn size(&self, shape: (u32, u32)) -> Size {
        let (width, height) = inside((shape.0 * self.room.0, shape.1 * self.room.0), self.room);
        let count =
            |pixels: u32, font: u16, most: u16| ((pixels + u32::from(font) / 2) / u32::from(font).max(1)).clamp(1, most.into()) as u16;
        let (across, down) = self.paper().font;
        Size::new(count(width, across, self.cells.width), count(height, down, self.cells.height))
    }

    fn print(&self, picture: RgbImage, size: Size) -> Option<Print> {
        let print = |pieces| Print { size, cells: None, pieces, id: 0, coarse: false };
        match self.paper().graphics {
            Graphics::HalfBlocks => {
                let blocks = Protocol::Halfblocks(Halfblocks::new(DynamicImage::ImageRgb8(picture), size).ok()?);
                let mut cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
                Image::new(&blocks).render(cells.area, &mut cells);
                Some(Print { cells: Some(cells), ..print(Vec::new()) })
            }
            Graphics::Sixel => Some(print(self.bands(&picture, size)?)),
            Graphics::Iterm2 => Some(print(vec![Piece { row: 0, text: iterm2(picture, size, self.paper().tmux)? }])),
            Graphics::Kitty => kitty::print(&picture, size, self.paper(), (self.key.slot, self.turn), self.limit.piece),
        }
    }

    /// Sixels in bands that can be written one by one, where the whole is too much at once.
    fn bands(&self, picture: &RgbImage, size: Size) -> Option<Vec<Piece>> {
        let (paper, whole) = (self.paper(), size.height);
        let sixel = |row: u16, rows: u16| {
            let (top, font) = (u32::from(row) * u32::from(paper.font.1), u32::from(paper.font.1));
            let band = imageops::crop_imm(picture, 0, top, picture.width(), u32::from(rows) * font).to_image();
            let sixel = Sixel::new(DynamicImage::ImageRgb8(band), Size::new(size.width, rows), paper.tmux).ok()?;
            Some(Piece { row, text: sixel.data })
        };
        let one = sixel(0, whole)?;
        let rows = usize::from(whole) * self.limit.piece.min(one.text.len()) / one.text.len().max(1);
        if rows >= usize::from(whole) {
            return Some(vec![one]);
        }
        let rows = (rows as u16).max(1);
        (0..whole).step_by(rows.into()).map(|row| sixel(row, rows.min(whole - row))).collect()
    }
}

/// A print whose characters of one colour are blank: that costs a third.
fn plain(mut print: Print) -> Print {
    for cell in print.cells.iter_mut().flat_map(|cells| &mut cells.content).filter(|cell| cell.fg == cell.bg) {
        cell.set_symbol(" ").set_fg(Color::Reset);
    }
    print
}

/// A picture for iTerm2, which enlarges it to these characters.
fn iterm2(picture: RgbImage, size: Size, tmux: bool) -> Option<String> {
    let mut png = Vec::new();
    DynamicImage::ImageRgb8(picture).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).ok()?;
    let facts = format!("size={};width={};height={};preserveAspectRatio=0;doNotMoveCursor=1", png.len(), size.width, size.height);
    let text = format!("\x1b]1337;File=inline=1;{facts}:{}\x07", STANDARD.encode(png));
    Some(if tmux { kitty::through_tmux(&text) } else { text })
}

/// The largest size of this shape inside another.
fn inside((width, height): (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let shrink = (f64::from(room.0) / f64::from(width)).min(f64::from(room.1) / f64::from(height)).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * shrink).round() as u32).max(1);
    (side(width), side(height))
}

/// A picture in the middle of so many pixels: enlarged by a whole factor, so that its pixels stay squares, or made
/// smaller where it must be.
fn fit(picture: &RgbImage, (width, height): (u32, u32), edge: [u8; 3]) -> RgbImage {
    let mut paper = RgbImage::from_pixel(width.max(1), height.max(1), Rgb(edge));
    let factor = (width / picture.width().max(1)).min(height / picture.height().max(1));
    let scaled = if factor > 0 {
        imageops::resize(picture, picture.width() * factor, picture.height() * factor, imageops::FilterType::Nearest)
    } else {
        let (width, height) = inside((picture.width(), picture.height()), (width, height));
        imageops::resize(picture, width, height, imageops::FilterType::Triangle)
    };
    let middle = |outer: u32, inner: u32| i64::from(outer.saturating_sub(inner) / 2);
    let (x, y) = (middle(paper.width(), scaled.width()), middle(paper.height(), scaled.height()));
    imageops::replace(&mut paper, &scaled, x, y);
    paper
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;
