//! How long the networks of a folder take on this machine.

use super::networks::{load_text_encoder, load_unet};
use super::{Folder, Place, TOKENS};
use crate::diffusion::{Noise, Use};
use crate::network::Conditioning;
use anyhow::{Result, bail};
use candle_core::{DType, Device, Tensor};
use std::time::{Duration, Instant};

/// A network's time, once it is warm.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// What is timed: a guided step or a prompt.
    pub what: &'static str,
    /// The median, in milliseconds.
    pub ms: f64,
    /// Of so many.
    pub times: usize,
}

/// How long a network is timed: at least so often and so long.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// So often.
    pub least: usize,
    /// So long.
    pub long: Duration,
}

/// Times the networks of a folder, which is a whole model or one of its networks: a guided step of one picture (two pictures go
/// through the network), with what it makes of the prompts made before; and the reading of a prompt of full length. Each is over
/// when its numbers are in main memory.
///
/// # Errors
/// When there is no network, or it cannot be loaded.
pub fn time(folder: &Folder, place: &Place, patience: Patience) -> Result<Vec<Timing>> {
    let part = |own: &'static str| if folder.has(&format!("{own}/config.json")) { Some(own) } else { None };
    let (unet, text) = (part("unet"), part("text_encoder"));
    if unet.is_some() || text.is_some() {
        let mut timings = Vec::new();
        timings.extend(unet.map(|unet| step(folder, unet, place, patience)).transpose()?);
        timings.extend(text.map(|text| prompt(folder, text, place, patience)).transpose()?);
        return Ok(timings);
    }
    if !folder.has("config.json") {
        bail!("{} has no network: a config.json, alone or in unet or text_encoder", folder.name());
    }
    let encoder = folder.text("config.json")?.contains("T5EncoderModel");
    Ok(vec![if encoder { prompt(folder, "", place, patience)? } else { step(folder, "", place, patience)? }])
}

/// The most memory that this program has taken where a place is, in bytes; none where the system does not say.
pub fn peak(place: &Place) -> Option<u64> {
    match &place.device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => super::gpu::peak(device).ok(),
        _ => {
            let text = std::fs::read_to_string("/proc/self/status").ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
        }
    }
}

fn step(folder: &Folder, part: &str, place: &Place, patience: Patience) -> Result<Timing> {
    let unet = load_unet(folder, part, place)?;
    let config = unet.config();
    let (noise, side) = (Noise { seed: 0 }, config.sample_size);
    let x = noise.normal(Use::Init, 0, 0, (2, config.in_channels, side, side))?;
    let prompts = unet.read(&noise.normal(Use::Init, 1, 0, (2, TOKENS, config.encoder_hid_dim))?)?;
    let full = |number: f32| Tensor::full(number, 2, &Device::Cpu);
    let (t, level) = (full(500.0)?, config.class_embed_type.is_some().then(|| full(250.0)).transpose()?);
    let conditioning = Conditioning { t: &t, prompts: &prompts, noise_level: level.as_ref() };
    timed("a guided step", patience, || Ok(unet.forward(&x, conditioning).map(drop)?))
}

fn prompt(folder: &Folder, part: &str, place: &Place, patience: Patience) -> Result<Timing> {
    let encoder = load_text_encoder(folder, part, place)?;
    let ids: Vec<u32> = (1..=TOKENS as u32).collect();
    let (ids, mask) = (Tensor::from_vec(ids, (1, TOKENS), &Device::Cpu)?, Tensor::ones((1, TOKENS), DType::U32, &Device::Cpu)?);
    timed("a prompt", patience, || Ok(encoder.forward(&ids, &mask)?.to_device(&Device::Cpu).map(drop)?))
}

fn timed(what: &'static str, patience: Patience, run: impl Fn() -> Result<()>) -> Result<Timing> {
    // What is made ready at the first use is not counted.
    run()?;
    let (begun, mut times) = (Instant::now(), Vec::new());
    while times.len() < patience.least || begun.elapsed() < patience.long {
        let before = Instant::now();
        run()?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(Timing { what, ms: times[times.len() / 2], times: times.len() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_networks_of_a_model_are_timed_and_what_is_none_is_refused() {
        let patience = Patience { least: 3, long: Duration::ZERO };
        let timings = time(&Folder::Embedded, &Place::cpu(), patience).unwrap();
        assert_eq!(timings.iter().map(|timing| (timing.what, timing.times)).collect::<Vec<_>>(), [("a guided step", 3), ("a prompt", 3)]);
        assert!(timings.iter().all(|timing| timing.ms > 0.0) && peak(&Place::cpu()).is_none_or(|bytes| bytes > 1 << 20));
        let empty = tempfile::tempdir().unwrap();
        let error = time(&Folder::Dir(empty.path().to_owned()), &Place::cpu(), patience).unwrap_err().to_string();
        assert!(error.contains("has no network"), "{error}");
    }
}
