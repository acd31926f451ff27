//! What a model folder holds, read from the headers alone.

use super::Folder;
use super::folder::embedded;
use crate::network::UnetConfig;
use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::Metadata;
use std::{fs, io::Read};

/// One network of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// `unet`, `text_encoder`.
    pub name: String,
    /// Numbers in it.
    pub parameters: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// The types that its numbers are stored as.
    pub dtypes: Vec<String>,
}

/// What a model folder holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// What it is called.
    pub name: String,
    /// Width and height of its pictures, in pixels.
    pub size: usize,
    /// Its networks.
    pub parts: Vec<Part>,
}

/// Reads the configs and the headers of the weights of the parts that are there; loads nothing.
///
/// # Errors
/// When the UNet is missing, or a part is broken.
pub fn info(folder: &Folder) -> Result<Info> {
    let unet = crate::network::UnetConfig::from_json(&folder.text("unet/config.json")?).with_context(|| folder.title("unet"))?;
    // A stage II folder may come without a text encoder.
    let parts = [("unet", "diffusion_pytorch_model"), ("text_encoder", "model")].into_iter().filter(|(name, _)| folder.has(name));
    let parts = parts.map(|(name, stem)| part(folder, name, stem)).collect::<Result<_>>()?;
    Ok(Info { name: folder.name(), size: unet.sample_size, parts })
}

fn part(folder: &Folder, name: &str, stem: &str) -> Result<Part> {
    let mut part = Part { name: name.to_owned(), parameters: 0, bytes: 0, dtypes: Vec::new() };
    for file in folder.weight_files(name, stem)? {
        let counted = match folder {
            Folder::Embedded => {
                let bytes = embedded(&file).unwrap_or_default();
                count(&mut part, bytes, bytes.len() as u64)
            }
            Folder::Dir(dir) => fs::File::open(dir.join(&file))
                .and_then(|opened| Ok((opened.metadata()?.len(), opened)))
                .map_err(anyhow::Error::from)
                .and_then(|(size, opened)| match size {
                    0 => bail!("{} is empty; copy or download it again", folder.title(&file)),
                    size => Ok((size, opened)),
                })
                .map(|(size, opened)| count(&mut part, opened, size))?,
        };
        counted.with_context(|| format!("{} is truncated or no safetensors file; copy or download it again", folder.title(&file)))?;
    }
    Ok(part)
}

/// The most bytes that safetensors allows a header to have.
const LARGEST_HEADER: u64 = 100_000_000;

/// Adds what the header of a file of `size` bytes tells; the weights behind it stay unread.
fn count(part: &mut Part, mut file: impl Read, size: u64) -> Result<()> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    ensure!(length <= LARGEST_HEADER.min(size), "its header is longer than the file");
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let metadata: Metadata = serde_json::from_slice(&header)?;
    ensure!(8 + length + metadata.data_len() as u64 == size, "its header and its size disagree");
    part.bytes += size;
    for tensor in metadata.tensors().values() {
        part.parameters += tensor.shape.iter().product::<usize>() as u64;
        let dtype = format!("{:?}", tensor.dtype);
        if !part.dtypes.contains(&dtype) {
            part.dtypes.push(dtype);
        }
    }
    Ok(())
}

/// Width and height in pixels of a model's pictures, read off its config alone.
///
/// # Errors
/// When there is no such model, or its config cannot be read.
pub fn sample_size(name: &str) -> Result<usize> {
    let folder = Folder::find(name)?;
    Ok(UnetConfig::from_json(&folder.text("unet/config.json")?).with_context(|| folder.title("unet"))?.sample_size)
}
