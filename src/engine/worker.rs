//! A thread that computes: one run at a time, told to it by the server, which hears facts back.

use super::cancel::Cancel;
use super::lab::{Lab, Maker, Moment};
use super::task::caught;
use crate::experiment::{Broken, Outcome};
use crate::gallery::{self, Gallery, KeptSteps};
use crate::link::picture::MAX_SIDE;
use crate::link::{Loading, Picture, PictureHead, PictureOf};
use crate::recipe::{Point, Run, RunId};
use crate::words::sentence;
use anyhow::{Context, Result};
use image::RgbImage;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::Instant;
use std::{io, thread};
use tokio::sync::mpsc::UnboundedSender;

/// What a worker tells the server.
#[derive(Debug)]
pub enum Fact {
    /// A run has made a step, in so many milliseconds. The first step's time holds the loading of the model.
    Step { run: RunId, index: u32, of: u32, t: u32, ms: f64 },
    /// A run waits for its model, which is so far on its way into memory.
    Loading(RunId, Loading),
    /// A training's step was like this, of so many in an epoch.
    Taught { run: RunId, point: Point, per_epoch: u32 },
    /// A training has one more of its pictures.
    Sampled { run: RunId, index: u32 },
    /// The picture so far, for the viewers that wait for one.
    Frame(Picture),
    /// A sentence for the log.
    Log(String),
    /// A run is over, one way or another.
    Ended(RunId, Ending),
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    /// Its pictures are in the gallery.
    Done(Box<Run>),
    /// Why it failed.
    Failed(String),
    /// The same, and its worker's device with it.
    Broken(String),
    /// It was cancelled.
    Stopped,
}

/// A run to be computed.
pub struct Order {
    /// Which.
    pub run: Run,
    /// Asked after every step, and while a model is loaded.
    pub cancel: Cancel,
    /// Whether it is to stop after one step.
    pub single: bool,
    /// Set once a training is to end with its epoch.
    pub finish: Arc<AtomicBool>,
}

/// The server's end of a worker's thread, which ends once this is dropped.
pub struct Worker {
    /// Where it computes, in a word or two.
    pub place: String,
    /// What to do next.
    pub orders: mpsc::Sender<Order>,
    /// Whether some viewer waits for a frame of its run: reading the pixels costs time, on a GPU most of all.
    pub frame_wanted: Arc<AtomicBool>,
}

/// Starts the thread. There is a new lab after one has panicked: nobody knows in which state that left it.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn<L, M>(gallery: Arc<Gallery>, Maker { place, make }: Maker<M>, facts: UnboundedSender<Fact>) -> io::Result<Worker>
where
    L: Lab,
    M: Fn() -> L + Send + 'static,
{
    let (orders, to_do) = mpsc::channel::<Order>();
    let frame_wanted = Arc::new(AtomicBool::new(false));
    let desk = Desk { gallery, place: place.clone(), facts, frame_wanted: frame_wanted.clone() };
    thread::Builder::new().name("worker".into()).spawn(move || {
        let mut lab = make();
        for order in to_do {
            let id = order.run.id;
            let ending = match caught(|| desk.work(&mut lab, order)) {
                Ok(Ok(ending)) => ending,
                Ok(Err(error)) if error.is::<Broken>() => Ending::Broken(sentence(&error)),
                Ok(Err(error)) => Ending::Failed(sentence(&error)),
                Err(fault) => {
                    lab = make();
                    Ending::Failed(fault)
                }
            };
            desk.tell(Fact::Ended(id, ending));
        }
    })?;
    Ok(Worker { place, orders, frame_wanted })
}

/// What the worker has at hand, whichever run it is at.
pub(super) struct Desk {
    pub gallery: Arc<Gallery>,
    /// Where its lab computes.
    pub place: String,
    facts: UnboundedSender<Fact>,
    pub frame_wanted: Arc<AtomicBool>,
}

impl Desk {
    fn work(&self, lab: &mut impl Lab, order: Order) -> Result<Ending> {
        match order.run.recipe.training() {
            Some(_) => self.teach(lab, &order),
            None => self.develop(lab, order),
        }
    }

    /// A run from its first step, or the one after its last kept one, to its end.
    fn develop(&self, lab: &mut impl Lab, order: Order) -> Result<Ending> {
        let id = order.run.id;
        let begun = Instant::now();
        let (facts, cancel) = (self.facts.clone(), order.cancel.clone());
        lab.on_loading(Box::new(move |loading| {
            facts.send(Fact::Loading(id, loading.clone())).ok();
            cancel.check()
        }));
        let (checkpoint, kept) = (self.gallery.checkpoint_path(id), self.gallery.kept_steps(id));
        let mut steps = Steps { desk: self, order: &order, checkpoint, last: begun, kept, share: None };
        let kept = steps.checkpoint.exists().then(|| steps.checkpoint.clone());
        let mut outcome = lab.run(&order.run.recipe, kept.as_deref(), &mut |moment| steps.step(moment));
        if let (Err(why), true, None) = (&outcome, kept.is_some(), steps.share) {
            // A checkpoint that a crash has spoiled must not keep its run from ever going on. It stays until the first step
            // takes its place: it may be good, and something else missing.
            let again = format!("{id}: its kept step cannot be used ({why:#}); it begins again");
            outcome = lab.run(&order.run.recipe, None, &mut |moment| {
                if steps.share.is_none() {
                    self.tell(Fact::Log(again.clone()));
                }
                steps.step(moment)
            });
        }
        let Outcome::Done(pictures, made) = outcome? else {
            return Ok(Ending::Stopped);
        };
        // Of a run that went on, only this life is known; the whole took about so much longer.
        let took_ms = (begun.elapsed().as_secs_f64() * 1e3 / steps.share.unwrap_or(1.0)) as u64;
        let run = self.gallery.save(id, &made, &pictures, took_ms).context("its pictures cannot be kept")?;
        if let Some(grid) = run.grid {
            self.sheet(grid);
        }
        steps.kept.trim().into_iter().for_each(|why| self.tell(Fact::Log(why)));
        Ok(Ending::Done(Box::new(run)))
    }

    /// The sheet of a grid whose last cell is done. The runs are kept, whatever becomes of it.
    pub fn sheet(&self, grid: RunId) {
        match self.gallery.sheet(grid) {
            Ok(None) => {}
            Ok(Some(path)) => self.tell(Fact::Log(format!("the sheet of the grid of {grid} is made: {}", path.display()))),
            Err(error) => self.tell(Fact::Log(format!("the sheet of the grid of {grid} cannot be made: {error:#}"))),
        }
    }

    /// A server that no longer listens has dropped the run's canceller.
    pub fn tell(&self, fact: Fact) {
        self.facts.send(fact).ok();
    }
}

/// A run on its way.
struct Steps<'a> {
    desk: &'a Desk,
    order: &'a Order,
    checkpoint: PathBuf,
    /// When the last step ended.
    last: Instant,
    /// What is kept of them for the inspector.
    kept: KeptSteps<'a>,
    /// How much of the run this life of it makes, above 0 and at most 1; none before its first step.
    share: Option<f64>,
}

impl Steps<'_> {
    fn step(&mut self, moment: &dyn Moment) -> Result<ControlFlow<()>> {
        // Asked before the step is told: whoever cancels at the sight of it cancels the next one.
        let flow = self.order.cancel.check();
        let (index, of, t) = moment.place();
        let run = self.order.run.id;
        let ms = self.last.elapsed().as_secs_f64() * 1e3;
        self.share.get_or_insert(of.saturating_sub(index).max(1) as f64 / of.max(1) as f64);
        // Kept first: a step that a viewer has seen is not made again. The last step's result is the picture itself.
        if index + 1 < of {
            let kept = gallery::write_soon(&self.checkpoint, &moment.checkpoint()?);
            kept.with_context(|| format!("step {} cannot be kept", index + 1))?;
        }
        self.kept.keep((index, of), || moment.trace()).into_iter().for_each(|why| self.desk.tell(Fact::Log(why)));
        self.desk.tell(Fact::Step { run, index: index as u32, of: of as u32, t: t as u32, ms });
        if self.desk.frame_wanted.swap(false, Relaxed) {
            let what = PictureOf::Frame { index: index as u32, t: t as u32 };
            self.desk.tell(Fact::Frame(picture(run, what, moment.frame()?)));
        }
        self.last = Instant::now();
        // An experiment that has no use for its checkpoint makes the steps of its earlier life again, and one beyond them.
        let beyond = index + 1 > self.order.run.step as usize;
        let single = self.order.single && beyond && index + 1 < of;
        Ok(if single { ControlFlow::Break(()) } else { flow })
    }
}

/// An image as it goes over the link; one that is too large for it, such as a sheet of many, smaller.
pub fn picture(run: RunId, what: PictureOf, image: RgbImage) -> Picture {
    let image = gallery::shrink(image, MAX_SIDE);
    let (width, height) = image.dimensions();
    Picture { head: PictureHead { run, what, width, height }, rgb: image.into_raw().into() }
}
