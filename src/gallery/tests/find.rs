//! What a filter finds, beside a reading of every run.

use super::*;
use crate::recipe::{Filter, Foreign, Mark, Quality, Span, Today, What};
use proptest::prelude::*;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// A Wednesday at noon; the runs of [`gallery`] are of this day and of those before it.
const NOW_MS: i64 = 20_782 * 86_400_000 + 43_200_000;

fn filter(text: &str) -> Filter {
    Filter::parse(text, Today { now_ms: NOW_MS, utc_offset_s: 3600 }).unwrap()
}

fn found(gallery: &Gallery, text: &str) -> Vec<i64> {
    ids(&gallery.find(&filter(text), 0, 1000).unwrap().runs)
}

/// The words of a text, as the search has them.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a text holds these words one after the other, the last as the beginning of one.
fn holds(text: &str, wanted: &str, whole: bool) -> bool {
    let (text, wanted) = (words(text), words(wanted));
    let Some((last, before)) = wanted.split_last() else { return false };
    text.windows(wanted.len()).any(|window| {
        let (end, begin) = window.split_last().unwrap();
        begin == before && if whole { end == last } else { end.starts_with(last.as_str()) }
    })
}

fn within<T: PartialOrd>(span: &Span<T>, number: Option<T>) -> bool {
    number.is_some_and(|number| {
        let low = match &span.low {
            Included(low) => number >= *low,
            Excluded(low) => number > *low,
            Unbounded => true,
        };
        let high = match &span.high {
            Included(high) => number <= *high,
            Excluded(high) => number < *high,
            Unbounded => true,
        };
        low && high
    })
}

/// What a term says of a run, read from the run itself.
fn says(what: &What, run: &Run) -> bool {
    let steps = || run.recipe.pairs().into_iter().find(|(field, _)| field == "steps").and_then(|(_, steps)| steps.parse().ok());
    match what {
        What::Words { text, whole } => {
            let note = run.note.clone().unwrap_or_default();
            // A tag may have several words, which do not run on into those of the next.
            let texts = [&run.recipe.prompt(), &note, &run.marks.tags.join(" ")].map(|words| holds(words, text, *whole));
            texts.contains(&true)
        }
        What::Experiment(name) => run.recipe.experiment().starts_with(name),
        What::Model(letters) => {
            let foreign = run.foreign.as_ref().and_then(|foreign| foreign.model.clone()).unwrap_or_default();
            [run.recipe.model(), &foreign].iter().any(|model| model.to_lowercase().contains(letters))
        }
        What::Seed(span) => within(span, Some(run.recipe.seed())),
        What::Guidance(span) => within(span, run.recipe.guidance()),
        What::Steps(span) => within(span, Some(u64::from(run.of)).filter(|of| *of > 0).or_else(steps)),
        What::Rating(span) => within(span, Some(u64::from(run.marks.rating))),
        What::Run(span) => within(span, Some(run.id.0 as u64)),
        What::Since(day) => run.created_ms >= day.starts_ms,
        What::Until(day) => run.created_ms < day.ends_ms(),
        What::Tag(tag) => run.marks.tags.iter().any(|own| own.to_lowercase() == tag.to_lowercase()),
        What::Is(Quality::Starred) => run.marks.star,
        What::Is(Quality::Imported) => run.foreign.is_some(),
        What::Is(Quality::Noted) => run.note.is_some(),
        What::Is(Quality::Cell) => run.grid.is_some(),
        What::Is(Quality::Training) => run.recipe.training().is_some(),
    }
}

/// A gallery of runs of many kinds, and some that are in none: queued, failed, deleted.
fn gallery() -> (TempDir, Gallery, Vec<Run>) {
    let (folder, gallery) = workspace();
    let prompts = ["a red three", "a blue three in a box", "redder than red-hot, three", "Ein rotes Schloß, Café"];
    for (place, prompt) in prompts.iter().enumerate() {
        finish(&gallery, &ask(&[("prompt", prompt), ("guidance", "1,3.3,7"), ("seed", &format!("{place},4294967295"))]));
        finish(&gallery, &grid_of("anagram", &[("prompt", prompt), ("prompt", "a box"), ("steps", "20"), ("guidance", "7.1")]));
    }
    finish(&gallery, &grid_of("forward", &[]));
    finish(&gallery, &grid_of("sample-digits", &[("steps", "12")]));
    let foreign = Foreign { program: "A1111".into(), model: Some("DreamShaper 8".into()), ..Foreign::default() };
    gallery.submit(&ask(&[("seed", "1..3"), ("prompt", "a red three")])).unwrap();
    let done = gallery.history("", None, 1000).unwrap().runs;
    for run in &done {
        let id = run.id.0;
        let marks =
            [(id % 3 == 0, Mark::Star(true)), (id % 4 > 0, Mark::Rate((id % 6) as u8)), (id % 5 == 0, Mark::Tag("Portrait".into()))];
        let marks = marks.into_iter().chain([(id % 7 == 0, Mark::Tag("red-hot".into())), (id % 7 == 0, Mark::Tag("box".into()))]);
        marks.filter(|(on, _)| *on).for_each(|(_, mark)| _ = gallery.mark(run.id, &mark).unwrap());
        if id % 6 == 0 {
            gallery.set_note(run.id, "three times as red").unwrap();
        }
        let (day, model) = (NOW_MS - id * 20_000_000, serde_json::to_string(&foreign).unwrap());
        let origin = (id % 8 == 0 || id % 7 == 0).then_some(model);
        let sql = "UPDATE runs SET created_ms = ?2, origin = ?3, steps = iif(?3 IS NULL, steps, 0), state = 'done' WHERE id = ?1";
        gallery.index(|connection| connection.execute(sql, params![id, day, origin])).unwrap();
    }
    gallery.trash(&[done[3].id, done[11].id]).unwrap();
    let runs = gallery.history("", None, 1000).unwrap().runs;
    assert_eq!(runs.len(), done.len() - 2);
    (folder, gallery, runs)
}

#[test]
fn each_key_finds_what_it_says() {
    let (_folder, gallery, runs) = gallery();
    let all = ids(&runs);
    let some = |text: &str| {
        let found = found(&gallery, text);
        assert!(!found.is_empty() && found.len() < all.len(), "{text}: {}", found.len());
        found
    };
    for text in [
        "red",
        "\"red\"",
        "\"red three\"",
        "red-hot",
        "three box",
        "-box",
        "-red -blue",
        "experiment:ana",
        "model:dream",
        "seed:1",
        "seed:4294967295",
        "guidance:3.3",
        "guidance:>3.3",
        "guidance:7.1",
        "-guidance:>0",
        "steps:20",
        "steps:..20",
        "rating:>=3",
        "rating:0",
        "run:5..9",
        "since:yesterday",
        "until:monday",
        "since:2026-11-24",
        "#portrait",
        "tag:red-hot",
        "-#box",
        "is:starred",
        "is:imported",
        "is:noted",
        "is:cell",
        "cafe",
        "schloß",
    ] {
        some(text);
    }
    assert_eq!(some("red guidance:>5"), some("guidance:>5 red"));
    assert!(found(&gallery, "is:training").is_empty());
    assert_eq!([some("is:noted"), some("-is:noted")].concat().len(), all.len());
    assert_eq!(found(&gallery, ""), all);
    let none = gallery.find(&filter("red green"), 0, 10).unwrap();
    assert_eq!((none.runs.len(), none.total), (0, 0));
}

#[test]
fn pages_follow_one_another_and_know_how_many_there_are() {
    let (_folder, gallery, runs) = gallery();
    for text in ["", "red", "red guidance:>1", "-red", "is:starred"] {
        let all = found(&gallery, text);
        let pages = (0..).step_by(4).map(|from| gallery.find(&filter(text), from, 4).unwrap());
        let pages: Vec<Page> = pages.take(1 + runs.len() / 4).collect();
        assert!(pages.iter().all(|page| page.total == all.len() as u64));
        assert_eq!(pages.iter().flat_map(|page| ids(&page.runs)).collect::<Vec<_>>(), all, "{text}");
        let older = gallery.older(&filter(text), Some(RunId(all[2])), 3).unwrap();
        assert_eq!((ids(&older.runs), older.total), (all[3..6].to_vec(), all.len() as u64), "{text}");
    }
    assert_eq!(gallery.find(&filter(""), u64::MAX, u32::MAX).unwrap().runs, []);
}

#[test]
fn reading_waits_for_no_writer() {
    let (_folder, gallery, runs) = gallery();
    let other = Connection::open(gallery.workspace().join("darkroom.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; DELETE FROM runs;").unwrap();
    assert_eq!(gallery.find(&filter("three"), 0, 5).unwrap().runs.len(), 5);
    assert_eq!(gallery.kin(runs[0].id).unwrap().from, []);
    let lock = gallery.connection.lock().unwrap();
    assert_eq!(gallery.find(&filter(""), 0, 5).unwrap().runs.len(), 5, "nor for this process's own");
    drop(lock);
    assert!(gallery.look(|connection| connection.execute("DELETE FROM runs", [])).is_err(), "it only reads");
}

/// Filters that often find some of the runs.
fn typed() -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec![
        "red",
        "re",
        "three",
        "box",
        "a",
        "\"red three\"",
        "\"in a\"",
        "red-hot",
        "times",
        "portrait",
        "experiment:sample",
        "experiment:f",
        "model:tiny",
        "model:shaper",
        "seed:<2",
        "seed:>4294967294",
        "guidance:3.3",
        "guidance:<=7",
        "guidance:1..7.1",
        "steps:34",
        "steps:>20",
        "rating:>=3",
        "rating:<2",
        "run:10..20",
        "run:>30",
        "since:2d",
        "until:tuesday",
        "#portrait",
        "#box",
        "is:star",
        "is:i",
        "is:noted",
        "is:cell",
        "is:t",
        "green",
    ]);
    let term = (any::<bool>(), term).prop_map(|(not, term)| format!("{}{term}", if not { "-" } else { "" }));
    prop::collection::vec(term, 0..5).prop_map(|terms| terms.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_typed_can_be_looked_for(texts in prop::collection::vec(any::<String>(), 20)) {
        let (_folder, gallery) = workspace();
        for text in texts {
            for text in [text.clone(), format!("-{text}"), format!("red -\"{text}\" guidance:>1")] {
                if let Ok(filter) = Filter::parse(&text, Today { now_ms: NOW_MS, utc_offset_s: 0 }) {
                    prop_assert_eq!(gallery.find(&filter, 0, 9).unwrap().total, 0);
                }
            }
        }
    }
}

#[test]
fn a_filter_finds_what_a_reading_of_every_run_finds() {
    let (_folder, gallery, runs) = gallery();
    let config = ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() };
    let result = proptest::test_runner::TestRunner::new(config).run(&typed(), |text| {
        let filter = filter(&text);
        let holds = |run: &&Run| filter.terms().iter().all(|term| says(&term.what, run) != term.not);
        let expected: Vec<i64> = runs.iter().filter(holds).map(|run| run.id.0).collect();
        let page = gallery.find(&filter, 0, 1000).unwrap();
        prop_assert_eq!((ids(&page.runs), page.total), (expected.clone(), expected.len() as u64), "{}", text);
        Ok(())
    });
    result.unwrap();
}
