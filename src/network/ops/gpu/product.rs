//! Products of matrices, cuBLAS's.

use super::Numbers;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublas::{result::gemm_strided_batched_ex, sys};
use candle_core::{CudaDevice, DType, Error, Result};
use sys::cublasOperation_t::{CUBLAS_OP_N, CUBLAS_OP_T};

/// Matrices of one size in rows, so many numbers apart, and each so far behind the one before.
#[derive(Clone, Copy, Debug)]
pub struct Matrices {
    pub numbers: Numbers,
    pub line: usize,
    pub step: usize,
}

impl Matrices {
    /// One matrix.
    pub fn one(numbers: Numbers, line: usize) -> Matrices {
        Matrices { numbers, line, step: 0 }
    }
}

/// `out` (rows, columns) of `left` (rows, inner) and `right`, for each of so many matrices.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub left: Matrices,
    pub right: Matrices,
    /// Whether `right` is (columns, inner); it is (inner, columns) else.
    pub turned: bool,
    pub size: (usize, usize, usize),
    pub matrices: usize,
    /// Whether it is added to what is there.
    pub add: bool,
}

impl Product {
    /// Has the GPU compute it. Whatever the numbers are kept in, the products are added up in f32, and rounded with what is there.
    pub fn into(self, device: &CudaDevice, out: Matrices) -> Result<()> {
        let int = |size: usize| i32::try_from(size).map_err(|_| Error::msg(format!("a matrix of {size} lines is too large")));
        let (rows, columns, inner) = self.size;
        let (one, beta) = (1f32, f32::from(self.add));
        // To cuBLAS, whose matrices stand in columns, each of ours is turned round: the product is right · left.
        // SAFETY: every matrix lies within its tensor, as the operators beside this file count its lines; the two factors are read
        // before the call returns, and the tensors are freed behind it in the same stream.
        #[allow(unsafe_code)]
        unsafe {
            gemm_strided_batched_ex(
                *device.cublas_handle().handle(),
                if self.turned { CUBLAS_OP_T } else { CUBLAS_OP_N },
                CUBLAS_OP_N,
                int(columns)?,
                int(rows)?,
                int(inner)?,
                (&raw const one).cast(),
                self.right.numbers.at as *const _,
                kind(self.right.numbers.dtype),
                int(self.right.line)?,
                self.right.step as i64,
                self.left.numbers.at as *const _,
                kind(self.left.numbers.dtype),
                int(self.left.line)?,
                self.left.step as i64,
                (&raw const beta).cast(),
                out.numbers.at as *mut _,
                kind(out.numbers.dtype),
                int(out.line)?,
                out.step as i64,
                int(self.matrices)?,
                sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .w()?;
        Ok(())
    }
}

fn kind(dtype: DType) -> sys::cudaDataType {
    match dtype {
        DType::F16 => sys::cudaDataType::CUDA_R_16F,
        DType::BF16 => sys::cudaDataType::CUDA_R_16BF,
        _ => sys::cudaDataType::CUDA_R_32F,
    }
}
