//! `noise-levels`: an image under more and more noise.

use super::{Models, OnStep, Outcome, pixels, walk::tell_grey};
use crate::diffusion::{Noise, RNG, Use};
use crate::recipe::{Made, NoiseLevels};
use crate::training::{Data, SIDE};
use anyhow::{Context, Result};
use candle_core::Tensor;

pub(super) fn run(recipe: &NoiseLevels, _: &mut Models, on_step: OnStep) -> Result<Outcome> {
    let data = Data::load(&recipe.data)?;
    let (mut rows, images) = (Vec::new(), recipe.image.0.len());
    for (index, number) in recipe.image.0.iter().enumerate() {
        let image = data.test.pick(&[number - 1]).with_context(|| format!("image {number} of the tests"))?.reshape((1, 1, SIDE, SIDE))?;
        // The same noise, more and more of it.
        let noise = Noise { seed: recipe.seed }.normal(Use::Known, index as u32, 0, image.shape().clone())?;
        let row: Vec<Tensor> = recipe.sigmas.0.iter().map(|sigma| &image + (&noise * *sigma)?).collect::<candle_core::Result<_>>()?;
        rows.push(Tensor::cat(&row, 0)?);
        if tell_grey((index, images), &Tensor::cat(&rows, 0)?, on_step)?.is_break() {
            return Ok(Outcome::Stopped);
        }
    }
    let made = Made {
        model: String::new(),
        model_hash: String::new(),
        data_hash: Some(data.hash),
        size: (SIDE as u32, SIDE as u32),
        timesteps: vec![0; images],
        rng: RNG.to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        stage_two: None,
    };
    Ok(Outcome::Done(pixels::grey(&Tensor::cat(&rows, 0)?)?, made))
}
