//! DeepFloyd IF's UNet, stages I and II: diffusers' `UNet2DConditionModel` with the blocks that the published models use,
//! channels-last inside.

use super::attention::AddedKvAttention;
use super::config::{ATTENDING_DOWN, ATTENDING_UP, UnetConfig};
use super::embedding::{TextEmbedding, TimeEmbedding};
use super::ops::{After, GroupNorm, Kernel};
use super::resnet::{Resnet, ResnetConfig, Scale};
use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::VarBuilder;
use rayon::prelude::*;

/// What the network makes of prompts, the same at every step.
#[derive(Clone, Debug)]
pub struct Prompts {
    /// Each prompt as one vector, (b, time channels).
    pooled: Tensor,
    /// Keys and values for each attention on the way, (b, n, 2 c).
    read: Vec<Tensor>,
}

impl Prompts {
    /// How many prompts there are.
    pub fn len(&self) -> usize {
        self.pooled.dims().first().copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn one(&self, prompt: usize) -> Result<Prompts> {
        self.each(|x| x.narrow(0, prompt, 1))
    }

    /// Each prompt for as many pictures in turn.
    fn repeat(&self, times: usize) -> Result<Prompts> {
        let rows = self.rows(times)?;
        self.each(|x| x.index_select(&rows, 0))
    }

    /// The number of the prompt for each picture.
    fn rows(&self, times: usize) -> Result<Tensor> {
        let rows: Vec<u32> = (0..self.len() as u32).flat_map(|prompt| std::iter::repeat_n(prompt, times)).collect();
        Tensor::new(rows, self.pooled.device())
    }

    fn each(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Prompts> {
        Ok(Prompts { pooled: f(&self.pooled)?, read: self.read.iter().map(&f).collect::<Result<_>>()? })
    }
}

/// What a prediction depends on besides the pictures.
#[derive(Clone, Copy, Debug)]
pub struct Conditioning<'a> {
    /// The timestep of each picture, (b).
    pub t: &'a Tensor,
    /// Prompts, each for as many pictures in turn.
    pub prompts: &'a Prompts,
    /// Stage II: how noisy the enlarged input is, (b), in timesteps.
    pub noise_level: Option<&'a Tensor>,
}

/// One level on the way down or up: resnets, each with attention where the level has it, and a last resnet that resizes.
#[derive(Debug)]
struct Block {
    resnets: Vec<Resnet>,
    attentions: Vec<AddedKvAttention>,
    sampler: Option<Resnet>,
}

/// The network. (b, in_channels, h, w) → (b, out_channels, h, w).
///
/// It takes what it is given in any precision and from any device to its own.
#[derive(Debug)]
pub struct Unet {
    config: UnetConfig,
    dtype: DType,
    device: Device,
    time_embedding: TimeEmbedding,
    class_embedding: Option<TimeEmbedding>,
    add_embedding: TextEmbedding,
    encoder_hid_proj: Kernel,
    conv_in: Kernel,
    down_blocks: Vec<Block>,
    mid_resnets: [Resnet; 2],
    mid_attention: AddedKvAttention,
    up_blocks: Vec<Block>,
    conv_norm_out: GroupNorm,
    conv_out: Kernel,
}

impl Unet {
    /// Builds the network of a config from its parameters.
    pub fn new(config: UnetConfig, vb: VarBuilder) -> Result<Self> {
        let (first, time) = (config.block_out_channels[0], config.time_channels());
        let last = config.block_out_channels.len() - 1;
        let deepest = config.block_out_channels[last];
        let class = config.class_embed_type.is_some().then(|| TimeEmbedding::new(first, time, vb.pp("class_embedding")));
        let mid = ResnetConfig { out_scale: config.mid_block_scale_factor, ..resnet_config(&config, last) };
        let mid_resnet = |i| Resnet::new((deepest, deepest), Scale::Same, mid, vb.pp("mid_block.resnets").pp(i));
        Ok(Unet {
            dtype: vb.dtype(),
            device: vb.device().clone(),
            time_embedding: TimeEmbedding::new(first, time, vb.pp("time_embedding"))?,
            class_embedding: class.transpose()?,
            add_embedding: TextEmbedding::new(config.encoder_hid_dim, config.addition_embed_type_num_heads, time, vb.pp("add_embedding"))?,
            encoder_hid_proj: Kernel::linear((config.encoder_hid_dim, config.cross_attention_dim), vb.pp("encoder_hid_proj"))?,
            conv_in: Kernel::convolution((config.in_channels, first), 3, pixels(&config, 0), vb.pp("conv_in"))?,
            down_blocks: (0..=last).map(|i| down_block(&config, i, vb.pp("down_blocks").pp(i))).collect::<Result<_>>()?,
            mid_resnets: [mid_resnet(0)?, mid_resnet(1)?],
            mid_attention: attention(&config, (last, last), vb.pp("mid_block.attentions.0"))?,
            up_blocks: (0..=last).map(|i| up_block(&config, i, vb.pp("up_blocks").pp(i))).collect::<Result<_>>()?,
            conv_norm_out: GroupNorm::new(config.norm_num_groups, first, config.norm_eps, vb.pp("conv_norm_out"))?,
            conv_out: Kernel::convolution((first, config.out_channels), 3, pixels(&config, 0), vb.pp("conv_out"))?,
            config,
        })
    }

    /// The config that it was built from.
    pub fn config(&self) -> &UnetConfig {
        &self.config
    }

    /// What the network makes of the text encoder's states (b, n, encoder_hid_dim).
    ///
    /// # Errors
    /// When the states have another size.
    pub fn read(&self, states: &Tensor) -> Result<Prompts> {
        let states = &self.take(states)?;
        let text = self.encoder_hid_proj.forward(states, None)?;
        let down = self.down_blocks.iter().flat_map(|block| &block.attentions);
        let up = self.up_blocks.iter().flat_map(|block| &block.attentions);
        let read = down.chain([&self.mid_attention]).chain(up).map(|attention| attention.read(&text));
        Ok(Prompts { pooled: self.add_embedding.forward(states)?, read: read.collect::<Result<_>>()? })
    }

    /// The prediction for x (b, in_channels, h, w), in f32 and where x is.
    ///
    /// # Errors
    /// When sizes do not fit, or a stage II network is told no noise level.
    pub fn forward(&self, x: &Tensor, conditioning: Conditioning) -> Result<Tensor> {
        let (b, prompts) = (x.dim(0)?, conditioning.prompts);
        if prompts.is_empty() || !b.is_multiple_of(prompts.len()) {
            candle_core::bail!("{} prompts cannot be shared by {b} pictures", prompts.len());
        }
        let each = b / prompts.len();
        let home = x.device().clone();
        let x = self.take(x)?.permute((0, 2, 3, 1))?.contiguous()?;
        let y = if self.device.is_cpu() && self.dtype == DType::F32 {
            // A picture a thread: each stays in its core's own cache, and no operator waits for another thread.
            let embedding = self.embedding(conditioning, &prompts.pooled.index_select(&prompts.rows(each)?, 0)?)?;
            let picture = |i: usize| self.walk(&x.narrow(0, i, 1)?, &embedding.narrow(0, i, 1)?, &prompts.one(i / each)?.read);
            let pictures: Vec<Tensor> = (0..b).into_par_iter().map(picture).collect::<Result<_>>()?;
            Tensor::cat(&pictures, 0)?
        } else {
            let repeated = (each > 1).then(|| prompts.repeat(each)).transpose()?;
            let prompts = repeated.as_ref().unwrap_or(prompts);
            self.walk(&x, &self.embedding(conditioning, &prompts.pooled)?, &prompts.read)?
        };
        y.permute((0, 3, 1, 2))?.contiguous()?.to_dtype(DType::F32)?.to_device(&home)
    }

    fn take(&self, x: &Tensor) -> Result<Tensor> {
        x.to_device(&self.device)?.to_dtype(self.dtype)
    }

    /// x (b, h, w, in_channels) down and up again.
    fn walk(&self, x: &Tensor, embedding: &Tensor, read: &[Tensor]) -> Result<Tensor> {
        let mut read = read.iter();
        let mut attend = |attention: Option<&AddedKvAttention>, h: Tensor| {
            let Some(attention) = attention else { return Ok(h) };
            attention.forward(&h, read.next().ok_or_else(|| candle_core::Error::msg("prompts that another network has read"))?)
        };

        let mut h = self.conv_in.forward(x, None)?;
        let mut skips = vec![h.clone()];
        for block in &self.down_blocks {
            for (i, resnet) in block.resnets.iter().enumerate() {
                h = attend(block.attentions.get(i), resnet.forward(&h, embedding)?)?;
                skips.push(h.clone());
            }
            if let Some(sampler) = &block.sampler {
                h = sampler.forward(&h, embedding)?;
                skips.push(h.clone());
            }
        }

        h = attend(Some(&self.mid_attention), self.mid_resnets[0].forward(&h, embedding)?)?;
        h = self.mid_resnets[1].forward(&h, embedding)?;

        for block in &self.up_blocks {
            for (i, resnet) in block.resnets.iter().enumerate() {
                let skip = skips.pop().ok_or_else(|| candle_core::Error::msg("the way up is longer than the way down"))?;
                h = attend(block.attentions.get(i), resnet.forward(&Tensor::cat(&[h, skip], 3)?, embedding)?)?;
            }
            if let Some(sampler) = &block.sampler {
                h = sampler.forward(&h, embedding)?;
            }
        }
        self.conv_out.forward(&self.conv_norm_out.forward(&h, After { modulation: None, gelu: true })?, None)
    }

    /// Time, noise level and pooled text in one vector, (b, time channels), activated as the resnets take it.
    fn embedding(&self, conditioning: Conditioning, pooled: &Tensor) -> Result<Tensor> {
        let mut embedding = self.time_embedding.forward(&conditioning.t.to_device(&self.device)?, self.dtype)?;
        if let Some(class_embedding) = &self.class_embedding {
            let level = conditioning.noise_level.ok_or_else(|| candle_core::Error::msg("a stage II network needs a noise level"))?;
            embedding = (embedding + class_embedding.forward(&level.to_device(&self.device)?, self.dtype)?)?;
        }
        embedding = (embedding + pooled)?;
        if self.config.time_embedding_act_fn.is_some() {
            embedding = embedding.gelu_erf()?;
        }
        if self.config.resnet_skip_time_act { Ok(embedding) } else { embedding.gelu_erf() }
    }
}

/// Pixels of a level's pictures.
fn pixels(config: &UnetConfig, level: usize) -> usize {
    (config.sample_size >> level).pow(2)
}

/// What the resnets share whose pictures come out at a level.
fn resnet_config(config: &UnetConfig, level: usize) -> ResnetConfig {
    ResnetConfig {
        pixels: pixels(config, level),
        time: config.time_channels(),
        groups: config.norm_num_groups,
        eps: config.norm_eps,
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
    let shared = resnet_config(config, i);
    let resnet = |j| Resnet::new((if j == 0 { from } else { to }, to), Scale::Same, shared, vb.pp("resnets").pp(j));
    let attends = config.down_block_types[i] == ATTENDING_DOWN;
    let halves = i + 1 < channels.len();
    Ok(Block {
        resnets: (0..layers).map(resnet).collect::<Result<_>>()?,
        attentions: (0..layers * usize::from(attends))
            .map(|j| attention(config, (i, i), vb.pp("attentions").pp(j)))
            .collect::<Result<_>>()?,
        sampler: halves.then(|| Resnet::new((to, to), Scale::Half, resnet_config(config, i + 1), vb.pp("downsamplers.0"))).transpose()?,
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
    let shared = resnet_config(config, level);
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
        sampler: (level > 0)
            .then(|| Resnet::new((to, to), Scale::Double, resnet_config(config, level - 1), vb.pp("upsamplers.0")))
            .transpose()?,
    })
}
