//! Doing many things at once, with a bound on how many.
//!
//! Input and output wait more than they compute, so this uses threads of its own rather than the pool that
//! compresses and hashes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::runtime::{interruptible, stop_of_thread};

/// Runs `work` on every item, up to `parallelism` at a time, and returns the results in the order of the items.
///
/// # Errors
///
/// The first error; no further item is begun after it.
pub fn run<I, R, E, F>(items: I, parallelism: usize, work: F) -> Result<Vec<R>, E>
where
    I: IntoIterator,
    I::IntoIter: Send,
    R: Send,
    E: Send,
    F: Fn(I::Item) -> Result<R, E> + Sync,
{
    let items = items.into_iter();
    let threads = parallelism.max(1).min(items.size_hint().1.unwrap_or(usize::MAX));
    if threads <= 1 {
        return items.map(work).collect();
    }
    let queue = Mutex::new(items.enumerate());
    let stopped = AtomicBool::new(false);
    let done: Mutex<Result<Vec<(usize, R)>, E>> = Mutex::new(Ok(Vec::new()));
    let stop = stop_of_thread();
    let take_turns = || {
        while !stopped.load(Ordering::Relaxed) {
            let next = lock(&queue).next();
            let Some((index, item)) = next else { break };
            let result = work(item);
            let mut done = lock(&done);
            match (result, done.as_mut()) {
                (Ok(value), Ok(values)) => values.push((index, value)),
                (Err(error), Ok(_)) => {
                    stopped.store(true, Ordering::Relaxed);
                    *done = Err(error);
                }
                // The first error is the one to report.
                (_, Err(_)) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| interruptible(stop.as_ref(), take_turns));
        }
    });
    let mut values = done.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    values.sort_unstable_by_key(|(index, _)| *index);
    Ok(values.into_iter().map(|(_, value)| value).collect())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number of bytes that may be in memory at once.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    free_bytes: Mutex<u64>,
    freed: Condvar,
}

/// A share of a [`Budget`], given back when dropped.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub fn new(limit_bytes: u64) -> Self {
        let limit_bytes = limit_bytes.max(1);
        Self { limit_bytes, free_bytes: Mutex::new(limit_bytes), freed: Condvar::new() }
    }

    /// Waits until `bytes` are free. More than the whole budget counts as the whole, so that one large item can pass.
    pub fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.limit_bytes);
        let mut free = lock(&self.free_bytes);
        while *free < bytes {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *lock(&self.budget.free_bytes) += self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::error::StoreError;

    #[test]
    fn results_keep_the_order_of_items() {
        let squares = run(0..1000_u64, 8, |number| Ok::<_, StoreError>(number * number)).unwrap();
        assert!(squares.iter().zip(0..).all(|(square, number)| *square == number * number));
        assert_eq!(squares.len(), 1000);
        assert!(run(std::iter::empty::<u8>(), 8, Ok::<_, StoreError>).unwrap().is_empty());
    }

    #[test]
    fn an_error_stops_the_rest() {
        let begun = AtomicUsize::new(0);
        let result = run(0..100_000, 4, |number| {
            begun.fetch_add(1, Ordering::Relaxed);
            if number == 10 { Err(StoreError::NoFilepathDefaultStore) } else { Ok(()) }
        });
        assert!(matches!(result, Err(StoreError::NoFilepathDefaultStore)));
        assert!(begun.load(Ordering::Relaxed) < 100_000);
    }

    #[test]
    fn the_budget_is_never_exceeded() {
        let (budget, used, most) = (Budget::new(100), AtomicUsize::new(0), AtomicUsize::new(0));
        run(0..200_usize, 16, |number| {
            let bytes = if number == 7 { 500 } else { 30 };
            let _share = budget.take(bytes);
            let now = used.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            used.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, StoreError>(())
        })
        .unwrap();
        assert!(most.load(Ordering::SeqCst) <= 3, "{most:?}");
        assert_eq!(*lock(&budget.free_bytes), 100);
    }
}
