//! `sample-digits`: pictures from a network that was trained here.

use super::{Inside, Job, Models, OnStep, Outcome, Step, begin, pixels};
use super::{train::Release, walk::check_finite};
use crate::diffusion::{Noise, RNG};
use crate::recipe::{BUILT_IN, Layer, Made, SampleDigits};
use crate::training::{Drawing, SIDE, Trained, network, one_hot};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs;

/// Trained by `train-class`, see the README beside it.
const WEIGHTS: &[u8] = include_bytes!("../training/built-in/class.safetensors");

pub(super) fn run(recipe: &SampleDigits, models: &mut Models, job: Job, on_step: OnStep) -> Result<Outcome> {
    let _release = Release;
    let kept;
    let bytes = match recipe.run.as_str() {
        BUILT_IN => WEIGHTS,
        _ => {
            let path = models.inputs.path(&recipe.run)?;
            kept = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            &kept
        }
    };
    let (unet, trained) = network(bytes).with_context(|| format!("the weights of {}", recipe.run.name()))?;
    let class = class(recipe, &trained)?;
    let steps = recipe.steps.unwrap_or_else(|| trained.objective.timesteps());
    let drawing = Drawing { network: (&unet, &trained), class, guidance: recipe.guidance, steps, noise: Noise { seed: recipe.seed } };
    let start = match begin(&models.inputs, None, job)? {
        Some(kept) => {
            kept.check_shape(&[recipe.count, 1, SIDE, SIDE])?;
            (kept.next, kept.x)
        }
        None => (0, drawing.start(recipe.count)?),
    };
    let process = drawing.process();
    let drawn = drawing.draw(start, |step| {
        let inside = Some(Inside { step: &step, process: process.as_ref() });
        on_step(&Step {
            index: step.index,
            of: steps,
            t: step.jump.from,
            x0: step.x0,
            shown: Layer::Clean,
            unit: true,
            x: step.x,
            inside,
            finished: None,
        })
    })?;
    let Some(images) = drawn else { return Ok(Outcome::Stopped) };
    check_finite(&images)?;
    let made = Made {
        model: format!("unet of width {}, {} epochs", trained.network.d, trained.epochs),
        model_hash: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        data_hash: None,
        size: (SIDE as u32, SIDE as u32),
        timesteps: drawing.timesteps()?,
        rng: RNG.to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        stage_two: None,
    };
    Ok(Outcome::Done(pixels::grey(&images)?, made))
}

/// The class of each picture; none for a network that knows none.
fn class(recipe: &SampleDigits, trained: &Trained) -> Result<Option<candle_core::Tensor>> {
    let classes = trained.classes.len();
    match (recipe.class, classes) {
        (Some(class), 0) => bail!("this network knows no classes, and so none to make class {class} of; leave class empty"),
        (None, 0) => Ok(None),
        (Some(class), _) => {
            ensure!(class < classes, "class: there is no class {class}; the network knows 0 to {}", classes - 1);
            one_hot(&vec![class; recipe.count], classes).map(Some)
        }
        (None, _) => one_hot(&(0..recipe.count).map(|image| image % classes).collect::<Vec<_>>(), classes).map(Some),
    }
}
