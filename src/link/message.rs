//! What a viewer and an engine say to one another.
//!
//! Facts are small and lossless. Pictures follow behind them as [`Chunk`](Event::Chunk)s, and a live frame is sent only
//! to a viewer that has asked for one of its run with [`NextFrame`](Command::NextFrame) since it got the last.

use super::{Bytes, Loading, Model, PictureHead, PullEnd, Pulling};
use crate::recipe::{Colour, Export, Fit, Grid, Kin, Layer, Mark, Numbers, Point, Run, RunId, Table};
use serde::{Deserialize, Serialize};

/// The version of this language. Fields may be added without a new number; a changed meaning needs one.
pub const PROTOCOL: u32 = 6;

/// What a viewer asks of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// The first word of a viewer.
    Hello {
        /// Its [`PROTOCOL`].
        protocol: u32,
        /// The version of its program, for the log.
        version: String,
        /// Whether it only watches: what would change anything is refused.
        #[serde(default)]
        watches: bool,
    },
    /// Queue every recipe of the grid as a run of its own.
    Submit {
        /// What to run.
        grid: Grid,
    },
    /// Cancel a queued or running run.
    Cancel {
        /// Which.
        run: RunId,
    },
    /// Cancel every queued run and those that are running.
    CancelAll,
    /// Queue a run again that was interrupted, failed or cancelled; it goes on from its last kept step.
    Resume {
        /// Which.
        run: RunId,
    },
    /// The viewer looks at a run, has shown its last frame and can take another; in place of what it asked for before.
    NextFrame {
        /// Which.
        run: RunId,
    },
    /// Finished runs, newest first.
    History {
        /// Words that the prompt must hold; empty for all.
        search: String,
        /// Only runs older than this one.
        before: Option<RunId>,
        /// At most so many.
        limit: u32,
    },
    /// Finished runs that a filter lets through, newest first: answered by [`Event::Found`]. A newer one takes the place of
    /// one that is not begun.
    Find {
        /// Comes back with the answer.
        ticket: u32,
        /// As it was typed; empty for all.
        filter: String,
        /// Seconds that the viewer's clock is ahead of UTC: where its `yesterday` begins.
        utc_offset_s: i32,
        /// How many of them to leave out at the beginning.
        from: u64,
        /// At most so many.
        limit: u32,
    },
    /// Change the marks of finished runs; every viewer is told by [`Event::Run`].
    Mark {
        /// Which.
        runs: Vec<RunId>,
        /// The change.
        mark: Mark,
    },
    /// Put runs into the trash; every viewer is told by [`Event::Gone`].
    Delete {
        /// Which.
        runs: Vec<RunId>,
    },
    /// Take runs out of the trash; every viewer is told by [`Event::Run`].
    Restore {
        /// Which.
        runs: Vec<RunId>,
    },
    /// Where a run came from and what came of it: answered by [`Event::Kin`].
    Kin {
        /// Comes back with the answer.
        ticket: u32,
        /// Whose.
        run: RunId,
    },
    /// The sweep that a run is a cell of: answered by [`Event::Table`].
    Table {
        /// Comes back with the answer.
        ticket: u32,
        /// The sweep's first run, or any other cell.
        run: RunId,
    },
    /// Change the place of a run in the queue; every viewer is told by [`Event::Order`].
    Move {
        /// Which: it waits, or was put aside.
        run: RunId,
        /// Where to.
        to: Turn,
    },
    /// Hold the queue or let it go on: while it is held nothing begins. It stays so over a restart.
    HoldQueue {
        /// Whether to hold it.
        held: bool,
    },
    /// A kept picture, made smaller where it is larger than `side`.
    Picture {
        /// Whose.
        run: RunId,
        /// Which of the run's pictures, from 0.
        index: u32,
        /// The longest side in pixels.
        side: u32,
    },
    /// Put a run aside after the step in progress: it becomes [`State::Paused`](crate::recipe::State::Paused).
    Pause {
        /// Which.
        run: RunId,
    },
    /// End a training with the epoch in progress, as if no more had been asked for; one that is put aside or was broken off
    /// goes on to the end of its epoch.
    Finish {
        /// Which.
        run: RunId,
    },
    /// The points of a training's curves: answered by [`Event::Curve`].
    Curve {
        /// Whose.
        run: RunId,
        /// Only those behind this step.
        after: u32,
    },
    /// Make one step of a paused run, and pause it again.
    Advance {
        /// Which.
        run: RunId,
    },
    /// Write a note on a run in place of the one it has; empty takes it away.
    Note {
        /// Which.
        run: RunId,
        /// What was observed.
        text: String,
    },
    /// Look inside a step: answered by [`Event::Numbers`] and a picture of the layer.
    Inspect {
        /// Comes back where it cannot be done.
        ticket: u32,
        /// Whose.
        run: RunId,
        /// The step, from 0; where it was not kept, the nearest that was.
        index: u32,
        /// What of it to show.
        layer: Layer,
    },
    /// What an input picture will be for a model: answered by a [`PictureOf::Input`](super::PictureOf::Input) of the model's size.
    Look {
        /// Comes back with the picture.
        ticket: u32,
        /// The picture as typed in a form; none for an empty sheet in the background's colour.
        image: Option<String>,
        /// The model whose size it gets.
        model: String,
        /// How it becomes square.
        fit: Fit,
        /// What lies behind it.
        background: Colour,
    },
    /// Keep a drawing as an input: answered by [`Event::Kept`].
    Keep {
        /// Comes back with the answer.
        ticket: u32,
        /// What to call it: `drawing` or `mask`.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Rows of 8-bit RGB.
        rgb: Bytes,
    },
    /// Write pictures of a run's steps to the workspace; the log says where.
    Export {
        /// Whose.
        run: RunId,
        /// What to make.
        what: Export,
    },
    /// End the engine: when the queue is empty of running jobs, or now.
    Stop {
        /// Cancel what runs instead of waiting for it.
        now: bool,
    },
    /// What models there are on the engine's machine: answered by [`Event::Models`].
    Models,
    /// Download a model from the hub; every viewer is told by [`Event::Pulling`] and [`Event::Pulled`].
    Pull {
        /// Its repository: `owner/name`.
        repository: String,
    },
    /// Break off the download that is under way; what has arrived is kept.
    StopPull,
}

/// A place in the queue, as a run is moved there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// Before all others that wait.
    First,
    /// One place earlier.
    Earlier,
    /// One place later.
    Later,
    /// Behind all others.
    Last,
    /// To the place of another run, which moves on.
    At(RunId),
}

/// What the engine tells a viewer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The answer to [`Command::Hello`].
    Hello {
        /// The engine's [`PROTOCOL`].
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
    },
    /// The engine closes this connection, and why.
    Refused {
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
    /// The answer to [`Command::Submit`]: its runs have the numbers from `first` to `last`, in the order of its recipes.
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
    /// The answer to [`Command::Curve`].
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
    /// The answer to [`Command::History`].
    History {
        /// The search that it answers.
        search: String,
        /// Newest first.
        runs: Vec<Run>,
        /// How many finished runs match in all.
        total: u64,
    },
    /// The answer to [`Command::Find`]; where the filter cannot be understood it is [`Event::Failed`].
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
    /// The answer to [`Command::Kin`].
    Kin {
        /// The one of the request.
        ticket: u32,
        /// Whose.
        run: RunId,
        /// Its relatives.
        kin: Kin,
    },
    /// The answer to [`Command::Table`].
    Table {
        /// The one of the request.
        ticket: u32,
        /// The sweep.
        table: Table,
    },
    /// The numbers behind a step, an answer to [`Command::Inspect`].
    Numbers {
        /// The step.
        numbers: Numbers,
    },
    /// The answer to [`Command::Keep`]: what to write into the form.
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
    /// The answer to [`Command::Models`].
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
