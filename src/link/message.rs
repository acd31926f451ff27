//! What a viewer asks of an engine.

use super::Bytes;
pub use crate::recipe::Turn;
use crate::recipe::{Colour, Export, Fit, Grid, Layer, Mark, RunId};
use serde::{Deserialize, Serialize};

/// The version of this language. Fields may be added without a new number; a changed meaning needs one.
pub const PROTOCOL: u32 = 7;

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
        /// A number by which the engine knows it again over the next connection; 0 where there is none.
        #[serde(default)]
        viewer: u64,
    },
    /// Nothing else was to be said for a while: the viewer is still there. From the first on, both sides say so this often, and who
    /// is not heard for three times as long is gone.
    Ping {
        /// Milliseconds; 0 of a viewer that will be silent for as long as it likes, as in the background of a shell.
        every_ms: u32,
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
    /// Finished runs that a filter lets through, newest first: answered by [`Event::Found`](super::Event::Found). A newer one takes
    /// the place of one that is not begun.
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
    /// Change the marks of finished runs; every viewer is told by [`Event::Run`](super::Event::Run).
    Mark {
        /// Which.
        runs: Vec<RunId>,
        /// The change.
        mark: Mark,
    },
    /// Put runs into the trash; every viewer is told by [`Event::Gone`](super::Event::Gone).
    Delete {
        /// Which.
        runs: Vec<RunId>,
    },
    /// Take runs out of the trash; every viewer is told by [`Event::Run`](super::Event::Run).
    Restore {
        /// Which.
        runs: Vec<RunId>,
    },
    /// Where a run came from and what came of it: answered by [`Event::Kin`](super::Event::Kin).
    Kin {
        /// Comes back with the answer.
        ticket: u32,
        /// Whose.
        run: RunId,
    },
    /// The sweep that a run is a cell of: answered by [`Event::Table`](super::Event::Table).
    Table {
        /// Comes back with the answer.
        ticket: u32,
        /// The sweep's first run, or any other cell.
        run: RunId,
    },
    /// Change the place of a run in the queue; every viewer is told by [`Event::Order`](super::Event::Order).
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
    /// The points of a training's curves: answered by [`Event::Curve`](super::Event::Curve).
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
    /// Look inside a step: answered by [`Event::Numbers`](super::Event::Numbers) and a picture of the layer.
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
    /// Keep a drawing as an input: answered by [`Event::Kept`](super::Event::Kept).
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
    /// What models there are on the engine's machine: answered by [`Event::Models`](super::Event::Models).
    Models,
    /// Download a model from the hub; every viewer is told by [`Event::Pulling`](super::Event::Pulling) and
    /// [`Event::Pulled`](super::Event::Pulled).
    Pull {
        /// Its repository: `owner/name`.
        repository: String,
    },
    /// Break off the download that is under way; what has arrived is kept.
    StopPull,
}

impl Command {
    /// Whether it changes anything for anybody else: a viewer that only watches may not say it, and the engine acknowledges it.
    pub fn changes(&self) -> bool {
        use Command::*;
        match self {
            Hello { .. } | Ping { .. } | NextFrame { .. } | History { .. } | Find { .. } | Kin { .. } | Table { .. } => false,
            Picture { .. } | Curve { .. } | Inspect { .. } | Look { .. } | Models => false,
            Submit { .. } | Cancel { .. } | CancelAll | Resume { .. } | Pause { .. } | Finish { .. } | Advance { .. } => true,
            Mark { .. } | Delete { .. } | Restore { .. } | Note { .. } | Keep { .. } | Export { .. } => true,
            Move { .. } | HoldQueue { .. } | Stop { .. } | Pull { .. } | StopPull => true,
        }
    }
}
