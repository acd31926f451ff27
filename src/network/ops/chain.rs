//! Layers one after the other as one operator of candle, and the way back through them.

use super::buffers::{give, take};
use super::conv::{floats, with_floats};
use super::conv_norm::{EPS, Layer};
use super::frame::{Gradient, Source};
use super::norm::{Back, Line, Moments, Sums};
use super::plan::Plan;
use super::weights::Packed;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A batch is cut into so many parts, whatever the number of threads: the same sums in the same order.
const PARTS: usize = 16;
/// Pixels whose sums run in float32.
const RUN: usize = 64;

/// A layer's plan, and where the numbers of its weight, γ and β are among all.
pub(super) struct Stage {
    plan: Plan,
    weight: Range<usize>,
    affine: Option<(Range<usize>, Range<usize>)>,
}

impl Stage {
    pub fn all(sources: &[&Tensor], layers: &[Layer]) -> Result<Vec<Stage>> {
        let channels = sources.iter().map(|x| x.dim(D::Minus1)).sum::<Result<usize>>()?;
        let (_, h, w, _) = sources.first().map_or(Ok((0, 0, 0, 0)), |x| x.dims4())?;
        let (mut from, mut end) = ((h, w, channels), 0);
        let mut next = |len: usize| {
            end += len;
            end - len..end
        };
        let mut stages = Vec::new();
        for layer in layers {
            let plan = layer.slide.plan(layer.transposed, layer.weight.shape(), from)?;
            from = plan.to;
            let weight = next(layer.weight.elem_count());
            if layer.affine.iter().any(|(gamma, beta)| (gamma.dims(), beta.dims()) != (&[from.2][..], &[from.2][..])) {
                bail!("a normalisation does not fit {from:?}");
            }
            stages.push(Stage { plan, weight, affine: layer.affine.as_ref().map(|_| (next(from.2), next(from.2))) });
        }
        Ok(stages)
    }

    fn line(&self, moments: &Moments, flat: &[f32]) -> Option<Line> {
        let (gamma, beta) = self.affine.clone()?;
        Some(Line::new(moments, (&flat[gamma], &flat[beta]), EPS))
    }
}

/// What the way there leaves for the way back.
#[derive(Default)]
pub(super) struct Kept {
    /// What each convolution came to, but for the last one where it is the operator's own result.
    numbers: Vec<Vec<f32>>,
    /// Of each normalisation.
    pub moments: Vec<Moments>,
    lines: Vec<Option<Line>>,
    /// The weights as the products want them.
    packed: Vec<Packed>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.numbers.drain(..).for_each(give);
    }
}

pub(super) struct Chain {
    pub stages: Vec<Stage>,
    pub given: Option<Vec<Moments>>,
    pub kept: Arc<Mutex<Kept>>,
}

impl Chain {
    fn forward(&self, sources: &[(&[f32], &Layout)], flat: &[f32]) -> Result<(CpuStorage, Shape)> {
        let batch = sources.first().map_or(Ok(0), |(_, at)| at.dim(0))?;
        let outer = |at: &Layout| at.dims().split_last().map(|(_, outer)| outer.to_vec());
        if batch == 0 || sources.iter().any(|(_, at)| outer(at) != outer(sources[0].1)) {
            bail!("pictures of one size, at least one");
        }
        let first: Vec<_> = sources.iter().map(|(values, at)| Source { values, channels: at.dims()[3], line: None }).collect();
        let mut kept = Kept::default();
        let mut last: (Vec<f32>, Option<Line>) = (Vec::new(), None);
        for (at, Stage { plan, weight, affine }) in self.stages.iter().enumerate() {
            let between = [Source { values: &last.0, channels: plan.from.2, line: last.1.as_ref() }];
            let sources = if at == 0 { &first[..] } else { &between };
            let own = affine.is_some() && self.given.is_none();
            let packed = plan.pack(&flat[weight.clone()]);
            let (numbers, deviations) = plan.forward(&packed, sources, batch, own);
            let moments = match &self.given {
                Some(given) => given.get(at).cloned(),
                None => affine.is_some().then(|| Moments::of(&deviations)),
            };
            let line = moments.as_ref().and_then(|moments| self.stages[at].line(moments, flat));
            if line.as_ref().is_some_and(|line| line.a.len() != plan.to.2) || (affine.is_some() && line.is_none()) {
                bail!("the moments that are given do not fit");
            }
            kept.moments.extend(moments.filter(|_| affine.is_some()));
            let before = std::mem::replace(&mut last, (numbers, line));
            match (&self.given, at) {
                (Some(_), 1..) => give(before.0),
                (None, 1..) => {
                    kept.numbers.push(before.0);
                    kept.lines.push(before.1);
                }
                _ => {}
            }
            if self.given.is_none() {
                kept.packed.push(packed);
            }
        }
        let (h, w, channels) = self.stages.last().map_or((0, 0, 0), |stage| stage.plan.to);
        let out = match last {
            (numbers, Some(line)) => {
                let out = activate(&line, &numbers);
                match self.given {
                    Some(_) => give(numbers),
                    None => {
                        kept.numbers.push(numbers);
                        kept.lines.push(Some(line));
                    }
                }
                out
            }
            (numbers, None) => numbers,
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok((CpuStorage::F32(out), (batch, h, w, channels).into()))
    }

    /// The gradients of the sources, where they are wanted, and of the flat parameters.
    fn backward(&self, sources: &[&Tensor], flat: &Tensor, grad: &Tensor) -> Result<(Vec<Option<Tensor>>, Tensor)> {
        let wanted = sources.iter().any(|x| x.track_op());
        let grad = grad.contiguous()?;
        let tensors: Vec<&Tensor> = [flat, &grad].into_iter().chain(sources.iter().copied()).collect();
        let (back, of_flat) = with_floats(&tensors, |numbers| {
            let [flat, grad, values @ ..] = numbers else { bail!("parameters and a gradient") };
            let first = values.iter().zip(sources).map(|(values, x)| Ok(Source { values, channels: x.dim(D::Minus1)?, line: None }));
            self.walk_back(&first.collect::<Result<Vec<_>>>()?, flat.len(), grad, wanted)
        })?;
        let mut back: Vec<_> = back
            .into_iter()
            .zip(sources)
            .map(|(back, x)| Tensor::from_vec(back, x.shape(), x.device()).map(Some))
            .collect::<Result<_>>()?;
        back.resize(sources.len(), None);
        Ok((back, Tensor::from_vec(of_flat, flat.shape(), flat.device())?))
    }

    fn walk_back(&self, first: &[Source], len: usize, grad: &[f32], wanted: bool) -> Result<(Vec<Vec<f32>>, Vec<f32>)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = self.stages.last() else { bail!("no layers") };
        let batch = grad.len() / (last.plan.to.0 * last.plan.to.1 * last.plan.to.2);
        let mut of_flat = vec![0.0; len];
        let mut current: (Cow<[f32]>, Option<Sums>) = (grad.into(), None);
        if let (true, Some(numbers), Some(Some(line))) = (last.affine.is_some(), kept.numbers.last(), kept.lines.last()) {
            let (through, sums) = through(line, numbers, grad);
            current = (through.into(), Some(sums));
        }
        for (at, stage) in self.stages.iter().enumerate().rev() {
            let plan = &stage.plan;
            let rows = batch * plan.to.0 * plan.to.1;
            let back = current.1.as_ref().zip(kept.lines.get(at).and_then(Option::as_ref)).map(|(sums, line)| Back::new(line, sums, rows));
            if let (Some(sums), Some((gamma, beta))) = (&current.1, &stage.affine) {
                of_flat[gamma.clone()].iter_mut().zip(&sums.gamma).for_each(|(to, sum)| *to = *sum as f32);
                of_flat[beta.clone()].iter_mut().zip(&sums.beta).for_each(|(to, sum)| *to = *sum as f32);
            }
            let gradient =
                Gradient { values: &current.0, channels: plan.to.2, norm: back.as_ref().map(|back| (&kept.numbers[at][..], back)) };
            let before = at.checked_sub(1);
            let between =
                before.map(|before| [Source { values: &kept.numbers[before], channels: plan.from.2, line: kept.lines[before].as_ref() }]);
            let sources = between.as_ref().map_or(first, |between| &between[..]);
            let back = plan.backward(&kept.packed[at], sources, &gradient, batch, wanted || at > 0);
            plan.unpack(&back.weight, &mut of_flat[stage.weight.clone()]);
            give(back.weight);
            if at == 0 {
                if let Cow::Owned(done) = current.0 {
                    give(done);
                }
                return Ok((back.sources, of_flat));
            }
            let normal = sources.iter().any(|source| source.line.is_some());
            let done =
                std::mem::replace(&mut current, (back.sources.into_iter().next().unwrap_or_default().into(), normal.then_some(back.sums)));
            if let Cow::Owned(done) = done.0 {
                give(done);
            }
        }
        bail!("no layers")
    }
}

fn part(floats: usize, channels: usize) -> usize {
    (floats / channels).div_ceil(PARTS).max(1) * channels
}

/// The operator's result, normalised and through GELU.
fn activate(line: &Line, numbers: &[f32]) -> Vec<f32> {
    let channels = line.a.len();
    let (mut out, part) = (vec![0.0; numbers.len()], part(numbers.len(), channels));
    out.par_chunks_mut(part).zip(numbers.par_chunks(part)).for_each(|(out, numbers)| {
        line.activate(numbers, (out, channels), numbers.len() / channels);
    });
    out
}

/// The way back through it.
fn through(line: &Line, numbers: &[f32], grad: &[f32]) -> (Vec<f32>, Sums) {
    let channels = line.a.len();
    let (mut out, part) = (take(numbers.len()), part(numbers.len(), channels));
    let parts = out.par_chunks_mut(part).zip(numbers.par_chunks(part)).zip(grad.par_chunks(part));
    let sums = parts.map(|((out, numbers), grad)| {
        let (mut sums, run) = (Sums::new(channels), RUN * channels);
        for ((out, numbers), grad) in out.chunks_mut(run).zip(numbers.chunks(run)).zip(grad.chunks(run)) {
            sums.through(line, (grad, channels), numbers, out, numbers.len() / channels);
        }
        sums
    });
    let sums: Vec<Sums> = sums.collect();
    let mut all = Sums::new(channels);
    sums.iter().for_each(|sums| all.add(sums));
    (out, all)
}

impl CustomOp2 for Chain {
    fn name(&self) -> &'static str {
        "conv-norm-gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_at: &Layout, flat: &CpuStorage, flat_at: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(floats(x, x_at)?, x_at)], floats(flat, flat_at)?)
    }

    fn bwd(&self, x: &Tensor, flat: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (mut sources, flat) = self.backward(&[x], flat, grad)?;
        Ok((sources.pop().flatten(), Some(flat)))
    }
}

impl CustomOp3 for Chain {
    fn name(&self) -> &'static str {
        "conv-norm-gelu"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_at: &Layout,
        skip: &CpuStorage,
        skip_at: &Layout,
        flat: &CpuStorage,
        flat_at: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(floats(x, x_at)?, x_at), (floats(skip, skip_at)?, skip_at)], floats(flat, flat_at)?)
    }

    fn bwd(
        &self,
        x: &Tensor,
        skip: &Tensor,
        flat: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (mut sources, flat) = self.backward(&[x, skip], flat, grad)?;
        let of_skip = sources.pop().flatten();
        Ok((sources.pop().flatten(), of_skip, Some(flat)))
    }
}
