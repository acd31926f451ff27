//! A training's curves as an event file that TensorBoard opens: records of protobuf `Event`s, each with its length and two
//! checksums (tensorflow/core/lib/io/record_writer.h and util/event.proto).

use crate::atomic::{cannot_write, make_folder, write_atomic};
use crate::recipe::Point;
use anyhow::Result;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that grows by a record a scalar.
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// The file in this folder, with these points alone in it; what else it held is gone.
    pub fn begin(folder: &Path, created_ms: i64, points: &[Point]) -> Result<EventFile> {
        make_folder(folder)?;
        let path = folder.join("events.out.tfevents.darkroom");
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
    [scalar("loss", point.loss), scalar("rate", point.rate), scalar("ms per step", point.ms)].concat()
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
    fn a_file_holds_its_version_and_three_scalars_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let read = || records(&std::fs::read(folder.path().join("events.out.tfevents.darkroom")).unwrap());
        let mut file = EventFile::begin(folder.path(), 1_000, &[point(1)]).unwrap();
        file.add(&[point(2), point(300)], 2_000).unwrap();
        let written = read();
        assert_eq!(written.len(), 1 + 3 * 3);
        assert!(written[0].ends_with(b"brain.Event:2"));
        // Field 1 is the time, field 2 the step, field 5 the summary of a tag and a value.
        let loss = &written[7];
        assert_eq!(loss[..9], double(1, 2.0)[..]);
        assert_eq!(loss[9..12], [2 << 3, 0xac, 0x02]);
        assert!(loss.ends_with(&[&text(1, b"loss")[..], &float(2, 0.5)].concat()));
        drop(file);
        EventFile::begin(folder.path(), 1_000, &[point(1)]).unwrap();
        assert_eq!(read().len(), 4, "a training that goes on before a step leaves nothing of it");
    }
}
