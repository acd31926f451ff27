//! The engine's one writer of state: it hears viewers and the worker, keeps the queue, and tells every viewer.

use super::aside::Answer;
use super::cancel::Canceller;
use super::connection::{Stream, attend};
use super::outbox::Outbox;
use super::worker::{Ending, Fact, Order, Worker};
use crate::gallery::Gallery;
use crate::link::codec::encode;
use crate::link::{Command, Event, Picture};
use crate::recipe::{Run, RunId, State};
use crate::words::duration;
use anyhow::Result;
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
/// An engine that must end now waits so long for the step in progress.
const LAST_STEP: Duration = Duration::from_secs(5);
/// How long a gallery that cannot be written is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// How long the last words to the viewers may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What reaches the server from outside.
pub enum Input {
    /// A viewer has connected.
    Arrived(Box<dyn Stream>),
    /// A viewer has said something.
    Said(u64, Command),
    /// The grid of a viewer is queued, or why it is not.
    Submitted(u64, Result<Vec<Run>>),
    /// What a viewer asked for is done, or why it cannot be.
    Answered(u64, Result<Answer>),
    /// A viewer's connection is closed.
    Left(u64),
    /// The system wants the engine to end; its runs go on in the next one.
    Signal,
}

/// The engine's state.
pub struct Server {
    pub(super) gallery: Arc<Gallery>,
    pub(super) worker: Worker,
    pub(super) viewers: BTreeMap<u64, Viewer>,
    pub(super) running: Option<Running>,
    pub(super) ending: Option<Stop>,
    pub(super) log: VecDeque<Event>,
    pub(super) started_ms: i64,
    /// Whether a grid is being queued, and what was said meanwhile that must come after it.
    pub(super) submitting: bool,
    pub(super) held: VecDeque<(u64, Command)>,
    /// Tasks that are done aside.
    pub(super) asides: usize,
    /// Paused runs that are queued for one step. Whatever else happens to one takes it out.
    pub(super) singles: BTreeSet<RunId>,
    /// When to look for the next run again, after it could not be taken.
    retry: Option<Instant>,
    connections: JoinSet<()>,
    pub(super) inputs: Sender<Input>,
    arrivals: u64,
    /// Since when there has been nobody and nothing to do.
    idle: Option<Instant>,
    /// How long that may last.
    pub(super) patience: Duration,
}

/// A connection, as the server knows it.
#[derive(Default)]
pub(super) struct Viewer {
    pub outbox: Arc<Outbox>,
    /// Whether it has greeted; nothing is told to it before.
    pub greeted: bool,
    /// Whether it has shown the last frame.
    pub wants_frame: bool,
}

/// The run that the worker is at.
pub(super) struct Running {
    pub run: RunId,
    pub cancel: Canceller,
    /// What becomes of it when it stops before its end.
    pub then: State,
    step: u32,
}

impl Running {
    /// Whether the user has cancelled it; it may be in its last step.
    pub fn is_cancelled(&self) -> bool {
        self.then == State::Cancelled && self.cancel.handle().check().is_break()
    }
}

/// How the engine ends: once nothing runs, or at a deadline.
pub(super) struct Stop(Option<Instant>);

impl Server {
    /// A server with nothing to do, and where to send it what happens.
    pub fn new(gallery: Arc<Gallery>, worker: Worker) -> (Server, Sender<Input>, Receiver<Input>) {
        let (inputs, heard) = channel(64);
        let server = Server {
            gallery,
            worker,
            viewers: BTreeMap::new(),
            running: None,
            ending: None,
            log: VecDeque::new(),
            started_ms: now_ms(),
            submitting: false,
            held: VecDeque::new(),
            asides: 0,
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

    /// Takes up what the last engine left, and serves until it is stopped or has long been idle.
    pub async fn serve(mut self, mut inputs: Receiver<Input>, mut facts: UnboundedReceiver<Fact>) {
        self.recover();
        loop {
            self.start_next();
            if self.ending.is_some() && self.running.is_none() {
                let _late = self.end(&mut inputs).await;
                // The worker closes the gallery and ends; one that is held up in a step ends with the process.
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

    /// Ends the engine once nothing runs; where `then` is given, the running run is broken off and left so.
    pub(super) fn stop(&mut self, then: Option<State>) {
        let Some(then) = then else {
            self.ending.get_or_insert(Stop(None));
            return;
        };
        self.ending = Some(Stop(Some(Instant::now() + LAST_STEP)));
        if let Some(running) = &mut self.running {
            // What the user has cancelled stays so, and what is paused or makes a single step stays paused.
            if running.cancel.handle().check().is_continue() && running.then != State::Paused {
                running.then = then;
            }
            running.cancel.cancel();
        }
    }

    /// Lets the running run go on that was about to be paused; false where it is not so.
    pub(super) fn go_on(&mut self, id: RunId) -> bool {
        let ends_now = matches!(self.ending, Some(Stop(Some(_))));
        let Some(running) = self.running.as_mut().filter(|running| running.run == id && running.then == State::Paused) else {
            return false;
        };
        // Where the worker leaves it all the same, it is taken up again at once, or by the next engine.
        running.then = State::Queued;
        if !ends_now {
            running.cancel.go_on();
        }
        true
    }

    fn recover(&mut self) {
        let left = self.gallery.recover();
        for Run { id, state, step, error, .. } in self.or_log(left).unwrap_or_default() {
            self.log(match (state, error) {
                (State::Interrupted, Some(why)) => format!("{id} waits: {why}"),
                (State::Interrupted, None) => format!("{id} waits until you start it (Enter on it in the queue)"),
                _ => format!("{id} was at step {step} when the engine died; it goes on"),
            });
        }
    }

    /// Gives the worker the next run when it has none.
    fn start_next(&mut self) {
        let early = self.retry.is_some_and(|at| Instant::now() < at);
        // A run must not begin before its viewers are told that it waits.
        if self.running.is_some() || self.ending.is_some() || self.submitting || early {
            return;
        }
        let next = self.gallery.take_next();
        let failed_before = self.retry.take().is_some();
        let run = match next {
            Ok(Some(run)) => run,
            Ok(None) => return,
            Err(error) => {
                self.retry = Some(Instant::now() + RETRY);
                if !failed_before {
                    self.log(format!("the next run cannot be taken: {error:#}"));
                }
                return;
            }
        };
        self.log(match run.step {
            0 => format!("{} begins", run.id),
            step => format!("{} goes on after step {step}", run.id),
        });
        self.tell(&Event::Run { run: run.clone() });
        let cancel = Canceller::default();
        let (id, step, handle) = (run.id, run.step, cancel.handle());
        let single = self.singles.remove(&id);
        let then = if single { State::Paused } else { State::Cancelled };
        self.running = Some(Running { run: id, cancel, then, step });
        self.worker.orders.send(Order { run, cancel: handle, single }).ok();
    }

    /// Takes in what the worker tells.
    fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Step { run, index, of, t, ms } => {
                if let Some(running) = self.running.as_mut().filter(|running| running.run == run) {
                    running.step = index + 1;
                    let noted = self.gallery.set_step(run, index + 1, of);
                    self.or_log(noted);
                    self.tell(&Event::Step { run, index, of, t, ms });
                }
            }
            Fact::Frame(picture) => self.show(&picture),
            Fact::Log(text) => self.log(text),
            Fact::Ended(run, ending) => self.ended(run, ending),
        }
    }

    fn show(&mut self, picture: &Picture) {
        for viewer in self.viewers.values_mut().filter(|viewer| viewer.wants_frame) {
            viewer.wants_frame = false;
            viewer.outbox.frame(picture.clone());
        }
    }

    fn ended(&mut self, id: RunId, ending: Ending) {
        let Some(Running { then, step, .. }) = self.running.take_if(|running| running.run == id) else {
            return;
        };
        match ending {
            Ending::Done(run) => {
                let took = duration(run.took_ms.unwrap_or(0) as f64);
                self.log(format!("{id} done in {took}"));
                self.tell(&Event::Run { run: *run });
            }
            Ending::Failed(why) => {
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

    fn hear(&mut self, input: Input) {
        match input {
            Input::Arrived(stream) => {
                self.arrivals += 1;
                let viewer = Viewer::default();
                self.connections.spawn(attend(self.arrivals, stream, viewer.outbox.clone(), self.inputs.clone()));
                self.viewers.insert(self.arrivals, viewer);
            }
            Input::Said(viewer, command) => self.obey(viewer, command),
            Input::Submitted(viewer, submitted) => self.submitted(viewer, submitted),
            Input::Answered(viewer, answer) => {
                self.asides = self.asides.saturating_sub(1);
                self.answered(viewer, answer);
            }
            Input::Left(viewer) => {
                self.viewers.remove(&viewer);
                while self.connections.try_join_next().is_some() {}
            }
            Input::Signal => self.stop(Some(State::Queued)),
        }
    }

    /// When something happens though nobody says anything.
    fn deadline(&mut self) -> Option<Instant> {
        if let Some(Stop(deadline)) = self.ending {
            return deadline;
        }
        let busy = self.running.is_some() || self.submitting || self.asides > 0 || self.viewers.values().any(|viewer| viewer.greeted);
        self.idle = if busy { None } else { self.idle.or_else(|| Some(Instant::now())) };
        self.idle.map(|since| since + self.patience).into_iter().chain(self.retry).min()
    }

    fn time_is_up(&mut self) {
        match &self.running {
            // The step in progress is given up; the process ends with it.
            Some(running) => self.ended(running.run, Ending::Stopped),
            None if self.idle.is_some_and(|since| since.elapsed() >= self.patience) => self.stop(None),
            // The next run is looked for again.
            None => {}
        }
    }

    /// Tells the viewers, and obeys what they had said before they heard of it. Returns the connections that came too late:
    /// while they are open, nobody connects over and over to an engine that is about to be gone.
    async fn end(mut self, inputs: &mut Receiver<Input>) -> Vec<Box<dyn Stream>> {
        self.log("the engine ends".to_owned());
        self.tell(&Event::Stopping);
        self.viewers.values().for_each(|viewer| viewer.outbox.finish());
        let mut late = Vec::new();
        let all = async {
            while !self.connections.is_empty() || self.submitting || !inputs.is_empty() {
                tokio::select! {
                    biased;
                    Some(input) = inputs.recv() => match input {
                        Input::Arrived(stream) => late.push(stream),
                        input => self.hear(input),
                    },
                    Some(_) = self.connections.join_next() => {}
                }
            }
        };
        timeout(LAST_WORDS, all).await.ok();
        for id in std::mem::take(&mut self.singles) {
            // The next engine would not know that it is one step.
            let paused = self.gallery.set_state(id, State::Paused, None);
            self.or_log(paused);
        }
        late
    }

    /// Changes a run and tells of it.
    pub(super) fn set_state(&mut self, id: RunId, state: State, error: Option<&str>) -> Result<()> {
        let run = self.gallery.set_state(id, state, error)?;
        self.singles.remove(&id);
        self.tell(&Event::Run { run });
        Ok(())
    }

    /// The worker's run ends otherwise than done. Where that cannot be written, the viewers are told that it failed.
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

    fn or_log<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.log(format!("the queue cannot be kept: {error:#}"))).ok()
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
