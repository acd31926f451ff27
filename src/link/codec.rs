//! Messages as bytes: MessagePack with field names, each behind its length.
//!
//! One packet is one message. A reader ignores fields that it does not know, so that they can be added; a variant that
//! it does not know, a packet that is too long, cut off or followed by more than its message is an error, after which
//! the connection is of no use.

use super::patience::Patient;
use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// The most bytes in one packet: a grid of 10,000 recipes with prompts of a kilobyte each fits.
pub const MAX_PACKET: usize = 16 * 1024 * 1024;

/// No message nests deeper; a hostile one would otherwise be read by recursion until the stack ends.
const MAX_DEPTH: usize = 32;

/// One encoded message, shared between the viewers that it goes to.
pub type Packet = tokio_util::bytes::Bytes;

/// A message as bytes.
///
/// # Errors
/// When it does not fit into [`MAX_PACKET`].
pub fn encode(message: &impl Serialize) -> Result<Packet> {
    let bytes = rmp_serde::to_vec_named(message).context("the message cannot be written")?;
    if bytes.len() > MAX_PACKET {
        let (mib, most) = (bytes.len().div_ceil(1 << 20), MAX_PACKET >> 20);
        bail!("this is too large for the link ({mib} MiB, at most {most}); make a grid smaller or a prompt shorter");
    }
    Ok(bytes.into())
}

/// The message that the bytes are.
///
/// # Errors
/// When they are no such message, or more than one.
pub fn decode<M: DeserializeOwned>(packet: &[u8]) -> Result<M> {
    let mut deserializer = rmp_serde::Deserializer::new(io::Cursor::new(packet));
    deserializer.set_max_depth(MAX_DEPTH);
    let message = M::deserialize(&mut deserializer).context("a packet on the link cannot be understood")?;
    if deserializer.position() != packet.len() as u64 {
        bail!("a packet on the link is longer than its message");
    }
    Ok(message)
}

/// Nothing has come for longer than was agreed: the other side is gone, or the way to it.
#[derive(Debug, thiserror::Error)]
#[error("nothing is heard from the other side any more")]
pub struct Silence;

/// The reading half of a connection.
pub struct Reader<R>(FramedRead<Patient<R>, LengthDelimitedCodec>);

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads packets off a byte stream.
    pub fn new(stream: R) -> Self {
        Reader(FramedRead::new(Patient::new(stream), framing()))
    }

    /// From now on, so much silence is an end: [`Silence`]; none is one where nothing is said.
    pub fn expects(&mut self, silence: Option<Duration>) {
        self.0.get_mut().expects(silence);
    }

    /// The next message; none when the other side has closed the connection. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When what comes is no such message; nothing more can be read then.
    pub async fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>> {
        match self.0.next().await {
            None => Ok(None),
            Some(Ok(packet)) => decode(&packet).map(Some),
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                bail!("a packet on the link is larger than {} MiB", MAX_PACKET >> 20)
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(Silence.into()),
            Some(Err(error)) => Err(error).context("the connection broke in the middle of a packet"),
        }
    }
}

/// The writing half of a connection.
pub struct Writer<W>(FramedWrite<W, LengthDelimitedCodec>);

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes packets to a byte stream.
    pub fn new(stream: W) -> Self {
        Writer(FramedWrite::new(stream, framing()))
    }

    /// Writes one packet. Dropping the future leaves a packet that has begun to go out in front of the next one.
    ///
    /// # Errors
    /// When the other side has closed the connection.
    pub async fn send(&mut self, packet: Packet) -> io::Result<()> {
        self.0.send(packet).await
    }

    /// Lets the other side read to the end; this one may go on reading.
    ///
    /// # Errors
    /// When the other side has closed the connection.
    pub async fn close(&mut self) -> io::Result<()> {
        SinkExt::<Packet>::close(&mut self.0).await
    }
}

fn framing() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(MAX_PACKET).new_codec()
}
