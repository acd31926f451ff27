//! Pixels → what the terminal can show, on a thread of its own.
//!
//! Every [`Place`] on the screen holds one picture. The newest wish for a place is the only one that is encoded; until
//! it is ready the old picture stays. Drawing copies strings and nothing else.

use crate::app::{Pictures, Source};
use crate::link::Picture;
use crate::recipe::RunId;
use image::{DynamicImage, Rgb, RgbImage, imageops};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
    widgets::Widget,
};
use ratatui_image::Image;
use ratatui_image::protocol::{Protocol, halfblocks::Halfblocks, iterm2::Iterm2, kitty::Kitty, sixel::Sixel};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How pictures get onto the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Graphics {
    /// kitty's protocol, with placeholders.
    Kitty,
    /// Sixels.
    Sixel,
    /// iTerm2's inline images.
    Iterm2,
    /// Two coloured pixels a character, anywhere.
    HalfBlocks,
}

impl Graphics {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Graphics::Kitty => "kitty",
            Graphics::Sixel => "sixel",
            Graphics::Iterm2 => "iterm2",
            Graphics::HalfBlocks => "half-blocks",
        }
    }
}

/// How pictures are made for one terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Paper {
    /// The protocol.
    pub graphics: Graphics,
    /// Width and height of a character in pixels.
    pub font: (u16, u16),
    /// Whether the protocol has to be wrapped for tmux.
    pub tmux: bool,
    /// Whether kitty may be sent compressed pictures.
    pub compress: bool,
    /// The colour around a picture.
    pub edge: [u8; 3],
}

impl Paper {
    /// Half-blocks, which need to know nothing of the terminal.
    pub const HALF_BLOCKS: Paper = Paper { graphics: Graphics::HalfBlocks, font: (1, 2), tmux: false, compress: false, edge: [0; 3] };

    /// As much of an area as a picture may fill: xterm leaves out sixels that are larger than it was built for.
    fn most(&self, cells: Size) -> Size {
        let most =
            |cells: u16, pixels: u16| if self.graphics == Graphics::Sixel { cells.min((SIXEL / pixels.max(1)).max(1)) } else { cells };
        Size::new(most(cells.width, self.font.0), most(cells.height, self.font.1))
    }

    /// Pixels that an image of a digit needs to be told from another.
    fn least(&self) -> u32 {
        if self.graphics == Graphics::HalfBlocks { 7 } else { 3 * u32::from(self.font.0) }
    }

    /// Pixels in an area of so many characters.
    fn pixels(&self, cells: Size) -> (u32, u32) {
        let (width, height) = if self.graphics == Graphics::HalfBlocks { (1, 2) } else { self.font };
        (u32::from(cells.width) * u32::from(width), u32::from(cells.height) * u32::from(height))
    }
}

/// The most pixels across and down that xterm takes, unless it is told otherwise.
const SIXEL: u16 = 1000;

/// The side of an image on a training's sheet, and what lies between two.
const IMAGE: (u32, u32) = (28, 2);

/// A spot on the screen that holds one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The large one.
    Preview,
    /// One of several, by its place among them.
    Part(u16),
    /// A finished run's, in the strip.
    Thumb(RunId),
    /// A step's, under the preview, by its place there: its picture changes, the spot stays.
    Step(u16),
}

impl Slot {
    /// A number for kitty that stays with the place, so that a new picture replaces the old one in its memory.
    fn kitty_id(self) -> u32 {
        match self {
            Slot::Preview => 0x00da_0001,
            Slot::Thumb(RunId(run)) => 0x00db_0000 | (run & 0xfff) as u32,
            Slot::Part(at) => 0x00dd_0000 | u32::from(at),
            Slot::Step(at) => 0x00dc_0000 | u32::from(at),
        }
    }
}

/// A spot, where it is, and what belongs there.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The spot.
    pub slot: Slot,
    /// Where it is.
    pub area: Rect,
    /// What belongs there, side by side.
    pub sources: Vec<Source>,
    /// How many of them before a new row begins.
    pub columns: usize,
    /// Whether it is a sheet of a training's small images, of which the first stand for all where there is little room.
    pub sheet: bool,
}

/// All that decides an encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The spot.
    pub slot: Slot,
    /// What is shown.
    pub sources: Vec<Source>,
    columns: usize,
    sheet: bool,
    cells: Size,
    paper: Paper,
}

/// A picture to be encoded.
pub struct Wish {
    key: Key,
    pictures: Vec<Picture>,
}

/// A picture as the terminal takes it.
pub struct Encoded {
    /// What it is of.
    pub key: Key,
    protocol: Protocol,
}

/// What is on the screen now, and what is wished for.
pub struct Shelf {
    paper: Paper,
    encoded: HashMap<Slot, Encoded>,
    wished: HashMap<Slot, Key>,
}

impl Shelf {
    /// Nothing yet.
    pub fn new(paper: Paper) -> Shelf {
        Shelf { paper, encoded: HashMap::new(), wished: HashMap::new() }
    }

    /// How pictures are made now.
    pub fn paper(&self) -> Paper {
        self.paper
    }

    /// From now on pictures are made another way; those of another protocol are gone.
    pub fn change(&mut self, paper: Paper) {
        if paper.graphics != self.paper.graphics {
            self.encoded.clear();
        }
        self.paper = paper;
    }

    /// The terminal has forgotten its pictures: a clear, a resume.
    pub fn clear(&mut self) {
        self.encoded.clear();
        self.wished.clear();
    }

    /// What has to be encoded for the screen to show these places, as far as the pixels are here. Pictures of places
    /// that are gone are dropped.
    pub fn plan(&mut self, places: &[Place], pictures: &Pictures) -> Vec<Wish> {
        let wanted = |slot: &Slot| places.iter().any(|place| place.slot == *slot);
        self.encoded.retain(|slot, _| wanted(slot));
        self.wished.retain(|slot, _| wanted(slot));
        let mut wishes = Vec::new();
        for Place { slot, area, sources, columns, sheet } in places {
            let (cells, paper) = (area.as_size(), self.paper);
            let key = Key { slot: *slot, sources: sources.clone(), columns: *columns, sheet: *sheet, cells, paper };
            let Some(found) = sources.iter().map(|source| pictures.get(*source).cloned()).collect::<Option<Vec<_>>>() else { continue };
            if found.is_empty() || area.is_empty() || self.encoded.get(slot).is_some_and(|done| done.key == key) {
                continue;
            }
            self.wished.insert(*slot, key.clone());
            wishes.push(Wish { key, pictures: found });
        }
        wishes
    }

    /// Takes a picture from the thread; false where it is no longer wished for.
    pub fn put(&mut self, encoded: Encoded) -> bool {
        let slot = encoded.key.slot;
        if self.wished.get(&slot) != Some(&encoded.key) {
            return false;
        }
        self.wished.remove(&slot);
        self.encoded.insert(slot, encoded);
        true
    }

    /// The picture for a place, where one of the right size is ready. Pixel pictures under `cover` are left out: some
    /// terminals would draw them over it, and others would never get to see them.
    pub fn get(&self, slot: Slot, area: Rect, cover: Option<Rect>) -> Option<&Protocol> {
        let encoded = self.encoded.get(&slot).filter(|encoded| encoded.key.cells == area.as_size())?;
        let covered = cover.is_some_and(|cover| cover.intersects(area)) && self.paper.graphics != Graphics::HalfBlocks;
        (!covered && encoded.key.paper.graphics == self.paper.graphics).then_some(&encoded.protocol)
    }

    /// The sources of the picture in a slot.
    pub fn shown(&self, slot: Slot) -> &[Source] {
        self.encoded.get(&slot).map_or(&[], |encoded| &encoded.key.sources)
    }
}

/// The thread that encodes.
pub struct Encoder {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Desk {
    wishes: Mutex<Wishes>,
    bell: Condvar,
}

#[derive(Default)]
struct Wishes {
    list: Vec<Wish>,
    /// The one that is being encoded.
    making: Option<Key>,
    closed: bool,
}

impl Desk {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        // The list is whole at every moment, so a panic elsewhere has not spoilt it.
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the first wish; none once the desk is closed.
    fn next(&self) -> Option<Wish> {
        let mut wishes = self.wishes();
        loop {
            if wishes.closed {
                return None;
            }
            if !wishes.list.is_empty() {
                let wish = wishes.list.remove(0);
                wishes.making = Some(wish.key.clone());
                return Some(wish);
            }
            wishes.making = None;
            wishes = self.bell.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Encoder {
    /// Starts the thread, which hands every picture to `ready`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn spawn(ready: impl Fn(Encoded) + Send + 'static) -> std::io::Result<Encoder> {
        let desk = Arc::new(Desk::default());
        let work = desk.clone();
        let thread = std::thread::Builder::new().name("preview".to_owned()).spawn(move || {
            while let Some(wish) = work.next() {
                if let Some(encoded) = encode(wish) {
                    ready(encoded);
                }
            }
        })?;
        Ok(Encoder { desk, thread: Some(thread) })
    }

    /// What is wished for now, most wanted first. Older wishes that nobody has begun are forgotten.
    pub fn wish(&self, mut list: Vec<Wish>) {
        let mut wishes = self.desk.wishes();
        list.retain(|wish| wishes.making.as_ref() != Some(&wish.key));
        wishes.list = list;
        drop(wishes);
        self.desk.bell.notify_one();
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.desk.wishes().closed = true;
        self.desk.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes one picture; none where the protocol refuses it.
pub fn encode(wish: Wish) -> Option<Encoded> {
    let Key { slot, cells, paper, columns, sheet, .. } = wish.key;
    let cells = paper.most(cells);
    let (picture, room) = (tile(&wish.pictures, columns)?, paper.pixels(cells));
    let picture = if sheet { first_images(&picture, room, paper.least()) } else { picture };
    let picture = fit(&picture, room, paper.edge);
    let picture = DynamicImage::ImageRgb8(picture);
    let protocol = match paper.graphics {
        Graphics::HalfBlocks => Protocol::Halfblocks(Halfblocks::new(picture, cells).ok()?),
        Graphics::Sixel => Protocol::Sixel(Sixel::new(picture, cells, paper.tmux).ok()?),
        Graphics::Iterm2 => Protocol::ITerm2(Iterm2::new(picture, cells, paper.tmux).ok()?),
        Graphics::Kitty => kitty(picture, cells, slot, paper)?,
    };
    Some(Encoded { key: wish.key, protocol })
}

/// kitty before 0.28 draws its placeholders as empty boxes, and only tmux needs them. So elsewhere the same transmission
/// places the picture itself: an escape sequence in the first cell, as a sixel is.
fn kitty(picture: DynamicImage, cells: Size, slot: Slot, paper: Paper) -> Option<Protocol> {
    let held = Protocol::Kitty(Kitty::new(picture, cells, slot.kitty_id(), paper.tmux, paper.compress).ok()?);
    if paper.tmux {
        return Some(held);
    }
    let mut cell = Buffer::empty(Rect::new(0, 0, 1, 1));
    Image::new(&held).allow_clipping(true).render(cell.area, &mut cell);
    let (transmission, _) = cell.content.first()?.symbol().split_once('\u{10EEEE}')?;
    // One placement a picture, and the cursor stays where it is.
    let data = transmission.replacen("a=T,U=1,", "a=T,p=1,C=1,", 1);
    Some(Protocol::Sixel(Sixel { data, size: cells, is_tmux: false }))
}

/// What makes kitty forget the picture of a slot, where nothing else would take it off the screen.
pub fn forget(slot: Slot) -> String {
    format!("\x1b_Ga=d,d=I,q=2,i={}\x1b\\", slot.kitty_id())
}

/// Several pictures as one sheet.
fn tile(pictures: &[Picture], columns: usize) -> Option<RgbImage> {
    let images = pictures.iter().map(|picture| RgbImage::from_raw(picture.head.width, picture.head.height, picture.rgb.to_vec()));
    let mut images = images.collect::<Option<Vec<_>>>()?;
    if images.len() < 2 {
        return images.pop();
    }
    let width = images.iter().map(RgbImage::width).max()?;
    let height = images.iter().map(RgbImage::height).max()?;
    let columns = columns.clamp(1, images.len());
    let mut sheet = RgbImage::new(width * columns as u32, height * images.len().div_ceil(columns) as u32);
    for (at, image) in images.iter().enumerate() {
        let (column, row) = ((at % columns) as u32, (at / columns) as u32);
        imageops::replace(&mut sheet, image, i64::from(column * width), i64::from(row * height));
    }
    Some(sheet)
}

/// The first columns and rows of a sheet of small images, as many as have at least so many of the pixels that there are.
fn first_images(sheet: &RgbImage, (width, height): (u32, u32), least: u32) -> RgbImage {
    let shown = |side: u32, room: u32| {
        let all = ((side + IMAGE.1) / (IMAGE.0 + IMAGE.1)).max(1);
        let count = all.min((room / least.max(1)).max(1));
        if count == all { side } else { count * (IMAGE.0 + IMAGE.1) - IMAGE.1 }
    };
    imageops::crop_imm(sheet, 0, 0, shown(sheet.width(), width), shown(sheet.height(), height)).to_image()
}

/// A picture in the middle of so many pixels: enlarged by a whole factor, so that its pixels stay squares, or made
/// smaller where it must be.
fn fit(picture: &RgbImage, (width, height): (u32, u32), edge: [u8; 3]) -> RgbImage {
    let mut paper = RgbImage::from_pixel(width.max(1), height.max(1), Rgb(edge));
    let factor = (width / picture.width().max(1)).min(height / picture.height().max(1));
    let scaled = if factor > 0 {
        imageops::resize(picture, picture.width() * factor, picture.height() * factor, imageops::FilterType::Nearest)
    } else {
        let shrink = (f64::from(width) / f64::from(picture.width())).min(f64::from(height) / f64::from(picture.height()));
        let side = |pixels: u32| ((f64::from(pixels) * shrink).round() as u32).max(1);
        imageops::resize(picture, side(picture.width()), side(picture.height()), imageops::FilterType::Triangle)
    };
    let middle = |outer: u32, inner: u32| i64::from(outer.saturating_sub(inner) / 2);
    let (x, y) = (middle(paper.width(), scaled.width()), middle(paper.height(), scaled.height()));
    imageops::replace(&mut paper, &scaled, x, y);
    paper
}

#[cfg(test)]
#[path = "preview_tests.rs"]
mod tests;
