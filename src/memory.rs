//! The memory of a process that trains.
//!
//! A training step frees and takes hundreds of megabytes. The system's allocator gives them back in between, and a fifth of the
//! time goes into clearing their pages again; mimalloc keeps them, and takes them in pages of 2 MiB where the system has any.

use mimalloc::MiMalloc;
use std::ffi::{c_int, c_long};

/// What a program that trains allocates with. The program chooses it and not this library: a test that counts what is allocated
/// brings its own.
pub const ALLOCATOR: MiMalloc = MiMalloc;

#[cfg(test)]
#[global_allocator]
static MEMORY: MiMalloc = ALLOCATOR;

/// `mi_option_purge_delay` of mimalloc.h, which the crate has no name for: milliseconds until what is free goes back.
const PURGE_DELAY: c_int = 15;
/// Longer than a step takes; what nobody has asked for so long, the next activity gives back.
const KEEP_MS: c_long = 30_000;

/// Gives back what is free at once: gigabytes of a model that is not needed any more.
pub fn give_back() {
    // SAFETY: it hands pages without anything in them back to the system.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}

/// Has memory kept from one training step to the next.
pub fn keep() {
    // SAFETY: it stores a number among the allocator's settings, which are there from the start; `main` does so before it has
    // threads.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, KEEP_MS);
    }
}
