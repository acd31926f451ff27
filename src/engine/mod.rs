//! The process that computes: a queue in the gallery, one worker, and viewers that come and go.
//!
//! The server is the only writer of state. Viewers' commands and the worker's facts reach it as values; it
//! keeps the queue and tells every viewer what has changed.

mod aside;
mod cancel;
mod commands;
mod connection;
mod end;
mod lab;
mod library;
pub mod lock;
pub mod log;
mod memory;
mod outbox;
mod pull;
mod server;
mod submit;
mod task;
mod teacher;
#[cfg(test)]
mod tests;
mod worker;

pub use lab::{Hook, Lab, Moment};
use worker::picture;

use crate::gallery::Gallery;
use crate::link::socket;
use anyhow::{Context, Result};
use lock::Lock;
use server::{Input, Server};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::sync::mpsc::{Sender, unbounded_channel};
use tokio::time::{Duration, sleep};

/// Serves a workspace until the engine is stopped, or the system wants it to end, which `signal` tells; its runs then go
/// on in the next one. `ready` is called once viewers can connect.
///
/// # Errors
/// [`lock::Taken`], or what keeps the engine from starting.
pub async fn serve<L: Lab>(
    workspace: &Path,
    make: impl Fn() -> L + Send + 'static,
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
    let worker = worker::spawn(gallery.clone(), make, tell).context("the engine gets no thread to compute in")?;
    let listener = socket::listen(&socket)?;
    let (mut server, inputs, heard) = Server::new(gallery, worker);
    mended.into_iter().for_each(|sentence| server.log(sentence));
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
