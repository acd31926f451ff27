//! Attention of pixels to the text and to one another ("added KV"): diffusers' `AttnAddedKVProcessor`, channels-last.

use super::config::CROSS_NORM_GROUPS;
use super::ops::{After, GroupNorm, Kernel, attend};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

/// (b, h, w, c) attends to the text and to itself, and adds what it finds.
#[derive(Debug)]
pub struct AddedKvAttention {
    head: usize,
    group_norm: GroupNorm,
    norm_cross: GroupNorm,
    /// Queries, keys and values of the pixels, one beside the other.
    to_qkv: Kernel,
    /// Keys and values of the text.
    add_kv_proj: Kernel,
    to_out: Kernel,
}

impl AddedKvAttention {
    /// `channels` in heads of `head` channels, with text of `text` channels, normalised in `groups` groups.
    pub fn new(channels: usize, head: usize, (text, groups): (usize, usize), vb: VarBuilder) -> Result<Self> {
        Ok(AddedKvAttention {
            head,
            group_norm: GroupNorm::new(groups, channels, 1e-5, vb.pp("group_norm"))?,
            norm_cross: GroupNorm::new(CROSS_NORM_GROUPS, text, 1e-5, vb.pp("norm_cross"))?,
            to_qkv: beside(&["to_q", "to_k", "to_v"], (channels, channels), &vb)?,
            add_kv_proj: beside(&["add_k_proj", "add_v_proj"], (text, channels), &vb)?,
            to_out: Kernel::linear((channels, channels), vb.pp("to_out.0"))?,
        })
    }

    /// Keys and values of text (b, n, text channels), (b, n, 2 c): the same for every picture under the same text.
    pub fn read(&self, text: &Tensor) -> Result<Tensor> {
        self.add_kv_proj.forward(&self.norm_cross.forward(text, After::default())?, None)
    }

    /// x (b, h, w, c), text as it was [`read`](AddedKvAttention::read).
    pub fn forward(&self, x: &Tensor, text: &Tensor) -> Result<Tensor> {
        let pixels = self.group_norm.forward(x, After::default())?.flatten(1, 2)?; // (b, hw, c)
        let found = attend(&self.to_qkv.forward(&pixels, None)?, text, self.head)?;
        self.to_out.forward(&found.reshape(x.shape())?, Some(x))
    }
}

/// Several linear layers of the same input as one.
fn beside(names: &[&str], (from, to): (usize, usize), vb: &VarBuilder) -> Result<Kernel> {
    let weights: Vec<Tensor> = names.iter().map(|name| vb.pp(name).get((to, from), "weight")).collect::<Result<_>>()?;
    let biases: Vec<Tensor> = names.iter().map(|name| vb.pp(name).get(to, "bias")).collect::<Result<_>>()?;
    Kernel::new(&Tensor::cat(&weights, 0)?, &Tensor::cat(&biases, 0)?, 1)
}
