//! The days that a term names: `yesterday`, `monday`, `3d`, `2w`, `2026-11-01`, `2026-11`.

use std::fmt;
use time::{Date, Duration, Month, Weekday};

const DAY_MS: i64 = 86_400_000;

/// When a filter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Seconds that the user's clock is ahead of UTC. It is taken for all days: those in the other half of the year, by summer
    /// time, begin an hour off.
    pub utc_offset_s: i32,
}

/// A day by the user's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    date: Date,
    /// When it begins, in milliseconds since 1970.
    pub starts_ms: i64,
}

impl Day {
    /// When the next one begins, in milliseconds since 1970.
    pub fn ends_ms(self) -> i64 {
        self.starts_ms + DAY_MS
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.date.year(), u8::from(self.date.month()), self.date.day())
    }
}

/// 1970-01-01.
const EPOCH: Date = match Date::from_ordinal_date(1970, 1) {
    Ok(date) => date,
    Err(_) => Date::MIN,
};

impl Today {
    fn date(self) -> Option<Date> {
        let here_ms = self.now_ms.saturating_add(i64::from(self.utc_offset_s) * 1000);
        EPOCH.checked_add(Duration::days(here_ms.div_euclid(DAY_MS)))
    }

    fn day(self, date: Date) -> Day {
        let midnight_ms = i64::from(date.to_julian_day() - EPOCH.to_julian_day()) * DAY_MS;
        Day { date, starts_ms: midnight_ms - i64::from(self.utc_offset_s) * 1000 }
    }
}

/// The names of days, and how many days ago they last were.
fn names(today: Date) -> impl Iterator<Item = (&'static str, i64)> {
    let weekdays = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let since = move |day: Weekday| i64::from(today.weekday().number_days_from_monday() + 7 - day.number_days_from_monday()) % 7;
    [("today", 0), ("yesterday", 1)].into_iter().chain(weekdays.into_iter().map(move |(name, day)| (name, since(day))))
}

/// The first and the last day of what is named; none where it is not finished.
pub(super) fn read(text: &str, key: &str, today: Today) -> Result<Option<(Day, Day)>, String> {
    let text = text.to_ascii_lowercase();
    let refuse = || {
        let key = key.to_ascii_lowercase();
        format!("{key}:{} is no day; write {key}:yesterday, monday, 3d, 2w or 2026-11-01", text.escape_debug())
    };
    let now = today.date().ok_or("the clock is wrong: it shows no day that a calendar has")?;
    let ago = |days: i64| now.checked_sub(Duration::days(days)).filter(|date| date.year() > 0).map(|date| (date, date));
    let found = if text.starts_with(|c: char| c.is_ascii_digit()) {
        match count(&text) {
            Some(days) => Some(days.and_then(ago).ok_or_else(refuse)?),
            None => dated(&text).map_err(|NoDate| refuse())?,
        }
    } else {
        // The first letters are enough, as soon as only one day is called so.
        let mut named = names(now).filter(|(name, _)| name.starts_with(&text));
        match (named.next(), named.next()) {
            (None, _) => return Err(refuse()),
            (Some((_, days)), None) => ago(days),
            (Some(_), Some(_)) => None,
        }
    };
    Ok(found.map(|(first, last)| (today.day(first), today.day(last))))
}

/// `3d` or `2w` in days; inside, none where there are too many.
fn count(text: &str) -> Option<Option<i64>> {
    let (digits, days) = text.strip_suffix('d').map(|digits| (digits, 1)).or_else(|| Some((text.strip_suffix('w')?, 7)))?;
    // No calendar has more; and time's durations are not made for more.
    let most = |count: &i64| *count < 10_000_000;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok().filter(most).map(|count| count * days))
}

/// What is no date, and cannot become one.
struct NoDate;

/// A date, a month or a year, as its first and its last day; none where it is not finished.
fn dated(text: &str) -> Result<Option<(Date, Date)>, NoDate> {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str, most: usize| part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().zip([4, 2, 2]).all(|(part, most)| digits(part, most)) {
        return Err(NoDate);
    }
    // A lone 0 may become 01, and a number of days is not finished before its `d`.
    let open = parts[0].len() < 4 || parts[1..].contains(&"0");
    let number = |place: usize| parts.get(place).and_then(|part| part.parse::<u8>().ok());
    let year = parts[0].parse::<i32>().map_err(|_| NoDate)?;
    let date = |month: u8, day: u8| Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok();
    let last = |month: u8| Month::try_from(month).ok().map(|month| month.length(year));
    let days = match (number(1), number(2)) {
        _ if open => return if parts.len() > 1 && parts[0].len() < 4 { Err(NoDate) } else { Ok(None) },
        (Some(month), Some(day)) => (date(month, day), date(month, day)),
        (Some(month), None) => (date(month, 1), last(month).and_then(|day| date(month, day))),
        (None, _) => (date(1, 1), date(12, 31)),
    };
    match days {
        (Some(first), Some(last)) if year > 0 => Ok(Some((first, last))),
        _ => Err(NoDate),
    }
}
