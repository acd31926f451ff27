//! What of a model fits where: counted before anything is loaded.

use super::hub::amount;
use super::networks::{text_config, unet_config};
use super::{Folder, Info, Place, info};
use anyhow::{Result, bail};
use candle_core::DType;

/// How a text encoder and a network share a device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Both stay loaded.
    Together,
    /// The prompts are read first; the text encoder is gone before the network is loaded.
    InTurn,
    /// The text encoder computes on the CPU, in f16, and is gone afterwards too.
    TextOnCpu,
}

/// What a model needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The text encoder's weights; 0 where there is none.
    pub reading: u64,
    /// The network's weights.
    pub drawing: u64,
    /// What one picture takes beside them, about.
    pub work: u64,
}

impl Needs {
    /// Those of a model in the precision of a place; `text` is whose text encoder reads its prompts.
    ///
    /// # Errors
    /// When a folder is not whole.
    pub fn of(folder: &Folder, text: Option<&Folder>, place: &Place) -> Result<Needs> {
        let bytes = place.dtype.size_in_bytes() as u64;
        let weights = |info: &Info, name: &str| info.parts.iter().find(|part| part.name == name).map_or(0, |part| bytes * part.parameters);
        let reading = text.map(|text| -> Result<u64> {
            // In f16 the last layer of each feed-forward stays f32.
            let wide = if place.dtype == DType::F16 { 2 * text_config(text, "text_encoder")?.numbers_kept_wide() } else { 0 };
            Ok(weights(&info(text)?, "text_encoder") + wide)
        });
        let reading = reading.transpose()?.unwrap_or(0);
        let config = unet_config(folder, "unet")?;
        // Both halves of guidance.
        Ok(Needs { reading, drawing: weights(&info(folder)?, "unet"), work: 2 * bytes * config.numbers_at_work() })
    }

    /// The most that is taken at a time.
    pub fn peak(&self, turn: Turn) -> u64 {
        match turn {
            Turn::Together => self.reading + self.drawing + self.work,
            Turn::InTurn => self.reading.max(self.drawing + self.work),
            Turn::TextOnCpu => self.drawing + self.work,
        }
    }

    /// How the parts share `free` bytes of a device.
    ///
    /// # Errors
    /// When the network alone does not fit.
    pub fn turn(&self, free: u64, place: &Place) -> Result<Turn> {
        let turns = [Turn::Together, Turn::InTurn, Turn::TextOnCpu];
        // On the CPU in f16 the text encoder takes half of what it takes in f32: that is of use there too.
        let found = turns.into_iter().find(|turn| self.peak(*turn) <= free);
        let smaller = if place.dtype == DType::F32 { "compute in half precision (--dtype f16), or " } else { "" };
        match found {
            Some(turn) => Ok(turn),
            None => bail!(
                "the network takes {} with one picture, and {} of {} are free; {smaller}name a smaller model",
                amount(self.peak(Turn::TextOnCpu)),
                amount(free),
                if place.device.is_cpu() { "memory" } else { "the device's memory" }
            ),
        }
    }
}

/// Bytes that are free where a model would be loaded; none where the system does not say.
pub fn free(place: &Place) -> Option<u64> {
    match &place.device {
        #[cfg(feature = "cuda")]
        candle_core::Device::Cuda(device) => super::gpu::free(device).ok(),
        _ => free_memory(&std::fs::read_to_string("/proc/meminfo").ok()?),
    }
}

/// What `/proc/meminfo` says can be had without swapping.
fn free_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;
    /// IF-I-XL with T5-XXL in f16.
    const XL: Needs = Needs { reading: 11_537_887_232, drawing: 8_609_390_220, work: 500_000_000 };

    fn place(dtype: DType) -> Place {
        Place { dtype, ..Place::cpu() }
    }

    #[test]
    fn the_published_model_fits_the_cards_that_people_have() {
        let with = |tenths: u64| XL.turn(tenths * GB / 10, &place(DType::F16)).unwrap();
        // What a driver leaves of 24, of 12 and of 10 GB.
        assert_eq!([233, 116, 93].map(with), [Turn::Together, Turn::InTurn, Turn::TextOnCpu]);
        assert_eq!([Turn::Together, Turn::InTurn, Turn::TextOnCpu].map(|turn| XL.peak(turn) / 100_000_000), [206, 115, 91]);
        let error = XL.turn(8 * GB, &place(DType::F16)).unwrap_err().to_string();
        assert_eq!(error, "the network takes 9.1 GB with one picture, and 8.0 GB of memory are free; name a smaller model");
        let error = XL.turn(8 * GB, &place(DType::F32)).unwrap_err().to_string();
        assert!(error.contains("half precision (--dtype f16)"), "{error}");
    }

    #[test]
    fn what_a_model_needs_is_counted_from_its_files() {
        let needs = Needs::of(&Folder::Embedded, Some(&Folder::Embedded), &Place::cpu()).unwrap();
        let halves = Needs::of(&Folder::Embedded, None, &place(DType::F16)).unwrap();
        assert_eq!((halves.reading, halves.drawing * 2, halves.work * 2), (0, needs.drawing, needs.work));
        assert!(needs.reading > 0 && needs.drawing > 1 << 20 && (1 << 18..1 << 28).contains(&needs.work), "{needs:?}");
    }

    #[test]
    fn the_systems_word_is_read_and_nothing_made_of_what_it_does_not_say() {
        assert_eq!(free_memory("MemTotal:       65840000 kB\nMemAvailable:   61234567 kB\n"), Some(61_234_567 * 1024));
        for silent in ["", "MemAvailable:", "MemAvailable: many kB", "MemFree: 5 kB"] {
            assert_eq!(free_memory(silent), None);
        }
    }
}
