//! Every operator of the networks at the sizes that they have there, a whole step of each, and the machine's own limits:
//! `cargo bench --bench operators [-- NAME]`.
//!
//! A convolution's throughput counts the operations of its definition, two for each product, whichever way it is computed: at
//! Winograd's points it may pass what the machine can multiply.
#![allow(clippy::unwrap_used, missing_docs)]

use candle_core::{Device, Tensor, Var};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, measurement::WallTime};
use darkroom::experiment::Models;
use darkroom::model::EMBEDDED;
use darkroom::network::course::{CourseConfig, CourseUnet, Given, Modulation};
use darkroom::network::ops::{After, GroupNorm, Kernel, Layer, Pass, Slide, attend, double, halve};
use darkroom::recipe::Model;
use darkroom::training::{Adam, Parameters};
use rayon::prelude::*;
use std::time::Duration;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = darkroom::memory::ALLOCATOR;

const SAME: Slide = Slide { kernel: 3, stride: 1, padding: 1 };
const HALF: Slide = Slide { kernel: 3, stride: 2, padding: 1 };
const DOUBLE: Slide = Slide { kernel: 4, stride: 2, padding: 1 };
const UNFLATTEN: Slide = Slide { kernel: 7, stride: 7, padding: 0 };
/// Pictures in a batch of the trained networks' operators.
const BATCH: usize = 32;

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    group
}

/// What the machine multiplies, and what it copies.
fn machine(c: &mut Criterion) {
    let mut group = group(c, "machine");
    let (a, b) = (random(&[1024, 1024]), random(&[1024, 1024]));
    group.throughput(Throughput::Elements(2 * 1024u64.pow(3)));
    group.bench_function("matmul of 1024x1024, operations", |bench| bench.iter(|| a.matmul(&b).unwrap()));
    let (from, mut to) = (vec![1f32; 64 << 20], vec![0f32; 64 << 20]);
    group.throughput(Throughput::Bytes(2 * 4 * from.len() as u64));
    group.bench_function("copy of 256 MiB, read and written", |bench| {
        bench.iter(|| to.par_chunks_mut(1 << 16).zip(from.par_chunks(1 << 16)).for_each(|(to, from)| to.copy_from_slice(from)));
    });
}

/// A layer with its normalisation and GELU: there, and there and back.
fn layers(c: &mut Criterion) {
    let mut group = group(c, "layer");
    let all = [
        ("3x3 of 64, 28x28", SAME, false, (28, 64, 64), 9 * 28 * 28),
        ("3x3 of 128, 7x7", SAME, false, (7, 128, 128), 9 * 7 * 7),
        ("3x3 of 1 to 64, 28x28", SAME, false, (28, 1, 64), 9 * 28 * 28),
        ("3x3 with stride 2 of 64, 28x28", HALF, false, (28, 64, 64), 9 * 14 * 14),
        ("transposed 4x4 of 128 to 64, 14x14", DOUBLE, true, (14, 128, 64), 16 * 14 * 14),
        ("transposed 7x7 of 128, 1x1", UNFLATTEN, true, (1, 128, 128), 49),
    ];
    for (name, slide, transposed, (side, from, to), products) in all {
        let shape = if transposed { [from, to] } else { [to, from] };
        let var = |shape: &[usize]| Var::from_tensor(&random(shape)).unwrap();
        let (weight, gamma, beta) = (var(&[shape[0], shape[1], slide.kernel, slide.kernel]), var(&[to]), var(&[to]));
        let affine = Some((gamma.as_tensor().clone(), beta.as_tensor().clone()));
        let layer = Layer { slide, transposed, weight: weight.as_tensor().clone(), affine };
        let x = var(&[BATCH, side, side, from]);
        let there = || {
            let (mut pass, x) = Pass::new(&x, true).unwrap();
            let (y, _) = pass.conv(&[&x], &layer, None).unwrap();
            pass.finish(&y).unwrap()
        };
        let operations = 2 * (BATCH * from * to * products) as u64;
        group.throughput(Throughput::Elements(operations));
        group.bench_function(format!("{name}, there"), |bench| bench.iter(there));
        group.throughput(Throughput::Elements(3 * operations));
        let grad = there().ones_like().unwrap();
        group.bench_function(format!("{name}, there and back"), |bench| {
            bench.iter(|| (there() * &grad).unwrap().sum_all().unwrap().backward().unwrap());
        });
    }
}

/// What the IF UNet is made of, for one picture.
fn unet(c: &mut Criterion) {
    let mut group = group(c, "unet");
    for (name, (side, from, to), kernel) in
        [("3x3 of 64, 32x32", (32, 64, 64), 3), ("3x3 of 128, 8x8", (8, 128, 128), 3), ("1x1 of 128, 16x16", (16, 128, 128), 1)]
    {
        let kernel_of = Kernel::new(&random(&[to, from, kernel, kernel]), &random(&[to]), side * side).unwrap();
        let x = random(&[1, side, side, from]);
        group.throughput(Throughput::Elements(2 * (side * side * kernel * kernel * from * to) as u64));
        group.bench_function(name, |bench| bench.iter(|| kernel_of.forward(&x, None).unwrap()));
    }
    let (x, modulation) = (random(&[1, 32, 32, 64]), random(&[1, 128]));
    let norm = GroupNorm::new(8, 64, 1e-5, Parameters::new(0).builder().pp("norm")).unwrap();
    group.throughput(Throughput::Bytes(2 * 4 * x.elem_count() as u64));
    let after = After { modulation: Some(&modulation), gelu: true };
    group.bench_function("group norm, modulation and GELU of 64, 32x32", |bench| bench.iter(|| norm.forward(&x, after).unwrap()));
    group.bench_function("halve 64, 32x32", |bench| bench.iter(|| halve(&x).unwrap()));
    group.bench_function("double 64, 32x32", |bench| bench.iter(|| double(&x).unwrap()));
    let (pixels, text) = (random(&[1, 256, 3 * 128]), random(&[1, 77, 2 * 128]));
    group.throughput(Throughput::Elements(2 * 2 * 256 * (256 + 77) * 128));
    group.bench_function("attention of 256 pixels to 77 words and themselves", |bench| bench.iter(|| attend(&pixels, &text, 32).unwrap()));
}

/// A whole step of each training, in images, and a guided step of the embedded model.
fn steps(c: &mut Criterion) {
    let mut group = group(c, "step");
    let jobs = [
        ("single-step", CourseConfig { d: 128, time: None, classes: 0 }),
        ("time", CourseConfig { d: 64, time: Some(Modulation::Add), classes: 0 }),
        ("class", CourseConfig { d: 64, time: Some(Modulation::Add), classes: 10 }),
        ("time-flow", CourseConfig { d: 64, time: Some(Modulation::Multiply), classes: 0 }),
    ];
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, config) in jobs {
        let parameters = Parameters::new(0);
        let network = CourseUnet::new(config, parameters.builder()).unwrap();
        let (trained, mut adam) = (parameters.trained(), Adam::new(1e-3));
        let (x, target) = (random(&[BATCH, 28, 28, 1]), random(&[BATCH, 28, 28, 1]));
        let given = Given { time: Some(random(&[BATCH])), class: (config.classes > 0).then(|| random(&[BATCH, config.classes])) };
        group.bench_function(format!("{name}, batch {BATCH}, images"), |bench| {
            bench.iter(|| {
                let out = network.forward(&x, &given, true).unwrap();
                let gradients = (out - &target).unwrap().sqr().unwrap().mean_all().unwrap().backward().unwrap();
                adam.step(&trained, |_, parameter| gradients.get(parameter).cloned()).unwrap();
            });
        });
    }
    let mut models = Models::default();
    let model = models.get(&Model { name: EMBEDDED.to_owned(), embeddings: None }, &["a red three"]).unwrap();
    let (text, x) = (model.encode(&["", "a red three"]).unwrap(), random(&[1, 3, model.size(), model.size()]));
    group.throughput(Throughput::Elements(1));
    group.bench_function("tiny-if, guided", |bench| bench.iter(|| model.predict_guided(&x, 500, &text, 7.0).unwrap()));
}

criterion_group!(benches, machine, layers, unet, steps);

fn main() {
    darkroom::memory::keep();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
