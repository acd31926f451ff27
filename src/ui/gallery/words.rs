//! One run in words: when and how long, what was asked, what was made of it, where it comes from.

use super::label::{kind_words, mark_words, tag_words};
use crate::app::{App, Relation};
use crate::recipe::{Bond, Foreign, Relative, Run};
use crate::ui::{form, notes, text};
use time::{OffsetDateTime, UtcOffset};

/// How a line is meant.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Voice {
    Head,
    Plain,
    Quiet,
}

/// All that is told of a run, in lines of so many columns.
pub(super) fn lines(app: &App, run: &Run, width: usize) -> Vec<(Voice, String)> {
    let mut lines = Vec::new();
    let mut tell = |voice: Voice, text: &str| lines.extend(text::wrap(text, width).into_iter().map(|line| (voice, line)));
    tell(Voice::Head, &format!("{} · {}", run.id, form::story(app, run)));
    let parts = std::iter::once(date(run.created_ms, app.log.utc_offset_s())).chain(kind_words(run));
    tell(Voice::Quiet, &parts.collect::<Vec<_>>().join(" · "));
    tell(Voice::Plain, "");
    let prompts = run.recipe.prompts();
    let title = text::title(&run.recipe);
    let titles = if prompts.is_empty() { vec![title.as_str()] } else { prompts };
    titles.into_iter().for_each(|words| tell(Voice::Plain, words));
    let marks: Vec<_> = mark_words(run).into_iter().chain(tag_words(run)).collect();
    if !marks.is_empty() {
        tell(Voice::Head, &marks.join(" · "));
    }
    if let Some(note) = &run.note {
        tell(Voice::Plain, "");
        note.lines()
            .enumerate()
            .for_each(|(at, line)| tell(Voice::Plain, &if at == 0 { format!("{} {line}", notes::MARK) } else { line.to_owned() }));
    }
    tell(Voice::Plain, "");
    let told = form::told(&run.recipe);
    let label = told.iter().map(|(name, _)| name.len() + 1).max().unwrap_or(0);
    for (name, value) in &told {
        let room = width.saturating_sub(label);
        for (at, line) in text::wrap(value, room).into_iter().enumerate() {
            lines.push((Voice::Plain, format!("{:<label$}{line}", if at == 0 { name } else { "" })));
        }
    }
    if let Some(foreign) = &run.foreign {
        lines.push((Voice::Plain, String::new()));
        for (voice, words) in origin(foreign) {
            lines.extend(text::wrap(&words, width).into_iter().map(|line| (voice, line)));
        }
    }
    lines
}

/// What another program has made, and what of its recipe has no place here.
fn origin(foreign: &Foreign) -> Vec<(Voice, String)> {
    let Foreign { program, file, model, size: (width, height), unmapped } = foreign;
    let model = model.as_ref().map(|model| format!(", with {model}")).unwrap_or_default();
    let mut told = vec![(Voice::Head, format!("Made by {program}")), (Voice::Quiet, format!("{file}: {width} by {height} pixels{model}"))];
    if !unmapped.is_empty() {
        told.push((Voice::Quiet, "What has no place in a recipe here:".to_owned()));
        told.extend(unmapped.iter().map(|words| (Voice::Plain, words.clone())));
    }
    told
}

/// `2026-11-23 12:01` on the user's clock.
fn date(ms: i64, utc_offset_s: i32) -> String {
    let offset = UtcOffset::from_whole_seconds(utc_offset_s).unwrap_or(UtcOffset::UTC);
    let Ok(time) = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)) else { return String::new() };
    let time = time.to_offset(offset);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", time.hour(), time.minute())
}

/// How a run belongs to another, in a few words.
pub(super) fn relation(relation: Relation) -> String {
    match relation {
        Relation::Sweep(first) => format!("cell of sweep {first}"),
        Relation::From(Relative { run, how: Bond::Step(step) }) => format!("came from {run}, step {step}"),
        Relation::From(Relative { run, how: Bond::Picture(at) }) => format!("works on picture {at} of {run}"),
        Relation::From(Relative { run, how: Bond::Weights(epoch) }) => format!("draws with {run}, epoch {epoch}"),
        Relation::Made(Relative { run, how: Bond::Step(step) }) => format!("{run} goes on from step {step}"),
        Relation::Made(Relative { run, how: Bond::Picture(at) }) => format!("{run} works on picture {at}"),
        Relation::Made(Relative { run, how: Bond::Weights(epoch) }) => format!("{run} draws with epoch {epoch}"),
    }
}

/// `2 runs were made from it`.
pub(super) fn made(relations: &[Relation]) -> String {
    match relations.iter().filter(|relation| matches!(relation, Relation::Made(_))).count() {
        0 => String::new(),
        1 => "1 run was made from it".to_owned(),
        count => format!("{count} runs were made from it"),
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn a_date_is_the_users_and_one_beyond_all_calendars_is_left_out() {
        assert_eq!(date(1_795_435_267_000, 0), "2026-11-23 12:01");
        assert_eq!(date(1_795_435_267_000, 13 * 3600), "2026-11-24 01:01");
        assert_eq!(date(i64::MAX, 0), "");
    }
}
