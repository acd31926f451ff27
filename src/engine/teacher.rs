//! The worker at a training: what it tells is written down, told to the viewers, and broken off when they say so.

use super::lab::Lab;
use super::worker::{Desk, Ending, Fact, Order, picture};
use crate::experiment::{LEARNS_ON, Lesson, Next, TrainingStep};
use crate::link::PictureOf;
use crate::model::Place;
use crate::record::Record;
use anyhow::Result;
use std::sync::atomic::Ordering::Relaxed;

impl Desk {
    /// A training from its first step, or from its last checkpoint, to its end.
    pub fn teach(&self, lab: &mut impl Lab, order: &Order) -> Result<Ending> {
        if self.place != Place::cpu().title() {
            self.tell(Fact::Log(format!("{}: {LEARNS_ON}", order.run.id)));
        }
        let (mut record, kept) = Record::open(&self.gallery, &order.run);
        let end = lab.train(&order.run.recipe, kept, &mut |lesson| {
            // Asked before a step is told: whoever cancels at the sight of it cancels the next one.
            let finish = order.finish.load(Relaxed);
            let next = next(order, lesson, finish);
            record.write(lesson, next)?;
            if finish {
                record.end_here()?;
            }
            self.tell_lesson(order, lesson)?;
            Ok(next)
        });
        let Some(run) = record.close(end)? else { return Ok(Ending::Stopped) };
        if let Some(grid) = run.grid {
            self.sheet(grid);
        }
        Ok(Ending::Done(Box::new(run)))
    }

    fn tell_lesson(&self, order: &Order, lesson: &Lesson) -> Result<()> {
        let run = order.run.id;
        match lesson {
            Lesson::Spoiled(why) => self.tell(Fact::Log(format!("{run}: {why}"))),
            Lesson::Step(step) => return self.tell_training(order, step),
            Lesson::Samples { index, .. } => self.tell(Fact::Sampled { run, index: *index as u32 }),
            Lesson::Epoch { .. } | Lesson::Drawing => {}
        }
        Ok(())
    }

    fn tell_training(&self, order: &Order, step: &TrainingStep) -> Result<()> {
        let (run, point) = (order.run.id, step.point);
        let index = point.step - 1;
        self.tell(Fact::Step { run, index, of: step.of as u32, t: point.epoch, ms: f64::from(point.ms) });
        self.tell(Fact::Taught { run, point, per_epoch: step.per_epoch as u32 });
        if self.frame_wanted.swap(false, Relaxed) {
            let what = PictureOf::Frame { index, t: point.epoch };
            self.tell(Fact::Frame(picture(run, what, step.frame()?)));
        }
        Ok(())
    }
}

fn next(order: &Order, lesson: &Lesson, finish: bool) -> Next {
    let single = order.single && matches!(lesson, Lesson::Step(_));
    match single || order.cancel.check().is_break() {
        true => Next::Stop,
        false if finish => Next::Finish,
        false => Next::GoOn,
    }
}
