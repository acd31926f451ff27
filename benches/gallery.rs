//! How soon a large gallery opens, is searched and is scrolled through, and what memory that takes.
//!
//!     cargo bench --bench gallery [-- RUNS]     # 10,000 and RUNS (100,000) generated runs
//!
//! Every run has its folder with recipe, times and a picture; some have notes, marks, a sweep. The index is made from the files,
//! as after `darkroom history --rebuild`. A process of its own then looks at each gallery as the workbench does.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use darkroom::gallery::{Gallery, encode_png};
use darkroom::recipe::{Filter, Made, Mark, Recipe, RunId, Today};
use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Runs that a page shows, and how large their pictures are asked for.
const PAGE: u32 = 60;
const SIDE: u32 = 128;
/// 2026-11-25 at noon.
const TODAY: Today = Today { now_ms: 1_795_608_000_000, utc_offset_s: 3600 };
/// Every so many runs have a picture that is larger than its thumbnail.
const LARGE: u64 = 50;

const WHAT: &[&str] =
    &["three", "cat", "fox", "lighthouse", "campfire", "old man", "barn owl", "snowy village", "coffee cup", "tower", "ship"];
const HOW: &[&str] = &["red", "blue", "green", "golden", "tiny", "huge", "quiet", "sleeping", "broken", "glass", "paper", "rusty"];
const WHERE: &[&str] = &["in a box", "at night", "under water", "in the rain", "on a hill", "by the sea", "in a library", "on mars"];
const STYLE: &[&str] = &["oil painting", "lithograph", "watercolour", "photo, 35 mm", "ink drawing", "pixel art", "charcoal", "render"];
const TAGS: &[&str] = &["portrait", "draft", "keep", "poster", "course", "print", "odd"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [measure, folder] = &arguments[..] {
        assert_eq!(measure, "measure");
        return look(Path::new(folder));
    }
    let most = arguments.first().map_or(100_000, |runs| runs.parse().unwrap());
    for runs in [10_000.min(most), most] {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        make(folder.path(), runs);
        println!("\n{runs} runs; their files were written in {:.0} s", begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        drop(Gallery::open(folder.path()).unwrap());
        let index = fs::metadata(folder.path().join("darkroom.db")).unwrap().len();
        println!("the index, {:.0} MB, was made from them in {:.1} s", index as f64 / 1e6, begun.elapsed().as_secs_f64());
        let program = std::env::current_exe().unwrap();
        assert!(std::process::Command::new(program).arg("measure").arg(folder.path()).status().unwrap().success());
    }
}

/// Writes the files of so many runs.
fn make(folder: &Path, runs: u64) {
    let half = runs / 2;
    std::thread::scope(|scope| {
        for ids in [1..half + 1, half + 1..runs + 1] {
            scope.spawn(move || ids.for_each(|id| make_run(folder, id, runs)));
        }
    });
}

fn make_run(folder: &Path, id: u64, runs: u64) {
    let mut random = ChaCha12Rng::seed_from_u64(id);
    let mut one = |words: &[&str]| words[random.random_range(0..words.len())].to_owned();
    let prompt = format!("{} of a {} {} {}", one(STYLE), one(HOW), one(WHAT), one(WHERE));
    let (note, tags) = (format!("{} and {}", one(HOW), one(WHERE)), [one(TAGS), one(TAGS)]);
    let guidance = ["1", "3", "5", "7", "9.5"][random.random_range(0..5)].to_owned();
    let seed = random.random_range(0..5000).to_string();
    let fields = [("prompt", prompt), ("guidance", guidance), ("seed", seed)].map(|(field, value)| (field.to_owned(), value));
    let recipe = match id % 10 {
        0 => Recipe::parse("edit", &fields),
        _ => Recipe::parse("sample", &fields),
    };
    let recipe = recipe.unwrap();
    let run = folder.join(format!("runs/{id:06}"));
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("recipe.toml"), recipe.to_toml()).unwrap();
    let created_ms = TODAY.now_ms - ((runs - id) as i64) * 600_000;
    fs::write(run.join("times.toml"), format!("created_ms = {created_ms}\ntook_ms = {}\n", 800 + id % 400)).unwrap();
    let side = if id.is_multiple_of(LARGE) { 512 } else { 64 };
    let picture =
        RgbImage::from_fn(side, side, |x, y| Rgb([(x * 255 / side) as u8, (y * 255 / side) as u8, (id + u64::from(x * y / 7)) as u8]));
    fs::write(run.join("1.png"), encode_png(&picture, &recipe, &made(), 0).unwrap()).unwrap();
    for index in 1..recipe.pictures() {
        fs::write(run.join(format!("{}.png", index + 1)), encode_png(&RgbImage::new(64, 64), &recipe, &made(), index).unwrap()).unwrap();
    }
    if id.is_multiple_of(8) {
        fs::write(run.join("note.txt"), note).unwrap();
    }
    if id.is_multiple_of(4) {
        let (star, rating, [one, other]) = (id.is_multiple_of(16), id % 6, tags);
        fs::write(run.join("marks.toml"), format!("star = {star}\nrating = {rating}\ntags = [\"{one}\", \"{other}\"]\n")).unwrap();
    }
    if id % 30 == 1 && id + 12 <= runs {
        let axes = "[[axes]]\nfield = \"guidance\"\nvalues = [\"1\", \"3\", \"7\"]\n[[axes]]\nfield = \"seed\"\nvalues = [\"1\", \"2\", \"3\", \"4\"]\n";
        fs::write(run.join("grid.toml"), format!("cells = 12\n{axes}")).unwrap();
    }
}

fn made() -> Made {
    Made {
        model: "tiny-if".into(),
        model_hash: "0123456789abcdef".repeat(4),
        size: (64, 64),
        timesteps: (0..34).rev().map(|t| t * 30).collect(),
        rng: "ChaCha12".into(),
        device: "cpu".into(),
        dtype: "f32".into(),
        ..Made::default()
    }
}

/// Times in milliseconds, as a line of the table.
fn line(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    println!("| {what} | {} | {:.1} | {:.1} | {:.1} |", times.len(), at(0.5), at(0.99), at(1.0));
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed().as_secs_f64() * 1e3, done)
}

/// What somebody types who looks for something: every beginning of the text is a search.
const TYPED: &[&str] = &[
    "a red three in a box",
    "oil painting cat guidance:>5",
    "a guidance:3..9 -box",
    "\"snowy village\" at night since:2026-06",
    "-a",
    "-red -blue is:starred",
];
const ASKED: &[(&str, &[&str])] = &[
    ("a number", &["guidance:>5", "steps:20..50", "seed:7", "rating:>=3", "run:100..200", "-guidance:1"]),
    ("experiment, model", &["experiment:edit", "model:tiny", "experiment:s", "model:none"]),
    ("a time", &["since:yesterday", "since:2w", "until:2026-01", "since:2026-06 until:2026-07"]),
    ("tags and marks", &["#portrait", "tag:nothing", "is:starred", "is:noted", "is:cell", "-#draft is:starred"]),
    ("a common word", &["a", "of", "-a", "\"of a\""]),
    ("common words and numbers", &["a guidance:>1", "of -red steps:34", "a o guidance:3..9 rating:<4", "-cat seed:>100"]),
    ("everything at once", &["red -box experiment:sample model:tiny guidance:>1 steps:20..50 rating:<5 since:2026-01 -is:starred -#odd"]),
];

fn look(folder: &Path) {
    println!("| what | times | median, ms | p99 | worst |\n|---|---|---|---|---|");
    line("open", (0..20).map(|_| timed(|| Gallery::open(folder).unwrap()).0).collect());
    let (gallery, told) = Gallery::open(folder).unwrap();
    assert!(told.is_empty());
    let find = |text: &str, from: u64| timed(|| gallery.find(&Filter::parse(text, TODAY).unwrap(), from, PAGE).unwrap());
    let pictures = |runs: &[darkroom::recipe::Run]| runs.iter().for_each(|run| _ = gallery.thumbnail(run.id, 0, SIDE).unwrap());
    let total = find("", 0).1.total;
    let page = |from| timed(|| pictures(&find("", from).1.runs)).0;
    println!("| first page and its pictures, never seen | 1 | {:.1} | | |", page(0));
    line("first page and its pictures", (0..50).map(|_| page(0)).collect());
    line("first page without pictures", (0..50).map(|_| find("", 0).0).collect());
    let typed =
        TYPED.iter().flat_map(|text| text.char_indices().map(|(end, _)| &text[..end])).filter(|text| Filter::parse(text, TODAY).is_ok());
    line("a search while it is typed", typed.map(|text| find(text, 0).0).collect());
    for (what, asked) in ASKED {
        line(what, asked.iter().flat_map(|text| (0..10).map(|_| find(text, 0).0)).collect());
    }
    let mut random = ChaCha12Rng::seed_from_u64(7);
    let mut scroll = |text: &str| {
        let total = find(text, 0).1.total;
        let times = (0..200).map(|_| {
            let from = random.random_range(0..total.max(1));
            timed(|| pictures(&find(text, from).1.runs)).0
        });
        times.collect::<Vec<_>>()
    };
    line("a random page and its pictures", scroll(""));
    line("the same, of a search", scroll("a guidance:>1 -red"));
    // A viewer that comes asks for it, whether or not there is one.
    let pace = |model: &&str| timed(|| gallery.pace_ms(model).unwrap()).0;
    line("the pace of a model", ["tiny-if", "none"].iter().cycle().take(100).map(pace).collect());
    line(
        "kin and sweep of a run",
        (1..100).map(|id| timed(|| (gallery.kin(RunId(id)).unwrap(), gallery.table(RunId(id)).unwrap())).0).collect(),
    );
    line("mark a run", (1..50).map(|id| timed(|| gallery.mark(RunId(id), &Mark::Rate((id % 6) as u8)).unwrap()).0).collect());
    println!("| look through the whole index for damage | 1 | {:.0} | | |", timed(|| gallery.examine().unwrap()).0);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let memory =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    let megabytes = |name| memory(name).unwrap_or(f64::NAN) / 1024.0;
    println!(
        "resident memory of the process that did this with {total} runs: {:.0} MiB, {:.0} at most",
        megabytes("VmRSS:"),
        megabytes("VmHWM:")
    );
}
