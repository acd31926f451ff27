//! Our numbers beside diffusers', transformers' and PyTorch's, on small recorded cases (tests/cases/README.md).
#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor, safetensors::load};
use darkroom::diffusion::{Schedule, forward};
use darkroom::model::verify::verify;
use std::{fs, path::Path};

fn case(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn holds(name: &str) {
    let lines = verify(&case(name)).unwrap();
    assert!(!lines.is_empty());
    for line in &lines {
        assert!(line.holds(), "{name}: {} is off by {:e}", line.name, line.error);
    }
}

#[test]
fn the_networks_of_both_stages_and_the_text_encoder_match() {
    ["if-unet-stage1", "if-unet-stage2", "t5-encoder"].into_iter().for_each(holds);
}

#[test]
fn the_samplers_match() {
    ["ddpm-learned-range", "ddpm-clip", "ddim-eta0", "ddim-eta1"].into_iter().for_each(holds);
}

#[test]
fn a_trace_that_disagrees_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(case("ddpm-learned-range/scheduler_config.json")).unwrap();
    fs::write(dir.path().join("scheduler_config.json"), config.replace("squaredcos_cap_v2", "linear")).unwrap();
    fs::copy(case("ddpm-learned-range/trace.safetensors"), dir.path().join("trace.safetensors")).unwrap();
    assert!(verify(dir.path()).unwrap().iter().any(|line| !line.holds()));
}

#[test]
fn the_forward_process_matches_on_both_schedules() {
    for (name, schedule) in [("squaredcos_cap_v2", Schedule::squaredcos_cap_v2(1000)), ("linear_300", Schedule::linear(300, 1e-4, 0.02))] {
        let trace = load(case("forward").join(name).join("trace.safetensors"), &Device::Cpu).unwrap();
        let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (i, t) in trace["t"].to_vec1::<i64>().unwrap().into_iter().enumerate() {
            let ours = forward(&schedule, &trace["x0"].get(i).unwrap(), Some(t as usize), &trace["noise"].get(i).unwrap()).unwrap();
            let far = numbers(&ours).iter().zip(numbers(&trace["xt"].get(i).unwrap())).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 1e-5, "{name} at {t}: {far}");
        }
    }
}
