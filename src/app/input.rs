//! What comes into the state and what goes out of it.

use super::canvas::Stroke;
use super::{Draft, Fits, Focus, NoteDraft, Sketch, Source, Wide};
use crate::link::{Command, News};
use crate::recipe::RunId;
use crossterm::event::KeyEvent;

/// What happens to a terminal.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key went down.
    Key(KeyEvent),
    /// Text came in one piece.
    Paste(String),
    /// The mouse was pressed on something.
    Click(Target),
    /// The mouse moves with its button down, over something or nothing.
    Drag(Option<Target>),
    /// The button is let go of.
    Drop,
    /// The mouse draws.
    Stroke(Stroke),
    /// The mouse wheel turned over a pane.
    Wheel {
        /// The pane under the mouse.
        pane: Focus,
        /// Towards the user.
        down: bool,
    },
    /// The engine or the link to it says something.
    News(News),
    /// The time, in milliseconds since 1970.
    Tick(i64),
    /// What the gallery screen has room for.
    Fits(Fits),
    /// What the screen has room for.
    Room {
        /// The pictures, most wanted first.
        pictures: Vec<Source>,
        /// How far down the list of keys can be scrolled.
        help_end: u16,
    },
    /// A picture is on the screen, and the terminal can take the next.
    Shown(Source),
    /// The terminal itself has something to say, in one sentence.
    Note(String),
    /// A draft could not be written, and why.
    Unsaved(String),
    /// The terminal goes, or the user leaves it.
    End,
}

/// What has to happen outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A command for the engine.
    Send(Command),
    /// The screen is out of date.
    Redraw,
    /// A drawing is to be found again however the program ends.
    Draft(Draft),
    /// A note that is not saved yet is, too.
    Note(NoteDraft),
    /// A text for the clipboard.
    Copy(String),
    /// The user wants the shell, and will come back.
    Suspend,
    /// The user leaves.
    Quit,
}

/// What lies under the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A pane, or its tab.
    Pane(Focus),
    /// A field of the form, by its place.
    Field(usize),
    /// A run in the queue.
    Queued(RunId),
    /// A cell of a sweep, by its place.
    Cell(usize),
    /// A run in the history.
    Finished(RunId),
    /// The name of the experiment.
    Experiment,
    /// An experiment in the list, by its place.
    Offer(usize),
    /// A model in the list, by its place.
    Model(usize),
    /// A tool, a colour or a key beside a drawing.
    Sketch(Sketch),
    /// The samples or the batch of the training screen.
    Part(Wide),
    /// A training in the list of curves, by its place.
    Curve(usize),
    /// A thumbnail in the gallery, by its place in the order.
    Thumb(u64),
    /// How a run belongs to another, by its place in the list.
    Relation(usize),
    /// The gallery's filter.
    Filter,
}
