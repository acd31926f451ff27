//! `darkroom export`: contact sheets and films of a kept run.

use crate::export::export;
use crate::gallery::Gallery;
use crate::recipe::{self, Layer, RunId};
use anyhow::Result;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make a contact sheet or a film of a run that is kept.
#[derive(Clone, Debug, clap::Args)]
pub struct Export {
    /// The run's number.
    pub run: i64,

    /// What to make of it.
    #[arg(value_enum)]
    pub what: recipe::Export,

    /// What of each step to show.
    #[arg(long, value_enum, default_value = "clean")]
    pub layer: Layer,

    /// The file to write; without it the workspace's exports folder has it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Makes it, and prints where it is; what had to be mended in the index is told on `notes`.
///
/// # Errors
/// When there is no such run, nothing of it that is asked for was kept, or the file cannot be written.
pub fn export_command(workspace: &Path, options: &Export, out: &mut dyn Write, notes: &mut dyn Write) -> Result<()> {
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(notes, "{sentence}"))?;
    let path = export(&gallery, RunId(options.run), (options.what, options.layer), options.out.as_deref())?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}
