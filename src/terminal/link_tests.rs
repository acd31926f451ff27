#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// A link that carries so many bytes a second, with a way of so long in each direction, and what is on it.
struct Wire {
    speed: f64,
    way: Duration,
    /// When the narrow part is free again.
    free: Instant,
    /// When answers come.
    answers: VecDeque<Instant>,
}

impl Wire {
    fn new(speed: f64, round_ms: u64, now: Instant) -> Wire {
        Wire { speed, way: Duration::from_micros(500 * round_ms), free: now, answers: VecDeque::new() }
    }

    fn write(&mut self, bytes: u64, now: Instant, noise: Duration) {
        self.free = self.free.max(now) + Duration::from_secs_f64(bytes as f64 / self.speed);
        self.answers.push_back(self.free + 2 * self.way + noise);
    }

    /// How long a key's change would wait before the narrow part.
    fn queue(&self, now: Instant) -> Duration {
        self.free.saturating_duration_since(now)
    }
}

/// Writes whatever there is room for, as the screen does, for so long; the longest queue after the first second.
fn drive(link: &mut Link, wire: &mut Wire, (from, seconds): (Instant, u64), pieces: &[(u64, u64)]) -> Duration {
    let (mut now, mut worst) = (from, Duration::ZERO);
    let mut pieces = pieces.iter().cycle();
    while now < from + Duration::from_secs(seconds) {
        while let Some(answer) = wire.answers.front().copied().filter(|answer| *answer <= now) {
            wire.answers.pop_front();
            link.answered(answer);
        }
        let (most, noise_us) = *pieces.next().unwrap();
        if link.is_old(now) {
            wire.write(4, now, Duration::from_micros(noise_us));
            link.wrote(4, now);
        }
        let least = if link.is_quiet() { 256 } else { 0 };
        let bytes = (link.room(now) as u64).max(least).min(most);
        if bytes >= 64 {
            wire.write(bytes, now, Duration::from_micros(noise_us));
            link.wrote(bytes, now);
        }
        if now > from + Duration::from_secs(2) {
            worst = worst.max(wire.queue(now));
        }
        now += Duration::from_millis(5);
    }
    worst
}

#[test]
fn speed_and_round_trip_of_the_links_that_people_have() {
    for (speed, round_ms) in [(7000.0, 300), (125_000.0, 150), (1_250_000.0, 20), (50e6, 0)] {
        let now = Instant::now();
        let (mut link, mut wire) = (Link::default(), Wire::new(speed, round_ms, now));
        wire.write(4, now, Duration::ZERO);
        link.wrote(4, now);
        let worst = drive(&mut link, &mut wire, (now, 8), &[(4096, 0), (900, 0)]);
        let found = link.speed().unwrap() / speed;
        assert!((0.7..1.3).contains(&found) || speed > 1e7, "{speed} B/s: {found}");
        let late = link.round_trip().abs_diff(Duration::from_millis(round_ms));
        assert!(late < Duration::from_millis(25), "{speed} B/s: {:?}", link.round_trip());
        assert!(worst <= Duration::from_millis(100), "{speed} B/s: {worst:?}");
    }
}

#[test]
fn a_link_that_becomes_slower_is_found_out_and_so_is_a_faster_one() {
    let now = Instant::now();
    let (mut link, mut wire) = (Link::default(), Wire::new(125_000.0, 100, now));
    wire.write(4, now, Duration::ZERO);
    link.wrote(4, now);
    drive(&mut link, &mut wire, (now, 5), &[(4096, 0)]);
    wire.speed = 12_500.0;
    drive(&mut link, &mut wire, (now + Duration::from_secs(5), 10), &[(4096, 0)]);
    assert!((10_000.0..16_000.0).contains(&link.speed().unwrap()), "{:?}", link.speed());
    wire.speed = 125_000.0;
    drive(&mut link, &mut wire, (now + Duration::from_secs(15), 10), &[(4096, 0)]);
    assert!((90_000.0..140_000.0).contains(&link.speed().unwrap()), "{:?}", link.speed());
}

#[test]
fn the_way_is_measured_again_though_there_is_always_something_to_write() {
    for (before, after) in [(300, 300), (300, 100), (100, 300)] {
        let now = Instant::now();
        let (mut link, mut wire) = (Link::default(), Wire::new(7000.0, before, now));
        drive(&mut link, &mut wire, (now, 5), &[(4096, 0)]);
        wire.way = Duration::from_millis(after) / 2;
        drive(&mut link, &mut wire, (now + Duration::from_secs(5), 40), &[(4096, 0)]);
        let off = link.round_trip().abs_diff(Duration::from_millis(after));
        assert!(off <= Duration::from_millis(6), "{before} became {after}: {:?}", link.round_trip());
        assert!((6_300.0..7_700.0).contains(&link.speed().unwrap()), "{before} became {after}: {link:?}");
    }
}

#[test]
fn who_never_answers_is_found_out_and_who_lost_an_answer_is_not_taken_for_one() {
    let now = Instant::now();
    let mut link = Link::default();
    link.wrote(10_000, now);
    assert_eq!((link.room(now), link.deadline()), (0, Some(now + MUTE)));
    assert!(link.give_up());
    assert_eq!((link.room(now), link.is_quiet()), (FIRST as usize, true));
    link.answered(now);
    assert!(link.give_up(), "an answer to nothing is none");
    link.wrote(100, now);
    link.answered(now + Duration::from_millis(30));
    link.wrote(100, now);
    assert!(!link.give_up());
}

#[test]
fn answers_that_come_a_little_late_do_not_make_a_fast_link_slow() {
    let mut now = Instant::now();
    let (mut link, mut wire) = (Link::default(), Wire::new(2e6, 40, now));
    wire.write(4, now, Duration::ZERO);
    link.wrote(4, now);
    drive(&mut link, &mut wire, (now, 3), &[(9000, 0)]);
    let before = link.speed().unwrap();
    now += Duration::from_secs(3);
    drive(&mut link, &mut wire, (now, 20), &[(100, 15_000), (120, 9000), (80, 30_000)]);
    assert!(link.speed().unwrap() > 0.7 * before, "{before} became {:?}", link.speed());
}

#[test]
fn answers_that_were_given_up_and_come_all_the_same_tell_nothing() {
    let now = Instant::now();
    let mut link = Link::default();
    link.wrote(4, now);
    link.answered(now + Duration::from_millis(200));
    let later = now + Duration::from_secs(1);
    (0..3).for_each(|_| link.wrote(2000, later));
    link.give_up();
    let back = later + Duration::from_secs(6);
    for _ in 0..3 {
        link.wrote(2000, back);
        link.answered(back);
    }
    assert_eq!((link.round_trip(), link.speed()), (Duration::from_millis(200), None));
    link.wrote(4, back);
    link.answered(back + Duration::from_millis(150));
    assert_eq!(link.round_trip(), Duration::from_millis(150));
}

#[test]
fn a_first_answer_that_was_slow_is_no_round_trip_for_long() {
    let now = Instant::now();
    let (mut link, mut wire) = (Link::default(), Wire::new(125_000.0, 50, now));
    wire.write(4, now, Duration::from_millis(400));
    link.wrote(4, now);
    drive(&mut link, &mut wire, (now, 4), &[(4096, 0)]);
    assert!(link.round_trip() < Duration::from_millis(100), "{:?}", link.round_trip());
    assert!((90_000.0..160_000.0).contains(&link.speed().unwrap()), "{:?}", link.speed());
}

proptest! {
    /// Whatever the link and the noise of its answers, a key waits for no more than 100 ms of other bytes.
    #[test]
    fn a_key_is_never_far_behind(
        speed in 5_000.0f64..2e6,
        round_ms in 5u64..400,
        pieces in prop::collection::vec((200u64..5000, 0u64..8000), 1..20),
    ) {
        let now = Instant::now();
        let (mut link, mut wire) = (Link::default(), Wire::new(speed, round_ms, now));
        wire.write(4, now, Duration::ZERO);
        link.wrote(4, now);
        let worst = drive(&mut link, &mut wire, (now, 6), &pieces);
        prop_assert!(worst <= Duration::from_millis(100), "{worst:?} at {:?}", link.speed());
        // Of a fast link small writes tell of the terminal's own time, and few of them tell nothing.
        prop_assert!(link.speed().map_or(speed > 5e5, |found| found > 0.4 * speed.min(15_000.0)), "{:?}", link.speed());
    }
}
