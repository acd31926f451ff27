//! The GPU, its driver, and whether this program computes on it.

use super::asked::said;
use super::told::Fact;
use crate::cli::compute::Compute;
use crate::model::hub::amount;
use crate::words::sentence;
use std::fs;

/// What is known of the GPUs of this machine.
#[derive(Clone, Debug)]
pub(super) struct Gpus {
    /// Whether the program was built to compute on one.
    pub cuda: bool,
    /// The version of NVIDIA's driver, where it is loaded.
    pub driver: Option<String>,
    /// Those that the driver names.
    pub cards: Vec<Card>,
    /// `CUDA_VISIBLE_DEVICES`, where it is set.
    pub visible: Option<String>,
    /// What was asked for, as in `auto`.
    pub device: String,
    /// Where the engine would compute, or why it cannot.
    pub places: Result<Vec<String>, String>,
}

/// A GPU as `nvidia-smi` tells of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Card {
    pub name: String,
    pub driver: String,
    /// Bytes of memory, and those of them that are free; some cards share the machine's and do not say.
    pub memory: Option<(u64, u64)>,
}

const QUESTION: &[&str] = &["--query-gpu=name,driver_version,memory.total,memory.free", "--format=csv,noheader,nounits"];

impl Gpus {
    /// Asks the driver, and opens what the engine would compute on.
    pub fn here(compute: &Compute) -> Gpus {
        let cards: Vec<Card> = said("nvidia-smi", QUESTION).unwrap_or_default().lines().filter_map(card).collect();
        let version = fs::read_to_string("/proc/driver/nvidia/version").ok().and_then(|text| driver(&text));
        Gpus {
            cuda: cfg!(feature = "cuda"),
            driver: version.or_else(|| cards.first().map(|card| card.driver.clone())),
            cards,
            visible: std::env::var("CUDA_VISIBLE_DEVICES").ok(),
            device: compute.device.clone(),
            places: compute.places().map(|places| places.iter().map(|place| place.title()).collect()).map_err(|error| sentence(&error)),
        }
    }

    /// The same as lines.
    pub fn facts(&self) -> Vec<Fact> {
        let driver = match &self.driver {
            Some(version) => Fact::good("driver", format!("NVIDIA {version}")),
            None => Fact::good("driver", "none of NVIDIA's is loaded"),
        };
        let cards = self.cards.iter().map(|card| Fact::good("GPU", card.words()));
        [driver].into_iter().chain(cards).chain([self.computes()]).collect()
    }

    fn computes(&self) -> Fact {
        const NAME: &str = "computes on";
        let places = match &self.places {
            Ok(places) => places,
            Err(reason) => return Fact::wrong(NAME, format!("nothing: {reason}"), "--device and --dtype say what else to compute on."),
        };
        let opened = places.iter().filter(|place| place.starts_with("cuda")).count();
        let hidden = self.visible.as_ref().map_or_else(String::new, |visible| format!(" CUDA_VISIBLE_DEVICES is '{visible}'."));
        let words = places.join(", ");
        if self.device != "auto" {
            return Fact::good(NAME, format!("{words}, as --device says"));
        }
        match (self.cuda, opened, self.driver.is_some()) {
            (false, _, true) => {
                let advice = "For the GPU, build it with CUDA:\n  cargo build --release --features cuda";
                Fact::note(NAME, format!("{words}: this darkroom was built without CUDA"), advice)
            }
            (false, _, false) => Fact::good(NAME, format!("{words}; this darkroom was built without CUDA")),
            (true, 0, false) => {
                Fact::note(NAME, format!("{words}: no GPU opens"), "Install NVIDIA's driver, if this machine has a GPU of theirs.")
            }
            (true, 0, true) => {
                let advice = format!("A newer driver may be needed, or another process has the GPU; `nvidia-smi` tells of both.{hidden}");
                Fact::wrong(NAME, format!("{words}: there is a driver, and no GPU opens"), advice)
            }
            (true, opened, _) if opened < self.cards.len() => {
                let says = format!("{words}: {opened} of {} GPUs open", self.cards.len());
                Fact::note(NAME, says, format!("`nvidia-smi` tells what the others do.{hidden}"))
            }
            (true, ..) => Fact::good(NAME, words),
        }
    }
}

impl Card {
    fn words(&self) -> String {
        match self.memory {
            Some((all, free)) => format!("{}, {} of memory, {} free", self.name, amount(all), amount(free)),
            None => self.name.clone(),
        }
    }
}

/// A line of the answer to [`QUESTION`].
fn card(line: &str) -> Option<Card> {
    let [name, driver, total, free] = line.split(", ").collect::<Vec<_>>().try_into().ok()?;
    let bytes = |mebibytes: &str| mebibytes.trim().parse::<u64>().ok()?.checked_mul(1 << 20);
    Some(Card { name: name.to_owned(), driver: driver.to_owned(), memory: bytes(total).zip(bytes(free)) })
}

/// The version in what the driver says of itself: the first word that is numbers with points.
fn driver(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_own_words_are_read_and_strange_ones_are_not() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version: gcc 12.2.0";
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)";
        assert_eq!([closed, open, "nothing of the kind"].map(driver), [Some("535.183.01".into()), Some("570.86.15".into()), None]);
        let whole = card("NVIDIA H100 80GB HBM3, 570.86.15, 81559, 80000").unwrap();
        assert_eq!(whole.words(), "NVIDIA H100 80GB HBM3, 85.5 GB of memory, 83.9 GB free");
        assert_eq!(card("NVIDIA GB10, 580.1, [N/A], [N/A]").unwrap().words(), "NVIDIA GB10");
        for line in ["", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "a, b, c, d, e"] {
            assert_eq!(card(line), None, "{line}");
        }
    }
}
