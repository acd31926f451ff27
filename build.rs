//! Compiles the GPU's kernels where the program is built for one.

use std::path::PathBuf;
use std::process::Command;
use std::{env, error::Error};

const SOURCES: &str = "src/network/ops/gpu";
/// The oldest chip that CUDA 13 knows: the driver takes it further to the one there is.
const CHIP: &str = "compute_75";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCES}");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    let nvcc = env::var_os("CUDA_HOME").map_or("nvcc".into(), |home| PathBuf::from(home).join("bin/nvcc"));
    let ptx = PathBuf::from(env::var("OUT_DIR")?).join("kernels.ptx");
    let mut compile = Command::new(&nvcc);
    compile.args(["--ptx", "-O3", "-arch", CHIP, "-o"]).arg(ptx).arg(format!("{SOURCES}/kernels.cu"));
    let done = compile.status().map_err(|error| format!("the feature cuda needs {}: {error}", nvcc.display()))?;
    if !done.success() {
        return Err(format!("{} could not compile the GPU's kernels", nvcc.display()).into());
    }
    Ok(())
}
