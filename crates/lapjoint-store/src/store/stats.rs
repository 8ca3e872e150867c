//! Counting requests and bytes, so that a partial read can be seen to be one.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests made to a store and bytes moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls that reached the store.
    pub requests: u64,
    /// Bytes of content read.
    pub read_bytes: u64,
    /// Bytes of content written.
    pub written_bytes: u64,
}

impl Stats {
    /// What was added since an earlier look.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            read_bytes: self.read_bytes.saturating_sub(earlier.read_bytes),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
}

impl Counters {
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read_bytes(&self, count: u64) {
        self.read_bytes.fetch_add(count, Ordering::Relaxed);
    }

    pub fn wrote(&self, count: u64) {
        self.written_bytes.fetch_add(count, Ordering::Relaxed);
    }

    pub fn read(&self) -> Stats {
        Stats {
            requests: self.requests.load(Ordering::Relaxed),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
        }
    }
}
