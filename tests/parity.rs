//! Our numbers beside diffusers', transformers' and PyTorch's, on small recorded cases (tests/cases/README.md).
#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor, safetensors::load};
use darkroom::diffusion::{Schedule, forward};
use darkroom::model::Place;
use darkroom::model::verify::{Line, verify};
use std::{fs, path::Path, process::Command};

fn case(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn holds(name: &str) {
    holds_in(name, "f32");
}

fn holds_in(name: &str, dtype: &str) {
    holds_at(name, &Place::parse("cpu", dtype).unwrap());
}

fn holds_at(name: &str, place: &Place) {
    let lines = verify(&case(name), place).unwrap();
    assert!(!lines.is_empty());
    for line in &lines {
        let Line { name: tensor, error, tolerance } = line;
        assert!(line.holds(), "{name} on {}: {tensor} is off by {error:e}, more than {tolerance:e}", place.title());
    }
}

const NETWORKS: [&str; 3] = ["if-unet-stage1", "if-unet-stage2", "t5-encoder"];

#[test]
fn the_networks_of_both_stages_and_the_text_encoder_match() {
    NETWORKS.into_iter().for_each(holds);
}

#[test]
fn in_half_precision_they_are_hardly_farther_off_than_pytorch_is() {
    for dtype in ["f16", "bf16"] {
        NETWORKS.into_iter().for_each(|name| holds_in(name, dtype));
    }
}

/// Wherever there is a GPU.
#[cfg(feature = "cuda")]
#[test]
fn on_a_gpu_they_match_too() {
    for dtype in ["f32", "f16", "bf16"] {
        match Place::parse("cuda", dtype) {
            Ok(place) => NETWORKS.into_iter().for_each(|name| holds_at(name, &place)),
            Err(error) => return eprintln!("nothing is compared: {error:#}"),
        }
    }
}

#[test]
fn half_precision_needs_a_trace_that_says_how_far_it_may_be_off() {
    let place = Place::parse("cpu", "f16").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        fs::copy(case("if-unet-stage1").join(file), dir.path().join(file)).unwrap();
    }
    let tensors = load(case("if-unet-stage1/trace.safetensors"), &Device::Cpu).unwrap();
    candle_core::safetensors::save(&tensors, dir.path().join("trace.safetensors")).unwrap();
    assert!(verify(dir.path(), &Place::cpu()).is_ok());
    let error = verify(dir.path(), &place).unwrap_err().to_string();
    assert!(error.contains("float16_error"), "{error}");
    assert!(verify(&case("ddpm-clip"), &place).unwrap().iter().all(|line| line.holds()), "a scheduler is in f32 whatever the place");
}

#[test]
fn the_command_line_compares_in_the_precision_and_on_the_device_that_it_is_asked_for() {
    let verify = |name: &str, words: &[&str]| {
        let end = Command::new(env!("CARGO_BIN_EXE_darkroom")).args(["model", "verify"]).arg(case(name)).args(words).output().unwrap();
        (end.status.success(), String::from_utf8(end.stdout).unwrap() + &String::from_utf8(end.stderr).unwrap())
    };
    let (holds, told) = verify("if-unet-stage1", &["--dtype", "f16"]);
    assert!(holds && told.contains("(at most 1.6e-2)"), "{told}");
    for (name, words, wrong) in [
        ("if-unet-stage1", ["--dtype", "f8"], "there is no precision 'f8'"),
        ("if-unet-stage1", ["--device", "tpu"], "there is no device 'tpu'"),
        ("cs180-class.safetensors", ["--dtype", "bf16"], "in f32 on the CPU alone"),
    ] {
        let (holds, told) = verify(name, &words);
        assert!(!holds && told.contains(wrong) && told.lines().count() == 1, "{told}");
    }
    if cfg!(not(feature = "cuda")) {
        let (holds, told) = verify("if-unet-stage1", &["--device", "cuda:0"]);
        assert!(!holds && told.contains("cargo build --release --features cuda"), "{told}");
    }
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
    assert!(verify(dir.path(), &Place::cpu()).unwrap().iter().any(|line| !line.holds()));
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
