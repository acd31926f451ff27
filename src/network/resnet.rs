//! The residual block, which also halves and doubles the picture: diffusers' `ResnetBlock2D` with `scale_shift`.

use super::conv::{Conv, conv};
use candle_core::{D, Module, Result, Tensor};
use candle_nn::{GroupNorm, Linear, VarBuilder, group_norm, linear};

/// What a block does to the picture's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Leaves it.
    Same,
    /// Averages 2×2 pixels.
    Half,
    /// Repeats each pixel 2×2 times.
    Double,
}

/// What all resnets of a network share.
#[derive(Clone, Copy, Debug)]
pub struct ResnetConfig {
    /// Channels of the time embedding.
    pub time: usize,
    /// Groups of the normalisations.
    pub groups: usize,
    /// Their epsilon.
    pub eps: f64,
    /// Whether the embedding comes activated.
    pub skip_time_act: bool,
    /// What the sum is divided by.
    pub out_scale: f64,
}

/// (b, in, h, w) and the embedding (b, time) → (b, out, h', w').
#[derive(Debug)]
pub struct Resnet {
    norm1: GroupNorm,
    conv1: Conv,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv,
    conv_shortcut: Option<Conv>,
    scale: Scale,
    config: ResnetConfig,
}

impl Resnet {
    /// From `channels.0` to `channels.1` channels.
    pub fn new(channels: (usize, usize), scale: Scale, config: ResnetConfig, vb: VarBuilder) -> Result<Self> {
        let (from, to) = channels;
        let conv_shortcut = (from != to).then(|| conv((from, to), 1, vb.pp("conv_shortcut"))).transpose()?;
        Ok(Resnet {
            norm1: group_norm(config.groups, from, config.eps, vb.pp("norm1"))?,
            conv1: conv((from, to), 3, vb.pp("conv1"))?,
            time_emb_proj: linear(config.time, 2 * to, vb.pp("time_emb_proj"))?,
            norm2: group_norm(config.groups, to, config.eps, vb.pp("norm2"))?,
            conv2: conv((to, to), 3, vb.pp("conv2"))?,
            conv_shortcut,
            scale,
            config,
        })
    }

    /// x (b, in, h, w), embedding (b, time).
    pub fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let h = self.resize(&self.norm1.forward(x)?.gelu_erf()?)?;
        let h = self.norm2.forward(&self.conv1.forward(&h)?)?;

        let embedding = if self.config.skip_time_act { embedding.clone() } else { embedding.gelu_erf()? };
        let modulation = self.time_emb_proj.forward(&embedding)?.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?; // (b, 2 out, 1, 1)
        let (scale, shift) = (modulation.narrow(1, 0, h.dim(1)?)?, modulation.narrow(1, h.dim(1)?, h.dim(1)?)?);
        let h = h.broadcast_mul(&(scale + 1.0)?)?.broadcast_add(&shift)?.gelu_erf()?;
        let h = self.conv2.forward(&h)?;

        let x = self.resize(x)?;
        let x = self.conv_shortcut.as_ref().map_or(Ok(x.clone()), |conv| conv.forward(&x))?;
        (x + h)? / self.config.out_scale
    }

    fn resize(&self, x: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = x.dims4()?;
        match self.scale {
            Scale::Same => Ok(x.clone()),
            Scale::Half => x.avg_pool2d(2),
            Scale::Double => x.upsample_nearest2d(2 * h, 2 * w),
        }
    }
}
