//! Whether a training goes astray.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// How much of the smoothed loss stays at each step.
const INERTIA: f64 = 0.98;
/// A smoothed loss of so many times its lowest is no bad batch any more,
const ASTRAY: f64 = 10.0;
/// when it stays so for so many steps.
const PATIENCE: u32 = 100;
/// The first losses, which are large and fall fast, count for nothing.
const WARM_UP: usize = 100;

/// What the losses of a training were like so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    smooth: f64,
    lowest: f64,
    above: u32,
}

impl Watch {
    /// Takes in the loss of a step, counted from 0.
    ///
    /// # Errors
    /// When it is not finite, or the losses have been far above the lowest for long.
    pub fn see(&mut self, loss: f64, step: usize) -> Result<()> {
        let number = step + 1;
        ensure!(loss.is_finite(), "the loss of step {number} is not a number; a lower rate may help");
        self.smooth = if step == 0 { loss } else { INERTIA * self.smooth + (1.0 - INERTIA) * loss };
        if step <= WARM_UP {
            self.lowest = self.smooth;
            return Ok(());
        }
        self.lowest = self.lowest.min(self.smooth);
        self.above = if self.smooth > ASTRAY * self.lowest { self.above + 1 } else { 0 };
        ensure!(
            self.above < PATIENCE,
            "the loss has grown from {:.3} to {:.3} by step {number} and does not come back; a lower rate may help",
            self.lowest,
            self.smooth
        );
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// The first step, from 0, that is refused, and why.
    fn refused(losses: impl Iterator<Item = f64>) -> Option<(usize, String)> {
        let mut watch = Watch::default();
        losses.enumerate().find_map(|(step, loss)| watch.see(loss, step).err().map(|why| (step, why.to_string())))
    }

    #[test]
    fn losses_that_fall_jump_and_stay_are_let_be() {
        let falling = (0..5000).map(|step| 1.0 / (1.0 + f64::from(step)) + 0.03);
        assert_eq!(refused(falling), None);
        let jumping = (0..5000).map(|step| if step % 97 == 0 { 1.0 } else { 0.03 });
        assert_eq!(refused(jumping), None);
        assert_eq!(refused((0..500).map(|step| 1e4 / (1.0 + f64::from(step)))), None, "the first ones count for nothing");
    }

    #[test]
    fn a_loss_that_is_none_or_grows_and_stays_ends_the_training_and_says_where() {
        let (step, why) = refused((0..9).map(|step| if step == 7 { f64::NAN } else { 1.0 })).unwrap();
        assert_eq!((step, why.as_str()), (7, "the loss of step 8 is not a number; a lower rate may help"));
        let (step, why) = refused((0..900).map(|step| if step < 400 { 0.1 } else { 50.0 })).unwrap();
        assert!((499..520).contains(&step), "{step}");
        assert!(why.contains(&format!("by step {}", step + 1)), "{why}");
    }
}
