//! The connection itself: transactions, what happens when it is lost, and what happens to it in a forked process.

use mysql::prelude::Queryable;
use mysql::{Conn, Error};

use crate::adapter::TransactionMode;
use crate::error::DbError;
use crate::mysql::connect::{self, Server};
use crate::mysql::errors::{self, Place};
use crate::mysql::query::run_all;
use crate::mysql::session::{self, Sessions};
use crate::server::ServerOptions;

/// Seconds to wait for the lock of this session's own connection that was lost a moment ago.
const OWN_LOCK_SECONDS: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// The server has undone it, because of an error or with the connection; its user does not know yet.
    Undone,
}

/// A connection, which comes back when it was lost outside of a transaction.
pub(crate) struct Link {
    options: ServerOptions,
    /// `None` while it is lost or closed.
    conn: Option<Conn>,
    server: Server,
    process: u32,
    closed: bool,
    transaction: Transaction,
    sessions: Sessions,
    /// Whether the connection holds its session's lock; that of the intent log has no session.
    has_session: bool,
}

impl Link {
    pub fn open(options: &ServerOptions, has_session: bool) -> Result<Self, DbError> {
        let (conn, server) = connect::connect(options)?;
        let mut link = Self {
            options: options.clone(),
            conn: Some(conn),
            server,
            process: std::process::id(),
            closed: false,
            transaction: Transaction::None,
            sessions: Sessions::default(),
            has_session,
        };
        link.start_session()?;
        Ok(link)
    }

    pub const fn options(&self) -> &ServerOptions {
        &self.options
    }

    pub const fn server(&self) -> &Server {
        &self.server
    }

    pub fn session(&self) -> &str {
        self.sessions.id()
    }

    pub const fn place<'p>(&self, sql: &'p str) -> Place<'p> {
        Place::sql(self.server.product, sql)
    }

    /// Closes the connection for good.
    pub fn close(&mut self) {
        self.end_session();
        self.let_go();
        self.closed = true;
        self.transaction = Transaction::None;
    }

    /// Gives the session's lock back. The server would do so by itself, but only some time after the connection is closed.
    fn end_session(&mut self) {
        let is_own = self.has_session && self.process == std::process::id();
        if let Some(conn) = self.conn.as_mut().filter(|_| is_own)
            && let Some(lock) = session::lock_name(self.sessions.id())
            && connect::set_timeouts(conn, Some(self.options.connect_timeout)).is_ok()
        {
            // Should it fail, the session ends with the connection.
            let _ = run_all(conn, &format!("DO RELEASE_LOCK('{lock}')"));
        }
    }

    /// Lets go of the connection in the way that is right in this process.
    fn let_go(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        if self.process == std::process::id() {
            drop(conn);
        } else {
            connect::leave_to_parent(conn);
        }
    }

    /// Makes the connection usable in this process.
    pub fn live(&mut self) -> Result<(), DbError> {
        if self.closed {
            return Err(DbError::Transaction("the connection is closed"));
        }
        if self.process == std::process::id() {
            return Ok(());
        }
        if self.transaction != Transaction::None {
            return Err(DbError::Transaction(
                "a transaction that was open when the process forked belongs to the parent process; roll it back here \
                 before the connection is used",
            ));
        }
        self.let_go();
        self.process = std::process::id();
        self.connect()
    }

    fn connect(&mut self) -> Result<(), DbError> {
        let (conn, server) = connect::connect(&self.options)?;
        self.conn = Some(conn);
        self.server = server;
        self.start_session()
    }

    /// Takes the lock that tells others that this session is alive.
    fn start_session(&mut self) -> Result<(), DbError> {
        if !self.has_session {
            return Ok(());
        }
        let Some(lock) = session::lock_name(self.sessions.id()) else { return Ok(()) };
        let Some(conn) = self.conn.as_mut() else { return Ok(()) };
        let take = |conn: &mut Conn, seconds: u32| -> Result<bool, Error> {
            let taken: Option<Option<i64>> =
                conn.query_first(format!("SELECT GET_LOCK('{lock}', {seconds})"))?;
            Ok(taken.flatten() == Some(1))
        };
        let taken = take(conn, 0).and_then(|taken| {
            if taken {
                return Ok(true);
            }
            // The server has not noticed yet that the old connection is gone.
            let holder: Option<Option<u64>> = conn.query_first(format!("SELECT IS_USED_LOCK('{lock}')"))?;
            if let Some(holder) = holder.flatten() {
                // It may end by itself in between.
                let _ = run_all(conn, &format!("KILL {holder}"));
            }
            take(conn, OWN_LOCK_SECONDS)
        });
        match taken {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(DbError::Busy("the lock of this session is held by its old connection".to_owned()))
            }
            Err(error) => Err(self.failed(error, &self.place("SELECT GET_LOCK"))),
        }
    }

    /// The connection, opened again if it was lost outside of a transaction.
    pub fn raw(&mut self) -> Result<&mut Conn, DbError> {
        self.live()?;
        if self.conn.is_none() {
            if self.in_transaction() || !self.options.reconnect {
                return Err(errors::lost(self.server.product, "it was lost before"));
            }
            tracing::info!(
                address = self.options.address(connect::PORT),
                "the connection was lost and is opened again"
            );
            self.connect()?;
        }
        self.conn.as_mut().ok_or(DbError::Transaction("the connection is closed"))
    }

    /// The connection, if it is there.
    pub const fn connected(&mut self) -> Option<&mut Conn> {
        self.conn.as_mut()
    }

    /// What an error means, and what it has done to the connection and the transaction.
    pub fn failed(&mut self, error: Error, place: &Place<'_>) -> DbError {
        let was_open = self.transaction == Transaction::Open;
        if errors::is_lost(&error) {
            self.let_go();
        }
        if was_open
            && (self.conn.is_none() || errors::ends_transaction(&error, self.server.rolls_back_on_timeout))
        {
            self.transaction = Transaction::Undone;
        }
        errors::map(error, place)
    }

    /// Runs work on the connection; once more, if the connection was lost, no transaction was open and the work can be
    /// repeated.
    pub fn repeatable<T>(
        &mut self,
        sql: &str,
        mut work: impl FnMut(&mut Conn) -> Result<T, Error>,
    ) -> Result<T, DbError> {
        let may_repeat = self.options.reconnect && !self.in_transaction();
        match work(self.raw()?) {
            Err(error) if may_repeat && errors::is_lost(&error) => {
                let _ = self.failed(error, &Place::sql(self.server.product, sql));
                work(self.raw()?)
            }
            other => other,
        }
        .map_err(|error| self.failed(error, &Place::sql(self.server.product, sql)))
    }

    /// Runs SQL that has no parameters and no result, and that can be repeated.
    pub fn run(&mut self, sql: &str) -> Result<(), DbError> {
        self.repeatable(sql, |conn| run_all(conn, sql))
    }

    /// Whether the connection works, so that what cannot be repeated is not sent to a dead one.
    pub fn wake(&mut self) -> Result<(), DbError> {
        self.repeatable("", Conn::ping)
    }

    pub fn in_transaction(&self) -> bool {
        self.transaction == Transaction::Open
    }

    pub fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
        self.live()?;
        if self.in_transaction() {
            return Err(DbError::Transaction("a transaction is already open; transactions do not nest"));
        }
        self.run(match mode {
            TransactionMode::Read => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            TransactionMode::Write => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION",
            TransactionMode::User => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        })?;
        self.transaction = Transaction::Open;
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), DbError> {
        self.live()?;
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::None => return Err(DbError::Transaction("no transaction is open")),
            Transaction::Undone => {
                return Err(DbError::Transaction(
                    "the transaction was rolled back by the database after an error",
                ));
            }
            Transaction::Open => {}
        }
        let committed = match self.conn.as_mut() {
            Some(conn) => run_all(conn, "COMMIT"),
            None => return Err(errors::lost(self.server.product, "it was lost before the commit")),
        };
        committed.map_err(|error| {
            let error = self.failed(error, &Place::sql(self.server.product, "COMMIT"));
            match error {
                DbError::Lost { product, message, .. } => {
                    DbError::Lost { product, message, outcome_unknown: true }
                }
                other => {
                    if let Some(conn) = self.conn.as_mut()
                        && run_all(conn, "ROLLBACK").is_err()
                    {
                        self.let_go();
                    }
                    other
                }
            }
        })
    }

    pub fn rollback(&mut self) -> Result<(), DbError> {
        let was = std::mem::replace(&mut self.transaction, Transaction::None);
        if was == Transaction::None {
            return Err(DbError::Transaction("no transaction is open"));
        }
        // In a forked process the transaction is the parent's, and stays as it is.
        if was == Transaction::Undone || self.process != std::process::id() {
            return Ok(());
        }
        let Some(conn) = self.conn.as_mut() else { return Ok(()) };
        if let Err(error) = run_all(conn, "ROLLBACK") {
            if errors::is_lost(&error) {
                // The server undoes it by itself.
                self.let_go();
                return Ok(());
            }
            return Err(self.failed(error, &Place::sql(self.server.product, "ROLLBACK")));
        }
        Ok(())
    }

    /// Takes note that a statement has ended the open transaction by itself.
    pub fn transaction_ended(&mut self) {
        self.transaction = Transaction::Undone;
    }

    /// Runs `work` all or nothing: in a savepoint of the open transaction, or in a transaction of its own.
    pub fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, DbError>) -> Result<T, DbError> {
        self.live()?;
        if !self.in_transaction() {
            self.begin(TransactionMode::Write)?;
            return match work(self) {
                Ok(value) => self.commit().map(|()| value),
                Err(error) => {
                    // The error tells more than one of undoing, which only happens with the connection gone.
                    let _ = self.rollback();
                    Err(error)
                }
            };
        }
        self.run("SAVEPOINT lapjoint_step")?;
        match work(self) {
            Ok(value) => self.run("RELEASE SAVEPOINT lapjoint_step").map(|()| value),
            Err(error) => {
                if self.in_transaction() {
                    self.run("ROLLBACK TO SAVEPOINT lapjoint_step; RELEASE SAVEPOINT lapjoint_step")?;
                }
                Err(error)
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end_session();
        self.let_go();
    }
}
