//! `darkroom doctor`: what this terminal and this machine can do, and what to do where something is missing.

mod asked;
mod disk;
mod engine;
mod gpu;
mod models;
mod terminal;
#[cfg(test)]
mod tests;
mod told;
mod workspace;

use super::compute::Compute;
use crate::link::remote::Remote;
use crate::preview::Graphics;
use anyhow::Result;
use engine::Engine;
use gpu::Gpus;
use models::Models;
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use told::{Group, Look};
use workspace::Workspace;

/// What to examine.
pub struct Patient<'a> {
    /// How pictures are wanted, where that is said.
    pub graphics: Option<Graphics>,
    /// Whose engine, models and disk.
    pub place: Place<'a>,
}

/// Where the engine is.
pub enum Place<'a> {
    /// On this machine: its workspace, and where it computes.
    Here(&'a Path, &'a Compute),
    /// On another, by its name; the way there starts no engine.
    There(&'a str, Remote),
}

/// Something that matters is wrong, and has been told.
#[derive(Debug, thiserror::Error)]
#[error("{}", if *.0 == 1 { "one thing is wrong".to_owned() } else { format!("{} things are wrong", .0) })]
pub struct Unwell(pub usize);

/// Prints a line a fact, with what to do beneath, each group as soon as it is known.
///
/// # Errors
/// [`Unwell`] where something that matters is wrong.
pub async fn doctor(patient: Patient<'_>, json: bool, out: &mut dyn Write) -> Result<()> {
    let look =
        Look { width: width(), colours: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
    let mut groups = Vec::new();
    let mut tell = |group: Group| {
        if !json {
            look.write(&group, out)?;
        }
        groups.push(group);
        io::Result::Ok(())
    };
    // Before anything else is written: it is asked for the time that it takes.
    terminal::look(patient.graphics).into_iter().try_for_each(&mut tell)?;
    match patient.place {
        Place::Here(workspace, compute) => {
            tell(Group::new("GPU", Gpus::here(compute).facts()))?;
            tell(Group::new("Models", Models::here().facts()))?;
            tell(Group::new("Workspace", Workspace::look(workspace).facts()))?;
            tell(Group::new("Engine", Engine::here(workspace).await.facts()))?;
        }
        Place::There(host, remote) => tell(Group::new(host, Engine::there(remote).await.facts_there(host)))?,
    }
    let wrong = groups.iter().map(Group::wrong).sum();
    if json {
        writeln!(out, "{}", json!({"version": env!("CARGO_PKG_VERSION"), "wrong": wrong, "groups": groups}))?;
    }
    if wrong > 0 { Err(Unwell(wrong).into()) } else { Ok(()) }
}

/// As wide as the terminal, and no wider than is read with ease.
fn width() -> usize {
    let terminal = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).map_or(80, |size| usize::from(size.ws_col));
    if terminal == 0 { 80 } else { terminal.clamp(40, 80) }
}
