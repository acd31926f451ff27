#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

/// Wednesday, 2026-11-25, 00:30 in a clock that is an hour ahead of UTC.
const TODAY: Today = Today { now_ms: 1_795_563_000_000, utc_offset_s: 3600 };

fn shown(text: &str) -> String {
    Filter::parse(text, TODAY).unwrap().to_string()
}

fn refused(text: &str) -> String {
    Filter::parse(text, TODAY).unwrap_err()
}

#[test]
fn terms_are_what_they_look_like() {
    for (typed, read) in [
        ("  red \t three ", "red three"),
        ("\"red three\" -\"a b\"", "\"red three\" -\"a b\""),
        ("\"red thr", "red thr"),
        ("Guidance:>5 steps:20..50 rating:>=3", "guidance:>5 steps:20..50 rating:>=3"),
        ("steps:50..20 run:100.. seed:..9", "steps:20..50 run:>=100 seed:<=9"),
        ("seed:18446744073709551615 guidance:<=7.5 -guidance:-1", "seed:18446744073709551615 guidance:<=7.5 -guidance:-1"),
        ("experiment:ANA model:\"IF I\"", "experiment:ana model:\"if i\""),
        ("tag:Portrait -#draft", "#Portrait -#draft"),
        ("is:star is:imported -is:n is:cell is:training", "is:starred is:imported -is:noted is:cell is:training"),
        ("12:30 C++ *** — 🐱 三", "12:30 C++ 🐱 三"),
        ("\"prompt:red\"", "\"prompt:red\""),
    ] {
        assert_eq!(shown(typed), read, "{typed}");
    }
}

#[test]
fn a_term_that_is_being_typed_says_nothing_yet() {
    let unfinished =
        ["guidance:", "guidance:>", "guidance:>=", "guidance:<", "steps:..", "model:", "experiment:", "#", "tag:", "is:", "since:"];
    for text in unfinished.into_iter().chain(["since:t", "since:3", "since:202", "until:2026-0", "-", "-#", "\"", "\"\"", "model:\""]) {
        assert_eq!(shown(&format!("red {text}")), "red", "{text}");
    }
}

#[test]
fn days_are_those_of_the_users_clock() {
    for (typed, read) in [
        ("since:today", "since:2026-11-25"),
        ("since:Yest", "since:2026-11-24"),
        ("since:monday until:wednesday", "since:2026-11-23 until:2026-11-25"),
        ("since:th", "since:2026-11-19"),
        ("since:3d until:2w", "since:2026-11-22 until:2026-11-11"),
        ("since:2026-11-01", "since:2026-11-01"),
        ("since:2026-2 until:2024-2", "since:2026-02-01 until:2024-02-29"),
        ("since:2026 until:2026-", "since:2026-01-01 until:2026-12-31"),
    ] {
        assert_eq!(shown(typed), read, "{typed}");
    }
    let Some(What::Since(day)) = Filter::parse("since:today", TODAY).unwrap().terms.pop().map(|term| term.what) else { panic!() };
    assert_eq!((day.starts_ms, day.ends_ms()), (TODAY.now_ms - 1_800_000, TODAY.now_ms - 1_800_000 + 86_400_000));
}

#[test]
fn what_cannot_be_understood_gets_a_sentence_with_an_example() {
    assert_eq!(refused("guidance:x"), "guidance:x is no number; write guidance:>5, guidance:7 or guidance:3..9");
    assert_eq!(refused("red rating:>2.5"), "rating:2.5 is no whole number; write rating:>=3, rating:5 or rating:1..3");
    assert_eq!(refused("guidance:nan"), "guidance:nan is no number; write guidance:>5, guidance:7 or guidance:3..9");
    assert!(refused("gidance:5").starts_with("there is no 'gidance:'; known are experiment, model, seed, guidance"));
    assert!(refused("experiment:dream").starts_with("no experiment is called dream; there are sample, forward"));
    assert_eq!(refused("is:good"), "nothing is good; write is:starred, imported, noted, cell or training");
    assert_eq!(refused("tag:\"two words\""), "'two words' is no tag; a tag is one word");
    for text in ["noon", "2026-13", "2026-11-31", "3x", "99999999999999999999d", "9999999d", "20261", "0000", "12-1", "2026-1-1-1"] {
        let day = refused(&format!("since:{text}"));
        assert_eq!(day, format!("since:{text} is no day; write since:yesterday, monday, 3d, 2w or 2026-11-01"));
    }
    assert!(refused(&"x ".repeat(65)).contains("64 terms"));
    assert!(refused(&"x".repeat(5000)).contains("4096 letters"));
}

/// Texts with the language's own letters in them, so that random ones are often understood.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "-",
        "\"",
        "#",
        ":",
        " ",
        "..",
        ">",
        ">=",
        "<",
        "<=",
        "7",
        "0",
        "2026",
        "3d",
        "2w",
        "guidance:",
        "seed:",
        "steps:",
        "rating:",
        "run:",
        "since:",
        "until:",
        "is:",
        "tag:",
        "model:",
        "experiment:",
        "red",
        "s",
        "t",
        "1e3",
        ".5",
        "\u{1b}",
        "é",
        "—",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_what_is_shown_is_read_as_the_same(text in text(), now_ms in any::<i64>(), utc_offset_s in any::<i32>()) {
        for today in [TODAY, Today { now_ms, utc_offset_s }] {
            if let Ok(filter) = Filter::parse(&text, today) {
                let shown = filter.to_string();
                prop_assert_eq!(Filter::parse(&shown, today), Ok(filter), "{:?} shown as {:?}", &text, &shown);
            }
        }
        let words = Filter::words(&text);
        prop_assert!(words.terms().len() <= 64);
    }
}
