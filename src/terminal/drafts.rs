//! Unfinished drawings and notes on the disk: a lost connection or a kill costs the stroke or the word in progress.

use crate::app::canvas::Sheet;
use crate::app::{Draft, NoteDraft, Place};
use crate::atomic;
use crate::recipe;
use crate::recipe::RunId;
use anyhow::Result;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The longest side of a drawing that is read back, in pixels.
const MAX_SIDE: u32 = 1024;
/// The most bytes of a note that is read back: the gallery takes no more.
const MAX_NOTE: u64 = 64 << 10;

/// The drafts in a folder. What is none, or is none any more, is passed over.
pub fn load(folder: &Path) -> Vec<Draft> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| read(&file.path())).collect()
}

/// The notes in a folder that were not saved.
pub fn notes(folder: &Path) -> Vec<NoteDraft> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let note = |path: PathBuf| {
        let run = path.file_name()?.to_str()?.strip_prefix("note.")?.strip_suffix(".txt")?.parse().ok().map(RunId)?;
        let size = fs::metadata(&path).ok()?.len();
        let text = if size <= MAX_NOTE { fs::read_to_string(path).ok() } else { None };
        Some(NoteDraft { run, text: Some(text?) })
    };
    files.filter_map(|file| note(file.path())).collect()
}

/// Writes a note that is not saved, or takes it away once it is.
///
/// # Errors
/// One sentence, when the folder cannot be written.
pub fn save_note(folder: &Path, draft: &NoteDraft) -> Result<()> {
    write(folder, &format!("note.{}.txt", draft.run.0), draft.text.as_ref().map(|text| text.as_bytes()))
}

/// Writes a draft, or takes it away where it is done with.
///
/// # Errors
/// One sentence, when the folder cannot be written.
pub fn save(folder: &Path, draft: &Draft) -> Result<()> {
    let Place { experiment, field, size: (width, height) } = &draft.place;
    let png = draft.sheet.as_ref().map(|sheet| {
        let mut png = Cursor::new(Vec::new());
        let format = image::ImageFormat::Png;
        image::write_buffer_with_format(&mut png, &sheet.to_rgb(), *width, *height, image::ColorType::Rgb8, format)?;
        anyhow::Ok(png.into_inner())
    });
    write(folder, &format!("{experiment}.{field}.{width}x{height}.png"), png.transpose()?.as_deref())
}

fn write(folder: &Path, name: &str, bytes: Option<&[u8]>) -> Result<()> {
    let path = folder.join(name);
    let Some(bytes) = bytes else {
        // There may never have been one.
        let _ = fs::remove_file(path);
        return Ok(());
    };
    atomic::make_folder(folder)?;
    atomic::write_soon(&path, bytes)
}

fn read(path: &Path) -> Option<Draft> {
    let (place, _) = path.file_name()?.to_str()?.strip_suffix(".png")?.rsplit_once('.')?;
    let (experiment, field) = place.split_once('.')?;
    let takes_picture = |known: &recipe::Field| known.name == field && matches!(known.kind, recipe::Kind::Image | recipe::Kind::Mask);
    recipe::fields(experiment).ok()?.iter().find(|known| takes_picture(known))?;
    let mut reader = image::ImageReader::open(path).ok()?;
    reader.set_format(image::ImageFormat::Png);
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    reader.limits(limits);
    let picture = reader.decode().ok()?.into_rgb8();
    let sheet = Sheet::from_rgb(picture.width(), picture.height(), picture.as_raw())?;
    let place = Place { experiment: experiment.to_owned(), field: field.to_owned(), size: sheet.size() };
    Some(Draft { place, sheet: Some(sheet) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_comes_back_until_it_is_done_with() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("drafts");
        assert_eq!(load(&folder), [], "there is no folder yet");
        let rgb: Vec<u8> = (0..8 * 6 * 3).collect();
        let place = Place { experiment: "inpaint".to_owned(), field: "mask".to_owned(), size: (8, 6) };
        let draft = Draft { place, sheet: Sheet::from_rgb(8, 6, &rgb) };
        save(&folder, &draft).unwrap();
        for (name, bytes) in [("inpaint.seed.8x6.png", "x"), ("inpaint.image.8x6.png", "no picture"), ("x.png", ""), ("notes.txt", "")] {
            fs::write(folder.join(name), bytes).unwrap();
        }
        assert_eq!(load(&folder), std::slice::from_ref(&draft), "and nothing else is one");
        save(&folder, &Draft { sheet: None, ..draft.clone() }).unwrap();
        assert_eq!(load(&folder), []);
        let note = NoteDraft { run: RunId(142), text: Some("richer\ndetail".to_owned()) };
        save_note(&folder, &note).unwrap();
        fs::write(folder.join("note.x.txt"), "").unwrap();
        assert_eq!((notes(&folder), load(&folder)), (vec![note.clone()], vec![]));
        save_note(&folder, &NoteDraft { text: None, ..note }).unwrap();
        assert_eq!(notes(&folder), []);
        fs::write(folder.join("full"), "").unwrap();
        let error = save(&folder.join("full"), &draft).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
    }
}
