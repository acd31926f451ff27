//! What a model's folder says without its weights.

use super::{Folder, SchedulerConfig, networks::unet_config};
use crate::diffusion::{Process, Schedule};
use crate::network::UnetConfig;
use anyhow::{Context, Result, ensure};

/// Pixels are red, green and blue.
pub const CHANNELS: usize = 3;

/// A model as its configs describe it.
#[derive(Clone, Debug)]
pub struct Design {
    /// What it is called.
    pub name: String,
    /// What it was trained to undo.
    pub process: Process,
    /// How much noise a noise level is, in a model that enlarges (stage II).
    pub augmentation: Option<Schedule>,
    pub(super) unet: UnetConfig,
    pub(super) learned_variance: bool,
}

impl Design {
    /// Reads the configs of a folder.
    ///
    /// # Errors
    /// When one is missing, broken, or asks for something that is not built.
    pub fn read(folder: &Folder) -> Result<Design> {
        let index = folder.text("model_index.json")?;
        serde_json::from_str::<serde_json::Value>(&index).with_context(|| format!("{} is no JSON", folder.title("model_index.json")))?;
        let scheduler =
            SchedulerConfig::from_json(&folder.text("scheduler/scheduler_config.json")?).with_context(|| folder.title("scheduler"))?;
        let unet = unet_config(folder, "unet")?;
        check(&unet, &scheduler).with_context(|| folder.title("unet"))?;
        let augmentation = unet.class_embed_type.is_some().then(|| augmentation(folder, &scheduler)).transpose()?;
        let (name, process) = (folder.name(), scheduler.process());
        Ok(Design { name, process, augmentation, learned_variance: scheduler.learned_variance(), unet })
    }

    /// Reads the configs of a model that makes pictures from noise alone.
    ///
    /// # Errors
    /// As for [`read`](Design::read), and when the folder is of stage II.
    pub fn stage_one(folder: &Folder) -> Result<Design> {
        let design = Design::read(folder)?;
        ensure!(
            design.augmentation.is_none(),
            "{}: config.json is of stage II (in_channels {}), which enlarges pictures; name a stage I model",
            folder.title("unet"),
            design.unet.in_channels
        );
        Ok(design)
    }

    /// Reads the configs of a model that enlarges.
    ///
    /// # Errors
    /// As for [`read`](Design::read), and when the folder is of stage I.
    pub fn stage_two(folder: &Folder) -> Result<Design> {
        let design = Design::read(folder)?;
        let stage_two = design.augmentation.is_some();
        ensure!(stage_two, "{}: config.json is of stage I; name a stage II model, such as IF-II-L-v1.0", folder.title("unet"));
        Ok(design)
    }

    /// Width and height of its pictures, in pixels.
    pub fn size(&self) -> usize {
        self.unet.sample_size
    }
}

/// Whether the parts of a model belong together.
fn check(unet: &UnetConfig, scheduler: &SchedulerConfig) -> Result<()> {
    let stages = [(CHANNELS, false), (2 * CHANNELS, true)];
    let stage = (unet.in_channels, unet.class_embed_type.is_some());
    ensure!(
        stages.contains(&stage),
        "config.json is of neither stage: in_channels {}, class_embed_type {:?}",
        stage.0,
        unet.class_embed_type
    );
    let variance = !scheduler.learned_variance() || unet.out_channels == 2 * CHANNELS;
    ensure!(variance, "the scheduler's variance_type 'learned_range' needs out_channels {}, not {}", 2 * CHANNELS, unet.out_channels);
    Ok(())
}

/// How the small picture was drowned in training: as a scheduler of its own says, or as the model's.
fn augmentation(folder: &Folder, scheduler: &SchedulerConfig) -> Result<Schedule> {
    const OWN: &str = "image_noising_scheduler/scheduler_config.json";
    match folder.has(OWN) {
        true => {
            Ok(SchedulerConfig::from_json(&folder.text(OWN)?).with_context(|| folder.title("image_noising_scheduler"))?.process().schedule)
        }
        false => Ok(scheduler.process().schedule),
    }
}
