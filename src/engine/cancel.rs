//! Cancellation as a value: one atomic read between two steps.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The owner's end. Dropping it cancels: work that nobody waits for is not done.
#[derive(Debug, Default)]
pub struct Canceller(Arc<AtomicBool>);

impl Canceller {
    /// Breaks the work off at its next check.
    pub fn cancel(&self) {
        self.0.store(true, Relaxed);
    }

    /// Takes that back, if the work has not seen it yet.
    pub fn go_on(&self) {
        self.0.store(false, Relaxed);
    }

    /// The worker's end.
    pub fn handle(&self) -> Cancel {
        Cancel(self.0.clone())
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The worker's end of a [`Canceller`].
#[derive(Clone, Debug)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Whether to go on.
    pub fn check(&self) -> ControlFlow<()> {
        match self.0.load(Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_on_until_it_is_cancelled_or_nobody_owns_it() {
        let owner = Canceller::default();
        let (first, second) = (owner.handle(), owner.handle());
        assert!(first.check().is_continue());
        owner.cancel();
        assert!(first.check().is_break() && second.check().is_break());
        owner.go_on();
        assert!(first.check().is_continue());
        let orphan = Canceller::default().handle();
        assert!(orphan.check().is_break());
    }
}
