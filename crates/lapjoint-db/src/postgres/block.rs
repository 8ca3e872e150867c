//! Waiting for the server from synchronous code.

use std::future::Future;

use tokio::runtime::{Handle, Runtime};

/// Runs a future to its end, from any thread, including one of another runtime.
pub(super) fn on<T: Send>(runtime: &Runtime, future: impl Future<Output = T> + Send) -> T {
    if Handle::try_current().is_err() {
        return runtime.block_on(future);
    }
    // Blocking inside a runtime is refused by tokio; a thread of its own, which ends here, is not inside.
    std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(future)).join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
