//! What the UNet is conditioned on besides the picture: the time, the noise level, the pooled text.

use super::ops::{rounded, through, wide};
use candle_core::{DType, Module, Result, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder, layer_norm, linear, ops::softmax_last_dim};
use candle_transformers::models::stable_diffusion::embeddings::Timesteps;

/// A sinusoid of a timestep through two linear layers: (b) → (b, channels).
#[derive(Debug)]
pub struct TimeEmbedding {
    sinusoid: Timesteps,
    linear_1: Linear,
    linear_2: Linear,
}

impl TimeEmbedding {
    /// `sinusoid` channels in, `channels` out.
    pub fn new(sinusoid: usize, channels: usize, vb: VarBuilder) -> Result<Self> {
        let linear_1 = linear(sinusoid, channels, vb.pp("linear_1"))?;
        let linear_2 = linear(channels, channels, vb.pp("linear_2"))?;
        Ok(TimeEmbedding { sinusoid: Timesteps::new(sinusoid, true, 0.0), linear_1, linear_2 })
    }

    /// The sinusoid is computed in f32 whatever the type of the network.
    pub fn forward(&self, t: &Tensor, dtype: DType) -> Result<Tensor> {
        let wave = self.sinusoid.forward(&wide(t)?)?.to_dtype(dtype)?;
        through(&self.linear_2, &through(&self.linear_1, &wave)?.gelu_erf()?)
    }
}

/// Attention of one class token, the mean of all, to every token, in f32 between the linear layers: (b, n, c) → (b, c).
#[derive(Debug)]
struct AttentionPool {
    heads: usize,
    positional_embedding: Tensor,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
}

impl AttentionPool {
    fn new(heads: usize, channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(AttentionPool {
            heads,
            positional_embedding: vb.to_dtype(DType::F32).get((1, channels), "positional_embedding")?,
            q_proj: linear(channels, channels, vb.pp("q_proj"))?,
            k_proj: linear(channels, channels, vb.pp("k_proj"))?,
            v_proj: linear(channels, channels, vb.pp("v_proj"))?,
        })
    }
}

impl Module for AttentionPool {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (b, n, c) = x.dims3()?;
        let class = rounded(x, |x| x.mean_keepdim(1)?.broadcast_add(&self.positional_embedding))?; // (b, 1, c)
        let x = Tensor::cat(&[&class, x], 1)?; // (b, n + 1, c)
        let heads = |x: Tensor, n: usize| wide(&x)?.reshape((b, n, self.heads, c / self.heads))?.transpose(1, 2)?.contiguous();
        let q = heads(through(&self.q_proj, &class)?, 1)?;
        let k = heads(through(&self.k_proj, &x)?, n + 1)?;
        let v = heads(through(&self.v_proj, &x)?, n + 1)?;
        // Both sides take half of the scale, as the published weights expect in half precision.
        let scale = ((c / self.heads) as f64).powf(-0.25);
        let weights = softmax_last_dim(&(q * scale)?.matmul(&(k * scale)?.transpose(2, 3)?)?)?;
        weights.matmul(&v)?.reshape((b, c))?.to_dtype(x.dtype()) // one query: (b, heads, 1, c / heads)
    }
}

/// The text as one vector beside the time: (b, n, c) → (b, channels).
#[derive(Debug)]
pub struct TextEmbedding {
    norm1: LayerNorm,
    pool: AttentionPool,
    proj: Linear,
    norm2: LayerNorm,
}

impl TextEmbedding {
    /// Text states of `text` channels pooled by `heads` heads into `channels`.
    pub fn new(text: usize, heads: usize, channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(TextEmbedding {
            norm1: layer_norm(text, 1e-5, vb.pp("norm1").to_dtype(DType::F32))?,
            pool: AttentionPool::new(heads, text, vb.pp("pool"))?,
            proj: linear(text, channels, vb.pp("proj"))?,
            norm2: layer_norm(channels, 1e-5, vb.pp("norm2").to_dtype(DType::F32))?,
        })
    }
}

impl Module for TextEmbedding {
    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let pooled = self.pool.forward(&rounded(states, |states| self.norm1.forward(states))?)?;
        rounded(&through(&self.proj, &pooled)?, |text| self.norm2.forward(text))
    }
}
