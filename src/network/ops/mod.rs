//! Operators of the networks on channels-last tensors: with their gradients for those that are trained, with weights made ready
//! once for those that are not.
//!
//! On a CPU they are computed here, in half precision by way of f32; on an NVIDIA GPU by kernels of our own and cuBLAS (`gpu`).
//! The layers that are trained have candle's operators there.

mod attention;
mod back;
mod buffers;
mod by_candle;
mod conv;
mod floats;
mod frame;
mod gelu;
#[cfg(feature = "cuda")]
mod gpu;
mod group_norm;
mod kernel;
mod lanes;
mod lasting;
mod layer;
mod norm;
mod numbers;
mod panels;
mod pass;
mod plan;
mod product;
mod resize;
mod rounded;
mod tiles;
mod walk;
mod weights;
mod window;
mod winograd;

pub use attention::attend;
pub use buffers::release;
pub use conv::Slide;
pub use group_norm::{After, GroupNorm};
pub use kernel::Kernel;
pub use layer::Layer;
pub use norm::Moments;
pub use numbers::Value;
pub use pass::Pass;
pub use resize::{double, halve};
pub use rounded::{rounded, through, wide};
