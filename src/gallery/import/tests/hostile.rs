//! Files that are broken, or mean harm.

use super::*;
use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;
use std::io::Write;
use std::sync::OnceLock;

/// A PNG with these chunks between its header and its pixels.
fn with_chunks(mut bytes: Vec<u8>, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut between = Vec::new();
    for (kind, data) in chunks {
        let mut sum = flate2::Crc::new();
        sum.update(*kind);
        sum.update(data);
        between.extend((data.len() as u32).to_be_bytes());
        between.extend([&kind[..], data, &sum.sum().to_be_bytes()].concat());
    }
    bytes.splice(33..33, between);
    bytes
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_no_picture_or_tells_nothing_is_refused_in_a_sentence() {
    let desk = Desk::new();
    assert_eq!(desk.refusal(b""), "it is no PNG file, and only those are read");
    assert_eq!(desk.refusal(b"\xff\xd8\xff\xe0 a JPEG"), "it is no PNG file, and only those are read");
    let plain = png((8, 8), &[(Chunk::Plain, "Software", "gimp")]);
    let none = "it holds no recipe that is known; those of darkroom, A1111, stable-diffusion.cpp, ComfyUI and InvokeAI are read";
    assert_eq!(desk.refusal(&plain), none);
    let swarm = png((8, 8), &[(Chunk::Plain, "parameters", r#"{"sui_image_params": {"prompt": "x"}}"#)]);
    assert_eq!(desk.refusal(&swarm), none, "another program's JSON is no prompt");
    assert_eq!(desk.refusal(&png((8, 8), &[(Chunk::Plain, "prompt", r#"{"1": {"class_type": "LoadImage", "inputs": {}}}"#)])), none);
    let whole = png((64, 48), &[(Chunk::Plain, "parameters", "x\nSteps: 1, CFG scale: 1, Seed: 1")]);
    assert!(desk.refusal(&whole[..whole.len() / 2]).starts_with("it is no whole PNG file"));
    assert!(desk.refusal(&whole[..whole.len() - 13]).starts_with("it is no whole PNG file"));
    let missing = desk.gallery.import(&desk.folder.path().join("none.png")).unwrap_err();
    assert!(crate::words::sentence(&missing).ends_with("none.png cannot be imported: No such file or directory"), "{missing:#}");
    assert_eq!(desk.gallery.history("", None, 9).unwrap().total, 0);
    assert_eq!(fs::read_dir(desk.gallery.workspace().join("runs")).unwrap().count(), 0);
}

#[test]
fn texts_that_swell_when_unpacked_are_not_unpacked() {
    let desk = Desk::new();
    let bomb = packed(&vec![b'x'; 64 << 20]);
    assert!(bomb.len() < 100_000);
    let ztxt = [&b"parameters\0\0"[..], &bomb].concat();
    let itxt = [&b"parameters\0\x01\0\0\0"[..], &bomb].concat();
    for chunk in [(b"zTXt", ztxt), (b"iTXt", itxt)] {
        let why = desk.refusal(&with_chunks(png((8, 8), &[]), &[chunk]));
        assert!(why.starts_with("its text 'parameters' is larger than 16 MB, or broken"), "{why}");
    }
    // Nor many that are small enough one by one.
    let ten = [&b"a\0\0"[..], &packed(&vec![b'x'; 10 << 20])].concat();
    let many = with_chunks(png((8, 8), &[]), &[(b"zTXt", ten.clone()), (b"zTXt", ten)]);
    let why = desk.refusal(&many);
    assert!(why.starts_with("its text 'a' is larger than 16 MB"), "{why}");
    let much = [&b"a\0"[..], &vec![b'x'; 17 << 20]].concat();
    assert_eq!(desk.refusal(&with_chunks(png((8, 8), &[]), &[(b"tEXt", much)])), "it holds more than 16 MB of text");
}

#[test]
fn pictures_of_enormous_sizes_are_not_unpacked() {
    let desk = Desk::new();
    for (width, height) in [(u32::MAX >> 1, 1u32), (1, 40_000), (30_000, 30_000)] {
        let mut bytes = png((8, 8), &[]);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        let why = desk.refusal(&bytes);
        assert!(why.contains(&format!("it has {width}x{height} pixels, and up to 67 million are read")), "{why}");
    }
}

#[test]
fn deep_wide_and_long_texts_come_to_an_end() {
    let deep = |open: &str, close: &str| format!("{{\"1\": {}1{}}}", open.repeat(200_000), close.repeat(200_000));
    let chain = |nodes: usize| {
        let node = |at: usize| {
            format!("\"{at}\": {{\"class_type\": \"A\", \"inputs\": {{\"text\": [\"{}\", 0], \"x\": [\"{}\", 0]}}}}", at + 1, at / 2)
        };
        let sampler = "\"s\": {\"class_type\": \"KSampler\", \"inputs\": {\"steps\": [\"0\", 0], \"positive\": [\"0\", 0]}}";
        format!("{{{sampler}, {}}}", (0..nodes).map(node).collect::<Vec<_>>().join(", "))
    };
    let texts = [
        ("prompt", deep("[", "]")),
        ("prompt", deep("{\"a\":", "}")),
        ("prompt", chain(60_000)),
        ("workflow", format!("{{\"nodes\": [{}1]}}", "{},".repeat(500_000))),
        ("invokeai_metadata", deep("[", "]")),
        ("parameters", ", ".repeat(2_000_000)),
        ("parameters", "a: \"".repeat(1_000_000)),
        ("parameters", ", SDCPP: {".repeat(500_000)),
        ("Dream", "[ -".repeat(1_000_000)),
        ("sd-metadata", format!("{{\"image\": {{\"prompt\": \"{}\"}}}}", "[]".repeat(1_000_000))),
    ];
    for (key, text) in texts {
        let png = Png::of(png((8, 8), &[(Chunk::Packed, key, &text)])).unwrap();
        let told = read(&png).and_then(|told| told.map((8, 8)).ok());
        assert!(told.is_none_or(|told| told.unmapped.len() <= 100), "{key}");
    }
}

/// Nodes of which each leads to all others, so that every search has everything before it.
fn thicket(nodes: usize) -> String {
    let links = |input: &str| (0..nodes).map(|to| format!("\"{input}{to}\": [\"{to}\", 0]")).collect::<Vec<_>>().join(", ");
    let texts = graph::TEXTS.iter().map(|input| format!("\"{input}\": [\"1\", 0]")).collect::<Vec<_>>().join(", ");
    let node = |at: usize| format!("\"{at}\": {{\"class_type\": \"A\", \"inputs\": {{{}, {texts}}}}}", links("cond"));
    let sampler = "\"s\": {\"class_type\": \"KSampler\", \"inputs\": {\"steps\": [\"0\", 0], \"positive\": [\"0\", 0]}}";
    format!("{{{sampler}, {}}}", (0..nodes).map(node).collect::<Vec<_>>().join(", "))
}

#[test]
fn a_graph_in_which_all_leads_to_all_comes_to_an_end() {
    let text = thicket(150);
    let text = text.as_str();
    let begun = std::time::Instant::now();
    assert!(comfyui::read(Some(text), None).is_some());
    // A minute and more without a limit on all searches together; a second in a build that is not optimised.
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn json_of_too_many_values_is_none() {
    let many = |count: usize| format!("{{\"seed\": 1, \"a\": [{}0]}}", "[0],".repeat(count));
    let told = |text: &str| invokeai::read(Some(text), None, None);
    assert!(told(&many(40_000)).is_some());
    assert!(told(&many(60_000)).is_none());
    // In a text they are none.
    let long = format!("{{\"seed\": 1, \"positive_prompt\": \"{}\"}}", "[\\\",{".repeat(100_000));
    assert!(told(&long).is_some());
}

/// A file of every program.
fn files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let texts = [
            ("parameters", "fox\nNegative prompt: x\nSteps: 5, CFG scale: 7, Seed: 1, Lora: \"a: \\\"b\\\"\", SDCPP: {\"seed\": 2}"),
            (
                "prompt",
                r#"{"1": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 2, "positive": ["2", 0]}},
                "2": {"class_type": "CLIPTextEncode", "inputs": {"text": ["1", 0]}}}"#,
            ),
            (
                "workflow",
                r#"{"nodes": [{"id": 1, "type": "KSampler", "inputs": [{"name": "positive", "link": 1}], "widgets_values": [1, "", 2]}],
                "links": [[1, 1, 0, 1, 0, "C"]]}"#,
            ),
            ("invokeai_metadata", r#"{"positive_prompt": "x", "seed": 1, "steps": NaN, "model": {"name": "m"}, "width": 8, "height": 8}"#),
            ("sd-metadata", r#"{"image": {"prompt": [{"prompt": "a [b]", "weight": 1}], "seed": 1}}"#),
            ("Dream", "\"a [b] c\" -s 5 -S1 --x -W 8 -H 8"),
        ];
        let of = |chunk| texts.iter().map(move |(key, text)| png((8, 8), &[(chunk, key, text)]));
        of(Chunk::Plain).chain(of(Chunk::Packed)).chain(of(Chunk::Utf8)).collect()
    })
}

/// The sums of all chunks made right, so that what is in them is looked at.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4).map(|length| u32::from_be_bytes(length.try_into().unwrap()) as usize) {
        let Some(end) = at.checked_add(8 + length).filter(|end| *end + 4 <= bytes.len()) else { break };
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&sum.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_spoiled_file_is_read_or_refused_and_never_a_fault(
        file in 0usize..18,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
        honest in any::<bool>(),
    ) {
        let mut bytes = files()[file].clone();
        for (at, byte) in changes {
            // The signature stays, or nothing behind it would be looked at.
            let at = 8 + at.index(bytes.len() - 8);
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| 8 + cut.index(bytes.len() - 8)));
        let bytes = if honest { summed(bytes) } else { bytes };
        if let Ok(png) = Png::of(bytes)
            && let Some(told) = read(&png)
        {
            let mapped = told.map(png.size).unwrap();
            prop_assert!(mapped.unmapped.len() <= 100);
        }
    }

    #[test]
    fn any_text_under_any_key_is_read_or_refused(text in ".{0,200}", json in "[\\[\\]{}:,\"0-9a-z\\\\ -]{0,200}") {
        for text in [&text, &json] {
            let told = [
                a1111::read(text),
                comfyui::read(Some(text), Some(text)),
                invokeai::read(Some(text), Some(text), Some(text)),
            ];
            for told in told.into_iter().flatten() {
                prop_assert!(told.map((8, 8)).is_ok());
            }
        }
    }
}
