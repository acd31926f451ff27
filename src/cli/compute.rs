//! Where networks compute, as the command line says it.

use crate::experiment::Models;
use crate::input::Inputs;
use crate::model::{Cache, Place};
use anyhow::Result;
use std::ffi::OsString;

/// Where networks compute, and in which precision.
#[derive(Clone, Debug, clap::Args)]
pub struct Compute {
    /// What computes: auto, cpu, cuda, or cuda:N for a GPU by its number.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// The precision: auto (f16 on a GPU, f32 on a CPU), f32, f16 or bf16.
    #[arg(long, global = true, default_value = "auto", value_name = "TYPE")]
    pub dtype: String,
}

impl Compute {
    /// The place that was asked for.
    ///
    /// # Errors
    /// When there is none of that name, or it does not open.
    pub fn place(&self) -> Result<Place> {
        Place::parse(&self.device, &self.dtype)
    }

    /// What runs are made with there.
    ///
    /// # Errors
    /// As for [`place`](Compute::place).
    pub fn models(&self, inputs: Inputs) -> Result<Models> {
        Ok(Models::with(inputs).at(self.place()?, Cache::of_user()))
    }

    /// The same for the command line of an engine.
    pub fn arguments(&self) -> Vec<OsString> {
        ["--device", &self.device, "--dtype", &self.dtype].map(OsString::from).to_vec()
    }
}
