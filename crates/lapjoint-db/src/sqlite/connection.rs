//! The connection itself: opening, transactions, and what happens to it in a forked process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::adapter::TransactionMode;
use crate::error::DbError;
use crate::sqlite::errors::{self, Place};
use crate::sqlite::{Location, SqliteOptions, attach, collation, foreign};

/// Statements kept prepared.
const CACHED_STATEMENTS: usize = 128;

/// How long one attempt waits for the write lock where several files have to be locked.
const LOCK_ATTEMPT: Duration = Duration::from_millis(40);

/// A connection and the schemas attached to it.
pub(crate) struct Link {
    location: Location,
    busy_timeout: Duration,
    /// `None` only while it is dropped.
    connection: Option<Connection>,
    process: u32,
    transaction: bool,
    /// Open schemas in the order of their attachment.
    pub schemas: Vec<String>,
    /// Version of each schema's catalogue for which the triggers of references between schemas were made.
    pub versions: BTreeMap<String, i64>,
}

impl Link {
    pub fn open(options: &SqliteOptions) -> Result<Self, DbError> {
        let location = match &options.location {
            Location::Memory => Location::Memory,
            // Absolute, so that a change of the working folder changes nothing.
            Location::Directory(directory) => Location::Directory(
                std::path::absolute(directory)
                    .map_err(|source| DbError::Io { path: directory.display().to_string(), source })?,
            ),
        };
        Ok(Self {
            connection: Some(connect(options.busy_timeout)?),
            location,
            busy_timeout: options.busy_timeout,
            process: std::process::id(),
            transaction: false,
            schemas: Vec::new(),
            versions: BTreeMap::new(),
        })
    }

    pub const fn location(&self) -> &Location {
        &self.location
    }

    pub fn raw(&self) -> Result<&Connection, DbError> {
        self.connection.as_ref().ok_or(DbError::Transaction("the connection is closed"))
    }

    /// Closes the connection for good.
    pub fn close(&mut self) {
        let connection = self.connection.take();
        if self.process != std::process::id() {
            // See `live`: closing it in a forked process would release the parent's locks.
            std::mem::forget(connection);
        }
        self.transaction = false;
    }

    /// Makes the connection usable in this process. SQLite forbids the use of a connection across a fork.
    pub fn live(&mut self) -> Result<(), DbError> {
        if self.process == std::process::id() {
            return Ok(());
        }
        if self.connection.is_none() {
            return Err(DbError::Transaction("the connection is closed"));
        }
        if self.transaction {
            return Err(DbError::Transaction(
                "a transaction that was open when the process forked belongs to the parent process; roll it back here \
                 before the connection is used",
            ));
        }
        if self.location == Location::Memory {
            return Err(DbError::Transaction(
                "a database in memory belongs to the process that opened it, and this process was forked from it; open \
                 a connection of its own, or keep the database in a folder",
            ));
        }
        let fresh = connect(self.busy_timeout)?;
        // Closing the parent's connection here would release the parent's locks.
        std::mem::forget(self.connection.replace(fresh));
        self.process = std::process::id();
        self.versions.clear();
        for schema in std::mem::take(&mut self.schemas) {
            attach::open_schema(self, &schema, false)?;
        }
        Ok(())
    }

    pub fn is_open(&self, schema: &str) -> bool {
        self.schemas.iter().any(|open| open == schema)
    }

    pub fn require_schema(&self, schema: &str) -> Result<(), DbError> {
        if self.is_open(schema) { Ok(()) } else { Err(DbError::MissingSchema(schema.to_owned())) }
    }

    /// Runs SQL that has no parameters and no result.
    pub fn run(&self, sql: &str) -> Result<(), DbError> {
        self.raw()?.execute_batch(sql).map_err(|error| errors::map(error, &Place::sql(sql)))
    }

    pub fn in_transaction(&self) -> bool {
        if self.process != std::process::id() {
            return self.transaction;
        }
        // Some errors, a full disk for one, make SQLite end a transaction by itself.
        self.transaction && self.connection.as_ref().is_some_and(|connection| !connection.is_autocommit())
    }

    pub fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
        if self.in_transaction() {
            return Err(DbError::Transaction("a transaction is already open; transactions do not nest"));
        }
        match mode {
            TransactionMode::Read => {
                self.run("BEGIN")?;
                if let Err(error) = self.start_snapshot() {
                    self.run("ROLLBACK")?;
                    return Err(error);
                }
            }
            TransactionMode::Write | TransactionMode::User => self.begin_write()?,
        }
        self.transaction = true;
        Ok(())
    }

    /// Fixes what a read transaction sees of every file now, and not with the first read of each.
    fn start_snapshot(&self) -> Result<(), DbError> {
        self.schemas.iter().try_for_each(|schema| foreign::schema_version(self.raw()?, schema).map(drop))
    }

    fn begin_write(&mut self) -> Result<(), DbError> {
        loop {
            foreign::update(self)?;
            self.lock()?;
            // Between the look at the catalogues and the lock another connection may have changed one.
            match foreign::is_current(self) {
                Ok(true) => return Ok(()),
                Ok(false) => self.run("ROLLBACK")?,
                Err(error) => {
                    self.run("ROLLBACK")?;
                    return Err(error);
                }
            }
        }
    }

    /// Takes the write locks of all open schemas.
    fn lock(&self) -> Result<(), DbError> {
        if self.schemas.len() < 2 {
            return self.run("BEGIN IMMEDIATE");
        }
        // Two connections that attached the same files in different orders would wait for one another. An attempt
        // that does not get all locks in a short while gives back those it has; the waits differ, so that one wins.
        let deadline = Instant::now() + self.busy_timeout;
        let mut attempt = 0_u32;
        loop {
            let spread = std::process::id().wrapping_add(attempt.wrapping_mul(7)) % 23;
            let left = deadline.saturating_duration_since(Instant::now());
            self.set_timeout((LOCK_ATTEMPT + Duration::from_millis(spread.into())).min(left))?;
            let begun = self.run("BEGIN IMMEDIATE");
            self.set_timeout(self.busy_timeout)?;
            match begun {
                Err(DbError::Busy(_)) if Instant::now() < deadline => attempt = attempt.wrapping_add(1),
                other => return other,
            }
            std::thread::sleep(Duration::from_millis(u64::from(spread % 5)));
        }
    }

    fn set_timeout(&self, timeout: Duration) -> Result<(), DbError> {
        self.raw()?.busy_timeout(timeout).map_err(|error| errors::map(error, &Place::sql("")))
    }

    pub fn busy_deadline(&self) -> Instant {
        Instant::now() + self.busy_timeout
    }

    pub fn commit(&mut self) -> Result<(), DbError> {
        if !self.in_transaction() {
            let was_open = std::mem::take(&mut self.transaction);
            return Err(DbError::Transaction(if was_open {
                "the transaction was rolled back by the database after an error"
            } else {
                "no transaction is open"
            }));
        }
        let committed = self.run("COMMIT");
        self.transaction = false;
        if committed.is_err() && !self.raw()?.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        committed
    }

    pub fn rollback(&mut self) -> Result<(), DbError> {
        if !std::mem::take(&mut self.transaction) {
            return Err(DbError::Transaction("no transaction is open"));
        }
        // In a forked process the transaction is the parent's, and stays as it is.
        if self.process != std::process::id() || self.raw()?.is_autocommit() {
            return Ok(());
        }
        self.run("ROLLBACK")
    }

    /// Runs `work` all or nothing: in a savepoint of the open transaction, or in a transaction of its own.
    pub fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, DbError>) -> Result<T, DbError> {
        if !self.in_transaction() {
            self.begin(TransactionMode::Write)?;
            return match work(self) {
                Ok(value) => self.commit().map(|()| value),
                Err(error) => {
                    self.rollback()?;
                    Err(error)
                }
            };
        }
        self.run("SAVEPOINT lapjoint_step")?;
        match work(self) {
            Ok(value) => self.run("RELEASE lapjoint_step").map(|()| value),
            Err(error) => {
                // A transaction that SQLite has ended by itself has no savepoint any more.
                if self.in_transaction() {
                    self.run("ROLLBACK TO lapjoint_step; RELEASE lapjoint_step")?;
                }
                Err(error)
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // See `live`: closing it in a forked process would release the parent's locks.
            std::mem::forget(self.connection.take());
        }
    }
}

fn connect(busy_timeout: Duration) -> Result<Connection, DbError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let start = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_in_memory_with_flags(flags)?;
        connection.busy_timeout(busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        connection.create_collation(collation::NAME, collation::compare)?;
        // An index over a misspelt name would be an index over a text. In queries double quotes stay what they are to
        // MySQL and to SQLite: a text, where there is no such column.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // Foreign programs' triggers and views in a file must not reach what they should not.
        connection.execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY",
        )?;
        Ok(connection)
    };
    start().map_err(|error| errors::map(error, &Place::sql("")))
}
