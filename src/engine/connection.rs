//! One viewer's connection: what it says goes to the server, what is in its outbox goes to it.

use super::outbox::{Next, Outbox};
use super::server::Input;
use crate::gallery::Gallery;
use crate::link::Command;
use crate::link::codec::{Reader, Silence, Writer};
use std::future::pending;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long the reason of a closed connection may take to go out.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How often a viewer may have it that both sides say that they are there, in milliseconds.
const PACES: RangeInclusive<u64> = 100..=60_000;

/// A reason that quotes a viewer is cut after so many characters.
const MAX_REASON: usize = 200;

/// Any byte stream to a viewer.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Serves one viewer until it leaves or is sent away. `viewer` is its number among the engine's viewers.
pub async fn attend((viewer, stream): (u64, Box<dyn Stream>), outbox: Arc<Outbox>, gallery: Arc<Gallery>, inputs: Sender<Input>) {
    let (read, write) = tokio::io::split(stream);
    let mut heard = pin!(hear(viewer, read, &outbox, &inputs));
    let finished = tokio::select! {
        () = &mut heard => false,
        finished = say(write, &outbox, &gallery) => finished,
    };
    if finished {
        // What the viewer said before it heard of the engine's end still counts.
        heard.await;
    }
    inputs.send(Input::Left(viewer)).await.ok();
}

/// Passes on commands until the viewer closes the connection.
async fn hear(viewer: u64, read: impl AsyncRead + Unpin, outbox: &Outbox, inputs: &Sender<Input>) {
    let mut reader = Reader::new(read);
    loop {
        match reader.next().await {
            Ok(Some(Command::Ping { every_ms })) => {
                let every = Duration::from_millis(u64::from(every_ms).clamp(*PACES.start(), *PACES.end()));
                // A viewer that a shell has put aside says nothing, and is to find its connection when it comes back.
                reader.expects((every_ms > 0).then_some(3 * every));
                if every_ms > 0 {
                    outbox.pings(every);
                }
            }
            Ok(Some(command)) => {
                if inputs.send(Input::Said(viewer, command)).await.is_err() {
                    return pending().await;
                }
            }
            Ok(None) => return,
            Err(error) if error.is::<Silence>() => {
                outbox.send_away("nothing was heard of this viewer");
                return pending().await;
            }
            Err(error) => {
                // It may quote what came, and that may be long.
                let reason: String = format!("{error:#}").chars().take(MAX_REASON).collect();
                outbox.refuse(&reason);
                return pending().await;
            }
        }
    }
}

/// Empties the outbox until the server closes it. Whether everything is out; otherwise the viewer is sent away.
async fn say(write: impl AsyncWrite + Unpin, outbox: &Arc<Outbox>, gallery: &Arc<Gallery>) -> bool {
    let mut writer = Writer::new(write);
    loop {
        match outbox.next() {
            Next::Nothing => outbox.waits().await,
            Next::Close => return writer.close().await.is_ok(),
            Next::Last(packet) => {
                timeout(LAST_WORD, writer.send(packet)).await.ok();
                return false;
            }
            Next::Packet(packet) => tokio::select! {
                sent = writer.send(packet) => if sent.is_err() {
                    // The viewer is gone, but its last commands may still be unread.
                    outbox.silence();
                    return pending().await;
                },
                () = outbox.ended() => {}
            },
            Next::Load(wish) => {
                let (outbox, gallery) = (outbox.clone(), gallery.clone());
                tokio::spawn(async move {
                    let missing = wish.missing();
                    outbox.loaded(spawn_blocking(move || wish.load(&gallery)).await.unwrap_or(missing));
                });
            }
        }
    }
}
