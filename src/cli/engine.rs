//! `darkroom engine`: the process that computes. The other commands start it; nobody needs to type it.

use super::compute::Compute;
use crate::engine::{self, Maker, lock::Taken, log};
use crate::experiment::Models;
use crate::input::Inputs;
use crate::link::start::{BUSY, READY};
use crate::model::{Cache, Place};
use anyhow::Result;
use directories::BaseDirs;
use std::{env, fs, io::Write, path::Path};
use tokio::signal::unix::{self, SignalKind};

/// How far the engine stands back for everything else on the machine.
const NICENESS: i32 = 5;

/// Serves a workspace until the engine is stopped, and says on `out`, in one line, how the start went.
///
/// # Errors
/// What kept the engine from starting.
pub async fn engine(workspace: &Path, compute: &Compute, out: &mut dyn Write) -> Result<()> {
    // Fails in a process that a shell has put at the head of its own group; that one needs no session.
    rustix::process::setsid().ok();
    // It computes on all cores; a key that is pressed meanwhile comes first.
    rustix::process::nice(NICENESS).ok();
    // A viewer elsewhere names files from there, as scp does; and the folder that we were started in is not kept busy.
    if let Some(folders) = BaseDirs::new() {
        env::set_current_dir(folders.home_dir()).ok();
    }
    fs::create_dir_all(workspace).ok();
    let served = match log::open(workspace) {
        Ok(file) => {
            log::to(file);
            serve(workspace, compute, out).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &served {
        let words = format!("{error:#}").replace('\n', " ");
        say(out, if error.is::<Taken>() { BUSY } else { &words });
    }
    served
}

async fn serve(workspace: &Path, compute: &Compute, out: &mut dyn Write) -> Result<()> {
    let inputs = Inputs::of(workspace);
    let lab = |place: Place| {
        let (title, inputs) = (place.title(), inputs.clone());
        Maker { place: title, make: move || Models::with(inputs.clone()).at(place.clone(), Cache::of_user()) }
    };
    let labs = compute.places()?.into_iter().map(lab).collect();
    engine::serve(workspace, labs, signal()?, || say(out, READY)).await
}

/// Resolves when the system wants the process to end. A hangup is none of it: the engine outlives its terminal.
fn signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (unix::signal(SignalKind::terminate())?, unix::signal(SignalKind::interrupt())?);
    let _ = unix::signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Whoever started us may be gone; that is no reason to end.
fn say(out: &mut dyn Write, line: &str) {
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}
