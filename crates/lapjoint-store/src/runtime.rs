//! The one runtime on which stores of services do their input and output.
//!
//! A fork copies the memory of a process but only the calling thread, so a runtime made before a fork has no
//! workers in the child and would wait for ever. Each runtime therefore remembers the process that made it; the
//! child finds that the number is not its own, leaves the old runtime alone and makes another.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Result, StoreError};

/// A runtime and, behind it, the runtimes of descendants. The list grows by one with each generation of forks.
struct Slot {
    process: u32,
    runtime: Runtime,
    next: OnceLock<Box<Slot>>,
}

static FIRST: OnceLock<Box<Slot>> = OnceLock::new();

fn current() -> Result<&'static Runtime> {
    of_process(std::process::id())
}

fn of_process(process: u32) -> Result<&'static Runtime> {
    let mut place = &FIRST;
    loop {
        let slot = match place.get() {
            Some(slot) => slot,
            None => {
                // Built before the cell is touched, so that a fork at this moment cannot find the cell half full.
                let runtime = Builder::new_multi_thread()
                    .worker_threads(2)
                    .thread_name("lapjoint-store")
                    .build()
                    .map_err(StoreError::Runtime)?;
                let made = Box::new(Slot { process, runtime, next: OnceLock::new() });
                place.get_or_init(|| made)
            }
        };
        if slot.process == process {
            return Ok(&slot.runtime);
        }
        place = &slot.next;
    }
}

/// Runs a future to its end on the store runtime, from any thread, including one of another runtime.
pub(crate) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> Result<T> {
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
    fn another_process_gets_another_runtime() {
        let id = |process| std::ptr::from_ref(of_process(process).unwrap()) as usize;
        // Numbers that no process has.
        let (parent, child) = (id(u32::MAX), id(u32::MAX - 1));
        assert_ne!(parent, child);
        assert_eq!((id(u32::MAX), id(u32::MAX - 1)), (parent, child));
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
