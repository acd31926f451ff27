//! Where networks compute, as the command line says it.

use crate::experiment::Models;
use crate::input::Inputs;
use crate::model::{Cache, Place};
use anyhow::Result;
use std::ffi::OsString;

/// Where networks compute, and in which precision.
#[derive(Clone, Debug, clap::Args)]
pub struct Compute {
    /// What computes: auto (every GPU, or the CPU), cpu, cuda, cuda:N for a GPU by its number, or several as in cuda:0,cuda:2; the
    /// engine takes all of them, `run` the first.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// The precision: auto (f16 on a GPU, f32 on a CPU), f32, f16 or bf16.
    #[arg(long, global = true, default_value = "auto", value_name = "TYPE")]
    pub dtype: String,
}

impl Compute {
    /// The place that was asked for, or the first of several.
    ///
    /// # Errors
    /// When there is none of that name, or it does not open.
    pub fn place(&self) -> Result<Place> {
        Place::parse(&self.device, &self.dtype)
    }

    /// Every place that was asked for.
    ///
    /// # Errors
    /// As for [`place`](Compute::place).
    pub fn places(&self) -> Result<Vec<Place>> {
        Place::all(&self.device, &self.dtype)
    }

    /// What runs are made with at the first.
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
