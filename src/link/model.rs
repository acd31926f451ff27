//! Models as a viewer hears of them: those on the engine's machine, and the one that is on its way there.

use serde::{Deserialize, Serialize};

/// A model that a recipe can name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// What a recipe calls it.
    pub name: String,
    /// Where it lies.
    pub home: Home,
    /// Its folder; empty for the one that is built in.
    pub path: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Width and height of its pictures in pixels, where its config can be read.
    pub side: Option<u32>,
    /// Whether it enlarges pictures: stage II.
    pub enlarges: bool,
    /// The parts that it lacks, in full or in part.
    pub missing: Vec<String>,
}

/// Where a model lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Home {
    /// In the program itself.
    BuiltIn,
    /// In the folder of models.
    Folder,
    /// In the cache that all programs share which pull from Hugging Face.
    Cache,
}

/// How far the download of a model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pulling {
    /// The repository.
    pub repository: String,
    /// The file that is under way; empty while there is none.
    pub file: String,
    /// Bytes of the file that are here.
    pub at: u64,
    /// All of the file's bytes.
    pub size: u64,
    /// How many files are here.
    pub number: u32,
    /// How many there will be; 0 until the hub has said it.
    pub of: u32,
    /// Bytes of all files that are here.
    pub bytes: u64,
    /// All bytes of all files.
    pub total: u64,
    /// What is done at the moment.
    pub doing: Doing,
}

/// What a download does at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Doing {
    /// It asks the hub for the list of files.
    Asks,
    /// Bytes arrive.
    Fetches,
    /// The connection broke off, and why; it is made again.
    Waits(String),
    /// The file is read once more, to see whether it is the one that was published.
    Checks,
    /// It was told to break off, and will at its next breath.
    Stops,
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullEnd {
    /// The model is there.
    Done,
    /// It is not, and the reason is told.
    Failed,
    /// It was broken off; what has arrived is kept.
    Stopped,
}
