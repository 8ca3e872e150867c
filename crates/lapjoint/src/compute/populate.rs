//! The loop over the keys of a table.

use crate::compute::make::Make;
use crate::compute::one::Made;
use crate::error::Error;
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
            match self.make_one(&key, &mut make) {
                Ok(Made::Now) => report.made += 1,
                Ok(_) => {}
                Err(error) if options.suppress_errors => report.errors.push((key, error)),
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }
}
