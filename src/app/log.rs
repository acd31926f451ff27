//! What happened, a line each.

use std::collections::VecDeque;

/// The most lines that are kept.
const LINES: usize = 1000;

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    Plain,
    /// Something to know.
    Warning,
    /// Something went wrong.
    Bad,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When, as `12:01:07` on the user's clock.
    pub time: String,
    /// How it is meant.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

/// The lines, oldest first.
pub struct Log {
    /// The lines.
    pub lines: VecDeque<Line>,
    /// How many of the newest are scrolled out of sight.
    pub back: usize,
    utc_offset_s: i32,
}

impl Log {
    pub(super) fn new(utc_offset_s: i32) -> Log {
        Log { lines: VecDeque::new(), back: 0, utc_offset_s }
    }

    pub(super) fn push(&mut self, time_ms: i64, tone: Tone, text: String) {
        let time = clock(time_ms, self.utc_offset_s);
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { time, tone, text });
        if self.back > 0 {
            self.scroll(1);
        }
    }

    /// Seconds that the user's clock is ahead of UTC.
    pub fn utc_offset_s(&self) -> i32 {
        self.utc_offset_s
    }

    /// A time of day on the user's clock, `14:20`, and how many days after today that is.
    pub fn clock(&self, time_ms: i64, now_ms: i64) -> (String, i64) {
        let day = |ms: i64| (ms.div_euclid(1000) + i64::from(self.utc_offset_s)).div_euclid(24 * 60 * 60);
        let mut time = clock(time_ms, self.utc_offset_s);
        time.truncate("14:20".len());
        (time, day(time_ms) - day(now_ms))
    }

    /// Further back for a positive number of lines, towards the newest for a negative one.
    pub(super) fn scroll(&mut self, by: isize) {
        self.back = self.back.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }
}

/// The time of day, `12:01:07`.
fn clock(time_ms: i64, utc_offset_s: i32) -> String {
    let second = (time_ms.div_euclid(1000) + i64::from(utc_offset_s)).rem_euclid(24 * 60 * 60);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_users() {
        assert_eq!(clock(0, 0), "00:00:00");
        assert_eq!(clock(43_267_999, 0), "12:01:07");
        assert_eq!(clock(0, -3600), "23:00:00");
    }

    #[test]
    fn a_reader_of_old_lines_is_not_moved_by_new_ones() {
        let mut log = Log::new(0);
        for line in 0..LINES + 10 {
            log.push(0, Tone::Plain, line.to_string());
        }
        log.scroll(5);
        log.push(0, Tone::Plain, "new".to_owned());
        assert_eq!((log.back, log.lines.len()), (6, LINES));
    }
}
