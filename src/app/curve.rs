//! The loss of a training against its steps, in a bounded number of bins.

use crate::recipe::Point;

/// The most bins: beyond it each holds twice as many steps as before.
const BINS: usize = 16_384;
/// What a step counts for in the smoothed loss, once there are many.
const WEIGHT: f64 = 0.02;
/// Before, the smoothed loss is made of about a quarter of the steps so far: a loss falls fast at first.
const SHARE: f64 = 4.0;

/// What the losses of neighbouring steps were like; most often it is a single step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The last of its steps, from 1.
    pub step: u32,
    /// The lowest loss.
    pub low: f32,
    /// The highest loss.
    pub high: f32,
    /// The smoothed loss after the last step.
    pub smooth: f32,
}

/// All losses that are known, in the order of their steps.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    bins: Vec<Bin>,
    /// Steps of a bin, as a power of two.
    log_stride: u32,
    /// Losses that the smoothed one is made of.
    count: u32,
    last: u32,
}

impl Curve {
    /// The losses. Those that no logarithm has are left out.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The last step that is known; 0 for none.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// The smoothed loss.
    pub fn smooth(&self) -> Option<f32> {
        self.bins.last().map(|bin| bin.smooth)
    }

    /// Takes in a step. One that is not behind all others says that the training went on from before it.
    pub(super) fn push(&mut self, point: Point) {
        if point.step <= self.last {
            self.bins.truncate(self.bins.partition_point(|bin| bin.step < point.step));
            self.count = (self.bins.len() as u32).saturating_mul(1 << self.log_stride);
        }
        self.last = point.step;
        if !(point.loss.is_finite() && point.loss > 0.0) {
            return;
        }
        self.count = self.count.saturating_add(1);
        let before = f64::from(self.smooth().unwrap_or(point.loss));
        let weight = WEIGHT.max(SHARE / (SHARE - 1.0 + f64::from(self.count)));
        let smooth = before + weight * (f64::from(point.loss) - before);
        let bin = Bin { step: point.step, low: point.loss, high: point.loss, smooth: smooth as f32 };
        match self.bins.last_mut() {
            Some(last) if slot(last.step, self.log_stride) == slot(point.step, self.log_stride) => *last = last.with(bin),
            _ => self.bins.push(bin),
        }
        if self.bins.len() > BINS {
            self.thin();
        }
    }

    fn thin(&mut self) {
        self.log_stride += 1;
        let stride = self.log_stride;
        let mut bins: Vec<Bin> = Vec::with_capacity(BINS);
        for bin in self.bins.drain(..) {
            match bins.last_mut() {
                Some(last) if slot(last.step, stride) == slot(bin.step, stride) => *last = last.with(bin),
                _ => bins.push(bin),
            }
        }
        self.bins = bins;
    }
}

impl Bin {
    /// Together with what follows.
    fn with(self, next: Bin) -> Bin {
        Bin { low: self.low.min(next.low), high: self.high.max(next.high), ..next }
    }
}

fn slot(step: u32, log_stride: u32) -> u32 {
    step.saturating_sub(1).checked_shr(log_stride).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(step: u32, loss: f32) -> Point {
        Point { step, epoch: 1, loss, rate: 1e-3, ms: 5.0 }
    }

    #[test]
    fn the_smoothed_loss_stays_close_to_a_loss_that_falls_fast_and_evens_out_what_jumps() {
        let mut curve = Curve::default();
        let falling = |step: u32| 1.0 / step as f32;
        for step in 1..=100 {
            curve.push(point(step, falling(step)));
            assert!(curve.smooth().is_some_and(|loss| (1.0..1.7).contains(&(loss / falling(step)))), "{step}");
        }
        (101..=1000).for_each(|step| curve.push(point(step, if step % 2 == 0 { 0.2 } else { 0.3 })));
        assert!(curve.smooth().is_some_and(|loss| (loss - 0.25).abs() < 2e-3));
    }

    #[test]
    fn a_training_that_goes_on_from_a_checkpoint_is_told_again_from_there() {
        let mut curve = Curve::default();
        (1..=10).for_each(|step| curve.push(point(step, 0.5)));
        curve.push(point(7, 0.25));
        let steps: Vec<_> = curve.bins().iter().map(|bin| (bin.step, bin.low)).collect();
        assert_eq!((steps.len(), steps[5], steps[6], curve.last()), (7, (6, 0.5), (7, 0.25), 7));
    }

    #[test]
    fn losses_that_cannot_be_drawn_are_left_out_and_counted_as_known() {
        let mut curve = Curve::default();
        for (step, loss) in (1..).zip([0.5, f32::NAN, f32::INFINITY, 0.0, -1.0]) {
            curve.push(point(step, loss));
        }
        assert_eq!((curve.bins().len(), curve.last()), (1, 5));
    }

    proptest! {
        #[test]
        fn however_long_the_bins_are_few_in_order_and_hold_every_extreme(steps in 1u32..100_000, spike in 1u32..100_000) {
            let mut curve = Curve::default();
            (1..=steps).for_each(|step| curve.push(point(step, if step == spike { 9.0 } else { 1.0 / step as f32 })));
            prop_assert!(curve.bins().len() <= BINS);
            prop_assert!(curve.bins().windows(2).all(|pair| pair[0].step < pair[1].step));
            prop_assert_eq!(curve.bins().last().map(|bin| bin.step), Some(steps));
            prop_assert_eq!(curve.bins().iter().any(|bin| bin.high == 9.0), spike <= steps);
            if spike != steps {
                prop_assert!(curve.bins().iter().any(|bin| bin.low == 1.0 / steps as f32));
            }
        }
    }
}
