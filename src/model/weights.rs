//! Safetensors on disk or in the program, as a `VarBuilder`.

use super::Folder;
use super::folder::embedded;
use anyhow::{Context, Result, bail};
use candle_core::{DType, Device, safetensors::MmapedSafetensors};
use candle_nn::VarBuilder;
use std::{fs, path::PathBuf};

impl Folder {
    /// The weights of a part as numbers of `dtype`; on disk they are mapped, not read.
    ///
    /// # Errors
    /// When a file is missing, empty, truncated or no safetensors file.
    pub fn weights(&self, part: &str, stem: &str, dtype: DType) -> Result<VarBuilder<'static>> {
        let files = self.weight_files(part, stem)?;
        match self {
            Folder::Embedded => {
                let bytes = files.first().and_then(|file| embedded(file)).context("the embedded model lacks a part")?;
                Ok(VarBuilder::from_slice_safetensors(bytes, dtype, &Device::Cpu)?)
            }
            Folder::Dir(dir) => {
                let paths: Vec<PathBuf> = files.iter().map(|file| dir.join(file)).collect();
                for (path, file) in paths.iter().zip(&files) {
                    let size = fs::metadata(path)
                        .with_context(|| format!("{} is missing; the model folder is not whole", self.title(file)))?
                        .len();
                    if size == 0 {
                        bail!("{} is empty; copy or download it again", self.title(file));
                    }
                }
                let maps = map(&paths).with_context(|| {
                    format!("{} is truncated or no safetensors file; copy or download it again", self.title(&files.join(", ")))
                })?;
                Ok(VarBuilder::from_backend(Box::new(maps), dtype, Device::Cpu))
            }
        }
    }
}

/// Maps weight files, so that a model larger than memory is still read once and straight to its device.
#[allow(unsafe_code)]
fn map(paths: &[PathBuf]) -> candle_core::Result<MmapedSafetensors> {
    // SAFETY: the mapping is only read. Another process that truncates the file meanwhile can end this one with SIGBUS:
    // that is the price of not copying gigabytes, and the engine's death is one that the workbench survives.
    unsafe { MmapedSafetensors::multi(paths) }
}
