//! Weights in several files, by their names alone.

use std::collections::{BTreeMap, BTreeSet};

/// The shards of `stem` among a folder's files, in their order, where a set of them is complete:
/// `stem-00001-of-00002.safetensors`, `stem-00002-of-00002.safetensors`.
pub(super) fn complete<'a>(files: impl Iterator<Item = &'a str>, stem: &str) -> Option<Vec<String>> {
    let mut sets: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (number, of) in files.filter_map(|file| shard(file, stem)).filter(|(number, of)| (1..=*of).contains(number)) {
        sets.entry(of).or_default().insert(number);
    }
    let (of, _) = sets.into_iter().find(|(of, numbers)| numbers.len() == *of)?;
    Some((1..=of).map(|number| format!("{stem}-{number:05}-of-{of:05}.safetensors")).collect())
}

/// Which shard of how many a file is.
fn shard(file: &str, stem: &str) -> Option<(usize, usize)> {
    let (number, of) = file.strip_prefix(stem)?.strip_prefix('-')?.strip_suffix(".safetensors")?.split_once("-of-")?;
    let five = |digits: &str| digits.parse().ok().filter(|_| digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    Some((five(number)?, five(of)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_when_it_is_complete() {
        let set = |files: &[&str]| complete(files.iter().copied(), "model.fp16");
        let two = ["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"];
        assert_eq!(set(&[two[1], "config.json", two[0]]).unwrap(), two);
        assert_eq!(set(&two[..1]), None);
        assert_eq!(set(&["model-00001-of-00001.safetensors", "model.fp16-00001-of-00001.bin"]), None);
        let strange = ["model.fp16-00000-of-00000.safetensors", "model.fp16-00002-of-00001.safetensors", "model.fp16-1-of-1.safetensors"];
        assert_eq!(set(&strange), None);
        assert_eq!(set(&["model.fp16-+0001-of-00001.safetensors"]), None);
        assert_eq!(set(&["model.fp16-00001-of-00003.safetensors", two[0], two[1]]).unwrap(), two);
    }
}
