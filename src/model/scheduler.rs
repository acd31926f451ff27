//! `scheduler_config.json`: which process a model was trained to undo.

use crate::diffusion::{Clip, Process, Schedule};
use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The fields of diffusers' `DDPMScheduler` and `DDIMScheduler` that change what is computed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    #[serde(rename = "_class_name")]
    class_name: String,
    beta_schedule: String,
    beta_start: f64,
    beta_end: f64,
    /// Timesteps of the training.
    pub num_train_timesteps: usize,
    clip_sample: bool,
    clip_sample_range: f64,
    thresholding: bool,
    dynamic_thresholding_ratio: f64,
    sample_max_value: f64,
    prediction_type: String,
    variance_type: String,
    trained_betas: Option<Vec<f64>>,
    rescale_betas_zero_snr: bool,
    steps_offset: usize,
    set_alpha_to_one: bool,
}

/// diffusers' own defaults.
impl Default for SchedulerConfig {
    fn default() -> Self {
        SchedulerConfig {
            class_name: "DDPMScheduler".into(),
            beta_schedule: "linear".into(),
            beta_start: 1e-4,
            beta_end: 0.02,
            num_train_timesteps: 1000,
            clip_sample: true,
            clip_sample_range: 1.0,
            thresholding: false,
            dynamic_thresholding_ratio: 0.995,
            sample_max_value: 1.0,
            prediction_type: "epsilon".into(),
            variance_type: "fixed_small".into(),
            trained_betas: None,
            rescale_betas_zero_snr: false,
            steps_offset: 0,
            set_alpha_to_one: true,
        }
    }
}

impl SchedulerConfig {
    /// Reads the config and refuses what is not built.
    ///
    /// # Errors
    /// Where it is no JSON, or asks for something that is not built; the field is named.
    pub fn from_json(text: &str) -> Result<SchedulerConfig> {
        let config: SchedulerConfig = serde_json::from_str(text).context("scheduler_config.json is no JSON of a scheduler")?;
        let switches: [(&str, String, &[&str]); 7] = [
            ("_class_name", config.class_name.clone(), &["DDPMScheduler", "DDIMScheduler"]),
            ("beta_schedule", config.beta_schedule.clone(), &["squaredcos_cap_v2", "linear"]),
            ("prediction_type", config.prediction_type.clone(), &["epsilon"]),
            ("variance_type", config.variance_type.clone(), &["learned_range", "fixed_small"]),
            ("rescale_betas_zero_snr", config.rescale_betas_zero_snr.to_string(), &["false"]),
            ("steps_offset", config.steps_offset.to_string(), &["0"]),
            ("set_alpha_to_one", config.set_alpha_to_one.to_string(), &["true"]),
        ];
        for (field, value, built) in switches {
            if !built.contains(&value.as_str()) {
                bail!("scheduler_config.json asks for {field} '{value}', which darkroom does not build; it builds {}", built.join(" and "));
            }
        }
        if config.trained_betas.is_some() {
            bail!("scheduler_config.json asks for trained_betas, which darkroom does not build; it builds the named schedules");
        }
        let betas = 0.0 < config.beta_start && config.beta_start <= config.beta_end && config.beta_end < 1.0;
        if !betas {
            bail!("scheduler_config.json asks for betas from {} to {}; they rise between 0 and 1", config.beta_start, config.beta_end);
        }
        let clips =
            (0.0..=1.0).contains(&config.dynamic_thresholding_ratio) && config.sample_max_value > 0.0 && config.clip_sample_range > 0.0;
        if !clips {
            bail!("scheduler_config.json asks for a clip range or threshold that is not above 0, or a ratio beyond 0 to 1");
        }
        if !(1..=1_000_000).contains(&config.num_train_timesteps) {
            bail!("scheduler_config.json asks for num_train_timesteps {}; darkroom builds 1 to 1000000", config.num_train_timesteps);
        }
        Ok(config)
    }

    /// Whether it is DDIM's.
    pub fn is_ddim(&self) -> bool {
        self.class_name == "DDIMScheduler"
    }

    /// Whether the model's second half of channels is a variance.
    pub fn learned_variance(&self) -> bool {
        self.variance_type == "learned_range"
    }

    /// The process that it describes.
    pub fn process(&self) -> Process {
        let schedule = match self.beta_schedule.as_str() {
            "squaredcos_cap_v2" => Schedule::squaredcos_cap_v2(self.num_train_timesteps),
            _ => Schedule::linear(self.num_train_timesteps, self.beta_start, self.beta_end),
        };
        let clip = match (self.thresholding, self.clip_sample) {
            (true, _) => Clip::Dynamic { ratio: self.dynamic_thresholding_ratio, max: self.sample_max_value },
            (false, true) => Clip::Range(self.clip_sample_range),
            (false, false) => Clip::None,
        };
        Process { schedule, clip }
    }
}
