//! How many digits of a trained network are what was asked for, as a small classifier sees them that is trained on MNIST
//! with the same operators: `cargo bench --bench digits -- WEIGHTS.safetensors [IMAGES A CLASS]`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use candle_core::{Result, Tensor, Var};
use candle_nn::{Module, VarBuilder, linear, loss::cross_entropy};
use darkroom::diffusion::{Noise, Use};
use darkroom::network::ops::{Layer, Pass, Slide};
use darkroom::training::{Adam, Data, Drawing, Images, Parameters, SIDE, network, one_hot};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

const EPOCHS: u32 = 3;
const BATCH: usize = 100;
const CLASSES: usize = 10;
const GUIDANCE: f64 = 5.0;

/// Two convolutions that halve, and a linear layer: (b, 28, 28, 1) → (b, 10).
struct Classifier {
    weights: [Tensor; 2],
    biases: [Tensor; 2],
    last: candle_nn::Linear,
}

impl Classifier {
    fn new(vb: VarBuilder) -> Result<Classifier> {
        let weight = |name: &str, from, to| vb.get((to, from, 3, 3), &format!("{name}.weight"));
        let weights = [weight("one", 1, 32)?, weight("two", 32, 64)?];
        let biases = [vb.get(32, "one.bias")?, vb.get(64, "two.bias")?];
        Ok(Classifier { weights, biases, last: linear(7 * 7 * 64, CLASSES, vb.pp("last"))? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut h = x.clone();
        for (weight, bias) in self.weights.iter().zip(&self.biases) {
            h = Classifier::halved(&h, weight)?.broadcast_add(bias)?.gelu_erf()?;
        }
        self.last.forward(&h.flatten_from(1)?)
    }

    fn halved(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let (mut pass, x) = Pass::new(x, true)?;
        let slide = Slide { kernel: 3, stride: 2, padding: 1 };
        let (y, _) = pass.conv(&[&x], &Layer { slide, transposed: false, weight: weight.clone(), affine: None }, None)?;
        pass.finish(&y)
    }

    /// How many images are seen as what they are.
    fn right(&self, images: &Tensor, classes: &[usize]) -> usize {
        let seen = self.forward(images).unwrap().argmax(1).unwrap().to_vec1::<u32>().unwrap();
        seen.iter().zip(classes).filter(|(seen, class)| **seen as usize == **class).count()
    }
}

fn trained(images: &Images) -> Classifier {
    let parameters = Parameters::new(1);
    let classifier = Classifier::new(parameters.builder()).unwrap();
    let (vars, mut adam): (BTreeMap<String, Var>, _) = (parameters.trained(), Adam::new(1e-3));
    for epoch in 0..EPOCHS {
        for numbers in (Noise { seed: 1 }).order(Use::Order, epoch, images.len()).chunks(BATCH) {
            let classes: Vec<u32> = images.classes(numbers).into_iter().map(|class| class as u32).collect();
            let targets = Tensor::new(classes, &candle_core::Device::Cpu).unwrap();
            let loss = cross_entropy(&classifier.forward(&images.pick(numbers).unwrap()).unwrap(), &targets).unwrap();
            let gradients = loss.backward().unwrap();
            adam.step(&vars, |_, var| gradients.get(var).cloned()).unwrap();
        }
    }
    classifier
}

fn usage() -> i32 {
    println!("name a file of weights, such as runs/000007/weights/epoch-0020.safetensors");
    2
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let path = words.first().unwrap_or_else(|| std::process::exit(usage()));
    let each: usize = words.get(1).map_or(20, |word| word.parse().unwrap());
    let data = Data::load("mnist").unwrap();
    let classifier = trained(&data.train);
    let all: Vec<usize> = (0..data.test.len()).collect();
    let right: usize = all.chunks(1000).map(|part| classifier.right(&data.test.pick(part).unwrap(), &data.test.classes(part))).sum();
    println!("the classifier names {:.2} % of {} test images", right as f64 / all.len() as f64 * 100.0, all.len());

    let bytes = std::fs::read(path).unwrap();
    let (unet, weights) = network(&bytes).unwrap();
    let classes: Vec<usize> = (0..each * CLASSES).map(|image| image % CLASSES).collect();
    let class = Some(one_hot(&classes, CLASSES).unwrap());
    let steps = weights.objective.timesteps();
    let drawing = Drawing { network: (&unet, &weights), class, guidance: GUIDANCE, steps, noise: Noise { seed: 0 } };
    let start = (0, drawing.start(classes.len()).unwrap());
    let images = drawing.draw(start, |_| Ok(ControlFlow::Continue(()))).unwrap().unwrap();
    let images = images.clamp(0f32, 1f32).unwrap().reshape((classes.len(), SIDE, SIDE, 1)).unwrap();
    let right = classifier.right(&images, &classes);
    println!(
        "{right} of {} samples ({:.1} %) are seen as the digit that was asked for",
        classes.len(),
        right as f64 / classes.len() as f64 * 100.0
    );
}
