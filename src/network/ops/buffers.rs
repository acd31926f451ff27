//! Buffers that one step is done with and the next one takes: nothing is allocated, cleared or given back to the system while
//! a network is trained.

use std::sync::{Mutex, PoisonError};

/// More buffers than a step of any of the networks here has.
const MOST: usize = 128;

static KEPT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// So many floats, whatever is in them.
pub fn take(len: usize) -> Vec<f32> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |buffer: &Vec<f32>| (len..=2 * len).contains(&buffer.capacity());
    let smallest = kept.iter().enumerate().filter(|(_, buffer)| fits(buffer)).min_by_key(|(_, buffer)| buffer.capacity());
    let Some(at) = smallest.map(|(at, _)| at) else {
        drop(kept);
        return vec![0.0; len];
    };
    let mut buffer = kept.remove(at);
    drop(kept);
    buffer.resize(len, 0.0);
    buffer
}

/// Keeps a buffer for whoever takes one next.
pub fn give(buffer: Vec<f32>) {
    if buffer.capacity() == 0 {
        return;
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(buffer);
    if kept.len() > MOST {
        kept.remove(0);
    }
}

/// Gives the memory back that the operators keep from step to step: after a training.
pub fn release() {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
