//! How the rows of one key are made: a function, or three parts.

use std::error::Error as _;
use std::fmt;

use crate::error::Error;
use crate::row::Row;

/// Makes the rows of one key of a table. A function of the key is one.
pub trait Make {
    /// Whether there is something to do before the transaction.
    fn prepares(&self) -> bool {
        false
    }

    /// What can be done before the transaction: the long part of the work.
    ///
    /// # Errors
    /// Any; the key then fails.
    fn prepare(&mut self, _key: &Row) -> Result<(), Error> {
        Ok(())
    }

    /// Inserts the rows, in the transaction of the key.
    ///
    /// # Errors
    /// Any; the key then fails, and nothing of it is kept.
    fn make(&mut self, key: &Row) -> Result<(), Error>;

    /// What is written down of a failure.
    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error)
    }
}

impl<F: FnMut(&Row) -> Result<(), Error>> Make for F {
    fn make(&mut self, key: &Row) -> Result<(), Error> {
        self(key)
    }
}

/// What is written down of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One line for people.
    pub message: String,
    /// Where it came from.
    pub stack: String,
}

impl Failure {
    /// An error's message, and the messages of its causes.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let mut stack = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            stack.push_str(&format!("\ncaused by: {inner}"));
            cause = inner.source();
        }
        Self { message: error.to_string(), stack }
    }
}

/// A computation in three parts. Fetch and compute run before the transaction; in the transaction the fetch is repeated, and only
/// if it gives the same are the results inserted. So a long computation holds no transaction open, and still no result is kept
/// that was computed from what has changed meanwhile.
pub trait MakeInParts {
    /// What is read from the database.
    type Fetched;
    /// What is computed from it.
    type Computed;

    /// Reads what the computation needs.
    ///
    /// # Errors
    /// Any; the key then fails.
    fn fetch(&mut self, key: &Row) -> Result<Self::Fetched, Error>;

    /// A text that is the same for equal inputs, and another for others.
    ///
    /// # Errors
    /// Any; the key then fails.
    fn fingerprint(&self, fetched: &Self::Fetched) -> Result<String, Error>;

    /// Computes, without the database.
    ///
    /// # Errors
    /// Any; the key then fails.
    fn compute(&mut self, key: &Row, fetched: Self::Fetched) -> Result<Self::Computed, Error>;

    /// Inserts the results.
    ///
    /// # Errors
    /// Any; the key then fails, and nothing of it is kept.
    fn insert(&mut self, key: &Row, computed: Self::Computed) -> Result<(), Error>;

    /// What is written down of a failure.
    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error)
    }
}

/// Lets a computation in three parts stand where any [`Make`] does.
pub struct InParts<P: MakeInParts> {
    parts: P,
    /// Of the key at work: the fingerprint of what was fetched, and the results.
    ready: Option<(String, P::Computed)>,
}

impl<P: MakeInParts> InParts<P> {
    /// Wraps the parts.
    pub const fn new(parts: P) -> Self {
        Self { parts, ready: None }
    }
}

impl<P: MakeInParts> fmt::Debug for InParts<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InParts")
    }
}

impl<P: MakeInParts> Make for InParts<P> {
    fn prepares(&self) -> bool {
        true
    }

    fn prepare(&mut self, key: &Row) -> Result<(), Error> {
        self.ready = None;
        let fetched = self.parts.fetch(key)?;
        let fingerprint = self.parts.fingerprint(&fetched)?;
        self.ready = Some((fingerprint, self.parts.compute(key, fetched)?));
        Ok(())
    }

    fn make(&mut self, key: &Row) -> Result<(), Error> {
        if self.ready.is_none() {
            self.prepare(key)?;
        }
        let Some((before, computed)) = self.ready.take() else {
            return Err(Error::usage("nothing was computed for this key"));
        };
        let now = self.parts.fetch(key)?;
        if self.parts.fingerprint(&now)? != before {
            return Err(Error::usage("Referential integrity failed! The `make_fetch` data has changed"));
        }
        self.parts.insert(key, computed)
    }

    fn failure(&self, error: &Error) -> Failure {
        self.parts.failure(error)
    }
}
