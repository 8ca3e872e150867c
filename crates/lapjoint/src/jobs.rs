//! Jobs: a table beside each computed or imported table says which keys are to be made, who is at which, and what went wrong, so
//! that many workers share the work. Its layout is DataJoint's, and its workers and these may work side by side.

mod heartbeat;
mod layout;
mod outcome;
mod refresh;
mod row;
mod status;
mod worker;

pub(crate) use layout::drop_with;
pub use refresh::{RefreshOptions, Refreshed};
pub(crate) use row::patiently;
pub use status::JobCounts;
pub use worker::Worker;
pub(crate) use worker::code_version;

use std::sync::Arc;
use std::time::Duration;

use crate::bound::BoundTable;
use crate::connection::Connection;
use crate::error::Error;
use crate::query::Query;
use crate::table::Table;

/// The jobs of a computed or imported table.
///
/// ```
/// # use lapjoint::{Connection, RefreshOptions, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// # let number = lab.manual("Number", "n : int32")?;
/// # let square = lab.computed("Square", "-> Number\n---\nsquare : int32")?;
/// number.insert((1..=4).map(|n| row! { "n" => n }))?;
/// let jobs = square.jobs()?;
/// assert_eq!(jobs.refresh(&RefreshOptions::new())?.added, 4);
/// assert!(jobs.reserve(&row! { "n" => 2 })?);
/// assert!(!jobs.reserve(&row! { "n" => 2 })?);
/// jobs.error(&row! { "n" => 2 }, "no such file", "")?;
/// jobs.ignore(&row! { "n" => 3 })?;
/// let counts = jobs.progress()?;
/// assert_eq!((counts.pending, counts.reserved, counts.error, counts.ignore), (2, 0, 1, 1));
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Jobs {
    target: Table,
    bound: Arc<BoundTable>,
}

impl Table {
    /// The table's jobs; their table is declared when it is missing.
    ///
    /// # Errors
    /// [`Error::Usage`] for a table that is not populated, or whose primary key refers to no other table.
    pub fn jobs(&self) -> Result<Jobs, Error> {
        Ok(Jobs { target: self.clone(), bound: layout::declare(self)? })
    }
}

impl Jobs {
    /// The table that the jobs are about.
    #[must_use]
    pub const fn target(&self) -> &Table {
        &self.target
    }

    /// The table of the jobs.
    #[must_use]
    pub fn table(&self) -> Table {
        Table::new(self.target.schema().clone(), Arc::clone(&self.bound))
    }

    /// All jobs, as a query to restrict and fetch.
    #[must_use]
    pub fn query(&self) -> Query {
        self.table().query()
    }

    /// The definition that declares the table of the jobs.
    ///
    /// # Errors
    /// [`Error`] when a table that the primary key refers to cannot be read.
    pub fn definition(&self) -> Result<String, Error> {
        layout::definition(&self.target)
    }

    /// Attributes of the target's primary key that the jobs do not have, since no other table has them.
    #[must_use]
    pub fn ignored_attributes(&self) -> Vec<String> {
        layout::own_attributes(&self.target)
    }

    fn connection(&self) -> &Connection {
        self.target.schema().connection()
    }

    /// How long a worker may be silent before its jobs are given to others.
    fn lease(&self) -> Duration {
        let seconds = self.connection().stores().read(|config| config.integer("jobs.lease_seconds"));
        Duration::from_secs(seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(60).max(1))
    }

    fn keeps_completed(&self) -> bool {
        self.connection().stores().read(|config| config.flag("jobs.keep_completed"))
    }

    fn default_priority(&self) -> i64 {
        self.connection().stores().read(|config| config.integer("jobs.default_priority")).unwrap_or(5)
    }
}
