//! Images a second of each training job of part B, on random images: `cargo bench --bench training [-- JOB [SECONDS]]`.
//! PyTorch's: `cs180_torch.py train cpu SECONDS`, pinned to the same cores.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use candle_core::{Device, Tensor};
use darkroom::network::course::{CourseConfig, CourseUnet, Given, Modulation};
use darkroom::training::{Adam, Parameters};
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = darkroom::memory::ALLOCATOR;

const JOBS: [(&str, usize, f64, CourseConfig); 4] = [
    ("single-step", 256, 1e-4, CourseConfig { d: 128, time: None, classes: 0 }),
    ("time", 128, 1e-3, CourseConfig { d: 64, time: Some(Modulation::Add), classes: 0 }),
    ("class", 128, 1e-3, CourseConfig { d: 64, time: Some(Modulation::Add), classes: 10 }),
    ("time-flow", 64, 1e-2, CourseConfig { d: 64, time: Some(Modulation::Multiply), classes: 0 }),
];

fn main() {
    darkroom::memory::keep();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let seconds = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(10.0);
    for (name, batch, rate, config) in JOBS.into_iter().filter(|(name, ..)| words.first().is_none_or(|wanted| wanted == name)) {
        let parameters = Parameters::new(0);
        let network = CourseUnet::new(config, parameters.builder()).unwrap();
        let (trained, mut adam) = (parameters.trained(), Adam::new(rate));
        let random = |shape: &[usize]| Tensor::rand(0f32, 1f32, shape, &Device::Cpu).unwrap();
        let (x, target) = (random(&[batch, 28, 28, 1]), random(&[batch, 28, 28, 1]));
        let given = Given { time: Some(random(&[batch])), class: (config.classes > 0).then(|| random(&[batch, config.classes])) };
        let mut step = || {
            let out = network.forward(&x, &given, true).unwrap();
            let gradients = (out - &target).unwrap().sqr().unwrap().mean_all().unwrap().backward().unwrap();
            adam.step(&trained, |_, parameter| gradients.get(parameter).cloned()).unwrap();
        };
        step();
        let (begun, mut steps) = (Instant::now(), 0u32);
        while steps < 2 || begun.elapsed() < Duration::from_secs_f64(seconds) {
            step();
            steps += 1;
        }
        let took = begun.elapsed().as_secs_f64() / f64::from(steps);
        println!("{name:12} batch {batch}: {:7.1} images/s {:9.2} ms/step", batch as f64 / took, took * 1e3);
    }
}
