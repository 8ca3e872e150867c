//! What becomes of one job, said by whoever is at it.

use lapjoint_format::blob;
use lapjoint_types::Value;

use crate::error::Error;
use crate::jobs::Jobs;
use crate::jobs::row::{Sql, To};
use crate::jobs::worker::Identity;
use crate::row::Row;

/// Longest message that a job keeps, in characters.
pub(super) const MESSAGE_CHARS: usize = 2047;

/// End of a message that was cut.
const TRUNCATED: &str = "...truncated";

impl Jobs {
    /// Takes a job that is pending and due; whether this call has got it. Whoever takes a job by hand keeps it until it says
    /// otherwise: only jobs of a [`Worker`](crate::Worker) are given back when it dies.
    ///
    /// # Errors
    /// [`Error`] when `key` is not a whole key, or the database cannot be written.
    pub fn reserve(&self, key: &Row) -> Result<bool, Error> {
        let identity = Identity::find(self.connection())?;
        let connection_id = identity.connection_id;
        self.reserve_as(key, &identity, connection_id)
    }

    pub(super) fn reserve_as(&self, key: &Row, identity: &Identity, holder: i64) -> Result<bool, Error> {
        let key = self.key_of(key)?;
        let set = vec![
            ("status", "reserved".into()),
            ("reserved_time", To::Now),
            ("user", identity.user.as_str().into()),
            ("host", identity.host.as_str().into()),
            ("pid", i64::from(std::process::id()).into()),
            ("connection_id", holder.into()),
            ("version", identity.version.as_str().into()),
        ];
        let sql = self.of_key(self.update_sql(set)?, &key)?;
        let mut sql = self.and_equal(sql, "status", "pending")?;
        {
            let guard = self.connection().lock()?;
            let due = guard.adapter().quote("scheduled_time");
            sql.text.push_str(&format!(" AND {due} <= {}", guard.adapter().clock_sql(0.0)));
        }
        Ok(self.run(&sql)? == 1)
    }

    /// Says that a job is done: it is removed, or kept with the setting `jobs.keep_completed`.
    ///
    /// # Errors
    /// [`Error`] when there is no such job to be kept, or the database cannot be written.
    pub fn complete(&self, key: &Row, duration: Option<f64>) -> Result<(), Error> {
        let key = self.key_of(key)?;
        let changed = self.run(&self.of_key(self.done_sql(duration)?, &key)?)?;
        if changed == 0 && self.keeps_completed() { Err(self.no_job(&key)) } else { Ok(()) }
    }

    /// The statement, without a condition, that says of a job that it is done.
    pub(super) fn done_sql(&self, duration: Option<f64>) -> Result<Sql, Error> {
        if !self.keeps_completed() {
            return self.delete_sql();
        }
        let duration = duration.map_or(Value::Null, Value::from);
        self.update_sql(vec![
            ("status", "success".into()),
            ("completed_time", To::Now),
            ("duration", To::Value(duration)),
        ])
    }

    /// Says that a job has failed. A long message is cut.
    ///
    /// # Errors
    /// [`Error`] when there is no such job, or the database cannot be written.
    pub fn error(&self, key: &Row, message: &str, stack: &str) -> Result<(), Error> {
        let key = self.key_of(key)?;
        match self.run(&self.of_key(self.error_sql(message, stack)?, &key)?)? {
            0 => Err(self.no_job(&key)),
            _ => Ok(()),
        }
    }

    /// The statement, without a condition, that says of a job that it has failed.
    pub(super) fn error_sql(&self, message: &str, stack: &str) -> Result<Sql, Error> {
        let stack = if stack.is_empty() {
            Value::Null
        } else {
            let packed = blob::pack(&Value::from(stack));
            Value::Bytes(packed.map_err(|error| Error::usage(error.to_string()))?)
        };
        self.update_sql(vec![
            ("status", "error".into()),
            ("completed_time", To::Now),
            ("error_message", cut(message).into()),
            ("error_stack", To::Value(stack)),
        ])
    }

    /// Says that a key is not to be made.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be written.
    pub fn ignore(&self, key: &Row) -> Result<(), Error> {
        let key = self.key_of(key)?;
        let ignored = self.of_key(self.update_sql(vec![("status", "ignore".into())])?, &key)?;
        // A row that says so already counts as changed or not, as the database sees it.
        if self.run(&ignored)? == 0 {
            self.insert(&[key], "ignore", self.default_priority(), 0.0)?;
        }
        Ok(())
    }

    fn no_job(&self, key: &Row) -> Error {
        Error::usage(format!(
            "Update can only be applied to one existing entry: {} has no job {key}.",
            self.target.id()
        ))
    }
}

/// A message of at most the length that a job keeps.
fn cut(message: &str) -> String {
    if message.chars().count() <= MESSAGE_CHARS {
        return message.to_owned();
    }
    let kept = message.chars().take(MESSAGE_CHARS - TRUNCATED.len());
    kept.chain(TRUNCATED.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut() {
        let long = cut(&"é".repeat(3000));
        assert_eq!(long.chars().count(), MESSAGE_CHARS);
        assert!(long.ends_with("é...truncated"));
        assert_eq!(cut(&"x".repeat(MESSAGE_CHARS)).len(), MESSAGE_CHARS);
    }
}
