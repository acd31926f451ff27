//! PNG files made worse: what stands in a chunk is only looked at where its length and its sum are right.

use super::mutate::Mutator;
use darkroom::gallery::encode;
use flate2::{Compression, Crc, write::ZlibEncoder};
use image::RgbImage;
use std::io::Write;

const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Words of PNG's.
pub const WORDS: &[&[u8]] = &[
    b"IHDR",
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"tRNS",
    b"gAMA",
    b"iCCP",
    b"sRGB",
    b"eXIf",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"acTL",
    b"fcTL",
    b"fdAT",
    b"parameters\0",
    b"prompt\0",
    b"workflow\0",
    b"darkroom\0\0\0\0\0",
    b"\x78\x9c",
    b"\0\0\0\0",
];

/// A small picture with texts.
pub fn png(side: u32, texts: &[(&str, &str)]) -> Vec<u8> {
    encode(&RgbImage::from_fn(side, side, |x, y| image::Rgb([(x * 40) as u8, (y * 31) as u8, 9])), texts).unwrap()
}

/// The file after some changes; most often those are within its chunks.
pub fn change(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(MAGIC) || mutator.once_in(5) {
        return mutator.change(bytes);
    }
    let mut chunks = split(&bytes);
    for _ in 0..=mutator.below(2) {
        let at = mutator.below(chunks.len());
        match mutator.below(8) {
            0 => drop(chunks.remove(at)),
            1 => {
                let chunk = chunks[at].clone();
                chunks.insert(at, chunk);
            }
            2 => {
                let to = mutator.below(chunks.len());
                chunks.swap(at, to);
            }
            3 => {
                let strange = split(&mutator.seed());
                let other = mutator.below(strange.len());
                chunks.extend(strange.get(other).cloned());
            }
            4 => {
                let kind = mutator.words[mutator.below(15)];
                chunks[at].0.copy_from_slice(kind);
            }
            _ => within(mutator, &mut chunks[at]),
        }
        if chunks.is_empty() {
            break;
        }
    }
    join(&chunks)
}

type Chunk = ([u8; 4], Vec<u8>);

fn within(mutator: &mut Mutator, (kind, data): &mut Chunk) {
    match &kind[..] {
        b"IHDR" if mutator.once_in(3) => {
            let at = 4 * mutator.below(2);
            let side = [1u32, 255, 4096, 8000, 16384, 32767, 32768][mutator.below(7)];
            data.iter_mut().skip(at).zip(side.to_be_bytes()).for_each(|(old, new)| *old = new);
        }
        // Small numbers, so that there is a picture of another kind and not none.
        b"IHDR" => {
            let at = mutator.below(data.len());
            let new = [0, 1, 2, 3, 4, 6, 8, 16, 255][mutator.below(9)];
            data.iter_mut().skip(at).take(1).for_each(|byte| *byte = new);
        }
        b"IDAT" if mutator.once_in(2) => *data = packed(&mutator.change(unpacked(data))),
        b"zTXt" => {
            let at = data.iter().position(|byte| *byte == 0).map_or(0, |end| (end + 2).min(data.len()));
            let text = mutator.change(unpacked(&data[at..]));
            data.splice(at.., packed(&text));
        }
        _ => *data = mutator.change(std::mem::take(data)),
    }
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(bytes), &mut all);
    all
}

/// As zlib packs it.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn split(mut bytes: &[u8]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    bytes = bytes.get(MAGIC.len()..).unwrap_or_default();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((kind, rest)) = rest.split_first_chunk::<4>() else { break };
        let Some((data, rest)) = rest.split_at_checked(length) else { break };
        chunks.push((*kind, data.to_vec()));
        bytes = rest.get(4..).unwrap_or_default();
    }
    chunks
}

/// A file of these chunks, with the right sums.
pub fn join(chunks: &[Chunk]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (kind, data) in chunks {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend([&kind[..], data, &sum.sum().to_be_bytes()].concat());
    }
    bytes
}
