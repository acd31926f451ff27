//! The T5 encoder (Raffel et al. 2020, v1.1 with gated GELU), with the attention mask that candle-transformers' lacks.
//!
//! In half precision its linear layers are; the sum that runs through all layers, the normalisations and the attention are in
//! f32. So is, in f16, the last linear layer of each feed-forward, whose results f16 cannot hold: transformers keeps its weight
//! in f32 too.

use super::ops::{through, wide};
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
        let norm = |vb: VarBuilder| rms_norm(config.d_model, config.layer_norm_epsilon, vb.pp("layer_norm").to_dtype(DType::F32));
        let last = if vb.dtype() == DType::F16 { DType::F32 } else { vb.dtype() };
        Ok(Layer {
            attention_norm: norm(attention.clone())?,
            q: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.q"))?,
            k: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.k"))?,
            v: linear_no_bias(config.d_model, inner, attention.pp("SelfAttention.v"))?,
            o: linear_no_bias(inner, config.d_model, attention.pp("SelfAttention.o"))?,
            feed_forward_norm: norm(feed_forward.clone())?,
            wi_0: linear_no_bias(config.d_model, config.d_ff, feed_forward.pp("DenseReluDense.wi_0"))?,
            wi_1: linear_no_bias(config.d_model, config.d_ff, feed_forward.pp("DenseReluDense.wi_1"))?,
            wo: linear_no_bias(config.d_ff, config.d_model, feed_forward.pp("DenseReluDense.wo").to_dtype(last))?,
        })
    }

    /// x (b, n, d_model) and the bias (b or 1, heads, n, n) that is added to the scores, both in f32.
    fn forward(&self, x: &Tensor, bias: &Tensor, heads: usize) -> Result<Tensor> {
        let (b, n, _) = x.dims3()?;
        let dtype = self.q.weight().dtype();
        let normed = self.attention_norm.forward(x)?.to_dtype(dtype)?;
        let split = |layer: &Linear| wide(&through(layer, &normed)?)?.reshape((b, n, heads, ()))?.transpose(1, 2)?.contiguous();
        let (q, k, v) = (split(&self.q)?, split(&self.k)?, split(&self.v)?);
        // T5 does not scale its scores.
        let weights = softmax_last_dim(&q.matmul(&k.transpose(2, 3)?)?.broadcast_add(bias)?)?;
        let found = weights.matmul(&v)?.transpose(1, 2)?.reshape((b, n, ()))?.to_dtype(dtype)?;
        let x = (x + wide(&held(through(&self.o, &found)?)?)?)?;

        let normed = self.feed_forward_norm.forward(&x)?.to_dtype(dtype)?;
        let gate = wide(&through(&self.wi_0, &normed)?)?.gelu()?; // the tanh form, "gelu_new"
        let inner = (gate * wide(&through(&self.wi_1, &normed)?)?)?.to_dtype(self.wo.weight().dtype())?;
        &x + wide(&through(&self.wo, &inner)?)?
    }
}

/// What f16 cannot hold as the largest number that it can, as transformers has it.
fn held(x: Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F16 => x.clamp(half::f16::MIN, half::f16::MAX),
        _ => Ok(x),
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
            final_norm: rms_norm(config.d_model, config.layer_norm_epsilon, encoder.pp("final_layer_norm").to_dtype(DType::F32))?,
            config,
        })
    }

    /// The config that it was built from.
    pub fn config(&self) -> &T5Config {
        &self.config
    }

    /// ids (b, n) u32, mask (b, n) with 1 where a token counts; states (b, n, d_model) in f32, on the encoder's device.
    pub fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let device = self.tokens.embeddings().device();
        let mut x = wide(&self.tokens.forward(&ids.to_device(device)?)?)?;
        let bias = wide(&self.position_bias(ids.dim(1)?, device)?)?;
        let bias = bias.broadcast_add(&mask_bias(&mask.to_device(device)?)?)?;
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
fn mask_bias(mask: &Tensor) -> Result<Tensor> {
    (wide(mask)?.affine(-1.0, 1.0)? * f64::from(f32::MIN))?.unsqueeze(1)?.unsqueeze(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const CONFIG: &str = r#"{"feed_forward_proj": "gated-gelu", "model_type": "t5", "vocab_size": 4, "d_model": 8, "d_kv": 4, "d_ff": 16,
        "num_layers": 2, "num_heads": 2}"#;

    /// An encoder whose parameters are all the same number.
    fn constant(number: f32, dtype: DType) -> T5Encoder {
        let mut parameters = vec![("shared".to_owned(), vec![4, 8]), ("encoder.final_layer_norm".to_owned(), vec![8])];
        parameters.push(("encoder.block.0.layer.0.SelfAttention.relative_attention_bias".to_owned(), vec![32, 2]));
        for layer in ["encoder.block.0.layer", "encoder.block.1.layer"] {
            parameters.extend(["q", "k", "v", "o"].map(|name| (format!("{layer}.0.SelfAttention.{name}"), vec![8, 8])));
            parameters.extend(["wi_0", "wi_1"].map(|name| (format!("{layer}.1.DenseReluDense.{name}"), vec![16, 8])));
            parameters.push((format!("{layer}.1.DenseReluDense.wo"), vec![8, 16]));
            parameters.extend([0, 1].map(|i| (format!("{layer}.{i}.layer_norm"), vec![8])));
        }
        let tensor = |shape: Vec<usize>| Tensor::full(number, shape, &Device::Cpu).unwrap();
        let tensors: HashMap<_, _> = parameters.into_iter().map(|(name, shape)| (format!("{name}.weight"), tensor(shape))).collect();
        T5Encoder::new(T5Config::from_json(CONFIG).unwrap(), VarBuilder::from_tensors(tensors, dtype, &Device::Cpu)).unwrap()
    }

    #[test]
    fn what_f16_cannot_hold_leaves_numbers_all_the_same() {
        let (ids, mask) = (Tensor::new(&[[1u32, 2, 0]], &Device::Cpu).unwrap(), Tensor::new(&[[1u32, 1, 0]], &Device::Cpu).unwrap());
        for dtype in [DType::F16, DType::BF16, DType::F32] {
            // Attention finds 64 · 50³, and the feed-forward multiplies 20 000 by itself: f16 ends at 65 504.
            let states = constant(50.0, dtype).forward(&ids, &mask).unwrap();
            assert_eq!(states.dtype(), DType::F32);
            let states = states.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(states.iter().all(|state| (state - 50.0).abs() < 1e-2), "{dtype:?}: {states:?}");
        }
    }
}
