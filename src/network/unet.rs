//! DeepFloyd IF's UNet, stages I and II: diffusers' `UNet2DConditionModel` with the blocks that the published models use.

use super::attention::AddedKvAttention;
use super::config::{ATTENDING_DOWN, ATTENDING_UP, UnetConfig};
use super::conv::{Conv, conv};
use super::embedding::{TextEmbedding, TimeEmbedding};
use super::resnet::{Resnet, ResnetConfig, Scale};
use candle_core::{DType, Module, Result, Tensor};
use candle_nn::{GroupNorm, Linear, VarBuilder, group_norm, linear};

/// What a prediction depends on besides the picture.
#[derive(Clone, Debug)]
pub struct Conditioning {
    /// The text encoder's states, (b, n, encoder_hid_dim).
    pub text: Tensor,
    /// Stage II: how noisy the enlarged input is, (b), in timesteps.
    pub noise_level: Option<Tensor>,
}

/// One level on the way down or up: resnets, each with attention where the level has it, and a last resnet that resizes.
#[derive(Debug)]
struct Block {
    resnets: Vec<Resnet>,
    attentions: Vec<AddedKvAttention>,
    sampler: Option<Resnet>,
}

/// The network. (b, in_channels, h, w) → (b, out_channels, h, w).
#[derive(Debug)]
pub struct Unet {
    config: UnetConfig,
    dtype: DType,
    time_embedding: TimeEmbedding,
    class_embedding: Option<TimeEmbedding>,
    add_embedding: TextEmbedding,
    encoder_hid_proj: Linear,
    conv_in: Conv,
    down_blocks: Vec<Block>,
    mid_resnets: [Resnet; 2],
    mid_attention: AddedKvAttention,
    up_blocks: Vec<Block>,
    conv_norm_out: GroupNorm,
    conv_out: Conv,
}

impl Unet {
    /// Builds the network of a config from its parameters.
    pub fn new(config: UnetConfig, vb: VarBuilder) -> Result<Self> {
        let (first, time) = (config.block_out_channels[0], config.time_channels());
        let last = config.block_out_channels.len() - 1;
        let deepest = config.block_out_channels[last];
        let class = config.class_embed_type.is_some().then(|| TimeEmbedding::new(first, time, vb.pp("class_embedding")));
        let mid = ResnetConfig { out_scale: config.mid_block_scale_factor, ..resnet_config(&config) };
        let mid_resnet = |i| Resnet::new((deepest, deepest), Scale::Same, mid, vb.pp("mid_block.resnets").pp(i));
        Ok(Unet {
            dtype: vb.dtype(),
            time_embedding: TimeEmbedding::new(first, time, vb.pp("time_embedding"))?,
            class_embedding: class.transpose()?,
            add_embedding: TextEmbedding::new(config.encoder_hid_dim, config.addition_embed_type_num_heads, time, vb.pp("add_embedding"))?,
            encoder_hid_proj: linear(config.encoder_hid_dim, config.cross_attention_dim, vb.pp("encoder_hid_proj"))?,
            conv_in: conv((config.in_channels, first), 3, vb.pp("conv_in"))?,
            down_blocks: (0..=last).map(|i| down_block(&config, i, vb.pp("down_blocks").pp(i))).collect::<Result<_>>()?,
            mid_resnets: [mid_resnet(0)?, mid_resnet(1)?],
            mid_attention: attention(&config, (last, last), vb.pp("mid_block.attentions.0"))?,
            up_blocks: (0..=last).map(|i| up_block(&config, i, vb.pp("up_blocks").pp(i))).collect::<Result<_>>()?,
            conv_norm_out: group_norm(config.norm_num_groups, first, config.norm_eps, vb.pp("conv_norm_out"))?,
            conv_out: conv((first, config.out_channels), 3, vb.pp("conv_out"))?,
            config,
        })
    }

    /// The config that it was built from.
    pub fn config(&self) -> &UnetConfig {
        &self.config
    }

    /// x (b, in_channels, h, w) at timesteps t (b).
    pub fn forward(&self, x: &Tensor, t: &Tensor, conditioning: &Conditioning) -> Result<Tensor> {
        let embedding = self.embedding(t, conditioning)?;
        let text = self.encoder_hid_proj.forward(&conditioning.text)?;

        let mut h = self.conv_in.forward(x)?;
        let mut skips = vec![h.clone()];
        for block in &self.down_blocks {
            for (i, resnet) in block.resnets.iter().enumerate() {
                h = resnet.forward(&h, &embedding)?;
                if let Some(attention) = block.attentions.get(i) {
                    h = attention.forward(&h, &text)?;
                }
                skips.push(h.clone());
            }
            if let Some(sampler) = &block.sampler {
                h = sampler.forward(&h, &embedding)?;
                skips.push(h.clone());
            }
        }

        h = self.mid_resnets[0].forward(&h, &embedding)?;
        h = self.mid_attention.forward(&h, &text)?;
        h = self.mid_resnets[1].forward(&h, &embedding)?;

        for block in &self.up_blocks {
            for (i, resnet) in block.resnets.iter().enumerate() {
                let skip = skips.pop().ok_or_else(|| candle_core::Error::msg("the way up is longer than the way down"))?;
                h = resnet.forward(&Tensor::cat(&[h, skip], 1)?, &embedding)?;
                if let Some(attention) = block.attentions.get(i) {
                    h = attention.forward(&h, &text)?;
                }
            }
            if let Some(sampler) = &block.sampler {
                h = sampler.forward(&h, &embedding)?;
            }
        }
        self.conv_out.forward(&self.conv_norm_out.forward(&h)?.gelu_erf()?)
    }

    /// Time, noise level and pooled text in one vector, (b, time channels).
    fn embedding(&self, t: &Tensor, conditioning: &Conditioning) -> Result<Tensor> {
        let mut embedding = self.time_embedding.forward(t, self.dtype)?;
        if let Some(class_embedding) = &self.class_embedding {
            let level =
                conditioning.noise_level.as_ref().ok_or_else(|| candle_core::Error::msg("a stage II network needs a noise level"))?;
            embedding = (embedding + class_embedding.forward(level, self.dtype)?)?;
        }
        embedding = (embedding + self.add_embedding.forward(&conditioning.text)?)?;
        if self.config.time_embedding_act_fn.is_some() { embedding.gelu_erf() } else { Ok(embedding) }
    }
}

fn resnet_config(config: &UnetConfig) -> ResnetConfig {
    ResnetConfig {
        time: config.time_channels(),
        groups: config.norm_num_groups,
        eps: config.norm_eps,
        skip_time_act: config.resnet_skip_time_act,
        out_scale: config.resnet_out_scale_factor,
    }
}

/// The attention of a level, with the head size that the config gives block `block` of its way.
fn attention(config: &UnetConfig, (level, block): (usize, usize), vb: VarBuilder) -> Result<AddedKvAttention> {
    let head = config.attention_head_dim.at(block);
    AddedKvAttention::new(config.block_out_channels[level], head, (config.cross_attention_dim, config.norm_num_groups), vb)
}

fn down_block(config: &UnetConfig, i: usize, vb: VarBuilder) -> Result<Block> {
    let channels = &config.block_out_channels;
    let (from, to) = (channels[i.saturating_sub(1)], channels[i]);
    let layers = config.layers_per_block.at(i);
    let shared = resnet_config(config);
    let resnet = |j| Resnet::new((if j == 0 { from } else { to }, to), Scale::Same, shared, vb.pp("resnets").pp(j));
    let attends = config.down_block_types[i] == ATTENDING_DOWN;
    let halves = i + 1 < channels.len();
    Ok(Block {
        resnets: (0..layers).map(resnet).collect::<Result<_>>()?,
        attentions: (0..layers * usize::from(attends))
            .map(|j| attention(config, (i, i), vb.pp("attentions").pp(j)))
            .collect::<Result<_>>()?,
        sampler: halves.then(|| Resnet::new((to, to), Scale::Half, shared, vb.pp("downsamplers.0"))).transpose()?,
    })
}

/// Block `i` on the way up works at level `last - i`; its resnets take one skip each, the last from the level above.
/// Its head size is the list's `i`-th, as in diffusers, which turns every other list round but this one.
fn up_block(config: &UnetConfig, i: usize, vb: VarBuilder) -> Result<Block> {
    let channels = &config.block_out_channels;
    let last = channels.len() - 1;
    let level = last - i;
    let (below, to, above) = (channels[(level + 1).min(last)], channels[level], channels[level.saturating_sub(1)]);
    let layers = config.layers_per_block.at(level) + 1;
    let shared = resnet_config(config);
    let resnet = |j: usize| {
        let (from, skip) = (if j == 0 { below } else { to }, if j + 1 == layers { above } else { to });
        Resnet::new((from + skip, to), Scale::Same, shared, vb.pp("resnets").pp(j))
    };
    let attends = config.up_block_types[i] == ATTENDING_UP;
    Ok(Block {
        resnets: (0..layers).map(resnet).collect::<Result<_>>()?,
        attentions: (0..layers * usize::from(attends))
            .map(|j| attention(config, (level, i), vb.pp("attentions").pp(j)))
            .collect::<Result<_>>()?,
        sampler: (level > 0).then(|| Resnet::new((to, to), Scale::Double, shared, vb.pp("upsamplers.0"))).transpose()?,
    })
}
