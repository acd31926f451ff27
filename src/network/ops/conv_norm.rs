//! Convolutions one after the other, each with batch normalisation and GELU behind it, as one operator.
//!
//! Between them only the convolutions' own numbers are kept: what is normalised, and its GELU, is computed again where it is
//! read, which costs less than to write it down.

use super::chain::{Chain, Kept, Stage};
use super::conv::{Slide, conv_transpose2d, conv2d, ours};
use super::norm::Moments;
use candle_core::{D, Result, Tensor, bail};
use std::sync::{Arc, Mutex, PoisonError};

/// What is added to a variance, as in PyTorch's `BatchNorm2d`.
pub(super) const EPS: f64 = 1e-5;
/// A convolution without its bias, and what stands behind it.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its window.
    pub slide: Slide,
    /// Whether it is a transposed one.
    pub transposed: bool,
    /// (out, in, kernel, kernel), or (in, out, kernel, kernel) where it is transposed.
    pub weight: Tensor,
    /// γ and β of the normalisation, (out) each. Without them there is neither normalisation nor GELU.
    pub affine: Option<(Tensor, Tensor)>,
}

/// The layers of the sources (b, h, w, channels), whose channels stand behind one another: y ← gelu(γ · (conv(y) - mean) /
/// √(variance + ε) + β), with the batch's own mean and variance; and those of each layer. With `given` moments, a layer each,
/// those count instead, and there are no gradients.
///
/// # Errors
/// When the sizes do not fit one another.
pub fn conv_norm_gelu(sources: &[&Tensor], layers: &[Layer], given: Option<&[Moments]>) -> Result<(Tensor, Vec<Moments>)> {
    if !sources.iter().all(|x| ours(x)) {
        return by_candle(sources, layers, given);
    }
    let mut flat = Vec::new();
    for Layer { weight, affine, .. } in layers {
        let affine = affine.iter().flat_map(|(gamma, beta)| [gamma, beta]);
        flat.extend([weight].into_iter().chain(affine).map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?);
    }
    let flat = Tensor::cat(&flat, 0)?;
    let kept = Arc::new(Mutex::new(Kept::default()));
    let chain = Chain { stages: Stage::all(sources, layers)?, given: given.map(<[_]>::to_vec), kept: kept.clone() };
    let sources = sources.iter().map(|x| x.contiguous()).collect::<Result<Vec<_>>>()?;
    let out = match (&sources[..], given.is_some()) {
        ([x], true) => x.apply_op2_no_bwd(&flat, &chain)?,
        ([x, skip], true) => x.apply_op3_no_bwd(skip, &flat, &chain)?,
        ([x], false) => x.apply_op2(&flat, chain)?,
        ([x, skip], false) => x.apply_op3(skip, &flat, chain)?,
        _ => bail!("one or two sources"),
    };
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((out, kept.moments.clone()))
}

/// The same with candle's operators.
fn by_candle(sources: &[&Tensor], layers: &[Layer], given: Option<&[Moments]>) -> Result<(Tensor, Vec<Moments>)> {
    let (mut y, mut all) = (Tensor::cat(sources, 3)?, Vec::new());
    for (at, layer) in layers.iter().enumerate() {
        let way = if layer.transposed { conv_transpose2d } else { conv2d };
        y = way(&y, &layer.weight, layer.slide)?;
        let Some((gamma, beta)) = &layer.affine else { continue };
        let rows = y.flatten_to(D::Minus2)?;
        let channel = |numbers: &[f32]| Tensor::new(numbers, y.device())?.unsqueeze(0);
        let (mean, variance) = match given.map(|given| &given[at]) {
            Some(given) => (channel(&given.mean)?, channel(&given.variance)?),
            None => {
                let mean = rows.mean_keepdim(0)?;
                (mean.clone(), rows.broadcast_sub(&mean)?.sqr()?.mean_keepdim(0)?)
            }
        };
        let normal = rows.broadcast_sub(&mean)?.broadcast_div(&(&variance + EPS)?.sqrt()?)?;
        let out = normal.broadcast_mul(gamma)?.broadcast_add(beta)?.gelu_erf()?.reshape(y.shape())?;
        let numbers = |x: &Tensor| x.detach().flatten_all()?.to_vec1::<f32>();
        all.push(Moments { mean: numbers(&mean)?, variance: numbers(&variance)?, count: rows.dim(0)? });
        y = out;
    }
    Ok((y, all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use proptest::prelude::*;
    use rayon::ThreadPoolBuilder;

    const SAME: Slide = Slide { kernel: 3, stride: 1, padding: 1 };
    const HALF: Slide = Slide { kernel: 3, stride: 2, padding: 1 };
    const DOUBLE: Slide = Slide { kernel: 4, stride: 2, padding: 1 };

    fn random(mean: f32, shape: &[usize]) -> Var {
        Var::from_tensor(&Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap()).unwrap()
    }

    fn far(ours: &Tensor, theirs: &Tensor) -> f32 {
        let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        largest(&(ours - theirs).unwrap()) / largest(theirs).max(1e-6)
    }

    fn layer(slide: Slide, transposed: bool, (from, to): (usize, usize), normal: bool) -> (Layer, Vec<Var>) {
        let shape = if transposed { [from, to] } else { [to, from] };
        let weight = random(0.0, &[shape[0], shape[1], slide.kernel, slide.kernel]);
        let affine = normal.then(|| (random(1.0, &[to]), random(0.0, &[to])));
        let tensors = affine.as_ref().map(|(gamma, beta)| (gamma.as_tensor().clone(), beta.as_tensor().clone()));
        let vars = [weight.clone()].into_iter().chain(affine.into_iter().flat_map(|(gamma, beta)| [gamma, beta]));
        (Layer { slide, transposed, weight: weight.as_tensor().clone(), affine: tensors }, vars.collect())
    }

    /// A few layers of every way, and what they have to learn.
    fn layers(from: usize, [a, b, c]: [usize; 3]) -> (Vec<Layer>, Vec<Var>) {
        let all = [
            layer(DOUBLE, true, (from, a), true),
            layer(SAME, false, (a, b), true),
            layer(HALF, false, (b, c), true),
            layer(SAME, false, (c, 1), false),
        ];
        let (layers, vars): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        (layers, vars.into_iter().flatten().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_candles_operators_one_after_the_other(
            b in 1..6usize, (h, w) in (2..9usize, 2..9usize), mean in -3f32..3.0, (one, two) in (1..20usize, 1..20usize), to in (1..20usize, 1..20usize, 9..20usize),
        ) {
            let (x, skip) = (random(mean, &[b, h, w, one]), random(mean, &[b, h, w, two]));
            let (layers, mut vars) = layers(one + two, [to.0, to.1, to.2]);
            vars.extend([x.clone(), skip.clone()]);
            let sources = [x.as_tensor(), skip.as_tensor()];
            let (ours, moments) = conv_norm_gelu(&sources, &layers, None).unwrap();
            let (theirs, plain) = by_candle(&sources, &layers, None).unwrap();
            // Three normalisations, each of which divides by what is left of a difference.
            prop_assert!(far(&ours, &theirs) < 5e-5, "{}", far(&ours, &theirs));
            for (ours, theirs) in moments.iter().zip(&plain) {
                prop_assert_eq!(ours.count, theirs.count);
                let new = |numbers: &[f32]| Tensor::new(numbers, &Device::Cpu).unwrap();
                prop_assert!(far(&new(&ours.variance), &new(&theirs.variance)) < 5e-5);
            }
            let (given, _) = conv_norm_gelu(&sources, &layers, Some(&moments)).unwrap();
            prop_assert!(far(&given, &ours) < 1e-6, "{}", far(&given, &ours));
            let weight = random(0.0, ours.dims());
            let grads = |y: &Tensor| (y * weight.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
            let (ours, theirs) = (grads(&ours), grads(&theirs));
            for var in &vars {
                let off = far(ours.get(var).unwrap(), theirs.get(var).unwrap());
                prop_assert!(off < 5e-4, "{:?} {off}", var.dims());
            }
        }
    }

    #[test]
    fn any_number_of_threads_computes_the_same_bytes() {
        let x = random(0.5, &[40, 7, 6, 24]);
        let (layers, vars) = layers(24, [16, 40, 17]);
        let weight = random(0.0, &[40, 7, 6, 1]);
        let all = |threads| {
            ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let (y, moments) = conv_norm_gelu(&[&x], &layers, None).unwrap();
                let grads = (&y * weight.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
                let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let back: Vec<_> = vars.iter().chain([&x]).map(|var| numbers(grads.get(var).unwrap())).collect();
                (numbers(&y), moments, back)
            })
        };
        let one = all(1);
        assert!(one == all(2) && one == all(4));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
        let layer = |features| Layer {
            slide: SAME,
            transposed: false,
            weight: zeros(&[5, 4, 3, 3]),
            affine: Some((zeros(&[features]), zeros(&[features]))),
        };
        assert!(conv_norm_gelu(&[&zeros(&[2, 3, 3, 4])], &[layer(5)], None).is_ok());
        assert!(conv_norm_gelu(&[&zeros(&[2, 3, 3, 4])], &[layer(6)], None).is_err());
        assert!(conv_norm_gelu(&[&zeros(&[2, 3, 3, 5])], &[layer(5)], None).is_err());
        assert!(conv_norm_gelu(&[&zeros(&[0, 3, 3, 4])], &[layer(5)], None).is_err());
        assert!(conv_norm_gelu(&[&zeros(&[2, 3, 3, 2]), &zeros(&[2, 4, 3, 2])], &[layer(5)], None).is_err());
        let given = Moments { mean: vec![0.0; 4], variance: vec![1.0; 4], count: 0 };
        assert!(conv_norm_gelu(&[&zeros(&[2, 3, 3, 4])], &[layer(5)], Some(&[given])).is_err());
    }
}
