//! A window that slides over channels-last pictures, as matrix products.
//!
//! A convolution looks at a picture through a window and writes one place of a grid for each place of the window; a
//! transposed convolution does the way back. So there are three products for both, and for their gradients: grid =
//! gather(picture) · weight, picture = spread(grid · weightᵀ), weight = gather(picture)ᵀ · grid. Neighbourhoods are laid out
//! for a few rows at a time, which stay in the cache.

use super::product::{Matrix, product};
use rayon::prelude::*;

/// Floats of laid-out neighbourhoods a thread works on at a time: half of a core's second cache.
const TILE: usize = 128 * 1024;
/// The pictures of a batch are summed up in so many parts, whatever the number of threads: the same sums in the same order.
const PARTS: usize = 8;

/// Sizes of a window, of the picture (b, height, width, channels) that it slides over, and of the grid (b, rows, columns,
/// features) of its places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Rows and columns of the window.
    pub kernel: usize,
    /// How far it moves.
    pub stride: usize,
    /// How far it begins outside.
    pub padding: usize,
    /// The picture's height and width.
    pub picture: (usize, usize),
    /// The grid's rows and columns.
    pub grid: (usize, usize),
    /// The picture's channels.
    pub channels: usize,
    /// The grid's features.
    pub features: usize,
}

impl Window {
    /// Floats of one neighbourhood.
    fn depth(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    fn picture_len(&self) -> usize {
        self.picture.0 * self.picture.1 * self.channels
    }

    fn grid_len(&self) -> usize {
        self.grid.0 * self.grid.1 * self.features
    }

    /// Rows of the grid that are worked on at a time.
    fn tile(&self) -> usize {
        (TILE / (self.depth() * self.grid.1).max(1)).clamp(1, self.grid.0.max(1))
    }

    /// PyTorch's weight (features, channels, kernel, kernel) as a matrix (kernel · kernel · channels, features).
    pub fn pack(&self, weight: &[f32]) -> Vec<f32> {
        let (area, channels, features) = (self.kernel * self.kernel, self.channels, self.features);
        let mut packed = vec![0.0; weight.len()];
        for (feature, weight) in weight.chunks_exact(channels * area).enumerate() {
            for (channel, weight) in weight.chunks_exact(area).enumerate() {
                for (at, value) in weight.iter().enumerate() {
                    packed[(at * channels + channel) * features + feature] = *value;
                }
            }
        }
        packed
    }

    /// The way back from [`Window::pack`].
    pub fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        let (area, channels, features) = (self.kernel * self.kernel, self.channels, self.features);
        let mut weight = vec![0.0; packed.len()];
        for (row, packed) in packed.chunks_exact(features).enumerate() {
            let (at, channel) = (row / channels, row % channels);
            for (feature, value) in packed.iter().enumerate() {
                weight[(feature * channels + channel) * area + at] = *value;
            }
        }
        weight
    }

    /// grid = gather(picture) · weight, for every picture of a batch.
    pub fn gather(&self, pictures: &[f32], packed: &[f32]) -> Vec<f32> {
        let batch = pictures.len() / self.picture_len();
        let mut grids = vec![0.0; batch * self.grid_len()];
        let rows = self.tile();
        let strip = rows * self.grid.1 * self.features;
        let tiles = grids
            .par_chunks_mut(self.grid_len())
            .zip(pictures.par_chunks(self.picture_len()))
            .flat_map(|(grid, picture)| grid.par_chunks_mut(strip).enumerate().map(move |(at, strip)| (picture, at * rows, strip)));
        tiles.for_each_init(Vec::new, |columns, (picture, row, strip)| {
            let n = strip.len() / self.features;
            self.lay_out(picture, row..row + n / self.grid.1, columns);
            product(Matrix::rows(columns, self.depth()), Matrix::rows(packed, self.features), strip, false);
        });
        grids
    }

    /// picture = spread(grid · weightᵀ), for every grid of a batch.
    pub fn spread(&self, grids: &[f32], packed: &[f32]) -> Vec<f32> {
        let batch = grids.len() / self.grid_len();
        let mut pictures = vec![0.0; batch * self.picture_len()];
        let strip = self.tile() * self.grid.1 * self.features;
        let both = pictures.par_chunks_mut(self.picture_len()).zip(grids.par_chunks(self.grid_len()));
        both.for_each_init(Vec::new, |columns, (picture, grid)| {
            for (at, strip) in grid.chunks(strip).enumerate() {
                columns.resize(strip.len() / self.features * self.depth(), 0.0);
                product(Matrix::rows(strip, self.features), Matrix::rows(packed, self.features).turned(), columns, false);
                self.add_back(columns, at * self.tile(), picture);
            }
        });
        pictures
    }

    /// weight = gather(picture)ᵀ · grid, summed over a batch, as a packed matrix.
    pub fn weigh(&self, pictures: &[f32], grids: &[f32]) -> Vec<f32> {
        let batch = grids.len() / self.grid_len();
        let part = batch.div_ceil(PARTS).max(1);
        let sums = pictures.par_chunks(part * self.picture_len()).zip(grids.par_chunks(part * self.grid_len())).map(|(pictures, grids)| {
            let (mut sum, mut columns) = (vec![0.0; self.depth() * self.features], Vec::new());
            for (picture, grid) in pictures.chunks(self.picture_len()).zip(grids.chunks(self.grid_len())) {
                for (at, strip) in grid.chunks(self.tile() * self.grid.1 * self.features).enumerate() {
                    let (row, rows) = (at * self.tile(), strip.len() / self.features / self.grid.1);
                    self.lay_out(picture, row..row + rows, &mut columns);
                    product(Matrix::rows(&columns, self.depth()).turned(), Matrix::rows(strip, self.features), &mut sum, true);
                }
            }
            sum
        });
        let sums: Vec<_> = sums.collect();
        let mut sums = sums.into_iter();
        let first = sums.next().unwrap_or_default();
        sums.fold(first, |mut all, sum| {
            all.iter_mut().zip(sum).for_each(|(all, value)| *all += value);
            all
        })
    }

    /// The neighbourhoods of some rows of the grid, one after the other: (rows · columns, kernel · kernel · channels), zeros
    /// beyond the picture's edges.
    fn lay_out(&self, picture: &[f32], rows: std::ops::Range<usize>, columns: &mut Vec<f32>) {
        let (height, width) = self.picture;
        columns.clear();
        columns.reserve(rows.len() * self.grid.1 * self.depth());
        for row in rows {
            for column in 0..self.grid.1 {
                let (before, within, after) = self.cut(column, width);
                let x = (column * self.stride + before).wrapping_sub(self.padding);
                for dy in 0..self.kernel {
                    let y = (row * self.stride + dy).wrapping_sub(self.padding);
                    if y >= height || within == 0 {
                        columns.resize(columns.len() + self.kernel * self.channels, 0.0);
                        continue;
                    }
                    columns.resize(columns.len() + before * self.channels, 0.0);
                    columns.extend_from_slice(&picture[(y * width + x) * self.channels..][..within * self.channels]);
                    columns.resize(columns.len() + after * self.channels, 0.0);
                }
            }
        }
    }

    /// Adds laid-out neighbourhoods of the grid's rows from `first` on to the picture that they are of.
    fn add_back(&self, columns: &[f32], first: usize, picture: &mut [f32]) {
        let (height, width) = self.picture;
        for (place, columns) in columns.chunks_exact(self.depth()).enumerate() {
            let (row, column) = (first + place / self.grid.1, place % self.grid.1);
            let (before, within, _) = self.cut(column, width);
            let x = (column * self.stride + before).wrapping_sub(self.padding);
            for (dy, line) in columns.chunks_exact(self.kernel * self.channels).enumerate() {
                let y = (row * self.stride + dy).wrapping_sub(self.padding);
                if y < height && within > 0 {
                    let to = &mut picture[(y * width + x) * self.channels..][..within * self.channels];
                    to.iter_mut().zip(&line[before * self.channels..]).for_each(|(to, value)| *to += value);
                }
            }
        }
    }

    /// How many columns of the window lie before, in and behind a line of the picture.
    fn cut(&self, column: usize, width: usize) -> (usize, usize, usize) {
        let begin = column * self.stride;
        let before = self.padding.saturating_sub(begin).min(self.kernel);
        let after = (begin + self.kernel).saturating_sub(self.padding + width).min(self.kernel - before);
        (before, self.kernel - before - after, after)
    }
}
