//! Operators of the networks, with their gradients, on channels-last tensors.

mod conv;
mod gelu;
mod norm;
mod product;
mod window;

pub use conv::{Slide, conv_transpose2d, conv2d};
pub use norm::{Moments, norm_gelu, norm_gelu_with};
