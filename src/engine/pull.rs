//! A model on its way from the hub. That may take hours: it has a thread of its own, and nobody waits for it.

use super::cancel::{Cancel, Canceller};
use super::library::Library;
use super::server::{Input, Server};
use super::task::caught;
use crate::link::{Doing, Event, PullEnd, Pulling};
use crate::model::hub::{Id, Progress};
use crate::words::sentence;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// How often viewers are told at most how far a file is.
pub(super) const PACE: Duration = Duration::from_millis(250);

/// The download that is under way.
pub(super) struct Pull {
    /// As last told.
    how: Pulling,
    /// Dropped with the server: nobody would hear of the rest.
    cancel: Canceller,
}

impl Server {
    /// Begins a download; one at a time.
    pub(super) fn pull(&mut self, repository: &str) -> Result<()> {
        let id: Id = repository.trim().parse()?;
        if let Some(Pull { how, .. }) = &self.pull {
            bail!("{} is being downloaded, and there is one download at a time: wait for its end, or break it off", how.repository);
        }
        ensure!(self.ending.is_none(), "the engine is about to end; ask the next one for {id}");
        let (cancel, how) = (Canceller::default(), begun(&id));
        let teller = Teller::new(how.clone(), (self.inputs.clone(), cancel.handle()), self.pace);
        let library = self.library.clone();
        let spawned = thread::Builder::new().name("pull".into()).spawn(move || teller.fetch(&*library, &id));
        spawned.context("the engine gets no thread to download in")?;
        self.log(format!("the download of {} begins", how.repository));
        self.pull = Some(Pull { how: how.clone(), cancel });
        self.tell_pull(Event::Pulling { pull: how });
        Ok(())
    }

    /// Breaks the download off. It ends when its thread hears of it, at the next bytes that come.
    pub(super) fn stop_pull(&mut self) -> Result<()> {
        let Some(Pull { how, cancel }) = &mut self.pull else { bail!("nothing is being downloaded") };
        cancel.cancel();
        how.doing = Doing::Stops;
        let pull = how.clone();
        self.tell_pull(Event::Pulling { pull });
        Ok(())
    }

    /// The download is so far.
    pub(super) fn pulling(&mut self, now: Pulling) {
        let Some(Pull { how, cancel }) = &mut self.pull else { return };
        // What its thread said before it heard that it is broken off.
        if cancel.handle().check().is_continue() {
            how.clone_from(&now);
            self.tell_pull(Event::Pulling { pull: now });
        }
    }

    /// The download is over.
    pub(super) fn pulled(&mut self, done: Result<String>) {
        let Some(Pull { how, cancel }) = self.pull.take() else { return };
        let repository = how.repository;
        let (end, text) = match done {
            Ok(text) => (PullEnd::Done, text),
            Err(_) if cancel.handle().check().is_break() => (PullEnd::Stopped, broken_off(&repository)),
            Err(error) => (PullEnd::Failed, failure(&sentence(&error))),
        };
        self.log(text.clone());
        self.tell_pull(Event::Pulled { repository, end, text });
    }

    /// The engine ends, and waits for no download.
    pub(super) fn give_up_pull(&mut self) {
        if let Some(Pull { how, .. }) = self.pull.take() {
            self.log(broken_off(&how.repository));
        }
    }

    /// Tells every viewer, and those that come later.
    fn tell_pull(&mut self, event: Event) {
        self.tell(&event);
        self.last_pull = Some(event);
    }
}

fn begun(id: &Id) -> Pulling {
    let (repository, file) = (id.to_string(), String::new());
    Pulling { repository, file, at: 0, size: 0, number: 0, of: 0, bytes: 0, total: 0, doing: Doing::Asks }
}

fn broken_off(repository: &str) -> String {
    format!("the download of {repository} is broken off; what has arrived is kept, and the next one goes on there")
}

/// The environment that a sentence speaks of is not the one of the user's shell.
fn failure(why: &str) -> String {
    match why.contains("HF_TOKEN") {
        true => format!("{why}; the engine sees a new HF_TOKEN when it is started anew (`darkroom stop` ends this one)"),
        false => why.to_owned(),
    }
}

/// The download's thread, as far as the server hears of it.
struct Teller {
    how: Pulling,
    /// Bytes of the files that are whole.
    whole: u64,
    inputs: Sender<Input>,
    cancel: Cancel,
    pace: Duration,
    told: Instant,
}

impl Teller {
    fn new(how: Pulling, (inputs, cancel): (Sender<Input>, Cancel), pace: Duration) -> Teller {
        Teller { how, whole: 0, inputs, cancel, pace, told: Instant::now() }
    }

    /// Downloads, whatever comes of it: the server must hear of the end even if that is a panic.
    fn fetch(mut self, library: &dyn Library, id: &Id) {
        let done = caught(|| library.pull(id, &mut |progress| self.hear(&progress)));
        let done = done.unwrap_or_else(|fault| Err(anyhow!(fault)));
        self.inputs.blocking_send(Input::Pulled(done)).ok();
    }

    /// Passes on what is worth telling, unless nobody wants the rest.
    fn hear(&mut self, progress: &Progress) -> Result<()> {
        ensure!(self.cancel.check().is_continue(), "the download was broken off");
        let news = self.take(progress);
        if news || self.told.elapsed() >= self.pace {
            self.told = Instant::now();
            let sent = self.inputs.blocking_send(Input::Pulling(self.how.clone()));
            sent.ok().context("the engine has ended")?;
        }
        Ok(())
    }

    /// Takes in what the hub's end says; whether that is more than a few bytes.
    fn take(&mut self, progress: &Progress) -> bool {
        let how = &mut self.how;
        how.doing = Doing::Fetches;
        match *progress {
            Progress::Chosen(files, bytes) => (how.of, how.total) = (files as u32, bytes),
            Progress::Begins(path, size) => (how.file, how.at, how.size) = (path.to_owned(), 0, size),
            Progress::At(at) => how.at = at,
            Progress::BrokeOff(why) => how.doing = Doing::Waits(why.to_owned()),
            Progress::Checks => how.doing = Doing::Checks,
            Progress::WasThere(path, size) => (how.file, how.at, how.size) = (path.to_owned(), size, size),
            Progress::Ends => how.at = how.size,
        }
        if matches!(progress, Progress::Ends | Progress::WasThere(..)) {
            how.number += 1;
            self.whole = self.whole.saturating_add(how.size);
            how.bytes = self.whole;
        } else {
            how.bytes = self.whole.saturating_add(how.at);
        }
        !matches!(progress, Progress::At(_))
    }
}
