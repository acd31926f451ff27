//! `spiece.model`: SentencePiece's unigram models (Kudo 2018), the only form in which DeepFloyd publishes its tokenizer, as
//! transformers' `T5Tokenizer` reads it.

use anyhow::{Context, Result, anyhow, ensure};
use prost::Message;
use std::collections::HashSet;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::Precompiled;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

const END: &str = "</s>";
const SPECIAL: [&str; 3] = ["<pad>", END, "<unk>"];
/// More pieces than any published model has.
const MOST_PIECES: usize = 1 << 20;

/// What of `sentencepiece_model.proto` decides the tokens of a text.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<Trainer>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<Normalizer>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Trainer {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(int32, optional, tag = "40")]
    unk_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Normalizer {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
}

/// Kinds of pieces that are found whole, wherever they stand: control symbols, and those that a user has defined.
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNIGRAM: i32 = 1;

/// The tokenizer of a SentencePiece model, with so many sentinels (`<extra_id_0>`, …) behind its pieces.
///
/// # Errors
/// When it is no unigram model, or broken.
pub fn tokenizer(bytes: &[u8], sentinels: usize) -> Result<Tokenizer> {
    let model = Model::decode(bytes).context("it is no SentencePiece model")?;
    ensure!((1..=MOST_PIECES).contains(&model.pieces.len()), "it has {} pieces", model.pieces.len());
    let kind = model.trainer.as_ref().and_then(|trainer| trainer.model_type).unwrap_or(UNIGRAM);
    ensure!(kind == UNIGRAM, "it is no unigram model (type {kind})");
    let unknown = model.trainer.as_ref().and_then(|trainer| trainer.unk_id).unwrap_or(0);
    let unknown = usize::try_from(unknown).ok().filter(|id| *id < model.pieces.len()).context("its unknown token is no piece")?;
    let sentinels: Vec<String> = (0..sentinels.min(MOST_PIECES)).map(|number| format!("<extra_id_{number}>")).collect();
    let pieces = model.pieces.iter().map(|piece| (piece.piece.clone().unwrap_or_default(), f64::from(piece.score.unwrap_or_default())));
    let pieces: Vec<_> = pieces.chain(sentinels.iter().rev().map(|sentinel| (sentinel.clone(), 0.0))).collect();
    let end = pieces.iter().position(|(piece, _)| piece == END).with_context(|| format!("it has no {END}"))?;

    let broken = |error: tokenizers::Error| anyhow!("it cannot be used: {error}");
    let mut tokenizer = Tokenizer::new(Unigram::from(pieces, Some(unknown), false).map_err(broken)?);
    if let Some(map) = model.normalizer.and_then(|normalizer| normalizer.precompiled_charsmap).filter(|map| !map.is_empty()) {
        check(&map).context("its table of characters is broken")?;
        tokenizer.with_normalizer(Some(Precompiled::from(&map).map_err(|error| anyhow!("{error}"))?)).map_err(broken)?;
    }
    let words = vec![WhitespaceSplit.into(), Metaspace::new('▁', PrependScheme::Always, true).into()];
    tokenizer.with_pre_tokenizer(Some(Sequence::new(words)));
    let template = TemplateProcessing::builder().try_single(format!("$A {END}")).map_err(|error| anyhow!("{error}"))?.to_owned();
    let template = { template }.special_tokens(vec![(END, end as u32)]).build().map_err(|error| anyhow!("{error}"))?;
    tokenizer.with_post_processor(Some(template));
    let whole =
        model.pieces.iter().filter(|piece| matches!(piece.kind, Some(CONTROL | USER_DEFINED))).filter_map(|piece| piece.piece.clone());
    let whole: Vec<_> =
        SPECIAL.map(str::to_owned).into_iter().chain(whole).chain(sentinels).map(|token| AddedToken::from(token, true)).collect();
    tokenizer.add_special_tokens(whole).map_err(broken)?;
    Ok(tokenizer)
}

/// Whether every place that a text may lead to in a table of characters is there.
///
/// The table is a trie as a double array (Aoe 1989) of 32-bit units, behind its length in bytes and before the texts that
/// characters become, each with a zero behind it. Who looks a text up trusts it.
fn check(map: &[u8]) -> Result<()> {
    let (length, rest) = map.split_first_chunk().context("it is cut off")?;
    let (units, texts) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).context("it is cut off")?;
    let texts = std::str::from_utf8(texts).context("it holds no text")?;
    let units: Vec<usize> = units.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    let offset = |unit: usize| (unit >> 10) << ((unit & (1 << 9)) >> 6);
    let mut open = vec![offset(*units.first().context("it is empty")?)];
    let mut seen: HashSet<usize> = open.iter().copied().collect();
    while let Some(base) = open.pop() {
        ensure!(base | 0xff < units.len(), "it leads beyond its end");
        for byte in 1..=0xff {
            let (at, unit) = (base ^ byte, units[base ^ byte]);
            if unit & (1 << 31 | 0xff) != byte {
                continue;
            }
            let next = at ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let text = units.get(next).context("it leads beyond its end")? & ((1 << 31) - 1);
                ensure!(texts.is_char_boundary(text), "it leads into the middle of a character");
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn bytes() -> Vec<u8> {
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/spiece/tokenizer/spiece.model")).unwrap()
    }

    #[test]
    fn two_thousand_texts_are_cut_as_transformers_cuts_them() {
        let packed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/spiece/strings.json.gz")).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let tokenizer = tokenizer(&bytes(), 100).unwrap();
        let mut wrong = Vec::new();
        for case in &cases {
            let text = case["text"].as_str().unwrap();
            let ids = tokenizer.encode(text, true).unwrap().get_ids().to_vec();
            let theirs: Vec<u32> = case["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
            if ids != theirs {
                wrong.push((text, ids, theirs));
            }
        }
        assert_eq!(cases.len(), 2000);
        assert!(wrong.is_empty(), "{} of them: {:?}", wrong.len(), wrong.first());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_spoiled_model_is_refused_or_cuts_any_text(at in 0..10_000usize, end in 0..2usize, value: u8, text in "\\PC{0,20}") {
            let mut bytes = bytes();
            // The pieces are at its beginning; the table of characters fills the rest.
            let at = if end == 0 { at } else { bytes.len() - 1 - 20 * at };
            bytes[at] = value;
            if let Ok(tokenizer) = tokenizer(&bytes, 100) {
                let _ = tokenizer.encode(text.as_str(), true);
            }
            bytes.truncate(at);
            let _ = tokenizer(&bytes, 100);
        }
    }
}
