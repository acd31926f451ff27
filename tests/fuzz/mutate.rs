//! Bytes made worse.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// The most bytes that a case grows to, so that it is read in a moment.
const LONGEST: usize = 64 << 10;
/// What a length or a number may be that nobody thought of.
const EXTREMES: [u64; 12] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x00ff_ffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];

/// Changes cases at random, the same with the same generator.
pub struct Mutator<'a> {
    /// What all chance comes from.
    pub rng: ChaCha8Rng,
    /// Good files, of which pieces are put into others.
    pub seeds: &'a [Vec<u8>],
    /// Pieces that mean something to the reader.
    pub words: &'a [&'a [u8]],
}

impl Mutator<'_> {
    /// True once in so many times.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.rng.random_ratio(1, times)
    }

    /// A place before the end; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.rng.random_range(0..end) }
    }

    /// A good file.
    pub fn seed(&mut self) -> Vec<u8> {
        self.seeds.choose(&mut self.rng).cloned().unwrap_or_default()
    }

    /// The bytes after some changes, most often few.
    pub fn change(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.once_in(50) {
            bytes = self.noise(300);
        }
        let changes = if self.once_in(4) { self.rng.random_range(1..20) } else { self.rng.random_range(1..4) };
        let longest = bytes.len().max(LONGEST);
        for _ in 0..changes {
            self.once(&mut bytes);
            bytes.truncate(longest);
        }
        bytes
    }

    fn once(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.rng.random_range(0..10) {
            0 => {
                let bit = 1 << self.below(8);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit);
            }
            1 => overwrite(bytes, at, &[self.rng.random()]),
            2 => bytes.truncate(at),
            3 => drop(self.cut_out(bytes, at)),
            4 => self.extreme(bytes, at),
            5 => self.repeat(bytes, at),
            6 => {
                let noise = self.noise(16);
                bytes.splice(at..at, noise);
            }
            7 => self.splice(bytes, at),
            8 => {
                let piece = self.cut_out(bytes, at);
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => self.word(bytes, at),
        }
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let mut noise = vec![0; self.rng.random_range(1..=most)];
        self.rng.fill(&mut noise[..]);
        noise
    }

    fn piece(&mut self, length: usize, at: usize) -> std::ops::Range<usize> {
        let most = if self.once_in(4) { length } else { 40 };
        at..(at + 1 + self.below(most)).min(length)
    }

    fn cut_out(&mut self, bytes: &mut Vec<u8>, at: usize) -> Vec<u8> {
        let piece = self.piece(bytes.len(), at);
        bytes.drain(piece).collect()
    }

    /// A number of 1 to 8 bytes, either way round.
    fn extreme(&mut self, bytes: &mut [u8], at: usize) {
        let value = EXTREMES[self.below(EXTREMES.len())].wrapping_sub(u64::from(self.once_in(4)));
        let size = 1 << self.below(4);
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        let number = if self.once_in(2) { &little[..size] } else { &big[8 - size..] };
        overwrite(bytes, at, number);
    }

    fn repeat(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let piece = bytes[self.piece(bytes.len(), at)].to_vec();
        let times = if self.once_in(8) { 1 << self.below(12) } else { 1 + self.below(4) };
        let many = piece.repeat(times.min(LONGEST / piece.len().max(1)));
        bytes.splice(at..at, many);
    }

    /// A piece of another file in place of one here.
    fn splice(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let other = self.seed();
        let from = self.below(other.len());
        let piece = other[self.piece(other.len(), from)].to_vec();
        let place = if self.once_in(2) { at..at } else { self.piece(bytes.len(), at) };
        bytes.splice(place, piece);
    }

    fn word(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let Some(word) = self.words.choose(&mut self.rng) else { return };
        let place = if self.once_in(2) { at..at } else { at..(at + word.len()).min(bytes.len()) };
        let times = if self.once_in(8) { 1 << self.below(12) } else { 1 };
        bytes.splice(place, word.repeat(times.min(1 + LONGEST / word.len().max(1))));
    }
}

fn overwrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes.iter_mut().skip(at).zip(new).for_each(|(old, new)| *old = *new);
}
