//! Safetensors on disk or in the program, as a `VarBuilder`.

use super::folder::embedded;
use super::tensors::{Bytes, Source, Tensors};
use super::{Folder, Site};
use anyhow::{Context, Result, ensure};
use candle_nn::VarBuilder;
use std::fs;

impl Folder {
    /// The weights of a part, which go to their place when they are asked for.
    ///
    /// # Errors
    /// When a file is missing, empty, truncated or no safetensors file.
    pub fn weights<'a>(&self, part: &str, stem: &str, site: impl Into<Site<'a>>) -> Result<VarBuilder<'static>> {
        let Site { place, on_percent } = site.into();
        let files = self.weight_files(part, stem)?;
        let sources = files.iter().map(|file| self.source(file)).collect::<Result<_>>()?;
        Ok(VarBuilder::from_backend(Box::new(Tensors::new(sources, on_percent)), place.dtype, place.device.clone()))
    }

    fn source(&self, file: &str) -> Result<Source> {
        let bytes = match self {
            Folder::Embedded => Bytes::Embedded(embedded(file).context("the embedded model lacks a part")?),
            Folder::Dir(dir) => {
                let missing = || format!("{} is missing; the model folder is not whole", self.title(file));
                let opened = fs::File::open(dir.join(file)).with_context(missing)?;
                let size = opened.metadata().with_context(missing)?.len();
                ensure!(size > 0, "{} is empty; copy or download it again", self.title(file));
                Bytes::File(opened)
            }
        };
        // Whoever loads the part names its folder.
        let name = file.rsplit('/').next().unwrap_or(file);
        Source::open(name, bytes)
            .with_context(|| format!("{} is truncated or no safetensors file; copy or download it again", self.title(file)))
    }
}
