//! Leases: a worker says now and then that it is alive, by a connection of its own, as the other one may be in a transaction or in
//! a long statement.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::connection::Connection;
use crate::error::Error;
use crate::jobs::row::Sql;

/// Renewals in the time of a lease.
const RENEWALS: u32 = 4;

/// The lease of the job that a worker is at.
pub(super) struct Heartbeat {
    shared: Arc<Shared>,
    interval: Duration,
    connection: Connection,
    /// The thread that renews, and the process that it lives in.
    thread: Option<(u32, JoinHandle<()>)>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The statement that renews the lease of the job at hand.
    renewal: Option<Sql>,
    /// Counts the jobs, so that a renewal that was under way does not speak of the next.
    job: u64,
    ends: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heartbeat {
    pub fn new(connection: &Connection, lease: Duration) -> Self {
        Self {
            shared: Arc::default(),
            interval: lease / RENEWALS,
            connection: connection.clone(),
            thread: None,
        }
    }

    /// Renews a lease by this statement until [`stop`](Self::stop).
    pub fn start(&mut self, renewal: Sql) -> Result<(), Error> {
        let process = std::process::id();
        // In a forked process the thread is not there.
        if self.thread.as_ref().is_none_or(|(owner, _)| *owner != process) {
            self.forget();
            let (shared, interval) = (Arc::clone(&self.shared), self.interval);
            let connection = self.connection.clone();
            let thread = std::thread::Builder::new()
                .name("lapjoint-lease".to_owned())
                .spawn(move || renew(&shared, interval, &connection))
                .map_err(|error| {
                    Error::usage(format!("no thread can be started to renew a lease: {error}"))
                })?;
            self.thread = Some((process, thread));
        }
        let mut state = self.shared.state();
        state.job += 1;
        state.renewal = Some(renewal);
        Ok(())
    }

    /// The job is over.
    pub fn stop(&self) {
        self.shared.state().renewal = None;
    }

    fn forget(&mut self) {
        // A thread of another process cannot be waited for, and what it held locked stays so.
        if let Some(lost) = self.thread.take() {
            std::mem::forget(lost);
            self.shared = Arc::default();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let Some((process, thread)) = self.thread.take() else { return };
        if process != std::process::id() {
            std::mem::forget(thread);
            return;
        }
        self.shared.state().ends = true;
        self.shared.changed.notify_all();
        // It may be waiting for the database; it ends by itself.
        drop(thread);
    }
}

/// What the thread does. It connects when a job first takes so long.
fn renew(shared: &Shared, interval: Duration, connection: &Connection) {
    let mut own: Option<Connection> = None;
    let mut state = shared.state();
    while !state.ends {
        let job = state.job;
        let (next, waited) =
            shared.changed.wait_timeout(state, interval).unwrap_or_else(PoisonError::into_inner);
        state = next;
        // A job that has just begun has its time before it.
        if state.ends || state.job != job || !waited.timed_out() {
            continue;
        }
        let Some(renewal) = state.renewal.clone() else { continue };
        drop(state);
        if let Err(error) = renew_once(&mut own, connection, &renewal) {
            own = None;
            tracing::warn!(%error, "the lease of a job could not be renewed; it is tried again");
        }
        state = shared.state();
    }
}

fn renew_once(own: &mut Option<Connection>, connection: &Connection, renewal: &Sql) -> Result<(), Error> {
    let connection = match own {
        Some(own) => own,
        None => own.insert(connection.another()?),
    };
    let renewed = connection.lock()?.adapter_mut().execute(&renewal.text, &renewal.parameters)?;
    if renewed == 0 {
        tracing::warn!("another worker has taken the job whose lease was to be renewed");
    }
    Ok(())
}
