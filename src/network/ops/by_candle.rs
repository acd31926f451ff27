//! A layer of candle's operators, for other devices and types; and what the tests compare with.

use super::conv::Slide;
use super::layer::{EPS, Layer};
use super::norm::Moments;
use super::numbers::Value;
use candle_core::{D, DType, Result, Tensor};

/// x (b, h, w, in) under a weight (out, in, kernel, kernel), with candle's operator.
pub(super) fn conv2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    last(&first(x)?.conv2d(weight, slide.padding, slide.stride, 1, 1)?)
}

/// x (b, rows, columns, in) under a weight (in, out, kernel, kernel), with candle's operator.
pub(super) fn conv_transpose2d(x: &Tensor, weight: &Tensor, slide: Slide) -> Result<Tensor> {
    last(&first(x)?.conv_transpose2d(weight, slide.padding, 0, slide.stride, 1)?)
}

fn first(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}

fn last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

/// A layer of candle's operators.
pub(super) fn by_candle(sources: &[&Tensor], layer: &Layer, given: Option<&Moments>) -> Result<(Value, Option<Moments>)> {
    let way = if layer.transposed { conv_transpose2d } else { conv2d };
    let y = way(&Tensor::cat(sources, 3)?, &layer.weight, layer.slide)?;
    let Some((gamma, beta)) = &layer.affine else { return Ok((Value::Candle(y), None)) };
    let rows = y.flatten_to(D::Minus2)?;
    let channel = |numbers: &[f32]| Tensor::new(numbers, y.device())?.to_dtype(y.dtype())?.unsqueeze(0);
    let (mean, variance) = match given {
        Some(given) => (channel(&given.mean)?, channel(&given.variance)?),
        None => {
            let mean = rows.mean_keepdim(0)?;
            (mean.clone(), rows.broadcast_sub(&mean)?.sqr()?.mean_keepdim(0)?)
        }
    };
    let normal = rows.broadcast_sub(&mean)?.broadcast_div(&(&variance + EPS)?.sqrt()?)?;
    let out = normal.broadcast_mul(gamma)?.broadcast_add(beta)?.gelu_erf()?.reshape(y.shape())?;
    let numbers = |x: &Tensor| x.detach().flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>();
    let moments = Moments { mean: numbers(&mean)?, variance: numbers(&variance)?, count: rows.dim(0)? };
    Ok((Value::Candle(out), Some(moments)))
}
