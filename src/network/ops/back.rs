//! The way back through one convolution: the gradients of what it read and of its weight, from that of what it wrote.

use super::buffers::{give, take};
use super::frame::{Gradient, Source};
use super::norm::Sums;
use super::plan::{Block, Plan, SCRATCH, Scratch, Way, gather_all, room, spread_all};
use super::product::{Matrix, product};
use super::tiles::Tiles;
use super::weights::Packed;
use super::winograd::POINTS;
use rayon::prelude::*;
use std::ops::Range;

/// What comes back from a layer: the gradients of its sources and of its weight, and the sums where the source is normalised.
pub struct Backward {
    pub sources: Vec<Vec<f32>>,
    pub sums: Sums,
    pub weight: Vec<f32>,
}

/// Of the batch's parts: their gradients of the sources.
struct Part<'a> {
    images: Range<usize>,
    sources: Vec<&'a mut [f32]>,
}

impl Plan {
    /// The gradients of the sources, where they are wanted, and of the weight, from that of what the layer wrote.
    pub fn backward(&self, packed: &Packed, sources: &[Source], gradient: &Gradient, batch: usize, wanted: bool) -> Backward {
        let part = Plan::part(batch);
        let mut back: Vec<Vec<f32>> = Vec::new();
        if wanted {
            back = sources.iter().map(|source| take(batch * self.from.0 * self.from.1 * source.channels)).collect();
        }
        let mut parts: Vec<_> =
            (0..batch).step_by(part).map(|first| Part { images: first..(first + part).min(batch), sources: Vec::new() }).collect();
        for (source, back) in sources.iter().zip(&mut back) {
            let chunks = back.chunks_mut(part * self.from.0 * self.from.1 * source.channels);
            parts.iter_mut().zip(chunks).for_each(|(part, chunk)| part.sources.push(chunk));
        }
        let sums: Vec<_> = parts
            .into_par_iter()
            .map(|mut part| {
                let (mut weight, mut sums) = (take(packed.there.len()), Sums::new(self.from.2));
                for image in part.images.clone().step_by(self.images(batch)) {
                    let (images, first) = (self.images(batch).min(part.images.end - image), image == part.images.start);
                    let block = Block { image, images, row: 0, rows: self.tiles().0 };
                    SCRATCH.with_borrow_mut(|scratch| {
                        self.backward_block(packed, (sources, gradient), (block, wanted, first), (&mut weight, scratch));
                        if wanted {
                            self.give(sources, block, scratch, (&mut part, &mut sums));
                        }
                    });
                }
                (weight, sums)
            })
            .collect();
        let mut all = sums.into_iter();
        let (mut weight, mut sums) = all.next().unwrap_or_else(|| (vec![0.0; packed.there.len()], Sums::new(self.from.2)));
        for (more, others) in all {
            weight.par_chunks_mut(1 << 14).zip(more.par_chunks(1 << 14)).for_each(|(weight, more)| {
                weight.iter_mut().zip(more).for_each(|(weight, value)| *weight += value);
            });
            give(more);
            sums.add(&others);
        }
        Backward { sources: back, sums, weight }
    }

    /// Adds to the weight's gradient, or begins it, and leaves that of the sources in the scratch's frames.
    fn backward_block(
        &self,
        packed: &Packed,
        (sources, gradient): (&[Source], &Gradient),
        (block, wanted, first): (Block, bool, bool),
        (weight, scratch): (&mut [f32], &mut Scratch),
    ) {
        let (from, to) = (self.from.2, self.to.2);
        if let Way::Winograd { fold } = self.way {
            self.to_points(sources, block, scratch);
            return self.back_by_points(packed, gradient, (block, fold), (wanted, first), (weight, scratch));
        }
        self.lay_out_dense(sources, block, &mut scratch.frame);
        let grid = room(&mut scratch.grid, block.images * self.result_len());
        for (image, grid) in grid.chunks_exact_mut(self.result_len()).enumerate() {
            Plan::dense(self.to).lay_out_gradient((self.to.0, self.to.1), gradient, block.image + image, grid);
        }
        match &self.way {
            Way::Gather(window) => {
                gather_all(window, &scratch.frame, &mut scratch.points);
                product(Matrix::rows(&scratch.points, window.depth()).turned(), Matrix::rows(grid, to), (weight, to), !first);
                if wanted {
                    product(Matrix::rows(grid, to), Matrix::rows(&packed.there, to).turned(), (&mut scratch.points, window.depth()), false);
                    scratch.frame.fill(0.0);
                    spread_all(window, &scratch.points, &mut scratch.frame);
                }
            }
            Way::Spread { window, .. } => {
                gather_all(window, grid, &mut scratch.points);
                let columns = Matrix::rows(&scratch.points, window.depth());
                product(columns.turned(), Matrix::rows(&scratch.frame, from), (weight, from), !first);
                product(columns, Matrix::rows(&packed.there, from), (&mut scratch.frame, from), false);
            }
            Way::Winograd { .. } => {}
        }
    }

    fn back_by_points(
        &self,
        packed: &Packed,
        gradient: &Gradient,
        (block, fold): (Block, usize),
        (wanted, first): (bool, bool),
        (weight, scratch): (&mut [f32], &mut Scratch),
    ) {
        let (tiles, wide) = (self.block_tiles(block), self.depths().1);
        let results = Tiles { depth: wide, ..tiles };
        let frame = self.grid_frame(block, fold);
        let grid = room(&mut scratch.grid, frame.len());
        let made = room(&mut scratch.results, POINTS * results.stride());
        for image in 0..block.images {
            frame.lay_out_gradient((self.to.0, self.to.1), gradient, block.image + image, grid);
            Tiles { first: image * tiles.count(), ..results }.after_back(grid, made);
        }
        for point in 0..POINTS {
            let there = &mut scratch.points[point * tiles.stride()..][..tiles.all * tiles.depth];
            let here = Matrix::rows(&made[point * results.stride()..][..tiles.all * wide], wide);
            let at = point * tiles.depth * wide..(point + 1) * tiles.depth * wide;
            let (right, weight) = (&packed.turned[at.clone()], &mut weight[at]);
            let alive = self.alive(point, fold);
            if first && fold > 1 {
                weight.fill(0.0);
            }
            for part in &alive {
                product(Matrix::rows(there, tiles.depth).turned(), here.part(part), (&mut weight[part.start..], wide), !first);
            }
            for (more, part) in alive.iter().enumerate().filter(|_| wanted) {
                let right = Matrix::rows(&right[part.start * tiles.depth..part.end * tiles.depth], tiles.depth);
                product(here.part(part), right, (there, tiles.depth), more > 0);
            }
        }
    }

    /// Gives the sources' gradients from the scratch to a part's pictures.
    fn give(&self, sources: &[Source], block: Block, scratch: &mut Scratch, (part, sums): (&mut Part, &mut Sums)) {
        let picture = (self.from.0, self.from.1);
        let (winograd, tiles) = (matches!(self.way, Way::Winograd { .. }), self.block_tiles(block));
        let frame = if winograd { self.picture_frame(block) } else { Plan::dense(self.from) };
        for image in 0..block.images {
            let laid_out = match winograd {
                true => {
                    let laid_out = room(&mut scratch.frame, frame.len());
                    laid_out.fill(0.0);
                    Tiles { first: image * tiles.count(), ..tiles }.before_back(&scratch.points, laid_out);
                    &*laid_out
                }
                false => &scratch.frame[image * frame.len()..][..frame.len()],
            };
            let mut before = 0;
            for (source, out) in sources.iter().zip(&mut part.sources) {
                let len = picture.0 * picture.1 * source.channels;
                let out = &mut out[(block.image + image - part.images.start) * len..][..len];
                frame.give(picture, laid_out, (source, before), block.image + image, (out, sums));
                before += source.channels;
            }
        }
    }
}
