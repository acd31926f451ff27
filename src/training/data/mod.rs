//! What is learned from: small grey images and their classes.

mod folder;
mod idx;
mod mnist;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Width and height of every image, in pixels.
pub const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;

/// Images for training, and others for tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// What is learned from.
    pub train: Images,
    /// What nothing is learned from.
    pub test: Images,
    /// What each class is called.
    pub classes: Vec<String>,
    /// SHA-256 over all pixels and classes, in hexadecimal.
    pub hash: String,
}

/// Images and their classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Images {
    /// 784 grey levels each, row by row.
    pixels: Vec<u8>,
    /// The class of each, from 0.
    classes: Vec<u8>,
}

impl Data {
    /// The data of this name: `mnist`, or a folder of IDX files or of images.
    ///
    /// # Errors
    /// When there is no such folder, or a file in it is broken; the file is named.
    pub fn load(name: &str) -> Result<Data> {
        if name == "mnist" {
            return mnist::load();
        }
        let path = Path::new(name);
        ensure!(path.is_dir(), "there is no data '{}'; name a folder of IDX files or images, or mnist", name.escape_debug());
        match idx::load(path)? {
            Some(data) => Ok(data),
            None => folder::load(path),
        }
    }

    fn new(train: Images, test: Images, classes: Vec<String>) -> Result<Data> {
        ensure!(train.len() >= 2, "there are {} images to learn from; at least 2 are needed", train.len());
        let highest = train.classes.iter().chain(&test.classes).max().copied().unwrap_or(0);
        // What is shown of a training are images to test it on: without any, those that it learns from.
        let test = if test.is_empty() { train.clone() } else { test };
        ensure!(usize::from(highest) < classes.len(), "an image is of class {highest}, and there are {} classes", classes.len());
        let mut hash = Sha256::new();
        for images in [&train, &test] {
            hash.update((images.len() as u64).to_le_bytes());
            hash.update(&images.pixels);
            hash.update(&images.classes);
        }
        let hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Data { train, test, classes, hash })
    }

    /// The same with the first `count` training images alone.
    pub fn first(mut self, count: usize) -> Data {
        let count = count.clamp(2.min(self.train.len()), self.train.len());
        self.train.pixels.truncate(count * PIXELS);
        self.train.classes.truncate(count);
        self
    }
}

impl Images {
    /// How many.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Those of these numbers, (n, 28, 28, 1) in [0, 1].
    ///
    /// # Errors
    /// When there is no such image.
    pub fn pick(&self, numbers: &[usize]) -> Result<Tensor> {
        let mut values = Vec::with_capacity(numbers.len() * PIXELS);
        for number in numbers {
            let image = self.pixels.get(number * PIXELS..(number + 1) * PIXELS);
            let image = image.with_context(|| format!("there is no image {}; there are {}", number + 1, self.len()))?;
            values.extend(image.iter().map(|level| f32::from(*level) / 255.0));
        }
        Ok(Tensor::from_vec(values, (numbers.len(), SIDE, SIDE, 1), &Device::Cpu)?)
    }

    /// The classes of those of these numbers.
    pub fn classes(&self, numbers: &[usize]) -> Vec<usize> {
        numbers.iter().filter_map(|number| self.classes.get(*number)).map(|class| usize::from(*class)).collect()
    }

    /// The mean of all images, (1, 28, 28, 1) in [0, 1].
    ///
    /// # Errors
    /// When there is none.
    pub fn mean(&self) -> Result<Tensor> {
        if self.is_empty() {
            bail!("there are no images to take the mean of");
        }
        let mut sums = vec![0u64; PIXELS];
        for image in self.pixels.chunks_exact(PIXELS) {
            sums.iter_mut().zip(image).for_each(|(sum, level)| *sum += u64::from(*level));
        }
        let mean = sums.into_iter().map(|sum| (sum as f64 / 255.0 / self.len() as f64) as f32).collect();
        Ok(Tensor::from_vec(mean, (1, SIDE, SIDE, 1), &Device::Cpu)?)
    }
}

/// Classes (n) from 0 as (n, classes), a 1 where the picture's is.
///
/// # Errors
/// When a class is none of them.
pub fn one_hot(numbers: &[usize], classes: usize) -> Result<Tensor> {
    let mut values = vec![0f32; numbers.len() * classes];
    for (row, class) in numbers.iter().enumerate() {
        ensure!(*class < classes, "there is no class {class}; the network knows 0 to {}", classes.saturating_sub(1));
        values[row * classes + class] = 1.0;
    }
    Ok(Tensor::from_vec(values, (numbers.len(), classes), &Device::Cpu)?)
}

#[cfg(test)]
mod tests;
