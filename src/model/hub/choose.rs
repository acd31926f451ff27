//! Which of a repository's files are needed.

use crate::model::shards;
use anyhow::{Result, anyhow, bail, ensure};
use std::collections::BTreeSet;

/// What a model is not one without.
const NEEDED: &[&str] = &["model_index.json", "scheduler/scheduler_config.json", "unet/config.json"];
const STAGE_TWO: &[&str] = &["image_noising_scheduler/scheduler_config.json"];
const TEXT_ENCODER: &str = "text_encoder/config.json";
const TOKENIZER: &[&str] =
    &["tokenizer/spiece.model", "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json", "tokenizer/special_tokens_map.json"];
/// Half precision first: half the bytes, and what the larger files hold beyond it no picture shows.
const VARIANTS: &[&str] = &[".fp16", ""];
/// What weights are called that are pickles.
const PICKLES: &[&str] = &[".bin", ".pt", ".pth", ".ckpt"];

/// The files of a repository that make a model, the small ones first. Safety checker and watermarker are no part of it.
///
/// # Errors
/// When the repository holds no model in the diffusers layout, or a part's weights are not published as safetensors.
pub fn choose(files: &BTreeSet<String>, text_encoder: bool) -> Result<Vec<String>> {
    if let Some(missing) = NEEDED.iter().find(|file| !files.contains(**file)) {
        bail!("it holds no model in the diffusers layout: there is no {missing}");
    }
    let there = |file: &&&str| files.contains(**file);
    let mut chosen: Vec<String> = NEEDED.iter().chain(STAGE_TWO.iter().filter(there)).map(|file| (*file).to_owned()).collect();
    if text_encoder {
        chosen.extend(TOKENIZER.iter().filter(there).map(|file| (*file).to_owned()));
    }
    let unet = weights(files, "unet", "diffusion_pytorch_model")?;
    // A stage II model may leave the reading to another's text encoder.
    if text_encoder && files.contains(TEXT_ENCODER) {
        chosen.push(TEXT_ENCODER.to_owned());
        let weights = weights(files, "text_encoder", "model");
        chosen.extend(weights.map_err(|why| anyhow!("{why}; --no-text-encoder leaves it out"))?);
    }
    chosen.extend(unet);
    Ok(chosen)
}

/// A part's weights: one file, or shards with the index that may stand beside them.
fn weights(files: &BTreeSet<String>, part: &str, stem: &str) -> Result<Vec<String>> {
    let inside = |file: &str| file.split_once('/').filter(|(folder, _)| *folder == part).map(|(_, name)| name.to_owned());
    let names: BTreeSet<String> = files.iter().filter_map(|file| inside(file)).collect();
    let whole = |name: String| format!("{part}/{name}");
    for variant in VARIANTS {
        let one = format!("{stem}{variant}.safetensors");
        if names.contains(&one) {
            return Ok(vec![whole(one)]);
        }
        if let Some(mut found) = shards::complete(names.iter().map(String::as_str), &format!("{stem}{variant}")) {
            let index = Some(format!("{stem}.safetensors.index{variant}.json")).filter(|index| names.contains(index));
            found.extend(index);
            return Ok(found.into_iter().map(whole).collect());
        }
    }
    let pickled = names.iter().any(|name| PICKLES.iter().any(|pickle| name.ends_with(pickle)));
    ensure!(!pickled, "{part} has only .bin weights, which can run code when they are read; ask its publisher for safetensors");
    bail!("{part} has no {stem}.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "
        .gitattributes README.md model_index.json config.yml feature_extractor/preprocessor_config.json
        safety_checker/config.json safety_checker/model.safetensors safety_checker/model.fp16.safetensors
        safety_checker/pytorch_model.bin safety_checker/pytorch_model.fp16.bin
        scheduler/scheduler_config.json text_encoder/config.json
        text_encoder/model.fp16-00001-of-00002.safetensors text_encoder/model.fp16-00002-of-00002.safetensors
        text_encoder/pytorch_model.fp16-00001-of-00002.bin text_encoder/pytorch_model.fp16-00002-of-00002.bin
        text_encoder/model-00001-of-00002.safetensors text_encoder/model-00002-of-00002.safetensors
        text_encoder/model.safetensors.index.json text_encoder/pytorch_model.bin.index.json text_encoder/model.8bit.safetensors
        tokenizer/special_tokens_map.json tokenizer/spiece.model tokenizer/tokenizer_config.json
        unet/config.json unet/diffusion_pytorch_model.safetensors unet/diffusion_pytorch_model.fp16.safetensors
        unet/diffusion_pytorch_model.bin unet/diffusion_pytorch_model.fp16.bin
        watermarker/config.json watermarker/diffusion_pytorch_model.safetensors watermarker/diffusion_pytorch_model.bin";

    const STAGE_ONE: &[&str] = &[
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "tokenizer/spiece.model",
        "tokenizer/tokenizer_config.json",
        "tokenizer/special_tokens_map.json",
        "text_encoder/config.json",
        "text_encoder/model.fp16-00001-of-00002.safetensors",
        "text_encoder/model.fp16-00002-of-00002.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
    ];

    fn listing(files: &str) -> BTreeSet<String> {
        files.split_whitespace().map(str::to_owned).collect()
    }

    /// The listing of a repository without its files that end in `ending`.
    fn without(ending: &str) -> BTreeSet<String> {
        listing(BOTH).into_iter().filter(|file| !file.ends_with(ending)).collect()
    }

    #[test]
    fn of_stage_one_half_precision_and_no_pickles_are_taken() {
        assert_eq!(choose(&listing(BOTH), true).unwrap(), STAGE_ONE);
    }

    #[test]
    fn of_stage_two_the_scheduler_of_the_small_picture_comes_along() {
        let files = listing(&format!("{BOTH} image_noising_scheduler/scheduler_config.json"));
        let chosen = choose(&files, true).unwrap();
        let mut expected: Vec<_> = STAGE_ONE.to_vec();
        expected.insert(3, "image_noising_scheduler/scheduler_config.json");
        assert_eq!(chosen, expected);
        let bare = choose(&files, false).unwrap();
        assert_eq!(bare, [&expected[..4], &expected[10..]].concat(), "without what reads the prompts");
    }

    #[test]
    fn an_index_and_a_written_tokenizer_come_where_they_are() {
        let more = "text_encoder/model.safetensors.index.fp16.json tokenizer/tokenizer.json";
        let chosen = choose(&listing(&format!("{BOTH} {more}")), true).unwrap();
        assert!(more.split_whitespace().all(|file| chosen.iter().any(|chosen| chosen == file)), "{chosen:?}");
        assert_eq!(chosen.len(), STAGE_ONE.len() + 2);
    }

    #[test]
    fn full_precision_comes_where_there_is_no_half() {
        let files = listing(BOTH).into_iter().filter(|file| !file.contains("fp16")).collect();
        let chosen = choose(&files, true).unwrap();
        let full = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"];
        assert!(full.iter().all(|file| chosen.contains(&format!("text_encoder/{file}"))), "{chosen:?}");
        assert_eq!(chosen.last().unwrap(), "unet/diffusion_pytorch_model.safetensors");
    }

    #[test]
    fn half_a_set_of_shards_is_none() {
        let chosen = choose(&without("model.fp16-00002-of-00002.safetensors"), true).unwrap();
        assert!(chosen.contains(&"text_encoder/model-00001-of-00002.safetensors".to_owned()), "{chosen:?}");
    }

    #[test]
    fn pickles_are_refused_with_the_reason() {
        let why = |files: &BTreeSet<String>, text_encoder| format!("{:#}", choose(files, text_encoder).unwrap_err());
        assert!(why(&without(".safetensors"), false).contains("unet has only .bin weights, which can run code"));
        let files = listing(BOTH).into_iter().filter(|file| !(file.starts_with("text") && file.ends_with(".safetensors"))).collect();
        let words = why(&files, true);
        assert!(words.contains("--no-text-encoder") && words.contains("text_encoder has only .bin"), "{words}");
        assert!(choose(&files, false).is_ok());
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let why = |files: &BTreeSet<String>| format!("{:#}", choose(files, true).unwrap_err());
        assert!(why(&listing("config.json model.safetensors")).contains("there is no model_index.json"));
        assert!(why(&without("unet/config.json")).contains("there is no unet/config.json"));
        let empty = without(".bin").into_iter().filter(|file| !file.ends_with("safetensors")).collect();
        assert!(why(&empty).contains("unet has no diffusion_pytorch_model.safetensors"));
    }

    #[test]
    fn a_text_encoder_may_be_elsewhere() {
        let files: BTreeSet<String> = listing(BOTH).into_iter().filter(|file| !file.starts_with("text_encoder/")).collect();
        let chosen = choose(&files, true).unwrap();
        assert!(chosen.iter().all(|file| !file.starts_with("text_encoder")), "{chosen:?}");
    }
}
