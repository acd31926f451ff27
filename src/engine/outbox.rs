//! What waits to go out to one viewer, and in which order.
//!
//! Facts go first, in their order, and none is left out. Pictures follow when no fact waits, a chunk at a time. A
//! viewer that does not read holds up nobody: its facts wait here, and when they are too many it is sent away, to come
//! back and be told how things stand.

use crate::gallery::Gallery;
use crate::link::codec::{Packet, encode};
use crate::link::picture::{MAX_SIDE, Sending};
use crate::link::{Event, Picture, PictureHead, PictureOf};
use crate::recipe::RunId;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The most bytes of facts that wait for one viewer. They are shared between viewers.
pub const BACKLOG: usize = 64 * 1024 * 1024;
/// The most kept pictures that one viewer may wait for.
pub const WISHES: usize = 256;

/// The most pictures that wait as answers.
const ANSWERS: usize = 4;

/// A kept picture that a viewer has asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// Whose.
    pub run: RunId,
    /// Which of the run's pictures, from 0.
    pub index: u32,
    /// The longest side, in pixels.
    pub side: u32,
}

impl Wish {
    /// Reads the picture; slow. One that cannot be read is [`PictureOf::Missing`].
    pub fn load(&self, gallery: &Gallery) -> Picture {
        let Wish { run, index, side } = *self;
        match gallery.thumbnail(run, index as usize, side.clamp(1, MAX_SIDE)) {
            Ok(image) => super::picture(run, PictureOf::Kept { index, side }, image),
            Err(error) => {
                tracing::warn!("{error:#}");
                self.missing()
            }
        }
    }

    /// The answer where there is no picture.
    pub fn missing(&self) -> Picture {
        let what = PictureOf::Missing { index: self.index, side: self.side };
        Picture { head: PictureHead { run: self.run, what, width: 0, height: 0 }, rgb: [].into() }
    }
}

/// What the writer does next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Send this.
    Packet(Packet),
    /// Load this aside, and give it to [`Outbox::loaded`].
    Load(Wish),
    /// Wait for [`Outbox::waits`].
    Nothing,
    /// Send this if the viewer still takes it, and close the connection.
    Last(Packet),
    /// Close the connection.
    Close,
}

/// One viewer's outbox: filled by the server, emptied by the connection's writer.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
    ended: Notify,
}

#[derive(Default)]
struct Waiting {
    facts: VecDeque<Packet>,
    /// Their bytes.
    size: usize,
    sending: Option<Sending>,
    frame: Option<Picture>,
    answers: VecDeque<Picture>,
    kept: Option<Picture>,
    wishes: VecDeque<Wish>,
    loading: bool,
    /// How often something is said, be it nothing.
    pings: Option<Duration>,
    end: Option<End>,
}

#[derive(Clone)]
enum End {
    /// Nobody reads any more.
    Silent,
    /// With a last word.
    Last(Packet),
    /// Once the facts are out.
    Finished,
}

impl Outbox {
    /// One more fact. Too many, and the viewer is sent away.
    pub fn fact(&self, packet: Packet) {
        let mut waiting = self.waiting();
        if waiting.end.is_some() {
            return;
        }
        waiting.size += packet.len();
        let full = waiting.size > BACKLOG;
        waiting.facts.push_back(packet);
        drop(waiting);
        match full {
            true => self.send_away("this viewer reads too slowly, and is told anew how things stand"),
            false => self.changed.notify_one(),
        }
    }

    /// A live frame, in the place of one that has not begun to go out.
    pub fn frame(&self, picture: Picture) {
        self.waiting().frame = Some(picture);
        self.changed.notify_one();
    }

    /// A picture that was asked for; of too many the oldest goes.
    pub fn answer(&self, picture: Picture) {
        let mut waiting = self.waiting();
        waiting.answers.push_back(picture);
        if waiting.answers.len() > ANSWERS {
            waiting.answers.pop_front();
        }
        self.changed.notify_one();
    }

    /// A kept picture is asked for. False when too many are already.
    pub fn wish(&self, wish: Wish) -> bool {
        let mut waiting = self.waiting();
        if waiting.wishes.contains(&wish) {
            return true;
        }
        let room = waiting.wishes.len() < WISHES;
        if room {
            waiting.wishes.push_back(wish);
            self.changed.notify_one();
        }
        room
    }

    /// The picture of the last [`Next::Load`].
    pub fn loaded(&self, picture: Picture) {
        let mut waiting = self.waiting();
        waiting.loading = false;
        waiting.kept = Some(picture);
        self.changed.notify_one();
    }

    /// Closes the connection with a reason; the viewer is not to come again.
    pub fn refuse(&self, reason: &str) {
        self.close(&Event::Refused { reason: reason.to_owned() }, reason);
    }

    /// Closes the connection with a reason; the viewer may come again.
    pub fn send_away(&self, reason: &str) {
        self.close(&Event::SentAway { reason: reason.to_owned() }, reason);
    }

    fn close(&self, last: &Event, reason: &str) {
        tracing::info!("a viewer is sent away: {reason}");
        self.end(encode(last).map_or(End::Silent, End::Last));
    }

    /// From now on something is said so often, be it nothing.
    pub fn pings(&self, every: Duration) {
        self.waiting().pings = Some(every);
        self.changed.notify_one();
    }

    /// Closes the connection once the facts are out.
    pub fn finish(&self) {
        self.waiting().end.get_or_insert(End::Finished);
        self.changed.notify_one();
    }

    /// The viewer reads no more: nothing is kept for it.
    pub fn silence(&self) {
        self.end(End::Silent);
    }

    fn end(&self, end: End) {
        let mut waiting = self.waiting();
        if matches!(waiting.end, None | Some(End::Finished)) {
            *waiting = Waiting { end: Some(end), ..Waiting::default() };
        }
        self.changed.notify_one();
        self.ended.notify_one();
    }

    /// Resolves when there may be a new [`Outbox::next`]: should there be nothing for long, that is said.
    pub async fn waits(&self) {
        let every = self.waiting().pings;
        if timeout(every.unwrap_or(Duration::MAX), self.changed.notified()).await.is_err()
            && let Ok(packet) = encode(&Event::Ping)
        {
            self.fact(packet);
        }
    }

    /// Resolves when what is being sent is no longer worth waiting for.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }

    /// What goes out next.
    pub fn next(&self) -> Next {
        let mut waiting = self.waiting();
        match waiting.end.clone() {
            Some(End::Silent) => return Next::Close,
            Some(End::Last(packet)) => return Next::Last(packet),
            _ => {}
        }
        if let Some(packet) = waiting.facts.pop_front() {
            waiting.size -= packet.len();
            return Next::Packet(packet);
        }
        if waiting.end.is_some() {
            return Next::Close;
        }
        waiting.picture().unwrap_or(Next::Nothing)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock, and what is inside would be whole even then.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The next piece of a picture: of the one that has begun, then of the live one, then of one that is kept.
    fn picture(&mut self) -> Option<Next> {
        if !self.loading
            && self.kept.is_none()
            && let Some(wish) = self.wishes.pop_front()
        {
            self.loading = true;
            return Some(Next::Load(wish));
        }
        loop {
            let sending = match self.sending.take() {
                Some(sending) => sending,
                None => Sending::new(self.frame.take().or_else(|| self.answers.pop_front()).or_else(|| self.kept.take())?),
            };
            if let Some(Ok(packet)) = self.sending.insert(sending).next().map(|event| encode(&event)) {
                return Some(Next::Packet(packet));
            }
            self.sending = None;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::link::codec::decode;

    fn fact(text: &str) -> Packet {
        encode(&Event::Error { text: text.into() }).unwrap()
    }

    fn picture(t: u32, width: u32) -> Picture {
        let head = PictureHead { run: RunId(1), what: PictureOf::Frame { index: 0, t }, width, height: 100 };
        Picture { head, rgb: vec![0; width as usize * 300].into() }
    }

    /// The next thing that goes out, in a word.
    fn word(outbox: &Outbox) -> String {
        match outbox.next() {
            Next::Packet(packet) | Next::Last(packet) => match decode(&packet).unwrap() {
                Event::Error { text } => text,
                Event::SentAway { .. } => "sent away".into(),
                Event::Picture { head: PictureHead { what: PictureOf::Frame { t, .. }, .. } } => format!("picture {t}"),
                Event::Chunk { bytes } => format!("{} bytes", bytes.0.len()),
                other => panic!("{other:?}"),
            },
            Next::Load(wish) => format!("load {}", wish.index),
            Next::Nothing => "nothing".into(),
            Next::Close => "close".into(),
        }
    }

    #[test]
    fn facts_overtake_a_picture_at_every_chunk() {
        let outbox = Outbox::default();
        outbox.frame(picture(990, 100));
        outbox.fact(fact("one"));
        outbox.fact(fact("two"));
        let mut words: Vec<_> = (0..4).map(|_| word(&outbox)).collect();
        outbox.fact(fact("three"));
        words.extend((0..3).map(|_| word(&outbox)));
        assert_eq!(words, ["one", "two", "picture 990", "16384 bytes", "three", "13616 bytes", "nothing"]);
    }

    #[test]
    fn a_newer_frame_takes_the_place_of_one_that_has_not_begun() {
        let outbox = Outbox::default();
        outbox.frame(picture(990, 1));
        assert_eq!(word(&outbox), "picture 990");
        outbox.frame(picture(960, 1));
        outbox.frame(picture(930, 1));
        let words: Vec<_> = (0..4).map(|_| word(&outbox)).collect();
        assert_eq!(words, ["300 bytes", "picture 930", "300 bytes", "nothing"]);
    }

    #[test]
    fn kept_pictures_are_loaded_one_at_a_time_and_a_live_one_overtakes_them() {
        let outbox = Outbox::default();
        let wish = |index| Wish { run: RunId(1), index, side: 8 };
        for index in [0, 1, 0] {
            assert!(outbox.wish(wish(index)));
        }
        assert_eq!(word(&outbox), "load 0");
        assert_eq!(word(&outbox), "nothing");
        outbox.loaded(picture(1, 1));
        outbox.frame(picture(2, 1));
        let words: Vec<_> = (0..5).map(|_| word(&outbox)).collect();
        assert_eq!(words, ["picture 2", "300 bytes", "picture 1", "load 1", "300 bytes"]);
        assert_eq!(word(&outbox), "nothing");
        assert!((0..WISHES as u32).all(|index| outbox.wish(wish(index))));
        assert!(!outbox.wish(wish(u32::MAX)));
    }

    #[test]
    fn a_viewer_with_too_many_facts_is_sent_away_and_keeps_no_memory() {
        let outbox = Outbox::default();
        let large = Packet::from(vec![0; BACKLOG / 2]);
        outbox.fact(large.clone());
        outbox.fact(large.clone());
        assert_eq!(outbox.waiting().facts.len(), 2);
        outbox.fact(fact("one too many"));
        outbox.fact(large);
        outbox.frame(picture(990, 1));
        assert_eq!(outbox.waiting().size, 0);
        assert_eq!(word(&outbox), "sent away");
    }

    #[test]
    fn a_finished_connection_tells_its_facts_and_leaves_its_pictures() {
        let outbox = Outbox::default();
        outbox.frame(picture(990, 1));
        outbox.fact(fact("the end"));
        outbox.finish();
        assert_eq!((word(&outbox), word(&outbox)), ("the end".into(), "close".into()));
    }
}
