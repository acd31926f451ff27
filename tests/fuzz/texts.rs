//! Texts that people write: recipes and filters.

use super::messages;
use super::target::Target;
use darkroom::gallery::Gallery;
use darkroom::recipe::{Ask, EXPERIMENTS, Filter, Grid, MAX_CELLS, Recipe, Today};
use std::fs;

/// What means something in JSON.
pub const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud83d",
    b"null",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"18446744073709551616",
    b"{\"a\":",
    b"[[",
    b"\"class_type\": \"KSampler\"",
    b"[\"3\", 0]",
    b"SDCPP: {",
    b"Negative prompt:",
    b"Steps: ",
    b", ",
    b": ",
    b"\n",
    b"-S",
    b"--x",
    b"\xe7\x8b\x90",
];

const TOML: &[&[u8]] = &[
    b"experiment = \"sample\"\n",
    b"seed = ",
    b"steps = ",
    b"prompt = ",
    b"1..20:3",
    b"1..18446744073709551615",
    b"0.1..1.0:0.0001",
    b"nan",
    b"inf",
    b"-9223372036854775808",
    b"1e308",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"\"\"",
    b"'''",
    b"\\",
    b"\\U0010ffff",
    b"\n[a]\n",
    b"\n[[a]]\n",
    b"a.a.a.a",
    b"\n",
    b"=",
    b",",
    b"2026-11-26T04:00:00Z",
    b"0x7fffffffffffffff",
    b"\xe2\x82\xac",
    b"\x1b[2J",
];

/// As many recipes as a grid may have, each with all that was written: as it was typed, and as it was understood.
fn bound(bytes: usize) -> usize {
    MAX_CELLS * (8192 + 2 * bytes)
}

#[test]
fn recipe() {
    let plain = EXPERIMENTS.iter().map(|name| messages::recipe(name).to_toml().into_bytes());
    let short = EXPERIMENTS.iter().filter(|name| **name != "upscale");
    let short = short.map(|name| format!("experiment = \"{name}\"\nseed = 3\n").into_bytes());
    let sweep = b"experiment = \"sample\"\nseed = \"1..20:3\"\nguidance = [3, 5.5, \"7\"]\nprompt = \"a \\u20ac\"\n".to_vec();
    Target {
        name: "recipe",
        few: 400,
        seeds: plain.chain(short).chain([sweep]).collect(),
        words: TOML,
        change: &|mutator, bytes| mutator.change(bytes),
        bound: &bound,
        read: &mut |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let Ok(grid) = Ask::from_toml(&text).and_then(|ask| ask.expand()) else { return false };
            let cells: usize = grid.axes.iter().map(|axis| axis.values.len()).product();
            assert_eq!(cells, grid.recipes.len());
            // What was taken is written as what is taken again.
            for recipe in grid.recipes.iter().take(3) {
                let again = Ask::from_toml(&recipe.to_toml()).unwrap().expand().unwrap();
                assert_eq!(again.recipes, std::slice::from_ref(recipe));
                assert_eq!(Recipe::parse(recipe.experiment(), &recipe.pairs()).unwrap(), *recipe);
                let _ = (recipe.labels(), recipe.model_calls(), recipe.parents());
                recipe.clone().nameless();
            }
            true
        },
    }
    .fuzz();
}

#[test]
fn filter() {
    let folder = tempfile::tempdir().unwrap();
    let gallery = Gallery::open(folder.path()).unwrap().0;
    for experiment in EXPERIMENTS {
        gallery.submit(&Grid::one(messages::recipe(experiment))).unwrap();
    }
    let png = super::pictures::kept("sample");
    fs::write(folder.path().join("a.png"), png).unwrap();
    gallery.import(&folder.path().join("a.png")).unwrap();
    let seeds = [
        "red three \"red three\" -blue",
        "experiment:ana guidance:>5 steps:20..50 rating:>=3 seed:7 run:100..",
        "model:tiny since:yesterday until:2026-11 since:monday since:3d since:2w",
        "tag:portrait #fox is:starred is:imported -is:noted is:cell is:training",
    ];
    let words: &[&[u8]] = &[
        b"\"",
        b":",
        b"-",
        b"..",
        b">=",
        b"<",
        b"#",
        b"is:",
        b"since:",
        b"until:",
        b"run:",
        b"seed:",
        b"tag:",
        b"model:",
        b"9223372036854775807",
        b"1e999",
        b"nan",
        b"2026-02-30",
        b"0000-00-00",
        b"99999999999d",
        b"today",
        b"*",
        b"(",
        b" OR ",
        b" NEAR ",
        b"\0",
        b"^",
        b"%",
        b"_",
        b"'",
    ];
    Target {
        name: "filter",
        few: 1500,
        seeds: seeds.map(|text| text.as_bytes().to_vec()).into(),
        words,
        change: &|mutator, bytes| mutator.change(bytes),
        bound: &|bytes| (1 << 20) + 400 * bytes,
        read: &mut |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let Ok(filter) = Filter::parse(&text, Today { now_ms: 1_764_000_000_000, utc_offset_s: 3600 }) else { return false };
            // What can be parsed can be looked for, whatever SQLite makes of its words.
            let page = gallery.find(&filter, 0, 20).unwrap();
            assert!(page.total <= 1 && page.runs.len() as u64 == page.total);
            true
        },
    }
    .fuzz();
}
