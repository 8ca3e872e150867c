//! The clock by which calls are interrupted.
//!
//! Compiled code looks at a counter of the engine; a thread moves it every 10 ms while calls run, and ends when none has run
//! for a while. A forked child has no such thread, whatever its parent had, and starts its own with its first call.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Ticks without a call after which the thread ends.
const IDLE_TICKS: u32 = 200;

/// Calls under way. After a fork it may count calls of the parent's threads; the child's ticker then only runs on for nothing.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);
/// Process that has a ticker; 0 for none.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// A call under way: while it lives, the engines' counters move.
pub(crate) struct Running(());

impl Running {
    /// Counts a call, and starts the ticker of `engines` if this process has none.
    ///
    /// # Errors
    /// That of the operating system when it has no thread to give: a call without a deadline is not made.
    pub fn start(engines: fn() -> Vec<Engine>) -> std::io::Result<Self> {
        ACTIVE.fetch_add(1, Ordering::SeqCst);
        let running = Self(());
        let own = std::process::id();
        let owner = OWNER.load(Ordering::SeqCst);
        if owner != own
            && OWNER.compare_exchange(owner, own, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && let Err(error) =
                std::thread::Builder::new().name("lapjoint-wasm".into()).spawn(move || tick(engines, own))
        {
            OWNER.store(0, Ordering::SeqCst);
            return Err(error);
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        ACTIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engines: fn() -> Vec<Engine>, own: u32) {
    let mut idle = 0;
    loop {
        std::thread::sleep(TICK);
        engines().iter().for_each(Engine::increment_epoch);
        idle = if ACTIVE.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle > IDLE_TICKS {
            OWNER.store(0, Ordering::SeqCst);
            // A call that began before the store has seen an owner and relies on this thread.
            let is_needed = ACTIVE.load(Ordering::SeqCst) > 0;
            if !is_needed || OWNER.compare_exchange(0, own, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                return;
            }
            idle = 0;
        }
    }
}
