//! The loop over the keys of a table.

use crate::compute::make::Make;
use crate::compute::one::Made;
use crate::error::Error;
use crate::jobs::RefreshOptions;
use crate::query::{Condition, ProjectItem, Query};
use crate::row::Row;
use crate::table::Table;

/// What a populate does.
///
/// ```
/// # use lapjoint::{Connection, PopulateOptions, Row, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let number = lab.manual("Number", "n : int32")?;
/// let square = lab.computed("Square", "-> Number\n---\nsquare : int32")?;
/// number.insert((1..=4).map(|n| row! { "n" => n }))?;
/// let options = PopulateOptions::new().restrict("n > 1").max_calls(2);
/// let done = square.populate(&options, |key: &Row| {
///     let n: i64 = key.get("n")?;
///     square.insert1(key.clone().with("square", n * n))
/// })?;
/// assert_eq!((done.made, square.query().column::<i64>("square")?), (2, vec![4, 9]));
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct PopulateOptions {
    pub(super) source: Option<Query>,
    pub(super) restrictions: Vec<Condition>,
    pub(super) order: Vec<String>,
    pub(super) limit: Option<u64>,
    pub(super) max_calls: Option<u64>,
    pub(super) suppress_errors: bool,
    pub(super) reserve_jobs: bool,
    pub(super) refresh: Option<bool>,
    pub(super) priority: Option<i64>,
}

impl PopulateOptions {
    /// All keys that are to do; the first error ends it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the keys from this query instead of the table's [key source](Table::key_source).
    #[must_use]
    pub fn key_source(mut self, source: Query) -> Self {
        self.source = Some(source);
        self
    }

    /// Only keys for which a condition holds; each call adds one.
    #[must_use]
    pub fn restrict(mut self, condition: impl Into<Condition>) -> Self {
        self.restrictions.push(condition.into());
        self
    }

    /// Takes the keys in an order, by terms such as `KEY DESC`.
    #[must_use]
    pub fn order_by<S: Into<String>>(mut self, order: impl IntoIterator<Item = S>) -> Self {
        self.order = order.into_iter().map(Into::into).collect();
        self
    }

    /// Looks at so many keys at most.
    #[must_use]
    pub const fn limit(mut self, keys: u64) -> Self {
        self.limit = Some(keys);
        self
    }

    /// Makes so many keys at most.
    #[must_use]
    pub const fn max_calls(mut self, calls: u64) -> Self {
        self.max_calls = Some(calls);
        self
    }

    /// Goes on after errors, which the report then has.
    #[must_use]
    pub const fn suppress_errors(mut self) -> Self {
        self.suppress_errors = true;
        self
    }

    /// Shares the keys with other workers through the table's [jobs](Table::jobs); order and limit are then the jobs'.
    #[must_use]
    pub const fn reserve_jobs(mut self) -> Self {
        self.reserve_jobs = true;
        self
    }

    /// Whether the jobs are refreshed first, by default the setting `jobs.auto_refresh`.
    #[must_use]
    pub const fn refresh(mut self, refresh: bool) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// Only jobs of this priority number or a lower one, which are more urgent.
    #[must_use]
    pub const fn priority(mut self, priority: i64) -> Self {
        self.priority = Some(priority);
        self
    }
}

/// What a populate has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PopulateReport {
    /// Keys whose rows were made.
    pub made: u64,
    /// Keys that failed, and why.
    pub errors: Vec<(Row, Error)>,
}

impl Table {
    /// Makes the rows of all keys that have none, each key in a transaction of its own. `make` inserts the rows of a key; it is a
    /// function of the key, or a [`Make`].
    ///
    /// # Errors
    /// The first error of a key, unless errors are suppressed; keys that were made before it stay.
    pub fn populate(&self, options: &PopulateOptions, mut make: impl Make) -> Result<PopulateReport, Error> {
        self.check_populated()?;
        if self.schema().connection().in_transaction()? {
            return Err(Error::usage("Populate cannot be called during a transaction."));
        }
        let source = match &options.source {
            Some(source) => source.clone(),
            None => self.key_source()?,
        };
        if options.reserve_jobs {
            return self.populate_jobs(options, source, &mut make);
        }
        let limit = match (options.limit, options.max_calls) {
            (Some(limit), Some(calls)) => Some(limit.min(calls)),
            (limit, calls) => limit.or(calls),
        };
        let mut to_do = self.keys_to_do(&source, &options.restrictions)?;
        if limit.is_some() || !options.order.is_empty() {
            to_do = to_do.top(limit, 0, options.order.clone());
        }
        let mut report = PopulateReport::default();
        for key in to_do.proj(Vec::<ProjectItem>::new()).fetch()? {
            let made = self.make_one(&key, &mut make);
            report.add(key, made, options)?;
        }
        Ok(report)
    }

    fn populate_jobs(
        &self,
        options: &PopulateOptions,
        source: Query,
        make: &mut dyn Make,
    ) -> Result<PopulateReport, Error> {
        let jobs = self.jobs()?;
        // What the jobs do not have may be in a condition: it chooses among the keys.
        let wanted = self.wanted_keys(&source, &options.restrictions)?;
        let wanted = (!options.restrictions.is_empty()).then_some(wanted);
        let connection = self.schema().connection();
        let configured = || connection.stores().read(|config| config.flag("jobs.auto_refresh"));
        if options.refresh.unwrap_or_else(configured) {
            // Due a second ago, whatever fractions of a second the database keeps.
            let mut refresh = RefreshOptions::new().key_source(source).delay_seconds(-1.0);
            refresh.restrictions.clone_from(&options.restrictions);
            jobs.refresh(&refresh)?;
        }
        let mut worker = jobs.worker()?;
        let mut report = PopulateReport::default();
        let mut calls = 0;
        while options.max_calls.or(options.limit).is_none_or(|most| calls < most) {
            let Some(key) = worker.next(wanted.as_ref(), options.priority)? else { break };
            let made = self.make_job(&mut worker, &key, make);
            calls += u64::from(!matches!(made, Ok(Made::Elsewhere)));
            report.add(key, made, options)?;
        }
        Ok(report)
    }
}

impl PopulateReport {
    fn add(&mut self, key: Row, made: Result<Made, Error>, options: &PopulateOptions) -> Result<(), Error> {
        match made {
            Ok(Made::Now) => self.made += 1,
            Ok(_) => {}
            Err(error) if options.suppress_errors => self.errors.push((key, error)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
