//! Prompts that were read elsewhere: a dictionary from prompt to states, as `torch.save` or safetensors write it. Every
//! student of the course holds one.

use super::pickle::{self, Recorded};
use super::{States, reader::clean};
use ::safetensors::SafeTensors;
use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// The most bytes that the list of a dictionary's prompts may take.
const LONGEST_LIST: u64 = 16 << 20;
/// The most numbers of a prompt: 77 states of 4096 are a hundredth of it.
const MOST_NUMBERS: usize = 1 << 25;
/// How many prompts are named when the wanted one is not there.
const NAMED: usize = 5;

/// The states of some prompts, (1, n, d) each as f32, out of the dictionary in a file that people call `name`.
///
/// # Errors
/// When the file is no such dictionary, or one of the prompts is not in it.
pub fn look_up(file: &Path, name: &str, prompts: &[&str]) -> Result<States> {
    let name = name.escape_debug();
    let open = || -> Result<Box<dyn Source>> {
        let mut magic = [0; 4];
        let length = File::open(file)?.read(&mut magic)?;
        match &magic[..length] {
            b"PK\x03\x04" => Ok(Box::new(Pickled::open(file)?)),
            _ if file.extension().is_some_and(|extension| extension == "safetensors") => Ok(Box::new(Safe(fs::read(file)?))),
            _ => bail!("it is neither what torch.save writes since PyTorch 1.6 nor a safetensors file"),
        }
    };
    let broken = || format!("'{name}' is no dictionary of prompts");
    let mut source = open().with_context(broken)?;
    let known = source.prompts().with_context(broken)?;
    let one = |prompt: &&str| -> Result<(String, Tensor)> {
        let key = find(&known, prompt).with_context(|| missing(&name.to_string(), prompt, &known))?;
        let unreadable = || format!("'{name}' holds '{}' as no tensor of states", prompt.escape_debug());
        Ok((prompt.to_string(), stack(source.states(key).with_context(unreadable)?).with_context(unreadable)?))
    };
    prompts.iter().map(one).collect()
}

/// The prompt as it stands there, or as the model sees it.
fn find<'a>(known: &'a [String], prompt: &str) -> Option<&'a str> {
    let same = |known: &&String| *known == prompt;
    let alike = |known: &&String| clean(known) == clean(prompt);
    known.iter().find(same).or_else(|| known.iter().find(alike)).map(String::as_str)
}

fn missing(name: &str, prompt: &str, known: &[String]) -> String {
    let mut names: Vec<_> = known.iter().filter(|known| !known.is_empty()).map(|known| format!("'{}'", known.escape_debug())).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let others = if more > 0 { format!(" and {more} more") } else { String::new() };
    let wanted = match prompt {
        "" => "the empty prompt '', which guidance pulls away from".to_owned(),
        prompt => format!("'{}'", prompt.escape_debug()),
    };
    format!("{name} does not hold {wanted}; it holds {}{others}", names.join(", "))
}

/// (1, n, d) from (1, n, d) or (n, d).
fn stack(states: Tensor) -> Result<Tensor> {
    let states = if states.rank() == 2 { states.unsqueeze(0)? } else { states };
    let (prompts, tokens, width) = states.dims3().context("it has another rank")?;
    ensure!(prompts == 1 && tokens > 0 && width > 0, "its shape is {:?}, not (1, tokens, states)", states.dims());
    let states = states.to_dtype(DType::F32)?;
    ensure!(states.sum_all()?.to_scalar::<f32>()?.is_finite(), "its numbers are not finite");
    Ok(states)
}

/// A file with the states of prompts.
trait Source {
    fn prompts(&mut self) -> Result<Vec<String>>;
    fn states(&mut self, prompt: &str) -> Result<Tensor>;
}

struct Safe(Vec<u8>);

impl Source for Safe {
    fn prompts(&mut self) -> Result<Vec<String>> {
        Ok(SafeTensors::deserialize(&self.0)?.names().into_iter().map(ToString::to_string).collect())
    }

    fn states(&mut self, prompt: &str) -> Result<Tensor> {
        use candle_core::safetensors::Load;
        Ok(SafeTensors::deserialize(&self.0)?.tensor(prompt)?.load(&Device::Cpu)?)
    }
}

/// What `torch.save` writes: a zip archive with a pickle, and the numbers beside it.
struct Pickled {
    archive: ZipArchive<BufReader<File>>,
    /// The archive's only folder.
    folder: String,
    tensors: Vec<(String, Recorded)>,
}

impl Pickled {
    fn open(file: &Path) -> Result<Pickled> {
        let mut archive = ZipArchive::new(BufReader::new(File::open(file)?))?;
        let names = archive.file_names().map(|name| name.map(std::borrow::Cow::into_owned)).collect::<Result<Vec<_>, _>>()?;
        let list = names.into_iter().find(|name| name.ends_with("/data.pkl")).context("it was not written by torch.save")?;
        let folder = list.trim_end_matches("data.pkl").to_owned();
        let bytes = entry(&mut archive, &list, LONGEST_LIST)?;
        if let Ok(order) = entry(&mut archive, &format!("{folder}byteorder"), 16) {
            ensure!(order == b"little", "it was written on a machine of another byte order");
        }
        Ok(Pickled { archive, folder, tensors: pickle::tensors(&bytes)? })
    }
}

impl Source for Pickled {
    fn prompts(&mut self) -> Result<Vec<String>> {
        Ok(self.tensors.iter().map(|(name, _)| name.clone()).collect())
    }

    fn states(&mut self, prompt: &str) -> Result<Tensor> {
        let (_, tensor) = self.tensors.iter().find(|(name, _)| name == prompt).context("it is gone")?;
        let places = places(tensor)?;
        let (size, last) = (tensor.dtype.size_in_bytes(), places.iter().max().copied().unwrap_or(0));
        let bytes = entry(&mut self.archive, &format!("{}data/{}", self.folder, tensor.storage), (MOST_NUMBERS * size) as u64)?;
        ensure!((last + 1).checked_mul(size).is_some_and(|end| end <= bytes.len()), "its numbers are cut short");
        let numbers: Vec<f32> = places.iter().map(|place| number(&bytes[place * size..][..size], tensor.dtype)).collect();
        Ok(Tensor::from_vec(numbers, tensor.shape.clone(), &Device::Cpu)?)
    }
}

/// Where the numbers of a tensor lie, in its order.
fn places(tensor: &Recorded) -> Result<Vec<usize>> {
    let count = tensor.shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    let count = count.filter(|count| (1..=MOST_NUMBERS).contains(count)).context("its shape is beyond any prompt's")?;
    ensure!(tensor.shape.len() == tensor.stride.len(), "its shape and its strides disagree");
    let mut places = Vec::with_capacity(count);
    places.push(tensor.offset);
    for (size, stride) in tensor.shape.iter().zip(&tensor.stride) {
        let next = places.iter().flat_map(|place| (0..*size).map(move |i| i.checked_mul(*stride)?.checked_add(*place)));
        places = next.collect::<Option<_>>().context("its numbers lie beyond this machine's memory")?;
    }
    Ok(places)
}

/// A number of one of the types that a storage may have.
fn number(bytes: &[u8], dtype: DType) -> f32 {
    match (dtype, bytes) {
        (DType::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (DType::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
        (DType::BF16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
        (DType::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        // Of other types no prompt is made; the check of finite numbers refuses it.
        _ => f32::NAN,
    }
}

/// A file of the archive, which may be compressed, unless it is too large.
fn entry(archive: &mut ZipArchive<BufReader<File>>, name: &str, most: u64) -> Result<Vec<u8>> {
    let file = archive.by_name(name).with_context(|| format!("it lacks {}", name.escape_debug()))?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= most, "{} in it is larger than any prompt's", name.escape_debug());
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::path::PathBuf;

    fn case(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/embeddings").join(name)
    }

    fn numbers(states: &Tensor) -> Vec<f32> {
        states.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn refusal(file: &Path, prompts: &[&str]) -> String {
        format!("{:#}", look_up(file, "mine.pth", prompts).unwrap_err())
    }

    #[test]
    fn the_courses_dictionary_is_read_without_python() {
        let states = look_up(&case("course.pth"), "course.pth", &["", "a red three"]).unwrap();
        for prompt in ["", "a red three"] {
            assert_eq!(states[prompt].dims(), [1, 77, 128]);
        }
        // As a user types it: the model sees no capitals.
        let typed = look_up(&case("course.pth"), "course.pth", &[" A red Three "]).unwrap();
        assert_eq!(numbers(&typed[" A red Three "]), numbers(&states["a red three"]));
    }

    #[test]
    fn every_kind_of_tensor_that_pytorch_writes_has_its_numbers_in_their_places() {
        let prompts = ["bfloat16", "double", "transposed", "slice", "every other", "strided", "parameter", "Ünïcödé 三"];
        let states = look_up(&case("odd.pth"), "odd.pth", &prompts).unwrap();
        let counted = |from: usize, step: usize| (0..24).map(|i| (from + i * step) as f32).collect::<Vec<_>>();
        for plain in ["bfloat16", "double", "parameter", "Ünïcödé 三"] {
            assert_eq!((states[plain].dims(), numbers(&states[plain])), (&[1, 6, 4][..], counted(0, 1)), "{plain}");
        }
        assert_eq!((states["slice"].dims(), numbers(&states["slice"])), (&[1, 6, 4][..], counted(10, 1)));
        assert_eq!(numbers(&states["every other"]), counted(1, 2));
        assert_eq!(states["transposed"].dims(), [1, 4, 6]);
        assert_eq!(numbers(&states["transposed"].transpose(1, 2).unwrap()), counted(0, 1));
        let strided: Vec<f32> = (0..24).map(|i| (3 + i / 4 * 8 + i % 4 * 2) as f32).collect();
        assert_eq!(numbers(&states["strided"]), strided);
    }

    #[test]
    fn a_safetensors_dictionary_is_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prompts.safetensors");
        let states = Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap().reshape((6, 4)).unwrap();
        let half = states.to_dtype(DType::F16).unwrap();
        candle_core::safetensors::save(&HashMap::from([("", states.clone()), ("a red three", half)]), &file).unwrap();
        let found = look_up(&file, "prompts.safetensors", &["", "a red three"]).unwrap();
        assert!(found.values().all(|found| found.dims() == [1, 6, 4] && numbers(found) == numbers(&states)));
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        assert_eq!(refusal(&case("course.pth"), &["a dog"]), "mine.pth does not hold 'a dog'; it holds 'a red three'");
        let empty = refusal(&case("odd.pth"), &[""]);
        assert!(empty.starts_with("mine.pth does not hold the empty prompt '', which guidance pulls away from; it holds "), "{empty}");
        assert!(empty.ends_with(" more"), "{empty}");
        let integers = refusal(&case("odd.pth"), &["integers"]);
        assert!(integers.starts_with("'mine.pth' holds 'integers' as no tensor of states"), "{integers}");
        // Lists and dictionaries are no prompts.
        assert!(refusal(&case("odd.pth"), &["a list"]).contains("does not hold 'a list'"));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let whole = fs::read(case("course.pth")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cut.pth");
        for length in (0..whole.len()).step_by(211) {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(refusal(&file, &["a red three"]).starts_with("'mine.pth' is no dictionary of prompts"), "{length}");
        }
    }
}
