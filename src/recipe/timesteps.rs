//! Which timesteps a run visits, as the user names them.

use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// DeepFloyd IF's published respacings, with the number of timesteps in each.
pub const RESPACINGS: &[(&str, usize)] = &[
    ("fast27", 27),
    ("smart27", 27),
    ("smart50", 50),
    ("smart100", 100),
    ("smart185", 185),
    ("super27", 27),
    ("super40", 40),
    ("super100", 100),
];

/// A named or spelled-out list of timesteps, largest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timesteps {
    /// 990 to 0 by 30, as in CS180's project 5: t = 0 is the clean picture and calls no model.
    Strided,
    /// diffusers' `leading` spacing of `steps` timesteps.
    Leading,
    /// One of [`RESPACINGS`].
    Named(&'static str),
    /// A list, strictly falling.
    List(Vec<usize>),
}

impl Timesteps {
    /// How many of the timesteps call the model, given `steps` for [`Timesteps::Leading`].
    pub fn model_calls(&self, steps: Option<u64>) -> usize {
        match self {
            Timesteps::Strided => 33,
            Timesteps::Leading => steps.unwrap_or(0) as usize,
            Timesteps::Named(name) => RESPACINGS.iter().find(|(known, _)| known == name).map_or(0, |(_, len)| *len),
            Timesteps::List(list) => list.len(),
        }
    }
}

impl FromStr for Timesteps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "strided" => return Ok(Timesteps::Strided),
            "leading" => return Ok(Timesteps::Leading),
            _ => {}
        }
        if let Some((name, _)) = RESPACINGS.iter().find(|(name, _)| *name == text) {
            return Ok(Timesteps::Named(name));
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            let names: Vec<_> = RESPACINGS.iter().map(|(name, _)| *name).collect();
            return Err(format!("is no timestep list; strided, leading, {} or a falling list such as 900,500,100", names.join(", ")));
        }
        let number = |part: &str| part.trim().parse::<usize>().ok().filter(|t| *t < 1000);
        let list = text.split(',').map(number).collect::<Option<Vec<_>>>();
        let list = list.ok_or("is no list of timesteps; each is a whole number from 999 to 0")?;
        match list.windows(2).all(|pair| pair[0] > pair[1]) {
            true => Ok(Timesteps::List(list)),
            false => Err("does not fall; timesteps go from the noisiest to the cleanest, each once".to_owned()),
        }
    }
}

impl fmt::Display for Timesteps {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Timesteps::Strided => f.write_str("strided"),
            Timesteps::Leading => f.write_str("leading"),
            Timesteps::Named(name) => f.write_str(name),
            Timesteps::List(list) => {
                let words: Vec<_> = list.iter().map(usize::to_string).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

impl Serialize for Timesteps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
