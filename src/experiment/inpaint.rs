//! `inpaint`: part of a picture kept, the rest made new (RePaint, Lugmayr et al. 2022).

use super::photo::load;
use super::walk::{Way, check_finite, made, walk};
use super::{Job, Models, OnStep, Outcome, begin, pixels};
use crate::diffusion::{Denoiser, Jump, Noise, Place, Prediction, Use, forward};
use crate::model::{Pipeline, Text};
use crate::recipe::Inpaint;
use anyhow::Result;
use candle_core::Tensor;
use image::{GrayImage, RgbImage};

pub(super) fn run(recipe: &Inpaint, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let kept = begin(&models.inputs, recipe.walk.from.as_ref(), job)?;
    let inputs = models.inputs.clone();
    let (photo, model) = load(&recipe.photo, (&recipe.model, &recipe.prompt), models)?;
    let mask = inputs.mask(&recipe.mask, recipe.photo.fit, model.size() as u32)?;
    let mut way = Way::new(&recipe.walk, recipe.steps, &model.design)?;
    way.jumps = resample(&way, &recipe.schedule());
    let sampler = way.sampler(&recipe.walk, recipe.seed, &model.design);
    let shape = (recipe.count, 3, model.size(), model.size());
    let start = way.start(kept, sampler.noise, shape)?;
    let known = Known {
        model,
        text: model.encode(&["", &recipe.prompt])?,
        guidance: recipe.guidance,
        photo: photo.broadcast_as(shape)?.contiguous()?,
        is_new: pixels::mask(&mask)?,
        noise: sampler.noise,
    };
    let Some(clean) = walk(&way, &sampler, start, &known, on_step)? else { return Ok(Outcome::Stopped) };
    check_finite(&clean)?;
    let mut pictures = pixels::pictures(&clean)?;
    let original = inputs.photo(&recipe.photo, model.size() as u32)?;
    pictures.iter_mut().for_each(|picture| paste(picture, &original, &mask));
    Ok(Outcome::Done(pictures, made(model, way.timesteps)))
}

/// The jumps in the order of RePaint's schedule, each with the way back where one follows.
fn resample(way: &Way, schedule: &[usize]) -> Vec<Jump> {
    let next = schedule.iter().skip(1).map(|index| Some(*index)).chain([None]);
    let jump = |(index, next): (&usize, Option<usize>)| {
        let back = next.filter(|next| *next != index + 1).and_then(|next| way.timesteps.get(next).copied());
        Jump { back, ..way.jumps[*index] }
    };
    schedule.iter().zip(next).map(jump).collect()
}

/// A model that is told the known part of the picture before every step.
struct Known<'a> {
    model: &'a Pipeline,
    text: Text,
    guidance: f64,
    /// (b, 3, h, w)
    photo: Tensor,
    /// (1, 1, h, w), 1 where the picture is made new.
    is_new: Tensor,
    noise: Noise,
}

impl Denoiser for Known<'_> {
    fn predict(&self, at: Place, x: &Tensor) -> candle_core::Result<Prediction> {
        self.model.predict_guided(x, at.t, &self.text, self.guidance)
    }

    /// x_t ← m·x_t + (1-m)·forward(photo, t)
    fn constrain(&self, at: Place, x: Tensor) -> candle_core::Result<Tensor> {
        let noise = self.noise.batch(Use::Known, at.index as u32, self.photo.dims4()?)?;
        let known = forward(&self.model.design.process.schedule, &self.photo, Some(at.t), &noise)?;
        x.broadcast_mul(&self.is_new)? + known.broadcast_mul(&(1.0 - &self.is_new)?)?
    }
}

/// Puts the original's own pixels where the mask keeps them.
fn paste(picture: &mut RgbImage, original: &RgbImage, mask: &GrayImage) {
    for ((pixel, original), mask) in picture.pixels_mut().zip(original.pixels()).zip(mask.pixels()) {
        if mask[0] == 0 {
            *pixel = *original;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::{Clip, Process, Rule, Sampler, Schedule, jumps, timesteps};
    use crate::recipe::Recipe;
    use candle_core::{DType, Device};
    use std::{cell::Cell, ops::ControlFlow};

    fn repaint(fields: &[(&str, &str)]) -> Inpaint {
        let pairs: Vec<_> = fields.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        let Recipe::Inpaint(recipe) = Recipe::parse("inpaint", &pairs).unwrap() else { unreachable!() };
        *recipe
    }

    fn way(timesteps: Vec<usize>, ends_clean: bool) -> Way {
        let mut jumps = jumps(&timesteps);
        jumps.truncate(timesteps.len() - usize::from(ends_clean));
        Way { timesteps, jumps, ends_clean }
    }

    /// Sees no noise, and counts how often it was asked.
    struct Blind(Cell<usize>);

    impl Denoiser for Blind {
        fn predict(&self, _: Place, x: &Tensor) -> candle_core::Result<Prediction> {
            self.0.set(self.0.get() + 1);
            Ok(Prediction { noise: x.zeros_like()?, variance: None, halves: None })
        }
    }

    #[test]
    fn the_sampler_asks_the_model_as_often_as_was_announced() {
        let x = Tensor::zeros((1, 3, 2, 2), DType::F32, &Device::Cpu).unwrap();
        for (steps, length, count, calls) in
            [("250", "10", "10", 2410), ("100", "10", "10", 910), ("100", "10", "5", 460), ("100", "10", "2", 190), ("50", "5", "5", 230)]
        {
            let recipe = repaint(&[("steps", steps), ("jump-length", length), ("jump-count", count)]);
            let way = way(timesteps::leading(steps.parse().unwrap(), 1000), false);
            let sampler = Sampler {
                process: Process { schedule: Schedule::squaredcos_cap_v2(1000), clip: Clip::Range(1.0) },
                rule: Rule::Ddpm,
                jumps: resample(&way, &recipe.schedule()),
                noise: Noise { seed: 1 },
                offset: 0,
            };
            let blind = Blind(Cell::new(0));
            sampler.sample((0, x.clone()), &blind, |_| Ok(ControlFlow::Continue(()))).unwrap();
            assert_eq!(blind.0.get(), calls, "{steps} steps, {length} back, {count} times");
        }
    }

    #[test]
    fn every_step_begins_at_the_timestep_where_the_one_before_left_the_picture() {
        let strided = (repaint(&[("jump-count", "3")]), way(timesteps::strided(), true));
        let leading = (repaint(&[("steps", "50"), ("jump-length", "5"), ("jump-count", "5")]), way(timesteps::leading(50, 1000), false));
        for (recipe, way) in [strided, leading] {
            let jumps = resample(&way, &recipe.schedule());
            assert!(jumps.iter().any(|jump| jump.back.is_some()));
            assert!(jumps.windows(2).all(|pair| pair[0].back.or(pair[0].to) == Some(pair[1].from)));
            assert!(jumps.iter().all(|jump| jump.back.is_none_or(|back| Some(back) > jump.to)), "back is noisier");
            assert_eq!(jumps.last().unwrap().to, way.jumps.last().unwrap().to);
        }
    }
}
