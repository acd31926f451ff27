//! Neural networks in candle-nn's style: configs as they are published, parameter names as they are stored.

mod attention;
mod config;
pub mod course;
mod embedding;
pub mod ops;
mod resnet;
mod t5;
mod t5_config;
mod unet;

pub use config::{ConfigError, UnetConfig};
pub use t5::T5Encoder;
pub use t5_config::T5Config;
pub use unet::{Conditioning, Prompts, Unet};
