//! Files of numbers: dictionaries of prompts, trained networks, sets of images, tokenizers.

use super::mutate::Mutator;
use super::target::Target;
use candle_core::{Device, Tensor};
use darkroom::model::{Folder, Place, Reader, dictionary};
use darkroom::network::course::{CourseConfig, Modulation};
use darkroom::training::{Data, Decay, Fit, Objective, Settings, network};
use std::collections::HashMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

fn case(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)).unwrap()
}

const PICKLE: &[&[u8]] = &[
    b"(",
    b"}q\0",
    b"\x85",
    b"\x86",
    b"\x87",
    b"R",
    b"Q",
    b"X\xff\xff\xff\x7f",
    b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"J\xff\xff\xff\xff",
    b"u",
    b"s",
    b"h\0",
    b"r\xff\xff\x0f\0",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ccollections\nOrderedDict\n)R",
    b"t",
    b"\x94",
    b"K\0",
    b".",
];

/// A torch file with its files changed and the archive around them made anew; or changed as it is.
fn change_torch(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    if mutator.once_in(4) {
        return mutator.change(bytes);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut changed = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        if name.ends_with("data.pkl") || mutator.once_in(10) {
            bytes = mutator.change(bytes);
        }
        changed.start_file(name, SimpleFileOptions::default()).unwrap();
        changed.write_all(&bytes).unwrap();
    }
    changed.finish().unwrap().into_inner()
}

#[test]
fn torch_dictionary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pth");
    Target {
        name: "torch_dictionary",
        few: 400,
        seeds: vec![case("embeddings/odd.pth")],
        words: PICKLE,
        change: &change_torch,
        // 2^25 numbers with their places, 8 bytes each, twice while those are multiplied, and the numbers; a million objects.
        bound: &|bytes| (1 << 30) + 100 * bytes,
        read: &mut |bytes| {
            fs::write(&path, bytes).unwrap();
            dictionary::look_up(&path, "a.pth", &["double", "strided"]).is_ok()
        },
    }
    .fuzz();
}

const HEADER: &[&[u8]] = &[
    b"\"dtype\":\"F64\"",
    b"\"dtype\":\"BOOL\"",
    b"\"shape\":[",
    b"18446744073709551615",
    b"4294967296,4294967296",
    b"\"data_offsets\":[",
    b"[0,0]",
    b"-1",
    b"\"__metadata__\":{",
    b"{",
    b"}",
    b"\"",
    b",",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
];

/// A safetensors file after some changes; most often its head is as long as it says.
fn change_head(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (head, numbers) = rest.split_at(u64::from_le_bytes(*length) as usize);
    match mutator.below(4) {
        0 => mutator.change(bytes),
        _ => {
            let head = mutator.change(head.to_vec());
            [&(head.len() as u64).to_le_bytes()[..], &head, numbers].concat()
        }
    }
}

#[test]
fn safetensors_dictionary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let states = Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap().reshape((6, 4)).unwrap();
    candle_core::safetensors::save(&HashMap::from([("", states.clone()), ("a red three", states)]), &path).unwrap();
    Target {
        name: "safetensors_dictionary",
        few: 1000,
        seeds: vec![fs::read(&path).unwrap()],
        words: HEADER,
        change: &change_head,
        bound: &|bytes| (1 << 20) + 200 * bytes,
        read: &mut |bytes| {
            fs::write(&path, bytes).unwrap();
            dictionary::look_up(&path, "a.safetensors", &["", "a red three"]).is_ok()
        },
    }
    .fuzz();
}

/// A magic number, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], value: u8) -> Vec<u8> {
    let head = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    head.chain(std::iter::repeat_n(value, sizes.iter().product::<u32>() as usize)).collect()
}

/// A folder of three images, with one of its files in place of the good one.
fn images(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<Data> {
    for (name, bytes) in [
        ("train-images-idx3-ubyte", idx(0x803, &[3, 28, 28], 7)),
        ("train-labels-idx1-ubyte", idx(0x801, &[3], 0)),
        ("t10k-images-idx3-ubyte", idx(0x803, &[2, 28, 28], 9)),
        ("t10k-labels-idx1-ubyte", idx(0x801, &[2], 0)),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join(name), bytes).unwrap();
    Data::load(folder.to_str().unwrap())
}

#[test]
fn idx_images() {
    let folder = tempfile::tempdir().unwrap();
    let plain = idx(0x803, &[3, 28, 28], 7);
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&plain).unwrap();
    Target {
        name: "idx_images",
        few: 500,
        seeds: vec![plain, zipped.finish().unwrap()],
        words: &[b"\0\0\x08\x03", b"\0\0\x08\x01", b"\x1f\x8b\x08"],
        change: &|mutator, bytes| mutator.change(bytes),
        // Packed bytes may become a thousand of their like, and there are four copies on the way.
        bound: &|bytes| (1 << 20) + 5000 * bytes,
        read: &mut |bytes| images(folder.path(), "train-images-idx3-ubyte", bytes).is_ok(),
    }
    .fuzz();
}

#[test]
fn trained_network() {
    let folder = tempfile::tempdir().unwrap();
    let data = Arc::new(images(folder.path(), "train-labels-idx1-ubyte", &idx(0x801, &[3], 1)).unwrap());
    let settings = Settings {
        network: CourseConfig { d: 1, time: Some(Modulation::Add), classes: 2 },
        objective: Objective::Ddpm { timesteps: 3, beta_start: 1e-4, beta_end: 0.02 },
        epochs: 2,
        batch: 2,
        rate: 1e-3,
        decay: Decay::Constant,
        p_uncond: 0.1,
        seed: 0,
    };
    Target {
        name: "trained_network",
        few: 300,
        seeds: vec![Fit::new(settings, data).unwrap().weights().unwrap()],
        words: HEADER,
        change: &change_head,
        // A network as wide as a recipe may ask for is not begun where its weights are not there.
        bound: &|bytes| (1 << 20) + 200 * bytes,
        read: &mut |bytes| network(bytes).is_ok(),
    }
    .fuzz();
}

#[test]
fn tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer/spiece.model");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let model = Folder::Dir(folder.path().to_owned());
    let place = Place::cpu();
    Target {
        name: "tokenizer",
        few: 30,
        seeds: vec![case("spiece/tokenizer/spiece.model")],
        words: &[b"\x0a\xff\xff\xff\xff\x0f", b"\x12\xff\xff\x7f", b"\x1a\x02", b"\x08\x02", b"</s>", b"\x0a\0"],
        change: &|mutator, bytes| mutator.change(bytes),
        bound: &|bytes| (128 << 20) + 1000 * bytes,
        read: &mut |bytes| {
            fs::write(&path, bytes).unwrap();
            // There is nothing behind the tokenizer: whoever misses that has read it.
            let missing = format!("{:#}", Reader::load(&model, &place).err().unwrap());
            missing.contains("text_encoder")
        },
    }
    .fuzz();
}
