//! The networks of part B and their optimizer against PyTorch's recorded training steps.
#![allow(clippy::unwrap_used, clippy::panic)]

use darkroom::training::verify;
use std::path::Path;

#[test]
fn a_training_step_is_pytorchs_down_to_every_gradient() {
    for name in ["class", "time-flow"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(format!("cs180-{name}.safetensors"));
        let lines = verify(&path).unwrap();
        let far: Vec<_> = lines.iter().filter(|line| !line.holds()).collect();
        assert!(far.is_empty(), "{name}: {far:?}");
        for kind in ["train.out", "train.loss", "stats.", "grad0.", "final.", "eval.out"] {
            assert!(lines.iter().any(|line| line.name.starts_with(kind)), "{kind}");
        }
    }
}

#[test]
fn what_is_no_recorded_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step.safetensors");
    assert!(verify(&path).unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&path, b"not a step").unwrap();
    assert!(verify(&path).unwrap_err().to_string().contains("holds no recorded training step"));
}
