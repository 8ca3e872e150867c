//! One open connection: driver, runtime, and the statements that are prepared on it.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures_util::future::join;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::DbError;
use crate::postgres::connect::{self, Reached};
use crate::postgres::errors::{Failure, Place};
use crate::postgres::{PRODUCT, block, session};
use crate::server::ServerOptions;

/// Statements kept prepared.
const CACHED_STATEMENTS: usize = 256;

/// Longest text of a statement that is kept prepared.
const CACHED_BYTES: usize = 16 << 10;

/// How long a connection may take to say good-bye.
const CLOSING: Duration = Duration::from_secs(1);

/// A connection. Its task runs only while something is waited for, so that the process has no thread more.
pub(crate) struct Server {
    runtime: Option<Runtime>,
    client: Option<Client>,
    task: Option<JoinHandle<()>>,
    tls: Option<MakeRustlsConnect>,
    statements: Statements,
}

impl Server {
    /// Connects, sets what statements rely on, and takes the lock of the session.
    pub fn open(options: &ServerOptions, session: &str) -> Result<Self, DbError> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| DbError::Database {
                product: PRODUCT,
                message: format!("the connection cannot be made: {error}"),
                sql: String::new(),
            })?;
        let Reached { client, task, tls } = connect::connect(&runtime, options)?;
        let server = Self {
            runtime: Some(runtime),
            client: Some(client),
            task: Some(task),
            tls,
            statements: Statements::default(),
        };
        let key = session::session_key(session).unwrap_or_default();
        // Locks are waited for as long as on SQLite, unless the administrator or the user has set a time.
        let sql = format!(
            "SET standard_conforming_strings = on; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; \
             SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
             SELECT pg_catalog.set_config('lock_timeout', '60s', false) \
             WHERE pg_catalog.current_setting('lock_timeout') = '0'; \
             SELECT pg_catalog.pg_advisory_lock_shared({key})"
        );
        let client = server.client()?;
        let started = server
            .on(async { tokio::time::timeout(options.connect_timeout, client.batch_execute(&sql)).await })?;
        match started {
            Ok(Ok(())) => Ok(server),
            Ok(Err(error)) => Err(Failure::from(error).map(&Place::sql(""))),
            Err(_elapsed) => Err(DbError::Unreachable {
                product: PRODUCT,
                address: options.address(crate::postgres::DEFAULT_PORT),
                message: "it took the connection and does not answer".to_owned(),
            }),
        }
    }

    pub fn client(&self) -> Result<&Client, DbError> {
        self.client.as_ref().ok_or(DbError::Transaction("the connection is closed"))
    }

    /// Waits for a future.
    pub fn on<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, DbError> {
        let runtime = self.runtime.as_ref().ok_or(DbError::Transaction("the connection is closed"))?;
        Ok(block::on(runtime, future))
    }

    /// Whether the connection is known to be gone.
    pub fn is_gone(&self) -> bool {
        self.client.as_ref().is_none_or(Client::is_closed)
    }

    pub const fn statements(&mut self) -> &mut Statements {
        &mut self.statements
    }

    /// Asks the server to give up the statement that runs. It may have ended meanwhile, in which case the request hits
    /// nothing, or the next statement: the caller has to look for that.
    pub fn cancel(&self) -> Result<(), DbError> {
        let token = self.client()?.cancel_token();
        let tls = self.tls.clone();
        let asked = self.on(async move {
            match tls {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            }
        })?;
        asked.map_err(|error| Failure::from(error).map(&Place::sql("")))
    }

    /// Ends the connection; the locks of its session are free when this returns.
    pub fn close(mut self, in_transaction: bool) {
        let (Some(runtime), Some(client), Some(task)) =
            (self.runtime.take(), self.client.take(), self.task.take())
        else {
            return;
        };
        let unlock = "SELECT pg_catalog.pg_advisory_unlock_all()";
        let sql = if in_transaction { format!("ROLLBACK; {unlock}") } else { unlock.to_owned() };
        block::on(&runtime, async move {
            let farewell = async move {
                // What fails here is undone by the server once it finds the connection closed.
                let _ = client.batch_execute(&sql).await;
                drop(client);
                let _ = task.await;
            };
            let _ = tokio::time::timeout(CLOSING, farewell).await;
        });
        runtime.shutdown_background();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.client = None;
        self.task = None;
        if let Some(runtime) = self.runtime.take() {
            // Dropping it in the usual way is refused inside of another runtime.
            runtime.shutdown_background();
        }
    }
}

/// Sends `prefix`, if there is one, and `work` without waiting in between. The messages go out in this order.
pub(crate) async fn behind<T>(
    client: &Client,
    prefix: Option<&str>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match prefix {
        None => work.await,
        Some(sql) => {
            let (before, done) = join(client.batch_execute(sql), work).await;
            before?;
            done
        }
    }
}

/// Prepared statements, the least used of which are given up.
#[derive(Default)]
pub(crate) struct Statements {
    prepared: HashMap<String, (Statement, u64)>,
    clock: u64,
}

impl Statements {
    pub fn get(&mut self, key: &str) -> Option<Statement> {
        self.clock += 1;
        let (statement, used) = self.prepared.get_mut(key)?;
        *used = self.clock;
        Some(statement.clone())
    }

    pub fn keep(&mut self, key: String, statement: Statement) {
        // Long texts hold many literals, and come once.
        if key.len() > CACHED_BYTES {
            return;
        }
        if self.prepared.len() >= CACHED_STATEMENTS && !self.prepared.contains_key(&key) {
            let oldest = self.prepared.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.prepared.remove(&oldest);
            }
        }
        self.prepared.insert(key, (statement, self.clock));
    }

    /// Gives up the statements over tables, of which some have changed; those over the catalogue stay what they are.
    pub fn forget_tables(&mut self) {
        self.prepared.retain(|sql, _| sql.contains("pg_catalog."));
    }

    /// Gives up all statements: tables that they read have changed.
    pub fn clear(&mut self) {
        self.prepared.clear();
    }
}
