//! A stream on which silence is an end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Reads until nothing has come for too long. It counts bytes, not messages: a large one on a slow way is no silence.
pub(super) struct Patient<R> {
    stream: R,
    /// How long that is, and when it is over.
    silence: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl<R> Patient<R> {
    pub fn new(stream: R) -> Patient<R> {
        Patient { stream, silence: None }
    }

    /// From now on, so much silence is an end; none is one where nothing is said.
    pub fn expects(&mut self, silence: Option<Duration>) {
        self.silence = silence.map(|silence| (silence, Box::pin(sleep(silence))));
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Patient<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Patient { stream, silence } = &mut *self;
        // First of all: what has come while nobody looked was no silence.
        let read = Pin::new(stream).poll_read(context, bytes);
        match (read, silence) {
            (Poll::Pending, Some((_, over))) => over.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into())),
            (read, Some((silence, over))) => {
                over.as_mut().reset(Instant::now() + *silence);
                read
            }
            (read, None) => read,
        }
    }
}
