//! `darkroom model`: what models there are, what is in one, and whether it computes what it should.

mod list;
mod pull;

use super::compute::Compute;
use crate::model::hub::amount;
use crate::model::plan::{self, Needs, Turn};
use crate::model::time::{self, Patience, Timing};
use crate::model::{Folder, Place, info, verify};
use crate::training;
use anyhow::{Result, ensure};
use candle_core::DType;
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// What to tell about models.
#[derive(Debug, clap::Subcommand)]
pub enum ModelCommand {
    /// The models that a recipe can name, their size on disk, and whether they are whole.
    List,
    /// Download a model from Hugging Face into its cache; what is there already is not downloaded again.
    Pull(pull::Pull),
    /// Parameters and sizes of a model, and what of it fits into memory; nothing is loaded.
    Info {
        /// The model: tiny-if, a folder, or a repository.
        #[arg(value_name = "MODEL")]
        model: String,
    },
    /// Time the networks of a model on this machine: a guided step of one picture, and the reading of a prompt.
    Time {
        /// The model: tiny-if, a folder (a network alone will do), or a repository.
        #[arg(value_name = "MODEL")]
        model: String,
    },
    /// Compare a network, a scheduler or a whole model with the trace.safetensors beside it, or a recorded training step; in
    /// f32, unless --dtype says otherwise.
    Verify {
        /// The folder, or the file of a recorded training step.
        #[arg(value_name = "DIR|FILE")]
        dir: PathBuf,
    },
}

/// Does it.
///
/// # Errors
/// When a folder is no model, or a verified number is farther off than it may be.
pub fn model(command: &ModelCommand, compute: &Compute, out: &mut dyn Write) -> Result<()> {
    match command {
        ModelCommand::List => list::list(out),
        ModelCommand::Pull(pull) => pull::pull(pull, out),
        ModelCommand::Info { model } => tell(&Folder::find(model)?, &compute.place()?, out),
        ModelCommand::Time { model } => timed(model, &compute.place()?, out),
        ModelCommand::Verify { dir } => {
            let dtype = if compute.dtype == "auto" { "f32" } else { &compute.dtype };
            verified(dir, &Place::parse(&compute.device, dtype)?, out)
        }
    }
}

fn tell(folder: &Folder, place: &Place, out: &mut dyn Write) -> Result<()> {
    let info = info(folder)?;
    writeln!(out, "{}: pictures of {}x{} pixels", info.name, info.size, info.size)?;
    for part in &info.parts {
        let dtypes = part.dtypes.join(", ");
        writeln!(out, "{:<13} {:>14} parameters  {:>9} on disk, {dtypes}", part.name, thousands(part.parameters), amount(part.bytes))?;
    }
    let own = folder.has("text_encoder/config.json").then_some(folder);
    let needs = Needs::of(folder, own, place)?;
    writeln!(out, "\nmemory in {}, with {} to work in for one picture", place.dtype.as_str(), amount(needs.work))?;
    for (turn, words) in TURNS {
        writeln!(out, "{:>8}  {words}", amount(needs.peak(*turn)))?;
    }
    let Some(free) = plan::free(place) else { return Ok(()) };
    let verdict = match needs.turn(free, place) {
        Ok(turn) => TURNS.iter().find(|(known, _)| *known == turn).map_or_else(String::new, |(_, words)| (*words).to_owned()),
        Err(error) => format!("it does not fit: {error}"),
    };
    writeln!(out, "here, on {} with {} free: {verdict}", place.name(), amount(free))?;
    Ok(())
}

/// How long is long enough to know how long a step takes.
const PATIENCE: Patience = Patience { least: 10, long: Duration::from_secs(5) };

fn timed(model: &str, place: &Place, out: &mut dyn Write) -> Result<()> {
    let alone = Path::new(model).join("config.json").exists();
    let folder = if alone { Folder::Dir(model.into()) } else { Folder::find(model)? };
    for Timing { what, ms, times } in time::time(&folder, place, PATIENCE)? {
        writeln!(out, "{what:<13} {ms:>10.2} ms  (the median of {times}, {})", place.title())?;
    }
    if let Some(peak) = time::peak(place) {
        writeln!(out, "{:<13} {:>13}", "at the peak", amount(peak))?;
    }
    Ok(())
}

/// The ways to share a device's memory, and what they mean.
const TURNS: &[(Turn, &str)] = &[
    (Turn::Together, "text encoder and network both stay loaded"),
    (Turn::InTurn, "the text encoder reads the prompts first, and makes room for the network"),
    (Turn::TextOnCpu, "the text encoder reads on the CPU, or embeddings take its place"),
];

fn verified(dir: &Path, place: &Place, out: &mut dyn Write) -> Result<()> {
    ensure!(dir.exists(), "there is no {}", dir.display());
    let lines = if dir.is_file() {
        ensure!(place.dtype == DType::F32 && place.device.is_cpu(), "a training step is compared in f32 on the CPU alone");
        training::verify(dir)?
    } else {
        verify::verify(dir, place)?
    };
    for line in &lines {
        let verdict = if line.holds() { "holds" } else { "TOO FAR" };
        writeln!(out, "{:<36} {:.2e}  {verdict} (at most {:.1e})", line.name, line.error, line.tolerance)?;
    }
    // A NaN, whatever its sign, is the largest of all errors.
    let largest = lines.iter().map(|line| line.error).fold(0.0, |largest: f64, error| if error <= largest { largest } else { error });
    writeln!(out, "max relative error: {largest:.2e}")?;
    let far = lines.iter().filter(|line| !line.holds()).count();
    ensure!(far == 0 && !lines.is_empty(), "{far} of {} tensors are farther off than they may be", lines.len());
    Ok(())
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}
