//! Folders of IDX files, as MNIST is published: big-endian sizes behind a magic number, then bytes.

use super::{Data, Images, SIDE};
use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use std::{fs, io::Read, path::Path};

/// The files of a data set: what is learned from, and what it is tested on.
const NAMES: [&str; 4] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
/// The most bytes that a file may unpack to: a million images.
const MAX_BYTES: u64 = 1 << 30;
const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// The data of a folder; none where it has no IDX file.
pub(super) fn load(folder: &Path) -> Result<Option<Data>> {
    let find = |name: &'static str| {
        let dotted = name.replacen("-idx", ".idx", 1);
        let names = [name, &dotted].map(|name| [name.to_owned(), format!("{name}.gz")]);
        names.into_iter().flatten().map(|name| folder.join(name)).find(|path| path.is_file())
    };
    let paths = NAMES.map(find);
    if paths.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut files = Vec::new();
    for (name, path) in NAMES.into_iter().zip(paths) {
        let path = path.with_context(|| format!("{} is missing in {}", name, folder.display()))?;
        let size = fs::metadata(&path).map_or(0, |data| data.len());
        ensure!(size <= MAX_BYTES, "{} is larger than {} MB", path.display(), MAX_BYTES >> 20);
        files.push((path.display().to_string(), fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?));
    }
    let mut files = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let mut next = || files.next().unwrap_or_default();
    read([next(), next(), next(), next()]).map(Some)
}

/// Data from the four files, each with a name for what is wrong with it.
pub(super) fn read(files: [(&str, &[u8]); 4]) -> Result<Data> {
    let [train, train_labels, test, test_labels] = files;
    let (train, test) = (pair(train, train_labels)?, pair(test, test_labels)?);
    let classes = train.classes.iter().chain(&test.classes).max().map_or(0, |highest| usize::from(*highest) + 1);
    Data::new(train, test, (0..classes).map(|class| class.to_string()).collect())
}

fn pair((name, images): (&str, &[u8]), (labels_name, labels): (&str, &[u8])) -> Result<Images> {
    let (sizes, pixels) = file(images, IMAGES).with_context(|| format!("{name} is no file of images"))?;
    let (counts, classes) = file(labels, LABELS).with_context(|| format!("{labels_name} is no file of labels"))?;
    ensure!(sizes[1..] == [SIDE, SIDE], "{name} has images of {}x{} pixels; {SIDE}x{SIDE} can be learned from", sizes[1], sizes[2]);
    ensure!(sizes[0] == counts[0], "{name} has {} images, and {labels_name} {} labels", sizes[0], counts[0]);
    Ok(Images { pixels, classes })
}

/// The sizes and the bytes of one file, which may be gzipped.
fn file(bytes: &[u8], magic: u32) -> Result<(Vec<usize>, Vec<u8>)> {
    let unpacked;
    let mut bytes = bytes;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut all = Vec::new();
        GzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut all).context("it cannot be unpacked")?;
        ensure!(all.len() as u64 <= MAX_BYTES, "it unpacks to more than {} MB", MAX_BYTES >> 20);
        unpacked = all;
        bytes = &unpacked;
    }
    let mut number = || -> Result<u32> {
        let (head, rest) = bytes.split_first_chunk().context("it ends within its head")?;
        bytes = rest;
        Ok(u32::from_be_bytes(*head))
    };
    let found = number()?;
    ensure!(found == magic, "it begins with {found:#010x} where {magic:#010x} belongs");
    let dimensions = (magic & 0xff) as usize;
    let sizes = (0..dimensions).map(|_| Ok(number()? as usize)).collect::<Result<Vec<_>>>()?;
    let expected = sizes.iter().try_fold(1usize, |all, size| all.checked_mul(*size)).context("its sizes are beyond reason")?;
    match bytes.len() {
        len if len < expected => bail!("it is cut short: {len} of {expected} bytes are there"),
        len if len > expected => bail!("it has {} bytes more than its sizes say", len - expected),
        _ => Ok((sizes, bytes.to_vec())),
    }
}
