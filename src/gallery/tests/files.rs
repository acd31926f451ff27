//! Pictures with their recipe inside, and the index made again from them.

use super::*;
use proptest::prelude::*;
use regex::Regex;

/// The pairs that A1111's own reader finds in the last line of a text.
fn a1111(text: &str) -> Vec<(String, String)> {
    let pair = Regex::new(r#"\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)"#).unwrap();
    let last = text.trim().split('\n').next_back().unwrap().to_owned();
    pair.captures_iter(&last).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

fn info(bytes: &[u8]) -> png::Info<'static> {
    png::Decoder::new(std::io::Cursor::new(bytes.to_vec())).read_info().unwrap().info().clone()
}

/// The `parameters` text of a picture, from whichever chunk holds it.
fn parameters_of(bytes: &[u8]) -> String {
    let info = info(bytes);
    let latin = info.uncompressed_latin1_text.iter().find(|chunk| chunk.keyword == "parameters").map(|chunk| chunk.text.clone());
    let utf8 = info.utf8_text.iter().find(|chunk| chunk.keyword == "parameters").map(|chunk| chunk.get_text().unwrap());
    latin.or(utf8).unwrap()
}

fn read_back(bytes: &[u8]) -> Result<(Recipe, Made, usize)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1.png"), bytes).unwrap();
    read_png_recipe(&folder.path().join("1.png"))
}

#[test]
fn the_parameters_line_is_the_one_promised() {
    let recipe = recipe(&[("prompt", "a red three"), ("seed", "1")]);
    let bytes = encode_png(&picture(1), &recipe, &made(), 0).unwrap();
    assert_eq!(
        parameters_of(&bytes),
        "a red three\nSteps: 34, Sampler: DDPM, Schedule type: strided, CFG scale: 7, Seed: 1, Size: 32x32, \
         Model hash: 0123456789, Model: tiny-if, RNG: ChaCha12, Version: darkroom 0.1.0"
    );
}

#[test]
fn the_last_line_is_ours_whatever_the_prompt_ends_with() {
    let prompt = "a cat\nSteps: 99, Seed: 666, CFG scale: 1";
    let recipe = recipe(&[("prompt", prompt), ("seed", "7"), ("timesteps", "900,500,100"), ("sampler", "ddim"), ("eta", "0.5")]);
    let pairs = a1111(&parameters_of(&encode_png(&picture(1), &recipe, &made(), 0).unwrap()));
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((get("Seed"), get("Steps"), get("Eta")), (Some("7"), Some("34"), Some("0.5")));
    assert_eq!(get("Schedule type"), Some("\"900,500,100\""));
}

#[test]
fn latin_texts_are_text_chunks_and_others_international_ones() {
    for (prompt, latin) in [("ein Café", true), ("a red three", true), ("三", false), ("🐱", false)] {
        let info = info(&encode_png(&picture(1), &recipe(&[("prompt", prompt)]), &made(), 0).unwrap());
        assert_eq!(info.uncompressed_latin1_text.iter().any(|chunk| chunk.keyword == "parameters"), latin, "{prompt}");
        assert!(info.utf8_text.iter().any(|chunk| chunk.keyword == "darkroom"));
        assert!(info.uncompressed_latin1_text.iter().any(|chunk| chunk.keyword == "Software"));
    }
}

#[test]
fn a_picture_tells_nothing_of_where_or_when_it_was_made() {
    let recipe = recipe(&[("model", "/home/somebody/models/tiny-if")]);
    let bytes = encode_png(&picture(1), &recipe, &made(), 0).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("somebody"));
    assert_eq!(read_back(&bytes).unwrap().0, recipe.with_model("tiny-if"));

    let twice: Vec<_> = [1, 7]
        .into_iter()
        .map(|number| {
            let (_folder, gallery) = workspace();
            let seeds: Vec<String> = (5 + 1..5 + number).map(|seed| seed.to_string()).chain(["5".into()]).collect();
            gallery.submit(&ask(&[("seed", &seeds.join(","))])).unwrap();
            gallery.save(RunId(number as i64), &made(), &[picture(1)], number as u64).unwrap();
            std::fs::read(gallery.picture_path(RunId(number as i64), 0)).unwrap()
        })
        .collect();
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn a_large_picture_is_shown_small_and_a_small_one_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.png");
    let wide = RgbImage::from_fn(300, 100, |x, _| if x % 2 == 0 { Rgb([0, 0, 0]) } else { Rgb([200, 200, 200]) });
    std::fs::write(&path, encode_png(&wide, &recipe(&[]), &made(), 0).unwrap()).unwrap();
    assert_eq!(load(&path, 300).unwrap(), wide);
    let small = load(&path, 30).unwrap();
    assert_eq!(small.dimensions(), (30, 10));
    assert!(small.pixels().all(|pixel| (90..=110).contains(&pixel[0])), "each pixel is an average");
    assert_eq!(load(&path, 0).unwrap().dimensions(), (1, 1));
}

#[test]
fn hostile_files_get_a_sentence() {
    let good = encode_png(&picture(1), &recipe(&[]), &made(), 0).unwrap();
    let says = |bytes: &[u8], what: &str| {
        let error = read_back(bytes).unwrap_err().to_string();
        assert!(error.contains("cannot read a recipe from") && error.contains(what), "{error}");
    };
    says(b"", "no whole PNG");
    says(&good[..good.len() - 20], "no whole PNG");
    says(&picture::encode(&picture(1), &[]).unwrap(), "darkroom did not make it");
    says(&picture::encode(&picture(1), &[("darkroom", "{")]).unwrap(), "no JSON");
    says(&picture::encode(&picture(1), &[("darkroom", "[1, 2]")]).unwrap(), "which schema");
    says(&picture::encode(&picture(1), &[("darkroom", r#"{"schema": 2}"#)]).unwrap(), "a newer darkroom wrote it");
    says(&picture::encode(&picture(1), &[("darkroom", r#"{"schema": 1, "recipe": {"experiment": "dream"}}"#)]).unwrap(), "dream");
    says(&picture::encode(&picture(1), &[("darkroom", &"x".repeat(17 << 20))]).unwrap(), "more than 16 MB of text");
    let bomb = with_size(&good, u32::MAX / 4);
    assert!(read_back(&bomb).is_err());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bomb.png"), bomb).unwrap();
    assert!(load(&folder.path().join("bomb.png"), 32).is_err());
    // Grey pixels fit the memory for decoding, and would not as colours.
    let mut grey = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(8, 8).write_to(&mut grey, image::ImageFormat::Png).unwrap();
    std::fs::write(folder.path().join("grey.png"), with_size(grey.get_ref(), 32_000)).unwrap();
    let said = load(&folder.path().join("grey.png"), 32).unwrap_err().to_string();
    assert!(said.ends_with("32000x32000 pixels are too many"), "{said}");
}

/// The same file saying that it is `side` by `side` pixels.
fn with_size(png: &[u8], side: u32) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[16..20].copy_from_slice(&side.to_be_bytes());
    bytes[20..24].copy_from_slice(&side.to_be_bytes());
    let mut crc = u32::MAX;
    for byte in &bytes[12..29] {
        crc = (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 });
    }
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

#[test]
fn a_rebuilt_index_tells_the_same_history() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("prompt", "a red three"), ("guidance", "1,3"), ("seed", "1..3")]));
    finish(&gallery, &ask(&[("prompt", "two\nlines of \"prompt\" 🐱"), ("count", "3"), ("model", "/a/folder")]));
    let before = gallery.history("", None, 100).unwrap();
    let sheet = std::fs::read(gallery.sheet(RunId(1)).unwrap().unwrap()).unwrap();
    assert_eq!(Gallery::rebuild(folder.path()).unwrap(), 7, "with the index there");
    assert_eq!(gallery.history("", None, 100).unwrap().runs, before.runs);
    drop(gallery);
    for file in ["darkroom.db", "darkroom.db-wal", "darkroom.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    let (gallery, told) = Gallery::open(folder.path()).unwrap();
    assert_eq!(told, ["The index was made again from the files: 7 runs."]);
    let after = gallery.history("", None, 100).unwrap();
    assert_eq!((after.runs, after.total), (before.runs, before.total));
    assert_eq!(gallery.history("three", None, 100).unwrap().total, 6);
    assert_eq!(std::fs::read(gallery.sheet(RunId(1)).unwrap().unwrap()).unwrap(), sheet);
    assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(8));
}

#[test]
fn a_rebuild_skips_what_is_foreign_or_broken() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("prompt", "a red three"), ("seed", "1..4")]));
    let runs = folder.path().join("runs");
    std::fs::remove_file(runs.join("000001/recipe.toml")).unwrap();
    std::fs::write(runs.join("000002/recipe.toml"), "experiment = 7 = 8").unwrap();
    std::fs::write(runs.join("000003/1.png"), "no picture").unwrap();
    std::fs::write(runs.join("000004/notes.txt"), "mine").unwrap();
    std::fs::create_dir(runs.join("000090")).unwrap();
    std::fs::create_dir(runs.join("9223372036854775807")).unwrap();
    std::fs::write(runs.join("holiday.jpg"), "mine").unwrap();
    // 2's recipe, 3's picture, the notes, the empty folder, the impossible folder, the holiday.
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 4, skipped: 6 });
    let done = gallery.history("red", None, 10).unwrap().runs;
    assert_eq!(ids(&done), [4, 2, 1]);
    assert_eq!(done[2].recipe, recipe(&[("prompt", "a red three"), ("seed", "1")]), "from the picture");
    assert_eq!(states(&gallery.queue().unwrap()), [(3, State::Interrupted)]);
    assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(91));
}

#[test]
fn a_rebuild_beside_an_engine_takes_nothing_from_its_queue() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    gallery.submit(&ask(&[("seed", "1,2")])).unwrap();
    gallery.take_next().unwrap();
    let queue = gallery.queue().unwrap();
    assert_eq!(Gallery::rebuild(folder.path()).unwrap(), 3);
    assert_eq!(gallery.queue().unwrap(), queue);
    gallery.save(RunId(2), &made(), &[picture(2)], 5).unwrap();
    assert_eq!(gallery.history("", None, 10).unwrap().total, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_prompt_comes_back_from_the_picture(prompt in any::<String>(), seed in any::<u32>(), index in 0usize..64) {
        let recipe = Recipe::parse("sample", &[("prompt".into(), prompt), ("seed".into(), seed.to_string())]).unwrap();
        let bytes = encode_png(&picture(3), &recipe, &made(), index).unwrap();
        prop_assert_eq!(read_back(&bytes).unwrap(), (recipe.clone(), made(), index));
        let pairs = a1111(&parameters_of(&bytes));
        prop_assert!(pairs.len() >= 3);
        prop_assert!(pairs.contains(&("Seed".into(), seed.to_string())));
        prop_assert_eq!(encode_png(&picture(3), &recipe, &made(), index).unwrap(), bytes);
    }

    #[test]
    fn a_damaged_picture_is_never_a_panic(cut in 0usize..900, flip in 0usize..900, to in any::<u8>()) {
        let mut bytes = encode_png(&picture(3), &recipe(&[]), &made(), 0).unwrap();
        let at = flip % bytes.len();
        bytes[at] = to;
        let _ = read_back(&bytes);
        bytes.truncate(cut % bytes.len());
        prop_assert!(read_back(&bytes).is_err());
    }
}
