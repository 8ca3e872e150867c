//! How many jobs are where.

use std::ops::ControlFlow;

use lapjoint_db::ColumnType;
use lapjoint_types::Value;

use crate::error::Error;
use crate::jobs::Jobs;

/// Numbers of jobs by their status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobCounts {
    /// To be done.
    pub pending: u64,
    /// A worker is at it.
    pub reserved: u64,
    /// Done; kept with the setting `jobs.keep_completed`.
    pub success: u64,
    /// Failed.
    pub error: u64,
    /// Not to be done.
    pub ignore: u64,
}

impl JobCounts {
    /// All jobs.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.pending + self.reserved + self.success + self.error + self.ignore
    }
}

impl Jobs {
    /// Numbers of jobs by their status.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be read.
    pub fn progress(&self) -> Result<JobCounts, Error> {
        let mut guard = self.connection().lock()?;
        let status = guard.adapter().quote("status");
        let table = guard.adapter().quote_table(&self.bound.def.id);
        let sql = format!("SELECT {status}, count(*) FROM {table} GROUP BY {status}");
        let status_type = self.bound.heading.get("status").map(|attribute| attribute.column.clone());
        let columns = [
            ("status".to_owned(), status_type.unwrap_or_else(|| ColumnType::Native(String::new()))),
            ("count".to_owned(), ColumnType::Native("bigint".into())),
        ];
        let mut counts = JobCounts::default();
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |row| {
                if let [Value::Str(status), Value::Int(count)] = row.as_slice() {
                    let count = u64::try_from(*count).unwrap_or(0);
                    match status.as_str() {
                        "pending" => counts.pending = count,
                        "reserved" => counts.reserved = count,
                        "success" => counts.success = count,
                        "error" => counts.error = count,
                        "ignore" => counts.ignore = count,
                        _ => {}
                    }
                }
                ControlFlow::Continue(())
            })
            .map_err(Error::db(&self.bound.def.id))?;
        Ok(counts)
    }
}
