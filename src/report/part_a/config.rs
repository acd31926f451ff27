//! What `report.toml` says of part A.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that can be said in `report.toml`; what is left out is as by default.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of every figure.
    pub seed: u32,
    /// The model of every figure.
    pub model: String,
    /// The test image.
    pub photo: String,
    /// Two pictures of one's own.
    pub own: [String; 2],
    /// A picture from the web.
    pub web: String,
    /// Two drawings.
    pub drawings: [String; 2],
    /// Where the frequencies of the hybrids part: the blur's sigma in pixels.
    pub hybrid_sigma: f64,
    /// The masks of the photo and of one's own pictures.
    pub masks: [String; 3],
    /// What is asked of the model.
    pub prompts: Prompts,
    /// By the number of a figure.
    pub figures: BTreeMap<String, Extra>,
}

/// What is asked of the model.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// Figure 0.
    pub samples: [String; 3],
    /// Figures 1.3 to 1.7.
    pub quality: String,
    /// Figure 1.7.2, for the photo and one's own pictures.
    pub inpaint: [String; 3],
    /// Figure 1.7.3, for the photo and one's own pictures.
    pub edits: [String; 3],
    /// Figure 1.8, a pair an anagram.
    pub anagrams: [[String; 2]; 3],
    /// Figure 1.9, far and near.
    pub hybrids: [[String; 2]; 3],
}

/// What belongs to one figure.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Extra {
    /// What was observed, in paragraphs.
    pub observations: String,
    /// Runs of the gallery that stand in the figure's place.
    pub run: Vec<i64>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 7,
            model: "tiny-if".into(),
            photo: "campanile".into(),
            own: ["sample:a red three", "sample:a white dress"].map(str::to_owned),
            web: "sample:a yellow boot".into(),
            drawings: ["sketch:house", "sketch:face"].map(str::to_owned),
            hybrid_sigma: 2.5,
            masks: ["centre", "right", "bottom"].map(str::to_owned),
            prompts: Prompts::default(),
            figures: BTreeMap::new(),
        }
    }
}

impl Default for Prompts {
    fn default() -> Self {
        let pairs = |pairs: [[&str; 2]; 3]| pairs.map(|pair| pair.map(str::to_owned));
        Prompts {
            samples: ["a red three", "a blue dress", "a yellow boot"].map(str::to_owned),
            quality: "a high quality photo".into(),
            inpaint: ["a white trouser", "a red three", "a white dress"].map(str::to_owned),
            edits: ["a white trouser", "a red eight", "a pink shirt"].map(str::to_owned),
            anagrams: pairs([["a white six", "a white nine"], ["a white two", "a white five"], ["a white trouser", "a white sneaker"]]),
            hybrids: pairs([["a white three", "a white shirt"], ["a white eight", "a white coat"], ["a white one", "a white dress"]]),
        }
    }
}

/// What stands at the head of a new `report.toml`.
pub(super) const HEAD: &str = "\
# What `darkroom report` makes its page of. Change it and run the command again: only what changed is computed.
#
# A picture is a file, an http(s) address, run:142 for a result of the gallery, campanile, \"sample:PROMPT\" for one that
# the report develops first, or \"sketch:house\" and \"sketch:face\", which ship with darkroom. A mask is a picture whose white
# is made new, or centre, left, right, top, bottom.
#
# Observations and runs of the gallery belong to a figure:
#
#   [figures.\"1.7\"]
#   observations = \"From index 10 on the shape stays.\"
#   run = [142]

";
