//! `darkroom submit`: hands runs to the engine and leaves.

use super::status::HELD;
use crate::link::start::Program;
use crate::link::{self, Command, Event, News, client};
use crate::recipe::{Grid, RunId};
use anyhow::{Result, bail};
use serde_json::json;
use std::{
    io::{self, Write},
    path::Path,
};

/// Queues a grid with the engine, which is started where there is none, and prints the numbers of its runs.
///
/// # Errors
/// When there is no engine and none can be started, or it cannot queue the grid.
pub async fn submit(workspace: &Path, grid: Grid, (json, program): (bool, &Program), out: &mut dyn Write) -> Result<()> {
    let (stream, _) = client::reach(workspace, program).await?;
    let (first, last, held) = hand_over(link::over(stream), grid).await?;
    match json {
        true => (first.0..=last.0).try_for_each(|run| writeln!(out, "{}", json!({"event": "queued", "run": run})))?,
        false if first == last => writeln!(out, "{first} waits in the queue")?,
        false => writeln!(out, "{first} to {last} wait in the queue")?,
    }
    if held {
        writeln!(io::stderr(), "{HELD}")?;
    }
    Ok(())
}

/// The first and the last of the numbers that the engine gives the runs of a grid, and whether the queue is held.
async fn hand_over(mut wire: link::Wire, grid: Grid) -> Result<(RunId, RunId, bool)> {
    wire.commands.send(Command::Submit { grid }).ok();
    let mut is_held = false;
    while let Some(news) = wire.news.recv().await {
        match news {
            News::Event(Event::Held { held }) => is_held = held,
            News::Event(Event::Submitted { first, last }) => return Ok((first, last, is_held)),
            News::Event(Event::Error { text: reason }) | News::Lost { reason } => bail!(reason),
            _ => {}
        }
    }
    bail!("the engine did not take the runs")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    /// What `submit` makes of an engine that tells this.
    async fn submitted(told: Vec<Event>) -> Result<(RunId, RunId, bool)> {
        let (wire, mut to_engine, engine) = link::Wire::new();
        told.into_iter().for_each(|event| engine.send(News::Event(event)).unwrap());
        drop(engine);
        let grid = Grid::one(Recipe::parse("sample", &[]).unwrap());
        let answer = hand_over(wire, grid.clone()).await;
        assert_eq!(to_engine.recv().await, Some(Command::Submit { grid }));
        answer
    }

    #[tokio::test]
    async fn the_engine_says_which_numbers_the_runs_have() {
        let numbers = Event::Submitted { first: RunId(3), last: RunId(4) };
        let told = vec![Event::Queue { runs: vec![] }, numbers.clone()];
        assert_eq!(submitted(told).await.unwrap(), (RunId(3), RunId(4), false));
        assert_eq!(submitted(vec![Event::Held { held: true }, numbers]).await.unwrap(), (RunId(3), RunId(4), true));
    }

    #[tokio::test]
    async fn what_the_engine_refuses_is_an_error() {
        let told = vec![Event::Error { text: "the disk is full".into() }];
        assert_eq!(submitted(told).await.unwrap_err().to_string(), "the disk is full");
        assert!(submitted(vec![]).await.is_err());
    }
}
