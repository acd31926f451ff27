//! A convolution's weight between PyTorch's order and that of the products.

use super::buffers::{give, take};
use super::plan::{Packed, Plan, Way};
use super::tiles::{weigh, weigh_back};
use rayon::prelude::*;
use std::ops::Range;

impl Plan {
    /// Where a row of the packed weight has its numbers in PyTorch's: some of its columns, the first one's place, and how far
    /// the others are apart.
    fn origins(&self, row: usize) -> Vec<(Range<usize>, usize, usize)> {
        let (channels, features) = (self.from.2, self.to.2);
        let depth = self.depths().0;
        match &self.way {
            Way::Winograd { .. } if row % depth >= channels => Vec::new(),
            Way::Winograd { fold: 2 } => {
                // The neighbours before, at and behind pixel i are seen by the pixels 2i and 2i + 1 through these of 4 places.
                let seen = |neighbour: usize, odd: usize| [[Some(3), None], [Some(1), Some(2)], [None, Some(0)]][neighbour][odd];
                let (neighbour, channel) = (row / depth, row % depth);
                let pixels = (0..4).filter_map(|pixel| {
                    let (y, x) = (seen(neighbour / 3, pixel / 2)?, seen(neighbour % 3, pixel % 2)?);
                    Some((pixel * features..(pixel + 1) * features, channel * features * 16 + y * 4 + x, 16))
                });
                pixels.collect()
            }
            Way::Winograd { .. } => vec![(0..features, row % depth * 9 + row / depth, channels * 9)],
            Way::Gather(window) => {
                let area = window.kernel * window.kernel;
                vec![(0..features, row % channels * area + row / channels, channels * area)]
            }
            Way::Spread { window, mirrored } => {
                let (area, at, feature) = (window.kernel * window.kernel, row / features, row % features);
                match mirrored {
                    true => vec![(0..channels, feature * channels * area + area - 1 - at, area)],
                    false => vec![(0..channels, feature * area + at, features * area)],
                }
            }
        }
    }

    /// Rows and columns of the packed weight, before it is brought to the points.
    fn packed(&self) -> (usize, usize) {
        let (depth, wide) = self.depths();
        match &self.way {
            Way::Winograd { .. } => (9 * depth, wide),
            Way::Gather(window) => (window.depth(), wide),
            Way::Spread { window, .. } => (window.depth(), depth),
        }
    }

    /// PyTorch's weight as the products want it, there and where it is asked for back.
    pub fn pack(&self, weight: &[f32], back: bool) -> Packed {
        let (rows, columns) = self.packed();
        let mut packed = take(rows * columns);
        packed.par_chunks_mut(columns).enumerate().with_min_len(16).for_each(|(row, packed)| {
            packed.fill(0.0);
            for (part, first, step) in self.origins(row) {
                packed[part].iter_mut().zip(weight[first..].iter().step_by(step)).for_each(|(to, value)| *to = *value);
            }
        });
        match &self.way {
            Way::Winograd { .. } => {
                let turned = || back.then(|| turned(&packed, self.depths()));
                let (there, turned) = rayon::join(|| weigh(&packed), || turned().map(|windows| given(windows, weigh)));
                give(packed);
                Packed { there, turned: turned.unwrap_or_default() }
            }
            _ => Packed { there: packed, turned: Vec::new() },
        }
    }

    /// The way back from [`Plan::pack`], of a gradient.
    pub fn unpack(&self, packed: &[f32], weight: &mut [f32]) {
        let windows = matches!(self.way, Way::Winograd { .. }).then(|| weigh_back(packed));
        for (row, packed) in windows.as_deref().unwrap_or(packed).chunks_exact(self.packed().1).enumerate() {
            for (part, first, step) in self.origins(row) {
                weight[first..].iter_mut().step_by(step).zip(&packed[part]).for_each(|(to, value)| *to = *value);
            }
        }
        windows.into_iter().for_each(give);
    }
}

/// What is made of a buffer that is done with then.
fn given(buffer: Vec<f32>, make: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    let made = make(&buffer);
    give(buffer);
    made
}

/// The transposes of matrices of one size.
fn turned(matrices: &[f32], (rows, columns): (usize, usize)) -> Vec<f32> {
    let mut turned = take(matrices.len());
    let each = turned.par_chunks_mut(rows * columns).zip(matrices.par_chunks(rows * columns));
    each.for_each(|(turned, matrix)| {
        for (row, matrix) in matrix.chunks_exact(columns).enumerate() {
            turned[row..].iter_mut().step_by(rows).zip(matrix).for_each(|(to, value)| *to = *value);
        }
    });
    turned
}
