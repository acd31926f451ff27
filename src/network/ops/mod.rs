//! Operators of the networks, with their gradients, on channels-last tensors.
//!
//! On a CPU they are computed here; on other devices the same names are candle's operators.

mod back;
mod buffers;
mod chain;
mod conv;
mod conv_norm;
mod frame;
mod gelu;
mod lanes;
mod norm;
mod plan;
mod product;
mod tiles;
mod weights;
mod window;
mod winograd;

pub use buffers::release;
pub use conv::{Slide, conv_transpose2d, conv2d};
pub use conv_norm::{Layer, conv_norm_gelu};
pub use norm::Moments;
