//! The residual block, which also halves and doubles the picture: diffusers' `ResnetBlock2D` with `scale_shift`, channels-last.

use super::ops::{After, GroupNorm, Kernel, double, halve, rounded};
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

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

/// What resnets share.
#[derive(Clone, Copy, Debug)]
pub struct ResnetConfig {
    /// Channels of the time embedding.
    pub time: usize,
    /// Groups of the normalisations.
    pub groups: usize,
    /// Their epsilon.
    pub eps: f64,
    /// What the sum is divided by.
    pub out_scale: f64,
    /// Pixels of the pictures that come out, mostly.
    pub pixels: usize,
}

/// (b, h, w, in) and the activated embedding (b, time) → (b, h', w', out).
#[derive(Debug)]
pub struct Resnet {
    norm1: GroupNorm,
    conv1: Kernel,
    time_emb_proj: Kernel,
    norm2: GroupNorm,
    conv2: Kernel,
    conv_shortcut: Option<Kernel>,
    scale: Scale,
    out_scale: f64,
}

impl Resnet {
    /// From `channels.0` to `channels.1` channels.
    pub fn new(channels: (usize, usize), scale: Scale, config: ResnetConfig, vb: VarBuilder) -> Result<Self> {
        let (from, to) = channels;
        let shortcut = (from != to).then(|| Kernel::convolution((from, to), 1, config.pixels, vb.pp("conv_shortcut")));
        Ok(Resnet {
            norm1: GroupNorm::new(config.groups, from, config.eps, vb.pp("norm1"))?,
            conv1: Kernel::convolution((from, to), 3, config.pixels, vb.pp("conv1"))?,
            time_emb_proj: Kernel::linear((config.time, 2 * to), vb.pp("time_emb_proj"))?,
            norm2: GroupNorm::new(config.groups, to, config.eps, vb.pp("norm2"))?,
            conv2: Kernel::convolution((to, to), 3, config.pixels, vb.pp("conv2"))?,
            conv_shortcut: shortcut.transpose()?,
            scale,
            out_scale: config.out_scale,
        })
    }

    /// x (b, h, w, in), embedding (b, time).
    pub fn forward(&self, x: &Tensor, embedding: &Tensor) -> Result<Tensor> {
        let modulation = self.time_emb_proj.forward(embedding, None)?; // (b, 2 out)
        let h = self.resize(&self.norm1.forward(x, After { modulation: None, gelu: true })?)?;
        let h = self.conv1.forward(&h, None)?;
        let h = self.norm2.forward(&h, After { modulation: Some(&modulation), gelu: true })?;

        let x = self.resize(x)?;
        let x = self.conv_shortcut.as_ref().map_or(Ok(x.clone()), |conv| conv.forward(&x, None))?;
        let sum = self.conv2.forward(&h, Some(&x))?;
        if self.out_scale == 1.0 { Ok(sum) } else { rounded(&sum, |sum| sum / self.out_scale) }
    }

    fn resize(&self, x: &Tensor) -> Result<Tensor> {
        match self.scale {
            Scale::Same => Ok(x.clone()),
            Scale::Half => halve(x),
            Scale::Double => double(x),
        }
    }
}
