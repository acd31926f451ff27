//! A reader under bad bytes: what it may not do, and what is told of it.

use super::memory::peak_of;
use super::mutate::Mutator;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Who reads a case so long is taken to hang, on a busy machine too; and beside other work, as a long look is.
const HANGS: Duration = Duration::from_secs(60);
const HANGS_LONG: Duration = Duration::from_secs(600);

/// A reader, what it is given, and what it may take for it.
pub struct Target<'a> {
    /// What the reports call it.
    pub name: &'static str,
    /// How many cases are read where no time is asked for.
    pub few: u64,
    /// Good files; the reader has to understand each.
    pub seeds: Vec<Vec<u8>>,
    /// Pieces that mean something to the reader.
    pub words: &'a [&'a [u8]],
    /// Makes a case of a good file.
    pub change: &'a dyn Fn(&mut Mutator, Vec<u8>) -> Vec<u8>,
    /// The most bytes of memory that the reader may hold at a time for a case of so many bytes.
    pub bound: &'a dyn Fn(usize) -> usize,
    /// Reads a case; whether it is understood.
    pub read: &'a mut dyn FnMut(&[u8]) -> bool,
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    cases: u64,
    understood: u64,
    slowest: (Duration, u64),
    /// Bytes held, the case, and what was allowed for it.
    peak: (usize, u64, usize),
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

impl Target<'_> {
    /// Reads cases until there were enough, or the one that was asked for.
    ///
    /// # Panics
    /// When a good file is not understood, or a case makes the reader panic or take more memory than it may.
    pub fn fuzz(mut self) {
        for (place, good) in self.seeds.iter().enumerate() {
            assert!((self.read)(good), "{}: good file {place} is not understood", self.name);
        }
        let seed = number("FUZZ_SEED").unwrap_or(0);
        let end = number("FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let cases = match (number("FUZZ_CASE"), end) {
            (Some(case), _) => case..case + 1,
            (None, None) => 0..self.few,
            (None, Some(_)) => 0..u64::MAX,
        };
        let last = File::create(file(self.name)).unwrap();
        let alive = watch(file(self.name), if end.is_none() { HANGS } else { HANGS_LONG });
        let mut seen = Seen::default();
        for case in cases.take_while(|_| end.is_none_or(|end| Instant::now() < end)) {
            // An abort leaves no message behind.
            last.write_at(format!("FUZZ_SEED={seed} FUZZ_CASE={case:<20}\n").as_bytes(), 0).unwrap();
            self.one((seed, case), &mut seen);
            alive.send(()).unwrap();
        }
        seen.report(self.name);
    }

    fn one(&mut self, (seed, case): (u64, u64), seen: &mut Seen) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(case);
        let mut mutator = Mutator { rng, seeds: &self.seeds, words: self.words };
        let good = mutator.seed();
        let bytes = (self.change)(&mut mutator, good);
        if number("FUZZ_CASE").is_some() {
            fs::write(file(self.name).with_extension("case"), &bytes).unwrap();
        }
        let begun = Instant::now();
        let (read, peak) = peak_of(|| catch_unwind(AssertUnwindSafe(|| (self.read)(&bytes))));
        let (took, bound) = (begun.elapsed(), (self.bound)(bytes.len()));
        let again = || format!("FUZZ_SEED={seed} FUZZ_CASE={case} cargo test --test fuzz {}", self.name);
        let understood = read.unwrap_or_else(|_| panic!("{} panics, see above; again: {}", self.name, again()));
        assert!(peak <= bound, "{} takes {peak} bytes for a case of {}, and may take {bound}; again: {}", self.name, bytes.len(), again());
        seen.cases += 1;
        seen.understood += u64::from(understood);
        seen.slowest = seen.slowest.max((took, case));
        seen.peak = seen.peak.max((peak, case, bound));
    }
}

/// Where it is written which case is read.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"))
}

/// Ends the program where no case has been read for too long: the file says which it is.
fn watch(path: PathBuf, patience: Duration) -> Sender<()> {
    let (alive, watched) = channel();
    thread::spawn(move || {
        let end = loop {
            if let Err(end) = watched.recv_timeout(patience) {
                break end;
            }
        };
        if end == RecvTimeoutError::Timeout {
            eprintln!("a case takes longer than {} s; {} says which", patience.as_secs(), path.display());
            std::process::abort();
        }
    });
    alive
}

impl Seen {
    fn report(&self, name: &str) {
        let Seen { cases, understood, slowest: (slowest, slow), peak: (peak, large, bound) } = self;
        let (ms, mib) = (slowest.as_secs_f64() * 1e3, |bytes: usize| bytes as f64 / f64::from(1 << 20));
        println!(
            "{name}: {cases} cases, {understood} of them understood; slowest {ms:.1} ms (case {slow}); \
            peak {:.2} MiB of {:.2} allowed (case {large})",
            mib(*peak),
            mib(*bound)
        );
    }
}
