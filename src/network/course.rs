//! The UNets of part B of the course (Berkeley CS180, project 5), channels-last; parameters are named as in PyTorch.

use super::ops::{Moments, Slide, conv_transpose2d, conv2d, norm_gelu, norm_gelu_with};
use candle_core::{Module, Result, Tensor};
use candle_nn::{Linear, VarBuilder, linear};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// PyTorch's `BatchNorm2d`: what is added to a variance, and how much of a batch the running statistics take over.
const EPS: f64 = 1e-5;
const MOMENTUM: f32 = 0.1;
const SAME: Slide = Slide { kernel: 3, stride: 1, padding: 1 };
const HALF: Slide = Slide { kernel: 3, stride: 2, padding: 1 };
const DOUBLE: Slide = Slide { kernel: 4, stride: 2, padding: 1 };
const UNFLATTEN: Slide = Slide { kernel: 7, stride: 7, padding: 0 };

/// How the time comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Modulation {
    /// It is added to the features (the DDPM edition).
    Add,
    /// The features are multiplied by it (the flow-matching edition).
    Multiply,
}

/// Which of the networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseConfig {
    /// Features after the first block, the course's D.
    pub d: usize,
    /// Whether a time comes in, and how. Beside classes it is always added.
    pub time: Option<Modulation>,
    /// How many classes there are; 0 without.
    pub classes: usize,
}

/// What a picture is denoised under.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Times (b), in [0, 1].
    pub time: Option<Tensor>,
    /// Classes (b, classes), a 1 where the picture's is, and zeros alone where it is left out.
    pub class: Option<Tensor>,
}

/// A network of part B: (b, 28, 28, 1) → (b, 28, 28, 1).
pub struct CourseUnet {
    in_block: Block,
    down: [Block; 2],
    unflatten: ConvNorm,
    up: [Block; 2],
    out_block: Block,
    out_conv: Conv,
    time: Option<(Modulation, [Embed; 2])>,
    class: Option<[Embed; 2]>,
}

impl CourseUnet {
    /// The network that `config` describes, from a place of parameters.
    ///
    /// # Errors
    /// When a parameter is missing or has another shape.
    pub fn new(config: CourseConfig, vb: VarBuilder) -> Result<CourseUnet> {
        let CourseConfig { d, time, classes } = config;
        let embed = |name: &str, from| {
            Ok::<_, candle_core::Error>([
                Embed::new(from, 2 * d, vb.pp(format!("{name}1")))?,
                Embed::new(from, d, vb.pp(format!("{name}2")))?,
            ])
        };
        Ok(CourseUnet {
            in_block: Block::new(None, (1, d), vb.pp("in_block"))?,
            down: [Block::new(Some(Way::Down), (d, d), vb.pp("down1"))?, Block::new(Some(Way::Down), (d, 2 * d), vb.pp("down2"))?],
            unflatten: ConvNorm::new(Way::Unflatten, (2 * d, 2 * d), vb.pp("unflatten"))?,
            up: [Block::new(Some(Way::Up), (4 * d, d), vb.pp("up1"))?, Block::new(Some(Way::Up), (2 * d, d), vb.pp("up2"))?],
            out_block: Block::new(None, (2 * d, d), vb.pp("out_block"))?,
            out_conv: Conv::new(Way::Same, (d, 1), vb.pp("out_conv"))?,
            time: time.map(|modulation| Ok::<_, candle_core::Error>((modulation, embed("time", 1)?))).transpose()?,
            class: (classes > 0).then(|| embed("class", classes)).transpose()?,
        })
    }

    /// x (b, 28, 28, 1) denoised. In training the batch's own statistics count, and the running ones take them up.
    ///
    /// # Errors
    /// When sizes do not fit, or something is not given that the network asks for.
    pub fn forward(&self, x: &Tensor, given: &Given, train: bool) -> Result<Tensor> {
        let x1 = self.in_block.forward(x, train)?;
        let x2 = self.down[0].forward(&x1, train)?;
        let x3 = self.down[1].forward(&x2, train)?;
        let flat = x3.mean_keepdim((1, 2))?.gelu_erf()?;
        let h = self.modulate(0, &self.unflatten.forward(&flat, train)?, given)?;
        let h = self.up[0].forward(&Tensor::cat(&[&h, &x3], 3)?, train)?;
        let h = self.modulate(1, &h, given)?;
        let h = self.up[1].forward(&Tensor::cat(&[&h, &x2], 3)?, train)?;
        self.out_conv.forward(&self.out_block.forward(&Tensor::cat(&[&h, &x1], 3)?, train)?)?.broadcast_add(&self.out_conv.bias)
    }

    /// Lets time and class in at the first or the second place.
    fn modulate(&self, place: usize, h: &Tensor, given: &Given) -> Result<Tensor> {
        let missing = |what: &str| candle_core::Error::Msg(format!("the network asks for a {what} of each picture"));
        let h = match &self.class {
            Some(class) => {
                let classes = given.class.as_ref().ok_or_else(|| missing("class"))?;
                h.broadcast_mul(&class[place].forward(classes)?)?
            }
            None => h.clone(),
        };
        let Some((modulation, time)) = &self.time else { return Ok(h) };
        let time = time[place].forward(&given.time.as_ref().ok_or_else(|| missing("time"))?.unsqueeze(1)?)?;
        match modulation {
            Modulation::Multiply if self.class.is_none() => h.broadcast_mul(&time),
            _ => h.broadcast_add(&time),
        }
    }

    /// Every batch normalisation's running statistics, by the name of its layer.
    pub fn running(&self) -> Vec<(String, Moments)> {
        self.norms().into_iter().map(|(name, conv)| (name, conv.running.lock().unwrap_or_else(PoisonError::into_inner).clone())).collect()
    }

    fn norms(&self) -> Vec<(String, &ConvNorm)> {
        let blocks = [
            ("in_block", &self.in_block),
            ("down1", &self.down[0]),
            ("down2", &self.down[1]),
            ("up1", &self.up[0]),
            ("up2", &self.up[1]),
            ("out_block", &self.out_block),
        ];
        let named = blocks
            .into_iter()
            .flat_map(|(name, block)| block.layers().into_iter().map(move |(layer, conv)| (format!("{name}.{layer}.norm"), conv)));
        named.chain([("unflatten.norm".to_owned(), &self.unflatten)]).collect()
    }
}

/// Which way a convolution goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Same,
    Down,
    Up,
    Unflatten,
}

/// A convolution whose bias is added elsewhere.
struct Conv {
    way: Way,
    weight: Tensor,
    bias: Tensor,
}

impl Conv {
    fn new(way: Way, (from, to): (usize, usize), vb: VarBuilder) -> Result<Conv> {
        let (slide, turned) = Conv::slide(way);
        let shape = if turned { (from, to, slide.kernel, slide.kernel) } else { (to, from, slide.kernel, slide.kernel) };
        Ok(Conv { way, weight: vb.get(shape, "weight")?, bias: vb.get(to, "bias")? })
    }

    fn slide(way: Way) -> (Slide, bool) {
        match way {
            Way::Same => (SAME, false),
            Way::Down => (HALF, false),
            Way::Up => (DOUBLE, true),
            Way::Unflatten => (UNFLATTEN, true),
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match Conv::slide(self.way) {
            (slide, false) => conv2d(x, &self.weight, slide),
            (slide, true) => conv_transpose2d(x, &self.weight, slide),
        }
    }
}

/// Convolution, batch normalisation, GELU.
struct ConvNorm {
    conv: Conv,
    gamma: Tensor,
    beta: Tensor,
    running: Mutex<Moments>,
}

impl ConvNorm {
    fn new(way: Way, channels: (usize, usize), vb: VarBuilder) -> Result<ConvNorm> {
        let (conv, norm, to) = (Conv::new(way, channels, vb.pp("conv"))?, vb.pp("norm"), channels.1);
        let values = |name| norm.get(to, name)?.to_vec1::<f32>();
        let running = Moments { mean: values("running_mean")?, variance: values("running_var")?, count: 0 };
        Ok(ConvNorm { conv, gamma: norm.get(to, "weight")?, beta: norm.get(to, "bias")?, running: Mutex::new(running) })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let (y, affine) = (self.conv.forward(x)?, Tensor::stack(&[&self.gamma, &self.beta], 0)?);
        let bias = self.conv.bias.to_vec1::<f32>()?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !train {
            // The statistics are of the sum with the bias, which is left out here.
            let mean = running.mean.iter().zip(&bias).map(|(mean, bias)| mean - bias).collect();
            return norm_gelu_with(&y, &affine, EPS, Moments { mean, ..running.clone() });
        }
        // A batch's own mean takes the bias away again: it decides nothing but the running mean.
        let (y, batch) = norm_gelu(&y, &affine, EPS)?;
        let unbiased = batch.count as f32 / (batch.count.max(2) - 1) as f32;
        let means = batch.mean.iter().zip(&bias).map(|(mean, bias)| mean + bias);
        running.mean.iter_mut().zip(means).for_each(|(all, new)| *all += MOMENTUM * (new - *all));
        let variances = batch.variance.iter().map(|variance| variance * unbiased);
        running.variance.iter_mut().zip(variances).for_each(|(all, new)| *all += MOMENTUM * (new - *all));
        Ok(y)
    }
}

/// Two `ConvNorm`s, behind one that resamples where the block does.
struct Block {
    resample: Option<ConvNorm>,
    conv1: ConvNorm,
    conv2: ConvNorm,
}

impl Block {
    fn new(way: Option<Way>, (from, to): (usize, usize), vb: VarBuilder) -> Result<Block> {
        let resample = way.map(|way| ConvNorm::new(way, (from, to), vb.pp("resample"))).transpose()?;
        let from = if resample.is_some() { to } else { from };
        let conv1 = ConvNorm::new(Way::Same, (from, to), vb.pp("conv1"))?;
        Ok(Block { resample, conv1, conv2: ConvNorm::new(Way::Same, (to, to), vb.pp("conv2"))? })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let x = match &self.resample {
            Some(resample) => resample.forward(x, train)?,
            None => x.clone(),
        };
        self.conv2.forward(&self.conv1.forward(&x, train)?, train)
    }

    fn layers(&self) -> Vec<(&'static str, &ConvNorm)> {
        let resample = self.resample.as_ref().map(|conv| ("resample", conv));
        resample.into_iter().chain([("conv1", &self.conv1), ("conv2", &self.conv2)]).collect()
    }
}

/// The course's FCBlock: (b, from) → (b, 1, 1, to).
struct Embed(Linear, Linear);

impl Embed {
    fn new(from: usize, to: usize, vb: VarBuilder) -> Result<Embed> {
        Ok(Embed(linear(from, to, vb.pp("fc1"))?, linear(to, to, vb.pp("fc2"))?))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.1.forward(&self.0.forward(x)?.gelu_erf()?)?.unsqueeze(1)?.unsqueeze(1)
    }
}
