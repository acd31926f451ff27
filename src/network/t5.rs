//! The T5 encoder (Raffel et al. 2020, v1.1 with gated GELU), with the attention mask that candle-transformers' lacks.

use super::t5_config::T5Config;
use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::{Embedding, Linear, RmsNorm, VarBuilder, embedding, linear_no_bias, ops::softmax_last_dim, rms_norm};

#[derive(Debug)]
struct Layer {
    attention_norm: RmsNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    feed_forward_norm: RmsNorm,
    wi_0: Linear,
    wi_1: Linear,
    wo: Linear,
}

/// Token ids (b, n) → states (b, n, d_model).
#[derive(Debug)]
pub struct T5Encoder {
    config: T5Config,
    tokens: Embedding,
    relative_attention_bias: Embedding,
    layers: Vec<Layer>,
    final_norm: RmsNorm,
}

impl Layer {
    fn new(config: &T5Config, vb: VarBuilder) -> Result<Self> {
        let (attention, feed_forward) = (vb.pp("layer.0"), vb.pp("layer.1"));
        let inner = config.num_heads * config.d_kv;
        Ok(Layer {
            attention_norm: rms_norm(config.d_model, config.layer_norm_epsilon, attention.pp("layer_norm"))?,
            q: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.q"))?,
            k: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.k"))?,
            v: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.v"))?,
            o: linear_no_bias(inner, config.d_model, attention.pp("SelfAttention.o"))?,
            feed_forward_norm: rms_norm(config.d_model, config.layer_norm_epsilon, feed_forward.pp("layer_norm"))?,
            wi_0: linear_no_bias(config.d_model, config.d_ff, feed_forward.pp("DenseReluDense.wi_0"))?,
            wi_1: linear_no_bias(config.d_model, config.d_ff, feed_forward.pp("DenseReluDense.wi_1"))?,
            wo: linear_no_bias(config.d_ff, config.d_model, feed_forward.pp("DenseReluDense.wo"))?,
        })
    }

    /// x (b, n, d_model); bias (b or 1, heads, n, n) is added to the scores.
    fn forward(&self, x: &Tensor, bias: &Tensor, heads: usize) -> Result<Tensor> {
        let (b, n, _) = x.dims3()?;
        let normed = self.attention_norm.forward(x)?;
        let split = |x: Tensor| x.reshape((b, n, heads, ()))?.transpose(1, 2)?.contiguous();
        let (q, k, v) = (split(self.q.forward(&normed)?)?, split(self.k.forward(&normed)?)?, split(self.v.forward(&normed)?)?);
        // T5 does not scale its scores.
        let weights = softmax_last_dim(&q.matmul(&k.transpose(2, 3)?)?.broadcast_add(bias)?)?;
        let found = weights.matmul(&v)?.transpose(1, 2)?.reshape((b, n, ()))?;
        let x = (x + self.o.forward(&found)?)?;

        let normed = self.feed_forward_norm.forward(&x)?;
        let gate = self.wi_0.forward(&normed)?.gelu()?; // the tanh form, "gelu_new"
        &x + self.wo.forward(&(gate * self.wi_1.forward(&normed)?)?)?
    }
}

impl T5Encoder {
    /// Builds the encoder of a config from its parameters.
    pub fn new(config: T5Config, vb: VarBuilder) -> Result<Self> {
        let encoder = vb.pp("encoder");
        let tokens = if vb.contains_tensor("shared.weight") { vb.pp("shared") } else { encoder.pp("embed_tokens") };
        let bias = encoder.pp("block.0.layer.0.SelfAttention.relative_attention_bias");
        Ok(T5Encoder {
            tokens: embedding(config.vocab_size, config.d_model, tokens)?,
            relative_attention_bias: embedding(config.relative_attention_num_buckets, config.num_heads, bias)?,
            layers: (0..config.num_layers).map(|i| Layer::new(&config, encoder.pp("block").pp(i))).collect::<Result<_>>()?,
            final_norm: rms_norm(config.d_model, config.layer_norm_epsilon, encoder.pp("final_layer_norm"))?,
            config,
        })
    }

    /// The config that it was built from.
    pub fn config(&self) -> &T5Config {
        &self.config
    }

    /// ids (b, n) u32, mask (b, n) with 1 where a token counts; states (b, n, d_model).
    pub fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let mut x = self.tokens.forward(ids)?;
        let bias = self.position_bias(ids.dim(1)?, ids.device())?;
        let bias = bias.broadcast_add(&mask_bias(mask, x.dtype())?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &bias, self.config.num_heads)?;
        }
        self.final_norm.forward(&x)
    }

    /// What each head adds to the score of a pair by its distance, (1, heads, n, n).
    fn position_bias(&self, n: usize, device: &Device) -> Result<Tensor> {
        let pairs = (0..n).flat_map(|query| (0..n).map(move |key| key as i64 - query as i64));
        let buckets: Vec<u32> = pairs.map(|distance| self.bucket(distance)).collect();
        let bias = self.relative_attention_bias.forward(&Tensor::from_vec(buckets, (n, n), device)?)?;
        bias.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()
    }

    /// Half of the buckets for either side; in each, near distances have one of their own and far ones share, evenly on a
    /// logarithmic scale.
    fn bucket(&self, distance: i64) -> u32 {
        let side = self.config.relative_attention_num_buckets as u32 / 2;
        let exact = side / 2;
        let offset = if distance > 0 { side } else { 0 };
        let distance = distance.unsigned_abs() as u32;
        if distance < exact {
            return offset + distance;
        }
        let reach = (self.config.relative_attention_max_distance as f32 / exact as f32).ln();
        let far = (distance as f32 / exact as f32).ln() / reach * (side - exact) as f32;
        offset + (exact + far as u32).min(side - 1)
    }
}

/// 0 where a token counts, the lowest number where it does not: (b, n) → (b, 1, 1, n).
fn mask_bias(mask: &Tensor, dtype: DType) -> Result<Tensor> {
    let lowest = match dtype {
        DType::F16 => f64::from(half::f16::MIN),
        _ => f64::from(f32::MIN),
    };
    let counts = mask.to_dtype(DType::F32)?;
    (counts.affine(-1.0, 1.0)? * lowest)?.to_dtype(dtype)?.unsqueeze(1)?.unsqueeze(1)
}
