//! The process that computes: a queue in the gallery, a worker for every device, and viewers that come and go.
//!
//! The server is the only writer of state. Viewers' commands and the workers' facts reach it as values; it
//! keeps the queue and tells every viewer what has changed.

mod aside;
mod bench;
mod browse;
mod cancel;
mod commands;
mod connection;
mod end;
mod heard;
mod lab;
mod library;
pub mod lock;
pub mod log;
mod memory;
mod outbox;
mod pull;
mod queue;
mod server;
mod submit;
mod task;
mod teacher;
#[cfg(test)]
mod tests;
mod worker;

pub use lab::{Hook, Lab, Maker, Moment};
use worker::picture;

use crate::gallery::Gallery;
use crate::link::socket;
use anyhow::{Context, Result};
use bench::Bench;
use lock::Lock;
use server::{Input, Server};
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};
use tokio::net::UnixListener;
use tokio::sync::mpsc::{Sender, unbounded_channel};
use tokio::time::{Duration, sleep};

/// Serves a workspace with a worker for each of the labs until the engine is stopped, or the system wants it to end, which
/// `signal` tells; its runs then go on in the next one. `ready` is called once viewers can connect.
///
/// # Errors
/// [`lock::Taken`], or what keeps the engine from starting.
pub async fn serve<L: Lab, M: Fn() -> L + Send + 'static>(
    workspace: &Path,
    labs: Vec<Maker<M>>,
    signal: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(),
) -> Result<()> {
    fs::create_dir_all(workspace).with_context(|| format!("the workspace {} cannot be made", workspace.display()))?;
    let socket = socket::path(workspace)?;
    let _lock = Lock::take(workspace, &socket)?;
    log::rotate(workspace)?;
    let (gallery, mended) = Gallery::open(workspace)?;
    let gallery = Arc::new(gallery);
    let (tell, facts) = unbounded_channel();
    let workers = labs.into_iter().map(|lab| worker::spawn(gallery.clone(), lab, tell.clone())).collect::<io::Result<Vec<_>>>();
    let bench = Bench::new(workers.context("the engine gets no thread to compute in")?);
    // The facts end with the last worker.
    drop(tell);
    let listener = socket::listen(&socket)?;
    let (mut server, inputs, heard) = Server::new(gallery, bench);
    mended.into_iter().for_each(|sentence| server.log(sentence));
    server.recover()?;
    tokio::spawn(accept(listener, inputs.clone()));
    tokio::spawn(async move {
        signal.await;
        inputs.send(Input::Signal).await.ok();
    });
    ready();
    server.serve(heard, facts).await;
    Ok(())
}

/// Lets viewers in that are the user's own.
async fn accept(listener: UnixListener, inputs: Sender<Input>) {
    loop {
        let arrived = match listener.accept().await {
            Ok((stream, _)) => socket::check_peer(&stream).map(|()| stream),
            Err(error) => {
                // Most likely too many open files: it passes when a viewer leaves.
                sleep(Duration::from_millis(100)).await;
                Err(error.into())
            }
        };
        match arrived {
            Ok(stream) => {
                if inputs.send(Input::Arrived(Box::new(stream))).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!("a viewer could not come in: {error:#}"),
        }
    }
}
