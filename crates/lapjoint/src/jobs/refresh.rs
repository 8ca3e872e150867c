//! Bringing the jobs up to date with what is to be done.

use std::ops::ControlFlow;

use lapjoint_db::{Adapter, ColumnType, InsertMode};
use lapjoint_types::{CoreType, Value};

use crate::error::Error;
use crate::jobs::Jobs;
use crate::jobs::row::{To, patiently};
use crate::query::select::Select;
use crate::query::{Condition, Query};
use crate::row::Row;

/// What a refresh does.
#[derive(Debug, Clone, Default)]
pub struct RefreshOptions {
    pub(super) source: Option<Query>,
    pub(crate) restrictions: Vec<Condition>,
    delay_seconds: f64,
    priority: Option<i64>,
    stale_seconds: Option<f64>,
    orphan_seconds: Option<f64>,
}

impl RefreshOptions {
    /// All keys, due at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the keys from this query instead of the table's [key source](crate::Table::key_source).
    #[must_use]
    pub fn key_source(mut self, source: Query) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds only keys for which a condition holds; each call adds one.
    #[must_use]
    pub fn restrict(mut self, condition: impl Into<Condition>) -> Self {
        self.restrictions.push(condition.into());
        self
    }

    /// New jobs are due so many seconds from now.
    #[must_use]
    pub const fn delay_seconds(mut self, seconds: f64) -> Self {
        self.delay_seconds = seconds;
        self
    }

    /// Priority of new jobs, by default the setting `jobs.default_priority`; the lowest number goes first.
    #[must_use]
    pub const fn priority(mut self, priority: i64) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Removes jobs whose keys are no longer to be made once they are older than this, by default the setting
    /// `jobs.stale_timeout`. With 0 they stay.
    #[must_use]
    pub const fn stale_seconds(mut self, seconds: f64) -> Self {
        self.stale_seconds = Some(seconds);
        self
    }

    /// Gives back jobs that were reserved longer ago than this, whoever has them. Jobs of workers that renew their leases are
    /// given back without it when these die.
    #[must_use]
    pub const fn orphan_seconds(mut self, seconds: f64) -> Self {
        self.orphan_seconds = Some(seconds);
        self
    }
}

/// What a refresh has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// New jobs.
    pub added: u64,
    /// Jobs removed, since their keys are gone.
    pub removed: u64,
    /// Jobs given back, since who had them is taken for dead.
    pub orphaned: u64,
    /// Jobs that were done and are to be done again.
    pub re_pended: u64,
}

impl Jobs {
    /// Adds jobs for keys that are to be made, removes those of keys that are gone, and gives back those of dead workers.
    ///
    /// # Errors
    /// [`Error`] when the table cannot be made for these keys, or the database cannot be written.
    pub fn refresh(&self, options: &RefreshOptions) -> Result<Refreshed, Error> {
        let source = match &options.source {
            Some(source) => source.clone(),
            None => self.target.key_source()?,
        };
        let to_do = self.target.keys_to_do(&source, &options.restrictions)?;
        let priority = options.priority.unwrap_or_else(|| self.default_priority());
        // First, so that what is given back is not taken for missing.
        let mut orphaned = self.expire()?;
        if let Some(seconds) = options.orphan_seconds {
            orphaned += self.give_back(seconds, false)?;
        }
        let re_pended = if self.keeps_completed() { self.repeat(&to_do, options.delay_seconds)? } else { 0 };
        let removed = self.remove_gone(&source, options.stale_seconds)?;
        let new = self.keys_without_job(&to_do)?;
        let added = self.insert(&new, "pending", priority, options.delay_seconds)?;
        Ok(Refreshed { added, removed, orphaned, re_pended })
    }

    /// Gives back the jobs of workers that have not renewed their leases.
    pub(super) fn expire(&self) -> Result<u64, Error> {
        self.give_back(self.lease().as_secs_f64(), true)
    }

    /// Makes jobs pending that were reserved, or last renewed, longer ago than this. Holders of leases have negative numbers.
    fn give_back(&self, seconds: f64, only_leases: bool) -> Result<u64, Error> {
        let mut sql = self.update_sql(pending_again(0.0))?;
        {
            let guard = self.connection().lock()?;
            let adapter = guard.adapter();
            sql.text.push_str(&format!(
                " WHERE {} = 'reserved' AND {} < {}",
                adapter.quote("status"),
                adapter.quote("reserved_time"),
                adapter.clock_sql(-seconds)
            ));
            if only_leases {
                sql.text.push_str(&format!(" AND {} < 0", adapter.quote("connection_id")));
            }
        }
        self.run(&sql)
    }

    /// Jobs that are done, but whose rows are not there, become pending.
    fn repeat(&self, to_do: &Query, delay_seconds: f64) -> Result<u64, Error> {
        let mut sql = self.update_sql(pending_again(delay_seconds))?;
        {
            let guard = self.connection().lock()?;
            let status = guard.adapter().quote("status");
            let wanted = self.among(guard.adapter(), to_do)?;
            sql.text.push_str(&format!(" WHERE {status} = 'success' AND {wanted}"));
        }
        self.run(&sql)
    }

    /// Removes records of what was done or failed whose key is neither to be made nor made, and old jobs whose key is not to be
    /// made.
    fn remove_gone(&self, source: &Query, stale_seconds: Option<f64>) -> Result<u64, Error> {
        let configured = || self.connection().stores().read(|config| config.integer("jobs.stale_timeout"));
        #[expect(clippy::cast_precision_loss, reason = "a span of so many seconds is nobody's")]
        let stale = stale_seconds.unwrap_or_else(|| configured().unwrap_or(3600) as f64);
        let mut sql = self.delete_sql()?;
        {
            let guard = self.connection().lock()?;
            let adapter = guard.adapter();
            let status = adapter.quote("status");
            let no_source = format!("NOT {}", self.among(adapter, source)?);
            let no_target = format!("NOT {}", self.among(adapter, &self.target.query())?);
            sql.text.push_str(&format!(
                " WHERE {no_source} AND (({status} IN ('success', 'error') AND {no_target})"
            ));
            if stale > 0.0 {
                let created = adapter.quote("created_time");
                let limit = adapter.clock_sql(-stale);
                sql.text.push_str(&format!(" OR ({status} <> 'ignore' AND {created} < {limit})"));
            }
            sql.text.push(')');
        }
        self.run(&sql)
    }

    /// SQL of the condition that a job's key is one of a query's.
    fn among(&self, adapter: &dyn Adapter, query: &Query) -> Result<String, Error> {
        let names = &self.bound.def.primary_key;
        let keys = Select::compile(query.expression(), adapter)?.sql(adapter, names)?;
        let quoted: Vec<String> = names.iter().map(|name| adapter.quote(name)).collect();
        Ok(match quoted.as_slice() {
            [name] => format!("({name} IN ({keys}))"),
            names => format!("(({}) IN ({keys}))", names.join(", ")),
        })
    }

    /// Keys of a query that have no job.
    fn keys_without_job(&self, to_do: &Query) -> Result<Vec<Row>, Error> {
        let names = &self.bound.def.primary_key;
        let mut guard = self.connection().lock()?;
        let adapter = guard.adapter();
        let keys = Select::compile(to_do.expression(), adapter)?.sql(adapter, names)?;
        let (found, job) = (adapter.quote("found"), adapter.quote("job"));
        let list: Vec<String> = names.iter().map(|name| format!("{found}.{}", adapter.quote(name))).collect();
        let same: Vec<String> =
            names.iter().map(|name| format!("{job}.{0} = {found}.{0}", adapter.quote(name))).collect();
        let sql = format!(
            "SELECT DISTINCT {} FROM ({keys}) AS {found} WHERE NOT EXISTS (SELECT 1 FROM {} AS {job} WHERE {})",
            list.join(", "),
            adapter.quote_table(&self.bound.def.id),
            same.join(" AND ")
        );
        let columns: Vec<(String, ColumnType)> = names
            .iter()
            .filter_map(|name| self.bound.heading.get(name))
            .map(|attribute| (attribute.name.clone(), attribute.column.clone()))
            .collect();
        let shared = std::sync::Arc::new(names.clone());
        let mut rows = Vec::new();
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |values| {
                rows.push(Row::from_parts(std::sync::Arc::clone(&shared), values));
                ControlFlow::Continue(())
            })
            .map_err(Error::db(&self.bound.def.id))?;
        Ok(rows)
    }

    /// Adds jobs; those that are there stay. Times are the database's.
    pub(super) fn insert(
        &self,
        keys: &[Row],
        status: &str,
        priority: i64,
        delay_seconds: f64,
    ) -> Result<u64, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        let def = &self.bound.def;
        let times = self.times(delay_seconds)?;
        let mut columns = def.primary_key.clone();
        columns.extend(["status", "priority", "created_time", "scheduled_time"].map(str::to_owned));
        let is_repeatable = !self.connection().in_transaction()?;
        patiently(is_repeatable, || {
            let mut rows = keys.iter().map(|key| {
                let mut values = key.values().to_vec();
                values.extend([Value::from(status), Value::from(priority)]);
                values.extend(times.iter().cloned());
                values
            });
            let mut guard = self.connection().lock()?;
            guard
                .adapter_mut()
                .insert(def, &columns, &mut rows, InsertMode::SkipDuplicates)
                .map_err(Error::db(&def.id))
        })
    }

    /// The database's time, and that time later.
    fn times(&self, delay_seconds: f64) -> Result<Vec<Value>, Error> {
        let mut guard = self.connection().lock()?;
        let adapter = guard.adapter_mut();
        let sql = format!("SELECT {}, {}", adapter.clock_sql(0.0), adapter.clock_sql(delay_seconds));
        let time = |name: &str| (name.to_owned(), ColumnType::Core(CoreType::DateTime(Some(3))));
        let mut times = Vec::new();
        adapter.query(&sql, &[], &[time("now"), time("later")], &mut |row| {
            times = row;
            ControlFlow::Break(())
        })?;
        Ok(times)
    }
}

/// What a job is when it begins anew.
fn pending_again(delay_seconds: f64) -> Vec<(&'static str, To)> {
    vec![
        ("status", "pending".into()),
        ("created_time", To::Now),
        ("scheduled_time", To::Later(delay_seconds)),
        ("reserved_time", To::Value(Value::Null)),
        ("completed_time", To::Value(Value::Null)),
        ("duration", To::Value(Value::Null)),
        ("error_message", "".into()),
        ("error_stack", To::Value(Value::Null)),
        ("user", "".into()),
        ("host", "".into()),
        ("pid", 0_i64.into()),
        ("connection_id", 0_i64.into()),
        ("version", "".into()),
    ]
}
