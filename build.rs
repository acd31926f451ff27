//! Compiles the GPU's kernels where the program is built for one.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;
use std::{env, error::Error};

const SOURCES: &str = "src/network/ops/gpu";
/// The oldest chip that CUDA 13 knows: the driver takes it further to the one there is.
const CHIP: &str = "compute_75";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCES}");
    for variable in ["NVCC", "NVCC_CCBIN", "CUDA_HOME"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    let home = |home: PathBuf| home.join("bin/nvcc");
    // Where candle looks for it, in the same order.
    let places = [
        env::var_os("NVCC").map(PathBuf::from),
        Some("nvcc".into()),
        env::var_os("CUDA_HOME").map(|path| home(path.into())),
        Some(home("/usr/local/cuda".into())),
    ];
    let ptx = PathBuf::from(env::var("OUT_DIR")?).join("kernels.ptx");
    for nvcc in places.into_iter().flatten() {
        let mut compile = Command::new(&nvcc);
        compile.args(["--ptx", "-O3", "-arch", CHIP, "-o"]).arg(&ptx).arg(format!("{SOURCES}/kernels.cu"));
        compile.args(env::var_os("NVCC_CCBIN").into_iter().flat_map(|compiler| ["-ccbin".into(), compiler]));
        match compile.status() {
            Ok(done) if done.success() => return Ok(()),
            Ok(_) => return Err(format!("{} could not compile the GPU's kernels", nvcc.display()).into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", nvcc.display()).into()),
        }
    }
    Err("the feature cuda needs nvcc: put it on PATH, or name its toolkit in CUDA_HOME".into())
}
