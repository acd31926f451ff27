//! `darkroom history --import`: pictures that other programs have made, and darkroom's own from another workspace.

use crate::gallery::{Gallery, Imported};
use crate::words::sentence;
use anyhow::{Result, ensure};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The longest value that is shown of what could not be taken over, in characters; the gallery keeps the whole.
const MAX_SHOWN: usize = 100;

/// Takes every file into the gallery and says of each what it is now, and what of its recipe has no place here.
///
/// # Errors
/// When a file cannot be imported, after the others; each is told on `notes`. When `out` cannot be written.
pub fn import(gallery: &Gallery, files: &[PathBuf], json: bool, (out, notes): (&mut dyn Write, &mut dyn Write)) -> Result<()> {
    let mut failed = 0;
    for file in files {
        match gallery.import(file) {
            Ok(imported) if json => writeln!(out, "{}", as_json(file, &imported))?,
            Ok(imported) => tell(file, &imported, out)?,
            Err(error) => {
                failed += 1;
                writeln!(notes, "{}", sentence(&error))?;
            }
        }
    }
    ensure!(
        failed == 0,
        "{failed} of {} could not be imported",
        if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) }
    );
    Ok(())
}

fn as_json(file: &Path, Imported { run, fields, known }: &Imported) -> serde_json::Value {
    json!({ "event": "imported", "file": file.to_string_lossy(), "run": run.id, "known": known, "fields": fields, "foreign": run.foreign })
}

fn tell(file: &Path, Imported { run, fields, known }: &Imported, out: &mut dyn Write) -> Result<()> {
    let name = plain(&file.to_string_lossy());
    if *known {
        writeln!(out, "{name} is here already, as run {}", run.id)?;
        return Ok(());
    }
    let Some(foreign) = &run.foreign else { return Ok(()) };
    let model = foreign.model.as_deref().map(|model| format!(" with {}", plain(&cut(model)))).unwrap_or_default();
    let (width, height) = foreign.size;
    let fields = if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
    writeln!(out, "{name} is run {}, made by {}{model}, {width}x{height}; taken over: {fields}", run.id, plain(&foreign.program))?;
    for unmapped in &foreign.unmapped {
        writeln!(out, "  not taken over: {}", plain(&cut(unmapped)))?;
    }
    Ok(())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// It comes from a file, and may hold a terminal's control sequences.
fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gallery::encode;
    use image::RgbImage;

    #[test]
    fn every_file_is_told_of_and_one_that_cannot_be_read_does_not_stop_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (gallery, _) = Gallery::open(&folder.path().join("workspace")).unwrap();
        let text = "a \u{1b}[2Jfox\nNegative prompt: bl\u{1b}urry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 11, Model: Deliberate";
        let good = folder.path().join("fox.png");
        std::fs::write(&good, encode(&RgbImage::new(8, 8), &[("parameters", text)]).unwrap()).unwrap();
        let bad = folder.path().join("bad.png");
        std::fs::write(&bad, "no picture").unwrap();
        let run = |files: &[&PathBuf], json| {
            let (mut out, mut notes) = (Vec::new(), Vec::new());
            let files: Vec<_> = files.iter().map(|file| (*file).clone()).collect();
            let done = import(&gallery, &files, json, (&mut out, &mut notes));
            (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap(), done.err().map(|error| error.to_string()))
        };
        let (out, notes, error) = run(&[&bad, &good, &good], false);
        let name = good.display();
        let told = format!(
            "{name} is run 1, made by A1111 with Deliberate, 8x8; taken over: prompt, seed, steps, guidance\n  \
             not taken over: model: Deliberate\n  not taken over: size: 8x8\n  \
             not taken over: negative prompt: bl\\u{{1b}}urry\n  not taken over: Sampler: Euler a\n{name} is here already, as run 1\n"
        );
        assert_eq!(out, told);
        assert_eq!(notes, format!("{} cannot be imported: it is no PNG file, and only those are read\n", bad.display()));
        assert_eq!(error.as_deref(), Some("1 of 3 files could not be imported"));
        let (out, _, error) = run(&[&good], true);
        let line: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&line["run"], &line["known"], &line["foreign"]["model"]), (&json!(1), &json!(true), &json!("Deliberate")));
        assert_eq!(error, None);
    }
}
