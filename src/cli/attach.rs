//! `darkroom attach --stdio`: the engine's link on standard input and output, for a viewer on another machine.

use crate::engine::lock;
use crate::link::client;
use crate::link::socket;
use crate::link::start::Program;
use anyhow::{Context, Result, ensure};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use std::{path::Path, thread};
use tokio::time::sleep;

/// How long an engine may take that has the workspace and does not listen yet, and one that has to say its last.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// There is no engine, and a viewer that only watches has none started.
#[derive(Debug, thiserror::Error)]
#[error("there is no engine to watch")]
pub struct NoEngine;

/// Relays `input` and `out` to the engine of a workspace until either side ends. Where there is none, `program` is started as
/// one.
///
/// # Errors
/// When there is no engine and none can be started, or [`NoEngine`] where none may be.
pub async fn attach(workspace: &Path, program: Option<&Program>, input: impl Read + Send + 'static, out: &mut dyn Write) -> Result<()> {
    let stream = match program {
        Some(program) => client::reach(workspace, program).await?.0,
        None => find(workspace).await?,
    };
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    relay(stream, input, out).context("the link to the engine broke")
}

/// The engine that is there, or that another process is just starting.
async fn find(workspace: &Path) -> Result<tokio::net::UnixStream> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(stream) = socket::dial(workspace).await? {
            return Ok(stream);
        }
        let pid = lock::holder(workspace).ok_or(NoEngine)?;
        ensure!(Instant::now() < deadline, "process {pid} holds the workspace and does not listen; `darkroom stop` there ends it");
        sleep(POLL).await;
    }
}

/// Nothing else happens in this process: plain threads do.
fn relay(mut stream: UnixStream, mut input: impl Read + Send + 'static, out: &mut dyn Write) -> io::Result<()> {
    let mut engine = stream.try_clone()?;
    // Not joined: a read of standard input cannot be called off.
    thread::Builder::new().name("input".into()).spawn(move || {
        io::copy(&mut input, &mut engine).ok();
        engine.shutdown(Shutdown::Write).ok();
        // The viewer is gone: nobody waits for the last words of an engine that has none.
        thread::sleep(PATIENCE);
        engine.shutdown(Shutdown::Both).ok();
    })?;
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            len => out.write_all(&bytes[..len]).and_then(|()| out.flush())?,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_both_ways_until_the_input_ends() {
        let (ours, mut engine) = UnixStream::pair().unwrap();
        let answer = thread::spawn(move || {
            let mut said = Vec::new();
            engine.read_to_end(&mut said).unwrap();
            said.reverse();
            engine.write_all(&said).unwrap();
        });
        let mut out = Vec::new();
        relay(ours, &b"\x00word\xff"[..], &mut out).unwrap();
        answer.join().unwrap();
        assert_eq!(out, b"\xffdrow\x00");
    }
}
