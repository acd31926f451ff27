//! Pictures that come in: read from a file, an address, a result or the program itself, checked, brought to a model's
//! size, and kept in the workspace by the hash of their bytes.
//!
//! ```text
//! inputs/3fa9….png          a picture's own bytes, as they came
//! inputs/77b0….safetensors  a kept step that another run goes on from, or a trained network
//! inputs/91c2….pth          a dictionary of prompts
//! ```

mod builtin;
mod decode;
mod fetch;
mod fit;
#[cfg(test)]
mod tests;

pub use decode::decode;

use crate::atomic::{make_folder, reason, write_atomic};
use crate::recipe::{Fit, Image, Photo};
use anyhow::{Context, Result, anyhow, bail, ensure};
use image::{GrayImage, RgbImage, RgbaImage};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes that a picture's file may have.
pub const MAX_BYTES: u64 = 64 << 20;
/// The most bytes that a file of weights may have.
const MAX_WEIGHTS: u64 = 1 << 30;
/// How the files of kept steps end.
const STEP: &str = "safetensors";
/// How PyTorch's files end.
const DICTIONARY: &str = "pth";
/// How long an address may take to answer in full.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pictures that a workspace keeps; without a workspace only those that need none.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    workspace: Option<PathBuf>,
}

impl Inputs {
    /// Those of a workspace.
    pub fn of(workspace: &Path) -> Inputs {
        Inputs { workspace: Some(workspace.to_owned()) }
    }

    /// A picture upright, with what lies behind it, as a square of `side` pixels.
    ///
    /// # Errors
    /// When it cannot be had or is no picture, in one sentence that names it.
    pub fn photo(&self, photo: &Photo, side: u32) -> Result<RgbImage> {
        Ok(fit::square(&self.open(&photo.image)?, photo.fit, photo.background, side))
    }

    /// A mask as a square of `side` pixels, fitted as its photo is: 255 is made new, 0 is kept.
    ///
    /// # Errors
    /// When it cannot be had or is no picture, in one sentence that names it.
    pub fn mask(&self, mask: &Image, fit: Fit, side: u32) -> Result<GrayImage> {
        match builtin::mask(mask.as_str(), side) {
            Some(mask) => Ok(mask),
            None => Ok(fit::mask(&self.open(mask)?, fit, side)),
        }
    }

    /// A picture upright, in its own size.
    ///
    /// # Errors
    /// When it cannot be had or is no picture, in one sentence that names it.
    pub fn open(&self, image: &Image) -> Result<RgbaImage> {
        if let Some(mask) = builtin::mask(image.as_str(), builtin::MASK_SIDE) {
            return Ok(image::DynamicImage::from(mask).into_rgba8());
        }
        decode(&self.bytes(image)?, image.name())
    }

    /// Takes a picture into the workspace, so that a recipe runs again when the original is gone. One that is built in or
    /// kept already comes back as it is.
    ///
    /// # Errors
    /// When it cannot be had, is no picture, or cannot be written.
    pub fn keep(&self, image: &Image) -> Result<Image> {
        if image.is_built_in() {
            return Ok(image.clone());
        }
        ensure!(!self.is_step(image)?, "'{}' is a kept step and no picture; run:142 names a result", image.name().escape_debug());
        if image.hash().is_some() {
            return Ok(image.clone());
        }
        let bytes = self.bytes(image)?;
        decode(&bytes, image.name())?;
        self.keep_bytes(image.name(), &bytes, decode::extension(&bytes))
    }

    /// Takes a kept step into the workspace, so that a recipe goes on from it when its run is gone.
    ///
    /// # Errors
    /// When it cannot be had, is no kept step, or cannot be written.
    pub fn keep_step(&self, step: &Image) -> Result<Image> {
        ensure!(self.is_step(step)?, "'{}' is no kept step; write for example run:142@12", step.name().escape_debug());
        match step_of(step) {
            Some((run, number)) => self.keep_bytes(&format!("step {number} of {run}"), &self.bytes(step)?, STEP),
            None => Ok(step.clone()),
        }
    }

    /// Takes a trained network into the workspace: `weights:142`, or `weights:142@5` for the one after its fifth epoch.
    ///
    /// # Errors
    /// When it cannot be had or written.
    pub fn keep_weights(&self, weights: &Image) -> Result<Image> {
        let Some(run) = weights.as_str().strip_prefix("weights:") else { return self.kept(weights) };
        let (name, path) = self.weights(run)?;
        self.keep_bytes(&name, &read(&path, &name, MAX_WEIGHTS)?, STEP)
    }

    /// Takes a dictionary of prompts into the workspace.
    ///
    /// # Errors
    /// When it cannot be had or written, or is of no kind that is read.
    pub fn keep_embeddings(&self, file: &Image) -> Result<Image> {
        if file.hash().is_some() {
            return self.kept(file);
        }
        let (path, name) = (Path::new(file.as_str()), file.name());
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
        let known = match extension.as_str() {
            "pth" | "pt" => DICTIONARY,
            STEP => STEP,
            _ => bail!("'{}' is no dictionary of prompts; name a .pth or .safetensors file", name.escape_debug()),
        };
        self.keep_bytes(name, &read(path, name, MAX_WEIGHTS)?, known)
    }

    /// A file that is built in, or that the workspace does keep: one that it has lost is told when it is asked for.
    fn kept(&self, file: &Image) -> Result<Image> {
        if !file.is_built_in() {
            self.path(file)?;
        }
        Ok(file.clone())
    }

    fn is_step(&self, image: &Image) -> Result<bool> {
        match image.hash() {
            Some(_) => Ok(self.path(image)?.extension().is_some_and(|extension| extension == STEP)),
            None => Ok(step_of(image).is_some()),
        }
    }

    /// Takes a drawing into the workspace.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_pixels(&self, name: &str, picture: &RgbImage) -> Result<Image> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png)?;
        self.keep_bytes(name, bytes.get_ref(), "png")
    }

    /// The file of a kept input.
    ///
    /// # Errors
    /// When the workspace does not keep it.
    pub fn path(&self, image: &Image) -> Result<PathBuf> {
        let hash = image.hash().with_context(|| format!("'{}' is not kept in this workspace", image.as_str().escape_debug()))?;
        let here = self.folder()?;
        let file = decode::EXTENSIONS.iter().chain(&[STEP, DICTIONARY]).map(|extension| here.join(format!("{hash}.{extension}")));
        file.into_iter()
            .find(|file| file.is_file())
            .with_context(|| format!("this workspace does not keep {} ({}…); name the picture itself", image.name(), &hash[..12]))
    }

    fn folder(&self) -> Result<PathBuf> {
        let workspace = self.workspace.as_ref().context("without a workspace no pictures are kept")?;
        Ok(workspace.join("inputs"))
    }

    fn keep_bytes(&self, name: &str, bytes: &[u8], extension: &str) -> Result<Image> {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = self.folder()?;
        let file = folder.join(format!("{hash}.{extension}"));
        if !file.is_file() {
            make_folder(&folder)?;
            write_atomic(&file, bytes)?;
        }
        Ok(Image::kept(name, &hash))
    }

    /// The bytes of a picture, wherever they lie.
    fn bytes(&self, image: &Image) -> Result<Vec<u8>> {
        let text = image.as_str();
        if let Some(bytes) = builtin::photo(text) {
            return Ok(bytes.to_vec());
        }
        if image.hash().is_some() {
            return read(&self.path(image)?, image.name(), MAX_BYTES);
        }
        if let Some(rest) = text.strip_prefix("run:") {
            return read(&self.result(rest)?, text, MAX_BYTES);
        }
        match text.split_once("://") {
            Some(("http" | "https", _)) => fetch::get(text, MAX_BYTES, PATIENCE),
            Some((scheme, _)) => {
                bail!("'{}' begins with {}://; only http and https are fetched", text.escape_debug(), scheme.escape_debug())
            }
            None => read(Path::new(text), text, MAX_BYTES),
        }
    }

    /// The weights of `142` (the last epoch that is kept), or of `142@5`, and what to call them.
    fn weights(&self, name: &str) -> Result<(String, PathBuf)> {
        let (run, epoch) = name.split_once('@').map_or((name, None), |(run, epoch)| (run, Some(epoch)));
        let number = |text: &str| text.parse::<u32>().with_context(|| format!("'{}' names no training", name.escape_debug()));
        let workspace = self.workspace.as_ref().context("without a workspace there are no trainings")?;
        let folder = workspace.join("runs").join(format!("{:06}", number(run)?));
        let epochs = kept_epochs(&folder);
        let wanted = epoch.map(number).transpose()?;
        let found = epochs.iter().rev().find(|(epoch, _)| wanted.is_none_or(|wanted| *epoch == wanted));
        let words = || epochs.iter().map(|(epoch, _)| epoch.to_string()).collect::<Vec<_>>().join(", ");
        match (found, wanted) {
            (Some((epoch, path)), _) => Ok((format!("run {run}, epoch {epoch}"), path.clone())),
            (None, Some(wanted)) if !epochs.is_empty() => {
                bail!("run {run} keeps no weights of epoch {wanted}; it keeps those of {}", words())
            }
            _ => bail!("run {run} keeps no weights of a trained network"),
        }
    }

    /// The file behind `run:142`, `run:142/2` or `run:142@12`.
    fn result(&self, rest: &str) -> Result<PathBuf> {
        let wrong = || anyhow!("'run:{}' names no result; write run:142, run:142/2 or run:142@12", rest.escape_debug());
        let runs = self.workspace.as_ref().context("without a workspace there are no results")?.join("runs");
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        let (path, what) = match (rest.split_once('@'), rest.split_once('/')) {
            (Some((run, step)), _) => {
                (step_file(&runs.join(format!("{:06}", number(run)?)), number(step)?), format!("step {step} of run {run} is not kept"))
            }
            (None, Some((run, picture))) => {
                (runs.join(format!("{:06}/{}.png", number(run)?, number(picture)?)), format!("run {run} has no picture {picture}"))
            }
            (None, None) => (runs.join(format!("{:06}/1.png", number(rest)?)), format!("run {rest} has no picture")),
        };
        ensure!(path.is_file(), "{what} in this workspace");
        Ok(path)
    }
}

/// The file of a run's kept step, counted from 1, in the run's folder.
pub fn step_file(run: &Path, step: u32) -> PathBuf {
    run.join("steps").join(format!("{step:04}.safetensors"))
}

/// The epochs of a training, in the folder of its run, whose weights are kept, and in which file.
pub fn kept_epochs(run: &Path) -> Vec<(u32, PathBuf)> {
    let mut epochs = BTreeMap::new();
    // A checkpoint holds the weights too, and much beside.
    for folder in ["checkpoints", "weights"] {
        let entries = fs::read_dir(run.join(folder)).into_iter().flatten().flatten();
        epochs.extend(entries.filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let epoch = name.strip_prefix("epoch-")?.strip_suffix(".safetensors")?.parse().ok()?;
            Some((epoch, entry.path()))
        }));
    }
    epochs.into_iter().collect()
}

/// `run:142@12` as the run and the step.
fn step_of(image: &Image) -> Option<(&str, &str)> {
    image.as_str().strip_prefix("run:")?.split_once('@')
}

/// A whole file, unless it is too large to be a picture.
pub(crate) fn read(path: &Path, name: &str, most: u64) -> Result<Vec<u8>> {
    let name = name.escape_debug();
    let open = |error: std::io::Error| anyhow!("the file '{name}' cannot be read: {}", reason(&error));
    // A pipe would be waited for, and a folder is no picture.
    ensure!(!fs::metadata(path).map_err(open)?.is_dir(), "'{name}' is a folder; name a picture in it");
    ensure!(fs::metadata(path).map_err(open)?.is_file(), "'{name}' is no file");
    let mut bytes = Vec::new();
    File::open(path).map_err(open)?.take(most + 1).read_to_end(&mut bytes).map_err(open)?;
    ensure!(bytes.len() as u64 <= most, "'{name}' is larger than {} MB", most >> 20);
    Ok(bytes)
}
