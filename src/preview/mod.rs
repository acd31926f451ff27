//! Pixels → what the terminal can show, on a thread of its own.
//!
//! Every [`Place`] on the screen holds one picture. The newest wish for a place is the only one that is encoded; until
//! it is ready the old picture stays. Drawing copies strings and nothing else.

mod arrange;
mod encoder;
mod kitty;
mod print;

pub use arrange::{Arrangement, Difference, enlargement};
pub use encoder::Encoder;
pub use kitty::{abandon, forget, forget_all, through_tmux};
pub use print::{Piece, Print, encode, weight};

use crate::app::{Pictures, Source};
use crate::link::Picture;
use crate::recipe::RunId;
use ratatui::layout::{Rect, Size};
use std::collections::HashMap;
use std::sync::Arc;

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

/// How many pictures kitty is sent before the number of the first is used again.
const TURNS: u8 = 100;

/// The most pixels across and down that xterm takes, unless it is told otherwise.
const SIXEL: u16 = 1000;

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
    /// A number for kitty that stays with the place. The uppermost byte is left for [`Wish::turn`].
    fn kitty_id(self) -> u32 {
        match self {
            Slot::Preview => 0x00da_0001,
            // As many as can be told apart in 24 bits: a filter may bring runs together that are far from one another.
            Slot::Thumb(RunId(run)) => 0x0040_0000 | (run & 0x003f_ffff) as u32,
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
    /// What belongs there.
    pub sources: Vec<Source>,
    /// How that becomes one picture.
    pub arrangement: Arrangement,
}

/// All that decides an encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The spot.
    pub slot: Slot,
    /// What is shown.
    pub sources: Vec<Source>,
    arrangement: Arrangement,
    cells: Size,
    paper: Paper,
}

/// As much as a picture may cost on a slow link, as long as others follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The bytes of a whole picture.
    pub picture: usize,
    /// The bytes of a piece of it, between which keys are answered.
    pub piece: usize,
}

impl Limit {
    /// None: the bytes that kitty's protocol allows in a piece are the only bound.
    pub const NONE: Limit = Limit { picture: usize::MAX, piece: usize::MAX };
}

/// A picture to be encoded.
pub struct Wish {
    key: Key,
    pictures: Vec<Picture>,
    limit: Limit,
    /// Changes from one picture to the next, so that kitty holds the old one until the new one is whole.
    turn: u8,
}

/// A picture as the terminal takes it.
pub struct Encoded {
    /// What it is of.
    pub key: Key,
    /// It itself.
    pub print: Arc<Print>,
    limit: Limit,
    difference: Option<Difference>,
}

/// What is on the screen now, and what is wished for.
pub struct Shelf {
    paper: Paper,
    limit: Limit,
    encoded: HashMap<Slot, Encoded>,
    wished: HashMap<Slot, (Key, Limit)>,
    turn: u8,
}

impl Encoded {
    /// Whether even the coarsest in pixels costs several times what it may.
    pub fn is_too_much(&self) -> bool {
        let Limit { picture, piece } = self.limit;
        let moving = picture != usize::MAX && !self.print.pieces.is_empty();
        moving && (self.print.largest() > piece.saturating_mul(2) || self.print.bytes() > picture.saturating_mul(4))
    }
}

impl Shelf {
    /// Nothing yet.
    pub fn new(paper: Paper) -> Shelf {
        Shelf { paper, limit: Limit::NONE, encoded: HashMap::new(), wished: HashMap::new(), turn: 0 }
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

    /// How much a picture may cost from now on. Pictures that cost more are made coarser; those that are coarser than
    /// they must be are made anew.
    pub fn limit(&mut self, limit: Limit) {
        self.limit = limit;
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
        for Place { slot, area, sources, arrangement } in places {
            let (cells, paper) = (area.as_size(), self.paper);
            let key = Key { slot: *slot, sources: sources.clone(), arrangement: *arrangement, cells, paper };
            let Some(found) = sources.iter().map(|source| pictures.get(*source).cloned()).collect::<Option<Vec<_>>>() else { continue };
            let enough = |done: &Encoded| !done.print.coarse || done.limit == self.limit || self.limit.picture != usize::MAX;
            let done = |done: &Encoded| done.key == key && enough(done);
            if found.is_empty() || area.is_empty() || self.encoded.get(slot).is_some_and(done) {
                continue;
            }
            let wished = (key, self.limit);
            if self.wished.get(slot) != Some(&wished) {
                self.turn = (self.turn + 1) % TURNS;
                self.wished.insert(*slot, wished.clone());
            }
            wishes.push(Wish { key: wished.0, pictures: found, limit: self.limit, turn: self.turn });
        }
        wishes
    }

    /// Takes a picture from the thread; false where it is no longer wished for.
    pub fn put(&mut self, encoded: Encoded) -> bool {
        let slot = encoded.key.slot;
        if !self.wished.get(&slot).is_some_and(|(key, limit)| *key == encoded.key && *limit == encoded.limit) {
            return false;
        }
        self.wished.remove(&slot);
        self.encoded.insert(slot, encoded);
        true
    }

    /// The picture for a place, where one of the right size is ready. Pixel pictures under `cover` are left out: some
    /// terminals would draw them over it, and others would never get to see them.
    pub fn get(&self, slot: Slot, area: Rect, cover: Option<Rect>) -> Option<&Arc<Print>> {
        let encoded = self.encoded.get(&slot).filter(|encoded| encoded.key.cells == area.as_size())?;
        let covered = cover.is_some_and(|cover| cover.intersects(area)) && self.paper.graphics != Graphics::HalfBlocks;
        (!covered && encoded.key.paper.graphics == self.paper.graphics).then_some(&encoded.print)
    }

    /// Whether pictures are coarser than they could be.
    pub fn is_coarse(&self) -> bool {
        self.encoded.values().any(|encoded| encoded.print.coarse)
    }

    /// How far the two pictures in a slot are from one another, where it shows that.
    pub fn difference(&self, slot: Slot) -> Option<Difference> {
        self.encoded.get(&slot).and_then(|encoded| encoded.difference)
    }

    /// The sources of the picture in a slot.
    pub fn shown(&self, slot: Slot) -> &[Source] {
        self.encoded.get(&slot).map_or(&[], |encoded| &encoded.key.sources)
    }
}
