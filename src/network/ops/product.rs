//! Matrix products of slices.

use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Rows and vectors of the result that a block of [`product`] keeps in registers.
const ROWS: usize = 6;
const VECTORS: usize = 4;

/// A matrix in a slice: one of its two directions is contiguous.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From a row to the next, and from a column to the next.
    strides: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// Rows of so many columns, one after the other.
    pub fn rows(values: &'a [f32], columns: usize) -> Matrix<'a> {
        Matrix { values, rows: values.len() / columns.max(1), columns, strides: (columns, 1) }
    }

    /// So many rows and columns within wider rows, each `stride` after the one before.
    pub fn within(values: &'a [f32], (rows, columns): (usize, usize), stride: usize) -> Matrix<'a> {
        Matrix { values, rows, columns, strides: (stride, 1) }
    }

    /// Some of its columns.
    pub fn part(self, columns: &Range<usize>) -> Matrix<'a> {
        Matrix { values: &self.values[columns.start * self.strides.1..], columns: columns.len(), ..self }
    }

    /// Its transpose.
    pub fn turned(self) -> Matrix<'a> {
        Matrix { rows: self.columns, columns: self.rows, strides: (self.strides.1, self.strides.0), ..self }
    }

    fn fits(&self) -> bool {
        let last = |count: usize, stride| count.saturating_sub(1) * stride;
        last(self.rows, self.strides.0) + last(self.columns, self.strides.1) < self.values.len()
    }
}

/// `out` = left · right, or `out` += left · right, in the thread that calls. The rows of `out` lie `stride` apart.
///
/// Small products of whole vectors are computed in place. For others gemm copies blocks of both sides together first, which
/// pays where they are large.
pub fn product(left: Matrix, right: Matrix, (out, stride): (&mut [f32], usize), add: bool) {
    let (rows, columns) = (left.rows, right.columns);
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(left.columns == right.rows && left.fits() && right.fits(), "sizes of a product");
    assert!(columns <= stride && (rows - 1) * stride + columns <= out.len(), "room for a product");
    if columns.is_multiple_of(16) && right.strides.1 == 1 && right.rows <= 256 {
        return Arch::new().dispatch(Small { left, right, out, stride, add });
    }
    // SAFETY: the strides stay within the slices, as asserted above, and `out` is borrowed alone.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            stride as isize,
            add,
            left.values.as_ptr(),
            left.strides.1 as isize,
            left.strides.0 as isize,
            right.values.as_ptr(),
            right.strides.1 as isize,
            right.strides.0 as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// A product whose result has whole vectors, and whose right side has contiguous rows.
struct Small<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    out: &'a mut [f32],
    stride: usize,
    add: bool,
}

impl WithSimd for Small<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.right.columns / S::F32_LANES;
        let mut column = 0;
        while column < vectors {
            let wide = if vectors - column >= VECTORS { VECTORS } else { 1 };
            let mut row = 0;
            while row < self.left.rows {
                // Blocks of like height: a last one of one row would take as long as one of three.
                let left = self.left.rows - row;
                let high = left.div_ceil(left.div_ceil(ROWS));
                let at = (row, column * S::F32_LANES);
                match (wide, high) {
                    (VECTORS, 6) => self.block::<S, 6, VECTORS>(simd, at),
                    (VECTORS, 5) => self.block::<S, 5, VECTORS>(simd, at),
                    (VECTORS, 4) => self.block::<S, 4, VECTORS>(simd, at),
                    (VECTORS, 3) => self.block::<S, 3, VECTORS>(simd, at),
                    (VECTORS, 2) => self.block::<S, 2, VECTORS>(simd, at),
                    (VECTORS, _) => self.block::<S, 1, VECTORS>(simd, at),
                    (_, 6) => self.block::<S, 6, 1>(simd, at),
                    (_, 5) => self.block::<S, 5, 1>(simd, at),
                    (_, 4) => self.block::<S, 4, 1>(simd, at),
                    (_, 3) => self.block::<S, 3, 1>(simd, at),
                    (_, 2) => self.block::<S, 2, 1>(simd, at),
                    _ => self.block::<S, 1, 1>(simd, at),
                }
                row += high;
            }
            column += wide;
        }
    }
}

impl Small<'_> {
    #[inline(always)]
    fn block<S: Simd, const HIGH: usize, const WIDE: usize>(&mut self, simd: S, (row, column): (usize, usize)) {
        let (left, right) = (&self.left, &self.right);
        let mut sums = [[simd.splat_f32s(0.0); WIDE]; HIGH];
        // SAFETY: `product` has asserted that every row and column of the three is within its slice, and the block is within
        // the result: HIGH rows from `row` on, WIDE vectors from `column` on. A vector of floats may lie anywhere.
        #[allow(unsafe_code)]
        unsafe {
            let (x, y) = (left.values.as_ptr().add(row * left.strides.0), right.values.as_ptr().add(column));
            for k in 0..left.columns {
                let mut line = [simd.splat_f32s(0.0); WIDE];
                for (v, value) in line.iter_mut().enumerate() {
                    *value = y.add(k * right.strides.0 + v * S::F32_LANES).cast::<S::f32s>().read_unaligned();
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let factor = simd.splat_f32s(*x.add(i * left.strides.0 + k * left.strides.1));
                    for (sum, value) in sums.iter_mut().zip(line) {
                        *sum = simd.mul_add_e_f32s(factor, value, *sum);
                    }
                }
            }
            let out = self.out.as_mut_ptr().add(row * self.stride + column);
            for (i, sums) in sums.into_iter().enumerate() {
                for (v, sum) in sums.into_iter().enumerate() {
                    let to = out.add(i * self.stride + v * S::F32_LANES).cast::<S::f32s>();
                    to.write_unaligned(if self.add { simd.add_f32s(to.read_unaligned(), sum) } else { sum });
                }
            }
        }
    }
}
