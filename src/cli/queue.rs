//! `darkroom queue`: holds the queue or lets it go on, without the workbench.

use crate::engine::lock::Lock;
use crate::gallery::Gallery;
use crate::link::{self, Command, Event, News, socket};
use anyhow::{Context, Result, bail};
use std::io::{self, Write};
use std::path::Path;

/// What is done to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Queue {
    /// What runs goes on, and nothing else begins, over a restart, too.
    Hold,
    /// What waits begins, once there is an engine.
    Release,
}

/// Has the engine do it, or where there is none writes it down for the next one.
///
/// # Errors
/// When the engine refuses it, or the index cannot be written.
pub async fn queue(workspace: &Path, queue: Queue, out: &mut dyn Write) -> Result<()> {
    let held = queue == Queue::Hold;
    match socket::dial(workspace).await? {
        Some(stream) => ask(link::over(stream), held).await?,
        None => keep(workspace, held, out)?,
    }
    writeln!(out, "{}", if held { "the queue is held" } else { "the queue goes on" })?;
    Ok(())
}

/// It tells every viewer how it is, the new one first of all.
async fn ask(mut wire: link::Wire, held: bool) -> Result<()> {
    wire.commands.send(Command::HoldQueue { held }).ok();
    while let Some(news) = wire.news.recv().await {
        match news {
            News::Event(Event::Held { held: is }) if is == held => return Ok(()),
            News::Event(Event::Error { text: reason }) | News::Lost { reason } => bail!(reason),
            _ => {}
        }
    }
    bail!("the engine did not say that it has done so")
}

fn keep(workspace: &Path, held: bool, out: &mut dyn Write) -> Result<()> {
    workspace.join("darkroom.db").try_exists()?.then_some(()).context("there is no workspace here yet")?;
    // As an engine would: where the last one died, the next one would hold the queue for that.
    let _lock = Lock::take(workspace, &socket::path(workspace)?)?;
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(io::stderr(), "{sentence}"))?;
    for run in gallery.recover()?.interrupted {
        writeln!(out, "{} waits: {}", run.id, run.error.unwrap_or_default())?;
    }
    gallery.hold_queue(held)?;
    gallery.sign_off()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::{Grid, Recipe, RunId};

    #[tokio::test]
    async fn without_an_engine_it_is_written_down_for_the_next() {
        let workspace = tempfile::tempdir().unwrap();
        let said = async |what| {
            let mut out = Vec::new();
            queue(workspace.path(), what, &mut out).await.map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(said(Queue::Hold).await.unwrap_err().to_string(), "there is no workspace here yet");
        let (gallery, _) = Gallery::open(workspace.path()).unwrap();
        assert_eq!(said(Queue::Hold).await.unwrap(), "the queue is held\n");
        assert!(gallery.is_queue_held().unwrap());
        assert_eq!(said(Queue::Release).await.unwrap(), "the queue goes on\n");
        assert!(!gallery.is_queue_held().unwrap());
    }

    #[tokio::test]
    async fn a_queue_that_is_released_after_a_crash_goes_on_with_the_next_engine() {
        let workspace = tempfile::tempdir().unwrap();
        let gallery = Gallery::open(workspace.path()).unwrap().0;
        gallery.submit(&Grid { axes: vec![], recipes: vec![Recipe::parse("sample", &[]).unwrap(); 2] }).unwrap();
        gallery.recover().unwrap();
        gallery.take_next().unwrap();
        let mut out = Vec::new();
        queue(workspace.path(), Queue::Release, &mut out).await.unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(said.starts_with("1 waits: the engine died") && said.ends_with("\nthe queue goes on\n"), "{said}");
        let next = gallery.recover().unwrap();
        assert!(next.interrupted.is_empty() && !next.held);
        assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(2));
    }

    #[tokio::test]
    async fn an_engine_is_asked_and_its_word_is_waited_for() {
        let (wire, mut to_engine, engine) = link::Wire::new();
        for event in [Event::Held { held: true }, Event::Held { held: false }] {
            engine.send(News::Event(event)).unwrap();
        }
        ask(wire, false).await.unwrap();
        assert_eq!(to_engine.recv().await, Some(Command::HoldQueue { held: false }));
        let (wire, _to_engine, engine) = link::Wire::new();
        engine.send(News::Event(Event::Error { text: "the disk is full".into() })).unwrap();
        assert_eq!(ask(wire, true).await.unwrap_err().to_string(), "the disk is full");
    }
}
