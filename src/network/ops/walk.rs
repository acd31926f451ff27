//! The way back through a [pass](super::pass::Pass): the gradients of its parameters, from that of its result.

use super::back::Pending;
use super::buffers::give;
use super::frame::{Gradient, Source};
use super::gelu::slope;
use super::norm::{Back, Sums};
use super::numbers::Numbers;
use super::plan::{Packed, Plan};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// One step of a pass.
pub(super) struct Step {
    pub sources: Vec<Arc<Numbers>>,
    pub kind: Kind,
    pub out: Arc<Numbers>,
}

/// What a step does, and where the numbers of its parameters are among all.
pub(super) enum Kind {
    Conv {
        plan: Plan,
        packed: Packed,
        weight: Range<usize>,
        affine: Option<(Range<usize>, Range<usize>)>,
    },
    /// The means, before GELU.
    Mean(Vec<f32>),
    Modulate {
        scale: Vec<f32>,
        of_scale: Option<Range<usize>>,
        of_shift: Option<Range<usize>>,
    },
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Kind::Conv { packed, .. } = &mut self.kind {
            packed.give();
        }
    }
}

/// A pass that has come to its result.
pub(super) struct Walk {
    pub steps: Vec<Step>,
    pub out: Arc<Numbers>,
    pub batch: usize,
    /// Numbers of all parameters.
    pub len: usize,
}

impl Walk {
    /// The result as it is read.
    pub fn read(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.out.values.len()];
        out.par_chunks_mut(self.out.each()).enumerate().for_each(|(image, out)| self.out.lay_out(image, out));
        out
    }

    /// The gradients of the parameters, and of the pictures where they are wanted.
    fn back(&self, grad: &[f32], wanted: bool) -> (Vec<f32>, Option<Vec<f32>>) {
        let mut flat = vec![0.0; self.len];
        let mut pending: Vec<Option<Pending>> = (0..=self.steps.len()).map(|_| None).collect();
        let mut first = Pending::of(&self.out);
        pass_back(&self.out, &mut first, |image, out| out.copy_from_slice(&grad[image * out.len()..][..out.len()]));
        pending[self.out.at] = Some(first);
        for step in self.steps.iter().rev() {
            let Some(own) = pending[step.out.at].take() else { continue };
            let want = |source: &Arc<Numbers>| source.at > 0 || wanted;
            let take = |source: &Arc<Numbers>| want(source).then(|| pending[source.at].take().unwrap_or_else(|| Pending::of(source)));
            let mut targets: Vec<Option<Pending>> = step.sources.iter().map(take).collect();
            self.step_back(step, &own, &mut targets, &mut flat);
            give(own.values);
            step.sources.iter().zip(targets).for_each(|(source, target)| pending[source.at] = target);
        }
        (flat, pending[0].take().map(|of_x| of_x.values))
    }

    fn step_back(&self, step: &Step, own: &Pending, targets: &mut [Option<Pending>], flat: &mut [f32]) {
        let only = step.sources.first().zip(targets.first_mut());
        match (&step.kind, only) {
            (Kind::Mean(means), Some((source, Some(target)))) => {
                let (h, w, channels) = source.size;
                pass_back(source, target, |image, out| {
                    let own = own.values[image * channels..].iter().zip(&means[image * channels..]);
                    let pixel: Vec<f32> = own.take(channels).map(|(g, mean)| g * slope(*mean) / (h * w) as f32).collect();
                    out.chunks_exact_mut(channels).for_each(|out| out.copy_from_slice(&pixel));
                });
            }
            (Kind::Modulate { scale, of_scale, of_shift }, Some((source, target))) => {
                if let Some(target) = target {
                    modulated_back(scale, own, (source, target));
                }
                let both = [(of_shift, None), (of_scale, Some(source))];
                both.into_iter().for_each(|(range, factor)| {
                    if let Some(range) = range {
                        sum_up(own, (source, factor), &mut flat[range.clone()]);
                    }
                });
            }
            (Kind::Conv { .. }, _) => self.conv_back(step, own, targets, flat),
            _ => {}
        }
    }

    fn conv_back(&self, step: &Step, own: &Pending, targets: &mut [Option<Pending>], flat: &mut [f32]) {
        let Kind::Conv { plan, packed, weight, affine } = &step.kind else { return };
        let rows = self.batch * plan.to.0 * plan.to.1;
        let back = step.out.line.as_ref().zip(own.sums.as_ref()).map(|(line, sums)| Back::new(line, sums, rows));
        if let (Some(sums), Some((gamma, beta))) = (&own.sums, affine) {
            flat[gamma.clone()].iter_mut().zip(&sums.gamma).for_each(|(to, sum)| *to = *sum as f32);
            flat[beta.clone()].iter_mut().zip(&sums.beta).for_each(|(to, sum)| *to = *sum as f32);
        }
        let norm = back.as_ref().map(|back| (&step.out.values[..], back));
        let gradient = Gradient { values: &own.values, channels: plan.to.2, norm };
        let sources: Vec<Source> = step.sources.iter().map(|source| source.source()).collect();
        let of_weight = plan.backward(packed, &sources, &gradient, targets);
        plan.unpack(&of_weight, &mut flat[weight.clone()]);
        give(of_weight);
    }
}

/// scale · g.
fn modulated_back(scale: &[f32], own: &Pending, (source, target): (&Numbers, &mut Pending)) {
    let (each, channels) = (source.each(), source.size.2);
    pass_back(source, target, |image, out| {
        let scale = &scale[image * channels..(image + 1) * channels];
        for (out, g) in out.chunks_exact_mut(channels).zip(own.values[image * each..].chunks_exact(channels)) {
            out.iter_mut().zip(g).zip(scale).for_each(|((out, g), scale)| *out = g * scale);
        }
    });
}

/// The sums of a gradient over each picture's pixels, or of its products with what was read.
fn sum_up(own: &Pending, (source, factor): (&Numbers, Option<&Arc<Numbers>>), sums: &mut [f32]) {
    let (each, channels) = (source.each(), source.size.2);
    sums.par_chunks_mut(channels).enumerate().for_each(|(image, sums)| {
        let mut read = vec![1.0; each];
        if let Some(factor) = factor {
            factor.lay_out(image, &mut read);
        }
        let both = own.values[image * each..].chunks_exact(channels).zip(read.chunks_exact(channels));
        both.for_each(|(g, y)| sums.iter_mut().zip(g.iter().zip(y)).for_each(|(sum, (g, y))| *sum += g * y));
    });
}

/// Passes the gradients of pictures as they were read back to what they were read from.
fn pass_back(source: &Numbers, target: &mut Pending, gradient: impl Fn(usize, &mut [f32]) + Sync) {
    let (size, begun) = (source.size, target.begun);
    let pictures = target.values.par_chunks_mut(source.each()).enumerate();
    let sums = pictures.map(|(image, out)| {
        let (mut frame, mut sums) = (vec![0.0; out.len()], source.line.as_ref().map(|_| Sums::new(size.2)));
        gradient(image, &mut frame);
        Plan::dense(size).pass_back((size.0, size.1), &frame, (&source.source(), 0), image, (out, sums.as_mut(), begun));
        sums
    });
    let sums: Vec<_> = sums.collect();
    sums.iter().for_each(|sums| target.add(sums.as_ref()));
    target.begun = true;
}

impl CustomOp2 for Walk {
    fn name(&self) -> &'static str {
        "pass"
    }

    /// The result is there already: the parameters stand here only so that gradients find their way to them.
    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (h, w, channels) = self.out.size;
        Ok((CpuStorage::F32(self.read()), (self.batch, h, w, channels).into()))
    }

    fn bwd(&self, flat: &Tensor, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (of_flat, of_x) = self.back(&grad.flatten_all()?.to_vec1::<f32>()?, x.track_op());
        let of_x = of_x.map(|of_x| Tensor::from_vec(of_x, x.shape(), x.device())).transpose()?;
        Ok((Some(Tensor::from_vec(of_flat, flat.shape(), flat.device())?), of_x))
    }
}
