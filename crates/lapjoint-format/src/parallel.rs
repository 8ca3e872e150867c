//! The threads that work is spread over; they notice a fork.
//!
//! The threads of a pool do not live in a forked child, where work given to them would wait for ever. Each process therefore
//! has a pool of its own, made when it is first needed.

use std::sync::{Arc, Mutex};

use rayon::ThreadPool;

/// Pool, and the process whose threads it has.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process. `None` when it cannot be had at once (another thread held it when this process was forked, or
/// threads cannot be started): the caller then works alone.
#[must_use]
pub fn pool() -> Option<Arc<ThreadPool>> {
    let mut pool = POOL.try_lock().ok()?;
    let process = std::process::id();
    match pool.as_ref() {
        Some((owner, present)) if *owner == process => Some(Arc::clone(present)),
        _ => {
            let named = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("lapjoint-{index}"));
            let fresh = Arc::new(named.build().ok()?);
            // A parent's pool is not dropped here: that would wait for threads that are not.
            std::mem::forget(pool.replace((process, Arc::clone(&fresh))));
            Some(fresh)
        }
    }
}
