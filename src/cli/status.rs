//! `darkroom status`: what the engine of a workspace is at.

use crate::engine::lock;
use crate::gallery::{BUDGET, Gallery};
use crate::link::{self, Event, News, socket};
use crate::recipe::{Run, State};
use anyhow::{Result, bail};
use serde_json::json;
use std::io::{self, Write};
use std::path::Path;

/// What to know of a queue that is held.
pub(super) const HELD: &str = "the queue is held: nothing begins until P in the workbench or `darkroom queue release` lets it go on";

/// Prints the runs that are queued, running, paused or interrupted, and the engine's process. Starts no engine.
///
/// # Errors
/// When the engine does not answer, or the index cannot be read.
pub async fn status(workspace: &Path, json: bool, out: &mut dyn Write) -> Result<()> {
    let stream = socket::dial(workspace).await?;
    let listens = stream.is_some();
    let (pid, (held, mut runs)) = match stream {
        Some(stream) => ask(stream).await?,
        None => {
            let holder = lock::holder(workspace);
            (holder, kept(workspace, holder.is_some())?)
        }
    };
    runs.retain(|run| run.state.is_open() || matches!(run.state, State::Paused | State::Interrupted));
    if json {
        let row = |run: &Run| json!({"id": run.id, "state": run.state, "step": run.step, "of": run.of});
        writeln!(out, "{}", json!({"pid": pid, "held": held, "runs": runs.iter().map(row).collect::<Vec<_>>()}))?;
        return Ok(());
    }
    match pid {
        Some(pid) if listens => writeln!(out, "the engine is process {pid}")?,
        Some(pid) => writeln!(out, "the engine is process {pid} and does not listen; `darkroom stop` ends it")?,
        None => writeln!(out, "no engine runs in this workspace")?,
    }
    if held {
        writeln!(out, "{HELD}")?;
    }
    for run in &runs {
        let steps = if run.of == 0 { String::new() } else { format!("{}/{}", run.step, run.of) };
        let prompt = run.recipe.prompts().join(" / ");
        let prompt = prompt.escape_debug();
        writeln!(out, "{:>6}  {:<11}  {steps:>9}  {}  {prompt}", run.id.0, run.state.word(), run.recipe.experiment())?;
    }
    tell_kept_steps(workspace, out)
}

/// How much room the kept steps take, where there are any.
fn tell_kept_steps(workspace: &Path, out: &mut dyn Write) -> Result<()> {
    if !workspace.join("darkroom.db").exists() {
        return Ok(());
    }
    let kept = Gallery::open(workspace)?.0.steps_usage();
    if kept.runs > 0 {
        let plural = if kept.runs == 1 { "" } else { "s" };
        let (bytes, budget) = (kept.bytes as f64 / 1e6, BUDGET as f64 / 1e9);
        writeln!(out, "kept steps: {bytes:.1} MB of {budget:.1} GB, of {} run{plural}", kept.runs)?;
    }
    Ok(())
}

/// What is known of a queue: whether it is held, and its runs.
type Queue = (bool, Vec<Run>);

async fn ask(stream: tokio::net::UnixStream) -> Result<(Option<u32>, Queue)> {
    let mut wire = link::over(stream);
    let (mut pid, mut is_held) = (None, false);
    while let Some(news) = wire.news.recv().await {
        match news {
            News::Event(Event::Hello { pid: its, .. }) => pid = Some(its),
            News::Event(Event::Held { held }) => is_held = held,
            News::Event(Event::Queue { runs }) => return Ok((pid, (is_held, runs))),
            News::Event(Event::Error { text: reason }) | News::Lost { reason } => bail!(reason),
            _ => {}
        }
    }
    bail!("the engine did not say what it is at")
}

/// The queue without its engine. Where none holds it, as the next one will find it: what an engine has died of is put aside.
fn kept(workspace: &Path, is_served: bool) -> Result<Queue> {
    if !workspace.join("darkroom.db").exists() {
        return Ok((false, Vec::new()));
    }
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(io::stderr(), "{sentence}"))?;
    let (mut held, mut runs) = (gallery.is_queue_held()?, gallery.queue()?);
    if !is_served {
        let mut died = gallery.is_signed_on()?;
        for run in runs.iter_mut().filter(|run| run.state == State::Running) {
            if !gallery.is_owned(run.id)? {
                (run.state, died) = (State::Interrupted, true);
            }
        }
        held |= died && gallery.waiting()? > 0;
    }
    Ok((held, runs))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::{Grid, Recipe};

    async fn printed(workspace: &Path, json: bool) -> String {
        let mut out = Vec::new();
        status(workspace, json, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn without_an_engine_the_index_tells_what_waits() {
        let workspace = tempfile::tempdir().unwrap();
        let gallery = Gallery::open(workspace.path()).unwrap().0;
        let recipe = |prompt: &str| Recipe::parse("sample", &[("prompt".into(), prompt.into())]).unwrap();
        gallery.submit(&Grid::one(recipe("a red\nthree"))).unwrap();
        gallery.submit(&Grid::one(recipe("gone"))).unwrap();
        gallery.take_next().unwrap();
        gallery.set_step(crate::recipe::RunId(1), 12, 34).unwrap();
        gallery.set_state(crate::recipe::RunId(2), State::Cancelled, None).unwrap();
        let text = printed(workspace.path(), false).await;
        assert_eq!(text, "no engine runs in this workspace\n     1  interrupted      12/34  sample  a red\\nthree\n");
        let json = printed(workspace.path(), true).await;
        assert_eq!(json, "{\"pid\":null,\"held\":false,\"runs\":[{\"id\":1,\"state\":\"interrupted\",\"step\":12,\"of\":34}]}\n");
        gallery.submit(&Grid::one(recipe("waits"))).unwrap();
        assert!(printed(workspace.path(), false).await.contains("workspace\nthe queue is held: nothing"), "as the next engine will");
        gallery.set_state(crate::recipe::RunId(1), State::Paused, None).unwrap();
        assert!(!printed(workspace.path(), false).await.contains("held"));
        gallery.recover().unwrap();
        assert!(printed(workspace.path(), false).await.contains("held"), "its engine has not signed off");
        gallery.sign_off().unwrap();
        gallery.hold_queue(true).unwrap();
        assert!(printed(workspace.path(), false).await.contains("workspace\nthe queue is held: nothing begins until P"));
        assert!(printed(workspace.path(), true).await.contains("\"held\":true"));
    }

    #[tokio::test]
    async fn a_workspace_that_is_not_there_is_not_made() {
        let temp = tempfile::tempdir().unwrap();
        let workspace = temp.path().join("none");
        assert_eq!(printed(&workspace, true).await, "{\"pid\":null,\"held\":false,\"runs\":[]}\n");
        assert!(!workspace.exists());
    }
}
