//! Runs as lines for people.

use crate::recipe::{Marks, Run};
use crate::words::duration;
use unicode_width::UnicodeWidthChar;

/// How many columns the terminal has; none where the table goes to a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The runs as lines, the prompt cut so that each fits `width` columns. Marks have a column where there are any.
pub(super) fn table(runs: &[Run], now_ms: i64, width: Option<usize>) -> String {
    let head = ["run", "when", "experiment", "seed", "took", "marks", "prompt"].map(str::to_owned);
    let mut rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(runs.iter().map(|run| row(run, now_ms).to_vec())).collect();
    if runs.iter().all(|run| run.marks.is_empty()) {
        rows.iter_mut().for_each(|row| _ = row.remove(MARKS));
    }
    let last = rows[0].len() - 1;
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..last).map(widest).collect();
    let room = width.map(|width| width.saturating_sub(widths.iter().sum::<usize>() + 2 * widths.len()).max(8));
    let cell = |(column, text): (usize, &String)| match widths.get(column) {
        None => room.map_or_else(|| text.clone(), |room| cut(text, room)),
        Some(width) if RIGHT.contains(&column) => format!("{text:>width$}"),
        Some(width) => format!("{text:<width$}"),
    };
    let line = |row: &Vec<String>| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n";
    rows.iter().map(line).collect()
}

/// The columns of numbers, and that of marks.
const RIGHT: &[usize] = &[0, 3, 4];
const MARKS: usize = 5;

fn row(run: &Run, now_ms: i64) -> [String; 7] {
    [
        run.id.to_string(),
        when(run.created_ms, now_ms),
        run.recipe.experiment().to_owned(),
        run.recipe.seed().to_string(),
        run.took_ms.map(|ms| duration(ms as f64)).unwrap_or_default(),
        marks(&run.marks),
        words(run),
    ]
}

/// `★ 4 #portrait`
fn marks(Marks { star, rating, tags }: &Marks) -> String {
    let star = star.then(|| "★".to_owned());
    let rating = (*rating > 0).then(|| rating.to_string());
    star.into_iter().chain(rating).chain(tags.iter().map(|tag| plain(&format!("#{tag}")))).collect::<Vec<_>>().join(" ")
}

/// The prompts, or the picture where no text is read, and the note.
fn words(run: &Run) -> String {
    let prompts = run.recipe.prompts().join(" / ");
    let photo = run.recipe.photo().filter(|_| run.recipe.prompts().is_empty());
    let what = photo.map_or(prompts, |photo| photo.image.name().to_owned());
    plain(&run.note.as_ref().map_or(what.clone(), |note| format!("{what}  ✎ {note}")))
}

/// A text may hold anything, a terminal's control sequences too.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// How long ago, within a week; then the date, in UTC.
pub(super) fn when(time_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(time_ms) / 1000;
    match seconds {
        i64::MIN..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..604_800 => format!("{} d ago", seconds / 86_400),
        _ => date(time_ms.div_euclid(86_400_000)),
    }
}

/// A day counted from 1970-01-01 as a date.
pub(super) fn date(days: i64) -> String {
    let julian = i32::try_from(days).ok().and_then(|days| days.checked_add(JULIAN_1970));
    let date = julian.and_then(|day| time::Date::from_julian_day(day).ok());
    date.map(|date| format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())).unwrap_or_default()
}

/// The Julian day of 1970-01-01.
const JULIAN_1970: i32 = 2_440_588;

/// The text in at most `room` columns.
pub(super) fn cut(text: &str, room: usize) -> String {
    let wide = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    if wide(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(['…']).collect()
}
