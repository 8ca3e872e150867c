//! The one runtime on which stores of services do their input and output, and what else must not outlive a fork.
//!
//! A fork copies the memory of a process but only the calling thread, so a runtime made before a fork has no
//! workers in the child and would wait for ever; a connection made before it would be written to by two processes.
//! What is made once a process therefore remembers which process made it; the child finds that the number is not
//! its own, leaves the old one alone and makes another.

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Result, StoreError};

/// A value of this process and, behind it, those of descendants. The list grows by one with each generation of forks.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    first: OnceLock<Box<Slot<T>>>,
}

#[derive(Debug)]
struct Slot<T> {
    process: u32,
    value: T,
    next: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    pub const fn new() -> Self {
        Self { first: OnceLock::new() }
    }

    /// The value of this process, made when it is first asked for.
    pub fn get(&self, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        self.of(std::process::id(), make)
    }

    fn of(&self, process: u32, make: impl FnOnce() -> Result<T>) -> Result<&T> {
        let mut place = &self.first;
        let mut make = Some(make);
        loop {
            let slot = match (place.get(), make.take()) {
                (Some(slot), still) => {
                    make = still;
                    slot
                }
                // Built before the cell is touched, so that a fork at this moment cannot find the cell half full.
                (None, Some(make)) => {
                    let made = Box::new(Slot { process, value: make()?, next: OnceLock::new() });
                    place.get_or_init(|| made)
                }
                // Another thread of this process filled the last cell for another process: there is no such thread.
                (None, None) => {
                    return Err(StoreError::Runtime(std::io::Error::other("forked while opening")));
                }
            };
            if slot.process == process {
                return Ok(&slot.value);
            }
            place = &slot.next;
        }
    }
}

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

fn make() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("lapjoint-store")
        .enable_all()
        .build()
        .map_err(StoreError::Runtime)
}

/// The runtime of this process, for work that goes on while its caller does something else.
pub(crate) fn current() -> Result<&'static Runtime> {
    RUNTIME.get(make)
}

thread_local! {
    /// What ends this thread's waiting.
    static STOP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// How often a waiting thread looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Runs work of this thread that waits for services no longer than `stop` is false: from then on what it waits for fails with
/// [`StoreError::Cancelled`]. A service that does not answer would hold it up to the time limit otherwise.
pub fn interruptible<T>(stop: Option<&Arc<AtomicBool>>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was there before, also after a panic.
    struct Before(Option<Arc<AtomicBool>>);
    impl Drop for Before {
        fn drop(&mut self) {
            STOP.set(self.0.take());
        }
    }
    let _before = Before(STOP.replace(stop.cloned()));
    work()
}

/// What ends this thread's waiting, for threads and programs that work for it.
#[must_use]
pub fn stop_of_thread() -> Option<Arc<AtomicBool>> {
    STOP.with_borrow(Clone::clone)
}

async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Runs a future to its end on the store runtime, from any thread, including one of another runtime.
pub(crate) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> Result<T> {
    let Some(stop) = stop_of_thread() else { return run(future) };
    run(async {
        tokio::select! {
            biased;
            value = future => Ok(value),
            () = stopped(&stop) => Err(StoreError::Cancelled { objects_done: 0, objects_total: 1 }),
        }
    })?
}

fn run<T: Send>(future: impl Future<Output = T> + Send) -> Result<T> {
    let runtime = current()?;
    if Handle::try_current().is_err() {
        return Ok(runtime.block_on(future));
    }
    // Blocking inside a runtime is refused by tokio; a thread of its own is not inside.
    std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(future)).join() {
        Ok(value) => Ok(value),
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_inside_another_runtime() {
        let outer = Builder::new_current_thread().build().unwrap();
        let seen = outer.block_on(async { block_on(async { 7 }).unwrap() });
        assert_eq!(seen, 7);
    }

    #[test]
    fn waiting_ends_when_the_caller_stops() {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = std::time::Instant::now();
        let waited = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                stop.store(true, Ordering::Relaxed);
            });
            interruptible(Some(&stop), || block_on(std::future::pending::<()>()))
        });
        assert!(matches!(waited, Err(StoreError::Cancelled { .. })), "{waited:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(block_on(async { 1 }).is_ok(), "only inside");
    }

    #[test]
    fn another_process_gets_another_value() {
        let made = PerProcess::new();
        let of = |process, value| *made.of(process, || Ok(value)).unwrap();
        // Numbers that no process has.
        assert_eq!((of(u32::MAX, 1), of(u32::MAX - 1, 2)), (1, 2));
        assert_eq!((of(u32::MAX, 3), of(u32::MAX - 1, 4)), (1, 2));
        let failed = made.of(u32::MAX - 2, || Err(StoreError::NoFilepathDefaultStore));
        assert!(failed.is_err());
        assert_eq!(of(u32::MAX - 2, 5), 5, "a failure is not kept");
    }

    #[test]
    fn is_made_once_in_a_process() {
        let runtimes: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| std::ptr::from_ref(current().unwrap()) as usize)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(runtimes.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
