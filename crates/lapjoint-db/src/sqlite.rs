//! SQLite, the embedded default.

/// A connection to SQLite.
#[derive(Debug)]
pub struct SqliteAdapter {}
