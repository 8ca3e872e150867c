//! A worker: it takes jobs, holds a lease on each, and its rows count only while it does.

use std::collections::VecDeque;
use std::process::Command;
use std::time::Duration;

use lapjoint_types::Value;
use uuid::Uuid;

use crate::compute::Failure;
use crate::connection::Connection;
use crate::error::Error;
use crate::jobs::Jobs;
use crate::jobs::heartbeat::Heartbeat;
use crate::jobs::row::To;
use crate::query::{Condition, Query};
use crate::row::Row;

/// Jobs looked up at a time: others may have taken some of them when their turn comes.
const WINDOW: u64 = 64;

/// Who works, as a job tells others.
pub(super) struct Identity {
    pub user: String,
    pub host: String,
    pub version: String,
    pub connection_id: i64,
}

impl Identity {
    pub fn find(connection: &Connection) -> Result<Self, Error> {
        let (user, connection_id) = connection.lock()?.adapter_mut().who()?;
        let user = if user.is_empty() { user_of_system() } else { user };
        let host = host_name();
        Ok(Self { user, host, version: code_version(connection), connection_id: connection_id.unwrap_or(0) })
    }
}

fn user_of_system() -> String {
    let told = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    told.or_else(|| output("id", &["-un"])).map(|name| name.trim().to_owned()).unwrap_or_default()
}

fn host_name() -> String {
    let told = |text: String| Some(text.trim().to_owned()).filter(|name| !name.is_empty());
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(told)
        .or_else(|| output("hostname", &[]).and_then(told))
        .unwrap_or_default()
}

/// The version of the code at work, with the setting `jobs.version_method`.
pub(crate) fn code_version(connection: &Connection) -> String {
    let method = connection.stores().read(|config| config.text("jobs.version_method"));
    match method.as_deref() {
        Some("git") => output("git", &["rev-parse", "--short", "HEAD"])
            .map(|text| text.trim().to_owned())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

/// A worker on the jobs of a table.
///
/// It holds a lease on the job that it is at, and renews it from a thread of its own. When the worker dies, the lease ends after the
/// setting `jobs.lease_seconds`, and others take the job. A worker that was only taken for dead cannot commit: its job is no longer
/// its own, and the transaction that inserts the rows is the one that says so.
pub struct Worker {
    jobs: Jobs,
    identity: Identity,
    /// What the jobs say of who holds them: below 0 for a lease.
    holder: i64,
    heartbeat: Option<Heartbeat>,
    /// Jobs that were pending a moment ago.
    window: VecDeque<Row>,
    /// Whether others have lately been faster.
    is_crowded: bool,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

impl Jobs {
    /// A worker on these jobs.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be reached.
    pub fn worker(&self) -> Result<Worker, Error> {
        let connection = self.connection();
        let random = i64::try_from(Uuid::new_v4().as_u128() & u128::from(u64::MAX >> 1)).unwrap_or(i64::MAX);
        // A database in memory cannot be reached by another connection: no lease can be renewed there, and none has to be.
        let is_shared = connection.can_have_another();
        Ok(Worker {
            jobs: self.clone(),
            identity: Identity::find(connection)?,
            holder: if is_shared { -random.max(1) } else { random.max(1) },
            heartbeat: is_shared.then(|| Heartbeat::new(connection, self.lease())),
            window: VecDeque::new(),
            is_crowded: false,
        })
    }

    /// Jobs that are pending and due, the most urgent first: only those of `keys`, and whose priority number is not above
    /// `priority`.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn due(
        &self,
        keys: Option<&Query>,
        priority: Option<i64>,
        limit: Option<u64>,
    ) -> Result<Query, Error> {
        let (clock, scheduled, urgency) = {
            let guard = self.connection().lock()?;
            let adapter = guard.adapter();
            (adapter.clock_sql(0.0), adapter.quote("scheduled_time"), adapter.quote("priority"))
        };
        let mut due = self.query().restrict(Condition::equal("status", "pending"));
        due = due.restrict(format!("{scheduled} <= {clock}"));
        if let Some(priority) = priority {
            due = due.restrict(format!("{urgency} <= {priority}"));
        }
        if let Some(keys) = keys {
            // The jobs' attributes have origins of their own.
            due = due.restrict_by_name_alone(keys);
        }
        Ok(due.top(limit, 0, ["priority", "scheduled_time"]))
    }
}

impl Worker {
    /// The jobs.
    #[must_use]
    pub const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// The key of a job to try next; `None` when none is due. Where many workers are after the same jobs, each looks at another.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn next(&mut self, keys: Option<&Query>, priority: Option<i64>) -> Result<Option<Row>, Error> {
        if self.is_crowded {
            self.window.clear();
        }
        if self.window.is_empty() && !self.look(keys, priority)? {
            // The jobs of a worker that has died in the meantime come last.
            if self.jobs.expire()? == 0 || !self.look(keys, priority)? {
                return Ok(None);
            }
        }
        if self.is_crowded {
            let random = Uuid::new_v4().as_u128() % (self.window.len().clamp(1, 16) as u128);
            let at = usize::try_from(random).unwrap_or(0);
            return Ok(self.window.remove(at));
        }
        Ok(self.window.pop_front())
    }

    fn look(&mut self, keys: Option<&Query>, priority: Option<i64>) -> Result<bool, Error> {
        let due = self.jobs.due(keys, priority, Some(WINDOW))?;
        self.window = due.proj(Vec::<&str>::new()).fetch()?.into();
        Ok(!self.window.is_empty())
    }

    /// Takes a job, with a lease; whether this worker has got it.
    pub(crate) fn reserve(&mut self, key: &Row) -> Result<bool, Error> {
        let is_taken = self.jobs.reserve_as(key, &self.identity, self.holder)?;
        self.is_crowded = !is_taken;
        if is_taken && let Some(heartbeat) = &mut self.heartbeat {
            let renewal = self.jobs.update_sql(vec![("reserved_time", To::Now)])?;
            let renewal = self.jobs.of_key(renewal, &self.jobs.key_of(key)?)?;
            let renewal = self.jobs.and_equal(renewal, "connection_id", self.holder)?;
            heartbeat.start(self.jobs.and_equal(renewal, "status", "reserved")?)?;
        }
        Ok(is_taken)
    }

    /// Says in the open transaction that the job is done; false if it is no longer this worker's.
    pub(crate) fn complete(&self, key: &Row, duration: Duration) -> Result<bool, Error> {
        let done = self.jobs.done_sql(Some(duration.as_secs_f64()))?;
        self.as_holder(done, key)
    }

    /// Says that the job has failed; false if it is no longer this worker's.
    pub(crate) fn fail(&self, key: &Row, failure: &Failure) -> Result<bool, Error> {
        let failed = self.jobs.error_sql(&failure.message, &failure.stack)?;
        self.as_holder(failed, key)
    }

    /// The worker is no longer at a job.
    pub(crate) fn rest(&self) {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.stop();
        }
    }

    fn as_holder(&self, sql: crate::jobs::row::Sql, key: &Row) -> Result<bool, Error> {
        let sql = self.jobs.of_key(sql, &self.jobs.key_of(key)?)?;
        let sql = self.jobs.and_equal(sql, "connection_id", Value::from(self.holder))?;
        Ok(self.jobs.run(&self.jobs.and_equal(sql, "status", "reserved")?)? == 1)
    }
}
