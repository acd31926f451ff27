//! Large pictures made small once, and kept so.
//!
//! `thumbs/` has [`SLOTS`] places, and a picture's number says which is its own. So it never grows beyond some hundred
//! megabytes, whatever the gallery does. A file there says of which bytes it was made: a picture that is written again is another
//! file, and its thumbnail is made again.

use super::{Gallery, picture};
use crate::atomic::{self, make_folder, write_soon};
use crate::recipe::RunId;
use anyhow::{Context, Result, anyhow, ensure};
use image::RgbImage;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longer side of what is kept, in pixels; larger pictures are read from the run.
pub const SIDE: u32 = 256;
/// How many are kept; each has at most 200 kB.
const SLOTS: u64 = 4096;
/// The text in a thumbnail that says what it was made of.
const SOURCE: &str = "source";

impl Gallery {
    /// A picture of a run, counted from 0, made smaller where its longer side is above `side` pixels; up to 256 from what is
    /// kept, where the picture itself is larger than that.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn thumbnail(&self, id: RunId, index: usize, side: u32) -> Result<RgbImage> {
        let path = self.picture_path(id, index);
        let cannot = |why: anyhow::Error| anyhow!("cannot read the picture {}: {why}", path.display());
        let file = File::open(&path).map_err(|error| cannot(anyhow!(atomic::reason(&error))))?;
        let (width, height) = picture::size(&file).map_err(cannot)?;
        if side > SIDE || width.max(height) <= SIDE {
            return Ok(picture::shrink(picture::decode(&file).map_err(cannot)?, side));
        }
        // Of the open file: whatever takes its name meanwhile, these are the bytes that are read.
        let source = source(&file, (id, index)).map_err(cannot)?;
        let kept = slot(&self.workspace, id, index);
        let thumb = match read(&kept, &source) {
            Ok(thumb) => thumb,
            Err(_) => {
                let thumb = picture::shrink(picture::decode(&file).map_err(cannot)?, SIDE);
                // A disk that takes none makes the next look slower, and is no trouble of this one's.
                let _ = make_folder(&self.workspace.join("thumbs"))
                    .and_then(|()| write_soon(&kept, &picture::encode(&thumb, &[(SOURCE, &source)])?));
                thumb
            }
        };
        Ok(picture::shrink(thumb, side))
    }
}

/// Deletes the thumbnails of a run's pictures, which lie in `folder`.
pub(super) fn forget(workspace: &Path, id: RunId, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let number = entry.file_name().to_string_lossy().strip_suffix(".png").and_then(|number| number.parse::<usize>().ok());
        if let Some(index) = number.and_then(|number| number.checked_sub(1)) {
            let _ = fs::remove_file(slot(workspace, id, index));
        }
    }
}

/// The place of a picture. The first eight of each of twenty runs in a row all have their own.
fn slot(workspace: &Path, id: RunId, index: usize) -> PathBuf {
    let number = (id.0 as u64).wrapping_add((index as u64).wrapping_mul(SLOTS / 8 - 3)) % SLOTS;
    workspace.join("thumbs").join(format!("{number:04x}.png"))
}

/// Which picture, and which of the files that had its name.
fn source(file: &File, (id, index): (RunId, usize)) -> Result<String> {
    let file = file.metadata()?;
    Ok(format!("{id}/{index} {}.{:09} {} {}", file.mtime(), file.mtime_nsec(), file.len(), file.ino()))
}

/// What is kept, if it was made of this.
fn read(path: &Path, source: &str) -> Result<RgbImage> {
    let file = File::open(path)?;
    let reader = png::Decoder::new_with_limits(BufReader::new(&file), png::Limits { bytes: 1 << 20 }).read_info()?;
    let info = reader.info();
    let made_of = info.uncompressed_latin1_text.iter().find(|chunk| chunk.keyword == SOURCE).context("it does not say of what")?;
    ensure!(made_of.text == source, "it is another picture's");
    ensure!(info.width.max(info.height) <= SIDE, "it is no thumbnail");
    picture::decode(&file)
}
