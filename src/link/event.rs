//! What an engine tells its viewers.
//!
//! Facts are small and lossless. Pictures follow behind them as [`Chunk`](Event::Chunk)s, and a live frame is sent only
//! to a viewer that has asked for one of its run with [`NextFrame`](super::Command::NextFrame) since it got the last.

use super::{Bytes, Loading, Model, PictureHead, PullEnd, Pulling};
use crate::recipe::{Kin, Numbers, Point, Run, RunId, Table};
use serde::{Deserialize, Serialize};

/// What the engine tells a viewer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The answer to [`Command::Hello`](super::Command::Hello).
    Hello {
        /// The engine's [`PROTOCOL`](super::PROTOCOL).
        protocol: u32,
        /// The version of its program.
        version: String,
        /// Its process.
        pid: u32,
        /// When it started, in milliseconds since 1970.
        started_ms: i64,
        /// Milliseconds a model call of the embedded model takes, as last measured here.
        pace_ms: Option<f64>,
        /// Where its workers compute, a word or two for each: `cuda f16`.
        places: Vec<String>,
        /// The folder with its gallery, on its machine.
        #[serde(default)]
        workspace: String,
        /// How many commands that change something it has heard of this viewer; none where it does not know it.
        #[serde(default)]
        heard: Option<u64>,
    },
    /// The engine has heard a command that changes something, and will do it as long as it lives.
    Heard {
        /// Which of the viewer's, from 1.
        number: u64,
    },
    /// Nothing else was to be said for a while: the engine is still there.
    Ping,
    /// The engine closes this connection, and why.
    Refused {
        /// One sentence.
        reason: String,
    },
    /// The engine closes this connection, and why; the viewer may come again at once.
    SentAway {
        /// One sentence.
        reason: String,
    },
    /// Every run that is not finished, in the order of the queue; follows `Hello`.
    Queue {
        /// The runs.
        runs: Vec<Run>,
    },
    /// The queue is held, or goes on; follows `Hello`.
    Held {
        /// Whether nothing begins until somebody lets it go on.
        held: bool,
    },
    /// Every run that is not finished has this place now.
    Order {
        /// In the order of the queue.
        runs: Vec<RunId>,
    },
    /// The answer to [`Command::Submit`](super::Command::Submit): its runs have the numbers from `first` to `last`, in the order of
    /// its recipes.
    Submitted {
        /// The first run.
        first: RunId,
        /// The last run.
        last: RunId,
    },
    /// A run is new or stands elsewhere than before.
    Run {
        /// The run as it is now.
        run: Run,
    },
    /// A run waits for its model.
    Loading {
        /// Whose.
        run: RunId,
        /// How far it is on its way into memory.
        loading: Loading,
    },
    /// A run has made a step.
    Step {
        /// Whose.
        run: RunId,
        /// The place in the list of timesteps, from 0.
        index: u32,
        /// The length of the list.
        of: u32,
        /// The timestep.
        t: u32,
        /// How long the step took, in milliseconds.
        ms: f64,
    },
    /// A training has made a step; follows its [`Event::Step`].
    Taught {
        /// Whose.
        run: RunId,
        /// What the step was like.
        point: Point,
        /// Steps of an epoch.
        per_epoch: u32,
        /// Bytes of memory that the engine takes, where the system tells.
        memory: Option<u64>,
    },
    /// A training has drawn samples: one more of its pictures is there.
    Sampled {
        /// Whose.
        run: RunId,
        /// Which of its pictures, from 0.
        index: u32,
    },
    /// The answer to [`Command::Curve`](super::Command::Curve).
    Curve {
        /// Whose.
        run: RunId,
        /// In the order of the steps, at most [`POINTS`].
        points: Vec<Point>,
        /// Whether there are more behind them.
        more: bool,
    },
    /// A line for the log.
    Log {
        /// When, in milliseconds since 1970.
        time_ms: i64,
        /// One sentence.
        text: String,
    },
    /// A command could not be done, and why.
    Error {
        /// One sentence.
        text: String,
    },
    /// A command that had a ticket could not be done, and why.
    Failed {
        /// The one of the command.
        ticket: u32,
        /// One sentence.
        text: String,
    },
    /// The answer to [`Command::History`](super::Command::History).
    History {
        /// The search that it answers.
        search: String,
        /// Newest first.
        runs: Vec<Run>,
        /// How many finished runs match in all.
        total: u64,
    },
    /// The answer to [`Command::Find`](super::Command::Find); where the filter cannot be understood it is [`Event::Failed`].
    Found {
        /// The one of the request.
        ticket: u32,
        /// How many were left out at the beginning.
        from: u64,
        /// Newest first; fewer than asked for where they would not fit into a packet.
        runs: Vec<Run>,
        /// How many finished runs match in all.
        total: u64,
    },
    /// Runs are in the trash.
    Gone {
        /// Which.
        runs: Vec<RunId>,
    },
    /// The answer to [`Command::Kin`](super::Command::Kin).
    Kin {
        /// The one of the request.
        ticket: u32,
        /// Whose.
        run: RunId,
        /// Its relatives.
        kin: Kin,
    },
    /// The answer to [`Command::Table`](super::Command::Table).
    Table {
        /// The one of the request.
        ticket: u32,
        /// The sweep.
        table: Table,
    },
    /// The numbers behind a step, an answer to [`Command::Inspect`](super::Command::Inspect).
    Numbers {
        /// The step.
        numbers: Numbers,
    },
    /// The answer to [`Command::Keep`](super::Command::Keep): what to write into the form.
    Kept {
        /// The one of the request.
        ticket: u32,
        /// The kept input, `drawing@sha256:…`.
        image: String,
    },
    /// A picture begins: its chunks follow, among other facts.
    Picture {
        /// What it shows.
        head: PictureHead,
    },
    /// The next bytes of the picture that has begun.
    Chunk {
        /// At most [`CHUNK`](super::CHUNK) bytes of 8-bit RGB rows.
        bytes: Bytes,
    },
    /// The engine ends.
    Stopping,
    /// The answer to [`Command::Models`](super::Command::Models).
    Models {
        /// The one that is built in, those in the folder of models, those that were pulled.
        models: Vec<Model>,
    },
    /// How far the download of a model is; follows `Hello` where there is one.
    Pulling {
        /// The whole state.
        pull: Pulling,
    },
    /// A download is over; the last one's end follows `Hello` too.
    Pulled {
        /// The repository.
        repository: String,
        /// How it ended.
        end: PullEnd,
        /// One sentence.
        text: String,
    },
}

/// The most points in one [`Event::Curve`].
pub const POINTS: u32 = 2000;
