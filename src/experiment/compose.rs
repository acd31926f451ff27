//! One prediction out of several: of one picture in several views, or of several prompts for its parts.

use crate::diffusion::{self, Denoiser, Noise, Place, Prediction, Schedule, Use, View, forward, mean, sum};
use crate::recipe::{self, Reduce, Split};
use anyhow::{Context, Result};
use candle_core::Tensor;

/// Asks the model: the picture (b, 3, h, w), the timestep, which prompt, and the view that everything is shown in, if any.
pub(super) type Ask<'a> = dyn Fn(&Tensor, usize, usize, Option<&View>) -> candle_core::Result<Prediction> + 'a;

/// How the predictions become one.
pub(super) enum Blend {
    /// There is one.
    Single,
    /// Each prompt sees the picture in a view of its own.
    Views { views: Vec<View>, reduce: Reduce },
    /// Each prompt gives a part of the noise.
    Parts {
        split: diffusion::Split,
        /// The prompt of each part.
        prompts: Vec<usize>,
    },
}

/// A model asked under several prompts.
pub(super) struct Composed<'a> {
    pub ask: &'a Ask<'a>,
    pub blend: Blend,
    pub fixed: Option<Fixed<'a>>,
}

/// A part that a photo gives (the inverse problem of factorized diffusion).
pub(super) struct Fixed<'a> {
    pub split: diffusion::Split,
    /// Which of the parts.
    pub part: usize,
    /// (b, 3, h, w)
    pub photo: Tensor,
    pub schedule: &'a Schedule,
    pub noise: Noise,
}

impl Denoiser for Composed<'_> {
    fn predict(&self, at: Place, x: &Tensor) -> candle_core::Result<Prediction> {
        match &self.blend {
            Blend::Single => (self.ask)(x, at.t, 0, None),
            Blend::Views { views, reduce: Reduce::Alternate } => self.seen(at, x, views, at.index % views.len().max(1)),
            Blend::Views { views, reduce: Reduce::Mean } => {
                let predictions: Vec<_> = (0..views.len()).map(|i| self.seen(at, x, views, i)).collect::<candle_core::Result<_>>()?;
                mean(&predictions)
            }
            Blend::Parts { split, prompts } => self.parts(at, x, split, prompts),
        }
    }

    /// The known part of x_t is that of the photo at t.
    fn constrain(&self, at: Place, x: Tensor) -> candle_core::Result<Tensor> {
        let Some(Fixed { split, part, photo, schedule, noise }) = &self.fixed else { return Ok(x) };
        let noise = noise.batch(Use::Known, at.index as u32, photo.dims4()?)?;
        exchange(split, *part, x, &forward(schedule, photo, Some(at.t), &noise)?)
    }
}

/// One part of x exchanged for that of `known`, all (b, 3, h, w).
fn exchange(split: &diffusion::Split, part: usize, x: Tensor, known: &Tensor) -> candle_core::Result<Tensor> {
    // The part is linear: what is exchanged is the part of the difference.
    let exchanged = split.part(&(known - &x)?, part)?;
    x + exchanged
}

impl Composed<'_> {
    /// The clean picture at the end, whose known part is the photo's own: the last step has predicted it once more.
    pub fn finish(&self, clean: Tensor) -> candle_core::Result<Tensor> {
        match &self.fixed {
            Some(Fixed { split, part, photo, .. }) => exchange(split, *part, clean, photo),
            None => Ok(clean),
        }
    }

    /// What a prompt sees in its view, brought back to the picture's own.
    fn seen(&self, at: Place, x: &Tensor, views: &[View], which: usize) -> candle_core::Result<Prediction> {
        let view = views.get(which).ok_or_else(|| candle_core::Error::msg("there is no view"))?;
        // A variance has a place, but no sign.
        (self.ask)(x, at.t, which, Some(view))?.map(|noise| view.undo(noise), |variance| view.undo_places(variance))
    }

    fn parts(&self, at: Place, x: &Tensor, split: &diffusion::Split, prompts: &[usize]) -> candle_core::Result<Prediction> {
        let count = prompts.iter().max().map_or(0, |last| last + 1);
        let asked: Vec<_> = (0..count).map(|prompt| (self.ask)(x, at.t, prompt, None)).collect::<candle_core::Result<_>>()?;
        let part = |(part, prompt): (usize, &usize)| asked[*prompt].map(|noise| split.part(noise, part), |variance| Ok(variance.clone()));
        let parts: Vec<_> = prompts.iter().enumerate().map(part).collect::<candle_core::Result<_>>()?;
        sum(&parts)
    }
}

/// What a prompt is shown of x (b, c, h, w): x itself where it has no view of its own.
pub(super) fn shown(view: Option<&View>, x: &Tensor) -> candle_core::Result<Tensor> {
    view.map_or_else(|| Ok(x.clone()), |view| view.apply(x))
}

/// The views that a recipe names, for pictures of this size.
pub(super) fn views(asked: &[recipe::View], side: usize) -> Result<Vec<View>> {
    let view = |view: &recipe::View| match view {
        recipe::View::Identity => View::identity(side),
        recipe::View::Flip => View::flip(side),
        recipe::View::Rotate90 => View::rotate(side, 1),
        recipe::View::Rotate180 => View::rotate(side, 2),
        recipe::View::Rotate270 => View::rotate(side, 3),
        recipe::View::Negate => View::negate(side),
        recipe::View::Skew(by) => View::skew(side, *by),
        recipe::View::PatchPermute(count) | recipe::View::PixelPermute(count) => View::permute(side, *count),
        recipe::View::Jigsaw => View::jigsaw(side),
        recipe::View::InnerCircle => View::inner_circle(side),
        recipe::View::SquareHinge => View::square_hinge(side),
    };
    asked.iter().map(|asked| view(asked).with_context(|| format!("the view {asked} does not fit the model's pictures"))).collect()
}

/// The split that a recipe names.
pub(super) fn split(asked: Split, kernel: usize, sigma: f64) -> diffusion::Split {
    let kind = match asked {
        Split::Frequency => diffusion::Parts::Frequency,
        Split::ThreeBands => diffusion::Parts::ThreeBands,
        Split::Colour => diffusion::Parts::Colour,
        Split::Motion => diffusion::Parts::Motion,
        Split::Scale => diffusion::Parts::Scale,
    };
    diffusion::Split { kind, kernel, sigma }
}

/// The states of the null prompt and of each prompt, a pair for every prompt.
pub(super) fn texts(model: &crate::model::Pipeline, prompts: &[String]) -> Result<Vec<crate::model::Text>> {
    prompts.iter().map(|prompt| model.encode(&["", prompt])).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    const SIDE: usize = 16;

    fn noise(seed: u64) -> Tensor {
        Noise { seed }.normal(Use::Init, 0, 0, (2, 3, SIDE, SIDE)).unwrap()
    }

    fn largest(x: &Tensor) -> f32 {
        x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    /// Every view that a recipe can name.
    fn every_view() -> Vec<View> {
        let named: Vec<recipe::View> = recipe::VIEWS.iter().map(|name| name.parse().unwrap()).collect();
        views(&named, SIDE).unwrap()
    }

    #[test]
    fn what_a_prompt_sees_in_its_view_comes_back_to_where_it_was() {
        let (x, views) = (noise(1), every_view());
        // A model that finds the picture itself in what it is shown: as noise with its signs, as variance without.
        let ask = |x: &Tensor, _: usize, _: usize, view: Option<&View>| {
            let seen = shown(view, x)?;
            Ok(Prediction { noise: seen.clone(), variance: Some(seen.sqr()?), halves: Some((seen.clone(), (seen * 2.0)?)) })
        };
        let returns = |blend: Blend, index: usize| {
            let composed = Composed { ask: &ask, blend, fixed: None };
            let found = composed.predict(Place { index, t: 500 }, &x).unwrap();
            let (half, other) = found.halves.unwrap();
            let (noise, variance) = ((found.noise - &x).unwrap(), (found.variance.unwrap() - x.sqr().unwrap()).unwrap());
            let (half, other) = ((half - &x).unwrap(), (other - (&x * 2.0).unwrap()).unwrap());
            assert!([noise, variance, half, other].iter().all(|far| largest(far) < 1e-5), "step {index}");
        };
        for (index, view) in views.iter().enumerate() {
            returns(Blend::Views { views: vec![view.clone()], reduce: Reduce::Mean }, index);
            returns(Blend::Views { views: views.clone(), reduce: Reduce::Alternate }, index);
        }
        returns(Blend::Views { views, reduce: Reduce::Mean }, 0);
        returns(Blend::Single, 0);
    }

    #[test]
    fn each_view_has_a_prompt_of_its_own_and_each_part_the_noise_of_its_prompt() {
        let x = Tensor::zeros((1, 3, SIDE, SIDE), candle_core::DType::F32, &Device::Cpu).unwrap();
        // Prompt 0 sees 1 everywhere, prompt 1 sees 2, and so on.
        let ask = |x: &Tensor, _: usize, prompt: usize, _: Option<&View>| {
            Ok(Prediction { noise: (x + (prompt + 1) as f64)?, variance: None, halves: None })
        };
        let flat = |blend: Blend, index: usize| {
            let composed = Composed { ask: &ask, blend, fixed: None };
            let noise = composed.predict(Place { index, t: 0 }, &x).unwrap().noise;
            let value = noise.mean_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(largest(&(noise - f64::from(value)).unwrap()) < 1e-6);
            value
        };
        let two = || views(&[recipe::View::Flip, recipe::View::Negate], SIDE).unwrap();
        assert_eq!(flat(Blend::Views { views: two(), reduce: Reduce::Mean }, 0), -0.5, "(1 - 2) / 2");
        assert_eq!([0, 1, 2].map(|index| flat(Blend::Views { views: two(), reduce: Reduce::Alternate }, index)), [1.0, -2.0, 1.0]);
        let parts = |prompts: &[usize]| Blend::Parts { split: split(Split::Colour, 33, 2.0), prompts: prompts.to_vec() };
        // A flat picture is all in the grey part.
        assert_eq!((flat(parts(&[0, 1]), 0), flat(parts(&[1, 0]), 0)), (1.0, 2.0));
    }
}
