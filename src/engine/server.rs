//! The engine's one writer of state: it hears viewers and the workers, keeps the queue, and tells every viewer.

use super::aside::Answer;
use super::bench::{Bench, Running};
use super::browse::{Browsing, Change};
use super::connection::{Stream, attend};
use super::end::{LAST_WORDS, Stop};
use super::heard::Heard;
use super::library::{Library, OfUser};
use super::outbox::Outbox;
use super::pull::{PACE, Pull};
use super::submit::Submit;
use super::worker::{Ending, Fact};
use crate::gallery::{Gallery, TakenIn};
use crate::link::codec::{Packet, encode};
use crate::link::{Command, Event, Picture, Pulling};
use crate::recipe::{Run, RunId, State};
use crate::words::duration;
use anyhow::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// How many lines of the log a viewer that comes later is told.
const LOG_LINES: usize = 200;
/// An engine that nobody watches and that has nothing to do ends after so long.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How long a gallery that cannot be written is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// What reaches the server from outside.
pub enum Input {
    /// A viewer has connected.
    Arrived(Box<dyn Stream>),
    /// A viewer has said something.
    Said(u64, Command),
    /// The pictures of a viewer's grid are kept, or why they are not.
    TakenIn(u64, Result<TakenIn>),
    /// The grid of a viewer is queued, or why it is not.
    Submitted(u64, Result<Vec<Run>>),
    /// A viewer's search is done.
    Found(u64, Result<Packet>),
    /// The gallery is changed as a viewer wanted it, as far as that went, and why not further.
    Changed(u64, Option<Change>, Option<Error>),
    /// What a viewer asked for is done, or why it cannot be.
    Answered(u64, Result<Answer>),
    /// The download of a model is so far.
    Pulling(Pulling),
    /// It is over: what came of it, or why it failed.
    Pulled(Result<String>),
    /// The index was looked through, and what is wrong with it.
    Examined(Result<()>),
    /// A viewer's connection is closed.
    Left(u64),
    /// The system wants the engine to end; its runs go on in the next one.
    Signal,
}

/// The engine's state.
pub struct Server {
    pub(super) gallery: Arc<Gallery>,
    pub(super) bench: Bench,
    pub(super) viewers: BTreeMap<u64, Viewer>,
    /// What was heard of each of them, and of those before.
    pub(super) heard: Heard,
    pub(super) ending: Option<Stop>,
    pub(super) log: VecDeque<Event>,
    pub(super) started_ms: i64,
    /// The grids of each viewer on their way into the queue, in their order: the first is taken in or entered.
    pub(super) submits: BTreeMap<u64, VecDeque<Submit>>,
    /// How many grids are being entered, and what was said meanwhile that must come after them.
    pub(super) entering: usize,
    pub(super) later: VecDeque<(u64, Command)>,
    /// Searches in the gallery, and changes of it.
    pub(super) browsing: Browsing,
    /// Tasks that are done aside.
    pub(super) asides: usize,
    /// Where models are found.
    pub(super) library: Arc<dyn Library>,
    /// The model that is downloaded.
    pub(super) pull: Option<Pull>,
    /// What was told last of a download.
    pub(super) last_pull: Option<Event>,
    /// How often it is told how far a file is.
    pub(super) pace: Duration,
    /// Paused runs that are queued for one step. Whatever else happens to one takes it out: [`Server::forget_single`].
    pub(super) singles: BTreeSet<RunId>,
    /// When to look for the next run again, after it could not be taken.
    retry: Option<Instant>,
    pub(super) connections: JoinSet<()>,
    pub(super) inputs: Sender<Input>,
    arrivals: u64,
    /// Since when there has been nobody and nothing to do.
    pub(super) idle: Option<Instant>,
    /// How long that may last.
    pub(super) patience: Duration,
}

/// A connection, as the server knows it.
#[derive(Default)]
pub(super) struct Viewer {
    pub outbox: Arc<Outbox>,
    /// By which it is known again over its next connection; 0 where it is not.
    pub id: u64,
    /// How many of its commands that change something were heard.
    pub heard: u64,
    /// Whether it has greeted; nothing is told to it before.
    pub greeted: bool,
    /// Whether it only watches.
    pub watches: bool,
    /// The run whose next frame it waits for.
    pub wants_frame: Option<RunId>,
}

impl Server {
    /// A server with nothing to do, and where to send it what happens.
    pub fn new(gallery: Arc<Gallery>, bench: Bench) -> (Server, Sender<Input>, Receiver<Input>) {
        let (inputs, heard) = channel(64);
        let server = Server {
            gallery,
            bench,
            viewers: BTreeMap::new(),
            heard: Heard::default(),
            ending: None,
            log: VecDeque::new(),
            started_ms: now_ms(),
            submits: BTreeMap::new(),
            entering: 0,
            later: VecDeque::new(),
            browsing: Browsing::default(),
            asides: 0,
            library: Arc::new(OfUser),
            pull: None,
            last_pull: None,
            pace: PACE,
            singles: BTreeSet::new(),
            retry: None,
            connections: JoinSet::new(),
            inputs: inputs.clone(),
            arrivals: 0,
            idle: None,
            patience: IDLE,
        };
        (server, inputs, heard)
    }

    /// Serves until it is stopped or has long been idle. Before that, [`Server::recover`].
    pub async fn serve(mut self, mut inputs: Receiver<Input>, mut facts: UnboundedReceiver<Fact>) {
        let gallery = self.gallery.clone();
        self.beside(move || gallery.examine(), Input::Examined);
        loop {
            self.start_next();
            // A grid whose folders are being written is entered first: its viewer must hear of it.
            if self.ending.is_some() && self.bench.is_idle() && (self.entering == 0 || self.is_late()) {
                let _late = self.end(&mut inputs).await;
                // The workers close the gallery and end; one that is held up in a step ends with the process.
                timeout(LAST_WORDS, async { while facts.recv().await.is_some() {} }).await.ok();
                return;
            }
            let deadline = self.deadline();
            tokio::select! {
                biased;
                Some(fact) = facts.recv() => self.note(fact),
                Some(input) = inputs.recv() => self.hear(input),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.time_is_up(),
            }
        }
    }

    /// Gives the next runs to the workers that have none.
    fn start_next(&mut self) {
        // A run must not begin before its viewers are told that it waits.
        while self.bench.has_room() && self.ending.is_none() && self.entering == 0 {
            let Some(run) = self.take_next() else { return };
            self.begin(run);
        }
    }

    /// The next run of the queue, unless the gallery could not be written just now.
    fn take_next(&mut self) -> Option<Run> {
        if self.retry.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        let failed_before = self.retry.take().is_some();
        match self.gallery.take_next() {
            Ok(next) => next,
            Err(error) => {
                self.retry = Some(Instant::now() + RETRY);
                if !failed_before {
                    self.log(format!("the next run cannot be taken: {error:#}"));
                }
                None
            }
        }
    }

    fn begin(&mut self, run: Run) {
        let id = run.id;
        self.log(match run.step {
            0 => format!("{id} begins"),
            // Where that is, its worker finds out.
            _ if run.recipe.training().is_some() => format!("{id} goes on from its last checkpoint"),
            step => format!("{id} goes on after step {step}"),
        });
        self.tell(&Event::Run { run: run.clone() });
        let single = self.forget_single(id);
        let wanted = self.is_wanted(id);
        self.bench.begin(run, single, wanted);
    }

    /// Takes in what a worker tells.
    fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Step { run, index, of, t, ms } => {
                if let Some(running) = self.bench.get_mut(run) {
                    (running.step, running.loading) = (index + 1, None);
                    let noted = self.gallery.set_step(run, index + 1, of);
                    self.or_log(noted);
                    self.tell(&Event::Step { run, index, of, t, ms });
                }
            }
            Fact::Loading(run, loading) => {
                if let Some(running) = self.bench.get_mut(run) {
                    running.loading = Some(loading.clone());
                }
                self.tell(&Event::Loading { run, loading });
            }
            Fact::Taught { run, point, per_epoch } => {
                let memory = super::memory::resident();
                self.tell(&Event::Taught { run, point, per_epoch, memory });
            }
            Fact::Sampled { run, index } => self.tell(&Event::Sampled { run, index }),
            Fact::Frame(picture) => self.show(&picture),
            Fact::Log(text) => self.log(text),
            Fact::Ended(run, ending) => self.ended(run, ending),
        }
    }

    fn show(&mut self, picture: &Picture) {
        for viewer in self.viewers.values_mut() {
            if viewer.wants_frame.take_if(|run| *run == picture.head.run).is_some() {
                viewer.outbox.frame(picture.clone());
            }
        }
    }

    /// A run's worker takes a frame at its next step if some viewer waits for one.
    pub(super) fn aim(&self, run: RunId) {
        self.bench.want_frame(run, self.is_wanted(run));
    }

    fn is_wanted(&self, run: RunId) -> bool {
        self.viewers.values().any(|viewer| viewer.wants_frame == Some(run))
    }

    pub(super) fn ended(&mut self, id: RunId, ending: Ending) {
        if let Ending::Broken(_) = &ending
            && let Some(place) = self.bench.breaks(id)
        {
            let text = format!("{place} has failed and gets no more runs; an engine that is started anew (`darkroom stop`) tries it again");
            self.log(text);
        }
        let Some(Running { then, step, .. }) = self.bench.end(id) else { return };
        match ending {
            Ending::Done(run) => {
                let took = duration(run.took_ms.unwrap_or(0) as f64);
                self.log(format!("{id} done in {took}"));
                self.tell(&Event::Run { run: *run });
            }
            Ending::Failed(why) | Ending::Broken(why) => {
                // The run itself says so to the viewers.
                tracing::warn!("{id} failed: {why}");
                self.leave(id, State::Failed, Some(&why));
            }
            Ending::Stopped => {
                let what = match then {
                    State::Queued if self.ending.is_some() => "goes on in the next engine",
                    State::Queued => "goes on",
                    State::Paused => "is paused",
                    _ => "cancelled",
                };
                self.log(format!("{id} {what} after step {step}"));
                self.leave(id, then, None);
            }
        }
    }

    pub(super) fn hear(&mut self, input: Input) {
        match input {
            Input::Arrived(stream) => {
                self.arrivals += 1;
                let viewer = Viewer::default();
                self.connections.spawn(attend((self.arrivals, stream), viewer.outbox.clone(), self.gallery.clone(), self.inputs.clone()));
                self.viewers.insert(self.arrivals, viewer);
            }
            Input::Said(viewer, command) => self.obey(viewer, command),
            Input::TakenIn(viewer, taken) => self.taken_in(viewer, taken),
            Input::Submitted(viewer, submitted) => self.submitted(viewer, submitted),
            Input::Found(viewer, found) => self.found(viewer, found),
            Input::Changed(viewer, change, why) => self.changed(viewer, change, why),
            Input::Answered(viewer, answer) => {
                self.asides = self.asides.saturating_sub(1);
                self.answered(viewer, answer);
            }
            Input::Examined(found) => found.err().into_iter().for_each(|error| self.log(format!("{error:#}"))),
            Input::Pulling(how) => self.pulling(how),
            Input::Pulled(done) => self.pulled(done),
            Input::Left(viewer) => {
                let left = self.viewers.remove(&viewer);
                left.and_then(|viewer| viewer.wants_frame).into_iter().for_each(|run| self.aim(run));
                while self.connections.try_join_next().is_some() {}
            }
            Input::Signal => self.stop(Some(State::Queued)),
        }
    }

    /// When something happens though nobody says anything.
    fn deadline(&mut self) -> Option<Instant> {
        if let Some(stop) = &self.ending {
            return stop.deadline();
        }
        let aside = self.asides > 0 || self.pull.is_some() || !self.browsing.is_idle();
        let works = !self.bench.is_idle() || !self.submits.is_empty() || aside;
        let busy = works || self.viewers.values().any(|viewer| viewer.greeted);
        self.idle = if busy { None } else { self.idle.or_else(|| Some(Instant::now())) };
        self.idle.map(|since| since + self.patience).into_iter().chain(self.retry).min()
    }

    /// Changes a run and tells of it.
    pub(super) fn set_state(&mut self, id: RunId, state: State, error: Option<&str>) -> Result<()> {
        let run = self.gallery.set_state(id, state, error)?;
        self.forget_single(id);
        self.tell(&Event::Run { run });
        Ok(())
    }

    /// A worker's run ends otherwise than done. Where that cannot be written, the viewers are told that it failed.
    fn leave(&mut self, id: RunId, state: State, error: Option<&str>) {
        let Err(why) = self.set_state(id, state, error) else { return };
        let why = format!("the queue cannot be kept: {why:#}");
        self.log(format!("{id}: {why}"));
        if let Ok(Some(run)) = self.gallery.run(id)
            && run.state == State::Running
        {
            self.tell(&Event::Run { run: Run { state: State::Failed, error: Some(error.unwrap_or(&why).to_owned()), ..run } });
        }
    }

    /// A line for the log of every viewer, now and later.
    pub(super) fn log(&mut self, text: String) {
        tracing::info!("{text}");
        let line = Event::Log { time_ms: now_ms(), text };
        self.tell(&line);
        self.log.truncate(LOG_LINES - 1);
        self.log.push_front(line);
    }

    /// Tells every viewer. It is encoded once.
    pub(super) fn tell(&self, event: &Event) {
        match encode(event) {
            Ok(packet) => {
                for viewer in self.viewers.values().filter(|viewer| viewer.greeted) {
                    viewer.outbox.fact(packet.clone());
                }
            }
            Err(error) => tracing::error!("an event is left out: {error:#}"),
        }
    }

    pub(super) fn or_log<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.log(format!("the queue cannot be kept: {error:#}"))).ok()
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
