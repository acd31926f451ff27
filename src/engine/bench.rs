//! The workers of an engine, one for every device that computes, and the runs that they are at.

use super::cancel::Canceller;
use super::worker::{Order, Worker};
use crate::link::Loading;
use crate::recipe::{Run, RunId, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Every worker of an engine.
pub struct Bench(Vec<Seat>);

/// A worker, and what it is at.
struct Seat {
    worker: Worker,
    running: Option<Running>,
    /// The model of its last run, which it may still have loaded.
    model: String,
    /// Its device computes nothing any more.
    broken: bool,
}

impl Seat {
    fn is_free(&self) -> bool {
        self.running.is_none() && !self.broken
    }
}

/// A run that a worker is at.
pub(super) struct Running {
    pub run: RunId,
    pub cancel: Canceller,
    /// What becomes of it when it stops before its end.
    pub then: State,
    /// Tells a training to end with its epoch.
    pub finish: Arc<AtomicBool>,
    /// Steps that it has made.
    pub step: u32,
    /// The model that it waits for, as last told.
    pub loading: Option<Loading>,
}

impl Running {
    /// Whether the user has cancelled it; it may be in its last step.
    pub fn is_cancelled(&self) -> bool {
        self.then == State::Cancelled && self.cancel.handle().check().is_break()
    }
}

impl Bench {
    /// Workers that have nothing to do yet.
    pub fn new(workers: Vec<Worker>) -> Bench {
        Bench(workers.into_iter().map(|worker| Seat { worker, running: None, model: String::new(), broken: false }).collect())
    }

    /// Where each worker computes, in a word or two.
    pub fn places(&self) -> Vec<String> {
        self.0.iter().map(|seat| seat.worker.place.clone()).collect()
    }

    /// Whether a worker has nothing to do, and can do something.
    pub fn has_room(&self) -> bool {
        self.0.iter().any(Seat::is_free)
    }

    /// Whether no worker has anything to do.
    pub fn is_idle(&self) -> bool {
        self.0.iter().all(|seat| seat.running.is_none())
    }

    /// The runs that are computed.
    pub fn runs(&self) -> Vec<RunId> {
        self.all().map(|running| running.run).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Running> {
        self.0.iter().filter_map(|seat| seat.running.as_ref())
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Running> {
        self.0.iter_mut().filter_map(|seat| seat.running.as_mut())
    }

    pub(super) fn get_mut(&mut self, run: RunId) -> Option<&mut Running> {
        self.all_mut().find(|running| running.run == run)
    }

    /// Hands a run to a worker without one, for a single step or for all: to one that has made its last run with the same
    /// model, where there is one, for it need not be loaded again. Where a frame is `wanted`, it takes one at the first step.
    pub(super) fn begin(&mut self, run: Run, single: bool, wanted: bool) {
        let model = run.recipe.model().to_owned();
        let free = self.0.iter_mut().filter(|seat| seat.is_free());
        // The first of those that know it, or else the first.
        let Some(seat) = free.min_by_key(|seat| seat.model != model) else { return };
        let (cancel, finish) = (Canceller::default(), Arc::new(AtomicBool::new(false)));
        let then = if single { State::Paused } else { State::Cancelled };
        let order = Order { cancel: cancel.handle(), single, finish: finish.clone(), run };
        seat.model = model;
        seat.running = Some(Running { run: order.run.id, cancel, then, finish, step: order.run.step, loading: None });
        seat.worker.frame_wanted.store(wanted, Relaxed);
        seat.worker.orders.send(order).ok();
    }

    /// The device at a run is broken: its worker gets no other run. Where that is.
    pub(super) fn breaks(&mut self, run: RunId) -> Option<&str> {
        let seat = self.0.iter_mut().find(|seat| seat.running.as_ref().is_some_and(|running| running.run == run))?;
        seat.broken = true;
        Some(&seat.worker.place)
    }

    /// A run is over, whatever has become of it: its worker has nothing to do.
    pub(super) fn end(&mut self, run: RunId) -> Option<Running> {
        self.0.iter_mut().find_map(|seat| seat.running.take_if(|running| running.run == run))
    }

    /// Whether the worker at a run is to take a frame at its next step.
    pub(super) fn want_frame(&self, run: RunId, wanted: bool) {
        let at_it = |seat: &&Seat| seat.running.as_ref().is_some_and(|running| running.run == run);
        if let Some(seat) = self.0.iter().find(at_it) {
            seat.worker.frame_wanted.store(wanted, Relaxed);
        }
    }
}
