//! One key: its rows are made and committed, or nothing is.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use lapjoint_db::ColumnType;

use crate::compute::make::Make;
use crate::compute::making::Permit;
use crate::compute::metadata;
use crate::error::Error;
use crate::jobs::{Worker, patiently};
use crate::row::Row;
use crate::table::Table;

/// What came of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Made {
    /// Its rows were made and committed.
    Now,
    /// The table had them already.
    Before,
    /// Another worker has its job, or has taken it over. Nothing was made.
    Elsewhere,
}

impl Table {
    /// Makes the rows of one key in one transaction, unless the table has them.
    ///
    /// # Errors
    /// Those of `make` and of the commit; nothing of the key is then kept.
    pub fn make_one(&self, key: &Row, make: &mut dyn Make) -> Result<Made, Error> {
        self.make_with(key, make, None)
    }

    /// As [`make_one`](Self::make_one), as a job of a worker: if it can take the job. That it is done is said in the transaction
    /// that inserts the rows, that it has failed afterwards.
    ///
    /// # Errors
    /// As for [`make_one`](Self::make_one).
    pub fn make_job(&self, worker: &mut Worker, key: &Row, make: &mut dyn Make) -> Result<Made, Error> {
        self.check_outside()?;
        if !worker.reserve(key)? {
            return Ok(Made::Elsewhere);
        }
        let made = self.make_with(key, make, Some(worker));
        worker.rest();
        let Err(error) = made else { return made };
        match worker.fail(key, &make.failure(&error)) {
            Ok(true) => Err(error),
            // What failed was no longer this worker's, and may have failed because of that.
            Ok(false) => {
                tracing::warn!(table = %self.id(), %key, %error, "another worker has taken over the job");
                Ok(Made::Elsewhere)
            }
            Err(record) => Err(Error::Undo { source: Box::new(error), undo: record.to_string() }),
        }
    }

    fn check_outside(&self) -> Result<(), Error> {
        self.check_populated()?;
        if self.schema().connection().in_transaction()? {
            return Err(Error::usage("Populate cannot be called during a transaction."));
        }
        Ok(())
    }

    fn make_with(&self, key: &Row, make: &mut dyn Make, worker: Option<&mut Worker>) -> Result<Made, Error> {
        self.check_outside()?;
        let started = Instant::now();
        if make.prepares() {
            if self.has(key)? {
                return self.done_before(key, worker.as_deref());
            }
            let _permit = Permit::new(self);
            make.prepare(key)?;
        }
        let connection = self.schema().connection();
        // Where a transaction locks the whole database, others may be long at it.
        patiently(true, || connection.start_transaction())?;
        let made = self.make_in_transaction(key, make, worker.as_deref(), started);
        match made {
            Ok(Made::Now) => connection.commit_transaction().map(|()| Made::Now),
            other => {
                let undone = connection.cancel_transaction();
                match (other, undone) {
                    (Ok(Made::Before), Ok(())) => self.done_before(key, worker.as_deref()),
                    (other, Ok(())) => other,
                    (Ok(_), Err(undo)) => Err(undo),
                    (Err(source), Err(undo)) => {
                        Err(Error::Undo { source: Box::new(source), undo: undo.to_string() })
                    }
                }
            }
        }
    }

    fn make_in_transaction(
        &self,
        key: &Row,
        make: &mut dyn Make,
        worker: Option<&Worker>,
        started: Instant,
    ) -> Result<Made, Error> {
        if self.has(key)? {
            return Ok(Made::Before);
        }
        {
            let _permit = Permit::new(self);
            make.make(key)?;
        }
        let duration = started.elapsed();
        metadata::write(self, key, duration)?;
        match worker {
            Some(worker) if !worker.complete(key, duration)? => {
                tracing::warn!(table = %self.id(), %key, "another worker has taken over the job; its rows are not kept");
                Ok(Made::Elsewhere)
            }
            _ => Ok(Made::Now),
        }
    }

    /// Whether the table has rows of a key: one statement for all keys, so that the server prepares it once.
    fn has(&self, key: &Row) -> Result<bool, Error> {
        let mut guard = self.schema().connection().lock()?;
        let adapter = guard.adapter();
        let mut conditions = Vec::new();
        let mut parameters = Vec::new();
        for (name, value) in key.iter() {
            if let Some(attribute) = self.heading().get(name) {
                conditions.push(format!("{} = ?", adapter.quote(name)));
                parameters.push((value.clone(), attribute.column.clone()));
            }
        }
        let condition = if conditions.is_empty() { "1=1".to_owned() } else { conditions.join(" AND ") };
        let sql = format!("SELECT 1 FROM {} WHERE {condition} LIMIT 1", adapter.quote_table(self.id()));
        let one = [("one".to_owned(), ColumnType::Native("bigint".into()))];
        let mut found = false;
        guard
            .adapter_mut()
            .query(&sql, &parameters, &one, &mut |_| {
                found = true;
                ControlFlow::Continue(())
            })
            .map_err(Error::db(self.id()))?;
        Ok(found)
    }

    fn done_before(&self, key: &Row, worker: Option<&Worker>) -> Result<Made, Error> {
        if let Some(worker) = worker {
            worker.complete(key, Duration::ZERO)?;
        }
        Ok(Made::Before)
    }
}
