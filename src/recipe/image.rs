//! Pictures that go into a run, as the user names them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// The photo that is compiled in.
pub const CAMPANILE: &str = "campanile";
/// The masks that need no file; white is made new, black is kept.
pub const MASKS: &[&str] = &["centre", "left", "right", "top", "bottom"];

/// A picture that goes into a run: a file, an `http(s)://` address, a result (`run:142`, `run:142/2` for its second
/// picture), a kept step (`run:142@12`), the built-in photo or mask, or one that the workspace keeps
/// (`photo.jpg@sha256:…`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image(String);

impl Image {
    /// One that the workspace keeps under the hash of its bytes.
    pub fn kept(name: &str, hash: &str) -> Image {
        Image(format!("{name}@sha256:{hash}"))
    }

    /// A file.
    pub fn file(path: &std::path::Path) -> Image {
        Image(path.to_string_lossy().into_owned())
    }

    /// As it was typed, or [`kept`](Image::kept).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What people call it: the last part of its path, without the hash.
    pub fn name(&self) -> &str {
        let name = self.hash().map_or(self.0.as_str(), |hash| &self.0[..self.0.len() - hash.len() - "@sha256:".len()]);
        let plain = name.split(['?', '#']).next().unwrap_or(name);
        if ["run:", "weights:"].iter().any(|prefix| name.starts_with(prefix)) { name } else { last_part(plain) }
    }

    /// The SHA-256 of the kept bytes, in hexadecimal.
    pub fn hash(&self) -> Option<&str> {
        let (_, hash) = self.0.rsplit_once("@sha256:")?;
        (hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).then_some(hash)
    }

    /// Whether it needs no file.
    pub fn is_built_in(&self) -> bool {
        [CAMPANILE, super::BUILT_IN].contains(&self.0.as_str()) || MASKS.contains(&self.0.as_str())
    }

    /// By its content alone: what a picture's metadata may hold.
    pub(super) fn nameless(&self) -> Image {
        match self.hash() {
            Some(hash) => Image::kept("input", hash),
            None => self.clone(),
        }
    }

    /// By its name alone.
    pub(super) fn named(&self) -> Image {
        Image(self.name().to_owned())
    }

    /// A kept step: `run:142@12`, or one that the workspace keeps.
    pub(super) fn parse_step(text: &str) -> Result<Image, String> {
        let image: Image = text.parse()?;
        let step = image.0.strip_prefix("run:").and_then(|rest| rest.split_once('@'));
        let is_step = step.is_some_and(|(run, step)| run.parse::<u64>().is_ok() && step.parse::<u32>().is_ok());
        match is_step || image.hash().is_some() {
            true => Ok(image),
            false => Err("names no step; write for example run:142@12".to_owned()),
        }
    }
}

/// The last part of a path, however it ends.
pub(super) fn last_part(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

impl FromStr for Image {
    type Err = String;

    fn from_str(text: &str) -> Result<Image, String> {
        match text.trim() {
            "" => Err("names no picture; give a file, an address, run:142 or campanile".to_owned()),
            text => Ok(Image(text.to_owned())),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A picture and how it is brought to the model's size.
#[derive(Clone, Debug, PartialEq, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Photo {
    /// The picture: a file, an http address, run:142 for a result, or the built-in campanile.
    #[arg(long, default_value = CAMPANILE, value_name = "IMAGE", value_parser = clap::value_parser!(Image))]
    pub image: Image,

    /// How it becomes square: crop cuts the longer side, letterbox fills the shorter.
    #[arg(long, value_enum, default_value = "crop")]
    pub fit: Fit,

    /// What lies behind transparent pixels and beside a letterboxed picture: black, white, or #rrggbb.
    #[arg(long, default_value = "white", value_name = "COLOUR", value_parser = clap::value_parser!(Colour))]
    pub background: Colour,
}

/// How a picture becomes square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The middle of the longer side is kept.
    Crop,
    /// The whole picture is kept, with the background beside it.
    Letterbox,
}

/// A colour in 8-bit sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

const COLOURS: &[(&str, [u8; 3])] = &[("black", [0; 3]), ("grey", [128; 3]), ("white", [255; 3])];

impl FromStr for Colour {
    type Err = String;

    fn from_str(text: &str) -> Result<Colour, String> {
        let text = text.trim();
        if let Some((_, colour)) = COLOURS.iter().find(|(name, _)| *name == text) {
            return Ok(Colour(*colour));
        }
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, colour @ ..] = number.ok_or("is no colour; black, grey, white, or for example #ff8000")?.to_be_bytes();
        Ok(Colour(colour))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match COLOURS.iter().find(|(_, colour)| *colour == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "#{:02x}{:02x}{:02x}", self.0[0], self.0[1], self.0[2]),
        }
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
