//! `darkroom stop`: ends the engine of a workspace.

use crate::engine::lock;
use crate::gallery::Gallery;
use crate::link::{self, Command, Event, News, socket};
use crate::recipe::{Run, State};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use std::{io::Write, path::Path};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

/// How long an engine that was told to end, but does not say that it does, may take; it waits 5 s for a step itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the engine once what runs is done, or `now`, and waits until it is gone.
///
/// # Errors
/// When the engine does not end.
pub async fn stop(workspace: &Path, now: bool, out: &mut dyn Write) -> Result<()> {
    match (socket::dial(workspace).await?, lock::holder(workspace)) {
        (Some(stream), _) => ask(workspace, stream, now, out).await?,
        (None, Some(pid)) => end(workspace, pid, "it does not listen", out).await?,
        (None, None) => {
            writeln!(out, "no engine runs in this workspace")?;
            return Ok(());
        }
    }
    writeln!(out, "the engine has ended")?;
    Ok(())
}

/// Has the system end an engine that cannot be spoken with.
async fn end(workspace: &Path, pid: u32, why: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "the engine (process {pid}) is told to end, and its runs go on in the next one: {why}")?;
    let target = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the engine's process is unknown")?;
    kill_process(target, Signal::TERM).with_context(|| format!("process {pid} cannot be told to end"))?;
    gone(workspace, pid, why).await
}

async fn ask(workspace: &Path, stream: UnixStream, now: bool, out: &mut dyn Write) -> Result<()> {
    let mut wire = link::over(stream);
    wire.commands.send(Command::Stop { now }).ok();
    let mut pid = None;
    let lost = loop {
        match wire.news.recv().await {
            Some(News::Event(Event::Hello { pid: its, .. })) => pid = Some(its),
            Some(News::Event(Event::Queue { runs })) if !now => {
                for run in running(workspace, &runs) {
                    writeln!(out, "waiting for {} (step {} of {}); `darkroom stop --now` does not wait", run.id, run.step, run.of)?;
                }
            }
            Some(News::Event(Event::Stopping)) => break None,
            Some(News::Lost { reason }) => break Some(reason),
            None => break Some("the connection to the engine broke".to_owned()),
            Some(_) => {}
        }
    };
    match (pid, lost) {
        (None, Some(reason)) if reason == link::MUTE && !now => {
            bail!("{reason}; it may be busy: try again, or break off what it is at with `darkroom stop --now`")
        }
        (None, reason) => {
            // One of another version does not understand this program; it understands the system.
            let why = reason.unwrap_or_default();
            let Some(pid) = lock::holder(workspace) else { bail!(why) };
            end(workspace, pid, why.split(';').next().unwrap_or_default(), out).await
        }
        (Some(pid), Some(reason)) => gone(workspace, pid, &reason).await,
        // It ends by itself, whatever it still has to finish.
        (Some(pid), None) => {
            until_gone(workspace, pid).await;
            Ok(())
        }
    }
}

/// The runs that the engine is at. It does not wait for those of other processes.
fn running<'a>(workspace: &Path, runs: &'a [Run]) -> Vec<&'a Run> {
    let mut running: Vec<&Run> = runs.iter().filter(|run| run.state == State::Running).collect();
    if running.is_empty() {
        return running;
    }
    let Ok((gallery, _)) = Gallery::open(workspace) else { return Vec::new() };
    running.retain(|run| !gallery.is_owned(run.id).unwrap_or(false));
    running
}

async fn gone(workspace: &Path, pid: u32, why: &str) -> Result<()> {
    let ended = timeout(PATIENCE, until_gone(workspace, pid)).await;
    ended.with_context(|| format!("the engine does not end ({why}); `kill -9 {pid}` ends it, and its runs go on in the next one"))
}

async fn until_gone(workspace: &Path, pid: u32) {
    while lock::holder(workspace) == Some(pid) {
        sleep(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::engine::lock::Lock;
    use crate::link::codec::{Writer, encode};
    use std::{fs, process, thread};

    #[tokio::test]
    async fn an_engine_of_another_version_is_ended_by_the_system() {
        let workspace = tempfile::tempdir().unwrap();
        let path = socket::path(workspace.path()).unwrap();
        let lock = Lock::take(workspace.path(), &path).unwrap();
        let listener = socket::listen(&path).unwrap();
        // Another process in the place of this one.
        let mut engine = process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = engine.id();
        fs::write(workspace.path().join("engine.lock"), format!("{pid}\n{}\n", path.display())).unwrap();
        let ended = thread::spawn(move || {
            let status = engine.wait().unwrap();
            drop(lock);
            status
        });
        let refuses = tokio::spawn(async move {
            let reason = "the engine speaks version 1 of the link; go away".to_owned();
            let mut writer = Writer::new(listener.accept().await.unwrap().0);
            writer.send(encode(&Event::Refused { reason }).unwrap()).await.unwrap();
            writer
        });
        let mut out = Vec::new();
        stop(workspace.path(), false, &mut out).await.unwrap();
        let told = format!(
            "the engine (process {pid}) is told to end, and its runs go on in the next one: the engine speaks version 1 of the link\n\
             the engine has ended\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), told);
        assert!(!ended.join().unwrap().success());
        drop(refuses.await.unwrap());
    }
}
