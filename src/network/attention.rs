//! Attention of pixels to the text and to one another ("added KV"): diffusers' `AttnAddedKVProcessor`.

use super::config::CROSS_NORM_GROUPS;
use candle_core::{Module, Result, Tensor};
use candle_nn::{GroupNorm, Linear, VarBuilder, group_norm, linear, ops::softmax_last_dim};

/// (b, c, h, w) attends to the text (b, n, text channels) and to itself, and adds what it finds.
#[derive(Debug)]
pub struct AddedKvAttention {
    head: usize,
    group_norm: GroupNorm,
    norm_cross: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    add_k_proj: Linear,
    add_v_proj: Linear,
    to_out: Linear,
}

impl AddedKvAttention {
    /// `channels` in heads of `head` channels, with text of `text` channels, normalised in `groups` groups.
    pub fn new(channels: usize, head: usize, (text, groups): (usize, usize), vb: VarBuilder) -> Result<Self> {
        Ok(AddedKvAttention {
            head,
            group_norm: group_norm(groups, channels, 1e-5, vb.pp("group_norm"))?,
            norm_cross: group_norm(CROSS_NORM_GROUPS, text, 1e-5, vb.pp("norm_cross"))?,
            to_q: linear(channels, channels, vb.pp("to_q"))?,
            to_k: linear(channels, channels, vb.pp("to_k"))?,
            to_v: linear(channels, channels, vb.pp("to_v"))?,
            add_k_proj: linear(text, channels, vb.pp("add_k_proj"))?,
            add_v_proj: linear(text, channels, vb.pp("add_v_proj"))?,
            to_out: linear(channels, channels, vb.pp("to_out.0"))?,
        })
    }

    /// x (b, c, h, w), text (b, n, text channels).
    pub fn forward(&self, x: &Tensor, text: &Tensor) -> Result<Tensor> {
        let (b, c, h, w) = x.dims4()?;
        let pixels = self.group_norm.forward(&x.flatten_from(2)?)?.transpose(1, 2)?.contiguous()?; // (b, hw, c)
        let text = self.norm_cross.forward(&text.transpose(1, 2)?.contiguous()?)?.transpose(1, 2)?.contiguous()?;

        let k = Tensor::cat(&[self.add_k_proj.forward(&text)?, self.to_k.forward(&pixels)?], 1)?; // (b, n + hw, c)
        let v = Tensor::cat(&[self.add_v_proj.forward(&text)?, self.to_v.forward(&pixels)?], 1)?;
        let (q, k, v) = (self.heads(&self.to_q.forward(&pixels)?)?, self.heads(&k)?, self.heads(&v)?);

        let scores = (q.matmul(&k.transpose(2, 3)?)? * (self.head as f64).powf(-0.5))?;
        let found = softmax_last_dim(&scores)?.matmul(&v)?; // (b, heads, hw, head)
        let found = self.to_out.forward(&found.transpose(1, 2)?.reshape((b, h * w, c))?)?;
        found.transpose(1, 2)?.reshape((b, c, h, w))? + x
    }

    /// (b, n, c) → (b, heads, n, head)
    fn heads(&self, x: &Tensor) -> Result<Tensor> {
        let (b, n, c) = x.dims3()?;
        x.reshape((b, n, c / self.head, self.head))?.transpose(1, 2)?.contiguous()
    }
}
