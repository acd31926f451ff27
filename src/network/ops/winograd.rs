//! Winograd's convolution with windows of 3 x 3 (Lavin and Gray 2016): four times fewer products than there are in it.
//!
//! A tile of 4 x 4 results of a convolution needs 6 x 6 numbers, and is y = Aᵀ [(G w Gᵀ) · (Bᵀ x B)] A, with a product at each
//! of 36 points in the middle. Over many tiles and all channels those are 36 matrix products. Each of the three maps is
//! linear, so the way back goes through the same products with the maps' transposes: there is nothing else to a gradient.
//!
//! The points are 0, ±√½, ±√2 and ∞. Usually ±1 and ±2 are taken; with these, whose squares' product is 1, the maps' numbers
//! are of like size, and so is the rounding.

use pulp::Simd;
use std::f32::consts::{FRAC_1_SQRT_2 as A, SQRT_2 as B};

/// Numbers of a tile's side: of what comes out, and of what it needs.
pub const TILE: usize = 4;
pub const REACH: usize = 6;
/// Where products are made.
pub const POINTS: usize = REACH * REACH;

/// A² and B², and the divisors of G at ±A and ±B.
const A2: f32 = 0.5;
const B2: f32 = 2.0;
const AT_A: f32 = -1.0 / 1.5;
const AT_B: f32 = 1.0 / 6.0;

type V<S> = <S as Simd>::f32s;

/// factor · x + y.
#[inline(always)]
fn fma<S: Simd>(simd: S, factor: f32, x: V<S>, y: V<S>) -> V<S> {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), x, y)
}

/// factor · x.
#[inline(always)]
fn times<S: Simd>(simd: S, factor: f32, x: V<S>) -> V<S> {
    simd.mul_f32s(simd.splat_f32s(factor), x)
}

/// One of the maps in one direction, and applied to rows and then to columns.
pub trait Map<const FROM: usize, const TO: usize> {
    fn line<S: Simd>(simd: S, x: [V<S>; FROM]) -> [V<S>; TO];

    #[inline(always)]
    fn square<S: Simd>(simd: S, x: [[V<S>; FROM]; FROM]) -> [[V<S>; TO]; TO] {
        let zero = simd.splat_f32s(0.0);
        let mut rows = [[zero; TO]; FROM];
        for (row, x) in rows.iter_mut().zip(x) {
            *row = Self::line(simd, x);
        }
        let mut all = [[zero; TO]; TO];
        for column in 0..TO {
            let mut x = [zero; FROM];
            for (x, row) in x.iter_mut().zip(&rows) {
                *x = row[column];
            }
            for (row, value) in all.iter_mut().zip(Self::line(simd, x)) {
                row[column] = value;
            }
        }
        all
    }
}

/// Bᵀ: a tile's surroundings at the points.
pub struct Before;
/// Its transpose.
pub struct BeforeBack;
/// Aᵀ: from the points to a tile.
pub struct After;
/// Its transpose.
pub struct AfterBack;
/// G: a window at the points.
pub struct Weigh;
/// Its transpose.
pub struct WeighBack;

impl Map<6, 6> for Before {
    #[inline(always)]
    fn line<S: Simd>(s: S, x: [V<S>; 6]) -> [V<S>; 6] {
        let (even_a, odd_a) = (fma(s, -B2, x[2], x[4]), fma(s, -B2, x[1], x[3]));
        let (even_b, odd_b) = (fma(s, -A2, x[2], x[4]), fma(s, -A2, x[1], x[3]));
        [
            fma(s, -(A2 + B2), x[2], s.add_f32s(x[0], x[4])),
            fma(s, A, odd_a, even_a),
            fma(s, -A, odd_a, even_a),
            fma(s, B, odd_b, even_b),
            fma(s, -B, odd_b, even_b),
            fma(s, -(A2 + B2), x[3], s.add_f32s(x[1], x[5])),
        ]
    }
}

impl Map<6, 6> for BeforeBack {
    #[inline(always)]
    fn line<S: Simd>(s: S, v: [V<S>; 6]) -> [V<S>; 6] {
        let (even_a, odd_a) = (s.add_f32s(v[1], v[2]), s.sub_f32s(v[1], v[2]));
        let (even_b, odd_b) = (s.add_f32s(v[3], v[4]), s.sub_f32s(v[3], v[4]));
        [
            v[0],
            // A · B² = B, and B · A² = A.
            fma(s, -B, odd_a, fma(s, -A, odd_b, v[5])),
            s.neg_f32s(fma(s, A2 + B2, v[0], fma(s, B2, even_a, times(s, A2, even_b)))),
            fma(s, A, odd_a, fma(s, B, odd_b, times(s, -(A2 + B2), v[5]))),
            s.add_f32s(v[0], s.add_f32s(even_a, even_b)),
            v[5],
        ]
    }
}

impl Map<6, 4> for After {
    #[inline(always)]
    fn line<S: Simd>(s: S, m: [V<S>; 6]) -> [V<S>; 4] {
        let (even_a, odd_a) = (s.add_f32s(m[1], m[2]), s.sub_f32s(m[1], m[2]));
        let (even_b, odd_b) = (s.add_f32s(m[3], m[4]), s.sub_f32s(m[3], m[4]));
        [
            s.add_f32s(m[0], s.add_f32s(even_a, even_b)),
            fma(s, A, odd_a, times(s, B, odd_b)),
            fma(s, A2, even_a, times(s, B2, even_b)),
            fma(s, A * A2, odd_a, fma(s, B * B2, odd_b, m[5])),
        ]
    }
}

impl Map<4, 6> for AfterBack {
    #[inline(always)]
    fn line<S: Simd>(s: S, y: [V<S>; 4]) -> [V<S>; 6] {
        let (even_a, even_b) = (fma(s, A2, y[2], y[0]), fma(s, B2, y[2], y[0]));
        let (odd_a, odd_b) = (fma(s, A2, y[3], y[1]), fma(s, B2, y[3], y[1]));
        [y[0], fma(s, A, odd_a, even_a), fma(s, -A, odd_a, even_a), fma(s, B, odd_b, even_b), fma(s, -B, odd_b, even_b), y[3]]
    }
}

impl Map<3, 6> for Weigh {
    #[inline(always)]
    fn line<S: Simd>(s: S, w: [V<S>; 3]) -> [V<S>; 6] {
        let (even_a, odd_a) = (times(s, AT_A, fma(s, A2, w[2], w[0])), times(s, AT_A * A, w[1]));
        let (even_b, odd_b) = (times(s, AT_B, fma(s, B2, w[2], w[0])), times(s, AT_B * B, w[1]));
        [w[0], s.add_f32s(even_a, odd_a), s.sub_f32s(even_a, odd_a), s.add_f32s(even_b, odd_b), s.sub_f32s(even_b, odd_b), w[2]]
    }
}

impl Map<6, 3> for WeighBack {
    #[inline(always)]
    fn line<S: Simd>(s: S, u: [V<S>; 6]) -> [V<S>; 3] {
        let (even_a, odd_a) = (times(s, AT_A, s.add_f32s(u[1], u[2])), times(s, AT_A * A, s.sub_f32s(u[1], u[2])));
        let (even_b, odd_b) = (times(s, AT_B, s.add_f32s(u[3], u[4])), times(s, AT_B * B, s.sub_f32s(u[3], u[4])));
        [s.add_f32s(u[0], s.add_f32s(even_a, even_b)), s.add_f32s(odd_a, odd_b), fma(s, A2, even_a, fma(s, B2, even_b, u[5]))]
    }
}
