//! Slow work, whose end is heard of whatever comes of it.

use super::server::{Input, Server};
use anyhow::{Result, anyhow};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::task::spawn_blocking;

impl Server {
    /// Works beside the server, which hears of the end even if that is a panic: until then it waits for it.
    pub(super) fn beside<T>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
        tell: impl FnOnce(Result<T>) -> Input + Send + 'static,
    ) {
        let inputs = self.inputs.clone();
        spawn_blocking(move || {
            let done = caught(work).unwrap_or_else(|fault| Err(anyhow!(fault)));
            inputs.blocking_send(tell(done)).ok();
        });
    }
}

/// What comes of some work; a panic in it is a sentence. What the work has changed may be half done after that.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let fault = |panic: Box<dyn Any + Send>| format!("a fault in darkroom, please report it: {}", words(&*panic));
    catch_unwind(AssertUnwindSafe(work)).map_err(fault)
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gives no reason")
}
