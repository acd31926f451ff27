//! How one convolution is computed: what its weight becomes, and its products forwards and back, for a few pictures at a time
//! that stay in a thread's cache.

use super::buffers::{give, take};
use super::frame::{Frame, Source};
use super::lanes::LANES;
use super::norm::Deviations;
use super::product::{Matrix, product};
use super::tiles::Tiles;
use super::window::Window;
use super::winograd::{POINTS, REACH, TILE};
use rayon::prelude::*;
use std::cell::RefCell;
use std::iter;
use std::ops::Range;

/// Tiles that a thread works on at a time: enough that the weight, which comes from afar, is read for many.
const TILES: usize = 128;
/// Floats of laid-out neighbourhoods that a thread works on at a time.
const COLUMNS: usize = 128 * 1024;
/// The pictures of a batch are summed up in so many parts, whatever the number of threads: the same sums in the same order. More
/// threads than this have nothing to do on the way back.
const PARTS: usize = 8;
/// Pictures that are worth a sum of their own.
const SMALLEST: usize = 16;

/// A convolution from pictures of one size to pictures of another.
#[derive(Clone, Debug)]
pub struct Plan {
    pub way: Way,
    /// Height, width and channels of what comes in, and of what goes out.
    pub from: (usize, usize, usize),
    pub to: (usize, usize, usize),
}

/// Which products it comes to.
#[derive(Clone, Debug)]
pub enum Way {
    /// A convolution of 3 x 3, by its tiles' points. With a fold of 2 it is a transposed convolution of 4 x 4, stride 2 and padding 1: seen from a
    /// pixel that comes in, each of the four pixels that come out of it looks at 2 x 2 of 3 x 3 neighbours.
    Winograd { fold: usize },
    /// A convolution by its neighbourhoods.
    Gather(Window),
    /// A transposed convolution; or, mirrored, a convolution to few features, which so are spread instead of many channels
    /// gathered.
    Spread { window: Window, mirrored: bool },
}

/// A weight as the products want it, and at the points its transpose where there is a way back.
#[derive(Debug)]
pub struct Packed {
    pub there: Vec<f32>,
    pub turned: Vec<f32>,
}

impl Packed {
    /// Gives its buffers to the next one.
    pub fn give(&mut self) {
        give(std::mem::take(&mut self.there));
        give(std::mem::take(&mut self.turned));
    }
}

/// The pictures of a batch, and the rows of tiles in each, that are worked on at a time.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub image: usize,
    pub images: usize,
    pub row: usize,
    pub rows: usize,
}

/// What a thread keeps from one block to the next.
#[derive(Default)]
pub(super) struct Scratch {
    pub frame: Vec<f32>,
    pub points: Vec<f32>,
    pub results: Vec<f32>,
    pub grid: Vec<f32>,
}

thread_local! {
    pub(super) static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Plan {
    pub(super) fn tiles(&self) -> (usize, usize) {
        (self.from.0.div_ceil(TILE), self.from.1.div_ceil(TILE))
    }

    /// Channels on both sides of the points' products.
    pub(super) fn depths(&self) -> (usize, usize) {
        let Way::Winograd { fold } = self.way else { return (self.from.2, self.to.2) };
        (self.from.2.next_multiple_of(LANES), (self.to.2 * fold * fold).next_multiple_of(LANES))
    }

    pub(super) fn source_len(&self) -> usize {
        self.from.0 * self.from.1 * self.from.2
    }

    pub(super) fn result_len(&self) -> usize {
        self.to.0 * self.to.1 * self.to.2
    }

    /// Pictures of a part of a batch.
    pub(super) fn part(batch: usize) -> usize {
        batch.div_ceil(PARTS).max(SMALLEST)
    }

    /// Pictures that are worked on at a time.
    pub(super) fn images(&self, batch: usize) -> usize {
        let at_once = match &self.way {
            Way::Winograd { .. } => TILES / (self.tiles().0 * self.tiles().1),
            Way::Gather(window) | Way::Spread { window, .. } => COLUMNS / (window.places() * window.depth()),
        };
        at_once.clamp(1, Plan::part(batch))
    }

    /// The layer's numbers, before their normalisation, and how they deviate where it is wanted.
    pub fn forward(&self, packed: &Packed, sources: &[Source], batch: usize, deviations: bool) -> (Vec<f32>, Vec<Deviations>) {
        let mut out = take(batch * self.result_len());
        let sums = self.blocks(batch, &mut out).map(|(block, out)| {
            SCRATCH.with_borrow_mut(|scratch| self.forward_block(packed, sources, block, (out, scratch), false));
            deviations.then(|| Deviations::of(out, self.to.2))
        });
        let sums: Vec<_> = sums.collect();
        (out, sums.into_iter().flatten().collect())
    }

    /// `out` += the layer's numbers.
    pub fn add(&self, packed: &Packed, source: Source, batch: usize, out: &mut [f32]) {
        self.blocks(batch, out).for_each(|(block, out)| {
            SCRATCH.with_borrow_mut(|scratch| self.forward_block(packed, &[source], block, (out, scratch), true));
        });
    }

    /// What is worked on at a time, with its place in the result.
    fn blocks<'a>(&'a self, batch: usize, out: &'a mut [f32]) -> impl ParallelIterator<Item = (Block, &'a mut [f32])> {
        let images = self.images(batch);
        let (rows, strip) = match &self.way {
            // A picture of many tiles is cut into strips.
            Way::Winograd { fold } if images == 1 => {
                let rows = TILES.div_ceil(self.tiles().1).min(self.tiles().0);
                (rows, (rows * TILE * fold * self.to.1 * self.to.2).min(self.result_len()))
            }
            _ => (self.tiles().0, images * self.result_len()),
        };
        out.par_chunks_mut(images * self.result_len()).enumerate().flat_map(move |(group, out)| {
            let strips = out.par_chunks_mut(strip).enumerate();
            strips.map(move |(at, out)| {
                let images = if images == 1 { 1 } else { out.len() / self.result_len() };
                (Block { image: group * self.images(batch), images, row: at * rows, rows: rows.min(self.tiles().0 - at * rows) }, out)
            })
        })
    }

    /// Writes a block's numbers to `out`, or adds them to what is there.
    fn forward_block(&self, packed: &Packed, sources: &[Source], block: Block, (out, scratch): (&mut [f32], &mut Scratch), add: bool) {
        match &self.way {
            Way::Winograd { fold } => self.by_points(packed, sources, (block, *fold), (out, scratch), add),
            Way::Gather(window) => {
                self.lay_out_dense(sources, block, &mut scratch.frame);
                gather_all(window, &scratch.frame, &mut scratch.points);
                product(Matrix::rows(&scratch.points, window.depth()), Matrix::rows(&packed.there, self.to.2), (out, self.to.2), add);
            }
            Way::Spread { window, .. } => {
                self.lay_out_dense(sources, block, &mut scratch.frame);
                let columns = room(&mut scratch.points, scratch.frame.len() / self.from.2 * window.depth());
                product(
                    Matrix::rows(&scratch.frame, self.from.2),
                    Matrix::rows(&packed.there, self.from.2).turned(),
                    (columns, window.depth()),
                    false,
                );
                if !add {
                    out.fill(0.0);
                }
                spread_all(window, columns, out);
            }
        }
    }

    fn by_points(
        &self,
        packed: &Packed,
        sources: &[Source],
        (block, fold): (Block, usize),
        (out, scratch): (&mut [f32], &mut Scratch),
        add: bool,
    ) {
        let (tiles, wide) = (self.block_tiles(block), self.depths().1);
        self.to_points(sources, block, scratch);
        let results = Tiles { depth: wide, ..tiles };
        let made = room(&mut scratch.results, POINTS * results.stride());
        for point in 0..POINTS {
            let left = Matrix::rows(&scratch.points[point * tiles.stride()..][..tiles.all * tiles.depth], tiles.depth);
            let right = Matrix::rows(&packed.there[point * tiles.depth * wide..][..tiles.depth * wide], wide);
            let to = &mut made[point * results.stride()..][..tiles.all * wide];
            let alive = self.alive(point, fold);
            if fold > 1 {
                to.fill(0.0);
            }
            alive.into_iter().for_each(|part| product(left, right.part(&part), (&mut to[part.start..], wide), false));
        }
        let frame = self.grid_frame(block, fold);
        let grid = room(&mut scratch.grid, frame.len());
        let each = out.len() / block.images;
        for (image, out) in out.chunks_mut(each).enumerate() {
            Tiles { first: image * tiles.count(), ..results }.after(made, grid);
            frame.write((self.to.0, self.to.1), grid, (block.row * TILE * fold, out), (self.to.2, add));
        }
    }

    /// The sources of a block at the points.
    pub(super) fn to_points(&self, sources: &[Source], block: Block, scratch: &mut Scratch) {
        let (tiles, frame) = (self.block_tiles(block), self.picture_frame(block));
        let points = room(&mut scratch.points, POINTS * tiles.stride());
        let laid_out = room(&mut scratch.frame, frame.len());
        for image in 0..block.images {
            frame.lay_out((self.from.0, self.from.1), sources, block.image + image, laid_out);
            Tiles { first: image * tiles.count(), ..tiles }.before(laid_out, points);
        }
    }

    pub(super) fn block_tiles(&self, block: Block) -> Tiles {
        let columns = self.tiles().1;
        Tiles { rows: block.rows, columns, depth: self.depths().0, first: 0, all: block.images * block.rows * columns }
    }

    pub(super) fn picture_frame(&self, block: Block) -> Frame {
        let around = REACH - TILE;
        Frame {
            top: (block.row * TILE) as isize - 1,
            left: 1,
            rows: block.rows * TILE + around,
            columns: self.tiles().1 * TILE + around,
            depth: self.depths().0,
            fold: 1,
        }
    }

    pub(super) fn grid_frame(&self, block: Block, fold: usize) -> Frame {
        let top = (block.row * TILE) as isize;
        Frame { top, left: 0, rows: block.rows * TILE, columns: self.tiles().1 * TILE, depth: self.depths().1, fold }
    }

    /// The features that a point has something of. Folded, an even pixel does not look at the neighbour behind, nor an odd one
    /// at that before: there the first and the last of the points are 0.
    pub(super) fn alive(&self, point: usize, fold: usize) -> Vec<Range<usize>> {
        if fold == 1 {
            return iter::once(0..self.depths().1).collect();
        }
        let half = |at: usize| {
            if at == 0 {
                0..1
            } else if at == REACH - 1 {
                1..2
            } else {
                0..2
            }
        };
        let (rows, columns, features) = (half(point / REACH), half(point % REACH), self.to.2);
        if columns.len() == 2 {
            return iter::once(rows.start * 2 * features..rows.end * 2 * features).collect();
        }
        rows.map(|row| (row * 2 + columns.start) * features..(row * 2 + columns.end) * features).collect()
    }

    pub(super) fn dense(size: (usize, usize, usize)) -> Frame {
        Frame { top: 0, left: 0, rows: size.0, columns: size.1, depth: size.2, fold: 1 }
    }

    pub(super) fn lay_out_dense(&self, sources: &[Source], block: Block, frame: &mut Vec<f32>) {
        let room = room(frame, block.images * self.source_len());
        for (image, frame) in room.chunks_exact_mut(self.source_len()).enumerate() {
            Plan::dense(self.from).lay_out((self.from.0, self.from.1), sources, block.image + image, frame);
        }
    }
}

/// So many floats, whatever is in them.
pub(super) fn room(kept: &mut Vec<f32>, len: usize) -> &mut [f32] {
    kept.resize(len, 0.0);
    kept
}

pub(super) fn gather_all(window: &Window, pictures: &[f32], columns: &mut Vec<f32>) {
    columns.clear();
    let len = window.picture.0 * window.picture.1 * window.channels;
    pictures.chunks_exact(len).for_each(|picture| window.gather(picture, columns));
}

pub(super) fn spread_all(window: &Window, columns: &[f32], pictures: &mut [f32]) {
    let len = window.picture.0 * window.picture.1 * window.channels;
    let each = window.places() * window.depth();
    pictures.chunks_exact_mut(len).zip(columns.chunks_exact(each)).for_each(|(picture, columns)| window.spread(columns, picture));
}
