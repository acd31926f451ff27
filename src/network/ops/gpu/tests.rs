//! The operators on a GPU beside the same on the CPU, wherever there is a GPU.

use super::super::{After, GroupNorm, Kernel, attend, double, halve};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The first GPU. Without one there is nothing to compare, and the tests say so.
fn gpu() -> Option<Device> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    let open = || Device::new_cuda_with_stream(0).inspect_err(|error| eprintln!("nothing is compared: {error}")).ok();
    GPU.get_or_init(open).clone()
}

fn random(mean: f32, shape: &[usize]) -> Tensor {
    Tensor::randn(mean, 1.0, shape, &Device::Cpu).unwrap()
}

/// How far what `f` makes on the GPU is from what it makes on the CPU of the same numbers, as a share of the largest, in units of
/// what a type rounds to.
fn off(gpu: &Device, dtype: DType, inputs: &[&Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> f32 {
    let on = |device: &Device| {
        let inputs: Vec<Tensor> = inputs.iter().map(|x| x.to_dtype(dtype).unwrap().to_device(device).unwrap()).collect();
        f(&inputs).unwrap().to_device(&Device::Cpu).unwrap().to_dtype(DType::F32).unwrap()
    };
    let (ours, theirs) = (on(gpu), on(&Device::Cpu));
    assert_eq!(ours.dims(), theirs.dims());
    let largest = |x: &Tensor| x.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    let unit = match dtype {
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        _ => 1e-5,
    };
    largest(&(&ours - &theirs).unwrap()) / largest(&theirs).max(1e-3) / unit
}

fn any_dtype() -> impl Strategy<Value = DType> {
    prop_oneof![Just(DType::F32), Just(DType::F16), Just(DType::BF16)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn kernels_are_the_cpus(
        dtype in any_dtype(), b in 1..3usize, (h, w) in (1..20usize, 1..20usize), (from, to) in (1..40usize, 1..40usize), reach in 0..3usize,
    ) {
        let Some(gpu) = gpu() else { return Ok(()) };
        let side = 2 * reach + 1;
        let inputs = [random(0.0, &[b, h, w, from]), random(0.0, &[to, from, side, side]), random(0.0, &[to]), random(0.0, &[b, h, w, to])];
        let off = off(&gpu, dtype, &inputs.each_ref(), |x| Kernel::new(&x[1], &x[2], h * w)?.forward(&x[0], Some(&x[3])));
        prop_assert!(off < 4.0, "{off}");
    }

    #[test]
    fn normalisations_are_the_cpus(
        dtype in any_dtype(), b in 1..3usize, (h, w) in (1..40usize, 1..14usize), (groups, size) in (1..9usize, 2..90usize), mean in -2f32..2.0, gelu: bool, modulated: bool, faint: bool,
    ) {
        let Some(gpu) = gpu() else { return Ok(()) };
        let channels = groups * size;
        // Of faint numbers the epsilon is most of the deviation.
        let x = (random(mean, &[b, h, w, channels]) * if faint { 1e-3 } else { 1.0 }).unwrap();
        let inputs = [x, random(1.0, &[channels]), random(0.0, &[channels]), random(0.0, &[b, 2 * channels])];
        let off = off(&gpu, dtype, &inputs.each_ref(), |x| {
            let parameters = HashMap::from([("weight".to_owned(), x[1].clone()), ("bias".to_owned(), x[2].clone())]);
            let norm = GroupNorm::new(groups, channels, 1e-5, VarBuilder::from_tensors(parameters, dtype, x[0].device()))?;
            norm.forward(&x[0], After { modulation: modulated.then_some(&x[3]), gelu })
        });
        prop_assert!(off < 8.0, "{off}");
    }

    #[test]
    fn attention_is_the_cpus(
        dtype in any_dtype(), b in 1..3usize, (n, m) in (1..300usize, 1..90usize), (heads, head) in (1..5usize, 1..70usize),
    ) {
        let Some(gpu) = gpu() else { return Ok(()) };
        let c = heads * head;
        let off = off(&gpu, dtype, &[&random(0.0, &[b, n, 3 * c]), &random(0.0, &[b, m, 2 * c])], |x| attend(&x[0], &x[1], head));
        prop_assert!(off < 8.0, "{off}");
    }

    #[test]
    fn sizes_are_the_cpus(dtype in any_dtype(), b in 1..4usize, (h, w) in (2..30usize, 2..30usize), c in 1..20usize) {
        let Some(gpu) = gpu() else { return Ok(()) };
        let x = random(0.0, &[b, h, w, c]);
        prop_assert!(off(&gpu, dtype, &[&x], |x| halve(&x[0])) < 2.0);
        prop_assert!(off(&gpu, dtype, &[&x], |x| double(&x[0])) == 0.0);
    }
}

#[test]
fn large_pictures_are_gathered_and_looked_at_in_parts() {
    let Some(gpu) = gpu() else { return };
    // 128² neighbourhoods of 9 · 64 floats are 38 MB, and so are the scores of 2 heads and 2048 pixels.
    let inputs = [random(0.0, &[1, 128, 128, 64]), random(0.0, &[8, 64, 3, 3]), random(0.0, &[8])];
    assert!(off(&gpu, DType::F32, &inputs.each_ref(), |x| Kernel::new(&x[1], &x[2], 128 * 128)?.forward(&x[0], None)) < 4.0);
    let inputs = [random(0.0, &[1, 2200, 48]), random(0.0, &[1, 5, 32])];
    assert!(off(&gpu, DType::F32, &inputs.each_ref(), |x| attend(&x[0], &x[1], 8)) < 8.0);
}
