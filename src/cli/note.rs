//! `darkroom note`: what was observed of a run, written without the workbench.

use crate::gallery::Gallery;
use crate::recipe::RunId;
use anyhow::Result;
use std::io::Write;
use std::path::Path;

/// Write a note on a run, in place of the one it has.
#[derive(Clone, Debug, clap::Args)]
pub struct Note {
    /// The run's number.
    pub run: i64,

    /// What was observed; an empty text takes the note away.
    #[arg(allow_hyphen_values = true)]
    pub text: String,
}

/// Keeps the note; what had to be mended in the index is told on `notes`.
///
/// # Errors
/// When there is no such run, the note is too long, or it cannot be written.
pub fn note(workspace: &Path, note: &Note, notes: &mut dyn Write) -> Result<()> {
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(notes, "{sentence}"))?;
    gallery.set_note(RunId(note.run), &note.text).map(|_| ())
}
