//! The connection over time: transactions, what happens when it breaks, and in a forked process.

use std::time::{Duration, Instant};

use futures_util::future::join;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::Type;

use crate::adapter::TransactionMode;
use crate::error::DbError;
use crate::postgres::errors::{self, Failure, Hitch, Place};
use crate::postgres::server::{Server, behind};
use crate::postgres::session::Sessions;
use crate::server::ServerOptions;

/// How long a commit whose connection broke is asked after.
const ASKING: Duration = Duration::from_secs(10);

/// Time between two questions.
const ASKING_AGAIN: Duration = Duration::from_millis(50);

const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

const SAVE: &str = "SAVEPOINT lapjoint_step";
const SAVE_AGAIN: &str = "RELEASE SAVEPOINT lapjoint_step; SAVEPOINT lapjoint_step";
const RELEASE: &str = "RELEASE SAVEPOINT lapjoint_step";
const UNDO: &str = "ROLLBACK TO SAVEPOINT lapjoint_step";

/// Yields the number of the open transaction, or null while it has written nothing.
const TRANSACTION_ID: &str = "SELECT pg_catalog.pg_current_xact_id_if_assigned()::text";

const CLOSED: DbError = DbError::Transaction("the connection is closed");

/// What is known of a transaction.
#[derive(Debug, Default)]
struct Open {
    /// Of this adapter, around one call, and not of its user.
    own: bool,
    /// Whether it only reads.
    reads: bool,
    /// Statement that the next one goes behind: a BEGIN that is not sent yet.
    prefix: Option<&'static str>,
    /// Whether the savepoint is set.
    saved: bool,
    /// Within a piece of work that is undone as a whole.
    whole: bool,
    /// The server has given it up, and only a rollback is left.
    failed: bool,
    /// Its number; known once it has written.
    id: Option<String>,
}

/// A connection that is opened again when it broke outside of a transaction.
pub(crate) struct Link {
    options: ServerOptions,
    server: Option<Server>,
    sessions: Sessions,
    process: u32,
    closed: bool,
    /// Broken, and not to be opened again.
    given_up: bool,
    transaction: Option<Open>,
    /// A transaction of the user's ended with its connection, and he has not rolled it back yet.
    ended: bool,
    /// The last violated foreign key, to be looked up once the transaction can be used again.
    violation: Option<Violation>,
    /// What another attempt may do better than the last statement.
    hitch: Option<Hitch>,
}

/// A violated foreign key as the server reports it.
#[derive(Debug)]
pub(crate) struct Violation {
    /// Schema, table and name of the constraint.
    pub constraint: [String; 3],
    pub message: String,
    pub detail: String,
}

impl Link {
    pub fn open(options: &ServerOptions, sessions: Sessions) -> Result<Self, DbError> {
        let mut link = Self::new(options, sessions);
        link.server = Some(Server::open(options, link.sessions.id())?);
        Ok(link)
    }

    /// A link that connects when it is first used.
    pub fn new(options: &ServerOptions, sessions: Sessions) -> Self {
        Self {
            options: options.clone(),
            server: None,
            sessions,
            process: std::process::id(),
            closed: false,
            given_up: false,
            transaction: None,
            ended: false,
            violation: None,
            hitch: None,
        }
    }

    pub const fn options(&self) -> &ServerOptions {
        &self.options
    }

    pub fn session(&self) -> &str {
        self.sessions.id()
    }

    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Closes the connection for good.
    pub fn close(&mut self) {
        self.closed = true;
        let in_transaction = self.transaction.take().is_some();
        self.ended = false;
        let Some(server) = self.server.take() else { return };
        if self.process == std::process::id() {
            server.close(in_transaction);
        } else {
            // The socket is the parent's: a farewell would end its session.
            std::mem::forget(server);
        }
    }

    /// Makes the connection usable in this process, and opens it again where it is known to be broken.
    pub fn live(&mut self) -> Result<(), DbError> {
        if self.closed {
            return Err(CLOSED);
        }
        let process = std::process::id();
        if self.process != process {
            if self.transaction.is_some() {
                return Err(DbError::Transaction(
                    "a transaction that was open when the process forked belongs to the parent process; roll it back \
                     here before the connection is used",
                ));
            }
            // Neither the socket nor the runtime may be touched here.
            std::mem::forget(self.server.take());
            self.process = process;
            self.given_up = false;
        }
        if self.server.as_ref().is_some_and(Server::is_gone) {
            let error = DbError::Lost {
                product: crate::postgres::PRODUCT,
                message: "the server closed it".to_owned(),
                outcome_unknown: false,
            };
            let in_transaction = self.transaction.is_some();
            self.broke();
            if in_transaction || !self.options.reconnect {
                return Err(error);
            }
        }
        if self.given_up {
            return Err(DbError::Lost {
                product: crate::postgres::PRODUCT,
                message: "it is not to be opened again".to_owned(),
                outcome_unknown: false,
            });
        }
        if self.server.is_none() {
            self.server = Some(Server::open(&self.options, self.sessions.id())?);
        }
        Ok(())
    }

    pub fn server(&self) -> Result<&Server, DbError> {
        self.server.as_ref().ok_or(CLOSED)
    }

    pub fn server_mut(&mut self) -> Result<&mut Server, DbError> {
        self.server.as_mut().ok_or(CLOSED)
    }

    /// Forgets a broken connection, and the transaction that ended with it.
    pub fn broke(&mut self) {
        self.server = None;
        if let Some(open) = self.transaction.take() {
            self.ended = !open.own;
        }
        self.given_up = !self.options.reconnect;
    }

    /// Whether a statement that met this failure may be sent once more. Notices a broken connection.
    pub fn may_repeat(&mut self, failure: &Failure) -> bool {
        if !failure.is_lost() {
            return false;
        }
        let outside = self.transaction.is_none();
        self.broke();
        outside && self.options.reconnect && self.live().is_ok()
    }

    /// The statement that has to go before the next one.
    pub fn prefix(&mut self) -> Option<&'static str> {
        let open = self.transaction.as_mut()?;
        if open.own || open.whole {
            return open.prefix.take();
        }
        Some(if std::mem::replace(&mut open.saved, true) { SAVE_AGAIN } else { SAVE })
    }

    /// Whether the number of the transaction is still to be asked for when it writes.
    pub fn wants_id(&self) -> bool {
        self.transaction.as_ref().is_some_and(|open| open.id.is_none())
    }

    pub fn set_id(&mut self, id: Option<String>) {
        if let (Some(open), Some(id)) = (self.transaction.as_mut(), id) {
            open.id = Some(id);
        }
    }

    /// Gives up the own savepoint, so that one of the user's can follow, or be gone back to. What it is released with goes
    /// before the next statement.
    pub fn release(&mut self) -> Option<&'static str> {
        let open = self.transaction.as_mut()?;
        std::mem::take(&mut open.saved).then_some(RELEASE)
    }

    /// After a failed statement: undoes it, so that the transaction can go on.
    pub fn recover(&mut self, failure: &Failure) {
        if failure.is_lost() {
            self.broke();
            return;
        }
        let undo = self.transaction.as_ref().is_some_and(|open| !open.own && !open.whole && open.saved);
        // What the driver refused has not reached the server; undoing nothing does no harm.
        if undo {
            self.undo();
        }
    }

    /// Goes back to the savepoint.
    fn undo(&mut self) {
        if let Err(failure) = self.batch(UNDO) {
            if failure.is_lost() {
                self.broke();
            } else if let Some(open) = &mut self.transaction {
                open.failed = true;
            }
        }
    }

    /// Undoes and maps.
    pub fn fail(&mut self, failure: Failure, place: &Place<'_>) -> DbError {
        self.recover(&failure);
        self.hitch = failure.hitch();
        self.violation =
            failure.server().filter(|error| matches!(error.code().code(), "23503" | "23001")).map(|error| {
                let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
                Violation {
                    constraint: [part(error.schema()), part(error.table()), part(error.constraint())],
                    message: error.message().to_owned(),
                    detail: part(error.detail()),
                }
            });
        failure.map(place)
    }

    pub const fn take_hitch(&mut self) -> Option<Hitch> {
        self.hitch.take()
    }

    pub const fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// Runs SQL without parameters and result, which goes to the server as it is.
    fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        let server = self.server()?;
        let client = server.client()?;
        server.on(client.batch_execute(sql))?.map_err(Failure::from)
    }

    /// Runs SQL that this adapter wrote: one or several statements without parameters and result.
    pub fn run(&mut self, sql: &str) -> Result<(), DbError> {
        let prefix = self.prefix();
        let server = self.server()?;
        let client = server.client()?;
        let done = server.on(behind(client, prefix, async { Ok(client.batch_execute(sql).await?) }))?;
        done.map_err(|failure| self.fail(failure, &Place::sql(sql)))
    }

    /// Runs one statement that holds SQL of a definition: the server refuses a second statement in it.
    pub fn run_one(&mut self, sql: &str) -> Result<(), DbError> {
        let prefix = self.prefix();
        let server = self.server()?;
        let client = server.client()?;
        let done = server.on(behind(client, prefix, async { Ok(client.execute_typed(sql, &[]).await?) }))?;
        done.map(drop).map_err(|failure| self.fail(failure, &Place::sql(sql)))
    }

    /// Rows of a query of this adapter with text parameters; repeated once when the connection was lost.
    pub fn rows(&mut self, sql: &str, parameters: &[&str]) -> Result<Vec<tokio_postgres::Row>, DbError> {
        self.live()?;
        loop {
            let known = self.server_mut()?.statements().get(sql);
            let prefix = self.prefix();
            let server = self.server()?;
            let client = server.client()?;
            let work = async {
                let statement = match known {
                    Some(statement) => statement,
                    None => client.prepare_typed(sql, &vec![Type::TEXT; parameters.len()]).await?,
                };
                let given: Vec<_> = parameters
                    .iter()
                    .map(|text| text as &(dyn tokio_postgres::types::ToSql + Sync))
                    .collect();
                let rows = client.query(&statement, &given).await?;
                Ok((rows, statement))
            };
            match server.on(behind(client, prefix, work))? {
                Ok((rows, statement)) => {
                    self.server_mut()?.statements().keep(sql.to_owned(), statement);
                    return Ok(rows);
                }
                Err(failure) => {
                    if !self.may_repeat(&failure) {
                        return Err(self.fail(failure, &Place::sql(sql)));
                    }
                }
            }
        }
    }

    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    pub fn begin(&mut self, mode: TransactionMode) -> Result<(), DbError> {
        if self.transaction.is_some() {
            return Err(DbError::Transaction("a transaction is already open; transactions do not nest"));
        }
        self.ended = false;
        self.live()?;
        let sql = match mode {
            // The snapshot is taken by the first statement, and has to be of this moment.
            TransactionMode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT 1",
            TransactionMode::Write => BEGIN_WRITE,
            TransactionMode::User => "BEGIN",
        };
        loop {
            match self.batch(sql) {
                Ok(()) => break,
                Err(failure) if self.may_repeat(&failure) => {}
                Err(failure) => return Err(failure.map(&Place::sql(sql))),
            }
        }
        self.transaction = Some(Open { reads: mode == TransactionMode::Read, ..Open::default() });
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), DbError> {
        let Some(open) = self.transaction.take() else {
            let was_open = std::mem::take(&mut self.ended);
            return Err(DbError::Transaction(if was_open {
                "the transaction ended with its connection; nothing of it was kept"
            } else {
                "no transaction is open"
            }));
        };
        if open.prefix.is_some() {
            return Ok(());
        }
        if open.failed {
            self.roll_back()?;
            return Err(DbError::Transaction(
                "the transaction was rolled back by the database after an error",
            ));
        }
        let server = self.server()?;
        let client = server.client()?;
        let ask = open.id.is_none() && !open.reads;
        let (id, committed) = server.on(async {
            if ask {
                // Something may have written that does not look like it.
                let (id, committed) =
                    join(client.simple_query(TRANSACTION_ID), client.batch_execute("COMMIT")).await;
                (id.map(|rows| first_text(&rows)), committed)
            } else {
                (Ok(open.id.clone()), client.batch_execute("COMMIT").await)
            }
        })?;
        let Err(error) = committed else { return Ok(()) };
        let failure = Failure::from(error);
        if !failure.is_lost() {
            return Err(failure.map(&Place::sql("COMMIT")));
        }
        self.broke();
        match id {
            // Nothing was written, so that nothing can be missing.
            Ok(None) => Ok(()),
            Ok(Some(id)) => self.ask_after(&id, &failure),
            Err(_) => Err(errors::lost(&failure, true)),
        }
    }

    /// Finds out whether a transaction whose connection broke was committed.
    fn ask_after(&mut self, id: &str, failure: &Failure) -> Result<(), DbError> {
        let deadline = Instant::now() + ASKING;
        loop {
            let asked = Server::open(&self.options, self.sessions.id()).and_then(|server| {
                let client = server.client()?;
                let sql = "SELECT pg_catalog.pg_xact_status($1::text::xid8)";
                let rows = server.on(client.query_typed(sql, &[(&id, Type::TEXT)]))?;
                let status = rows
                    .and_then(|rows| rows.first().map_or(Ok(None), |row| row.try_get::<_, Option<String>>(0)))
                    .map_err(|error| Failure::from(error).map(&Place::sql(sql)))?;
                Ok((server, status))
            });
            match asked {
                Ok((server, status)) => {
                    let answer = match status.as_deref() {
                        Some("committed") => Some(Ok(())),
                        Some("aborted") => Some(Err(errors::lost(failure, false))),
                        // The server has not noticed yet that the connection is gone, or is at the commit.
                        Some("in progress") => None,
                        _ => Some(Err(errors::lost(failure, true))),
                    };
                    if self.options.reconnect {
                        self.server = Some(server);
                    }
                    if let Some(answer) = answer {
                        return answer;
                    }
                }
                Err(error) => tracing::debug!(%error, "the server cannot be asked after a commit"),
            }
            if Instant::now() >= deadline {
                return Err(errors::lost(failure, true));
            }
            self.server = None;
            std::thread::sleep(ASKING_AGAIN);
        }
    }

    pub fn rollback(&mut self) -> Result<(), DbError> {
        let Some(open) = self.transaction.take() else {
            return if std::mem::take(&mut self.ended) {
                Ok(())
            } else {
                Err(DbError::Transaction("no transaction is open"))
            };
        };
        // In a forked process the transaction is the parent's, and stays as it is.
        if self.process != std::process::id() || open.prefix.is_some() {
            return Ok(());
        }
        self.roll_back()
    }

    fn roll_back(&mut self) -> Result<(), DbError> {
        match self.batch("ROLLBACK") {
            Ok(()) => Ok(()),
            Err(failure) => {
                if failure.is_lost() {
                    self.broke();
                }
                Err(failure.map(&Place::sql("ROLLBACK")))
            }
        }
    }

    /// Runs `work` all or nothing: behind a savepoint of the open transaction, or in a transaction of its own. Its BEGIN or
    /// savepoint goes with its first statement; with `first`, before it.
    pub fn write<T>(
        &mut self,
        first: bool,
        work: impl FnOnce(&mut Self) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.live()?;
        if self.transaction.is_none() {
            if first {
                self.begin(TransactionMode::Write)?;
            }
            let prefix = (!first).then_some(BEGIN_WRITE);
            self.transaction = Some(Open { own: true, prefix, ..Open::default() });
            return match work(self) {
                Ok(value) => self.commit().map(|()| value),
                Err(error) => {
                    // Where this fails the connection is gone, and the transaction with it: the first error tells more.
                    if self.transaction.is_some()
                        && let Err(second) = self.rollback()
                    {
                        tracing::debug!(%second, "a rollback failed");
                    }
                    Err(error)
                }
            };
        }
        if self.transaction.as_ref().is_some_and(|open| open.own || open.whole) {
            return work(self);
        }
        let prefix = self.prefix();
        if let Some(open) = &mut self.transaction {
            open.whole = true;
            open.prefix = prefix;
        }
        let begun = if first { self.run("") } else { Ok(()) };
        let done = begun.and_then(|()| work(self));
        let mut sent = false;
        if let Some(open) = &mut self.transaction {
            open.whole = false;
            sent = open.prefix.take().is_none();
            if !sent {
                // Nothing was sent; the savepoint is as it was.
                open.saved = prefix == Some(SAVE_AGAIN);
            }
        }
        if done.is_err() && sent && self.transaction.is_some() {
            self.undo();
        }
        done
    }

    /// As [`write`](Self::write), for work that can be done again: once more when the connection broke before the commit was
    /// sent.
    pub fn write_again<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let outside = self.transaction.is_none();
        match self.write(false, &mut work) {
            Err(DbError::Lost { outcome_unknown: false, .. }) if outside && self.options.reconnect => {
                self.write(false, work)
            }
            other => other,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

/// The first text of a result of the simple protocol.
pub(crate) fn first_text(messages: &[SimpleQueryMessage]) -> Option<String> {
    messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    })
}

/// Sends a change, and behind it the question for the number of its transaction where that is not known.
pub(crate) async fn with_id<T>(
    client: &tokio_postgres::Client,
    ask: bool,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<(T, Option<String>), Failure> {
    if !ask {
        return Ok((work.await?, None));
    }
    let (done, id) = join(work, client.simple_query(TRANSACTION_ID)).await;
    Ok((done?, id.ok().and_then(|rows| first_text(&rows))))
}
