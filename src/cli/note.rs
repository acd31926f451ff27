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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::recipe::{Grid, Recipe};

    #[test]
    fn a_note_is_written_changed_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        gallery.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
        let write = |run, text: &str| note(folder.path(), &Note { run, text: text.to_owned() }, &mut Vec::new());
        for (text, kept) in [("-5 steps: blurred", Some("-5 steps: blurred")), ("crisp", Some("crisp")), ("", None)] {
            write(1, text).unwrap();
            assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().note.as_deref(), kept);
        }
        assert_eq!(write(9, "x").unwrap_err().to_string(), "there is no run 9");
    }
}
