//! Threads after a fork: rayon's global ones are not copied into the child, where work that is given to them never ends.

use std::sync::OnceLock;

use gzcm::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The process that loaded the module.
static PROCESS: OnceLock<u32> = OnceLock::new();

/// Called when the module is loaded.
pub(super) fn remember_process() {
    PROCESS.get_or_init(std::process::id);
}

/// A pool of its own for a process that was forked from the one that loaded the module, of one thread: such processes are
/// workers, of which there are as many as there is to do. `None` elsewhere, where the global pool serves.
pub(super) fn after_fork() -> Result<Option<ThreadPool>> {
    if PROCESS.get().is_none_or(|process| *process == std::process::id()) {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.map(Some).map_err(|error| Error::Io(std::io::Error::other(error)))
}

/// Does the work where its threads are.
pub(super) fn within<T: Send>(pool: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
