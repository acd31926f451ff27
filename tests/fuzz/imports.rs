//! Pictures that other programs have made.

use super::chunks::{self, WORDS, packed, png};
use super::mutate::Mutator;
use super::pictures::{change_recipe, kept};
use super::target::Target;
use darkroom::gallery::Gallery;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// How many pictures a gallery takes before a new one is begun: each is compared with those that are there.
const MANY: usize = 200;

/// What each program writes into its pictures.
const TOLD: &[(&str, &str)] = &[
    (
        "parameters",
        "a red fox, <lora:fur:0.8>\nsecond line\nNegative prompt: blurry\nSteps: 28, Sampler: DPM++ 2M, CFG scale: 6.5, Seed: 28147, \
        Size: 64x48, Model: v1-5, Lora hashes: \"fur: 1a2b3c, eye: \\\"x\\\"\", Version: v1.10.1",
    ),
    (
        "parameters",
        "a cube, SDCPP: {fake}\nSteps: 9, CFG scale: 1.0, Seed: 9, Size: 8x8, Version: stable-diffusion.cpp, SDCPP: \
        {\"schema\":\"sdcpp.image.params/v1\",\"seed\":13,\"width\":64,\"height\":48,\"prompt\":{\"positive\":\"a cube\",\"negative\":\"x\"},\
        \"sampling\":{\"steps\":30,\"method\":\"dpm++2mv2\",\"guidance\":{\"txt_cfg\":5,\"distilled_guidance\":3.5}},\
        \"models\":{\"model\":\"v1-5.safetensors\"},\"strength\":0.75}",
    ),
    (
        "prompt",
        r#"{"3": {"class_type": "KSampler", "inputs": {"seed": ["20", 0], "steps": 20, "cfg": 8.0, "sampler_name": "euler", "positive": ["21", 0],
        "negative": ["21", 1], "latent_image": ["5", 0], "model": ["10", 0]}}, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a bottle"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48}}, "9": {"class_type": "SaveImage", "is_changed": [NaN],
        "inputs": {"images": ["8", 0]}}, "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}}, "10": {"class_type": "LoraLoader",
        "inputs": {"lora_name": "glass", "model": ["4", 0]}}, "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1"}},
        "20": {"class_type": "Seed", "inputs": {"seed": 5}}, "21": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["22", 0],
        "negative": ["6", 0]}}, "22": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0], "conditioning_2": ["21", 0]}}}"#,
    ),
    (
        "prompt",
        r#"{"1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sigmas": ["5", 0]}}, "2": {"class_type":
        "RandomNoise", "inputs": {"noise_seed": 77}}, "3": {"class_type": "BasicGuider", "inputs": {"conditioning": ["8", 0]}}, "5": {"class_type":
        "BasicScheduler", "inputs": {"steps": 24}}, "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
        "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip_l": "words", "t5xxl": "a long sentence"}}}"#,
    ),
    (
        "workflow",
        r#"{"nodes": [{"id": 1, "type": "KSampler", "inputs": [{"name": "positive", "link": 1}], "widgets_values": [1, "fixed", 2, 7.5, "euler"]},
        {"id": 2, "type": "CLIPTextEncode", "mode": 0, "inputs": [{"name": "text", "link": 2}], "widgets_values": ["x"]},
        {"id": 3, "type": "PrimitiveNode", "widgets_values": ["a fox", "fixed"]}], "links": [[1, 2, 0, 1, 0, "C"], {"id": 2, "origin_id": 3}]}"#,
    ),
    (
        "invokeai_metadata",
        r#"{"positive_prompt": "a lighthouse", "negative_prompt": "people", "width": 8, "height": 8, "seed": 13, "cfg_scale": 7.5, "steps": 35,
        "scheduler": "k", "model": {"name": "XL", "hash": "blake3:aa"}, "loras": [{"model": {"name": "d"}, "weight": 0.75}], "strength": null}"#,
    ),
    (
        "sd-metadata",
        r#"{"model_id": "sd", "image": {"prompt": [{"prompt": "a castle [fog]", "weight": 1.0}, {"prompt": "moon", "weight": 0.5}], "steps": 50,
        "cfg_scale": 7.5, "width": 64, "height": 48, "seed": 999, "sampler": "k_lms", "variations": []}}"#,
    ),
    ("Dream", "\"a castle [fog] at night\" -s 50 -S 42 -W 64 -H 48 -C 7.5 -A k_lms --hires_fix -U 2 0.75"),
];

struct Desk {
    folder: TempDir,
    gallery: Gallery,
    taken: usize,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let gallery = Gallery::open(&folder.path().join("workspace")).unwrap().0;
        Desk { folder, gallery, taken: 0 }
    }

    fn import(&mut self, bytes: &[u8]) -> bool {
        if self.taken == MANY {
            *self = Desk::new();
        }
        let path: &Path = &self.folder.path().join("told.png");
        fs::write(path, bytes).unwrap();
        let imported = self.gallery.import(path);
        if let Ok(imported) = &imported {
            self.taken += 1;
            let kept = self.gallery.picture_path(imported.run.id, 0);
            assert!(imported.known || fs::read(kept).unwrap() == bytes, "the file is kept as it is");
        }
        imported.is_ok()
    }
}

/// A text as a chunk of one of the three kinds, in front of a picture's pixels.
fn chunk(mutator: &mut Mutator, key: &[u8], text: &[u8]) -> ([u8; 4], Vec<u8>) {
    match mutator.below(3) {
        0 => (*b"tEXt", [key, b"\0", text].concat()),
        1 => (*b"zTXt", [key, b"\0\0", &packed(text)].concat()),
        _ => (*b"iTXt", [key, b"\0\0\0\0\0", text].concat()),
    }
}

/// Graphs in which many links lead many ways, and JSON of very many values: no few changes of a small text make one.
fn grown(mutator: &mut Mutator) -> (&'static str, String) {
    const MANY: &[&str] = &["[0],", "[[],[]],", "{\"a\":0},", "{\"id\":1,\"type\":\"KSampler\"},", "[1,2,0,3],", "\"\","];
    const FEW: &[&str] = &["positive", "negative", "conditioning", "text", "text_g", "t5xxl", "prompt", "model", "guider", "steps"];
    if mutator.once_in(2) {
        let key = ["prompt", "workflow", "invokeai_metadata", "sd-metadata"][mutator.below(4)];
        let items = MANY[mutator.below(MANY.len())].repeat(mutator.below(1 << 18));
        return (key, format!("{{\"seed\": 1, \"image\": {{\"seed\": 1}}, \"nodes\": [{items}0], \"links\": [{items}0]}}"));
    }
    let (nodes, wide) = (1 + mutator.below(200), mutator.below(200));
    let names: Vec<_> = FEW.iter().map(|name| (*name).to_owned()).chain((0..wide).map(|way| format!("cond{way}"))).collect();
    let mut node = |at| {
        let class = ["KSampler", "CLIPTextEncode", "ConditioningCombine"][at % 3];
        let inputs = names.iter().map(|name| format!("\"{name}\": [\"{}\", 0]", mutator.below(nodes))).collect::<Vec<_>>();
        format!("\"{at}\": {{\"class_type\": \"{class}\", \"inputs\": {{{}}}}}", inputs.join(", "))
    };
    ("prompt", format!("{{{}}}", (0..nodes).map(&mut node).collect::<Vec<_>>().join(", ")))
}

/// What a program tells, changed and written properly; or the file around it.
fn change(mutator: &mut Mutator, bytes: Vec<u8>) -> Vec<u8> {
    if mutator.once_in(3) {
        return change_recipe(mutator, bytes);
    }
    let (key, text) = if mutator.once_in(20) {
        let (key, text) = grown(mutator);
        (key, text.into_bytes())
    } else {
        let (key, text) = TOLD[mutator.below(TOLD.len())];
        (key, mutator.change(text.as_bytes().to_vec()))
    };
    let text = if mutator.once_in(2) { String::from_utf8_lossy(&text).into_owned().into_bytes() } else { text };
    let one = chunks::join(&[chunk(mutator, key.as_bytes(), &text)]);
    let mut all = png(8, &[]);
    all.splice(33..33, one[8..].iter().copied());
    all
}

#[test]
fn import() {
    let words: Vec<&[u8]> = WORDS.iter().chain(super::texts::JSON).copied().collect();
    let mut desk = Desk::new();
    Target {
        name: "import",
        few: 300,
        seeds: TOLD.iter().map(|told| png(8, &[*told])).chain([kept("sample")]).collect(),
        words: &words,
        change: &change,
        // The file, 16 MiB of texts and as much unpacked, and 100,000 values of JSON, of which a drawn graph is copied; darkroom's own
        // are read as pictures.
        bound: &|bytes| (80 << 20) + 20 * bytes,
        read: &mut |bytes| desk.import(bytes),
    }
    .fuzz();
}
