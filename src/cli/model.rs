//! `darkroom model`: what models there are, what is in one, and whether it computes what it should.

use crate::model::{EMBEDDED, Folder, info, models_dir, verify};
use crate::training;
use anyhow::{Result, ensure};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What to tell about models.
#[derive(Debug, clap::Subcommand)]
pub enum ModelCommand {
    /// The models that a recipe can name.
    List,
    /// Parameters, sizes and memory of a model; nothing is loaded.
    Info {
        /// The model: a folder, or tiny-if.
        #[arg(value_name = "DIR")]
        model: String,
    },
    /// Compare a network, a scheduler or a whole model with the trace.safetensors beside it, or a recorded training step.
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
pub fn model(command: &ModelCommand, out: &mut dyn Write) -> Result<()> {
    match command {
        ModelCommand::List => list(out),
        ModelCommand::Info { model } => tell(&info(&Folder::find(model)?)?, out),
        ModelCommand::Verify { dir } => verified(dir, out),
    }
}

fn list(out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{EMBEDDED}  built in")?;
    let folders = models_dir().and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).filter(|path| path.join("model_index.json").is_file()).collect();
    folders.sort();
    for path in folders {
        writeln!(out, "{}  {}", Folder::Dir(path.clone()).name(), path.display())?;
    }
    Ok(())
}

fn tell(info: &crate::model::Info, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}: pictures of {}x{} pixels", info.name, info.size, info.size)?;
    for part in &info.parts {
        let dtypes = part.dtypes.join(", ");
        writeln!(out, "{:<13} {:>14} parameters  {:>9} on disk, {dtypes}", part.name, thousands(part.parameters), megabytes(part.bytes))?;
    }
    writeln!(out, "{:<13} {:>38} as f32 on the CPU", "memory", megabytes(info.memory()))?;
    Ok(())
}

fn verified(dir: &Path, out: &mut dyn Write) -> Result<()> {
    ensure!(dir.exists(), "there is no {}", dir.display());
    let lines = if dir.is_file() { training::verify(dir)? } else { verify::verify(dir)? };
    for line in &lines {
        let verdict = if line.holds() { "holds" } else { "TOO FAR" };
        writeln!(out, "{:<36} {:.2e}  {verdict} (at most {:.0e})", line.name, line.error, line.tolerance)?;
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

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
