//! Where a model computes, and in which precision.

use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Where a model computes, and in which precision.
#[derive(Clone, Debug)]
pub struct Place {
    /// What computes.
    pub device: Device,
    /// The type of its numbers.
    pub dtype: DType,
}

/// Whether the program was built to compute on an NVIDIA GPU.
const CUDA: bool = cfg!(feature = "cuda");

impl Place {
    /// On the CPU, in f32.
    pub fn cpu() -> Place {
        Place { device: Device::Cpu, dtype: DType::F32 }
    }

    /// What computes, in a word: `cpu`, `cuda`.
    pub fn name(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }

    /// What a user asks for: `auto`, `cpu`, `cuda` or `cuda:N`; `auto`, `f32`, `f16` or `bf16`.
    ///
    /// A device that nobody chose is the first GPU where the program can compute on one and it opens, else the CPU; a precision
    /// that nobody chose is f16 on a GPU and f32 on a CPU.
    ///
    /// # Errors
    /// When there are no such words, the program was built without CUDA, or the GPU does not open.
    pub fn parse(device: &str, dtype: &str) -> Result<Place> {
        let dtype = match dtype {
            "auto" => None,
            "f32" => Some(DType::F32),
            "f16" => Some(DType::F16),
            "bf16" => Some(DType::BF16),
            other => bail!("there is no precision '{}'; there are auto, f32, f16 and bf16", other.escape_debug()),
        };
        let device = match device {
            "cpu" => Device::Cpu,
            "auto" if CUDA => open(0).unwrap_or(Device::Cpu),
            "auto" => Device::Cpu,
            other => gpu(other)?,
        };
        let usual = if device.is_cpu() { DType::F32 } else { DType::F16 };
        Ok(Place { dtype: dtype.unwrap_or(usual), device })
    }
}

/// The GPU that `cuda` or `cuda:N` means.
fn gpu(device: &str) -> Result<Device> {
    let number = match device.strip_prefix("cuda") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix(':').and_then(|number| number.parse().ok()),
        None => None,
    };
    let number = number.with_context(|| format!("there is no device '{}'; there are auto, cpu, cuda and cuda:N", device.escape_debug()))?;
    ensure!(CUDA, "this darkroom was built without CUDA; build one with it: cargo build --release --features cuda");
    open(number).with_context(|| format!("{device} does not open"))
}

/// A GPU, which is opened once: candle takes what is opened twice for two devices.
fn open(number: usize) -> candle_core::Result<Device> {
    static OPENED: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(device) = opened.get(&number) {
        return Ok(device.clone());
    }
    #[cfg(feature = "cuda")]
    let device = super::gpu::open(number)?;
    #[cfg(not(feature = "cuda"))]
    let device = Device::new_cuda(number)?;
    opened.insert(number, device.clone());
    Ok(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_was_asked_for() {
        for (word, dtype) in [("f32", DType::F32), ("f16", DType::F16), ("bf16", DType::BF16)] {
            let place = Place::parse("cpu", word).unwrap();
            assert!(place.device.is_cpu() && place.dtype == dtype);
        }
        assert_eq!(Place::parse("cpu", "auto").unwrap().dtype, DType::F32);
        let auto = Place::parse("auto", "auto").unwrap();
        assert_eq!(auto.dtype, if auto.device.is_cpu() { DType::F32 } else { DType::F16 });
        assert!(CUDA || auto.device.is_cpu());
    }

    #[test]
    fn what_there_is_not_is_told_with_what_there_is() {
        let error = |device, dtype| format!("{:#}", Place::parse(device, dtype).unwrap_err());
        assert_eq!(error("cpu", "f64"), "there is no precision 'f64'; there are auto, f32, f16 and bf16");
        for device in ["metal", "cuda:", "cuda:x", "cuda0", "cuda:-1", ""] {
            assert!(error(device, "auto").starts_with(&format!("there is no device '{device}'")), "{device}");
        }
        if !CUDA {
            for device in ["cuda", "cuda:3"] {
                assert!(error(device, "f16").ends_with("cargo build --release --features cuda"));
            }
        }
    }
}
