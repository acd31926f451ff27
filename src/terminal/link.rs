//! How fast the terminal shows what is written, by its own answers.
//!
//! A write returns when a buffer has taken it, which says nothing of a slow link. So every write ends with a question
//! that all terminals answer once they have read what came before it. Between the question and its answer the bytes are
//! *under way*; as many may be as the link carries in a round trip, and a little more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What may wait before the narrowest part of the link, as the time that it takes to pass: less than half of what a key
/// may be late. The rest is for the key's own change, and for what the estimate is off.
const QUEUE: Duration = Duration::from_millis(30);
/// The part of the speed that is used: that a burst was too much is known a round trip later.
const CARE: f64 = 0.85;
/// Answers are not of one moment; so much more may be under way.
const SLACK: Duration = Duration::from_millis(20);
/// As many bytes may be under way while the speed is not known.
const FIRST: u64 = 4096;
/// Answers are put together until they have taken so long, or were of so many bytes: single ones tell of noise.
const SAMPLE: (Duration, u64) = (Duration::from_millis(60), 64 << 10);
/// How much a new sample of the speed counts beside those before. What is slower counts at once more than what is faster.
const WEIGHT: (f64, f64) = (0.5, 0.25);
/// So long the shortest answer is the round trip. Then it is measured again: nothing else is written until nothing is under
/// way, since an answer to more says the way longer than it is, and so the speed higher. At first it is after less time, and
/// each time after twice as much: what sets up a terminal is still on the way before the first question.
const MEMORY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// For so long nothing follows a question that is alone.
const ALONE: Duration = Duration::from_millis(15);
/// For so long nothing else is written at most, where keys that go on and on leave no pause.
const PAUSE: Duration = Duration::from_millis(1500);
/// As many bytes pass so quickly that their answer tells of the way alone.
const SMALL: u64 = 24;
/// Answers come a little sooner or later whatever was written. The time tells of the speed only where so many bytes were
/// written, or as many as there was room for, or nearly.
const TELLING: u64 = 1024;
/// An answer that is so late says that too much was under way; by how much less may be then, and how much more else.
const LATE: Duration = Duration::from_millis(75);
const DOUBT: f64 = 0.7;
const TRUST: f64 = 0.1;
/// Who leaves waits at least and at most so long for the last answers, and else for three round trips.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// Whoever has not answered for so long does not answer.
const MUTE: Duration = Duration::from_secs(5);

/// A question that was not answered yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    /// Bytes written since the question before.
    bytes: u64,
    /// It measures the way: next to nothing, and nothing was under way before it.
    alone: bool,
    /// How long it takes tells of the speed.
    telling: bool,
}

/// The link to the terminal.
#[derive(Debug, Default)]
pub struct Link {
    asked: VecDeque<Asked>,
    under_way: u64,
    /// When the last answer came that told of the speed.
    last: Option<Instant>,
    /// The shortest answer since the way was measured, when that was, and the shortest before: one answer alone may be late.
    shortest: Option<(Duration, Instant, Duration)>,
    /// How often the way was measured.
    measured: u32,
    /// Bytes and seconds that are not a sample yet.
    sample: (u64, Duration),
    speed: Option<f64>,
    /// How much of a round trip is filled: where the speed or the way is not what it seems, a part.
    trust: f64,
    heeded: Option<Instant>,
    /// When all that was written must have passed.
    free: Option<Instant>,
    /// It has answered once.
    answers: bool,
    /// So many answers were given up that may still come; until then it is not known what is answered.
    owed: usize,
}

impl Link {
    /// So many bytes were written, a question last.
    pub fn wrote(&mut self, bytes: u64, now: Instant) {
        let took = self.pace().map_or(Duration::ZERO, |speed| Duration::from_secs_f64(bytes as f64 / speed.max(1.0)));
        let telling = self.speed.is_none() || bytes >= TELLING || 2 * bytes >= self.room(now) as u64;
        self.asked.push_back(Asked { at: now, bytes, alone: bytes <= SMALL && self.asked.is_empty(), telling });
        self.under_way += bytes;
        self.free = Some(self.free.map_or(now, |free| free.max(now)) + took);
    }

    /// The answer to the oldest question came.
    pub fn answered(&mut self, now: Instant) {
        let owed = self.owed > 0;
        self.owed = self.owed.saturating_sub(1);
        let Some(asked) = self.asked.pop_front() else { return };
        self.answers = true;
        self.under_way = self.under_way.saturating_sub(asked.bytes);
        if owed {
            return;
        }
        if self.is_quiet() {
            // Whatever it was thought to take, it has passed.
            self.free = Some(now);
        }
        let took = now.saturating_duration_since(asked.at);
        self.round(took, asked.alone.then_some(now));
        self.waited(took.saturating_sub(self.round_trip()), now);
        if asked.telling {
            // It was busy with these bytes from when the first of them arrived, or it was done with those before.
            let arrived = asked.at + self.round_trip();
            let begun = self.last.map_or(arrived, |last| last.max(arrived));
            self.last = Some(now);
            self.passed(asked.bytes, now.saturating_duration_since(begun));
        }
    }

    /// An answer was late by this: so long a key would have waited. It is heeded once a round trip.
    fn waited(&mut self, late: Duration, now: Instant) {
        if self.heeded.is_some_and(|before| now.saturating_duration_since(before) < self.round_trip()) {
            return;
        }
        self.heeded = Some(now);
        self.trust = if late > LATE { self.trust * DOUBT } else { (self.trust + TRUST).min(1.0) };
    }

    /// An answer took so long; `tells` where it is of a question alone, that came now.
    fn round(&mut self, took: Duration, tells: Option<Instant>) {
        let again = tells.filter(|now| self.age(*now).is_none_or(|age| age > self.memory()));
        self.shortest = match (self.shortest, again) {
            (None, again) => again.map(|now| (took, now, took)),
            (Some((shortest, ..)), Some(now)) => Some((took, now, shortest)),
            (Some((shortest, when, before)), None) => Some((shortest.min(took), when, before)),
        };
        self.measured += u32::from(again.is_some());
    }

    fn passed(&mut self, bytes: u64, took: Duration) {
        let (all, time) = (self.sample.0 + bytes, self.sample.1 + took);
        self.sample = (all, time);
        if time < SAMPLE.0 && all < SAMPLE.1 || all < 64 {
            return;
        }
        self.sample = (0, Duration::ZERO);
        let sample = all as f64 / time.as_secs_f64().max(1e-4);
        self.speed = Some(self.speed.map_or(sample, |speed| {
            let weight = if sample < speed { WEIGHT.0 } else { WEIGHT.1 };
            speed + weight * (sample - speed)
        }));
    }

    /// Bytes a second; none where it has not been seen yet.
    pub fn speed(&self) -> Option<f64> {
        self.speed
    }

    fn memory(&self) -> Duration {
        (MEMORY.0 * (1 << self.measured.min(8))).min(MEMORY.1)
    }

    /// How old the round trip is.
    fn age(&self, now: Instant) -> Option<Duration> {
        self.shortest.map(|(_, when, _)| now.saturating_duration_since(when))
    }

    /// Whether the way has to be measured again, by a question alone.
    pub fn is_old(&self, now: Instant) -> bool {
        self.is_quiet() && self.age(now).is_none_or(|age| age > self.memory())
    }

    /// Whether it was just asked so: what came at once would go in the same packet, and the way seem longer. Keys wait for this, too.
    pub fn is_measured(&self, now: Instant) -> bool {
        self.asked.back().is_some_and(|asked| asked.alone && now < asked.at + ALONE)
    }

    /// Whether nothing is written so that it can be.
    fn is_drained(&self, now: Instant) -> bool {
        let over = self.age(now).and_then(|age| age.checked_sub(self.memory()));
        !self.is_quiet() && over.is_some_and(|over| over.as_secs_f64() % MEMORY.1.as_secs_f64() < PAUSE.as_secs_f64())
    }

    /// How long an answer takes at least.
    pub fn round_trip(&self) -> Duration {
        self.shortest.map_or(Duration::ZERO, |(shortest, _, before)| shortest.min(before))
    }

    /// Bytes that may be written now, so that a key would hardly wait for them: by what the answers say is under way, and
    /// by what must have passed since.
    pub fn room(&self, now: Instant) -> usize {
        if self.is_drained(now) {
            return 0;
        }
        let waiting = self.free.map_or(Duration::ZERO, |free| free.saturating_duration_since(now));
        let bytes = |time: Duration| self.pace().map_or(FIRST, |speed| (speed * time.as_secs_f64()) as u64);
        let room = bytes(QUEUE.saturating_sub(waiting)).min(self.window().saturating_sub(self.under_way));
        // By drops of a few characters, each with its place and colours and a question after it, little would come through.
        if room < bytes(QUEUE) / 2 { 0 } else { room as usize }
    }

    /// Bytes a second that are written.
    fn pace(&self) -> Option<f64> {
        self.speed.map(|speed| speed * CARE)
    }

    /// As many bytes may be under way.
    fn window(&self) -> u64 {
        let time = self.round_trip().mul_f64(self.trust) + QUEUE + SLACK;
        self.speed.map_or(FIRST, |speed| (speed * time.as_secs_f64()) as u64)
    }

    /// When there is room again though no answer comes.
    pub fn opens(&self) -> Option<Instant> {
        let alone = self.asked.back().filter(|asked| asked.alone).map(|asked| asked.at + ALONE);
        self.free.map(|free| free - QUEUE / 2).max(alone)
    }

    /// Whether so many bytes may be written though there is never room for them: all before must have passed, and no more
    /// be under way than a round trip carries.
    pub fn bears(&self, bytes: usize, now: Instant) -> bool {
        let passed = self.free.is_none_or(|free| free <= now);
        self.is_quiet() || passed && !self.is_drained(now) && self.under_way + bytes as u64 <= self.window()
    }

    /// How long to wait for the answers that are still to come, before they are taken for lost.
    pub fn patience(&self) -> Duration {
        if self.is_quiet() { Duration::ZERO } else { (PATIENCE.0 + 3 * self.round_trip()).min(PATIENCE.1) }
    }

    /// Nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.asked.is_empty()
    }

    /// When to look whether the oldest question is still not answered.
    pub fn deadline(&self) -> Option<Instant> {
        self.asked.front().map(|asked| asked.at + MUTE + 4 * self.round_trip())
    }

    /// The terminal does not answer, or has lost what it was asked: nothing is under way any more. True where it has
    /// never answered.
    pub fn give_up(&mut self) -> bool {
        self.owed = self.asked.len();
        self.asked.clear();
        (self.under_way, self.free, self.measured) = (0, None, 0);
        !self.answers
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
