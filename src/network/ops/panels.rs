//! Products of rows with a matrix that stays: packed once in the order in which it is read, multiplied many times.
//!
//! ([`product`](super::product) reads both sides as they lie, for weights that change with each step.) A row need not lie in one piece: a pixel's neighbourhood is a few runs of floats of a channels-last picture, so that a
//! convolution multiplies the picture itself and lays nothing out.

use super::lasting::Lasting;
use candle_core::Result;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;
use std::slice::ChunksExactMut;

/// Rows whose sums are in registers at a time.
const ROWS: usize = 8;
/// The same of what is left over.
const FEW: usize = 4;
/// Vectors of each row's sums.
const VECTORS: usize = 2;

/// A matrix (depth, features) in strips of a few features, each of them row after row, filled up with zeros.
#[derive(Debug)]
pub struct Panels {
    depth: usize,
    features: usize,
    width: usize,
    values: Lasting,
}

/// How the floats of a row lie: `count` runs of `len` floats, `step` from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    pub count: usize,
    pub len: usize,
    pub step: usize,
}

impl Runs {
    /// A row in one piece.
    pub fn one(len: usize) -> Runs {
        Runs { count: 1, len, step: 0 }
    }
}

impl Panels {
    /// Packs a matrix (depth, features); `at` tells the number in a row and a column.
    pub fn new((depth, features): (usize, usize), at: impl Fn(usize, usize) -> f32 + Sync) -> Result<Panels> {
        let lanes = Arch::new().dispatch(Lanes);
        let width = lanes * features.div_ceil(lanes).clamp(1, VECTORS);
        let mut values = Lasting::zeros(features.div_ceil(width) * depth * width)?;
        values.par_chunks_mut((depth * width).max(1)).enumerate().for_each(|(strip, values)| {
            let columns = strip * width..(strip * width + width).min(features);
            for (row, values) in values.chunks_exact_mut(width).enumerate() {
                values.iter_mut().zip(columns.clone()).for_each(|(value, column)| *value = at(row, column));
            }
        });
        Ok(Panels { depth, features, width, values })
    }

    /// Columns of the matrix.
    pub fn features(&self) -> usize {
        self.features
    }

    /// `out` (rows, features) = left · self, or += where `add`; row i of the left matrix begins at float `starts[i]`.
    pub fn product(&self, left: &[f32], starts: &[usize], runs: Runs, out: &mut [f32], add: bool) {
        assert_eq!((runs.count * runs.len, starts.len() * self.features), (self.depth, out.len()), "sizes of a product");
        let reach = (runs.count.max(1) - 1) * runs.step + runs.len;
        assert!(starts.iter().all(|start| start + reach <= left.len()), "rows of a product");
        if self.depth > 0 && self.features > 0 {
            Arch::new().dispatch(Multiply { panels: self, left, starts, runs, out, add });
        }
    }
}

/// Floats of a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct Multiply<'a> {
    panels: &'a Panels,
    left: &'a [f32],
    starts: &'a [usize],
    runs: Runs,
    out: &'a mut [f32],
    add: bool,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.panels.width == S::F32_LANES {
            true => self.strips::<S, 1>(simd),
            false => self.strips::<S, VECTORS>(simd),
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn strips<S: Simd, const V: usize>(self, simd: S) {
        let Panels { depth, features, width, values } = self.panels;
        for (strip, panel) in values.chunks_exact(depth * width).enumerate() {
            let columns = strip * width..(strip * width + width).min(*features);
            let (panel, _) = S::as_simd_f32s(panel);
            let mut out = self.out.chunks_exact_mut(*features);
            let (tiles, rest) = self.starts.as_chunks::<ROWS>();
            for starts in tiles {
                let sums = tile::<S, ROWS, V>(simd, (self.left, starts), self.runs, panel);
                keep(simd, &sums, (&mut out, &columns), self.add);
            }
            let (tiles, rest) = rest.as_chunks::<FEW>();
            for starts in tiles {
                let sums = tile::<S, FEW, V>(simd, (self.left, starts), self.runs, panel);
                keep(simd, &sums, (&mut out, &columns), self.add);
            }
            for start in rest {
                let sums = tile::<S, 1, V>(simd, (self.left, &[*start]), self.runs, panel);
                keep(simd, &sums, (&mut out, &columns), self.add);
            }
        }
    }
}

/// Some rows times one strip.
#[inline(always)]
fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    (left, starts): (&[f32], &[usize; R]),
    runs: Runs,
    panel: &[S::f32s],
) -> [[S::f32s; V]; R] {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (run, panel) in panel.chunks_exact(runs.len * V).enumerate() {
        let rows: [&[f32]; R] = std::array::from_fn(|r| &left[starts[r] + run * runs.step..][..runs.len]);
        for (k, line) in panel.chunks_exact(V).enumerate() {
            for r in 0..R {
                let factor = simd.splat_f32s(rows[r][k]);
                for v in 0..V {
                    sums[r][v] = simd.mul_add_e_f32s(factor, line[v], sums[r][v]);
                }
            }
        }
    }
    sums
}

/// Writes a tile's sums to its columns of the next rows of `out`.
#[inline(always)]
fn keep<S: Simd, const V: usize>(simd: S, sums: &[[S::f32s; V]], (out, columns): (&mut ChunksExactMut<f32>, &Range<usize>), add: bool) {
    for sums in sums {
        let Some(row) = out.next() else { return };
        for (sum, part) in sums.iter().zip(row[columns.clone()].chunks_mut(S::F32_LANES)) {
            let sum = if add { simd.add_f32s(load(simd, part), *sum) } else { *sum };
            store(simd, part, sum);
        }
    }
}

/// A vector from a slice of as many floats, or fewer.
#[inline(always)]
fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from) {
        ([whole], []) => *whole,
        _ => simd.partial_load_f32s(from),
    }
}

/// A vector into a slice of as many floats, or fewer.
#[inline(always)]
fn store<S: Simd>(simd: S, to: &mut [f32], value: S::f32s) {
    match S::as_mut_simd_f32s(to) {
        ([whole], []) => *whole = value,
        _ => simd.partial_store_f32s(to, value),
    }
}
