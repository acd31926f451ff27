//! What reads prompts: the tokenizer and the T5 encoder.

use super::{Folder, Site, networks::load_text_encoder, spiece};
use crate::network::T5Encoder;
use anyhow::{Context, Result, anyhow};
use candle_core::{Device, Tensor};
use tokenizers::{PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};

/// Tokens that a prompt is padded or cut to, as DeepFloyd IF was trained.
pub const TOKENS: usize = 77;

/// A text encoder with its tokenizer.
pub struct Reader {
    tokenizer: Tokenizer,
    encoder: T5Encoder,
    device: Device,
}

impl Reader {
    /// Loads the tokenizer and the text encoder of a folder.
    ///
    /// # Errors
    /// When one is missing, broken, or asks for something that is not built.
    pub fn load<'a>(folder: &Folder, site: impl Into<Site<'a>>) -> Result<Reader> {
        let (tokenizer, site) = (load_tokenizer(folder)?, site.into());
        let device = site.place.device.clone();
        Ok(Reader { tokenizer, encoder: load_text_encoder(folder, "text_encoder", site)?, device })
    }

    /// Token ids and attention mask of a prompt, each (1, [`TOKENS`]).
    ///
    /// # Errors
    /// When the tokenizer cannot take the text.
    pub fn tokens(&self, prompt: &str) -> Result<(Tensor, Tensor)> {
        let encoding = self.tokenizer.encode(clean(prompt), true).map_err(|error| anyhow!("the prompt cannot be read: {error}"))?;
        let row = |numbers: &[u32]| Tensor::from_slice(numbers, (1, TOKENS), &self.device);
        Ok((row(encoding.get_ids())?, row(encoding.get_attention_mask())?))
    }

    /// The states of a prompt, (1, [`TOKENS`], d), in main memory. Each prompt is read alone, so that its numbers do not
    /// depend on its company.
    ///
    /// # Errors
    /// When the tokenizer cannot take the text.
    pub fn read(&self, prompt: &str) -> Result<Tensor> {
        let (ids, mask) = self.tokens(prompt)?;
        Ok(self.encoder.forward(&ids, &mask)?.to_device(&Device::Cpu)?)
    }
}

/// A prompt as the model was trained to see it.
pub(super) fn clean(prompt: &str) -> String {
    prompt.to_lowercase().trim().to_owned()
}

fn load_tokenizer(folder: &Folder) -> Result<Tokenizer> {
    let path = folder.tokenizer();
    let broken = |error| anyhow!("{} is no tokenizer: {error}", folder.title(path));
    let bytes = folder.read(path)?;
    let mut tokenizer = match path.ends_with(".json") {
        true => Tokenizer::from_bytes(bytes).map_err(broken)?,
        false => spiece::tokenizer(&bytes, sentinels(folder)?).with_context(|| folder.title(path))?,
    };
    tokenizer.with_padding(Some(PaddingParams {
        strategy: PaddingStrategy::Fixed(TOKENS),
        pad_id: 0,
        pad_token: "<pad>".into(),
        ..Default::default()
    }));
    tokenizer.with_truncation(Some(TruncationParams { max_length: TOKENS, ..Default::default() })).map_err(broken)?;
    Ok(tokenizer)
}

/// How many sentinels a published tokenizer has behind its pieces.
fn sentinels(folder: &Folder) -> Result<usize> {
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(default = "hundred")]
        extra_ids: usize,
    }
    fn hundred() -> usize {
        100
    }
    let config = "tokenizer/tokenizer_config.json";
    if !folder.has(config) {
        return Ok(hundred());
    }
    Ok(serde_json::from_str::<Config>(&folder.text(config)?).with_context(|| folder.title(config))?.extra_ids)
}
