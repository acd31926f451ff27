//! How far a download is, and how fast.

use crate::link::{Doing, Pulling};
use std::collections::VecDeque;

/// Over how long a speed is measured at most, and at least.
const SPAN_MS: [i64; 2] = [10_000, 1_000];
/// The most that is kept for it.
const HEARD: usize = 100;

/// A download, and how fast it is.
pub struct Download {
    /// How far it is.
    pub how: Pulling,
    /// When how much of the file was here.
    heard: VecDeque<(i64, u64)>,
    /// The speed of the file before.
    before: Option<f64>,
}

impl Download {
    pub(super) fn new(how: Pulling) -> Download {
        Download { how, heard: VecDeque::new(), before: None }
    }

    pub(super) fn goes_on(&mut self, how: Pulling, now_ms: i64) {
        // What was there before, or is fetched anew, came at no speed.
        if how.at == 0 || how.file != self.how.file || how.at < self.how.at || how.doing != Doing::Fetches {
            let stands = matches!(how.doing, Doing::Fetches | Doing::Checks);
            self.before = self.speed(now_ms).filter(|_| stands);
            self.heard.clear();
        }
        if how.at > 0 && how.doing == Doing::Fetches {
            self.heard.push_back((now_ms, how.at));
        }
        let old = |heard: &VecDeque<(i64, u64)>| heard.len() > 2 && now_ms.saturating_sub(heard[1].0) > SPAN_MS[0];
        while old(&self.heard) || self.heard.len() > HEARD {
            self.heard.pop_front();
        }
        self.how = how;
    }

    /// Bytes a second.
    pub fn speed(&self, now_ms: i64) -> Option<f64> {
        let measured = || {
            let ((since, from), (_, at)) = self.heard.front().zip(self.heard.back())?;
            let span = now_ms.saturating_sub(*since);
            (span >= SPAN_MS[1]).then(|| at.saturating_sub(*from) as f64 * 1e3 / span as f64)
        };
        measured().or(self.before)
    }

    /// How long all files will still take, in milliseconds.
    pub fn left_ms(&self, now_ms: i64) -> Option<f64> {
        let speed = self.speed(now_ms).filter(|speed| *speed >= 1.0)?;
        Some(self.how.total.saturating_sub(self.how.bytes) as f64 * 1e3 / speed)
    }

    /// How much of all files is here; none before their size is known.
    pub fn percent(&self) -> Option<u32> {
        let share = self.how.bytes as f64 / self.how.total as f64;
        (self.how.total > 0).then(|| (share * 100.0).min(100.0) as u32)
    }

    /// What is downloaded, without its owner.
    pub fn name(&self) -> &str {
        self.how.repository.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, at: u64, bytes: u64) -> Pulling {
        let (repository, file) = ("a/b".to_owned(), file.to_owned());
        Pulling { repository, file, at, size: 1_000_000, number: 0, of: 2, bytes, total: 2_000_000, doing: Doing::Fetches }
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds_and_what_was_there_before_counts_for_nothing() {
        let mut download = Download::new(at("", 0, 0));
        download.goes_on(at("one", 0, 0), 0);
        download.goes_on(at("one", 500_000, 500_000), 10);
        assert_eq!(download.speed(500), None, "too early to say");
        download.goes_on(at("one", 600_000, 600_000), 1_010);
        assert_eq!(download.speed(1_010), Some(100_000.0));
        assert_eq!(download.speed(4_010), Some(25_000.0), "nothing comes any more");
        for second in 2..20 {
            download.goes_on(at("one", 600_000 + second * 1_000, 600_000), 1_010 + second as i64 * 1_000);
        }
        assert_eq!(download.speed(20_010), Some(1_000.0));
        assert_eq!(download.left_ms(20_010), Some(1_400_000.0));
    }

    #[test]
    fn between_two_files_the_speed_is_that_of_the_first_and_after_a_break_it_is_unknown() {
        let mut download = Download::new(at("", 0, 0));
        for second in 0..3 {
            download.goes_on(at("one", 1 + second * 50_000, 0), second as i64 * 1_000);
        }
        download.goes_on(at("two", 0, 0), 2_000);
        assert_eq!(download.speed(2_000), Some(50_000.0));
        download.goes_on(Pulling { doing: Doing::Waits("no connection".into()), ..at("two", 9, 9) }, 2_100);
        assert_eq!((download.speed(9_000), download.left_ms(9_000)), (None, None));
    }

    #[test]
    fn no_numbers_are_too_strange() {
        let mut download = Download::new(at("", 0, 0));
        assert_eq!(Download::new(Pulling { total: 0, ..at("", 0, 0) }).percent(), None);
        download.goes_on(Pulling { bytes: u64::MAX, ..at("one", u64::MAX, 0) }, i64::MIN);
        download.goes_on(Pulling { bytes: u64::MAX, ..at("one", u64::MAX, 0) }, i64::MAX);
        assert_eq!((download.percent(), download.left_ms(i64::MAX)), (Some(100), None));
    }
}
