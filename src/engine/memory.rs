//! How much memory the engine takes.

use std::fs;

/// Bytes of this process that are in memory; none where the system does not say (all but Linux).
pub fn resident() -> Option<u64> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
