//! The thread that encodes: the newest wishes only.

use super::{Encoded, Key, Limit, Wish, encode};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The thread that encodes.
pub struct Encoder {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Desk {
    wishes: Mutex<Wishes>,
    bell: Condvar,
}

#[derive(Default)]
struct Wishes {
    list: Vec<Wish>,
    /// The one that is being encoded.
    making: Option<(Key, Limit)>,
    closed: bool,
}

impl Desk {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        // The list is whole at every moment, so a panic elsewhere has not spoilt it.
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the first wish; none once the desk is closed.
    fn next(&self) -> Option<Wish> {
        let mut wishes = self.wishes();
        loop {
            if wishes.closed {
                return None;
            }
            if !wishes.list.is_empty() {
                let wish = wishes.list.remove(0);
                wishes.making = Some((wish.key.clone(), wish.limit));
                return Some(wish);
            }
            wishes.making = None;
            wishes = self.bell.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Encoder {
    /// Starts the thread, which hands every picture to `ready`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn spawn(ready: impl Fn(Encoded) + Send + 'static) -> std::io::Result<Encoder> {
        let desk = Arc::new(Desk::default());
        let work = desk.clone();
        let thread = std::thread::Builder::new().name("preview".to_owned()).spawn(move || {
            while let Some(wish) = work.next() {
                if let Some(encoded) = encode(wish) {
                    ready(encoded);
                }
            }
        })?;
        Ok(Encoder { desk, thread: Some(thread) })
    }

    /// What is wished for now, most wanted first. Older wishes that nobody has begun are forgotten.
    pub fn wish(&self, mut list: Vec<Wish>) {
        let mut wishes = self.desk.wishes();
        list.retain(|wish| !wishes.making.as_ref().is_some_and(|(key, limit)| *key == wish.key && *limit == wish.limit));
        wishes.list = list;
        drop(wishes);
        self.desk.bell.notify_one();
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.desk.wishes().closed = true;
        self.desk.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Source;
    use crate::link::Picture;
    use crate::preview::{Arrangement, Paper, Slot};
    use crate::recipe::RunId;
    use ratatui::layout::Size;

    #[test]
    fn the_thread_makes_the_newest_wish_and_ends_with_its_owner() {
        let (sender, made) = std::sync::mpsc::channel();
        let encoder = Encoder::spawn(move |encoded| drop(sender.send(encoded))).unwrap();
        let head =
            |run| crate::link::PictureHead { run: RunId(run), what: crate::link::PictureOf::Frame { index: 0, t: 0 }, width: 2, height: 2 };
        let wish = |run| {
            let sources = vec![Source::Frame { run: RunId(run), index: 0 }];
            let key =
                Key { slot: Slot::Preview, sources, arrangement: Arrangement::Rows(1), cells: Size::new(4, 2), paper: Paper::HALF_BLOCKS };
            Wish { key, limit: Limit::NONE, turn: 0, pictures: vec![Picture { head: head(run), rgb: vec![7; 12].into() }] }
        };
        for run in 1..=100 {
            encoder.wish(vec![wish(run)]);
        }
        let last = made.iter().find(|encoded| encoded.key.sources == [Source::Frame { run: RunId(100), index: 0 }]);
        assert!(last.is_some());
        drop(encoder);
        assert!(made.iter().next().is_none());
    }
}
