//! The published config files, read strictly: what is asked for and not built here is refused by its name.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why a config cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text is no JSON object.
    #[error("config.json is no JSON: {0}")]
    Json(serde_json::Error),
    /// A field is missing or has another type.
    #[error("config.json: {0}")]
    Field(serde_json::Error),
    /// A field asks for something that darkroom does not build.
    #[error("config.json asks for {field} {value}, which darkroom does not build; it builds {built}")]
    NotBuilt {
        /// The field.
        field: String,
        /// What it asks for.
        value: String,
        /// What would be right.
        built: String,
    },
}

/// A number for all blocks or one for each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum PerBlock {
    /// The same for all.
    All(usize),
    /// One a block, from the outermost.
    Each(Vec<usize>),
}

impl PerBlock {
    /// The number for block `i`.
    pub fn at(&self, i: usize) -> usize {
        match self {
            PerBlock::All(n) => *n,
            PerBlock::Each(list) => list.get(i).copied().unwrap_or(0),
        }
    }

    fn fits(&self, blocks: usize) -> bool {
        match self {
            PerBlock::All(n) => (1..=LARGEST).contains(n),
            PerBlock::Each(list) => list.len() == blocks && list.iter().all(|n| (1..=LARGEST).contains(n)),
        }
    }
}

/// DeepFloyd's UNet: the fields of diffusers' `UNet2DConditionModel` that vary between the published stages.
#[derive(Clone, Debug, Deserialize)]
pub struct UnetConfig {
    /// Width and height that it was trained at, in pixels.
    pub sample_size: usize,
    /// 3; or 6 in stage II: the picture beside the enlarged smaller one.
    pub in_channels: usize,
    /// Noise, or noise and variance.
    pub out_channels: usize,
    /// Channels of each level, from the outermost.
    pub block_out_channels: Vec<usize>,
    /// Resnets a block (one more on the way up).
    pub layers_per_block: PerBlock,
    /// The kind of each block on the way down.
    pub down_block_types: Vec<String>,
    /// The kind of each block on the way up.
    pub up_block_types: Vec<String>,
    /// Channels of the text states inside the UNet.
    pub cross_attention_dim: usize,
    /// Channels of the text encoder's states.
    pub encoder_hid_dim: usize,
    /// Channels of one attention head.
    pub attention_head_dim: PerBlock,
    /// Heads of the text pooling.
    #[serde(default = "pool_heads")]
    pub addition_embed_type_num_heads: usize,
    /// `timestep` in stage II, which is told how noisy its enlarged input is.
    #[serde(default)]
    pub class_embed_type: Option<String>,
    /// Groups of every normalisation.
    #[serde(default = "groups")]
    pub norm_num_groups: usize,
    /// Epsilon of the resnets' normalisations.
    #[serde(default = "epsilon")]
    pub norm_eps: f64,
    /// Channels of the time embedding; four times the outermost block's where it is not given.
    #[serde(default)]
    pub time_embedding_dim: Option<usize>,
    /// An activation on the summed embedding, once for all resnets.
    #[serde(default)]
    pub time_embedding_act_fn: Option<String>,
    /// Whether resnets leave out their own activation of the embedding.
    #[serde(default)]
    pub resnet_skip_time_act: bool,
    /// What a resnet's sum is divided by.
    #[serde(default = "one")]
    pub resnet_out_scale_factor: f64,
    /// The same in the middle block.
    #[serde(default = "one")]
    pub mid_block_scale_factor: f64,
}

fn groups() -> usize {
    32
}
fn pool_heads() -> usize {
    64
}
fn epsilon() -> f64 {
    1e-5
}
fn one() -> f64 {
    1.0
}

/// Every switch that changes what is computed, with the values that are built. A field that is absent has diffusers'
/// default, which must be among them; `null` is written "null".
const UNET_SWITCHES: &[(&str, &str, &[&str])] = &[
    ("act_fn", "silu", &["gelu"]),
    ("addition_embed_type", "null", &["text"]),
    ("attention_type", "default", &["default"]),
    ("center_input_sample", "false", &["false"]),
    ("class_embed_type", "null", &["null", "timestep"]),
    ("class_embeddings_concat", "false", &["false"]),
    ("conv_in_kernel", "3", &["3"]),
    ("conv_out_kernel", "3", &["3"]),
    ("cross_attention_norm", "null", &["group_norm"]),
    ("dropout", "0", &["0"]),
    ("dual_cross_attention", "false", &["false"]),
    ("encoder_hid_dim_type", "null", &["text_proj"]),
    ("flip_sin_to_cos", "true", &["true"]),
    ("freq_shift", "0", &["0"]),
    ("mid_block_only_cross_attention", "null", &["null", "false"]),
    ("mid_block_type", "UNetMidBlock2DCrossAttn", &["UNetMidBlock2DSimpleCrossAttn"]),
    ("num_attention_heads", "null", &["null"]),
    ("num_class_embeds", "null", &["null"]),
    ("only_cross_attention", "false", &["false"]),
    ("resnet_time_scale_shift", "default", &["scale_shift"]),
    ("time_cond_proj_dim", "null", &["null"]),
    ("time_embedding_act_fn", "null", &["null", "gelu"]),
    ("time_embedding_type", "positional", &["positional"]),
    ("timestep_post_act", "null", &["null"]),
    ("upcast_attention", "false", &["false", "true"]),
    ("use_linear_projection", "false", &["false"]),
];

/// The kinds of blocks that attend to the text.
pub(super) const ATTENDING_DOWN: &str = "SimpleCrossAttnDownBlock2D";
pub(super) const ATTENDING_UP: &str = "SimpleCrossAttnUpBlock2D";
const DOWN_BLOCKS: &[&str] = &["ResnetDownsampleBlock2D", ATTENDING_DOWN];
const UP_BLOCKS: &[&str] = &["ResnetUpsampleBlock2D", ATTENDING_UP];

/// Groups of the text's normalisation, which no config names.
pub(super) const CROSS_NORM_GROUPS: usize = 32;

/// More channels, heads or layers than this are no network but a mistake.
pub(super) const LARGEST: usize = 1 << 16;

impl UnetConfig {
    /// Reads a published `unet/config.json`.
    ///
    /// # Errors
    /// Where it is no JSON, lacks a size, or asks for something that is not built.
    pub fn from_json(text: &str) -> Result<UnetConfig, ConfigError> {
        let map: Map<String, Value> = serde_json::from_str(text).map_err(ConfigError::Json)?;
        check_switches(&map, UNET_SWITCHES)?;
        let config: UnetConfig = serde_json::from_value(Value::Object(map)).map_err(ConfigError::Field)?;
        config.check_sizes()?;
        Ok(config)
    }

    fn check_sizes(&self) -> Result<(), ConfigError> {
        let blocks = self.block_out_channels.len();
        if !(1..=8).contains(&blocks) {
            return Err(not_built("block_out_channels", format!("with {blocks} blocks"), "1 to 8"));
        }
        for (field, types, known) in
            [("down_block_types", &self.down_block_types, DOWN_BLOCKS), ("up_block_types", &self.up_block_types, UP_BLOCKS)]
        {
            if let Some(other) = types.iter().find(|kind| !known.contains(&kind.as_str())) {
                return Err(not_built(field, other, known.join(" and ")));
            }
            if types.len() != blocks {
                return Err(not_built(
                    field,
                    format!("with {} blocks", types.len()),
                    format!("as many as block_out_channels has, {blocks}"),
                ));
            }
        }
        for (field, list) in [("layers_per_block", &self.layers_per_block), ("attention_head_dim", &self.attention_head_dim)] {
            if !list.fits(blocks) {
                return Err(not_built(field, format!("{list:?}"), format!("a number from 1 to {LARGEST}, or {blocks} of them")));
            }
        }
        let halvings = 1 << (blocks - 1);
        if !(1..=4096).contains(&self.sample_size) || !self.sample_size.is_multiple_of(halvings) {
            return Err(not_built("sample_size", self.sample_size, format!("multiples of {halvings} up to 4096")));
        }
        if self.out_channels != 3 && self.out_channels != 6 {
            return Err(not_built("out_channels", self.out_channels, "3 (noise) and 6 (noise and variance)"));
        }
        if self.in_channels != 3 && self.in_channels != 6 {
            return Err(not_built("in_channels", self.in_channels, "3 (stage I) and 6 (stage II)"));
        }
        self.check_channels()
    }

    /// Whether all channels can be cut into their groups and heads.
    fn check_channels(&self) -> Result<(), ConfigError> {
        let multiple =
            |field: &str, channels: usize, of: usize| match of > 0 && (1..=LARGEST).contains(&channels) && channels.is_multiple_of(of) {
                true => Ok(()),
                false => Err(not_built(field, channels, format!("multiples of {of} up to {LARGEST}"))),
            };
        for channels in &self.block_out_channels {
            multiple("block_out_channels", *channels, self.norm_num_groups)?;
        }
        multiple("cross_attention_dim", self.cross_attention_dim, CROSS_NORM_GROUPS)?;
        multiple("encoder_hid_dim", self.encoder_hid_dim, self.addition_embed_type_num_heads)?;
        multiple("time_embedding_dim", self.time_channels(), 1)?;
        let last = self.block_out_channels.len() - 1;
        let down = (0..=last).filter(|i| self.down_block_types[*i] == ATTENDING_DOWN).map(|i| (i, i));
        let up = (0..=last).filter(|i| self.up_block_types[*i] == ATTENDING_UP).map(|i| (last - i, i));
        for (level, block) in down.chain(up).chain([(last, last)]) {
            let (channels, head) = (self.block_out_channels[level], self.attention_head_dim.at(block));
            if !channels.is_multiple_of(head) {
                return Err(not_built("attention_head_dim", head, format!("a divisor of its block's channels, {channels}")));
            }
        }
        Ok(())
    }

    /// Numbers that are alive at once for one picture, about: what the way up takes from the way down, and the widest
    /// convolution's windows.
    pub fn numbers_at_work(&self) -> u64 {
        let channels = &self.block_out_channels;
        let pixels = |level: usize| ((self.sample_size >> level) as u64).pow(2);
        let kept = |level: usize| (self.layers_per_block.at(level) as u64 + 1) * channels[level] as u64 * pixels(level);
        let below = |level: usize| channels.get(level + 1).unwrap_or(&channels[level]);
        let windows = |level: usize| 9 * (channels[level] + below(level)) as u64 * pixels(level);
        let levels = 0..channels.len();
        levels.clone().map(kept).sum::<u64>() + levels.map(windows).max().unwrap_or(0)
    }

    /// Channels of the time embedding.
    pub fn time_channels(&self) -> usize {
        self.time_embedding_dim.unwrap_or(4 * self.block_out_channels.first().copied().unwrap_or(0))
    }
}

pub(super) fn not_built(field: &str, value: impl ToString, built: impl ToString) -> ConfigError {
    ConfigError::NotBuilt { field: field.to_owned(), value: value.to_string(), built: built.to_string() }
}

pub(super) fn check_switches(map: &Map<String, Value>, switches: &[(&str, &str, &[&str])]) -> Result<(), ConfigError> {
    for (field, default, built) in switches {
        let value = match map.get(*field) {
            None => (*default).to_owned(),
            Some(Value::String(text)) => text.clone(),
            // 0 and 0.0 ask for the same.
            Some(Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
            Some(other) => other.to_string(),
        };
        if !built.contains(&value.as_str()) {
            let shown = format!("'{value}'");
            return Err(not_built(field, shown, built.join(" and ")));
        }
    }
    Ok(())
}
