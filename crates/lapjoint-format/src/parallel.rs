//! The threads that work is spread over; they notice a fork.
//!
//! The threads of a pool do not live in a forked child, where work given to them would wait for ever. Each process therefore
//! has a pool of its own, made when it is first needed.

use std::sync::{Arc, Mutex};

use rayon::ThreadPool;

/// A pool, and the process whose threads it has.
type Slot = Mutex<Option<(u32, Arc<ThreadPool>)>>;

static POOL: Slot = Mutex::new(None);
static WIDE: Slot = Mutex::new(None);

/// The pool of this process. `None` when it cannot be had at once (another thread held it when this process was forked, or
/// threads cannot be started): the caller then works alone.
#[must_use]
pub fn pool() -> Option<Arc<ThreadPool>> {
    of_process(&POOL, 0)
}

/// A pool for work that mostly waits, of at least this many threads. `None` as for [`pool`].
#[must_use]
pub fn wide_pool(threads: usize) -> Option<Arc<ThreadPool>> {
    of_process(&WIDE, threads)
}

fn of_process(slot: &Slot, threads: usize) -> Option<Arc<ThreadPool>> {
    let mut pool = slot.try_lock().ok()?;
    let process = std::process::id();
    match pool.as_ref() {
        Some((owner, present)) if *owner == process && present.current_num_threads() >= threads => {
            Some(Arc::clone(present))
        }
        _ => {
            let named = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("lapjoint-{index}"));
            let fresh = Arc::new(named.build().ok()?);
            match pool.replace((process, Arc::clone(&fresh))) {
                // A parent's pool is not dropped here: that would wait for threads that are not.
                Some((owner, old)) if owner != process => std::mem::forget(old),
                _ => {}
            }
            Some(fresh)
        }
    }
}
