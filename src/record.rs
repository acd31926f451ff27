//! What a training tells, written down in its run's folder: for the engine and for `darkroom run` alike.

use crate::experiment::{End, Kept, Lesson, Next, TrainingStep};
use crate::gallery::{Gallery, Logbook};
use crate::recipe::Run;
use anyhow::{Context, Result};
use std::time::Instant;

/// A training that is written down.
pub struct Record<'a> {
    gallery: &'a Gallery,
    run: &'a Run,
    logbook: Logbook<'a>,
    begun: Instant,
    /// The epoch that it is in, or has just ended; 0 before its first step.
    epoch: usize,
    /// How much of the training this life of it makes; none before its first step.
    share: Option<f64>,
}

impl<'a> Record<'a> {
    /// The record of a training that begins or goes on, and what its earlier lives have left.
    pub fn open(gallery: &'a Gallery, run: &'a Run) -> (Record<'a>, Kept) {
        let logbook = gallery.logbook(run);
        let kept = Kept { checkpoints: logbook.checkpoints(), pictures: gallery.picture_count(run.id) };
        (Record { gallery, run, logbook, begun: Instant::now(), epoch: 0, share: None }, kept)
    }

    /// Writes down what the training tells; `next` is what it will do.
    ///
    /// # Errors
    /// When that fails: what was written before is whole.
    pub fn write(&mut self, lesson: &Lesson, next: Next) -> Result<()> {
        match lesson {
            Lesson::Spoiled(_) | Lesson::Drawing => Ok(()),
            Lesson::Step(step) => self.step(step, next),
            Lesson::Epoch { epoch, last, fit } => {
                self.epoch = *epoch;
                // The weights first: who finds the checkpoint may count on them.
                if *last || next == Next::Finish || self.logbook.keeps(*epoch) {
                    self.logbook.weights(*epoch, &fit.weights()?)?;
                }
                self.logbook.checkpoint((*epoch, 0), &fit.checkpoint()?).with_context(|| format!("epoch {epoch} cannot be kept"))
            }
            Lesson::Samples { index, sheet, made } => self.logbook.picture(*index, sheet, made),
        }
    }

    fn step(&mut self, step: &TrainingStep, next: Next) -> Result<()> {
        let (made, of) = (step.point.step as usize, step.of);
        self.epoch = step.point.epoch as usize;
        self.share.get_or_insert((of + 1).saturating_sub(made).max(1) as f64 / of.max(1) as f64);
        self.logbook.point(step.point)?;
        if next == Next::Stop || self.logbook.is_due() {
            let place = (made / step.per_epoch, made % step.per_epoch);
            self.logbook.checkpoint(place, &step.fit.checkpoint()?).context("the training cannot be kept")?;
        }
        Ok(())
    }

    /// The training was told to end with the epoch that it is in: so will its later lives, whatever ends this one.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn end_here(&self) -> Result<()> {
        match self.epoch {
            0 => Ok(()),
            epoch => self.gallery.end_after(self.run.id, epoch).map(|_| ()),
        }
    }

    /// The training is over: the run as it then is, where it has come to its end.
    ///
    /// # Errors
    /// Why the training failed, or why its end cannot be written.
    pub fn close(mut self, end: Result<End>) -> Result<Option<Run>> {
        // What it told before it went astray is part of what is to be seen.
        let written = self.logbook.flush();
        let End::Done(epoch, made) = end? else { return Ok(None) };
        written?;
        // Of a training that went on, only this life is known; the whole took about so much longer.
        let took_ms = (self.begun.elapsed().as_secs_f64() * 1e3 / self.share.unwrap_or(1.0)) as u64;
        self.gallery.finish(self.run.id, &made, (epoch, took_ms)).map(Some)
    }
}
