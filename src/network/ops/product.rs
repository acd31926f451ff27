//! Matrix products of slices.

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

    /// Its transpose.
    pub fn turned(self) -> Matrix<'a> {
        Matrix { rows: self.columns, columns: self.rows, strides: (self.strides.1, self.strides.0), ..self }
    }
}

/// `out` = left · right, or `out` += left · right, row after row, in the thread that calls.
pub fn product(left: Matrix, right: Matrix, out: &mut [f32], add: bool) {
    assert_eq!((left.columns, out.len()), (right.rows, left.rows * right.columns), "sizes of a product");
    assert_eq!((left.values.len(), right.values.len()), (left.rows * left.columns, right.rows * right.columns));
    // SAFETY: the strides stay within the slices, as asserted above, and `out` is borrowed alone.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            right.columns as isize,
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
