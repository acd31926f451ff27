//! A whole loaded model: from prompts to predictions.

use super::{Folder, SchedulerConfig, spiece};
use crate::diffusion::{Prediction, Process, Schedule, guide};
use crate::network::{Conditioning, Prompts, T5Config, T5Encoder, Unet, UnetConfig};
use anyhow::{Context, Result, anyhow, ensure};
use candle_core::{DType, Device, Tensor};
use tokenizers::{PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};

/// Tokens that a prompt is padded or cut to, as DeepFloyd IF was trained.
pub const TOKENS: usize = 77;

/// Pixels are red, green and blue.
pub const CHANNELS: usize = 3;

/// Prompts as a model takes them.
#[derive(Clone, Debug)]
pub struct Text {
    /// The text encoder's states, (b, [`TOKENS`], d).
    pub states: Tensor,
    /// What the UNet makes of them, once for all steps.
    prompts: Prompts,
}

impl Text {
    /// One of the prompts.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn one(&self, prompt: usize) -> candle_core::Result<Text> {
        Ok(Text { states: self.states.narrow(0, prompt, 1)?, prompts: self.prompts.one(prompt)? })
    }
}

/// A text-to-image model, ready to predict.
pub struct Pipeline {
    /// What it is called.
    pub name: String,
    /// SHA-256 of what it was loaded from.
    pub hash: String,
    /// What it was trained to undo.
    pub process: Process,
    /// Where it computes.
    pub device: Device,
    learned_variance: bool,
    tokenizer: Tokenizer,
    text_encoder: T5Encoder,
    unet: Unet,
    /// How much noise a noise level is, in a model that enlarges.
    augmentation: Option<Schedule>,
}

impl Pipeline {
    /// Loads a model folder.
    ///
    /// # Errors
    /// When a part is missing, broken, or asks for something that is not built; the part is named.
    pub fn load(folder: &Folder) -> Result<Pipeline> {
        let index = folder.text("model_index.json")?;
        serde_json::from_str::<serde_json::Value>(&index).with_context(|| format!("{} is no JSON", folder.title("model_index.json")))?;
        let model = Pipeline::assemble(folder, folder)?;
        let config = model.unet.config();
        let stage_one = model.augmentation.is_none();
        ensure!(
            stage_one,
            "{}: config.json is of stage II (in_channels {}), which enlarges pictures; name a stage I model",
            folder.title("unet"),
            config.in_channels
        );
        Ok(model)
    }

    /// Loads a stage II folder; where it has no text encoder of its own, that of `text` reads the prompts.
    ///
    /// # Errors
    /// As for [`load`](Pipeline::load), and when the folder is of stage I.
    pub fn load_stage_two(folder: &Folder, text: &Folder) -> Result<Pipeline> {
        let own = folder.has("text_encoder/config.json") && folder.has(folder.tokenizer());
        let model = Pipeline::assemble(folder, if own { folder } else { text })?;
        let stage_two = model.augmentation.is_some();
        ensure!(stage_two, "{}: config.json is of stage I; name a stage II model, such as IF-II-L-v1.0", folder.title("unet"));
        Ok(model)
    }

    /// Puts a model together from a folder, and the folder whose text encoder reads the prompts.
    fn assemble(folder: &Folder, text: &Folder) -> Result<Pipeline> {
        let scheduler =
            SchedulerConfig::from_json(&folder.text("scheduler/scheduler_config.json")?).with_context(|| folder.title("scheduler"))?;
        let (text_encoder, unet) = (load_text_encoder(text, "text_encoder")?, load_unet(folder, "unet")?);
        check_fit(unet.config(), &text_encoder, &scheduler).with_context(|| folder.title("unet"))?;
        let augmentation = unet.config().class_embed_type.is_some().then(|| augmentation(folder, &scheduler)).transpose()?;
        Ok(Pipeline {
            name: folder.name(),
            hash: if text == folder { folder.hash()? } else { folder.hash_with(text)? },
            process: scheduler.process(),
            learned_variance: scheduler.learned_variance(),
            device: Device::Cpu,
            tokenizer: load_tokenizer(text)?,
            text_encoder,
            unet,
            augmentation,
        })
    }

    /// Width and height of its pictures, in pixels.
    pub fn size(&self) -> usize {
        self.unet.config().sample_size
    }

    /// Token ids and attention mask of prompts, each (b, [`TOKENS`]).
    ///
    /// # Errors
    /// When the tokenizer cannot take the text.
    pub fn tokens(&self, prompts: &[&str]) -> Result<(Tensor, Tensor)> {
        let clean = prompts.iter().map(|prompt| prompt.to_lowercase().trim().to_owned());
        let encodings =
            self.tokenizer.encode_batch(clean.collect::<Vec<_>>(), true).map_err(|error| anyhow!("the prompt cannot be read: {error}"))?;
        let shape = (prompts.len(), TOKENS);
        let ids: Vec<u32> = encodings.iter().flat_map(|encoding| encoding.get_ids().to_vec()).collect();
        let mask: Vec<u32> = encodings.iter().flat_map(|encoding| encoding.get_attention_mask().to_vec()).collect();
        Ok((Tensor::from_vec(ids, shape, &self.device)?, Tensor::from_vec(mask, shape, &self.device)?))
    }

    /// Prompts, read.
    ///
    /// # Errors
    /// When the tokenizer cannot take the text.
    pub fn encode(&self, prompts: &[&str]) -> Result<Text> {
        let (ids, mask) = self.tokens(prompts)?;
        let states = self.text_encoder.forward(&ids, &mask)?;
        Ok(Text { prompts: self.unet.read(&states)?, states })
    }

    /// How much noise a noise level is, in a model that enlarges.
    pub fn augmentation(&self) -> Option<&Schedule> {
        self.augmentation.as_ref()
    }

    /// The same, with the small picture's noise level for a model that enlarges.
    pub fn at_noise_level(&self, noise_level: usize) -> At<'_> {
        At { model: self, noise_level: Some(noise_level) }
    }

    /// The noise that the model sees in x (b, 3, h, w) at timestep t, under one prompt.
    pub fn predict(&self, x: &Tensor, t: usize, text: &Text) -> candle_core::Result<Prediction> {
        At { model: self, noise_level: None }.predict(x, t, text)
    }

    /// The guided prediction; `text` is the null prompt and the prompt. Without a pull only one half is computed.
    pub fn predict_guided(&self, x: &Tensor, t: usize, text: &Text, gamma: f64) -> candle_core::Result<Prediction> {
        At { model: self, noise_level: None }.predict_guided(x, t, text, gamma)
    }
}

/// A model at one noise level of the small picture, which a model that does not enlarge has none of.
#[derive(Clone, Copy)]
pub struct At<'a> {
    model: &'a Pipeline,
    noise_level: Option<usize>,
}

impl At<'_> {
    /// As [`Pipeline::predict`]; in a model that enlarges, x (b, 6, h, w) holds the enlarged picture behind the noisy one.
    pub fn predict(&self, x: &Tensor, t: usize, text: &Text) -> candle_core::Result<Prediction> {
        let (b, model) = (x.dim(0)?, self.model);
        let times = Tensor::full(t as f32, b, &model.device)?;
        let noise_level = self.noise_level.map(|level| Tensor::full(level as f32, b, &model.device)).transpose()?;
        let conditioning = Conditioning { t: &times, prompts: &text.prompts, noise_level: noise_level.as_ref() };
        let mut prediction = Prediction::split(&model.unet.forward(x, conditioning)?, CHANNELS)?;
        if !model.learned_variance {
            prediction.variance = None;
        }
        Ok(prediction)
    }

    /// As [`Pipeline::predict_guided`], of x as in [`predict`](At::predict).
    pub fn predict_guided(&self, x: &Tensor, t: usize, text: &Text, gamma: f64) -> candle_core::Result<Prediction> {
        if gamma == 0.0 || gamma == 1.0 {
            return self.predict(x, t, &text.one(gamma as usize)?);
        }
        let b = x.dim(0)?;
        let both = self.predict(&Tensor::cat(&[x, x], 0)?, t, text)?;
        let [unconditional, conditional] = [0, b].map(|from| -> candle_core::Result<Prediction> {
            let variance = both.variance.as_ref().map(|variance| variance.narrow(0, from, b)).transpose()?;
            Ok(Prediction { noise: both.noise.narrow(0, from, b)?, variance, halves: None })
        });
        guide(&unconditional?, &conditional?, gamma)
    }
}

/// Whether the parts of a model belong together.
fn check_fit(unet: &UnetConfig, text_encoder: &T5Encoder, scheduler: &SchedulerConfig) -> Result<()> {
    let (wanted, given) = (unet.encoder_hid_dim, text_encoder.config().d_model);
    ensure!(
        wanted == given,
        "config.json asks for text states of encoder_hid_dim {wanted}, but the text encoder's d_model is {given}; name one that fits"
    );
    let stages = [(CHANNELS, false), (2 * CHANNELS, true)];
    let stage = (unet.in_channels, unet.class_embed_type.is_some());
    ensure!(
        stages.contains(&stage),
        "config.json is of neither stage: in_channels {}, class_embed_type {:?}",
        stage.0,
        unet.class_embed_type
    );
    let variance = !scheduler.learned_variance() || unet.out_channels == 2 * CHANNELS;
    ensure!(variance, "the scheduler's variance_type 'learned_range' needs out_channels {}, not {}", 2 * CHANNELS, unet.out_channels);
    Ok(())
}

/// How the small picture was drowned in training: as a scheduler of its own says, or as the model's.
fn augmentation(folder: &Folder, scheduler: &SchedulerConfig) -> Result<Schedule> {
    const OWN: &str = "image_noising_scheduler/scheduler_config.json";
    match folder.has(OWN) {
        true => {
            Ok(SchedulerConfig::from_json(&folder.text(OWN)?).with_context(|| folder.title("image_noising_scheduler"))?.process().schedule)
        }
        false => Ok(scheduler.process().schedule),
    }
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

/// The UNet in `part` of a folder; an empty part is the folder itself.
pub(super) fn load_unet(folder: &Folder, part: &str) -> Result<Unet> {
    let config = UnetConfig::from_json(&folder.text(&within(part, "config.json"))?).with_context(|| folder.title(part))?;
    Unet::new(config, folder.weights(part, "diffusion_pytorch_model", DType::F32)?).with_context(|| folder.title(part))
}

/// The T5 encoder in `part` of a folder; an empty part is the folder itself.
pub(super) fn load_text_encoder(folder: &Folder, part: &str) -> Result<T5Encoder> {
    let config = T5Config::from_json(&folder.text(&within(part, "config.json"))?).with_context(|| folder.title(part))?;
    T5Encoder::new(config, folder.weights(part, "model", DType::F32)?).with_context(|| folder.title(part))
}

fn within(part: &str, file: &str) -> String {
    if part.is_empty() { file.to_owned() } else { format!("{part}/{file}") }
}
