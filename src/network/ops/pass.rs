//! A pass of pictures through a network, forwards; [`walk`](super::walk) goes back.
//!
//! On a CPU a whole pass is one operator of candle, so that between its layers nothing is cleared, copied or added up that
//! need not be. What a convolution wrote is kept as it is: normalisation and GELU are computed again wherever it is read,
//! which costs less than to write it down.

use super::buffers::take;
use super::by_candle::by_candle;
use super::floats::{ours, with_floats};
use super::frame::Source;
use super::gelu::gelu;
use super::layer::{EPS, Layer};
use super::norm::{Line, Moments};
use super::numbers::{Numbers, Value};
use super::walk::{Kind, Step, Walk};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A pass on its way.
pub struct Pass {
    train: bool,
    batch: usize,
    x: Tensor,
    steps: Vec<Step>,
    /// The parameters so far, and their numbers in all.
    parameters: Vec<Tensor>,
    len: usize,
}

impl Pass {
    /// Begins with pictures x (b, h, w, channels). In training a batch's own mean and variance count, and gradients are to come.
    ///
    /// # Errors
    /// When there are no pictures.
    pub fn new(x: &Tensor, train: bool) -> Result<(Pass, Value)> {
        let (batch, h, w, channels) = x.dims4()?;
        if x.elem_count() == 0 {
            bail!("at least one picture");
        }
        let value = match ours(x) {
            true => {
                let mut values = take(x.elem_count());
                with_floats(&[&x.contiguous()?], |numbers| {
                    values.copy_from_slice(numbers[0]);
                    Ok(())
                })?;
                Value::Ours(Arc::new(Numbers { values, size: (h, w, channels), line: None, at: 0 }))
            }
            false => Value::Candle(x.clone()),
        };
        Ok((Pass { train, batch, x: x.clone(), steps: Vec::new(), parameters: Vec::new(), len: 0 }, value))
    }

    /// Whether the pass is one of training.
    pub fn trains(&self) -> bool {
        self.train
    }

    /// A layer of sources whose channels stand behind one another: gelu(γ · (conv(y) - mean) / √(variance + ε) + β), with the
    /// batch's own mean and variance, which come along, or where the pass does not train with those that are given.
    ///
    /// # Errors
    /// When the sizes do not fit one another.
    pub fn conv(&mut self, sources: &[&Value], layer: &Layer, given: Option<&Moments>) -> Result<(Value, Option<Moments>)> {
        if layer.affine.is_some() && given.is_some() == self.train {
            bail!("moments are given where, and only where, there is no training");
        }
        let Some(sources) = Value::all_ours(sources) else { return by_candle(&Value::all_candle(sources)?, layer, given) };
        let plan = layer.plan(&sources)?;
        let out = plan.to;
        let tensors: Vec<&Tensor> =
            [&layer.weight].into_iter().chain(layer.affine.iter().flat_map(|(gamma, beta)| [gamma, beta])).collect();
        let flat: Vec<Tensor> = tensors.iter().map(|tensor| tensor.contiguous()).collect::<Result<_>>()?;
        let (mut packed, values, moments, line) = with_floats(&flat.iter().collect::<Vec<_>>(), |numbers| {
            let packed = plan.pack(numbers[0], self.train);
            let read: Vec<Source> = sources.iter().map(|source| source.source()).collect();
            let (values, deviations) = plan.forward(&packed, &read, self.batch, self.train && layer.affine.is_some());
            let moments = layer.affine.is_some().then(|| given.cloned().unwrap_or_else(|| Moments::of(&deviations)));
            if moments.iter().any(|moments| (moments.mean.len(), moments.variance.len()) != (out.2, out.2)) {
                bail!("the moments that are given do not fit");
            }
            let line = moments.as_ref().map(|moments| Line::new(moments, (numbers[1], numbers[2]), EPS));
            Ok((packed, values, moments, line))
        })?;
        if !self.train {
            packed.give();
        }
        let weight = self.parameter(&layer.weight);
        let affine = layer.affine.as_ref().map(|(gamma, beta)| (self.parameter(gamma), self.parameter(beta)));
        let kind = Kind::Conv { plan, packed, weight, affine };
        Ok((self.write(sources, kind, (values, out, line)), moments))
    }

    /// GELU of the mean of a picture: (b, 1, 1, channels).
    ///
    /// # Errors
    /// When the device fails.
    pub fn mean_gelu(&mut self, source: &Value) -> Result<Value> {
        let source = match source {
            Value::Candle(x) => return Ok(Value::Candle(x.mean_keepdim((1, 2))?.gelu_erf()?)),
            Value::Ours(source) => source.clone(),
        };
        let (h, w, channels) = source.size;
        let mut means = vec![0f32; self.batch * channels];
        means.par_chunks_mut(channels).enumerate().for_each_init(
            || vec![0.0; source.each()],
            |picture, (image, means)| {
                source.lay_out(image, picture);
                picture.chunks_exact(channels).for_each(|pixel| means.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value));
                means.iter_mut().for_each(|sum| *sum /= (h * w) as f32);
            },
        );
        let mut values = take(means.len());
        values.iter_mut().zip(&means).for_each(|(value, mean)| *value = gelu(*mean));
        Ok(self.write(vec![source], Kind::Mean(means), (values, (1, 1, channels), None)))
    }

    /// scale · y + shift, (b, 1, 1, channels) each where they are given.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn modulate(&mut self, source: &Value, scale: Option<&Tensor>, shift: Option<&Tensor>) -> Result<Value> {
        if scale.is_none() && shift.is_none() {
            return Ok(source.clone());
        }
        let source = match source {
            Value::Candle(y) => {
                let y = scale.map_or_else(|| Ok(y.clone()), |scale| y.broadcast_mul(scale))?;
                return Ok(Value::Candle(shift.map_or_else(|| Ok(y.clone()), |shift| y.broadcast_add(shift))?));
            }
            Value::Ours(source) => source.clone(),
        };
        let channels = source.size.2;
        let mut read = |tensor: Option<&Tensor>, empty: f32| {
            let Some(tensor) = tensor else { return Ok((vec![empty; self.batch * channels], None)) };
            if tensor.dims() != [self.batch, 1, 1, channels] {
                bail!("{:?} does not modulate pictures of {channels} channels", tensor.dims());
            }
            Ok((tensor.flatten_all()?.to_vec1::<f32>()?, Some(self.parameter(tensor))))
        };
        let ((scale, of_scale), (shift, of_shift)) = (read(scale, 1.0)?, read(shift, 0.0)?);
        let mut values = take(self.batch * source.each());
        values.par_chunks_mut(source.each()).enumerate().for_each(|(image, out)| {
            source.lay_out(image, out);
            let own = image * channels..(image + 1) * channels;
            for pixel in out.chunks_exact_mut(channels) {
                let both = scale[own.clone()].iter().zip(&shift[own.clone()]);
                pixel.iter_mut().zip(both).for_each(|(value, (scale, shift))| *value = value.mul_add(*scale, *shift));
            }
        });
        let size = source.size;
        Ok(self.write(vec![source], Kind::Modulate { scale, of_scale, of_shift }, (values, size, None)))
    }

    /// The pass's result as a tensor, of which gradients find their way to every parameter.
    ///
    /// # Errors
    /// When the device fails.
    pub fn finish(self, out: &Value) -> Result<Tensor> {
        let out = match out {
            Value::Candle(y) => return Ok(y.clone()),
            Value::Ours(out) => out.clone(),
        };
        let (h, w, channels) = out.size;
        let walk = Walk { steps: self.steps, out, batch: self.batch, len: self.len };
        if !self.train {
            return Tensor::from_vec(walk.read(), (self.batch, h, w, channels), self.x.device());
        }
        let flat = self.parameters.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&flat, 0)?.apply_op2(&self.x, walk)
    }

    /// Takes a parameter up, and tells which of all numbers are its own.
    fn parameter(&mut self, tensor: &Tensor) -> Range<usize> {
        self.parameters.push(tensor.clone());
        self.len += tensor.elem_count();
        self.len - tensor.elem_count()..self.len
    }

    fn write(
        &mut self,
        sources: Vec<Arc<Numbers>>,
        kind: Kind,
        (values, size, line): (Vec<f32>, (usize, usize, usize), Option<Line>),
    ) -> Value {
        let out = Arc::new(Numbers { values, size, line, at: self.steps.len() + 1 });
        if self.train {
            self.steps.push(Step { sources, kind, out: out.clone() });
        }
        Value::Ours(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Slide;
    use super::*;
    use candle_core::{DType, Device, Var};
    use proptest::prelude::*;
    use rayon::ThreadPoolBuilder;

    const SAME: Slide = Slide { kernel: 3, stride: 1, padding: 1 };
    const HALF: Slide = Slide { kernel: 3, stride: 2, padding: 1 };
    const DOUBLE: Slide = Slide { kernel: 4, stride: 2, padding: 1 };

    fn random(mean: f32, shape: &[usize]) -> Var {
        Var::from_tensor(&Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap()).unwrap()
    }

    fn far(ours: &Tensor, theirs: &Tensor) -> f32 {
        let theirs = theirs.to_dtype(DType::F32).unwrap();
        let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        largest(&(ours - &theirs).unwrap()) / largest(&theirs).max(1e-6)
    }

    /// Something of everything: a skip, a mean that is spread again, pictures that are scaled and shifted.
    struct Net {
        layers: Vec<(Slide, bool, Vec<Var>)>,
        modulation: [Option<Var>; 2],
    }

    impl Net {
        fn new((batch, side, from): (usize, usize, usize), [a, b, c, d]: [usize; 4], modulated: [bool; 2]) -> Net {
            let layer = |slide: Slide, transposed, (from, to): (usize, usize), normal| {
                let shape = if transposed { [from, to] } else { [to, from] };
                let mut vars = vec![random(0.0, &[shape[0], shape[1], slide.kernel, slide.kernel])];
                if normal {
                    vars.extend([random(1.0, &[to]), random(0.0, &[to])]);
                }
                (slide, transposed, vars)
            };
            let spread = Slide { kernel: 2 * side, stride: 2 * side, padding: 0 };
            let layers = vec![
                layer(DOUBLE, true, (from, a), true),
                layer(SAME, false, (a, b), true),
                layer(spread, true, (b, c), true),
                layer(SAME, false, (c + b, d), true),
                layer(HALF, false, (d, d), true),
                layer(SAME, false, (d, 1), false),
            ];
            Net { layers, modulation: modulated.map(|wanted| wanted.then(|| random(1.0, &[batch, 1, 1, c]))) }
        }

        fn vars(&self) -> Vec<&Var> {
            self.layers.iter().flat_map(|(_, _, vars)| vars).chain(self.modulation.iter().flatten()).collect()
        }

        /// The result and all moments, in a number type: other types than float32 are candle's.
        fn forward(&self, x: &Tensor, dtype: DType, given: Option<&[Moments]>) -> (Tensor, Vec<Moments>) {
            let (mut pass, x) = Pass::new(&x.to_dtype(dtype).unwrap(), given.is_none()).unwrap();
            let mut moments = Vec::new();
            let mut conv = |pass: &mut Pass, at: usize, sources: &[&Value]| {
                let (slide, transposed, vars) = &self.layers[at];
                let tensors: Vec<Tensor> = vars.iter().map(|var| var.to_dtype(dtype).unwrap()).collect();
                let affine = (tensors.len() > 1).then(|| (tensors[1].clone(), tensors[2].clone()));
                let layer = Layer { slide: *slide, transposed: *transposed, weight: tensors[0].clone(), affine };
                let (y, own) = pass.conv(sources, &layer, given.and_then(|given| given.get(at))).unwrap();
                moments.extend(own);
                y
            };
            let a = conv(&mut pass, 0, &[&x]);
            let b = conv(&mut pass, 1, &[&a]);
            let mean = pass.mean_gelu(&b).unwrap();
            let spread = conv(&mut pass, 2, &[&mean]);
            let [scale, shift] = self.modulation.each_ref().map(|var| var.as_ref().map(|var| var.to_dtype(dtype).unwrap()));
            let c = pass.modulate(&spread, scale.as_ref(), shift.as_ref()).unwrap();
            let d = conv(&mut pass, 3, &[&c, &b]);
            let e = conv(&mut pass, 4, &[&d]);
            let f = conv(&mut pass, 5, &[&e]);
            (pass.finish(&f).unwrap(), moments)
        }
    }

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_pass_is_candles_operators_one_after_the_other(
            batch in 2..6usize, side in 2..7usize, mean in -3f32..3.0, from in 1..20usize, to in (1..20usize, 1..20usize, 1..20usize, 9..20usize), modulated: [bool; 2],
        ) {
            let (x, net) = (random(mean, &[batch, side, side, from]), Net::new((batch, side, from), [to.0, to.1, to.2, to.3], modulated));
            let ((ours, moments), (theirs, plain)) = (net.forward(&x, DType::F32, None), net.forward(&x, DType::F64, None));
            // Five normalisations, each of which divides by what is left of a difference.
            prop_assert!(far(&ours, &theirs) < 1e-4, "{}", far(&ours, &theirs));
            for (ours, theirs) in moments.iter().zip(&plain) {
                prop_assert_eq!(ours.count, theirs.count);
                let new = |numbers: &[f32]| Tensor::new(numbers, &Device::Cpu).unwrap();
                prop_assert!(far(&new(&ours.variance), &new(&theirs.variance)) < 1e-4);
            }
            let (given, _) = net.forward(&x, DType::F32, Some(&moments));
            prop_assert!(far(&given, &ours) < 1e-6, "{}", far(&given, &ours));
            let weight = random(0.0, ours.dims());
            let grads = |y: &Tensor| (y * weight.to_dtype(y.dtype()).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
            let (ours, theirs) = (grads(&ours), grads(&theirs));
            for var in net.vars().into_iter().chain([&x]) {
                let off = far(ours.get(var).unwrap(), theirs.get(var).unwrap());
                prop_assert!(off < 1e-3, "{:?} {off}", var.dims());
            }
        }
    }

    #[test]
    fn any_number_of_threads_computes_the_same_bytes() {
        let (x, net) = (random(0.5, &[40, 6, 6, 24]), Net::new((40, 6, 24), [16, 40, 17, 8], [true, true]));
        let weight = random(0.0, &[40, 6, 6, 1]);
        let all = |threads| {
            ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let (y, moments) = net.forward(&x, DType::F32, None);
                let grads = (&y * weight.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
                let back: Vec<_> = net.vars().into_iter().chain([&x]).map(|var| numbers(grads.get(var).unwrap())).collect();
                (numbers(&y), moments, back)
            })
        };
        let one = all(1);
        assert!(one == all(2) && one == all(4));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let layer = |features| Layer {
            slide: SAME,
            transposed: false,
            weight: zeros(&[5, 4, 3, 3]),
            affine: Some((zeros(&[features]), zeros(&[features]))),
        };
        let moments = |features| Moments { mean: vec![0.0; features], variance: vec![1.0; features], count: 0 };
        let fits = |shape: &[usize], features, given: Option<Moments>| {
            let (mut pass, x) = Pass::new(&zeros(shape), given.is_none())?;
            pass.conv(&[&x], &layer(features), given.as_ref()).map(|_| ())
        };
        assert!(fits(&[2, 3, 3, 4], 5, None).is_ok() && fits(&[2, 3, 3, 4], 5, Some(moments(5))).is_ok());
        assert!(fits(&[2, 3, 3, 4], 6, None).is_err());
        assert!(fits(&[2, 3, 3, 5], 5, None).is_err());
        assert!(fits(&[0, 3, 3, 4], 5, None).is_err());
        assert!(fits(&[2, 3, 3, 4], 5, Some(moments(4))).is_err());
        let (mut pass, x) = Pass::new(&zeros(&[2, 3, 3, 4]), true).unwrap();
        assert!(pass.conv(&[&x], &layer(5), Some(&moments(5))).is_err());
        assert!(pass.modulate(&x, Some(&zeros(&[2, 1, 1, 5])), None).is_err());
        let mean = pass.mean_gelu(&x).unwrap();
        assert!(pass.conv(&[&x, &mean], &layer(5), None).is_err());
    }
}
