//! Starting an engine: a process of its own that outlives us.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{fs, fs::File, io, thread};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What an engine says on its standard output once it listens.
pub const READY: &str = "ready";
/// What it says when another engine serves the workspace.
pub const BUSY: &str = "busy";
/// The file in the workspace that an engine's log and its last words go to.
pub const LOG: &str = "engine.log";

/// How long a child may take to end after its connection broke.
const BURIAL: Duration = Duration::from_millis(500);

/// What is started as an engine.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What its engine is told beside the workspace.
    pub arguments: Vec<OsString>,
}

impl From<PathBuf> for Program {
    fn from(path: PathBuf) -> Program {
        Program { path, arguments: Vec::new() }
    }
}

/// An engine that this process has started.
pub struct Started(oneshot::Receiver<io::Result<ExitStatus>>);

impl Started {
    /// How it ended; none while it lives.
    pub async fn ended(self) -> Option<String> {
        let status = timeout(BURIAL, self.0).await.ok()?.ok()?.ok()?;
        Some(how(status))
    }
}

/// Starts `program` as the engine of a workspace and waits until it is ready, however long it has to mend the gallery
/// first; none where another engine is.
///
/// # Errors
/// What kept the engine from starting, in its own words where it had any.
pub async fn start(program: &Program, workspace: &Path) -> Result<Option<Started>> {
    fs::create_dir_all(workspace).with_context(|| format!("the workspace {} cannot be made", workspace.display()))?;
    let log = workspace.join(LOG);
    let words = File::options().create(true).append(true).open(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let mut engine = Command::new(&program.path);
    engine.arg("engine").arg("--workspace").arg(workspace).args(&program.arguments);
    engine.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(words);
    let child = engine.spawn().with_context(|| format!("the engine cannot be started ({})", program.path.display()))?;
    let (said, line) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    thread::Builder::new().name("engine-child".into()).spawn(move || attend(child, said, end))?;
    match line.await.unwrap_or_default().as_str() {
        READY => Ok(Some(Started(ended))),
        BUSY => Ok(None),
        "" => {
            let how = Started(ended).ended().await.unwrap_or_else(|| "it says nothing".to_owned());
            bail!("the engine did not start ({how}); {} may say why", log.display())
        }
        words => bail!("the engine did not start: {words}"),
    }
}

/// Waits for a child's first line and for its end: without a `wait` it would stay as a zombie.
fn attend(mut child: Child, said: oneshot::Sender<String>, end: oneshot::Sender<io::Result<ExitStatus>>) {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        // Words that are no text are no words.
        BufReader::new(stdout.take(4096)).read_line(&mut line).ok();
    }
    said.send(line.trim().to_owned()).ok();
    end.send(child.wait()).ok();
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal @ 9)) => format!("killed, signal {signal}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "it is gone".to_owned(),
    }
}
