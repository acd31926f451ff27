//! `inpaint`: part of a picture kept, the rest made new (RePaint).

use super::{Experiment, Given, Image, Model, Photo, RecipeError, Walk, number, walk::halves};
use serde::Serialize;

/// Keep what the mask says to keep, and make the rest new (RePaint).
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Inpaint {
    /// What the new part should show; empty for an unconditional picture.
    #[arg(long, default_value = "a high quality photo", value_name = "TEXT")]
    pub prompt: String,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub photo: Photo,

    /// White is made new, black is kept: a file, an address, or centre, left, right, top, bottom.
    #[arg(long, default_value = "centre", value_name = "MASK", value_parser = clap::value_parser!(Image))]
    pub mask: Image,

    /// How many timesteps, spaced evenly; alone it means `leading` timesteps.
    #[arg(long, value_name = "1..1000 timesteps", value_parser = number::whole(1, 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,

    /// How strongly the prompt pulls: 0 ignores it, 1 follows it, above exaggerates.
    #[arg(long, default_value = "7", value_name = "-100..100", value_parser = number::real(-100.0, 100.0))]
    pub guidance: f64,

    /// Picks the noise; the same seed and recipe give the same picture.
    #[arg(long, default_value = "0", value_name = "0..4294967295", value_parser = number::whole(0, u32::MAX as u64))]
    pub seed: u64,

    /// How many pictures in one run, each from noise of its own.
    #[arg(long, default_value = "1", value_name = "1..64 pictures", value_parser = number::count(1, 64))]
    pub count: usize,

    /// How many timesteps a jump goes back, so that the new part can agree with the kept one.
    #[arg(id = "jump-length", long, default_value = "10", value_name = "1..1000 timesteps", value_parser = number::count(1, 1000))]
    pub jump_length: usize,

    /// How often each stretch of that length is walked; 1 never goes back.
    #[arg(id = "jump-count", long, default_value = "1", value_name = "1..100 times", value_parser = number::count(1, 100))]
    pub jump_count: usize,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub walk: Walk,

    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)] // Its help is that of its fields.
    pub model: Model,
}

impl Inpaint {
    /// RePaint's schedule (Lugmayr et al. 2022, appendix B): the index of the timestep of each model call, in order.
    /// After a call at index i the picture stands at i + 1; where the next entry is not i + 1, noise takes it back there.
    pub fn schedule(&self) -> Vec<usize> {
        let (calls, length) = (self.walk.calls(self.steps), self.jump_length);
        // How many jumps are left where so many timesteps lie below the picture's own.
        let mut left = vec![0; calls];
        (0..calls.saturating_sub(length)).step_by(length).for_each(|below| left[below] = self.jump_count - 1);
        let (mut index, mut schedule) = (0, Vec::new());
        while index < calls {
            schedule.push(index);
            index += 1;
            if let Some(left) = left.get_mut(calls.wrapping_sub(index + 1)).filter(|left| **left > 0) {
                *left -= 1;
                index -= length;
            }
        }
        schedule
    }
}

impl Experiment for Inpaint {
    fn prompts(&self) -> Vec<&str> {
        vec![&self.prompt]
    }

    fn photo(&self) -> Option<&Photo> {
        Some(&self.photo)
    }

    fn inputs(&mut self) -> Given<'_> {
        Given {
            pictures: vec![&mut self.photo.image, &mut self.mask],
            step: self.walk.from.as_mut(),
            embeddings: self.model.embeddings.as_mut(),
            ..Given::default()
        }
    }

    fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        Some((&self.walk, self.steps))
    }

    fn guidance(&self) -> Option<f64> {
        Some(self.guidance)
    }

    fn pictures(&self) -> Vec<String> {
        (1..=self.count).map(|picture| picture.to_string()).collect()
    }

    fn model_calls(&self) -> usize {
        self.schedule().len() * self.count * halves(self.guidance)
    }

    fn schedule(&self) -> Option<Vec<usize>> {
        Some(Inpaint::schedule(self))
    }

    fn check(&self) -> Result<(), RecipeError> {
        self.walk.check(self.steps)?;
        let (calls, length) = (self.walk.calls(self.steps), self.jump_length);
        match self.jump_count > 1 && length >= calls {
            true => Err(RecipeError::at(
                "jump-length",
                format!(
                    "a jump of {length} timesteps does not fit into {calls}; take a shorter jump-length, more timesteps, or jump-count 1"
                ),
            )),
            false => Ok(()),
        }
    }
}
