//! The tensors of safetensors files, each read when it is asked for, straight into the type that it is wanted in.
//!
//! Files are read, not mapped: of a mapped file the pages that were read count as memory beside the numbers that were made of
//! them, and when another process cuts it short, it ends this one.

use super::loading::{Meter, OnPercent};
use crate::memory::give_back;
use ::safetensors::{Dtype, tensor::Metadata, tensor::TensorInfo};
use anyhow::{Result, ensure};
use candle_core::{DType, Device, Error, Shape, Tensor, WithDType};
use candle_nn::{Init, var_builder::SimpleBackend};
use half::{bf16, f16, slice::HalfFloatSliceExt};
use rayon::prelude::*;
use std::{fs, io, os::unix::fs::FileExt};

/// Numbers that a thread reads at a time.
const PIECE: usize = 1 << 17;
/// Numbers from which on a tensor is a large one.
const LARGE: usize = 1 << 18;
/// The most bytes that safetensors allows a header to have.
const LARGEST_HEADER: u64 = 100_000_000;

/// Where a file's bytes are.
pub(super) enum Bytes {
    File(fs::File),
    Embedded(&'static [u8]),
}

impl Bytes {
    fn len(&self) -> io::Result<u64> {
        match self {
            Bytes::File(file) => Ok(file.metadata()?.len()),
            Bytes::Embedded(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Fills `into` with what begins at byte `at`.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Bytes::File(file) => file.read_exact_at(into, at),
            Bytes::Embedded(bytes) => {
                let from = bytes.get(at as usize..).and_then(|bytes| bytes.get(..into.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
                into.copy_from_slice(from);
                Ok(())
            }
        }
    }
}

/// A safetensors file.
pub(super) struct Source {
    /// What people call it.
    name: String,
    bytes: Bytes,
    header: Metadata,
    /// The byte that the numbers begin at.
    start: u64,
}

impl Source {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is no safetensors file, or a part of one.
    pub fn open(name: &str, bytes: Bytes) -> Result<Source> {
        let (size, mut length) = (bytes.len()?, [0; 8]);
        bytes.read(0, &mut length)?;
        let length = u64::from_le_bytes(length);
        ensure!(length <= LARGEST_HEADER.min(size), "its header is longer than the file");
        let mut header = vec![0; length as usize];
        bytes.read(8, &mut header)?;
        let header: Metadata = serde_json::from_slice(&header)?;
        let start = 8 + length;
        ensure!(start + header.data_len() as u64 == size, "its header and its size disagree");
        Ok(Source { name: name.to_owned(), bytes, header, start })
    }

    /// A tensor in `dtype` on `device`.
    fn load(&self, info: &TensorInfo, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let shape = info.shape.as_slice();
        match (info.dtype, dtype) {
            (Dtype::F32 | Dtype::F16 | Dtype::BF16, DType::F32) => Tensor::from_vec(self.numbers::<f32>(info)?, shape, device),
            (Dtype::F32 | Dtype::F16 | Dtype::BF16, DType::F16) => Tensor::from_vec(self.numbers::<f16>(info)?, shape, device),
            (Dtype::F32 | Dtype::F16 | Dtype::BF16, DType::BF16) => Tensor::from_vec(self.numbers::<bf16>(info)?, shape, device),
            (stored, _) => {
                let mut bytes = vec![0; info.data_offsets.1 - info.data_offsets.0];
                self.bytes.read(self.start + info.data_offsets.0 as u64, &mut bytes).map_err(|error| self.unreadable(&error))?;
                Tensor::from_raw_buffer(&bytes, stored.try_into()?, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
            }
        }
    }

    /// A tensor's numbers, read in pieces: beside them there are no others in memory.
    fn numbers<T: Number>(&self, info: &TensorInfo) -> candle_core::Result<Vec<T>> {
        let (width, first) = (info.dtype.bitsize() / 8, self.start + info.data_offsets.0 as u64);
        let count = (info.data_offsets.1 - info.data_offsets.0) / width;
        if count >= LARGE {
            // What was made ready of the tensor before has taken its place; the allocator would keep both.
            give_back();
        }
        let mut all = vec![T::zero(); count];
        let pieces = all.par_chunks_mut(PIECE).enumerate();
        pieces
            .try_for_each_init(Vec::new, |bytes, (i, piece)| -> io::Result<()> {
                bytes.resize(piece.len() * width, 0);
                self.bytes.read(first + (i * PIECE * width) as u64, bytes)?;
                T::take(info.dtype, bytes, piece);
                Ok(())
            })
            .map_err(|error| self.unreadable(&error))?;
        Ok(all)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::Msg(format!("{} cannot be read: {error}", self.name))
    }
}

/// What the numbers of a tensor can be wanted as.
trait Number: WithDType {
    /// Numbers that are stored as f32, f16 or bf16.
    fn take(stored: Dtype, bytes: &[u8], to: &mut [Self]);
}

impl Number for f32 {
    fn take(stored: Dtype, bytes: &[u8], to: &mut [f32]) {
        match stored {
            Dtype::F16 => halves(bytes, f16::from_le_bytes).convert_to_f32_slice(to),
            Dtype::BF16 => halves(bytes, bf16::from_le_bytes).convert_to_f32_slice(to),
            _ => to.iter_mut().zip(bytes.as_chunks().0).for_each(|(to, bytes)| *to = f32::from_le_bytes(*bytes)),
        }
    }
}

impl Number for f16 {
    fn take(stored: Dtype, bytes: &[u8], to: &mut [f16]) {
        match stored {
            Dtype::F16 => to.copy_from_slice(&halves(bytes, f16::from_le_bytes)),
            _ => to.convert_from_f32_slice(&floats(stored, bytes, to.len())),
        }
    }
}

impl Number for bf16 {
    fn take(stored: Dtype, bytes: &[u8], to: &mut [bf16]) {
        match stored {
            Dtype::BF16 => to.copy_from_slice(&halves(bytes, bf16::from_le_bytes)),
            _ => to.convert_from_f32_slice(&floats(stored, bytes, to.len())),
        }
    }
}

fn halves<T>(bytes: &[u8], number: impl Fn([u8; 2]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

fn floats(stored: Dtype, bytes: &[u8], count: usize) -> Vec<f32> {
    let mut wide = vec![0.0; count];
    f32::take(stored, bytes, &mut wide);
    wide
}

/// The tensors of all files of a part.
pub(super) struct Tensors {
    sources: Vec<Source>,
    /// Counts what is read of them, where somebody waits for it.
    meter: Option<Meter>,
}

impl Tensors {
    pub fn new(sources: Vec<Source>, on_percent: Option<OnPercent>) -> Tensors {
        let total = sources.iter().map(|source| source.header.data_len() as u64).sum();
        Tensors { sources, meter: on_percent.map(|on_percent| Meter::new(total, on_percent)) }
    }

    fn load(&self, (source, info): (&Source, &TensorInfo), dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let tensor = source.load(info, dtype, device)?;
        let bytes = (info.data_offsets.1 - info.data_offsets.0) as u64;
        self.meter.iter().try_for_each(|meter| meter.add(bytes))?;
        Ok(tensor)
    }

    fn find(&self, name: &str) -> candle_core::Result<(&Source, &TensorInfo)> {
        let found = self.sources.iter().find_map(|source| Some((source, source.header.info(name)?)));
        let files = || self.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(" and ");
        found.ok_or_else(|| Error::Msg(format!("there is no tensor {name} in {}", files())))
    }
}

impl SimpleBackend for Tensors {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let (source, info) = self.find(name)?;
        if info.shape != shape.dims() {
            let (given, wanted) = (&info.shape, shape.dims());
            return Err(Error::Msg(format!("{}: {name} has the shape {given:?}, but config.json asks for {wanted:?}", source.name)));
        }
        self.load((source, info), dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        self.load(self.find(name)?, dtype, device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.header.info(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::safetensors::save;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const TYPES: [DType; 4] = [DType::F32, DType::F16, DType::BF16, DType::F64];

    fn open(tensors: HashMap<&str, Tensor>) -> (tempfile::TempDir, Tensors) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.safetensors");
        save(&tensors, &path).unwrap();
        let source = Source::open("weights.safetensors", Bytes::File(fs::File::open(path).unwrap())).unwrap();
        (dir, Tensors::new(vec![source], None))
    }

    fn bits(x: &Tensor) -> Vec<u64> {
        x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn numbers_are_those_that_candle_makes_of_them(count in 0..40usize, scale in 1e-9f64..1e9, pieces: bool) {
            let count = if pieces { PIECE + count } else { count };
            let x = (Tensor::randn(0f64, 1.0, count, &Device::Cpu).unwrap() * scale).unwrap();
            for stored in TYPES {
                let x = x.to_dtype(stored).unwrap();
                let (_dir, tensors) = open(HashMap::from([("before", x.clone()), ("x", x.clone())]));
                for wanted in TYPES {
                    let ours = tensors.get(x.shape().clone(), "x", Init::default(), wanted, &Device::Cpu).unwrap();
                    prop_assert_eq!(ours.dtype(), wanted);
                    prop_assert_eq!(bits(&ours), bits(&x.to_dtype(wanted).unwrap()), "{:?} as {:?}", stored, wanted);
                }
            }
        }
    }

    #[test]
    fn what_is_missing_or_of_another_shape_is_told_with_the_file() {
        let (_dir, tensors) = open(HashMap::from([("x", Tensor::zeros((2, 3), DType::F16, &Device::Cpu).unwrap())]));
        let get = |name: &str| tensors.get((3, 2).into(), name, Init::default(), DType::F32, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(get("y"), "there is no tensor y in weights.safetensors");
        assert_eq!(get("x"), "weights.safetensors: x has the shape [2, 3], but config.json asks for [3, 2]");
    }

    #[test]
    fn a_file_that_was_cut_short_since_is_an_error() {
        let (dir, tensors) = open(HashMap::from([("x", Tensor::zeros(600, DType::F32, &Device::Cpu).unwrap())]));
        fs::OpenOptions::new().write(true).open(dir.path().join("weights.safetensors")).unwrap().set_len(900).unwrap();
        let error = tensors.get_unchecked("x", DType::F32, &Device::Cpu).unwrap_err().to_string();
        assert!(error.starts_with("weights.safetensors cannot be read"), "{error}");
    }
}
