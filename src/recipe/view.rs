//! The views of an anagram, as the user names them.

use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// An invertible transformation of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// As it is.
    Identity,
    /// Upside down, mirrored.
    Flip,
    /// A quarter turn clockwise.
    Rotate90,
    /// Half a turn.
    Rotate180,
    /// A quarter turn counter-clockwise.
    Rotate270,
    /// Dark and light exchanged.
    Negate,
    /// Each column moved up or down, by so much a column away from the middle.
    Skew(f64),
    /// So many patches a side, exchanged.
    PatchPermute(usize),
    /// Blocks of the size of a pixel when the picture has so many a side, exchanged.
    PixelPermute(usize),
    /// The pieces of a jigsaw puzzle, exchanged.
    Jigsaw,
    /// The inner circle half a turn.
    InnerCircle,
    /// Squares that hinge at their corners, opened.
    SquareHinge,
}

/// The names of all views; those with a number take one behind a colon.
pub const VIEWS: &[&str] = &[
    "identity",
    "flip",
    "rotate-90",
    "rotate-180",
    "rotate-270",
    "negate",
    "skew:1.5",
    "patch-permute:8",
    "pixel-permute:64",
    "jigsaw",
    "inner-circle",
    "square-hinge",
];

impl FromStr for View {
    type Err = String;

    fn from_str(text: &str) -> Result<View, String> {
        let (name, number) = text.trim().split_once(':').map_or((text.trim(), None), |(name, number)| (name, Some(number)));
        let side = |default: usize| match number.map_or(Ok(default), str::parse) {
            Ok(side @ 1..=1024) => Ok(side),
            _ => Err(format!("{name} takes a whole number from 1 to 1024, such as {name}:{default}")),
        };
        let view = match name {
            "identity" => View::Identity,
            "flip" => View::Flip,
            "rotate-90" => View::Rotate90,
            "rotate-180" => View::Rotate180,
            "rotate-270" => View::Rotate270,
            "negate" => View::Negate,
            "skew" => match number.map_or(Ok(1.5), str::parse::<f64>) {
                Ok(by) if (-100.0..=100.0).contains(&by) => return Ok(View::Skew(by)),
                _ => return Err("skew takes a number from -100 to 100, such as skew:1.5".to_owned()),
            },
            "patch-permute" => return side(8).map(View::PatchPermute),
            "pixel-permute" => return side(64).map(View::PixelPermute),
            "jigsaw" => View::Jigsaw,
            "inner-circle" => View::InnerCircle,
            "square-hinge" => View::SquareHinge,
            _ => return Err(format!("is no view; {}", VIEWS.join(", "))),
        };
        match number {
            None => Ok(view),
            Some(_) => Err(format!("{name} takes no number")),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            View::Identity => f.write_str("identity"),
            View::Flip => f.write_str("flip"),
            View::Rotate90 => f.write_str("rotate-90"),
            View::Rotate180 => f.write_str("rotate-180"),
            View::Rotate270 => f.write_str("rotate-270"),
            View::Negate => f.write_str("negate"),
            View::Skew(by) => write!(f, "skew:{by}"),
            View::PatchPermute(side) => write!(f, "patch-permute:{side}"),
            View::PixelPermute(side) => write!(f, "pixel-permute:{side}"),
            View::Jigsaw => f.write_str("jigsaw"),
            View::InnerCircle => f.write_str("inner-circle"),
            View::SquareHinge => f.write_str("square-hinge"),
        }
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
