//! Half precision: numbers are kept in it, sums are not.
//!
//! PyTorch's kernels compute in f32 whatever is kept in half precision, and round what comes out. candle's do so on a GPU for
//! products, softmax and pooling; its sums, factors and GELU are half through and through, and on a CPU it has no products of
//! bf16 at all. So those are asked for in f32 here.

use candle_core::{DType, Module, Result, Tensor, bail};
use candle_nn::Linear;

/// Whether the operators here compute it, on a CPU: what is in f32, and what is rounded from it.
pub(super) fn here(x: &Tensor) -> bool {
    x.device().is_cpu() && matches!(x.dtype(), DType::F32 | DType::F16 | DType::BF16)
}

/// Whether they compute it on a GPU, in the precision that it is in.
pub(super) fn there(x: &Tensor) -> bool {
    cfg!(feature = "cuda") && x.device().is_cuda() && matches!(x.dtype(), DType::F32 | DType::F16 | DType::BF16)
}

/// What an operator here makes of x: on a GPU of the numbers as they are, on a CPU in f32.
///
/// # Errors
/// When the operator has some, or computes nothing of the kind of x.
pub(super) fn operated(x: &Tensor, operator: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match (here(x), there(x)) {
        (true, _) => rounded(x, |x| operator(&x.contiguous()?)),
        (_, true) => operator(&x.contiguous()?),
        _ => bail!("the operators compute f32, f16 or bf16 on a CPU or an NVIDIA GPU, not {:?} on {:?}", x.dtype(), x.device()),
    }
}

/// The same numbers in f32.
///
/// # Errors
/// When their device cannot.
pub fn wide(x: &Tensor) -> Result<Tensor> {
    x.to_dtype(DType::F32)
}

/// What `f` makes of x in f32, rounded to the type of x.
///
/// # Errors
/// When `f` has some.
pub fn rounded(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    f(&wide(x)?)?.to_dtype(x.dtype())
}

/// x (…, channels) under a linear layer of candle's, in whatever precision both have.
///
/// # Errors
/// When the sizes do not fit.
pub fn through(layer: &Linear, x: &Tensor) -> Result<Tensor> {
    if !here(x) || x.dtype() == DType::F32 {
        return layer.forward(x);
    }
    let wide_layer = Linear::new(wide(layer.weight())?, layer.bias().map(wide).transpose()?);
    rounded(x, |x| wide_layer.forward(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_sum_of_many_halves_is_rounded_once() {
        // One after the other in half precision, 2048 ones in f16, or 256 in bf16, are all that ever come together.
        for dtype in [DType::F16, DType::BF16] {
            let ones = |shape: &[usize]| Tensor::ones(shape, dtype, &Device::Cpu).unwrap();
            let layer = Linear::new(ones(&[2, 4096]), Some(ones(&[2])));
            let y = through(&layer, &ones(&[3, 4096])).unwrap();
            assert_eq!(y.dtype(), dtype);
            assert_eq!(wide(&y).unwrap().to_vec2::<f32>().unwrap(), vec![vec![4096.0; 2]; 3], "4097 to the nearest number that there is");
            let sum = rounded(&ones(&[1, 4096]), |x| x.sum_keepdim(1)).unwrap();
            assert_eq!(wide(&sum).unwrap().to_vec2::<f32>().unwrap(), [[4096.0]]);
        }
    }
}
