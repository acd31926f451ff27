//! Pictures in a thread's cache, tile after tile, to Winograd's points and back.

use super::buffers::take;
use super::lanes::LANES;
use super::winograd::{After, AfterBack, Before, BeforeBack, Map, POINTS, REACH, TILE, Weigh, WeighBack};
use pulp::{Arch, Simd, WithSimd};
use std::marker::PhantomData;

/// Tiles of one picture, or of some rows of it.
#[derive(Clone, Copy, Debug)]
pub struct Tiles {
    /// Rows and columns of tiles.
    pub rows: usize,
    pub columns: usize,
    /// Channels, filled up to a multiple of [`LANES`].
    pub depth: usize,
    /// Where the points have the first of these tiles, of how many.
    pub first: usize,
    pub all: usize,
}

impl Tiles {
    pub fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// From a point to the next, in floats. A line more than the tiles, lest the points share one set of the cache.
    pub fn stride(&self) -> usize {
        self.all * self.depth + LANES
    }

    /// Bᵀ x B of surroundings (4 rows + 2, 4 columns + 2, depth).
    pub fn before(self, frame: &[f32], points: &mut [f32]) {
        Arch::new().dispatch(ToPoints::<Before, REACH> { tiles: self, frame, points, map: PhantomData });
    }

    /// Its transpose, added to what is there.
    pub fn before_back(self, points: &[f32], frame: &mut [f32]) {
        Arch::new().dispatch(FromPoints::<BeforeBack, REACH> { tiles: self, frame, points, map: PhantomData });
    }

    /// Aᵀ m A, to results (4 rows, 4 columns, depth).
    pub fn after(self, points: &[f32], frame: &mut [f32]) {
        Arch::new().dispatch(FromPoints::<After, TILE> { tiles: self, frame, points, map: PhantomData });
    }

    /// Its transpose.
    pub fn after_back(self, frame: &[f32], points: &mut [f32]) {
        Arch::new().dispatch(ToPoints::<AfterBack, TILE> { tiles: self, frame, points, map: PhantomData });
    }
}

/// G w Gᵀ of windows (3, 3, n), n a multiple of [`LANES`]: (6, 6, n).
pub fn weigh(windows: &[f32]) -> Vec<f32> {
    let mut points = take(windows.len() / 9 * POINTS);
    Arch::new().dispatch(Windows::<Weigh, 3, REACH> { from: windows, to: &mut points, map: PhantomData });
    points
}

/// Its transpose.
pub fn weigh_back(points: &[f32]) -> Vec<f32> {
    let mut windows = take(points.len() / POINTS * 9);
    Arch::new().dispatch(Windows::<WeighBack, REACH, 3> { from: points, to: &mut windows, map: PhantomData });
    windows
}

struct ToPoints<'a, M, const SIDE: usize> {
    tiles: Tiles,
    frame: &'a [f32],
    points: &'a mut [f32],
    map: PhantomData<M>,
}

struct FromPoints<'a, M, const SIDE: usize> {
    tiles: Tiles,
    frame: &'a mut [f32],
    points: &'a [f32],
    map: PhantomData<M>,
}

struct Windows<'a, M, const FROM: usize, const TO: usize> {
    from: &'a [f32],
    to: &'a mut [f32],
    map: PhantomData<M>,
}

impl<const SIDE: usize, M: Map<SIDE, REACH>> WithSimd for ToPoints<'_, M, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (frame, points) = (S::as_simd_f32s(self.frame).0, S::as_mut_simd_f32s(self.points).0);
        let (depth, stride) = (self.tiles.depth / S::F32_LANES, self.tiles.stride() / S::F32_LANES);
        let width = self.tiles.columns * TILE + SIDE - TILE;
        for tile in 0..self.tiles.count() {
            let corner = (tile / self.tiles.columns * width + tile % self.tiles.columns) * TILE * depth;
            for channel in 0..depth {
                let mut x = [[simd.splat_f32s(0.0); SIDE]; SIDE];
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        x[i][j] = frame[corner + (i * width + j) * depth + channel];
                    }
                }
                let all = M::square(simd, x);
                let at = (self.tiles.first + tile) * depth + channel;
                for point in 0..POINTS {
                    points[point * stride + at] = all[point / REACH][point % REACH];
                }
            }
        }
    }
}

impl<const SIDE: usize, M: Map<REACH, SIDE>> WithSimd for FromPoints<'_, M, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (frame, points) = (S::as_mut_simd_f32s(self.frame).0, S::as_simd_f32s(self.points).0);
        let (depth, stride) = (self.tiles.depth / S::F32_LANES, self.tiles.stride() / S::F32_LANES);
        let width = self.tiles.columns * TILE + SIDE - TILE;
        for tile in 0..self.tiles.count() {
            let corner = (tile / self.tiles.columns * width + tile % self.tiles.columns) * TILE * depth;
            for channel in 0..depth {
                let at = (self.tiles.first + tile) * depth + channel;
                let mut x = [[simd.splat_f32s(0.0); REACH]; REACH];
                for point in 0..POINTS {
                    x[point / REACH][point % REACH] = points[point * stride + at];
                }
                let all = M::square(simd, x);
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        let to = &mut frame[corner + (i * width + j) * depth + channel];
                        // Surroundings overlap; tiles do not.
                        *to = if SIDE > TILE { simd.add_f32s(*to, all[i][j]) } else { all[i][j] };
                    }
                }
            }
        }
    }
}

impl<const FROM: usize, const TO: usize, M: Map<FROM, TO>> WithSimd for Windows<'_, M, FROM, TO> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (from, to) = (S::as_simd_f32s(self.from).0, S::as_mut_simd_f32s(self.to).0);
        let n = from.len() / (FROM * FROM);
        for at in 0..n {
            let mut x = [[simd.splat_f32s(0.0); FROM]; FROM];
            for place in 0..FROM * FROM {
                x[place / FROM][place % FROM] = from[place * n + at];
            }
            let all = M::square(simd, x);
            for place in 0..TO * TO {
                to[place * n + at] = all[place / TO][place % TO];
            }
        }
    }
}
