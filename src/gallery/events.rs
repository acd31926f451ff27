//! A training's curves as an event file that TensorBoard opens: records of protobuf `Event`s, each with its length and two
//! checksums (tensorflow/core/lib/io/record_writer.h and util/event.proto).

use crate::atomic::{cannot_write, make_folder, write_atomic};
use crate::recipe::Point;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

const NAME: &str = "events.out.tfevents.darkroom";
/// The longest record that is read, in bytes; ours are far shorter.
const MAX_RECORD: u64 = 1 << 16;

/// A file that grows by a record a scalar.
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// The file in this folder, with these points alone in it; what else it held is gone.
    pub fn begin(folder: &Path, created_ms: i64, points: &[Point]) -> Result<EventFile> {
        make_folder(folder)?;
        let path = folder.join(NAME);
        let began = created_ms as f64 / 1e3;
        let mut bytes = record(&[double(1, began), text(3, b"brain.Event:2")].concat());
        points.iter().for_each(|point| bytes.extend(scalars(point, began)));
        write_atomic(&path, &bytes)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| cannot_write(&path, &error))?;
        Ok(EventFile { path, file })
    }

    /// Adds points, which were made now.
    pub fn add(&mut self, points: &[Point], now_ms: i64) -> Result<()> {
        let bytes: Vec<u8> = points.iter().flat_map(|point| scalars(point, now_ms as f64 / 1e3)).collect();
        self.file.write_all(&bytes).map_err(|error| cannot_write(&self.path, &error))
    }
}

/// The records of one step.
fn scalars(point: &Point, time: f64) -> Vec<u8> {
    let scalar = |tag: &str, value: f32| {
        let value = text(1, &[text(1, tag.as_bytes()), float(2, value)].concat());
        record(&[double(1, time), number(2, u64::from(point.step)), text(5, &value)].concat())
    };
    // The epoch goes first: a step that was cut short lacks something else, and is none.
    [scalar("epoch", point.epoch as f32), scalar("loss", point.loss), scalar("rate", point.rate), scalar("ms per step", point.ms)].concat()
}

/// The points in a folder's file in the order of their steps, as far as the file is whole; of a step told twice the last.
/// Files from before epochs were written have epoch 0.
pub(super) fn read(folder: &Path) -> Vec<Point> {
    let path = folder.join(NAME);
    let mut points = BTreeMap::new();
    // A pipe would be waited for.
    let Some(file) = path.is_file().then(|| File::open(&path).ok()).flatten() else { return Vec::new() };
    let mut file = BufReader::new(file);
    while let Some(event) = next_record(&mut file) {
        let Some((step, tag, value)) = read_scalar(&event) else { continue };
        let point = points.entry(step).or_insert(Point { step, epoch: 0, loss: f32::NAN, rate: f32::NAN, ms: f32::NAN });
        match tag {
            "epoch" => point.epoch = value as u32,
            "loss" => point.loss = value,
            "rate" => point.rate = value,
            "ms per step" => point.ms = value,
            _ => {}
        }
    }
    points.into_values().filter(|point| [point.loss, point.rate, point.ms].iter().all(|value| value.is_finite())).collect()
}

/// The next record; none at the end, or where the file is spoiled.
fn next_record(file: &mut impl Read) -> Option<Vec<u8>> {
    let (mut length, mut sum) = ([0; 8], [0; 4]);
    file.read_exact(&mut length).ok()?;
    file.read_exact(&mut sum).ok()?;
    let size = u64::from_le_bytes(length);
    if sum != checksum(&length) || size > MAX_RECORD {
        return None;
    }
    let mut data = vec![0; size as usize];
    file.read_exact(&mut data).ok()?;
    file.read_exact(&mut sum).ok()?;
    (sum == checksum(&data)).then_some(data)
}

/// The step, the tag and the value of an event; none where it is of another kind.
fn read_scalar(event: &[u8]) -> Option<(u32, &str, f32)> {
    let step = u32::try_from(field(event, 2)?.0).ok()?;
    let (_, value) = field(field(event, 5)?.1, 1)?;
    let tag = str::from_utf8(field(value, 1)?.1).ok()?;
    Some((step, tag, f32::from_le_bytes(field(value, 2)?.1.try_into().ok()?)))
}

/// A field of a message: its number where it is one, otherwise its bytes.
fn field(mut bytes: &[u8], wanted: u64) -> Option<(u64, &[u8])> {
    loop {
        let head = take_varint(&mut bytes)?;
        let (number, length) = match head & 7 {
            0 => (take_varint(&mut bytes)?, 0),
            1 => (0, 8),
            2 => (0, take_varint(&mut bytes)?),
            5 => (0, 4),
            _ => return None,
        };
        let (content, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
        if head >> 3 == wanted {
            return Some((number, content));
        }
        bytes = rest;
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().take(10).position(|byte| *byte < 0x80)? + 1;
    let (number, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// A CRC-32C, turned and shifted so that it does not look like one of itself.
fn checksum(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A field's head: its number and how it is written.
fn head(field: u8, kind: u8) -> u8 {
    field << 3 | kind
}

fn double(field: u8, value: f64) -> Vec<u8> {
    [&[head(field, 1)][..], &value.to_le_bytes()].concat()
}

fn float(field: u8, value: f32) -> Vec<u8> {
    [&[head(field, 5)][..], &value.to_le_bytes()].concat()
}

fn number(field: u8, value: u64) -> Vec<u8> {
    [vec![head(field, 0)], varint(value)].concat()
}

fn text(field: u8, value: &[u8]) -> Vec<u8> {
    [&[head(field, 2)][..], &varint(value.len() as u64), value].concat()
}

/// Seven bits a byte, the last without the eighth.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn point(step: u32) -> Point {
        Point { step, epoch: 1, loss: 0.5, rate: 1e-3, ms: 12.0 }
    }

    /// The records of a file, with their checksums looked at.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            assert_eq!(rest[..4], checksum(length));
            let (data, rest) = rest[4..].split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            assert_eq!(rest[..4], checksum(data));
            records.push(data.to_vec());
            bytes = &rest[4..];
        }
        records
    }

    #[test]
    fn a_file_holds_its_version_and_four_scalars_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let read = || records(&std::fs::read(folder.path().join(NAME)).unwrap());
        let mut file = EventFile::begin(folder.path(), 1_000, &[point(1)]).unwrap();
        file.add(&[point(2), point(300)], 2_000).unwrap();
        let written = read();
        assert_eq!(written.len(), 1 + 4 * 3);
        assert!(written[0].ends_with(b"brain.Event:2"));
        // Field 1 is the time, field 2 the step, field 5 the summary of a tag and a value.
        let loss = &written[10];
        assert_eq!(loss[..9], double(1, 2.0)[..]);
        assert_eq!(loss[9..12], [2 << 3, 0xac, 0x02]);
        assert!(loss.ends_with(&[&text(1, b"loss")[..], &float(2, 0.5)].concat()));
        drop(file);
        EventFile::begin(folder.path(), 1_000, &[point(1)]).unwrap();
        assert_eq!(read().len(), 5, "a training that goes on before a step leaves nothing of it");
    }

    #[test]
    fn a_file_is_read_back_as_far_as_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), []);
        let points = [point(1), Point { epoch: 2, ..point(300) }, Point { loss: 0.25, ..point(301) }];
        let mut file = EventFile::begin(folder.path(), 1_000, &points[..1]).unwrap();
        file.add(&[Point { loss: 7.0, ..points[1] }, points[1], points[2]], 2_000).unwrap();
        assert_eq!(read(folder.path()), points, "the last word on a step counts");
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for cut in [1, 30, 100] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert_eq!(read(folder.path()), points[..2], "without {cut} bytes");
        }
        let mut spoiled = whole.clone();
        spoiled[whole.len() - 6] ^= 1;
        std::fs::write(&path, &spoiled).unwrap();
        assert_eq!(read(folder.path()), points[..2]);
        std::fs::write(&path, [&u64::MAX.to_le_bytes()[..], &checksum(&u64::MAX.to_le_bytes()), &whole].concat()).unwrap();
        assert_eq!(read(folder.path()), []);
    }

    #[test]
    fn a_file_from_before_epochs_were_written_has_epoch_0() {
        let folder = tempfile::tempdir().unwrap();
        EventFile::begin(folder.path(), 1_000, &[point(1), point(2)]).unwrap();
        let path = folder.path().join(NAME);
        let old = records(&std::fs::read(&path).unwrap()).into_iter().filter(|event| !event.windows(5).any(|word| word == b"epoch"));
        std::fs::write(&path, old.flat_map(|event| record(&event)).collect::<Vec<_>>()).unwrap();
        assert_eq!(read(folder.path()), [1, 2].map(|step| Point { epoch: 0, ..point(step) }));
    }
}
