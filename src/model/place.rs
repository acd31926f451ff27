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

    /// Device and precision as people read them: `cuda f16`.
    pub fn title(&self) -> String {
        format!("{} {}", self.name(), self.dtype.as_str())
    }

    /// The first of the places that a user asks for: see [`all`](Place::all).
    ///
    /// # Errors
    /// When there are no such words, the program was built without CUDA, or the GPU does not open.
    pub fn parse(device: &str, dtype: &str) -> Result<Place> {
        let dtype = precision(dtype)?;
        let device = match named(device)?.first() {
            Some(named) => named.open()?,
            None => gpus().next().unwrap_or(Device::Cpu),
        };
        Ok(Place::new(device, dtype))
    }

    /// What a user asks for: `auto`, `cpu`, `cuda`, `cuda:N` or several of them, as in `cuda:0,cuda:2`; `auto`, `f32`, `f16` or
    /// `bf16`.
    ///
    /// Devices that nobody chose are all GPUs that open where the program can compute on one, else the CPU; a precision that
    /// nobody chose is f16 on a GPU and f32 on a CPU.
    ///
    /// # Errors
    /// As for [`parse`](Place::parse).
    pub fn all(device: &str, dtype: &str) -> Result<Vec<Place>> {
        let dtype = precision(dtype)?;
        let mut devices = named(device)?.iter().map(Named::open).collect::<Result<Vec<_>>>()?;
        if devices.is_empty() {
            devices.extend(gpus());
        }
        if devices.is_empty() {
            devices.push(Device::Cpu);
        }
        Ok(devices.into_iter().map(|device| Place::new(device, dtype)).collect())
    }

    /// Gives what is free of its memory back to the others on the machine.
    pub fn give_back(&self) {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = &self.device
            && let Err(error) = super::gpu::give_back(device)
        {
            tracing::warn!("the memory that is free is not given back: {error}");
        }
    }

    fn new(device: Device, dtype: Option<DType>) -> Place {
        let usual = if device.is_cpu() { DType::F32 } else { DType::F16 };
        Place { dtype: dtype.unwrap_or(usual), device }
    }
}

/// The precision that a word means; none where nobody chose one.
fn precision(word: &str) -> Result<Option<DType>> {
    match word {
        "auto" => Ok(None),
        "f32" => Ok(Some(DType::F32)),
        "f16" => Ok(Some(DType::F16)),
        "bf16" => Ok(Some(DType::BF16)),
        other => bail!("there is no precision '{}'; there are auto, f32, f16 and bf16", other.escape_debug()),
    }
}

/// A device by its name.
#[derive(Debug, PartialEq)]
enum Named {
    Cpu,
    Cuda(usize),
}

impl Named {
    fn open(&self) -> Result<Device> {
        match self {
            Named::Cpu => Ok(Device::Cpu),
            Named::Cuda(number) => {
                ensure!(CUDA, "this darkroom was built without CUDA; build one with it: cargo build --release --features cuda");
                open(*number).with_context(|| format!("cuda:{number} does not open"))
            }
        }
    }
}

/// The devices that a user names; none for `auto`.
fn named(devices: &str) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    for word in devices.split(',').map(str::trim).filter(|_| devices != "auto") {
        let number = match (word, word.strip_prefix("cuda")) {
            ("cpu", _) => Some(Named::Cpu),
            (_, Some("")) => Some(Named::Cuda(0)),
            (_, Some(rest)) => rest.strip_prefix(':').and_then(|number| number.parse().ok()).map(Named::Cuda),
            _ => None,
        };
        let unknown = || {
            let word = word.escape_debug();
            format!("there is no device '{word}'; there are auto, cpu, cuda, cuda:N, and several as in cuda:0,cuda:1")
        };
        let named = number.with_context(unknown)?;
        ensure!(!all.contains(&named), "the device '{word}' is named twice");
        all.push(named);
    }
    Ok(all)
}

/// The GPUs that open.
fn gpus() -> impl Iterator<Item = Device> {
    #[cfg(feature = "cuda")]
    let count = super::gpu::count();
    #[cfg(not(feature = "cuda"))]
    let count = 0;
    (0..count).filter_map(|number| open(number).inspect_err(|error| tracing::warn!("cuda:{number} does not open: {error}")).ok())
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
        assert!(["f32", "f16"].map(|dtype| format!("{} {dtype}", auto.name())).contains(&auto.title()));
    }

    #[test]
    fn several_devices_are_several_places_and_auto_is_all_that_open() {
        let numbers = |words: &str| named(words).unwrap();
        assert_eq!(numbers("cuda:0, cuda:2"), [Named::Cuda(0), Named::Cuda(2)]);
        assert_eq!(numbers("cpu,cuda"), [Named::Cpu, Named::Cuda(0)]);
        assert_eq!(numbers("auto"), []);
        for (words, why) in [("cuda,cuda:0", "'cuda:0' is named twice"), ("cpu,auto", "no device 'auto'"), ("cpu,", "no device ''")] {
            let error = named(words).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let all = Place::all("auto", "f32").unwrap();
        assert!(!all.is_empty() && (CUDA || all.len() == 1));
        assert_eq!(Place::all("cpu", "auto").unwrap().iter().map(Place::title).collect::<Vec<_>>(), ["cpu f32"]);
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
