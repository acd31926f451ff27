//! The files of a run's folder, which somebody may have written by hand.

use super::messages::recipe;
use super::mutate::Mutator;
use super::pictures::kept;
use super::target::Target;
use darkroom::gallery::{Gallery, rebuild};
use darkroom::recipe::RunId;
use std::fs;

const FILES: &[(&str, &str)] = &[
    ("times.toml", "created_ms = 1700000000000\ntook_ms = 1200\n"),
    ("grid.toml", "first = 7\ncells = 2\n\n[[axes]]\nfield = \"seed\"\nvalues = [\"1\", \"2\"]\n"),
    ("marks.toml", "star = true\nrating = 4\ntags = [\"fox\", \"portrait\"]\n"),
    ("foreign.toml", "program = \"A1111\"\nfile = \"a.png\"\nmodel = \"v1\"\nsize = [64, 48]\nunmapped = [\"Sampler: Euler\"]\n"),
    ("note.txt", "sharp, and the fox is red\n"),
];

const WORDS: &[&[u8]] = &[
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"\"",
    b"= -1\n",
    b"= 18446744073709551616\n",
    b"= 9223372036854775807\n",
    b"= nan\n",
    b"\n[a]\n",
    b"tags = ",
    b"first = ",
    b"cells = ",
    b"axes = ",
    b"size = [4294967296, -1]\n",
    b"\0",
    b"\x1b]0;x\x07",
];

/// A folder's files behind their names and lengths.
fn join(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let one = |(name, bytes): &(String, Vec<u8>)| [format!("{name} {}\n", bytes.len()).as_bytes(), bytes].concat();
    files.iter().flat_map(one).collect()
}

fn split(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (name, length) = std::str::from_utf8(&bytes[..end]).unwrap().split_once(' ').unwrap();
        let (file, rest) = bytes[end + 1..].split_at(length.parse().unwrap());
        files.push((name.to_owned(), file.to_vec()));
        bytes = rest;
    }
    files
}

fn change(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    let mut files = split(&bytes);
    for _ in 0..=mutator.below(2) {
        let at = mutator.below(files.len());
        match mutator.below(10) {
            0 => drop(files.remove(at)),
            1 => {
                let other = mutator.below(files.len());
                files[at].1 = files[other].1.clone();
            }
            _ => files[at].1 = mutator.change(std::mem::take(&mut files[at].1)),
        }
    }
    join(&files)
}

#[test]
fn run_folder() {
    let recipe_file = ("recipe.toml".to_owned(), recipe("sample").to_toml().into_bytes());
    let small = FILES.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let all: Vec<_> = small.chain([recipe_file, ("1.png".to_owned(), kept("sample"))]).collect();
    let workspace = tempfile::tempdir().unwrap();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    let folder = workspace.path().join("runs/000007");
    fs::create_dir_all(&folder).unwrap();
    Target {
        name: "run_folder",
        few: 150,
        seeds: vec![join(&all)],
        words: WORDS,
        change: &change,
        bound: &|bytes| (32 << 20) + 400 * bytes,
        read: &mut |bytes| {
            fs::remove_dir_all(&folder).unwrap();
            fs::create_dir(&folder).unwrap();
            split(bytes).iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
            // Broken files are counted and left out; the index itself always comes to be.
            let rebuilt = rebuild(workspace.path()).unwrap();
            let run = gallery.run(RunId(7)).unwrap();
            if let Some(run) = &run {
                gallery.kin(run.id).unwrap();
                gallery.table(run.id).unwrap();
            }
            run.is_some() && rebuilt.skipped == 0
        },
    }
    .fuzz();
}
