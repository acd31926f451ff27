//! What is shown of a training: samples after every epoch, always of the same noise, and what stands at the end.

use super::pixels;
use crate::diffusion::{Noise, Use};
use crate::recipe::{Recipe, TrainDenoiser};
use crate::training::{Data, Drawing, Fit, SIDE, one_hot};
use anyhow::{Context, Result};
use candle_core::Tensor;
use image::{GenericImage, Rgb, RgbImage};
use std::ops::ControlFlow;

/// How many images stand side by side.
pub(super) const COLUMNS: usize = 10;
/// Images of a denoiser that are tried on each amount of noise at the end.
const TRIED: usize = 3;
/// Between images, in pixels.
const GAP: u32 = 2;
const BETWEEN: Rgb<u8> = Rgb([96, 96, 96]);

/// What is shown of which training.
pub(super) enum Exhibit {
    /// Test images, what they were drowned in, and what the network makes of that.
    Denoised { recipe: Box<TrainDenoiser>, images: Tensor, noise: Tensor, mean: Tensor },
    /// Images of noise.
    Drawn { count: usize, guidance: f64, steps: usize, seed: u64 },
}

impl Exhibit {
    pub fn new(recipe: &Recipe, data: &Data) -> Result<Exhibit> {
        let drawn = |diffuse: &crate::recipe::Diffuse, guidance, seed| Exhibit::Drawn {
            count: diffuse.count,
            guidance,
            steps: diffuse.timesteps,
            seed,
        };
        match recipe {
            Recipe::TrainDenoiser(recipe) => {
                let images = data.test.pick(&(0..data.test.len().min(COLUMNS)).collect::<Vec<_>>())?;
                let noise = Noise { seed: recipe.seed }.normal(Use::Known, 0, 0, images.shape().clone())?;
                Ok(Exhibit::Denoised { recipe: recipe.clone(), images, noise, mean: data.train.mean()? })
            }
            Recipe::TrainTime(recipe) => Ok(drawn(&recipe.diffuse, 1.0, recipe.seed)),
            Recipe::TrainClass(recipe) => Ok(drawn(&recipe.diffuse, recipe.guidance, recipe.seed)),
            _ => Err(anyhow::anyhow!("{} trains nothing", recipe.experiment())),
        }
    }

    /// The samples after an epoch; none when `go_on` says no.
    pub fn epoch(&self, fit: &Fit, go_on: &mut dyn FnMut() -> Result<bool>) -> Result<Option<RgbImage>> {
        match self {
            Exhibit::Denoised { recipe, noise, .. } if recipe.pure_noise => rows(&[noise.clone(), fit.denoise(noise)?]).map(Some),
            Exhibit::Denoised { recipe, images, noise, .. } => {
                let noisy = (images + (noise * recipe.sigma)?)?;
                rows(&[images.clone(), noisy.clone(), fit.denoise(&noisy)?]).map(Some)
            }
            Exhibit::Drawn { count, guidance, steps, seed } => {
                let trained = fit.trained();
                let classes = trained.classes.len();
                let class =
                    (classes > 0).then(|| one_hot(&(0..*count).map(|image| image % classes).collect::<Vec<_>>(), classes)).transpose()?;
                let network = (&fit.network, &trained);
                let drawing = Drawing { network, class, guidance: *guidance, steps: *steps, noise: Noise { seed: *seed } };
                let start = (0, drawing.start(*count)?);
                let drawn = drawing.draw(start, |_| Ok(if go_on()? { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }))?;
                drawn.map(|images| grid(&last(&images)?)).transpose()
            }
        }
    }

    /// What stands at the end of a denoiser: the same images under other amounts of noise, or beside what the network
    /// makes of nothing the mean of all that it has seen.
    pub fn end(&self, fit: &Fit) -> Result<Option<RgbImage>> {
        let Exhibit::Denoised { recipe, images, noise, mean } = self else { return Ok(None) };
        if recipe.pure_noise {
            let one = fit.denoise(&noise.narrow(0, 0, 1)?)?;
            return rows(&[Tensor::cat(&[&one, mean], 0)?]).map(Some);
        }
        let mut lines = Vec::new();
        for image in 0..images.dim(0)?.min(TRIED) {
            let (image, noise) = (images.narrow(0, image, 1)?, noise.narrow(0, image, 1)?);
            let noisy: Vec<Tensor> = recipe.sigmas.0.iter().map(|sigma| &image + (&noise * *sigma)?).collect::<candle_core::Result<_>>()?;
            let noisy = Tensor::cat(&noisy, 0)?;
            lines.extend([noisy.clone(), fit.denoise(&noisy)?]);
        }
        rows(&lines).map(Some)
    }
}

/// (n, 1, 28, 28) as (n, 28, 28, 1): of one channel it is the same.
fn last(images: &Tensor) -> Result<Tensor> {
    Ok(images.reshape((images.dim(0)?, SIDE, SIDE, 1))?)
}

/// Images (n, 28, 28, 1) in rows of [`COLUMNS`].
fn grid(images: &Tensor) -> Result<RgbImage> {
    let n = images.dim(0)?;
    let lines = (0..n).step_by(COLUMNS).map(|first| images.narrow(0, first, COLUMNS.min(n - first)));
    rows(&lines.collect::<candle_core::Result<Vec<_>>>()?)
}

/// Rows of images (n, 28, 28, 1) from 0 to 1, one below the other.
pub(super) fn rows(lines: &[Tensor]) -> Result<RgbImage> {
    let columns = lines.iter().map(|line| line.dim(0)).collect::<candle_core::Result<Vec<_>>>()?.into_iter().max();
    let (columns, side) = (columns.context("there are no images to show")? as u32, SIDE as u32);
    let length = |count: u32| count * side + count.saturating_sub(1) * GAP;
    let mut sheet = RgbImage::from_pixel(length(columns), length(lines.len() as u32), BETWEEN);
    for (row, line) in lines.iter().enumerate() {
        let n = line.dim(0)?;
        for (column, picture) in pixels::grey(&line.reshape((n, 1, SIDE, SIDE))?)?.iter().enumerate() {
            sheet.copy_from(picture, column as u32 * (side + GAP), row as u32 * (side + GAP))?;
        }
    }
    Ok(sheet)
}
