//! The way back through one convolution: the gradients of what it read and of its weight, from that of what it wrote.

use super::buffers::{give, take};
use super::frame::{Gradient, Source};
use super::norm::Sums;
use super::numbers::Numbers;
use super::plan::{Block, Packed, Plan, SCRATCH, Scratch, Way, gather_all, room, spread_all};
use super::product::{Matrix, product};
use super::tiles::Tiles;
use super::winograd::POINTS;
use rayon::prelude::*;
use std::ops::Range;

/// The gradient of numbers, to which more readers of them may add.
pub struct Pending {
    pub values: Vec<f32>,
    /// Its sums, where the numbers are normalised.
    pub sums: Option<Sums>,
    /// Whether anything is in it yet.
    pub begun: bool,
}

impl Pending {
    pub fn of(numbers: &Numbers) -> Pending {
        let sums = numbers.line.as_ref().map(|_| Sums::new(numbers.size.2));
        Pending { values: take(numbers.values.len()), sums, begun: false }
    }

    /// Adds sums of a part of the batch.
    pub fn add(&mut self, more: Option<&Sums>) {
        if let (Some(sums), Some(more)) = (&mut self.sums, more) {
            sums.add(more);
        }
    }
}

/// A part of the batch, and its share of each source's gradient where that is wanted.
struct Part<'a> {
    images: Range<usize>,
    shares: Vec<Option<Share<'a>>>,
}

struct Share<'a> {
    values: &'a mut [f32],
    sums: Option<Sums>,
    /// Whether there is something that it is added to.
    add: bool,
}

impl Plan {
    /// The gradient of the weight, from that of what the layer wrote; those of the sources go to the targets that there are.
    pub fn backward(&self, packed: &Packed, sources: &[Source], gradient: &Gradient, targets: &mut [Option<Pending>]) -> Vec<f32> {
        let batch = gradient.values.len() / self.result_len();
        let wanted = targets.iter().any(Option::is_some);
        let done: Vec<_> = self
            .parts(batch, sources, targets)
            .into_par_iter()
            .map(|mut of| {
                let mut weight = take(packed.there.len());
                for image in of.images.clone().step_by(self.images(batch)) {
                    let (images, first) = (self.images(batch).min(of.images.end - image), image == of.images.start);
                    let block = Block { image, images, row: 0, rows: self.tiles().0 };
                    SCRATCH.with_borrow_mut(|scratch| {
                        self.backward_block(packed, (sources, gradient), (block, wanted, first), (&mut weight, scratch));
                        if wanted {
                            self.pass_back(sources, block, scratch, &mut of);
                        }
                    });
                }
                (weight, of.shares.into_iter().map(|share| share?.sums).collect::<Vec<_>>())
            })
            .collect();
        let mut all: Option<Vec<f32>> = None;
        for (weight, sums) in done {
            targets.iter_mut().zip(&sums).for_each(|(target, sums)| target.iter_mut().for_each(|target| target.add(sums.as_ref())));
            all = Some(match all {
                None => weight,
                Some(mut all) => {
                    all.par_chunks_mut(1 << 14).zip(weight.par_chunks(1 << 14)).for_each(|(all, weight)| {
                        all.iter_mut().zip(weight).for_each(|(all, value)| *all += value);
                    });
                    give(weight);
                    all
                }
            });
        }
        targets.iter_mut().flatten().for_each(|target| target.begun = true);
        all.unwrap_or_default()
    }

    fn parts<'a>(&self, batch: usize, sources: &[Source], targets: &'a mut [Option<Pending>]) -> Vec<Part<'a>> {
        let part = Plan::part(batch);
        let mut parts: Vec<_> =
            (0..batch).step_by(part).map(|first| Part { images: first..(first + part).min(batch), shares: Vec::new() }).collect();
        for (source, target) in sources.iter().zip(targets) {
            let Some(Pending { values, begun, .. }) = target else {
                parts.iter_mut().for_each(|part| part.shares.push(None));
                continue;
            };
            let chunks = values.chunks_mut(part * self.from.0 * self.from.1 * source.channels);
            for (part, chunk) in parts.iter_mut().zip(chunks) {
                let sums = source.line.map(|_| Sums::new(source.channels));
                part.shares.push(Some(Share { values: chunk, sums, add: *begun }));
            }
        }
        parts
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

    /// Passes the sources' gradients from the scratch back to a part's pictures.
    fn pass_back(&self, sources: &[Source], block: Block, scratch: &mut Scratch, part: &mut Part) {
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
            for (source, share) in sources.iter().zip(&mut part.shares) {
                if let Some(Share { values, sums, add }) = share {
                    let len = picture.0 * picture.1 * source.channels;
                    let out = &mut values[(block.image + image - part.images.start) * len..][..len];
                    frame.pass_back(picture, laid_out, (source, before), block.image + image, (out, sums.as_mut(), *add));
                }
                before += source.channels;
            }
        }
    }
}
