//! The T5 encoder's published config.

use super::config::{ConfigError, LARGEST, check_switches, not_built};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The T5 encoder's config, as transformers publishes it.
#[derive(Clone, Debug, Deserialize)]
pub struct T5Config {
    /// Tokens.
    pub vocab_size: usize,
    /// Channels of the states.
    pub d_model: usize,
    /// Channels of one head.
    pub d_kv: usize,
    /// Channels inside the feed-forward layers.
    pub d_ff: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads.
    pub num_heads: usize,
    /// Epsilon of the normalisations.
    #[serde(default = "t5_epsilon")]
    pub layer_norm_epsilon: f64,
    /// Buckets of the relative positions.
    #[serde(default = "buckets")]
    pub relative_attention_num_buckets: usize,
    /// Distance from which on all positions share a bucket.
    #[serde(default = "max_distance")]
    pub relative_attention_max_distance: usize,
}

fn buckets() -> usize {
    32
}
fn t5_epsilon() -> f64 {
    1e-6
}
fn max_distance() -> usize {
    128
}

const T5_SWITCHES: &[(&str, &str, &[&str])] = &[("feed_forward_proj", "relu", &["gated-gelu"]), ("model_type", "t5", &["t5"])];

impl T5Config {
    /// Numbers of the weights that stay f32 when all others are f16.
    pub fn numbers_kept_wide(&self) -> u64 {
        (self.num_layers * self.d_ff * self.d_model) as u64
    }

    /// Reads a published `text_encoder/config.json`.
    ///
    /// # Errors
    /// Where it is no JSON, lacks a size, or asks for something that is not built.
    pub fn from_json(text: &str) -> Result<T5Config, ConfigError> {
        let map: Map<String, Value> = serde_json::from_str(text).map_err(ConfigError::Json)?;
        check_switches(&map, T5_SWITCHES)?;
        let config: T5Config = serde_json::from_value(Value::Object(map)).map_err(ConfigError::Field)?;
        let sizes = [("d_model", config.d_model), ("d_kv", config.d_kv), ("d_ff", config.d_ff), ("num_heads", config.num_heads)];
        if let Some((field, size)) = sizes.into_iter().find(|(_, size)| !(1..=LARGEST).contains(size)) {
            return Err(not_built(field, size, format!("1 to {LARGEST}")));
        }
        if config.relative_attention_num_buckets < 4 || config.relative_attention_max_distance <= config.relative_attention_num_buckets / 4
        {
            return Err(not_built(
                "relative_attention_num_buckets",
                config.relative_attention_num_buckets,
                "32 for distances up to 128, and alike",
            ));
        }
        Ok(config)
    }
}
