//! The UNets of part B of the course (Berkeley CS180, project 5), channels-last; parameters are named as in PyTorch.

use super::ops::{Layer, Moments, Pass, Slide, Value};
use candle_core::{Module, Result, Tensor};
use candle_nn::{Linear, VarBuilder, linear};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// How much of a batch the running statistics take over, as in PyTorch's `BatchNorm2d`.
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
    unflatten: Block,
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
        let block = |name: &str, way, channels| Block::new(way, channels, vb.pp(name));
        Ok(CourseUnet {
            in_block: block("in_block", None, (1, d))?,
            down: [block("down1", Some(Way::Down), (d, d))?, block("down2", Some(Way::Down), (d, 2 * d))?],
            unflatten: Block(vec![("unflatten.norm".to_owned(), ConvNorm::new(Way::Unflatten, (2 * d, 2 * d), vb.pp("unflatten"))?)]),
            up: [block("up1", Some(Way::Up), (4 * d, d))?, block("up2", Some(Way::Up), (2 * d, d))?],
            out_block: block("out_block", None, (2 * d, d))?,
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
        let (mut pass, x) = Pass::new(x, train)?;
        let x1 = self.in_block.forward(&mut pass, &[&x])?;
        let x2 = self.down[0].forward(&mut pass, &[&x1])?;
        let x3 = self.down[1].forward(&mut pass, &[&x2])?;
        let flat = pass.mean_gelu(&x3)?;
        let h = self.unflatten.forward(&mut pass, &[&flat])?;
        let h = self.modulate(&mut pass, 0, h, given)?;
        let h = self.up[0].forward(&mut pass, &[&h, &x3])?;
        let h = self.modulate(&mut pass, 1, h, given)?;
        let h = self.up[1].forward(&mut pass, &[&h, &x2])?;
        let h = self.out_block.forward(&mut pass, &[&h, &x1])?;
        let (y, _) = pass.conv(&[&h], &self.out_conv.layer(None), None)?;
        pass.finish(&y)?.broadcast_add(&self.out_conv.bias)
    }

    /// Lets time and class in at the first or the second place.
    fn modulate(&self, pass: &mut Pass, place: usize, h: Value, given: &Given) -> Result<Value> {
        let missing = |what: &str| candle_core::Error::Msg(format!("the network asks for a {what} of each picture"));
        let class = match &self.class {
            Some(class) => Some(class[place].forward(given.class.as_ref().ok_or_else(|| missing("class"))?)?),
            None => None,
        };
        let Some((modulation, time)) = &self.time else { return pass.modulate(&h, class.as_ref(), None) };
        let time = time[place].forward(&given.time.as_ref().ok_or_else(|| missing("time"))?.unsqueeze(1)?)?;
        match modulation {
            Modulation::Multiply if class.is_none() => pass.modulate(&h, Some(&time), None),
            _ => pass.modulate(&h, class.as_ref(), Some(&time)),
        }
    }

    /// Every batch normalisation's running statistics, by the name of its layer.
    pub fn running(&self) -> Vec<(String, Moments)> {
        let blocks = [&self.in_block, &self.unflatten, &self.out_block].into_iter().chain(&self.down).chain(&self.up);
        let named = blocks.flat_map(|block| &block.0);
        named.map(|(name, conv)| (name.clone(), conv.running.lock().unwrap_or_else(PoisonError::into_inner).clone())).collect()
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

    fn layer(&self, affine: Option<(Tensor, Tensor)>) -> Layer {
        let (slide, transposed) = Conv::slide(self.way);
        Layer { slide, transposed, weight: self.weight.clone(), affine }
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

    fn forward(&self, pass: &mut Pass, sources: &[&Value]) -> Result<Value> {
        let given = if pass.trains() { None } else { Some(self.without_bias()?) };
        let layer = self.conv.layer(Some((self.gamma.clone(), self.beta.clone())));
        let (y, batch) = pass.conv(sources, &layer, given.as_ref())?;
        if let Some(batch) = batch.filter(|_| pass.trains()) {
            self.take_up(&batch)?;
        }
        Ok(y)
    }

    /// The running statistics of what the convolution makes without its bias, which is left out.
    fn without_bias(&self) -> Result<Moments> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mean = running.mean.iter().zip(self.conv.bias.to_vec1::<f32>()?).map(|(mean, bias)| mean - bias).collect();
        Ok(Moments { mean, ..running })
    }

    /// Lets the running statistics take a batch up. Its own mean takes the bias away again: that decides nothing but the
    /// running mean.
    fn take_up(&self, batch: &Moments) -> Result<()> {
        let bias = self.conv.bias.to_vec1::<f32>()?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let unbiased = batch.count as f32 / (batch.count.max(2) - 1) as f32;
        let means = batch.mean.iter().zip(&bias).map(|(mean, bias)| mean + bias);
        running.mean.iter_mut().zip(means).for_each(|(all, new)| *all += MOMENTUM * (new - *all));
        let variances = batch.variance.iter().map(|variance| variance * unbiased);
        running.variance.iter_mut().zip(variances).for_each(|(all, new)| *all += MOMENTUM * (new - *all));
        Ok(())
    }
}

/// `ConvNorm`s one after the other, by the names of their normalisations.
struct Block(Vec<(String, ConvNorm)>);

impl Block {
    /// Two `ConvNorm`s, behind one that resamples where the block does.
    fn new(way: Option<Way>, (from, to): (usize, usize), vb: VarBuilder) -> Result<Block> {
        let resample = way.map(|way| ("resample", way, (from, to)));
        let first = if way.is_some() { to } else { from };
        let all = resample.into_iter().chain([("conv1", Way::Same, (first, to)), ("conv2", Way::Same, (to, to))]);
        let named =
            all.map(|(layer, way, channels)| Ok((format!("{}.{layer}.norm", vb.prefix()), ConvNorm::new(way, channels, vb.pp(layer))?)));
        Ok(Block(named.collect::<Result<_>>()?))
    }

    fn forward(&self, pass: &mut Pass, sources: &[&Value]) -> Result<Value> {
        let [(_, first), others @ ..] = &self.0[..] else { candle_core::bail!("a block without layers") };
        others.iter().try_fold(first.forward(pass, sources)?, |y, (_, conv)| conv.forward(pass, &[&y]))
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
